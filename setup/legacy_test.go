package setup

import (
	"strings"
	"testing"
)

const (
	entry      = "title x\nroot (hd0,0)\nkernel /vmlinuz ro\n"
	entryDone  = "title x\nroot (hd0,0)\nkernel /vmlinuz ro " + onSerial1 + "\n"
	both       = grubSerial + "terminal --timeout=5 console serial\n"
	otherUnit  = "serial --unit=0 --speed=9600\n"
	entryThere = entryDone
)

// Menus of GRUB legacy as administrators leave them, and what they are afterwards.
func TestGrubLegacyMenus(t *testing.T) {
	for name, c := range map[string]struct {
		menu, state, says, after string
	}{
		"nothing":                 {"default 0\n" + entry, "missing", "screen only", both + "default 0\n" + entryDone},
		"no command":              {entry, "missing", "screen only", both + entryDone},
		"a comment only":          {"#serial --unit=1\n" + entry, "missing", "screen only", "#serial --unit=1\n" + both + entryDone},
		"right":                   {"serial --unit=1 --speed=115200\nterminal --timeout=3 serial console\n" + entryThere, "ok", "ttyS1 at 115200", "serial --unit=1 --speed=115200\nterminal --timeout=3 serial console\n" + entryThere},
		"serial only":             {"serial --unit=1 --speed=115200\nterminal serial\n" + entryThere, "ok", "ttyS1 at 115200", "serial --unit=1 --speed=115200\nterminal serial\n" + entryThere},
		"by I/O address":          {"serial --port=0x2f8 --speed=115200\nterminal serial\n" + entryThere, "ok", "ttyS1 at 115200", "serial --port=0x2f8 --speed=115200\nterminal serial\n" + entryThere},
		"another I/O address":     {"serial --port=0x1234 --speed=115200\nterminal serial\n" + entryThere, "wrong", "port 0x1234", grubSerial + "terminal --timeout=5 serial\n" + entryThere},
		"another unit":            {otherUnit + "terminal --timeout=9 --dumb serial console\n" + entry, "wrong", "uses ttyS0", grubSerial + "terminal --timeout=9 --dumb serial console\n" + entryDone},
		"another rate":            {"serial --unit=1 --speed=9600\nterminal serial\n" + entryThere, "wrong", "9600 bit/s", grubSerial + "terminal --timeout=5 serial\n" + entryThere},
		"parity":                  {"serial --unit=1 --speed=115200 --parity=even\nterminal serial\n" + entryThere, "wrong", "--parity=even", grubSerial + "terminal --timeout=5 serial\n" + entryThere},
		"used, but not set up":    {"terminal serial\n" + entryThere, "missing", "not set up", grubSerial + "terminal --timeout=5 serial\n" + entryThere},
		"set up after it is used": {"terminal serial\nserial --unit=1 --speed=115200\n" + entryThere, "wrong", "after it is used", grubSerial + "terminal --timeout=5 serial\n" + entryThere},
		"twice":                   {"serial --unit=1 --speed=115200\n" + otherUnit + "terminal serial\n" + entryThere, "wrong", "twice", grubSerial + "terminal --timeout=5 serial\n" + entryThere},
		"waits for ever":          {"serial --unit=1 --speed=115200\nterminal console serial\n" + entryThere, "wrong", "for ever", both + entryThere},
		"hidden":                  {"serial --unit=1 --speed=115200\nterminal serial\nhiddenmenu\n" + entryThere, "wrong", "hiddenmenu", grubSerial + "terminal --timeout=5 serial\n#hiddenmenu\n" + entryThere},
		"graphics":                {"terminal graphics\nsplashimage=(hd0,0)/x\n" + entry, "missing", "screen only", both + "#splashimage=(hd0,0)/x\n" + entryDone},
		"carriage returns":        {"default=0\r\nhiddenmenu\r\ntitle x\r\nkernel /vmlinuz ro\r\n", "missing", "screen only", strings.ReplaceAll(both+"default=0\n#hiddenmenu\ntitle x\nkernel /vmlinuz ro "+onSerial1+"\n", "\n", "\r\n")},
		"continued":               {"title x\nkernel /vmlinuz \\\n  ro console=ttyS0 \\\n quiet\n", "missing", "screen only", both + "title x\nkernel /vmlinuz ro quiet " + onSerial1 + "\n"},
		"options of kernel":       {"title x\n  kernel --no-mem-option --type=linux (hd0,0)/vmlinuz  a  b\n", "missing", "", both + "title x\n  kernel --no-mem-option --type=linux (hd0,0)/vmlinuz a b " + onSerial1 + "\n"},
		"no arguments":            {"title x\nkernel=/vmlinuz\n", "missing", "", both + "title x\nkernel=/vmlinuz " + onSerial1 + "\n"},
		"no end of line":          {"title x\nkernel /bzImage a", "missing", "", both + "title x\nkernel /bzImage a " + onSerial1},
		"other kernels":           {entry + "title y\nkernel /boot/memtest86+.bin\ntitle z\nkernel /boot/grub/core.img\n", "missing", "", both + entryDone + "title y\nkernel /boot/memtest86+.bin\ntitle z\nkernel /boot/grub/core.img\n"},
		"the screen comes last":   {both + "title x\nkernel /vmlinuz console=ttyS1,115200n8 console=tty0\n", "ok", "", both + "title x\nkernel /vmlinuz console=tty0 console=ttyS1,115200n8\n"},
		"seven bits":              {both + "title x\nkernel /vmlinuz console=ttyS1,115200e7\n", "ok", "", both + "title x\nkernel /vmlinuz " + onSerial1 + "\n"},
		"without a frame":         {both + "title x\nkernel /vmlinuz console=tty0 console=ttyS1,115200 quiet\n", "ok", "", both + "title x\nkernel /vmlinuz console=tty0 console=ttyS1,115200 quiet\n"},
	} {
		t.Run(name, func(t *testing.T) {
			root := system(t, map[string]string{"etc/x": "", "boot/grub/menu.lst": c.menu})
			r, err := Examine(root, Line{"ttyS1", 115200})
			if err != nil {
				t.Fatal(err)
			}
			if f := r.Findings[1]; f.State.String() != c.state ||
				!strings.Contains(f.Says, c.says) {
				t.Errorf("got %v %q, want %s %q", f.State, f.Says, c.state, c.says)
			}
			if got := applied(t, root, "boot/grub/menu.lst"); got != c.after {
				t.Errorf("got\n%q\nwant\n%q", got, c.after)
			}
		})
	}
}

