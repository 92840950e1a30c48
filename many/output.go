package many

import (
	"bytes"
	"io"
	"sync"

	"lom/hostlist"
	"lom/render"
)

// mostHeld is how many bytes of output at most wait for that of earlier hosts, if it is sorted:
// then hosts behind wait too.
const mostHeld = 64 << 20

// longOutput is from how many bytes on the output of a host is printed before the host is done, if
// it is not sorted.
const longOutput = 64 << 10

// A Form is how the output of hosts is told apart.
type Form uint8

const (
	FormLines  Form = iota // "HOST: " in front of each line
	FormCSV                // HOST as the first column
	FormNDJSON             // an object for each line, with the host in it
	FormTable              // one table of all hosts; other lines are those of FormLines
	FormJSON               // an object for each host, each on a line
	FormYAML               // a document for each host
)

// whole reports whether the output of a host is printed in one piece, when the host is done.
func (f Form) whole() bool { return f >= FormJSON }

// objects reports whether what went wrong is printed with the output.
func (f Form) objects() bool { return f == FormNDJSON || f.whole() }

// An Output takes the output of many hosts and prints it: that of one host together, as soon as the
// host is done; or sorted, each as soon as those before it are printed; or folded, equal output
// once, at the end.
type Output struct {
	screen *Screen
	names  []string
	form   Form
	sorted bool
	folded bool
	table  *render.Printer // of FormTable

	mu      sync.Mutex
	room    *sync.Cond // something was printed
	opened  bool       // printing has begun
	hosts   []hostOutput
	head    int // the first host that is not printed, if sorted
	held    int // bytes
	most    int // of held
	groups  map[string]*outputGroup
	order   []*outputGroup
	scratch []byte
}

// hostOutput is the output of one host that is not printed.
type hostOutput struct {
	out  []byte
	rows *render.Rows // of FormTable
	err  []byte       // before printing has begun
	why  Failure
	done bool
}

// outputGroup are hosts with the same output.
type outputGroup struct {
	hosts []int
	out   []byte
	why   Failure
}

// New returns the Output of hosts with these names. folded says that equal output is printed once;
// table prints that of FormTable, to the screen.
func New(s *Screen, names []string, form Form, folded bool, table *render.Printer) *Output {
	g := &Output{
		screen: s, names: names, form: form, hosts: make([]hostOutput, len(names)), most: mostHeld,
		folded: folded, sorted: !s.OutTerminal && !folded, table: table,
	}
	if g.form == FormTable {
		for i := range g.hosts {
			g.hosts[i].rows = new(render.Rows)
		}
	}
	if g.folded {
		g.groups = map[string]*outputGroup{}
	}
	g.room = sync.NewCond(&g.mu)
	return g
}

// Open begins printing. Before, everything is kept.
func (g *Output) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened = true
	if e := g.hosts[0].err; len(e) > 0 {
		g.screen.WriteErr(g.prefixed(nil, 0, e))
		g.hosts[0].err = nil
	}
	g.advance()
}

// Unopened prints what the first host said, as that of a single host.
func (g *Output) Unopened() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e := g.hosts[0].err; len(e) > 0 {
		g.screen.WriteErr(e)
	}
	h := &g.hosts[0]
	if h.rows != nil && h.rows.Len() > 0 {
		return g.table.Gathered("", []render.Labelled{{Rows: h.rows}})
	}
	out := h.out
	if yaml, err := g.encode(out); g.form == FormYAML && err == nil {
		out = yaml
	}
	if len(out) > 0 {
		return g.screen.WriteOut(out)
	}
	return nil
}

// Rows returns what gathers the rows of a host's tables, or nil.
func (g *Output) Rows(i int) *render.Rows { return g.hosts[i].rows }

// printTable prints the rows of all hosts; those of hosts with equal rows once, if they are folded.
func (g *Output) printTable() error {
	if g.form != FormTable {
		return nil
	}
	var groups []render.Labelled
	hosts := map[string][]string{} // by the key of their rows
	for i, h := range g.hosts {
		key := ""
		if g.folded {
			key = h.rows.Key()
			if hosts[key] = append(hosts[key], g.names[i]); len(hosts[key]) > 1 {
				continue
			}
		}
		groups = append(groups, render.Labelled{Label: g.names[i], Rows: h.rows})
	}
	if g.folded {
		for i := range groups {
			groups[i].Label = hostlist.Fold(hosts[groups[i].Rows.Key()])
		}
	}
	return g.table.Gathered("host", groups)
}

// Writer returns the standard output of a host.
func (g *Output) Writer(i int) io.Writer { return hostWriter{g, i} }

