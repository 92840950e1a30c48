package setup

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// maxShell is more than a file of shell variables has: the parser takes its time.
const maxShell = 1 << 20

// assignments returns the assignments of a shell's text in their order, those of "export" among
// them.
func assignments(text string) (out []*syntax.Assign, err error) {
	if len(text) > maxShell {
		return nil, fmt.Errorf("%d bytes are too much for a file of shell variables", len(text))
	}
	f, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, fmt.Errorf("line %w", err) // "line 3:1: reached EOF without closing quote"
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if len(n.Args) == 0 { // else they hold for that command only
				out = append(out, n.Assigns...)
			}
		case *syntax.DeclClause:
			out = append(out, n.Args...)
		case *syntax.FuncDecl:
			return false
		}
		return true
	})
	return out, nil
}

// shellVariables are the variables that texts of shell set, one text read after the other. Those
// whose value only a running system can tell, such as the output of a command, are unclear.
type shellVariables struct {
	values  map[string]string
	unclear map[string]bool
}

func newShell() shellVariables { return shellVariables{map[string]string{}, map[string]bool{}} }

// read carries out the assignments of a text.
func (v shellVariables) read(text string) error {
	all, err := assignments(text)
	for _, a := range all {
		v.assign(a)
	}
	return err
}

// shell reads files of shell variables, one after the other. One that is not there sets none.
func (t *tree) shell(names ...string) (shellVariables, error) {
	v := newShell()
	for _, name := range names {
		text, _, err := t.text(name)
		if err != nil {
			return v, err
		}
		if err := v.read(text); err != nil {
			return v, fmt.Errorf("%s cannot be read by a shell: %w", name, err)
		}
	}
	return v, nil
}

// assign carries out one assignment.
func (v shellVariables) assign(a *syntax.Assign) {
	if a.Name == nil || a.Naked {
		return
	}
	key := a.Name.Value
	value, ok := "", a.Array == nil && a.Index == nil
	if ok && a.Value != nil {
		syntax.Walk(a.Value, func(n syntax.Node) bool {
			if p, is := n.(*syntax.ParamExp); is && p.Param != nil && v.unclear[p.Param.Value] {
				ok = false
			}
			return true
		})
		var err error
		known := func(name string) string { return v.values[name] }
		value, err = expand.Literal(&expand.Config{Env: expand.FuncEnviron(known)}, a.Value)
		ok = ok && err == nil
	}
	if a.Append {
		ok = ok && !v.unclear[key]
		value = v.values[key] + value
	}
	v.values[key], v.unclear[key] = value, !ok
}

// get returns the value of a variable, "" if it is not set.
func (v shellVariables) get(key string) (string, error) {
	if v.unclear[key] {
		return "", fmt.Errorf("what %s is cannot be told without running commands; set it by hand",
			key)
	}
	return v.values[key], nil
}

// has reports whether a variable is set.
func (v shellVariables) has(key string) bool {
	_, ok := v.values[key]
	return ok
}

// assigns reports whether a text of shell sets a variable.
func assigns(text, key string) bool {
	v := newShell()
	return v.read(text) == nil && v.has(key)
}

// setShell returns the text with the variable set: in place of its last assignment, or at the end.
// Everything else stays as it is.
func setShell(text, key, value string) (string, error) {
	all, err := assignments(text)
	if err != nil {
		return "", err
	}
	line := key + "=" + shellQuoted(value)
	for i := len(all) - 1; i >= 0; i-- {
		if a := all[i]; a.Name != nil && !a.Naked && a.Name.Value == key {
			return text[:a.Pos().Offset()] + line + text[a.End().Offset():], nil
		}
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + "\n", nil
}

// shellQuoted returns a value as a shell reads it back.
func shellQuoted(value string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("_./:,-", r)
	}
	if value != "" && strings.IndexFunc(value, func(r rune) bool { return !plain(r) }) < 0 {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(value) +
		`"`
}

// unitValue returns the last value that a systemd unit gives to a key, as it stands there.
func unitValue(text, key string) (value string, found bool) {
	for l := range strings.SplitSeq(text, "\n") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), key+"="); ok {
			value, found = strings.TrimSpace(v), true
		}
	}
	return value, found
}
