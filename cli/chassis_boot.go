package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

const bootdevLong = `Choose what the server boots from next.

DEVICE is none, pxe, disk, safe (disk in safe mode), diag (diagnostic partition), cdrom, bios
(setup) or floppy. OPTIONS are words apart by commas:
  persistent             for all boots to come, not only the next
  efiboot                the EFI way
  clear-cmos             clear the CMOS memory
  lockkbd                lock the keyboard
  screenblank            blank the screen
  lockoutreset           lock the reset button
  lockout_power          lock the power button
  lockout_sleep          lock the sleep button
  verbose=default|no|yes what the BIOS shows
  force_pet              send progress events as traps
  upw_bypass             do not ask for the user's password
  cons_redirect=default|skip|enable
  valid                  mark the flags valid, which is done anyway`

const bootmboxLong = `The boot initiator mailbox: up to 256 blocks of 16 bytes that software on the
server finds when it boots. Block 0 begins with the enterprise number (PEN) of who defined the rest.`

func newBootdev(a *App) *cobra.Command {
	cmd := change(a, "bootdev DEVICE [clear-cmos=yes|no | options=OPTIONS]",
		"Choose what the server boots from next", runBootdev)
	cmd.Long = bootdevLong
	cmd.ValidArgsFunction = completeWords(machine.BootDevices)
	return cmd
}

func newBootparam(a *App) *cobra.Command {
	set := change(a, "set bootflag DEVICE [options=[no-]PEF,timeout,watchdog,reset,power]",
		"Choose what to boot from, and what makes the choice void", runBootparamSet)
	forced := make([]string, len(machine.BootDevices))
	for i, d := range machine.BootDevices {
		forced[i] = "force_" + d
	}
	set.ValidArgsFunction = completeWords([]string{"bootflag"}, forced)
	return group(a, "bootparam", "Boot parameters",
		query(a, "get NUMBER [BLOCK]", "Show a boot parameter", render.BootParameter,
			runBootparamGet), set)
}

// completeWords completes the first argument of a command with the first list of words, the second
// with the second, and so on.
func completeWords(words ...[]string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) < len(words) {
			return words[len(args)], cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// bootOptions are the words of options= in bootdev.
var bootOptions = map[string]func(*ipmi.BootFlags){
	"valid":                 func(f *ipmi.BootFlags) { f.Valid = true },
	"persistent":            func(f *ipmi.BootFlags) { f.Persistent = true },
	"efiboot":               func(f *ipmi.BootFlags) { f.EFI = true },
	"clear-cmos":            func(f *ipmi.BootFlags) { f.ClearCMOS = true },
	"lockkbd":               func(f *ipmi.BootFlags) { f.LockKeyboard = true },
	"screenblank":           func(f *ipmi.BootFlags) { f.BlankScreen = true },
	"lockoutreset":          func(f *ipmi.BootFlags) { f.LockResetButton = true },
	"lockout_power":         func(f *ipmi.BootFlags) { f.LockPowerButton = true },
	"lockout_sleep":         func(f *ipmi.BootFlags) { f.LockSleepButton = true },
	"verbose=default":       func(f *ipmi.BootFlags) { f.Verbosity = ipmi.BootVerbosityDefault },
	"verbose=no":            func(f *ipmi.BootFlags) { f.Verbosity = ipmi.BootQuiet },
	"verbose=yes":           func(f *ipmi.BootFlags) { f.Verbosity = ipmi.BootVerbose },
	"force_pet":             func(f *ipmi.BootFlags) { f.ProgressTraps = true },
	"upw_bypass":            func(f *ipmi.BootFlags) { f.BypassPassword = true },
	"cons_redirect=default": redirect(ipmi.BootRedirectionDefault),
	"cons_redirect=skip":    redirect(ipmi.BootRedirectionSkip),
	"cons_redirect=enable":  redirect(ipmi.BootRedirectionEnable),
}

func redirect(r ipmi.BootRedirection) func(*ipmi.BootFlags) {
	return func(f *ipmi.BootFlags) { f.ConsoleRedirection = r }
}

func runBootdev(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 1, 2); err != nil {
		return "", err
	}
	var flags ipmi.BootFlags
	if len(args) == 2 {
		options, ok := strings.CutPrefix(args[1], "options=")
		switch {
		case args[1] == "clear-cmos=yes":
			options = "clear-cmos"
		case args[1] == "clear-cmos=no":
			options = ""
		case options == "help":
			fmt.Fprintf(a.Err, bootdevLong+"\n")
			return "", errReported
		case !ok:
			return "", usagef("%q is neither clear-cmos=yes|no nor options=…", args[1])
		}
		for word := range strings.SplitSeq(options, ",") {
			if word == "" {
				continue
			}
			set, ok := bootOptions[word]
			if !ok {
				return "", fmt.Errorf("there is no boot option %q; %q lists what there is",
					word, a.Name+" chassis bootdev help")
			}
			set(&flags)
		}
	}
	device, err := bootDevice(args[0])
	if err != nil {
		return "", err
	}
	flags.Device = device
	m, err := a.machine(ctx)
	if err == nil {
		err = m.SetBootDevice(ctx, flags)
	}
	return "Set Boot Device to " + args[0], err
}