// Errors returns the standard error of a host.
func (g *Output) Errors(i int) *ErrorWriter { return &ErrorWriter{output: g, host: i} }

// Conclude prints what is printed when all hosts are done: folded output, and tables.
func (g *Output) Conclude() error {
	if g.folded {
		g.printGroups()
	}
	return g.printTable()
}

// hostWriter is the standard output of one host.
type hostWriter struct {
	g    *Output
	host int
}

func (w hostWriter) Write(p []byte) (int, error) {
	w.g.write(w.host, p)
	return len(p), nil
}

func (g *Output) write(i int, p []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := &g.hosts[i]
	h.out = append(h.out, p...)
	g.held += len(p)
	if !g.opened {
		return
	}
	if !g.form.whole() && (g.sorted && i == g.head ||
		!g.sorted && !g.folded && len(h.out) > longOutput) {
		g.printLines(i, false)
	}
	// The head is always running, for hosts begin in order, and never waits here.
	for g.sorted && g.held > g.most && i > g.head {
		g.room.Wait()
	}
}

// Finish notes that a host is done. why says what went wrong.
func (g *Output) Finish(i int, why Failure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := &g.hosts[i]
	h.done, h.why = true, why
	switch {
	case g.folded:
		g.fold(i)
	case g.sorted:
		g.advance()
	default:
		g.print(i)
	}
}

// advance prints all hosts, in order, that wait for no other.
func (g *Output) advance() {
	if !g.sorted {
		return
	}
	for g.head < len(g.hosts) && g.hosts[g.head].done {
		g.print(g.head)
		g.head++
	}
	if g.head < len(g.hosts) && !g.form.whole() {
		g.printLines(g.head, false)
	}
	g.room.Broadcast()
}

// print prints all that a host has said.
func (g *Output) print(i int) {
	h := &g.hosts[i]
	g.scratch = g.scratch[:0]
	switch {
	case g.form == FormNDJSON && h.why.Failed():
		g.printLines(i, true)
		g.scratch = appendJSON(g.scratch[:0], jsonHost(g.names[i]), nil, h.why)
	case !g.form.whole():
		g.printLines(i, true)
		return
	default:
		g.scratch = g.appendObject(g.scratch, jsonHost(g.names[i]), h.out, h.why)
	}
	g.held -= len(h.out)
	h.out = nil
	_ = g.screen.WriteOut(g.scratch) // App.Out remembers what goes wrong
}

// printLines prints the lines of a host that are complete, and at its end the last one too.
func (g *Output) printLines(i int, all bool) {
	h := &g.hosts[i]
	n := len(h.out)
	if !all {
		n = bytes.LastIndexByte(h.out, '\n') + 1
	}
	if n == 0 {
		return
	}
	g.scratch = g.prefixed(g.scratch[:0], i, h.out[:n])
	_ = g.screen.WriteOut(g.scratch)
	g.held -= n
	if n == len(h.out) {
		h.out = nil
	} else {
		h.out = append([]byte(nil), h.out[n:]...)
	}
}

// prefixed appends lines with the name of a host in front.
func (g *Output) prefixed(dst []byte, i int, lines []byte) []byte {
	return appendPrefixed(dst, g.names[i], g.form, lines)
}

func appendPrefixed(dst []byte, name string, form Form, lines []byte) []byte {
	if form == FormNDJSON {
		return appendObjects(dst, jsonHost(name), lines)
	}
	separator := ": "
	if form == FormCSV {
		separator = ","
	}
	for line := range bytes.Lines(lines) {
		dst = append(dst, name...)
		dst = append(dst, separator...)
		dst = append(dst, bytes.TrimSuffix(line, []byte("\n"))...)
		dst = append(dst, '\n')
	}
	return dst
}

// An ErrorWriter is the standard error of one host, printed line by line.
type ErrorWriter struct {
	output *Output
	host   int

	mu   sync.Mutex
	line []byte // not complete
}

func (e *ErrorWriter) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.line = append(e.line, p...)
	if n := bytes.LastIndexByte(e.line, '\n') + 1; n > 0 {
		e.output.writeErr(e.host, e.line[:n])
		e.line = append([]byte(nil), e.line[n:]...)
	}
	return len(p), nil
}

// Flush prints a last line without an end.
func (e *ErrorWriter) Flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.line) > 0 {
		e.output.writeErr(e.host, e.line)
		e.line = nil
	}
}

func (g *Output) writeErr(i int, lines []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.opened {
		g.hosts[i].err = append(g.hosts[i].err, lines...)
		return
	}
	g.screen.WriteErr(appendPrefixed(nil, g.names[i], FormLines, lines))
}
