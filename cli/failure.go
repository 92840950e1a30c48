package cli

import (
	"lom/many"
	"lom/render"
)

var failureView = render.View[many.Failure]{}

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
	// App.Out remembers what goes wrong.
	_ = render.Show(p, failureView, many.NewFailure(clipWords(a.explain(err)), err))
}
