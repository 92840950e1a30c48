package sim

import (
	"fmt"
	"strings"
	"time"

	"lom/bmc/host"
	"lom/bmc/host/serial"
)

// A console is the serial port of a simulated machine, with a firmware, a kernel and a shell that
// say what people expect there. What it says waits in said until no lock is held.
type console struct {
	serial.Buffer
	m *Machine

	said     []byte
	speaking bool
	hearing  bool

	run   int       // of the boot that is being printed
	since time.Time // the kernel runs
	state consoleState
	user  string
	line  []byte
	sysrq bool // a break came: the next character is a command to the kernel
}

// A consoleState is what listens at the console.
type consoleState uint8

const (
	nothingListens consoleState = iota
	loginListens
	passwordListens
	shellListens
)

// maxLine is how long a line of the shell may be.
const maxLine = 200

var _ host.Console = (*console)(nil)

// Console implements host.ConsoleOwner.
func (m *Machine) Console() host.Console { return &m.console }

// Write implements host.Console.
func (c *console) Write(p []byte) int {
	n := c.Buffer.Write(p)
	c.hear()
	return n
}

// Break implements host.Console.
func (c *console) Break() error {
	err := c.Buffer.Break()
	c.hear()
	return err
}

// Close implements host.Console.
func (c *console) Close() error {
	c.Detach()
	return nil
}

// hear has what was written taken, when no lock is held.
func (c *console) hear() {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	if !c.hearing && !c.m.closed {
		c.hearing = true
		c.m.cfg.AfterFunc(0, c.take)
	}
}

// take deals with what was written.
func (c *console) take() {
	buf := make([]byte, 256)
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.hearing = false
	for {
		n := c.Take(buf)
		for _, ch := range buf[:n] {
			c.typed(ch)
		}
		switch {
		case n > 0:
		case c.TakeBreak():
			c.sysrq = c.m.on && c.state != nothingListens
		default:
			return
		}
	}
}

// say prints what the machine says. It is called under the lock of the machine.
func (c *console) say(text string) {
	if !c.speaking && !c.Heard() {
		return // a rack of machines that start costs no timers
	}
	c.said = append(c.said, strings.ReplaceAll(text, "\n", "\r\n")...)
	if !c.speaking {
		c.speaking = true
		c.m.cfg.AfterFunc(0, c.speak)
	}
}

func (c *console) speak() {
	c.m.mu.Lock()
	for len(c.said) > 0 {
		p := c.said
		c.said = nil
		c.m.mu.Unlock()
		c.SendAll(p)
		c.m.mu.Lock()
	}
	c.speaking = false
	c.m.mu.Unlock()
}

// off prints that the power went.
func (c *console) off() {
	c.run++
	c.state, c.line, c.sysrq, c.since = nothingListens, nil, false, time.Time{}
}

// A bootLine is said when a part of the time to boot has passed.
type bootLine struct {
	at   float64 // of the whole
	text string
}

// kernelFrom is the part of the time to boot after which the kernel runs.
const kernelFrom = 0.45

var firmwareLines = []bootLine{
	{0, "\x1b[2J\x1b[H\nSimulated BIOS 1.0\n\nCPU: 2 x Simulated Processor, 16 cores each\n"},
	{0.05, "Memory test: 65536 MB OK\n"},
	{0.10, "IPMI BMC: found, KCS interface at I/O port 0xca2\n"},
	{0.15, "SATA port 0: simulated disk, 480 GB\nNIC 1: link up, 10 Gb/s\n"},
}

var menuLines = []bootLine{
	{0.25, "\nBoot menu\n\n * Simulated Linux\n   Simulated Linux (rescue)\n   Firmware setup\n\n"},
	{0.35, "Starting the marked entry.\n"},
}

var kernelLines = []bootLine{
	{0.45, "Linux version 6.1.0-sim (builder@sim) #1 SMP"},
	{0.46, "Command line: root=/dev/sda1 ro console=tty0 console=ttyS0,115200n8"},
	{0.48, "BIOS-provided physical RAM map: 65536 MB"},
	{0.50, "smp: Bringing up secondary CPUs ..."},
	{0.54, "smpboot: Total of 64 processors activated"},
	{0.58, "Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled"},
	{0.60, "00:03: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A"},
	{0.64, "ipmi_si IPI0001:00: IPMI kcs interface initialized"},
	{0.70, "sd 0:0:0:0: [sda] Attached SCSI disk"},
	{0.75, "EXT4-fs (sda1): mounted filesystem with ordered data mode"},
	{0.82, "eth0: link becomes ready"},
	{0.90, "systemd[1]: Reached target Multi-User System"},
}

// starts prints the machine's start, up to the log-in prompt.
func (c *console) starts() {
	c.off()
	lines := append([]bootLine(nil), firmwareLines...)
	if from, ok := bootNames[c.m.boot.Device]; ok {
		lines = append(lines, bootLine{0.2,
			"Boot device of this start, as the BMC says: " + from + "\n"})
	}
	lines = append(lines, menuLines...)
	for _, k := range kernelLines {
		seconds := (k.at - kernelFrom) * c.m.cfg.BootTime.Seconds()
		lines = append(lines, bootLine{k.at, fmt.Sprintf("[%12.6f] %s\n", seconds, k.text)})
	}
	c.tell(c.run, 0, lines)
}

var bootNames = map[host.Device]string{
	host.BootNetwork: "network", host.BootDisk: "disk", host.BootSafe: "disk, safe mode",
	host.BootDiagnostic: "diagnostics",
	host.BootCD:         "CD", host.BootSetup: "firmware setup", host.BootFloppy: "floppy",
}

