package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"lom/internal/plainfmt"
)

// listOf returns the elements of a slice or an array that is a list in JSON, and nil for others.
func listOf(v any) []any {
	if either, ok := v.(interface{ value() any }); ok {
		v = either.value()
	}
	r := reflect.ValueOf(v)
	if _, ok := v.(variants); ok {
		r = r.FieldByName("Values")
	}
	if r.Kind() != reflect.Slice || r.Type().Elem().Kind() == reflect.Uint8 {
		return nil
	}
	list := make([]any, r.Len())
	for i := range list {
		list[i] = r.Index(i).Interface()
	}
	return list
}

// rowsOf returns the rows of a table: the elements of a list, or the value itself.
func rowsOf(v any) []any {
	if list := listOf(v); list != nil {
		return list
	}
	return []any{v}
}

// A row is one object of JSON: its names in their order, and its values.
type row struct {
	names  []string
	values map[string]string
}

// add puts the value of a name into the row, and what is in an object under names with a dot.
func (r *row) add(name string, raw json.RawMessage) {
	if len(raw) > 0 && raw[0] == '{' {
		fields(raw, func(inner string, raw json.RawMessage) { r.add(name+"."+inner, raw) })
		return
	}
	r.names = append(r.names, name)
	r.values[name] = cell(raw)
}

// cell returns a value as it stands in a table.
func cell(raw json.RawMessage) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return string(raw)
	}
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		words := make([]string, len(v))
		for i, e := range v {
			words[i] = fmt.Sprint(e)
		}
		return strings.Join(words, "; ")
	}
	return fmt.Sprint(v)
}

// fields calls f with the fields of a JSON object in their order.
func fields(object []byte, f func(name string, raw json.RawMessage)) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return
	}
	for d.More() {
		name, err := d.Token()
		var raw json.RawMessage
		if err != nil || d.Decode(&raw) != nil {
			return
		}
		f(fmt.Sprint(name), raw)
	}
}

// table prints rows as a table or as CSV with a header.
func (p *Printer) table(columns []string, values []any) error {
	var rows []row
	var names []string
	for _, v := range values {
		b, err := marshal(v, "")
		if err != nil {
			return err
		}
		r := row{values: map[string]string{}}
		if len(b) > 0 && b[0] == '{' {
			fields(b, r.add)
		} else {
			r.add("value", b)
		}
		for _, n := range r.names {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		rows = append(rows, r)
	}
	if p.Columns != nil {
		for _, c := range p.Columns {
			if len(rows) > 0 && !slices.Contains(names, c) {
				return fmt.Errorf("there is no column %q; there are %s", c, strings.Join(names, ", "))
			}
		}
		names = p.Columns
	} else if columns != nil {
		names = columns
	}
	if p.Format == CSV {
		return p.csv(names, rows)
	}
	w := tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)
	head := make([]string, len(names))
	for i, n := range names {
		head[i] = strings.ToUpper(n)
	}
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for _, r := range rows {
		line := make([]string, len(names))
		for i, n := range names {
			line[i] = plainfmt.Line(r.values[n])
		}
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	return w.Flush()
}

func (p *Printer) csv(names []string, rows []row) error {
	w := csv.NewWriter(p)
	_ = w.Write(names)
	for _, r := range rows {
		line := make([]string, len(names))
		for i, n := range names {
			line[i] = plainfmt.Line(r.values[n])
		}
		_ = w.Write(line)
	}
	w.Flush()
	return w.Error()
}
