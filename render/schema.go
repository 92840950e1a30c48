package render

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// A Schema is a JSON Schema (draft 2020-12), ready to be encoded. The fields are those that results
// need, in the order in which they are printed.
type Schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Format      string             `json:"format,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Additional  *Schema            `json:"additionalProperties,omitempty"`
	AnyOf       []*Schema          `json:"anyOf,omitempty"`
	Defs        map[string]*Schema `json:"$defs,omitempty"`
}

// dialect names the version of JSON Schema.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// SchemaOf returns the schema of the JSON of a type. Field tags say what Go's types do not:
// enum:"on,off,unknown" lists the words of an enumeration, doc:"…" describes a field.
func SchemaOf(t reflect.Type) *Schema {
	s := schemas{defs: map[string]*Schema{}}
	root := s.of(t)
	if len(s.defs) > 0 {
		root.Defs = s.defs
	}
	root.Dialect = dialect
	return root
}

// variants is a type whose JSON is that of one of several types.
type variants interface{ variants() []reflect.Type }

// schemas makes schemas and keeps those of named structs under $defs.
type schemas struct{ defs map[string]*Schema }

var (
	timeType          = reflect.TypeFor[time.Time]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	marshalerType     = reflect.TypeFor[json.Marshaler]()
	variantsType      = reflect.TypeFor[variants]()
)

func (s schemas) of(t reflect.Type) *Schema {
	switch {
	case t == timeType:
		return &Schema{Type: "string", Format: "date-time"}
	case t.Implements(variantsType):
		any := &Schema{}
		for _, v := range reflect.Zero(t).Interface().(variants).variants() {
			any.AnyOf = append(any.AnyOf, s.of(v))
		}
		return any
	case t.Implements(marshalerType) && t.Kind() != reflect.Pointer:
		return &Schema{} // it alone knows
	case t.Implements(textMarshalerType) && t.Kind() != reflect.Pointer:
		return &Schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &Schema{Type: "integer"}
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: "number"}
	case reflect.String:
		return &Schema{Type: "string"}
	case reflect.Pointer:
		return nullable(s.of(t.Elem()))
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return &Schema{Type: "string"} // base64
		}
		return &Schema{Type: "array", Items: s.of(t.Elem())}
	case reflect.Map:
		return &Schema{Type: "object", Additional: s.of(t.Elem())}
	case reflect.Struct:
		return s.structOf(t)
	}
	return &Schema{}
}

// nullable allows null besides.
func nullable(s *Schema) *Schema {
	return &Schema{AnyOf: []*Schema{s, {Type: "null"}}}
}

func (s schemas) structOf(t reflect.Type) *Schema {
	if t.Name() == "" {
		return s.object(t)
	}
	ref := &Schema{Ref: "#/$defs/" + t.Name()}
	if _, done := s.defs[t.Name()]; !done {
		s.defs[t.Name()] = nil // of a type that holds itself
		s.defs[t.Name()] = s.object(t)
	}
	return ref
}

func (s schemas) object(t reflect.Type) *Schema {
	o := &Schema{Type: "object", Properties: map[string]*Schema{}}
	s.fields(o, t)
	return o
}

func (s schemas) fields(o *Schema, t reflect.Type) {
	for f := range t.Fields() {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			s.fields(o, f.Type)
			continue
		case !f.IsExported() || tag == "-":
			continue
		case tag == "":
			tag = f.Name
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		ft := f.Type
		if optional && ft.Kind() == reflect.Pointer {
			ft = ft.Elem() // nil is absent, not null
		}
		p := s.of(ft)
		if words := f.Tag.Get("enum"); words != "" {
			enum := p
			if p.Items != nil {
				enum = p.Items
			}
			enum.Enum = strings.Split(words, ",")
		}
		p.Description = f.Tag.Get("doc")
		o.Properties[tag] = p
		if !optional {
			o.Required = append(o.Required, tag)
		}
	}
}
