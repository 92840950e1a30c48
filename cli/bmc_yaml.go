package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// loadYAML reads a file of one document into a struct, all of whose keys are known. Its error says
// what is wrong in it, where, and what to do.
func loadYAML(data []byte, to any) error {
	l, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	var document, more yaml.Node
	switch err := l.Load(&document); {
	case err == io.EOF:
		return errors.New("the file is empty; describe at least one BMC, or omit --config")
	case err != nil:
		return notYAML(err)
	}
	switch err := l.Load(&more); {
	case err == nil:
		return errors.New("there is more than one document, the next after a line ---; leave one")
	case err != io.EOF:
		return notYAML(err)
	}
	if err = document.Load(to, yaml.WithKnownFields()); err == nil {
		return nil
	}
	at, ok := markOf(err)
	if !ok {
		return notYAML(err)
	}
	p := problem{mark: at}
	p.find(&document, reflect.TypeOf(to).Elem())
	switch {
	case p.node == nil:
		return notYAML(err)
	case p.key:
		return fmt.Errorf("line %d: there is no key %q at this place; remove it, or look for a "+
			"misspelling", at.Line, p.node.Value)
	}
	value := "`" + p.node.Value + "`"
	switch p.node.Kind {
	case yaml.SequenceNode:
		value = "a list"
	case yaml.MappingNode:
		value = "a group of keys"
	}
	return fmt.Errorf("line %d: %s is not what belongs here; %s is wanted", at.Line, value,
		yamlKind(p.wanted))
}

// markOf returns where the first error is.
func markOf(err error) (yaml.Mark, bool) {
	var many *yaml.LoadErrors
	if errors.As(err, &many) && len(many.Errors) > 0 {
		return many.Errors[0].Mark, true
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		return one.Mark, true
	}
	return yaml.Mark{}, false
}

// notYAML is the error of a file that is no YAML, or no good one.
func notYAML(err error) error {
	var one *yaml.LoadError
	if !errors.As(err, &one) {
		return fmt.Errorf("this is no YAML: %w", err)
	}
	line := one.ContextMark.Line // where the list or the text begins that does not end
	if line == 0 {
		line = one.Mark.Line
	}
	if line > 0 {
		return fmt.Errorf("line %d: %s; correct it", line,
			strings.ReplaceAll(one.Message, "\n", " "))
	}
	return fmt.Errorf("this is no YAML: %s", one.Message)
}

// A problem is a place in a document that does not fit the type that it is read into.
type problem struct {
	mark   yaml.Mark
	node   *yaml.Node   // nil: not found
	key    bool         // the node is a key that there is not
	wanted reflect.Type // if it is not
}

// find looks for the place below a node that is read into a type.
func (p *problem) find(n *yaml.Node, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		p.find(n.Content[0], t)
		return
	}
	// A group of keys begins where its first key does.
	if n.Line == p.mark.Line && n.Column == p.mark.Column &&
		(n.Kind != yaml.MappingNode || t.Kind() != reflect.Struct) {
		p.node, p.wanted = n, t
		return
	}
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			if p.find(item, t.Elem()); p.node != nil {
				return
			}
		}
	case n.Kind == yaml.MappingNode && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		for i := 0; i+1 < len(n.Content) && p.node == nil; i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			of, ok := keyType(t, key.Value)
			switch {
			case ok:
				p.find(value, of)
			case key.Line == p.mark.Line && key.Column == p.mark.Column:
				p.node, p.key = key, true
			}
		}
	}
}

// keyType returns the type of what belongs to a key.
func keyType(t reflect.Type, key string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			if of, ok := keyType(f.Type, key); ok {
				return of, true
			}
		} else if name == key && f.IsExported() {
			return f.Type, true
		}
	}
	return nil, false
}

// yamlKind names a Go type in the words of a person who writes YAML.
func yamlKind(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a time such as 20s or 1m30s"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint,
		reflect.Uint8, reflect.Uint16, reflect.Uint32,
		reflect.Uint64, reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a group of keys"
}
