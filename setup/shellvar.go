package setup

import (
	"regexp"
	"strings"
)

// variable returns the last value that a file of shell assignments gives to a variable.
func variable(text, key string) (string, bool) {
	value, found := "", false
	for l := range strings.SplitSeq(text, "\n") {
		if v, ok := assignment(l, key); ok {
			value, found = v, true
		}
	}
	return value, found
}

// assignment reads "KEY=value", with or without quotes.
func assignment(line, key string) (string, bool) {
	v, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(line), "export "), key+"=")
	if !ok {
		return "", false
	}
	v = strings.TrimSpace(v)
	if len(v) > 0 && (v[0] == '"' || v[0] == '\'') {
		if i := strings.IndexByte(v[1:], v[0]); i >= 0 {
			return v[1 : 1+i], true
		}
		return v[1:], true
	}
	v, _, _ = strings.Cut(v, " #")
	return strings.TrimSpace(v), true
}

var plainValue = regexp.MustCompile(`^[A-Za-z0-9_./:,-]*$`)

// setVariable returns the lines with the variable set: at its last assignment, or at the end.
func setVariable(lines []string, key, value string) []string {
	quoted := value
	if !plainValue.MatchString(value) || value == "" {
		quoted = `"` + value + `"`
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if _, ok := assignment(lines[i], key); ok {
			lines[i] = key + "=" + quoted
			return lines
		}
	}
	if n := len(lines); n > 0 && lines[n-1] == "" {
		return append(lines[:n-1:n-1], key+"="+quoted, "")
	}
	return append(lines, key+"="+quoted)
}
