package setup

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

const inittab = "/etc/inittab"

// An inittabEntry is a line of inittab: id:levels:action:process. That of BusyBox has a port as its
// id.
type inittabEntry struct{ id, levels, action, process string }

func parseInittab(line string) (e inittabEntry, ok bool) {
	f := strings.SplitN(strings.TrimSpace(line), ":", 4)
	if len(f) < 4 {
		return e, false
	}
	return inittabEntry{f[0], f[1], f[2], strings.TrimSpace(f[3])}, true
}

func (e inittabEntry) String() string {
	return strings.Join([]string{e.id, e.levels, e.action, e.process}, ":")
}

// port returns the line that the entry's getty is on.
func (e inittabEntry) port() string {
	return gettyLine(e.process, strings.TrimPrefix(e.id, "/dev/")).Port
}

func (e inittabEntry) isGetty() bool {
	words := strings.Fields(e.process)
	return len(words) > 0 && strings.Contains(path.Base(words[0]), "getty")
}

// inittabPrompt looks at /etc/inittab, of BusyBox or of System V.
func inittabPrompt(t *tree, want Line) (Finding, error) {
	f := Finding{Layer: promptLayer, Where: inittab}
	_, err := t.edit(inittab, func(lines []string) []string {
		var live []inittabEntry
		var commands []string
		at, spare := -1, -1 // the entry for the line, and one that is a comment
		for i, l := range lines {
			e, ok := parseInittab(l)
			if ok && !strings.HasPrefix(e.id, "#") {
				live = append(live, e)
				if e.isGetty() {
					commands = append(commands, e.process)
					if e.port() == want.Port && at < 0 {
						at = i
					}
				}
				continue
			}
			e, ok = parseInittab(strings.TrimLeft(l, "# "))
			if ok && e.isGetty() && e.port() == want.Port && spare < 0 {
				spare = i
			}
		}
		var e inittabEntry
		if at >= 0 {
			e, _ = parseInittab(lines[at])
		}
		f.State, f.Says = t.judgeEntry(e, live, want)
		if f.State == OK {
			return lines
		}
		if e.process != "" && t.installedGetty(e.process) && e.action == "respawn" &&
			levelsMatch(e.levels, live) {
			l := gettyLine(e.process, want.Port) // only the rate is wrong
			e.process = withRate(e.process, l.Baud, want.Baud)
			lines[at] = e.String()
			return lines
		}
		command, ok := t.getty(want, commands)
		if !ok {
			f = noGetty(inittab, want)
			return lines
		}
		e = newEntry(e, live, command, want)
		switch {
		case at >= 0:
			lines[at] = e.String()
		case spare >= 0:
			lines[spare] = e.String()
		case len(lines) > 0 && lines[len(lines)-1] == "":
			return slices.Insert(lines, len(lines)-1, e.String())
		default:
			return append(lines, e.String())
		}
		return lines
	})
	f.Says += t.runLevel()
	return f, err
}

func (t *tree) installedGetty(command string) bool {
	p := gettyPath(command)
	return p != "" && t.installed(p) && serialGetty(command)
}

// judgeEntry says how the entry for the line stands.
func (t *tree) judgeEntry(e inittabEntry, live []inittabEntry, want Line) (State, string) {
	switch {
	case e.process == "":
		return Missing, "no prompt is on " + want.Port
	case e.action != "respawn" && e.action != "askfirst":
		return Missing, "the prompt on " + want.Port + " is not started: its action is " + e.action
	case !levelsMatch(e.levels, live):
		return Wrong, "the prompt on " + want.Port + " is not started in run level " +
			defaultLevel(live)
	}
	if says := t.judgeGetty(e.process, want); says != "" {
		return Wrong, says
	}
	return OK, "getty is on " + want.Port
}

// newEntry returns an entry for the line; e has what is there already.
func newEntry(e inittabEntry, live []inittabEntry, command string, want Line) inittabEntry {
	e.action, e.process = "respawn", command
	if !slices.ContainsFunc(live, func(e inittabEntry) bool { return e.levels != "" }) {
		e.id = want.Port // BusyBox
		return e
	}
	if !levelsMatch(e.levels, live) || e.levels == "" {
		e.levels = "2345"
	}
	if e.id != "" {
		return e
	}
	// At most four characters, and no other entry's.
	unit := strings.TrimLeft(want.Port, "tySAMUB")
	for n := 0; ; n++ {
		e.id = "S" + unit
		if n > 0 {
			e.id = fmt.Sprintf("%c%s", 'S'+n%8, unit)
		}
		if n >= 8 {
			e.id = "l" + strconv.Itoa(n)
		}
		if !slices.ContainsFunc(live, func(o inittabEntry) bool { return o.id == e.id }) {
			return e
		}
	}
}

// defaultLevel returns the run level that the system starts in.
func defaultLevel(live []inittabEntry) string {
	for _, e := range live {
		if e.action == "initdefault" {
			return e.levels
		}
	}
	return ""
}

// levelsMatch reports whether an entry of these run levels is started.
func levelsMatch(levels string, live []inittabEntry) bool {
	return levels == "" || strings.Contains(levels, defaultLevel(live))
}

// runLevel names run level 5, in which most distributions start a graphical log-in.
func (t *tree) runLevel() string {
	text, ok, err := t.text(inittab)
	if err != nil || !ok || t.isDebian() {
		return ""
	}
	var live []inittabEntry
	for l := range strings.SplitSeq(text, "\n") {
		if e, ok := parseInittab(l); ok && !strings.HasPrefix(e.id, "#") {
			live = append(live, e)
		}
	}
	if defaultLevel(live) != "5" {
		return ""
	}
	return "; run level 5 starts a graphical log-in too, which SOL cannot show: " +
		"id:3:initdefault: starts text only"
}
