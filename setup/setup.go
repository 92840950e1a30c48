package setup

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Line is a serial line and its rate.
type Line struct {
	Port string // "ttyS1"
	Baud int    // bits per second
}

var portName = lazily(`^tty(S|AMA|USB)[0-9]{1,3}$`)

// Bauds are the rates that SOL can be set to (Table 26-5).
var Bauds = []int{9600, 19200, 38400, 57600, 115200}

// Check returns an error that says what is wrong with the line.
func (l Line) Check() error {
	switch {
	case !portName().MatchString(l.Port):
		return fmt.Errorf("%q is not a serial port; name one as ttyS0 or ttyS1", l.Port)
	case !slices.Contains(Bauds, l.Baud):
		return fmt.Errorf("SOL has no rate of %d bit/s; "+
			"it has 9600, 19200, 38400, 57600 and 115200", l.Baud)
	}
	return nil
}

// unit returns the number of the port for boot loaders, and whether they can use the port at all.
func (l Line) unit() (string, bool) { return strings.CutPrefix(l.Port, "ttyS") }

// String returns the line as the kernel's console option has it.
func (l Line) String() string { return fmt.Sprintf("%s,%dn8", l.Port, l.Baud) }

// A State is how a layer stands.
type State int

// States.
const (
	OK      State = iota
	Wrong         // set, but to another line or rate
	Missing       // not set
	Unknown       // cannot be seen from here
)

// String returns the state in one word.
func (s State) String() string {
	return [...]string{"ok", "wrong", "missing", "unknown"}[s]
}

// A Finding is what was seen of one layer.
type Finding struct {
	Layer string // "boot loader"
	State State
	Where string // the file
	Says  string // what is there, in words
	Stuck bool   // no change mends it, and Says has what to do
}

// bios is the layer that no file of the system can set.
const bios = "BIOS"

// A worst is the worst finding among the places of a layer: what is not understood, then what is
// wrong, then what is missing. Of equal ones it is the first.
type worst struct {
	Finding
	any bool
}

func (w *worst) note(f Finding) {
	rank := func(f Finding) int {
		r := [...]int{OK: 0, Missing: 1, Wrong: 2, Unknown: 3}[f.State]
		if f.Stuck {
			r += 4
		}
		return r
	}
	if !w.any || rank(f) > rank(w.Finding) {
		f.Layer = w.Layer
		w.Finding, w.any = f, true
	}
}

// unknown notes something that is not understood.
func (w *worst) unknown(where, says string) {
	w.note(Finding{State: Unknown, Where: where, Says: says, Stuck: true})
}

// A Report is what [Examine] found, and how to mend it.
type Report struct {
	Line         Line
	Distribution string
	Findings     []Finding
	Changes      []Change // what makes all layers agree; empty if they do
}

// Verdict returns how the system stands as a whole: Unknown if a layer cannot be seen, besides the
// BIOS, which a system unpacked elsewhere never shows.
func (r Report) Verdict() State {
	v := OK
	for _, f := range r.Findings {
		switch {
		case f.State == Wrong || f.State == Missing:
			return Wrong
		case f.State == Unknown && f.Layer != bios:
			v = Unknown
		}
	}
	return v
}

// Examine looks at the system unpacked at root, "/" for the running one.
func Examine(root string, want Line) (Report, error) {
	if err := want.Check(); err != nil {
		return Report{}, err
	}
	t, err := newTree(root)
	if err != nil {
		return Report{}, err
	}
	defer t.close()
	r := Report{Line: want, Distribution: t.distribution()}
	for _, layer := range []func(*tree, Line) (Finding, error){firmware, bootLoader, kernel, prompt,
		rootLogin} {
		f, err := layer(t, want)
		if err != nil {
			return Report{}, err
		}
		if f.State == Unknown && t.denied != "" {
			f.Says += "; " + t.denied + " may be read by root only: run it as root"
		}
		r.Findings = append(r.Findings, f)
	}
	r.Changes = t.changes()
	return r, nil
}

// differs says how a line differs from the one wanted, "" if it does not.
func (l Line) differs(want Line) string {
	switch {
	case l.Port != want.Port:
		return fmt.Sprintf("uses %s; SOL is on %s", l.Port, want.Port)
	case l.Baud != want.Baud:
		return fmt.Sprintf("%s runs at %d bit/s; SOL runs at %d: that prints garbage", l.Port,
			l.Baud, want.Baud)
	}
	return ""
}

// eightBits reports whether a console option has SOL's frame: 8 bits and no parity. It is also the
// default.
func eightBits(console string) bool {
	_, options, _ := strings.Cut(console, ",")
	frame := strings.TrimLeft(options, "0123456789")
	return !regexp.MustCompile(`^([eo]|n7)`).MatchString(frame)
}

// parseConsole reads a kernel console option: "ttyS1,115200n8". Without a rate the kernel takes
// 9600.
func parseConsole(s string) (Line, bool) {
	port, options, _ := strings.Cut(s, ",")
	if !portName().MatchString(port) {
		return Line{}, false
	}
	l := Line{Port: port, Baud: 9600}
	if digits := regexp.MustCompile(`^[0-9]+`).FindString(options); digits != "" {
		if n, err := strconv.Atoi(digits); err == nil {
			l.Baud = n
		}
	}
	return l, true
}
