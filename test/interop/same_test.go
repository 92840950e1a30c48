package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lom/internal/ipmisim"
	"lom/internal/programs"
)

// pair is two BMCs that are alike: what changes one is done on the other by the other program.
type pair struct {
	kind         string // "ipmi_sim" or "lom bmc"
	theirs, ours programs.Target
}

// For each command, lom prints what ipmitool prints: on a BMC that was not written here, and on
// lom's own.
func TestOutputIsThatOfIpmitool(t *testing.T) {
	programs.Need(t, "ipmitool")
	t.Run("ipmi_sim", func(t *testing.T) {
		t.Parallel()
		config := ipmisim.Config{Sensors: 100, Entries: 500}
		compare(t, pair{"ipmi_sim", simTarget(ipmisim.Start(t, config)),
			simTarget(ipmisim.Start(t, config))})
	})
	t.Run("lom bmc", func(t *testing.T) {
		t.Parallel()
		compare(t, pair{"lom bmc", programs.StartBMC(t, "--still").Target,
			programs.StartBMC(t, "--still").Target})
	})
}

// events is a file for sel add.
const events = `0x04 0x01 0x30 0x01 0x59 0x40 0x41 # a temperature becomes critical
0x04 0x0c 0x44 0x6f 0x20 0xff 0x02 # a memory error is corrected
0x04 0x08 0x50 0x6f 0x01 0xff 0xff # a power supply fails
`

func compare(t *testing.T, p pair) {
	theirHome, ourHome := t.TempDir(), t.TempDir()
	for _, home := range []string{theirHome, ourHome} {
		if err := os.WriteFile(filepath.Join(home, "events"), []byte(events), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	differs := func(s step) bool {
		return s.differs != "" && (s.differsOn == "" || s.differsOn == p.kind)
	}
	// Changes of which the two programs make different things come last: they leave the BMCs
	// unlike.
	var steps, last []step
	for _, s := range commands {
		if s.changes && differs(s) {
			last = append(last, s)
		} else {
			steps = append(steps, s)
		}
	}
	for _, s := range append(steps, last...) {
		theirBMC, ourBMC := p.theirs, p.theirs
		if s.changes {
			ourBMC = p.ours
		}
		args := func(line string) []string {
			return append([]string{"-C", "3"}, programs.Words(line)...)
		}
		theirs := programs.Run(t, theirHome, "ipmitool",
			theirBMC.Tool("lanplus", args(s.line)...)...)
		ours := programs.Run(t, ourHome, programs.Lom(), ourBMC.Tool("lanplus", args(s.line)...)...)
		var wrong []string
		if a, b := cut(s, theirs.Stdout), cut(s, ours.Stdout); a != b ||
			(theirs.Code == 0) != (ours.Code == 0) {
			wrong = append(wrong, fmt.Sprintf("%s\nexit status %d and %d\n%s%s",
				firstDifference(a, b), theirs.Code, ours.Code, theirs.Stderr, ours.Stderr))
		}
		if s.until != "" {
			for _, b := range []programs.Target{p.theirs, p.ours} {
				awaitPower(t, theirHome, b, s.until)
			}
		}
		if s.changes && s.after != "" {
			a := programs.Run(t, theirHome, "ipmitool",
				p.theirs.Tool("lanplus", args(s.after)...)...)
			b := programs.Run(t, theirHome, "ipmitool", p.ours.Tool("lanplus", args(s.after)...)...)
			if a, b := cut(s, a.Stdout), cut(s, b.Stdout); a != b {
				wrong = append(wrong, fmt.Sprintf("afterwards, %s shows by ipmitool's BMC and by "+
					"lom's\n%s", s.after, firstDifference(a, b)))
			}
		}
		switch {
		case differs(s) && wrong == nil:
			t.Errorf("%s: is the same now; it is said to differ because %s", s.line, s.differs)
		case !differs(s) && wrong != nil:
			t.Errorf("%s:\n%s", s.line, strings.Join(wrong, "\n"))
		}
	}
	// What ipmitool and lom saved of the SEL is the same.
	a, errA := os.ReadFile(filepath.Join(theirHome, "saved.sel"))
	b, errB := os.ReadFile(filepath.Join(ourHome, "saved.sel"))
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("sel save: %v, %v\n%s", errA, errB, firstDifference(string(a), string(b)))
	}
}

// awaitPower waits until a BMC tells the power status: what switches it is not done when the
// command is answered.
func awaitPower(t *testing.T, home string, b programs.Target, want string) {
	t.Helper()
	var r programs.Result
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(
		100 * time.Millisecond) {
		if r = programs.Run(t, home, "ipmitool",
			b.Tool("lanplus", "-C", "3", "power", "status")...); r.Stdout == want {
			return
		}
	}
	t.Errorf("still not %s: %s", strings.TrimSpace(want), r)
}

func cut(s step, out string) string {
	if s.but != nil {
		out = s.but.ReplaceAllString(out, "…")
	}
	return out
}

// firstDifference shows the first line that is not the same.
func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		x, y := "(end)", "(end)"
		if i < len(as) {
			x = as[i]
		}
		if i < len(bs) {
			y = bs[i]
		}
		if x != y {
			return "ipmitool: " + quote(x) + "\nlom:      " + quote(y)
		}
	}
	return "the output is the same"
}

func quote(s string) string { return "»" + s + "«" }
