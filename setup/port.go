package setup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// spcrPath is where Linux shows the ACPI table Serial Port Console Redirection, with which the
// firmware reports where its own console is.
const spcrPath = "/sys/firmware/acpi/tables/SPCR"

// firmware is what the firmware reports of its console.
func firmware(t *tree, want Line) (Finding, error) {
	f := Finding{Layer: bios, State: Unknown,
		Says: "the firmware does not show; look for Serial Redirection in its set-up"}
	text, ok, err := t.text(spcrPath)
	if err != nil || !ok {
		return f, nil // readable by root only, and not there in an unpacked system
	}
	l, err := t.spcr([]byte(text))
	if err != nil {
		return f, nil
	}
	f.Where, f.State, f.Says = spcrPath, OK,
		fmt.Sprintf("the firmware's console is on %s at %d bit/s", l.Port, l.Baud)
	if l.Baud == 0 {
		l.Baud, f.Says = want.Baud, fmt.Sprintf("the firmware's console is on %s", l.Port)
	}
	if d := l.differs(want); d != "" {
		f.State, f.Says = Wrong, "the firmware "+d+"; change it in its set-up"
	}
	return f, nil
}

// spcr reads the SPCR table. The rate is 0 if the firmware leaves it as it is.
func (t *tree) spcr(b []byte) (Line, error) {
	if len(b) < 60 || string(b[:4]) != "SPCR" {
		return Line{}, errors.New("no SPCR table")
	}
	l := Line{Baud: map[byte]int{3: 9600, 4: 19200, 6: 57600, 7: 115200}[b[58]]}
	if b[40] != 1 {
		return l, errors.New("the firmware's console is not at an I/O port")
	}
	address := binary.LittleEndian.Uint64(b[44:])
	for _, u := range t.uarts() {
		if u.address == address {
			l.Port = u.port
			return l, nil
		}
	}
	if p, ok := pcPorts[address]; ok {
		l.Port = p
		return l, nil
	}
	return l, fmt.Errorf("no serial port has the I/O address %Xh", address)
}

// pcPorts are the serial ports of a PC by their I/O addresses.
var pcPorts = map[uint64]string{0x3f8: "ttyS0", 0x2f8: "ttyS1", 0x3e8: "ttyS2", 0x2e8: "ttyS3"}

type uart struct {
	port    string
	address uint64
}

var uartLine = lazily(`^([0-9]+): uart:([^ ]+) port:([0-9A-Fa-f]+)`)

// uarts returns the ports that the kernel's driver has found.
func (t *tree) uarts() (out []uart) {
	text, _, err := t.text("/proc/tty/driver/serial")
	if err != nil {
		return nil
	}
	for l := range strings.SplitSeq(text, "\n") {
		if m := uartLine().FindStringSubmatch(l); m != nil && m[2] != "unknown" {
			a, _ := strconv.ParseUint(m[3], 16, 64)
			out = append(out, uart{"ttyS" + m[1], a})
		}
	}
	return out
}

// vendorPath is where Linux shows who made the server (SMBIOS, type 1).
const vendorPath = "/sys/class/dmi/id/sys_vendor"

// usualPorts are the ports that makers' BMCs use for SOL unless the BIOS set-up says otherwise. A
// BMC does not report it.
var usualPorts = map[string]string{"Dell Inc.": "ttyS1", "Supermicro": "ttyS1"}

// usualPort returns the port that SOL usually has on this make of server, "" if it is not known or
// not there.
func (t *tree) usualPort() (port, vendor string) {
	text, _, err := t.text(vendorPath)
	if err != nil {
		return "", ""
	}
	vendor = strings.TrimSpace(text)
	port = usualPorts[vendor]
	if u := t.uarts(); len(u) > 0 && !slices.ContainsFunc(u, func(u uart) bool {
		return u.port == port
	}) {
		return "", ""
	}
	return port, vendor
}

// FindLine guesses the line that SOL uses: what the firmware says of its console, then what is
// usual for the maker of the server, then what the running kernel uses, then the only serial port
// there is. How says in words where the port comes from. The rate is 0 if none of them tells it.
func FindLine(root string) (l Line, how string, err error) {
	t, err := newTree(root)
	if err != nil {
		return Line{}, "", err
	}
	defer t.close()
	if text, ok, err := t.text(spcrPath); err == nil && ok {
		if l, err := t.spcr([]byte(text)); err == nil {
			return l, "the firmware's console (SPCR)", nil
		}
	}
	if port, vendor := t.usualPort(); port != "" {
		return Line{Port: port}, "what is usual on servers of " + vendor + " (DMI)", nil
	}
	if text, ok, err := t.text("/proc/cmdline"); err == nil && ok {
		if lines := consoles(strings.Fields(text)); len(lines) > 0 {
			return lines[len(lines)-1], "the running kernel's console", nil
		}
	}
	if u := t.uarts(); len(u) == 1 {
		return Line{Port: u[0].port}, "the only serial port", nil
	}
	return Line{}, "", errors.New("it cannot be seen which serial port SOL uses; look into the " +
		"BIOS set-up or the server's manual, and say --port ttyS0 or --port ttyS1")
}
