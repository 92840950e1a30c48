package cli

import (
	"bytes"
	"sync"
)

// mostHeld is how many bytes of output wait for that of earlier hosts at the most, if it is sorted: then hosts behind wait too.
const mostHeld = 64 << 20

// longOutput is from how many bytes on the output of a host is printed before the host is done, if it is not sorted.
const longOutput = 64 << 10

// outputForm is how the output of hosts is told apart.
type outputForm uint8

const (
	formLines outputForm = iota // "HOST: " in front of each line
	formCSV                     // HOST as the first column
	formJSON                    // an object for each host, each on a line
)

// gathered takes the output of many hosts and prints it: that of one host together, as soon as the host is done; or sorted,
// each as soon as those before it are printed; or folded, equal output once, at the end.
type gathered struct {
	screen *hostScreen
	names  []string
	form   outputForm
	sorted bool
	folded bool

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
	err  []byte // before printing has begun
	why  string // of a failed host
	done bool
}

// outputGroup are hosts with the same output.
type outputGroup struct {
	hosts []int
	out   []byte
	why   string
}

func newGathered(s *hostScreen, names []string, o *Options, terminal bool) *gathered {
	g := &gathered{screen: s, names: names, hosts: make([]hostOutput, len(names)), most: mostHeld, folded: o.Consolidate, sorted: !terminal && !o.Consolidate}
	switch {
	case o.JSON:
		g.form = formJSON
	case o.CSV:
		g.form = formCSV
	}
	if g.folded {
		g.groups = map[string]*outputGroup{}
	}
	g.room = sync.NewCond(&g.mu)
	return g
}

// open begins printing. Before, everything is kept.
func (g *gathered) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened = true
	if e := g.hosts[0].err; len(e) > 0 {
		g.screen.writeErr(g.prefixed(nil, 0, e))
		g.hosts[0].err = nil
	}
	g.advance()
}

// unopened prints what the first host said, as that of a single host.
func (g *gathered) unopened() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e := g.hosts[0].err; len(e) > 0 {
		g.screen.writeErr(e)
	}
	if out := g.hosts[0].out; len(out) > 0 {
		return g.screen.writeOut(out)
	}
	return nil
}

// hostWriter is the standard output of one host.
type hostWriter struct {
	g    *gathered
	host int
}

func (w hostWriter) Write(p []byte) (int, error) {
	w.g.write(w.host, p)
	return len(p), nil
}

func (g *gathered) write(i int, p []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := &g.hosts[i]
	h.out = append(h.out, p...)
	g.held += len(p)
	if !g.opened {
		return
	}
	if g.form != formJSON && (g.sorted && i == g.head || !g.sorted && !g.folded && len(h.out) > longOutput) {
		g.printLines(i, false)
	}
	// The head is always running, for hosts begin in order, and never waits here.
	for g.sorted && g.held > g.most && i > g.head {
		g.room.Wait()
	}
}

// finish notes that a host is done. why says what went wrong.
func (g *gathered) finish(i int, why string) {
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
func (g *gathered) advance() {
	if !g.sorted {
		return
	}
	for g.head < len(g.hosts) && g.hosts[g.head].done {
		g.print(g.head)
		g.head++
	}
	if g.head < len(g.hosts) && g.form != formJSON {
		g.printLines(g.head, false)
	}
	g.room.Broadcast()
}

// print prints all that a host has said.
func (g *gathered) print(i int) {
	if g.form != formJSON {
		g.printLines(i, true)
		return
	}
	h := &g.hosts[i]
	g.scratch = appendJSON(g.scratch[:0], jsonHost(g.names[i]), h.out, h.why)
	g.held -= len(h.out)
	h.out = nil
	_ = g.screen.writeOut(g.scratch) // App.Out remembers what goes wrong
}

// printLines prints the lines of a host that are complete, and at its end the last one too.
func (g *gathered) printLines(i int, all bool) {
	h := &g.hosts[i]
	n := len(h.out)
	if !all {
		n = bytes.LastIndexByte(h.out, '\n') + 1
	}
	if n == 0 {
		return
	}
	g.scratch = g.prefixed(g.scratch[:0], i, h.out[:n])
	_ = g.screen.writeOut(g.scratch)
	g.held -= n
	if n == len(h.out) {
		h.out = nil
	} else {
		h.out = append([]byte(nil), h.out[n:]...)
	}
}

// prefixed appends lines with the name of a host in front.
func (g *gathered) prefixed(dst []byte, i int, lines []byte) []byte {
	return appendPrefixed(dst, g.names[i], g.form, lines)
}

func appendPrefixed(dst []byte, name string, form outputForm, lines []byte) []byte {
	separator := ": "
	if form == formCSV {
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

// hostErrors is the standard error of one host, printed line by line.
type hostErrors struct {
	output *gathered
	host   int

	mu   sync.Mutex
	line []byte // not complete
}

func (e *hostErrors) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.line = append(e.line, p...)
	if n := bytes.LastIndexByte(e.line, '\n') + 1; n > 0 {
		e.output.writeErr(e.host, e.line[:n])
		e.line = append([]byte(nil), e.line[n:]...)
	}
	return len(p), nil
}

// flush prints a last line without an end.
func (e *hostErrors) flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.line) > 0 {
		e.output.writeErr(e.host, e.line)
		e.line = nil
	}
}

func (g *gathered) writeErr(i int, lines []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.opened {
		g.hosts[i].err = append(g.hosts[i].err, lines...)
		return
	}
	g.screen.writeErr(appendPrefixed(nil, g.names[i], formLines, lines))
}
