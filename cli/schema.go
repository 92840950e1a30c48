package cli

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	yaml "go.yaml.in/yaml/v4"

	"lom/many"
	"lom/render"
)

// newSchema makes the command that prints schemas.
func newSchema(a *App) *cobra.Command {
	cmd := leaf(a, "schema [COMMAND...]",
		"Print the JSON Schema of what a command prints with -o json", nil)
	cmd.Long = `Print the JSON Schema (draft 2020-12) of what a command prints with -o json on one host, such as
"lom schema sensor list"; with --hosts-form, of the object that it prints for each of many hosts.
Without a command, list the commands that have one, and the others with the reason.`
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && args[0] == "help" {
			return cmd.Help()
		}
		return runSchema(a, cmd.Root(), args)
	}
	a.returns(cmd, result{Reason: "prints a schema"})
	return withoutHost(cmd)
}

// A schemaLine is a command of the list that schema prints.
type schemaLine struct {
	Command string `json:"command"`
	Result  string `json:"result,omitempty"` // the name of its type
	Reason  string `json:"reason,omitempty"` // why it has none
}

var schemaLines = render.View[[]schemaLine]{Text: func(p *render.Printer, list []schemaLine) {
	for _, l := range list {
		p.Printf("%-36s %s\n", l.Command, l.Result+choose(l.Reason == "", "", "- ("+l.Reason+")"))
	}
}}

func runSchema(a *App, root *cobra.Command, args []string) error {
	if len(args) == 0 {
		var list []schemaLine
		for _, c := range leaves(root) {
			r := a.results[c]
			list = append(list, schemaLine{commandName(c), r.name(), r.Reason})
		}
		return render.Show(a.printer(a.Out), schemaLines, list)
	}
	cmd, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		return fmt.Errorf("there is no command %q; \"lom schema\" lists those that have a schema",
			strings.Join(args, " "))
	}
	r, ok := a.results[cmd]
	switch {
	case !ok:
		return fmt.Errorf("%q has no schema; \"lom schema\" lists those that have one",
			commandName(cmd))
	case r.Reason != "":
		return fmt.Errorf("%q has no schema: it %s", commandName(cmd), r.Reason)
	}
	s := r.schema()
	if a.Options.HostsForm {
		s = r.hostSchema(a.Options.Consolidate)
	}
	return render.Show(render.NewPrinter(a.Out, render.Style{Format: render.JSON}),
		render.View[*render.Schema]{}, s)
}

// leaves returns the commands that do something, in the order of their help.
func leaves(c *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	for _, s := range c.Commands() {
		switch {
		case s.Hidden || s.Name() == "help" || s.Name() == "completion":
		case s.HasAvailableSubCommands():
			out = append(out, leaves(s)...)
		default:
			out = append(out, s)
		}
	}
	return out
}

// name names the type of a result.
func (r result) name() string {
	if r.Type == nil {
		return ""
	}
	return choose(r.List, "[]", "") + r.Type.String()
}

// schema returns the schema of what a command prints with -o json on one host.
func (r result) schema() *render.Schema {
	t := r.Type
	if r.List {
		t = reflect.SliceOf(t)
	}
	return render.SchemaOf(t)
}

// hostSchema returns the schema of the object that a command prints with -o json for a host of
// many, or for those with the same result. It has the fields of the result, or "result" if that is
// not an object, and what went wrong, if anything did.
func (r result) hostSchema(consolidated bool) *render.Schema {
	s := r.schema()
	name, names := "host", &render.Schema{Type: "string"}
	if consolidated {
		name, names = "hosts", &render.Schema{Type: "array", Items: names}
	}
	own := *s
	own.Dialect, own.Defs = "", nil
	f := render.SchemaOf(reflect.TypeFor[many.Failure]())
	properties := maps.Clone(f.Defs["Failure"].Properties)
	properties[name] = names
	return &render.Schema{
		Dialect: s.Dialect, Defs: s.Defs, Type: "object", Properties: properties,
		Required: []string{name},
		AnyOf: []*render.Schema{
			{Properties: map[string]*render.Schema{"result": &own}, Required: []string{"result"}},
			&own,
			{Required: f.Defs["Failure"].Required},
		},
	}
}

// encodeYAML makes YAML of JSON, which is YAML already, in its usual style.
func encodeYAML(json []byte) ([]byte, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(json, &n); err != nil {
		return nil, err
	}
	blockStyle(&n)
	return yaml.Marshal(&n)
}

// notText matches text that a reader of YAML 1.1, such as Python's, takes for a truth value,
// nothing, a number or a time without quotes: off, 1e3, 12:30, 2026-11-27.
var notText = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null|~|[-+.]?[0-9].*|[-+]?\.(inf|nan))$`)

// blockStyle gives a node and all in it the style of a line for each field.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && notText.MatchString(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}
