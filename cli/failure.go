package cli

import (
	"errors"

	"lom/ipmi"
	"lom/render"
)

// A failure is an error in the form that programs read. The fields stand besides those of a result
// where one host of many has printed a part of it.
type failure struct {
	Sentence       string               `json:"error"`
	Code           string               `json:"error_code"` // of ipmi.CauseCode
	CompletionCode *ipmi.CompletionCode `json:"completion_code,omitempty"`
}

// newFailure returns the failure of an error of which a person is told the sentence.
func newFailure(sentence string, err error) failure {
	f := failure{Sentence: sentence, Code: ipmi.CauseCode(err)}
	if code := ipmi.CompletionCode(0); errors.As(err, &code) {
		f.CompletionCode = &code
	}
	return f
}

// failed reports whether there is a failure.
func (f failure) failed() bool { return f.Sentence != "" }

var failureView = render.View[failure]{}

// reportError prints an error as JSON, NDJSON or YAML if the user asked for that. Standard output
// holds one value but for NDJSON: where a part of the result stands there, the error is told on
// standard error only.
func (a *App) reportError(err error) {
	p := a.printer(a.Out)
	switch p.Format {
	case render.JSON, render.YAML:
		if out, ok := a.Out.(*output); ok && out.isUsed() {
			return
		}
	case render.NDJSON:
	default:
		return
	}
	_ = render.Show(p, failureView, newFailure(clipWords(a.explain(err)), err)) // App.Out remembers what goes wrong
}
