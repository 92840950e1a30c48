package render

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
)

// A View is how results of type T are shown.
type View[T any] struct {
	Text    func(p *Printer, v T) // as ipmitool prints it
	Plain   func(p *Printer, v T) // as ipmitool's -c prints it; nil: -c changes nothing
	Columns []string              // of tables, by their names in JSON; nil: all that are no objects
}

// print prints one value in ipmitool's form.
func (v View[T]) print(p *Printer, value T) {
	if p.Format == Plain && v.Plain != nil {
		v.Plain(p, value)
		return
	}
	v.Text(p, value)
}

// Show prints one result. It is buffered, so that a failing JSON encoder leaves nothing half
// printed.
func Show[T any](p *Printer, view View[T], value T) error {
	var b bytes.Buffer
	inner := &Printer{Style: p.Style, w: &b}
	var err error
	switch p.Format {
	case Text, Plain:
		view.print(inner, value)
	case Table, CSV:
		err = inner.table(view.Columns, rowsOf(value))
	default:
		err = inner.encode(value)
	}
	if err != nil {
		return err
	}
	p.Write(b.Bytes())
	return p.err
}

// Stream prints the results of a sequence, each as it comes where the form allows it. Errors of
// the sequence do not end it; they are returned together when it has ended.
func Stream[T any](p *Printer, view View[T], seq iter.Seq2[T, error]) error {
	var errs []error
	values := func(yield func(T) bool) {
		for v, err := range seq {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if !yield(v) {
				return
			}
		}
	}
	err := stream(p, view, values, func() bool { return len(errs) > 0 })
	return errors.Join(append(errs, err)...)
}

// stream prints values. failed reports whether the sequence has had an error: then JSON without
// values is nothing, because an empty array says that there are none.
func stream[T any](p *Printer, view View[T], values iter.Seq[T], failed func() bool) error {
	switch p.Format {
	case Text, Plain:
		for v := range values {
			view.print(p, v)
			if p.err != nil {
				break
			}
		}
		return p.err
	case NDJSON:
		for v := range values {
			if err := p.line(v); err != nil {
				return err
			}
		}
		return p.err
	case JSON:
		return array(p, values, failed)
	}
	all := []T{}
	for v := range values {
		all = append(all, v)
	}
	return Show(p, View[[]T]{Columns: view.Columns}, all)
}

// array prints a JSON array element by element, in the form that Show gives one.
func array[T any](p *Printer, values iter.Seq[T], failed func() bool) error {
	w := bufio.NewWriter(p)
	first := true
	for v := range values {
		b, err := marshal(v, "  ")
		if err != nil {
			return err
		}
		fmt.Fprint(w, choose(first, "[\n  ", ",\n  "))
		w.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\n  ")))
		first = false
	}
	switch {
	case !first:
		fmt.Fprint(w, "\n]\n")
	case !failed():
		fmt.Fprint(w, "[]\n")
	}
	return errors.Join(w.Flush(), p.err)
}

// encode prints a value as JSON, NDJSON or YAML.
func (p *Printer) encode(v any) error {
	switch p.Format {
	case NDJSON:
		return p.lines(v)
	case YAML:
		b, err := marshal(v, "")
		if err != nil {
			return err
		}
		if p.Encode == nil {
			return errors.New("YAML: the Printer has no encoder")
		}
		if b, err = p.Encode(b); err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
		_, err = p.Write(b)
		return err
	}
	b, err := marshal(v, "  ")
	if err != nil {
		return err
	}
	_, err = p.Write(append(b, '\n'))
	return err
}

// lines prints the elements of a list a line each, and another value on one line.
func (p *Printer) lines(v any) error {
	list := listOf(v)
	if list == nil {
		return p.line(v)
	}
	for _, e := range list {
		if err := p.line(e); err != nil {
			return err
		}
	}
	return p.err
}

// line prints one value as JSON on a line.
func (p *Printer) line(v any) error {
	b, err := marshal(v, "")
	if err != nil {
		return err
	}
	_, err = p.Write(append(b, '\n'))
	return err
}

// marshal makes JSON without escapes for HTML and without a line break at its end.
func marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", indent)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// OneOrList is the result of a command that shows one thing or a list, as its words say. In JSON it
// is the value itself, or an array.
type OneOrList[T any] struct {
	Values []T
	List   bool
}

// MarshalJSON returns the value, or the array.
func (o OneOrList[T]) MarshalJSON() ([]byte, error) {
	if o.List || len(o.Values) != 1 {
		return marshal(append([]T{}, o.Values...), "")
	}
	return marshal(o.Values[0], "")
}

// variants are the types of its JSON, for the schema.
func (o OneOrList[T]) variants() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[T](), reflect.TypeFor[[]T]()}
}

// Done is the result of a command that changes something and has no more to say than that it is
// done.
type Done struct {
	Done    bool   `json:"done"`
	Message string `json:"message,omitempty"` // ipmitool's sentence
}

// DoneOrList prints the sentences of a command that changes one thing, or several.
var DoneOrList = View[OneOrList[Done]]{
	Text: func(p *Printer, v OneOrList[Done]) { each(p, v.Values, DoneView.Text) },
}

// DoneView prints the sentence.
var DoneView = View[Done]{Text: func(p *Printer, d Done) {
	if d.Message != "" {
		p.Println(d.Message)
	}
}}
