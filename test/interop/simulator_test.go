package interop

import (
	"strings"
	"testing"

	"lom/internal/ipmisim"
	"lom/internal/programs"
)

// Every way to log in that ipmi_sim knows leads to the same answers. (Of the other cipher suites,
// ipmi_sim does not answer once a session with 7, 8 or 12 is open, and refuses 15 to 17.)
func TestEveryWayToLogInLeadsToTheSameAnswers(t *testing.T) {
	t.Parallel()
	sim := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 100, Entries: 500}))
	var lines []step
	for _, s := range commands {
		// What depends on the session or the time is not the same.
		own := strings.HasPrefix(s.line, "channel authcap") ||
			strings.Contains(s.line, "session info") || s.line == "sel time get"
		if !s.changes && !own {
			lines = append(lines, s)
		}
	}
	answers := func(t *testing.T, way []string) map[string]string {
		all := map[string]string{}
		home := t.TempDir()
		for _, s := range lines {
			r := programs.Run(t, home, programs.Lom(),
				sim.Tool(way[0], append(append([]string{}, way[1:]...),
					programs.Words(s.line)...)...)...)
			all[s.line] = cut(s, r.Stdout) + r.Stderr
		}
		return all
	}
	want := answers(t, []string{"lanplus", "-C", "3"})
	for _, way := range []string{
		"lan", "lan -A MD5", "lan -A MD2", "lan -A PASSWORD", "lan -A NONE",
		"auto", "lanplus", "lanplus -C 0", "lanplus -C 1", "lanplus -C 2", "lanplus -C 6",
		"lanplus -C 11",
	} {
		t.Run(way, func(t *testing.T) {
			for line, got := range answers(t, programs.Words(way)) {
				if got != want[line] {
					t.Errorf("%s:\n%s", line,
						strings.NewReplacer("ipmitool:", "suite 3: ", "lom:     ",
							"this:    ").Replace(firstDifference(want[line], got)))
				}
			}
		})
	}
}

// Commands reach a satellite controller through the BMC.
func TestBridging(t *testing.T) {
	programs.Need(t, "ipmitool")
	sim := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 5, Satellite: true}))
	home := t.TempDir()
	for _, line := range []string{"mc info", "sel info", "raw 6 1"} {
		for _, way := range [][]string{{"-t", "0x30"}, {"-m", "0x20", "-t", "0x30", "-b", "0"}} {
			args := append(append([]string{"-C", "3"}, way...), programs.Words(line)...)
			theirs := programs.Run(t, home, "ipmitool", sim.Tool("lanplus", args...)...)
			ours := programs.Run(t, home, programs.Lom(), sim.Tool("lanplus", args...)...)
			s := step{but: addTimes}
			if theirs.Code != 0 || ours.Code != 0 || cut(s, theirs.Stdout) != cut(s, ours.Stdout) {
				t.Errorf("%s\n=== ipmitool\n%s\n=== lom\n%s",
					firstDifference(theirs.Stdout, ours.Stdout), theirs, ours)
			}
		}
	}
}