// Two menus of their own are both set up: which of them is read is written in GRUB's second stage.
func TestTwoLegacyMenus(t *testing.T) {
	root := system(t, map[string]string{"etc/x": "", "boot/grub/menu.lst": entry,
		"boot/grub/grub.conf": entry})
	for _, name := range []string{"boot/grub/menu.lst", "boot/grub/grub.conf"} {
		if got := applied(t, root, name); got != both+entryDone {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}

// Xen has two lines, and kernels newer than its own driver another name for them.
func TestXenIsRefused(t *testing.T) {
	for _, c := range []struct{ port, menu, says string }{
		{"ttyS2", "title x\nkernel /xen.gz\nmodule /vmlinuz-2.6.18-8.el5xen ro\n", "Xen has two serial lines"},
		{"ttyS1", "title x\nkernel /xen-4.0-amd64.gz\nmodule /vmlinuz-2.6.32-5-xen-amd64 ro\n", "console=hvc0"},
	} {
		r, err := Examine(system(t, map[string]string{"etc/x": "", "boot/grub/menu.lst": c.menu}),
			Line{c.port, 115200})
		if err != nil || r.Verdict() == OK || r.Refusal() == nil ||
			!strings.Contains(r.Findings[2].Says, c.says) {
			t.Errorf("%s: got %v, %v, %+v, want %q", c.port, err, r.Refusal(), r.Findings[2],
				c.says)
		}
	}
}

// Entries of inittab, by what is installed.
func TestInittabs(t *testing.T) {
	const sysv = "id:3:initdefault:\nsi::sysinit:/etc/rc\n1:2345:respawn:/sbin/mingetty tty1\n"
	const agetty = "S1:2345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n"
	for name, c := range map[string]struct {
		programs, inittab, state, says, after string
	}{
		"none":              {"/sbin/agetty /sbin/mingetty", sysv, "missing", "no prompt", sysv + agetty},
		"agetty in usr":     {"/usr/sbin/agetty", sysv, "missing", "", sysv + "S1:2345:respawn:/usr/sbin/agetty -L 115200 ttyS1 vt100\n"},
		"getty":             {"/sbin/getty", sysv, "missing", "", sysv + "S1:2345:respawn:/sbin/getty -L 115200 ttyS1 vt100\n"},
		"mgetty":            {"/sbin/mgetty", sysv, "missing", "", sysv + "S1:2345:respawn:/sbin/mgetty -r -s 115200 ttyS1\n"},
		"mgetty's rate":     {"/sbin/mgetty", sysv + "S1:2345:respawn:/sbin/mgetty -r -s 9600 ttyS1\n", "wrong", "9600", sysv + "S1:2345:respawn:/sbin/mgetty -r -s 115200 ttyS1\n"},
		"as on the others":  {"/sbin/agetty /sbin/getty", sysv + "2:2345:respawn:/sbin/getty 38400 tty2\n", "missing", "", sysv + "2:2345:respawn:/sbin/getty 38400 tty2\nS1:2345:respawn:/sbin/getty -L 115200 ttyS1 vt100\n"},
		"not installed":     {"/sbin/agetty", sysv + "co:2345:respawn:/sbin/getty -L 115200 ttyS1 vt100\n", "wrong", "/sbin/getty is not installed", sysv + "co:2345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n"},
		"for screens":       {"/sbin/agetty /sbin/mingetty", sysv + "co:2345:respawn:/sbin/mingetty ttyS1\n", "wrong", "mingetty is for screens", sysv + "co:2345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n"},
		"not in its level":  {"/sbin/agetty", sysv + "co:45:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n", "wrong", "run level 3", sysv + "co:2345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n"},
		"off":               {"/sbin/agetty", sysv + "co:2345:off:/sbin/agetty -L 115200 ttyS1 vt100\n", "missing", "its action is off", sysv + "co:2345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n"},
		"rate":              {"/sbin/agetty", sysv + "9600:2345:respawn:/sbin/agetty ttyS1 9600 vt102\n", "wrong", "9600", sysv + "9600:2345:respawn:/sbin/agetty ttyS1 115200 vt102\n"},
		"rates":             {"/sbin/agetty", sysv + "co:2345:respawn:/sbin/agetty ttyS1 115200,9600 vt102\n", "ok", "", sysv + "co:2345:respawn:/sbin/agetty ttyS1 115200,9600 vt102\n"},
		"its name is taken": {"/sbin/agetty", sysv + "S1:2345:respawn:/sbin/agetty ttyS0 9600\n", "missing", "", sysv + "S1:2345:respawn:/sbin/agetty ttyS0 9600\nT1:2345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n"},
		"carriage return":   {"/sbin/agetty", "id:3:initdefault:\r\nco:2345:respawn:/sbin/agetty ttyS1 9600\r\n", "wrong", "", "id:3:initdefault:\r\nco:2345:respawn:/sbin/agetty ttyS1 115200\n"},
		"BusyBox":           {"/sbin/getty", "::sysinit:/x\n#ttyS1::respawn:/sbin/getty -L 0 ttyS1 vt100\n", "missing", "", "::sysinit:/x\nttyS1::respawn:/sbin/getty -L 115200 ttyS1 vt100\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"etc/inittab": c.inittab,
				"boot/grub/menu.lst": both + entryThere}
			for p := range strings.FieldsSeq(c.programs) {
				files[p] = ""
			}
			root := system(t, files)
			r, err := Examine(root, Line{"ttyS1", 115200})
			if err != nil {
				t.Fatal(err)
			}
			if f := r.Findings[3]; f.State.String() != c.state ||
				!strings.Contains(f.Says, c.says) {
				t.Errorf("got %v %q, want %s %q", f.State, f.Says, c.state, c.says)
			}
			if got := applied(t, root, "etc/inittab"); got != c.after {
				t.Errorf("got\n%q\nwant\n%q", got, c.after)
			}
		})
	}
}

