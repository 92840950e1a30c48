package setup

import (
	"slices"
	"strings"
)

// rootLogin looks at /etc/securetty, where there is one, and at root's password.
func rootLogin(t *tree, want Line) (Finding, error) {
	const name = "/etc/securetty"
	f := Finding{Layer: "root log-in", Where: name, Says: "root may log in on every line"}
	text, ok, err := t.text(name)
	if err != nil {
		return f, err
	}
	switch {
	case !ok:
		f.Where = ""
	case slices.Contains(strings.Split(text, "\n"), want.Port):
		// PAM wants the line to be nothing else
		f.Says = "root may log in on " + want.Port
	default:
		f.State, f.Says = Missing, "root may not log in on "+want.Port
		_, err = t.edit(name, func(lines []string) []string {
			if n := len(lines); n > 0 && lines[n-1] == "" {
				return slices.Insert(lines, n-1, want.Port)
			}
			return append(lines, want.Port)
		})
	}
	if shadow, ok, serr := t.text("/etc/shadow"); serr == nil && ok {
		for l := range strings.SplitSeq(shadow, "\n") {
			if p, ok := strings.CutPrefix(l, "root:"); ok &&
				(strings.HasPrefix(p, "*") || strings.HasPrefix(p, "!")) {
				f.Says += "; root has no password, though: log in as another user"
			}
		}
	}
	return f, err
}
