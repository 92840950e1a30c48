package many

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"lom/hostlist"
)

// fold puts a host to those with the same output.
func (g *Output) fold(i int) {
	h := &g.hosts[i]
	key := string(h.out)
	if g.form.objects() { // else what failed is told at the end
		key += "\x00" + h.why.Sentence
	}
	group := g.groups[key]
	if group == nil {
		group = &outputGroup{out: h.out, why: h.why}
		g.groups[key] = group
		g.order = append(g.order, group)
	}
	group.hosts = append(group.hosts, i)
	h.out = nil
}

// printGroups prints each output once, that of the first host first. Output of one line has the
// hosts in front; longer output stands below them.
func (g *Output) printGroups() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, group := range g.order {
		slices.Sort(group.hosts)
	}
	slices.SortFunc(g.order, func(a, b *outputGroup) int { return a.hosts[0] - b.hosts[0] })
	var b []byte
	for _, group := range g.order {
		names := make([]string, len(group.hosts))
		for i, h := range group.hosts {
			names[i] = g.names[h]
		}
		switch {
		case g.form == FormNDJSON:
			if b = appendObjects(b, jsonHosts(names), group.out); group.why.Failed() {
				b = appendJSON(b, jsonHosts(names), nil, group.why)
			}
			continue
		case g.form.whole():
			b = g.appendObject(b, jsonHosts(names), group.out, group.why)
			continue
		}
		if len(group.out) == 0 {
			continue
		}
		hosts := hostlist.Fold(names)
		switch {
		case g.form == FormCSV:
			b = appendPrefixed(b, csvField(hosts), FormCSV, group.out)
		case bytes.Count(bytes.TrimSuffix(group.out, []byte("\n")), []byte("\n")) == 0:
			b = appendPrefixed(b, hosts, FormLines, group.out)
		default:
			const rule = "----------------\n"
			b = append(b, rule+hosts+"\n"+rule...)
			b = append(b, bytes.TrimSuffix(group.out, []byte("\n"))...)
			b = append(b, '\n')
		}
	}
	if len(b) > 0 {
		_ = g.screen.WriteOut(b)
	}
}

// csvField puts a field with commas into quotes.
func csvField(s string) string {
	if strings.Contains(s, ",") {
		return `"` + s + `"`
	}
	return s
}

func jsonHost(name string) string     { return `{"host":` + string(jsonText(name)) }
func jsonHosts(names []string) string { return `{"hosts":` + string(jsonText(names)) }
func jsonText(v any) (text []byte) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // texts can always be encoded
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// appendJSON appends the object of a host, of which head is the beginning: the fields of what the
// command printed, or "result" if that is no object, or "results" if it is more than one value; and
// why the command failed.
func appendJSON(dst []byte, head string, out []byte, why Failure) []byte {
	dst = append(dst, head...)
	values, err := jsonValues(out)
	switch {
	case err != nil:
		dst = append(dst, `,"output":`...)
		dst = append(dst, jsonText(string(out))...)
	case len(values) > 1:
		dst = append(dst, `,"results":[`...)
		dst = append(dst, bytes.Join(values, []byte(","))...)
		dst = append(dst, ']')
	case len(values) == 1 && isPlainObject(values[0]):
		if fields := values[0][1 : len(values[0])-1]; len(fields) > 0 {
			dst = append(dst, ',')
			dst = append(dst, fields...)
		}
	case len(values) == 1:
		dst = append(dst, `,"result":`...)
		dst = append(dst, values[0]...)
	}
	if why.Failed() {
		dst = append(dst, ',')
		dst = append(dst, jsonText(why)[1:]...)
		return append(dst, '\n')
	}
	return append(dst, "}\n"...)
}

// appendObject appends the object of a host as JSON, or as a document of YAML.
func (g *Output) appendObject(dst []byte, head string, out []byte, why Failure) []byte {
	if g.form != FormYAML {
		return appendJSON(dst, head, out, why)
	}
	object := appendJSON(nil, head, out, why)
	document, err := g.encode(object)
	if err != nil {
		document = object // which is YAML too
	}
	return append(append(dst, "---\n"...), document...)
}

// encode makes YAML of JSON.
func (g *Output) encode(json []byte) ([]byte, error) { return g.table.Encode(json) }

// appendObjects appends an object for each line of NDJSON.
func appendObjects(dst []byte, head string, lines []byte) []byte {
	for line := range bytes.Lines(lines) {
		dst = appendJSON(dst, head, line, Failure{})
	}
	return dst
}

// jsonValues returns the JSON values of a text, each without blanks.
func jsonValues(text []byte) ([][]byte, error) {
	var values [][]byte
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return nil, err
		}
		values = append(values, b.Bytes())
	}
}

// isPlainObject reports whether a value is an object without the fields that are added to its
// own.
func isPlainObject(value []byte) bool {
	var fields map[string]json.RawMessage
	if value[0] != '{' || json.Unmarshal(value, &fields) != nil {
		return false
	}
	for _, name := range []string{"host", "hosts", "error", "error_code"} {
		if _, ok := fields[name]; ok {
			return false
		}
	}
	return true
}
