package setup

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// prompt looks at what asks for the log-in on the line: systemd's serial-getty, or inittab.
func prompt(t *tree, want Line) (Finding, error) {
	if unit := gettyUnit(t); unit != "" {
		return systemdPrompt(t, want, unit)
	}
	if t.exists("/etc/inittab") {
		return inittabPrompt(t, want)
	}
	return Finding{Layer: "log-in prompt", State: Unknown, Says: "neither systemd nor an inittab is there"}, nil
}

// gettyUnit returns the path of the template unit, "" without systemd.
func gettyUnit(t *tree) string {
	for _, dir := range []string{"/usr/lib/systemd/system", "/lib/systemd/system"} {
		if name := dir + "/serial-getty@.service"; t.exists(name) {
			return name
		}
	}
	return ""
}

const systemdEtc = "/etc/systemd/system"

// systemdPrompt looks at the instance of serial-getty@.service.
func systemdPrompt(t *tree, want Line, unit string) (Finding, error) {
	f := Finding{Layer: "log-in prompt"}
	instance := "serial-getty@" + want.Port + ".service"
	own, link := path.Join(systemdEtc, instance), path.Join(systemdEtc, "getty.target.wants", instance)

	f.Where = link
	masked := false
	if o, err := t.file(own); err != nil {
		return f, err
	} else if o != nil && o.Link == "/dev/null" {
		masked, f.Where, f.State, f.Says = true, own, Wrong, "the prompt on "+want.Port+" is masked"
		if err := t.stage(own, nil); err != nil {
			return f, err
		}
	}
	// The last ExecStart counts: of the unit, one that replaces it, and its drop-ins in order.
	sources := []string{unit, path.Join(systemdEtc, "serial-getty@.service"), own}
	for _, dir := range []string{"/usr/lib/systemd/system", systemdEtc} {
		for _, d := range []string{"serial-getty@.service.d", instance + ".d"} {
			sources = append(sources, t.glob(path.Join(dir, d), "*.conf")...)
		}
	}
	exec, where := "", ""
	for _, name := range sources {
		text, _, err := t.text(name)
		if err != nil {
			return f, err
		}
		if v, ok := unitValue(text, "ExecStart"); ok && v != "" {
			exec, where = v, name
		}
	}
	if l := gettyLine(exec, want.Port); l.Baud != 0 && !keepsRate(exec) {
		if d := l.differs(want); d != "" {
			f.State, f.Where, f.Says = Wrong, where, "the prompt on "+d
			dropIn := path.Join(own+".d", "zz-lom-rate.conf")
			err := t.write(dropIn, "[Service]\nExecStart=\nExecStart="+withRate(exec, l.Baud, want.Baud)+"\n")
			if err != nil {
				return f, err
			}
		}
	}
	enabled, err := t.file(link)
	if err != nil {
		return f, err
	}
	if enabled == nil {
		// systemd starts one by itself for the kernel's console, but not if the kernel has another.
		if !masked && f.State == OK {
			f.State, f.Says = Missing, "no prompt is enabled on "+want.Port
		}
		if err := t.stage(link, &File{Link: unit, Mode: 0o777}); err != nil {
			return f, err
		}
	} else if f.State == OK {
		f.Says = "serial-getty is enabled on " + want.Port
	}
	return f, nil
}

// keepsRate reports whether getty leaves the rate as the kernel set it.
func keepsRate(command string) bool {
	return slices.ContainsFunc(strings.Fields(command), func(w string) bool { return w == "--keep-baud" || w == "-s" })
}

var rateWord = regexp.MustCompile(`^[0-9]{3,6}(,[0-9]{3,6})*$`)

// gettyLine finds the port and the first rate in a getty command. The rate is 0 if there is none.
func gettyLine(command, port string) Line {
	l := Line{Port: port}
	for _, w := range strings.Fields(command) {
		if rateWord.MatchString(w) {
			first, _, _ := strings.Cut(w, ",")
			l.Baud, _ = strconv.Atoi(first)
		} else if p := strings.TrimPrefix(w, "/dev/"); portName.MatchString(p) {
			l.Port = p
		}
	}
	return l
}

// withRate returns a getty command with another rate, and all else as it is.
func withRate(command string, from, to int) string {
	return regexp.MustCompile(`\b`+strconv.Itoa(from)+`\b`).ReplaceAllLiteralString(command, strconv.Itoa(to))
}

// inittabPrompt looks at /etc/inittab, of BusyBox or of System V.
func inittabPrompt(t *tree, want Line) (Finding, error) {
	const name = "/etc/inittab"
	f := Finding{Layer: "log-in prompt", State: Missing, Where: name, Says: "no prompt is on " + want.Port}
	_, err := t.edit(name, func(lines []string) []string {
		at, sysv := -1, false
		for i, l := range lines {
			live := strings.TrimSpace(l)
			commented := strings.HasPrefix(live, "#")
			fields := strings.SplitN(strings.TrimLeft(live, "# "), ":", 4)
			if len(fields) < 4 || !strings.Contains(fields[3], "getty") {
				continue
			}
			sysv = sysv || !commented && fields[1] != ""
			g := gettyLine(fields[3], strings.TrimPrefix(fields[0], "/dev/"))
			if g.Port != want.Port {
				continue
			}
			if commented {
				if at < 0 {
					at = i
				}
				continue
			}
			if g.Baud == 0 || keepsRate(fields[3]) {
				g.Baud = want.Baud // it takes what the kernel has set
			}
			if d := g.differs(want); d != "" {
				f.State, f.Says = Wrong, "the prompt on "+d
				lines[i] = withRate(l, g.Baud, want.Baud)
				return lines
			}
			f.State, f.Says = OK, fmt.Sprintf("getty is on %s", want.Port)
			return lines
		}
		entry := fmt.Sprintf("%s::respawn:/sbin/getty -L %d %s vt100", want.Port, want.Baud, want.Port)
		if sysv {
			id := want.Port[max(0, len(want.Port)-4):]
			entry = fmt.Sprintf("%s:2345:respawn:/sbin/getty -L %d %s vt100", id, want.Baud, want.Port)
		}
		if at >= 0 {
			lines[at] = entry
			return lines
		}
		if n := len(lines); n > 0 && lines[n-1] == "" {
			return slices.Insert(lines, n-1, entry)
		}
		return append(lines, entry)
	})
	return f, err
}

// rootLogin looks at /etc/securetty, where there is one, and at root's password.
func rootLogin(t *tree, want Line) (Finding, error) {
	const name = "/etc/securetty"
	f := Finding{Layer: "root log-in", Where: name, Says: "root may log in on every line"}
	text, ok, err := t.text(name)
	if err != nil {
		return f, err
	}
	switch {
	case !ok:
		f.Where = ""
	case slices.Contains(strings.Fields(text), want.Port):
		f.Says = "root may log in on " + want.Port
	default:
		f.State, f.Says = Missing, "root may not log in on "+want.Port
		_, err = t.edit(name, func(lines []string) []string {
			if n := len(lines); n > 0 && lines[n-1] == "" {
				return slices.Insert(lines, n-1, want.Port)
			}
			return append(lines, want.Port)
		})
	}
	if shadow, ok, serr := t.text("/etc/shadow"); serr == nil && ok {
		for l := range strings.SplitSeq(shadow, "\n") {
			if p, ok := strings.CutPrefix(l, "root:"); ok && (strings.HasPrefix(p, "*") || strings.HasPrefix(p, "!")) {
				f.Says += "; root has no password, though: log in as another user"
			}
		}
	}
	return f, err
}
