package many

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"lom/hostlist"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// A Failure is an error in the form that programs read. The fields stand besides those of a result
// where one host of many has printed a part of it.
type Failure struct {
	Sentence       string               `json:"error"`
	Code           string               `json:"error_code"` // of ipmi.CauseCode
	CompletionCode *ipmi.CompletionCode `json:"completion_code,omitempty"`
}

// NewFailure returns the failure of an error of which a person is told the sentence.
func NewFailure(sentence string, err error) Failure {
	f := Failure{Sentence: sentence, Code: ipmi.CauseCode(err)}
	if code := ipmi.CompletionCode(0); errors.As(err, &code) {
		f.CompletionCode = &code
	}
	return f
}

// Failed reports whether there is a failure.
func (f Failure) Failed() bool { return f.Sentence != "" }

// A FailureRow is a row of the table of failures.
type FailureRow struct {
	Count  int
	Hosts  string
	Reason string
}

// Failures returns the hosts by the reason why they failed, the most frequent first. why says why
// the host of this name did, and "" of one that did not.
func Failures(names, why []string) []FailureRow {
	hosts := map[string][]string{}
	var reasons []string
	for i, name := range names {
		if why[i] == "" {
			continue
		}
		if hosts[why[i]] == nil {
			reasons = append(reasons, why[i])
		}
		hosts[why[i]] = append(hosts[why[i]], name)
	}
	slices.SortStableFunc(reasons, func(a, b string) int {
		return cmp.Compare(len(hosts[b]), len(hosts[a]))
	})
	rows := make([]FailureRow, len(reasons))
	for i, why := range reasons {
		rows[i] = FailureRow{len(hosts[why]), FoldHosts(hosts[why]), why}
	}
	return rows
}

// WriteFailures writes the table: count, hosts, reason. A reason stands below hosts that need much
// room.
func WriteFailures(b *strings.Builder, rows []FailureRow) {
	const widest = 40
	countWidth, width := 1, 0
	for _, r := range rows {
		countWidth = max(countWidth, len(fmt.Sprint(r.Count)))
		if len(r.Hosts) <= widest {
			width = max(width, len(r.Hosts))
		}
	}
	for _, r := range rows {
		if len(r.Hosts) > widest {
			fmt.Fprintf(b, "  %*d  %s\n  %*s  %-*s  %s\n", countWidth, r.Count, r.Hosts, countWidth,
				"", width, "", r.Reason)
			continue
		}
		fmt.Fprintf(b, "  %*d  %-*s  %s\n", countWidth, r.Count, width, r.Hosts, r.Reason)
	}
}

// FoldHosts writes the hosts of a list for people, the shorter way, and not without end.
func FoldHosts(names []string) string {
	const enough = 400
	s := hostlist.Fold(names)
	if len(s) <= enough {
		return s
	}
	cut := enough
	for cut > 0 && s[cut] != ',' {
		cut--
	}
	return s[:cut] + " and more"
}
