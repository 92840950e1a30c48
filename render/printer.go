package render

import (
	"io"
	"time"

	"lom/internal/plainfmt"
)

// A Format is a form of output.
type Format string

// Formats. Text and Plain are ipmitool's; the others are made from the result's type.
const (
	Text   Format = "text"   // as ipmitool prints
	Plain  Format = "plain"  // as ipmitool prints with -c
	JSON   Format = "json"   // one value, indented
	NDJSON Format = "ndjson" // a value a line, each as soon as it is known
	YAML   Format = "yaml"
	Table  Format = "table"
	CSV    Format = "csv" // with a header
)

// Structured reports whether the format is made from the result's type.
func (f Format) Structured() bool { return f != Text && f != Plain }

// A Style says how results are printed.
type Style struct {
	Format  Format
	Columns []string       // of Table and CSV, by their names in JSON; nil: the view's own
	Verbose int            // how often -v was given
	Zone    *time.Location // of times in text; nil is UTC
	UTC     bool           // -Z was given, which ipmitool calls GMT
	Rows    *Rows          // gathers the rows of Table and CSV; nil: they are printed
	// Encode makes YAML of JSON. Render itself imports no YAML library, so that programs that print
	// JSON need none.
	Encode func(json []byte) ([]byte, error)
}

// A Printer prints results in a style. It is made for one command, and is not for use by several
// goroutines at a time.
type Printer struct {
	Style
	w   io.Writer
	err error // the first of w
}

// NewPrinter returns a Printer that writes to w.
func NewPrinter(w io.Writer, s Style) *Printer {
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	if s.Format == "" {
		s.Format = Text
	}
	return &Printer{Style: s, w: w}
}

// Write writes bytes as they are, and remembers the first error.
func (p *Printer) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if p.err == nil {
		p.err = err
	}
	return n, err
}

// Printf prints formatted text. Its values may come from a BMC: a control character in one becomes
// "?", so that no value breaks its line or acts on the terminal.
func (p *Printer) Printf(format string, args ...any) { _, _ = plainfmt.Fprintf(p, format, args...) }

// Println prints a line; its values are treated as those of Printf.
func (p *Printer) Println(args ...any) { _, _ = plainfmt.Fprintln(p, args...) }

// choose returns yes if b, else no.
func choose(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}