// tell prints the lines whose time has come and waits for the others.
func (c *console) tell(run int, now float64, lines []bootLine) {
	for len(lines) > 0 && lines[0].at <= now {
		c.say(lines[0].text)
		if lines[0].at >= kernelFrom && c.since.IsZero() {
			c.since = time.Now()
		}
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return
	}
	at := lines[0].at
	c.m.cfg.AfterFunc(time.Duration((at-now)*float64(c.m.cfg.BootTime)), func() {
		c.m.mu.Lock()
		defer c.m.mu.Unlock()
		if run == c.run && !c.m.closed {
			c.tell(run, at, lines)
		}
	})
}

// name is what the machine calls itself.
func (c *console) name() string {
	if c.m.cfg.Name == "" {
		return "localhost"
	}
	return c.m.cfg.Name
}

// booted shows the log-in prompt.
func (c *console) booted() {
	if c.since.IsZero() {
		c.since = time.Now()
	}
	c.login("\nSimulated Linux " + c.name() + " ttyS0\n\n")
}

func (c *console) login(before string) {
	c.state, c.line = loginListens, nil
	c.say(before + c.name() + " login: ")
}

// stops prints that the operating system shuts down.
func (c *console) stops(what string) {
	c.state = nothingListens
	c.say("\n" + c.stamp() + "systemd[1]: Stopping all services\n" + c.stamp() + "reboot: " + what +
		"\n")
}

// panics prints the panic of a diagnostic interrupt.
func (c *console) panics(why string) {
	c.state = nothingListens
	c.say("\n" + c.stamp() + "Kernel panic - not syncing: " + why + "\n" + c.stamp() +
		"kdump: saving memory\n")
}

// stamp is the kernel's time stamp.
func (c *console) stamp() string { return fmt.Sprintf("[%12.6f] ", time.Since(c.since).Seconds()) }

// typed deals with a character from the BMC.
func (c *console) typed(ch byte) {
	switch {
	case c.state == nothingListens:
	case c.sysrq:
		c.sysrq = false
		c.request(ch)
	case ch == '\r' || ch == '\n':
		line := string(c.line)
		c.line = nil
		c.say("\n")
		c.entered(line)
	case ch == 0x7f || ch == '\b':
		if n := len(c.line); n > 0 {
			c.line = c.line[:n-1]
			if c.state != passwordListens {
				c.say("\b \b")
			}
		}
	case ch == 3: // Ctrl-C
		c.line = nil
		c.say("^C\n")
		c.prompt()
	case ch == 4 && len(c.line) == 0: // Ctrl-D
		if c.state == shellListens {
			c.login("\n\n")
		}
	case ch >= ' ' && len(c.line) < maxLine:
		c.line = append(c.line, ch)
		if c.state != passwordListens {
			c.say(string([]byte{ch}))
		}
	}
}

// request carries out what is asked of the kernel by a break and a character.
func (c *console) request(ch byte) {
	switch ch {
	case 'b':
		c.say("\n" + c.stamp() + "sysrq: Resetting\n")
		c.m.begin(step{0, c.m.reset}, step{c.m.cfg.BootTime, c.m.osRuns})
	case 'c':
		c.panics("sysrq triggered crash")
		c.m.begin(step{c.m.cfg.StopTime, c.m.reset}, step{c.m.cfg.BootTime, c.m.osRuns})
	default:
		c.say("\n" + c.stamp() + "sysrq: HELP : reboot(b) crash(c)\n")
	}
}

func (c *console) prompt() {
	switch c.state {
	case shellListens:
		c.say(c.user + "@" + c.name() + ":~# ")
	case loginListens, passwordListens:
		c.login("")
	}
}

// entered deals with a line.
func (c *console) entered(line string) {
	switch c.state {
	case loginListens:
		if c.user = strings.TrimSpace(line); c.user != "" {
			c.state = passwordListens
			c.say("Password: ")
			return
		}
	case passwordListens: // any password is right: there is nothing to protect
		c.state = shellListens
		c.say("This machine is simulated; help says what it knows.\n")
	case shellListens:
		c.command(strings.TrimSpace(line))
	}
	c.prompt()
}

// command carries out a command of the shell.
func (c *console) command(line string) {
	name, arguments, _ := strings.Cut(line, " ")
	switch name {
	case "":
	case "help":
		c.say("dmesg  echo  exit  help  hostname  poweroff  reboot  uptime  whoami\n")
	case "echo":
		c.say(arguments + "\n")
	case "hostname":
		c.say(c.name() + "\n")
	case "whoami":
		c.say(c.user + "\n")
	case "uptime":
		up := time.Since(c.since)
		c.say(fmt.Sprintf(" up %d days, %2d:%02d,  1 user,  load average: 0.00, 0.01, 0.05\n",
			int(up.Hours())/24, int(up.Hours())%24, int(up.Minutes())%60))
	case "dmesg":
		for _, k := range kernelLines {
			c.say(fmt.Sprintf("[%12.6f] %s\n", (k.at-kernelFrom)*c.m.cfg.BootTime.Seconds(),
				k.text))
		}
	case "exit", "logout":
		c.state = loginListens
		c.say("\n")
	case "reboot":
		c.stops("Restarting system")
		c.m.begin(step{c.m.cfg.StopTime, c.m.reset}, step{c.m.cfg.BootTime, c.m.osRuns})
	case "poweroff":
		c.stops("Power down")
		c.m.begin(step{c.m.cfg.StopTime, c.m.powerOff})
	default:
		c.say("sh: " + name + ": command not found\n")
	}
}
