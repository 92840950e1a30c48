package cli

import (
	"fmt"
	"strings"
)

// An iniFile is a file as Python's configparser reads it: keys and values in sections. Keys are in
// lower case.
type iniFile map[string]map[string]string

// parseINI reads such a file. Its error is what is wrong and in which line, without what stands
// there: that may be secret.
func parseINI(data []byte) (iniFile, error) {
	f := iniFile{}
	var section map[string]string
	key, indent := "", 0 // of the key that a line further in goes on with
	for i, line := range strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
		bad := func(problem string) error { return fmt.Errorf("line %d: %s", i+1, problem) }
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		in := len(line) - len(strings.TrimLeft(line, " \t"))
		if key != "" && in > indent {
			section[key] += "\n" + text
			continue
		}
		if text[0] == '[' && strings.Contains(text, "]") {
			name := text[1:strings.LastIndexByte(text, ']')]
			if name == "" || f[name] != nil {
				return nil, bad("a section has a name that no other has")
			}
			section, key = map[string]string{}, ""
			f[name] = section
			continue
		}
		at := strings.IndexAny(text, "=:")
		switch {
		case section == nil:
			return nil, bad("a section such as [VirtualBMC] is to begin before that")
		case at < 0:
			return nil, bad("that is no key = value")
		}
		key, indent = strings.ToLower(strings.TrimSpace(text[:at])), in
		if _, twice := section[key]; twice || key == "" {
			return nil, bad("a key has a name, and is there once")
		}
		section[key] = strings.TrimSpace(text[at+1:])
	}
	return f, nil
}

// get returns a value of a section, or else of [DEFAULT], and whether there is one. A percent sign
// stands there twice.
func (f iniFile) get(section, key string) (value string, ok bool, err error) {
	value, ok = f[section][key]
	if !ok {
		value, ok = f["DEFAULT"][key]
	}
	plain := strings.ReplaceAll(value, "%%", "")
	switch {
	case strings.Contains(plain, "%"):
		return "", ok, fmt.Errorf("%s: a percent sign is written twice, and is nothing else "+
			"here; write %%%%", key)
	case strings.Contains(value, "\n"):
		return "", ok, fmt.Errorf("%s: the value goes on in the next line; leave that out, or "+
			"begin it further left", key)
	}
	return strings.ReplaceAll(value, "%%", "%"), ok, nil
}
