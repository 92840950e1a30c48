package cli

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lom/machine"
)

// All results of the command tree follow the rules of package machine for names.
func TestResultNames(t *testing.T) {
	app := newApp("lom", nil, io.Discard, io.Discard)
	n := nameRules{seen: map[reflect.Type]bool{}}
	for _, cmd := range leaves(newRoot(app)) {
		if r := app.results[cmd]; r.Type != nil {
			n.walk(r.Type)
		}
	}
	if len(n.seen) < 20 {
		t.Errorf("%d types seen, want all of the tree", len(n.seen))
	}
	for _, f := range n.faults {
		t.Error(f)
	}
}

// The rules refuse what they are there to refuse.
func TestResultNamesAreChecked(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{struct {
			A int `json:"currentWatts"`
		}{}, "not lower_snake_case"},
		{struct{ A int }{}, "no name"},
		{struct {
			A int `json:"current_w"`
		}{}, `"w" is not in UnitSuffixes`},
		{struct {
			A int `json:"seconds_left"`
		}{}, "the unit is not the last word"},
		{struct {
			A string `json:"timeout_seconds"`
		}{}, "is not a number"},
		{struct {
			A time.Duration `json:"timeout"`
		}{}, "a duration"},
		{struct {
			A string `json:"enabled"`
		}{}, "is not a boolean"},
		{struct {
			A string `json:"state" enum:"yes,no"`
		}{}, "is a boolean in words"},
		{struct {
			A string `json:"last_update_time"`
		}{}, "is not a time"},
		{struct {
			A time.Time `json:"time"`
		}{}, "is not omitzero"},
		{struct {
			A *int `json:"limit_watts"`
		}{}, "is not omitempty"},
		{struct {
			A []byte `json:"data"`
		}{}, "not hexadecimal"},
		{struct {
			A string `json:"state" enum:"OK,bad"`
		}{}, `"OK" is not lower-case`},
		{struct {
			A any `json:"value"`
		}{}, "of any type"},
		{struct {
			A []struct {
				B string `json:"enabled"`
			} `json:"list"`
		}{}, "is not a boolean"},
	} {
		n := nameRules{seen: map[reflect.Type]bool{}}
		n.walk(reflect.TypeOf(c.value))
		if got := strings.Join(n.faults, "; "); !strings.Contains(got, c.want) {
			t.Errorf("%T: got %q, want %q", c.value, got, c.want)
		}
	}
}

var (
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	enumWord  = regexp.MustCompile(`^[a-z0-9]+([-_.][a-z0-9]+)*$`)
	timeName  = regexp.MustCompile(`(^|_)(time|timestamp|date)$`)
	boolName  = regexp.MustCompile(`^(is|has|can)_|(^|_)(enabled|disabled|supported|present)$`)

	// wrongUnits are units that have a better spelling in UnitSuffixes.
	wrongUnits = strings.Fields("s sec secs second ms msec min mins minute h hrs hour w mw watt " +
		"volt v mv amp amps a ma " +
		"ampere c degrees_c deg kb mb byte bit bits bps baud pct hz rpm")
	// booleanWords are enumerations that are booleans.
	booleanWords = []string{"yes", "no", "true", "false", "enabled", "disabled", "on", "off"}
)

// nameRules collects what is against the rules.
type nameRules struct {
	seen   map[reflect.Type]bool
	faults []string
}

// walk looks at a type and all that it holds.
func (n *nameRules) walk(t reflect.Type) {
	switch {
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice, t.Kind() == reflect.Array,
		t.Kind() == reflect.Map:
		n.walk(t.Elem())
		return
	case t.Kind() != reflect.Struct || n.seen[t]:
		return
	case strings.HasPrefix(t.Name(), "OneOrList["):
		n.walk(t.Field(0).Type)
		return
	case marshals(t):
		return
	}
	n.seen[t] = true
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if f.Anonymous && name == "" {
			n.walk(f.Type)
			continue
		}
		for _, fault := range fieldFaults(f, name, options) {
			n.faults = append(n.faults, fmt.Sprintf("%s.%s (%s): %s", t, f.Name, name, fault))
		}
		n.walk(f.Type)
	}
}

// marshals reports whether a type makes its JSON itself.
func marshals(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[json.Marshaler]()) ||
		t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// fieldFaults returns what is against the rules in a field.
func fieldFaults(f reflect.StructField, name, options string) (faults []string) {
	add := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
	pointer := f.Type.Kind() == reflect.Pointer
	inner := f.Type
	for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice && !marshals(inner) {
		inner = inner.Elem()
	}
	isTime, number := inner == reflect.TypeFor[time.Time](),
		inner.Kind() >= reflect.Int && inner.Kind() <= reflect.Float64
	words := strings.Split(name, "_")
	last := words[len(words)-1]
	unit, elsewhere := "", false
	for _, u := range machine.UnitSuffixes {
		if name == u || strings.HasSuffix(name, "_"+u) {
			unit = u
		}
		elsewhere = elsewhere || slices.Contains(words[:len(words)-1], u)
	}
	add(name == "", "there is no name for JSON")
	add(name != "" && !snakeCase.MatchString(name), "the name is not lower_snake_case")
	add(number && slices.Contains(wrongUnits, last) && unit == "", "%q is not in UnitSuffixes",
		last)
	add(elsewhere, "the unit is not the last word")
	add(unit != "" && !number && inner.Kind() != reflect.Struct,
		"it has a unit and is not a number")
	add(inner == reflect.TypeFor[time.Duration](), "a duration has no unit in JSON")
	add(boolName.MatchString(name) && f.Type.Kind() != reflect.Slice &&
		inner.Kind() == reflect.String,
		"it is not a boolean")
	add(timeName.MatchString(name) && !isTime && inner.Kind() != reflect.Struct, "it is not a time")
	add(isTime && !pointer && !strings.Contains(options, "omitzero"),
		"a time that may be unknown is not omitzero")
	add(pointer && !optional, "it is not omitempty or omitzero, so it may be null")
	add(f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Uint8 &&
		!marshals(f.Type), "bytes are not hexadecimal text")
	add(inner.Kind() == reflect.Interface, "it is of any type")
	if enum := f.Tag.Get("enum"); enum != "" {
		list := strings.Split(enum, ",")
		for _, w := range list {
			add(!enumWord.MatchString(w), "%q is not lower-case", w)
		}
		add(!slices.ContainsFunc(list, func(w string) bool {
			return !slices.Contains(booleanWords, w)
		}), "it is a boolean in words")
	}
	return faults
}