// Jobs of upstart: Red Hat's for the kernel's console, those for one line, and what keeps them
// back.
func TestUpstartJobs(t *testing.T) {
	const job = "start on x\nrespawn\nexec /sbin/agetty "
	for name, c := range map[string]struct{ file, text, override, state, after string }{
		"kernel's console": {"etc/init/serial.conf", job + "/dev/$DEV $SPEED vt100-nav\n", "", "ok", job + "/dev/$DEV $SPEED vt100-nav\n"},
		"a fixed rate":     {"etc/init/serial.conf", job + "/dev/$DEV 9600 vt100\n", "", "wrong", job + "/dev/$DEV 115200 vt100\n"},
		"held back":        {"etc/init/serial.conf", job + "/dev/$DEV $SPEED vt100\n", "manual\n", "wrong", job + "/dev/$DEV $SPEED vt100\n"},
		"another line":     {"etc/init/ttyS0.conf", job + "-L 115200 ttyS0\n", "", "missing", job + "-L 115200 ttyS0\n"},
		"the line":         {"etc/init/ttyS1.conf", job + "-L 115200 ttyS1\n", "", "ok", job + "-L 115200 ttyS1\n"},
		"its rate":         {"etc/init/ttyS1.conf", job + "-L 9600 ttyS1\n", "", "wrong", job + "-L 115200 ttyS1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"etc/init/rc.conf": "", "sbin/agetty": "",
				"boot/grub/menu.lst": both + entryThere, c.file: c.text}
			if c.override != "" {
				files[strings.TrimSuffix(c.file, ".conf")+".override"] = c.override
			}
			root := system(t, files)
			r, err := Examine(root, Line{"ttyS1", 115200})
			if err != nil {
				t.Fatal(err)
			}
			if f := r.Findings[3]; f.State.String() != c.state {
				t.Errorf("got %v %q, want %s", f.State, f.Says, c.state)
			}
			if got := applied(t, root, c.file); got != c.after {
				t.Errorf("got\n%q\nwant\n%q", got, c.after)
			}
		})
	}
}

// PAM wants nothing else on a line of securetty.
func TestSecurettyWithCarriageReturns(t *testing.T) {
	root := system(t, map[string]string{"etc/securetty": "tty1\r\nttyS1\r\n",
		"boot/grub/menu.lst": both + entryThere})
	if got := applied(t, root, "etc/securetty"); got != "tty1\r\nttyS1\r\nttyS1\n" {
		t.Errorf("got %q", got)
	}
}
