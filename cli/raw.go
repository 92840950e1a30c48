package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newRaw(a *App) *cobra.Command {
	c := query(a, "raw NETFN COMMAND [DATA...]",
		"Send any request and print the bytes of the answer",
		render.Raw, runRaw)
	c.Long = `Send any request and print the bytes of the answer.

NETFN is a number or chassis, bridge, sensorevent, application, firmware, storage or
transport. All bytes are decimal, hexadecimal with 0x, or octal with 0. -l sets the logical unit.`
	return c
}

var netFnNames = [...]struct {
	name string
	fn   ipmi.NetFn
}{
	{"Chassis", ipmi.NetFnChassis}, {"Bridge", ipmi.NetFnBridge}, {"SensorEvent", ipmi.NetFnSensor},
	{"Application", ipmi.NetFnApp}, {"Firmware", ipmi.NetFnFirmware},
	{"Storage", ipmi.NetFnStorage},
	{"Transport", ipmi.NetFnTransport},
}

// maxRawData is the most data bytes that raw takes.
const maxRawData = 254

func runRaw(ctx context.Context, a *App, args []string) (v machine.RawAnswer, err error) {
	if len(args) < 2 {
		return v, usagef("raw needs a network function and a command")
	}
	if len(args) > maxRawData+2 {
		return v, fmt.Errorf("a raw request has at most %d data bytes", maxRawData)
	}
	var b []byte
	for i, arg := range args {
		what := "data"
		switch i {
		case 0:
			what = "netfn"
			if fn, ok := netFnByName(arg); ok {
				b = append(b, byte(fn))
				continue
			}
		case 1:
			what = "command"
		}
		n, err := parseByte(arg)
		if err != nil {
			return v, fmt.Errorf("given %s %q is invalid: %w", what, arg, err)
		}
		b = append(b, n)
	}
	if b[0] > 0x3f {
		return v, fmt.Errorf("given netfn %q is invalid: a network function is at most 63 (0x3f)",
			args[0])
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	lun := uint8(a.Options.LUN)
	v, err = m.Raw(ctx, lun, ipmi.NetFn(b[0]), b[1], b[2:])
	if c, refused := err.(ipmi.CompletionCode); refused {
		return v, &rawError{a.Options.TargetChannel, b[0], lun, b[1], c}
	}
	if err != nil {
		what := fmt.Sprintf("send RAW command (channel=0x%x netfn=0x%x lun=0x%x cmd=0x%x)",
			a.Options.TargetChannel, b[0], lun, b[1])
		return v, &unansweredError{what, err}
	}
	return v, nil
}

// A rawError is a raw request that the BMC refused; scripts know its words from ipmitool.
type rawError struct {
	channel         int
	netFn, lun, cmd uint8
	code            ipmi.CompletionCode
}

func (e *rawError) Error() string {
	return fmt.Sprintf("Unable to send RAW command (channel=0x%x netfn=0x%x lun=0x%x cmd=0x%x "+
		"rsp=0x%x): %s",
		e.channel, e.netFn, e.lun, e.cmd, uint8(e.code), e.code)
}

// Unwrap returns the completion code.
func (e *rawError) Unwrap() error { return e.code }

func netFnByName(s string) (ipmi.NetFn, bool) {
	for _, n := range netFnNames {
		if strings.EqualFold(s, n.name) {
			return n.fn, true
		}
	}
	return 0, false
}

// parseByte reads a byte: decimal, hexadecimal with 0x, or octal with 0.
func parseByte(s string) (byte, error) {
	n, err := parseNumber(s, 0, 255)
	return byte(n), err
}

// parseNumber reads a number from low to high: decimal, hexadecimal with 0x, or octal with 0.
func parseNumber(s string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not a number from %d to %d", s, low, high)
	}
	return n, nil
}
