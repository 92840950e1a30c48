package setup

import (
	"path"
	"strings"
)

// prompt looks at what asks for the log-in on the line: systemd's serial-getty, a job of upstart,
// or an entry of inittab.
func prompt(t *tree, want Line) (Finding, error) {
	unit, init := gettyUnit(t), t.init()
	switch {
	case unit != "" && (init == "" || strings.Contains(init, "systemd")):
		return systemdPrompt(t, want, unit)
	case t.exists("/etc/init/rc.conf") && !strings.Contains(init, "busybox"):
		return upstartPrompt(t, want)
	case t.exists("/etc/inittab"):
		return inittabPrompt(t, want)
	}
	w := worst{Finding: Finding{Layer: promptLayer}}
	for _, o := range []struct{ file, says string }{
		{"/etc/ttys", "prompts are in /etc/ttys, as BSD has them, which lom does not set up"},
		{"/etc/runit", "init is runit, which lom does not set up: link its agetty service for " + want.Port},
		{"/etc/s6", "init is s6, which lom does not set up: add a getty service for " + want.Port},
	} {
		if !w.any && t.exists(o.file) {
			w.unknown(o.file, o.says)
		}
	}
	if !w.any {
		w.unknown("", "neither systemd, nor upstart, nor an inittab is there")
	}
	return w.Finding, nil
}

const promptLayer = "log-in prompt"

// init returns the program that is init, after symbolic links; "" if it is not there.
func (t *tree) init() string {
	for _, name := range []string{"/sbin/init", "/usr/sbin/init", "/usr/bin/init"} {
		if t.exists(name) {
			real, _ := t.real(name)
			return real
		}
	}
	return ""
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
	f := Finding{Layer: promptLayer}
	instance := "serial-getty@" + want.Port + ".service"
	own, link := path.Join(systemdEtc, instance),
		path.Join(systemdEtc, "getty.target.wants", instance)

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
	if p := gettyPath(exec); p != "" && !t.installed(p) {
		f.State, f.Where, f.Stuck, f.Says = Missing, where, true,
			p+" is not installed; install util-linux first"
		return f, nil
	}
	if l := gettyLine(exec, want.Port); l.Baud != 0 && !keepsRate(exec) {
		if d := l.differs(want); d != "" {
			f.State, f.Where, f.Says = Wrong, where, "the prompt on "+d
			dropIn := path.Join(own+".d", "zz-lom-rate.conf")
			err := t.set(dropIn, "[Service]\nExecStart=\nExecStart="+
				withRate(exec, l.Baud, want.Baud)+"\n")
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
