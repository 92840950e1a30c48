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

// makeRows returns the rows of values, and all names that they have.
func makeRows(values []any) (names []string, rows []row, err error) {
	for _, v := range values {
		b, err := marshal(v, "")
		if err != nil {
			return nil, nil, err
		}
		r := row{values: map[string]string{}}
		if len(b) > 0 && b[0] == '{' {
			fields(b, r.add)
		} else {
			r.add("value", b)
		}
		names = addNames(names, r.names)
		rows = append(rows, r)
	}
	return names, rows, nil
}

// addNames appends the names that are not there.
func addNames(names, more []string) []string {
	for _, n := range more {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// table prints rows as a table or as CSV with a header, or gathers them.
func (p *Printer) table(columns []string, values []any) error {
	names, rows, err := makeRows(values)
	switch {
	case err != nil:
		return err
	case p.Rows != nil:
		p.Rows.add(columns, rows)
		return nil
	case p.Columns != nil:
		return p.chosen(names, rows)
	case columns != nil:
		names = columns
	}
	return p.print(names, rows)
}

// chosen prints the columns that the user chose, of those that there are.
func (p *Printer) chosen(names []string, rows []row) error {
	for _, c := range p.Columns {
		if len(rows) > 0 && !slices.Contains(names, c) {
			return fmt.Errorf("there is no column %q; there are %s", c, strings.Join(names, ", "))
		}
	}
	return p.print(p.Columns, rows)
}

// print prints the columns with these names.
func (p *Printer) print(names []string, rows []row) error {
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
