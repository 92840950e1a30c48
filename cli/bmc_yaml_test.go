package cli

import (
	"strings"
	"testing"
)

// What is wrong in a file is said by its place, whatever words the reader of YAML has for it.
func TestYAMLErrors(t *testing.T) {
	for text, want := range map[string]string{
		"bmcs:\n- nmae: a\n": `line 2: there is no key "nmae" at this place; remove it, or look for a misspelling`,
		"bmcs:\n- name: a\n  host:\n    exec: {on: [x], of: [y]}\n": `line 4: there is no key "of" at this place; remove it, or look for a misspelling`,
		"'two words': 1\n": `line 1: there is no key "two words" at this place; remove it, or look for a misspelling`,
		"? [a]\n: 1\n":     "line 1: ",
		"count: many\n": "line 1: `many` is not what belongs here; a " +
			"number is wanted",
		"cipher-suites: [3, 300]\n": "line 1: `300` is not what belongs here; a number " +
			"is wanted",
		"cipher-suites: 3\n": "line 1: `3` is not what belongs here; a list is wanted",
		"faults: [{sensor: a, value: hot}]\n": "line 1: `hot` is not what belongs here; a number " +
			"is wanted",
		"still: perhaps\n": "line 1: `perhaps` is not what belongs here; true " +
			"or false is wanted",
		"host:\n  boot-time: soon\n": "line 2: `soon` is not what belongs here; a time " +
			"such as 20s or 1m30s is wanted",
		"host: on\n": "line 1: `on` is not what belongs here; a group " +
			"of keys is wanted",
		"host: [a]\n": "line 1: a list is not what belongs here; a group " +
			"of keys is wanted",
		"bmcs: {a: b}\n": "line 1: a group of keys is not what belongs " +
			"here; a list is wanted",
		"bmcs: [a]\n": "line 1: `a` is not what belongs here; a group of " +
			"keys is wanted",
		"- a\n": "line 1: a list is not what belongs here; a group " +
			"of keys is wanted",
		"just words\n": "line 1: `just words` is not what belongs here; a " +
			"group of keys is wanted",
		"host: {exec: {env: {A: [b]}}}\n": "line 1: a list is not what belongs here; a text " +
			"is wanted",
		"x: &a [1]\n": `line 1: there is no key "x" at this place; remove it, or look for a misspelling`,
		"kg: &a {b: c}\n": "line 1: a group of keys is not what belongs " +
			"here; a text is wanted",
		"count: 1\ncount: 2\n": "line 2: ",
		"count: [1\n":          "line 1: ",
		"count: *nobody\n":     "line 1: ",
		"count: 1\n---\ncount: 2\n": "there is more than one document, the next after " +
			"a line ---; leave one",
		"# nothing\n": "the file is empty; describe at least one BMC, or " +
			"omit --config",
		"\xbf\x00":              "this is no YAML: ",
		"kg: |\n  a\n b\n\tc\n": "line ",
	} {
		_, err := parseRackFile("f", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), "f: "+want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
