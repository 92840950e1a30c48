package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rows gathers the rows of tables, to be printed as one table with those of others. A Printer whose
// Style has it prints no table.
type Rows struct {
	columns []string // of the views, where all of them name some
	all     bool     // a view has no columns of its own
	rows    []row
}

func (r *Rows) add(columns []string, rows []row) {
	r.all = r.all || columns == nil
	r.columns = addNames(r.columns, columns)
	r.rows = append(r.rows, rows...)
}

// Len returns how many rows there are.
func (r *Rows) Len() int { return len(r.rows) }

// Key returns a text that is the same for equal rows only.
func (r *Rows) Key() string {
	var b strings.Builder
	for _, row := range r.rows {
		for _, n := range row.names {
			fmt.Fprintf(&b, "%q:%q,", n, row.values[n])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Labelled are the rows of one of several, such as a host.
type Labelled struct {
	Label string
	Rows  *Rows
}

// Gathered prints the rows of several as one table, whose first column, with the given name, has
// the label of each; without a name there is no such column. The columns that the user chose may
// name it too, and so give it another place.
func (p *Printer) Gathered(column string, groups []Labelled) error {
	var names []string
	if column != "" {
		names = []string{column}
	}
	columns, all := slices.Clone(names), false
	var rows []row
	for _, g := range groups {
		all = all || g.Rows.all
		columns = addNames(columns, g.Rows.columns)
		for _, r := range g.Rows.rows {
			names = addNames(names, r.names)
			labelled := row{names: r.names, values: maps.Clone(r.values)}
			labelled.values[column] = g.Label
			rows = append(rows, labelled)
		}
	}
	if p.Columns != nil {
		q := *p
		q.Columns = addNames(nil, p.Columns)
		if column != "" && !slices.Contains(q.Columns, column) {
			q.Columns = append([]string{column}, q.Columns...)
		}
		return q.chosen(names, rows)
	}
	if all {
		columns = names
	}
	return p.print(columns, rows)
}
