package setup

import (
	"fmt"
	"strings"
)

// upstartPrompt looks at the jobs of upstart. Red Hat's serial.conf starts agetty on the kernel's
// console, if that is a serial line, and lets root log in there; others have a job for each line.
func upstartPrompt(t *tree, want Line) (Finding, error) {
	own := "/etc/init/" + want.Port + ".conf"
	f := Finding{Layer: promptLayer, State: Missing, Where: own,
		Says: "no job of upstart asks on " + want.Port}
	for _, name := range []string{own, "/etc/init/serial.conf"} {
		text, ok, err := t.text(name)
		if err != nil {
			return f, err
		}
		exec := upstartExec(text)
		if !ok || !strings.Contains(exec, "getty") ||
			name != own && !strings.Contains(exec, "$DEV") {
			continue
		}
		override, _, err := t.text(strings.TrimSuffix(name, ".conf") + ".override")
		if err != nil {
			return f, err
		}
		if isManual(text) || isManual(override) {
			f.State, f.Where, f.Says = Wrong, name, name+" is not started by itself: it is manual"
			if name == own {
				f.Stuck, f.Says = true, f.Says+"; take the word away first"
				return f, nil
			}
			continue
		}
		f.Where = name
		if says := t.judgeGetty(exec, want); says != "" {
			f.State, f.Says = Wrong, says
			if t.installedGetty(exec) {
				l := gettyLine(exec, want.Port)
				return f, t.set(name, strings.Replace(text, exec, withRate(exec, l.Baud, want.Baud),
					1))
			}
			return f, t.upstartJob(&f, own, want)
		}
		f.State, f.Says = OK, "upstart starts getty on "+want.Port
		if name != own {
			f.Says = "upstart starts getty on the kernel's serial console, at its rate"
		}
		f.Says += t.runLevel()
		return f, nil
	}
	err := t.upstartJob(&f, own, want)
	f.Says += t.runLevel()
	return f, err
}

// upstartExec returns the command of a job.
func upstartExec(text string) (exec string) {
	for l := range strings.SplitSeq(text, "\n") {
		if key, rest := cutWord(strings.TrimSpace(l)); key == "exec" {
			exec = strings.TrimSpace(rest)
		}
	}
	return exec
}

func isManual(text string) bool {
	for l := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(l) == "manual" {
			return true
		}
	}
	return false
}

// upstartJob plans a job for the line.
func (t *tree) upstartJob(f *Finding, name string, want Line) error {
	command, ok := t.getty(want, nil)
	if !ok {
		*f = noGetty(name, want)
		return nil
	}
	return t.set(name, fmt.Sprintf(`# A log-in prompt for Serial over LAN.
start on stopped rc RUNLEVEL=[2345]
stop on runlevel [!2345]

respawn
exec %s
`, command))
}