// bootDevice reads a boot device, with or without "force_" before it.
func bootDevice(word string) (ipmi.BootDevice, error) {
	device, ok := machine.BootDevice(strings.TrimPrefix(word, "force_"))
	if !ok {
		return 0, usagef("there is no boot device %q", word)
	}
	return device, nil
}

func runBootparamSet(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 2, 3); err != nil {
		return "", err
	}
	if args[0] != "bootflag" {
		return "", usagef("only bootflag can be set, not %q", args[0])
	}
	device, err := bootDevice(args[1])
	if err != nil {
		return "", err
	}
	// All words are checked before anything is changed.
	keep := make(map[string]bool) // event → whether the choice stays valid on it
	if len(args) == 3 {
		options, ok := strings.CutPrefix(args[2], "options=")
		if !ok {
			return "", usagef("%q does not begin with options=", args[2])
		}
		for word := range strings.SplitSeq(options, ",") {
			event, kept := strings.CutPrefix(word, "no-")
			if !slices.Contains(machine.BootEvents, event) {
				return "", usagef(
					"%q is none of PEF, timeout, watchdog, reset and power, with or without no- "+
						"in front", word)
			}
			keep[event] = kept
		}
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.SetBootDeviceKept(ctx, ipmi.BootFlags{Device: device}, keep)
	}
	return "Set Boot Device to " + args[1], err
}

func runBootparamGet(
	ctx context.Context, a *App, args []string,
) (v machine.BootParameter, err error) {
	if err := wantArgs(args, 1, 2); err != nil {
		return v, err
	}
	n, err := parseNumber(args[0], 0, 127)
	if err != nil {
		return v, usagef("parameter: %v", err)
	}
	block := byte(0)
	if len(args) == 2 {
		if block, err = parseByte(args[1]); err != nil {
			return v, usagef("block: %v", err)
		}
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	return m.BootParameter(ctx, uint8(n), block)
}

// mailboxWords are the words that bootmbox get and set have in common; block is -1 if there is
// none.
func mailboxWords(args []string) (text bool, block int, rest []string, err error) {
	block = -1
	if len(args) > 0 && args[0] == "text" {
		text, args = true, args[1:]
	}
	if len(args) > 0 && args[0] == "block" {
		if len(args) < 2 {
			return false, 0, nil, usagef("the number of the block is missing")
		}
		n, err := parseNumber(args[1], 0, machine.BootMailboxBlocks-1)
		if err != nil {
			return false, 0, nil, usagef("block: %v", err)
		}
		block, args = int(n), args[2:]
	}
	return text, block, args, nil
}

func runBootmboxGet(
	ctx context.Context, a *App, args []string,
) (v render.BootMailboxBlocks, err error) {
	text, block, rest, err := mailboxWords(args)
	if err != nil {
		return v, err
	}
	if err := wantArgs(rest, 0, 0); err != nil {
		return v, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	v.AsText, v.One = text, block >= 0
	if !v.One {
		v.Values, err = m.BootMailbox(ctx)
		return v, err
	}
	b, err := m.BootMailboxBlock(ctx, uint8(block))
	v.Values = []machine.BootMailboxBlock{b}
	return v, err
}

func runBootmboxSet(ctx context.Context, a *App, args []string) (string, error) {
	text, block, rest, err := mailboxWords(args)
	if err != nil {
		return "", err
	}
	if err := wantArgs(rest, 2, -1); err != nil {
		return "", err
	}
	pen, err := parseNumber(rest[0], 0, 1<<24-1)
	if err != nil {
		return "", usagef("enterprise number: %v", err)
	}
	var data []byte
	if text {
		if err := wantArgs(rest, 2, 2); err != nil {
			return "", err
		}
		data = append([]byte(rest[1]), 0)
	} else {
		for _, word := range rest[1:] {
			b, err := parseByte(word)
			if err != nil {
				return "", usagef("data: %v", err)
			}
			data = append(data, b)
		}
	}
	m, err := a.machine(ctx)
	switch {
	case err != nil:
		return "", err
	case block >= 0:
		return "", m.SetBootMailboxBlock(ctx, uint8(block), uint32(pen), data)
	}
	return "", m.SetBootMailbox(ctx, uint32(pen), data)
}
