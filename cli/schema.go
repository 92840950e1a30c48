package cli

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/cobra"
	yaml "go.yaml.in/yaml/v4"

	"lom/render"
)

// newSchema makes the command that prints schemas.
func newSchema(a *App) *cobra.Command {
	cmd := leaf(a, "schema [COMMAND...]", "Print the JSON Schema of what a command prints with -o json", nil)
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
		return fmt.Errorf("there is no command %q; \"lom schema\" lists those that have a schema", strings.Join(args, " "))
	}
	r, ok := a.results[cmd]
	switch {
	case !ok:
		return fmt.Errorf("%q has no schema; \"lom schema\" lists those that have one", commandName(cmd))
	case r.Reason != "":
		return fmt.Errorf("%q has no schema: it %s", commandName(cmd), r.Reason)
	}
	return render.Show(render.NewPrinter(a.Out, render.Style{Format: render.JSON}), render.View[*render.Schema]{}, r.schema())
}

// leaves returns the commands that do something, in the order of their help.
func leaves(c *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	for _, s := range c.Commands() {
		switch {
		case s.Hidden || s.Name() == "help" || s.Name() == "completion":
		case s.HasSubCommands():
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

// encodeYAML makes YAML of JSON, which is YAML already, in its usual style.
func encodeYAML(json []byte) ([]byte, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(json, &n); err != nil {
		return nil, err
	}
	blockStyle(&n)
	return yaml.Marshal(&n)
}

// blockStyle gives a node and all in it the style of a line for each field. Text keeps its quotes
// where it would be taken for a number or a word of YAML's without them.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		blockStyle(c)
	}
}
