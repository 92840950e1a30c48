package cli

import (
	"cmp"
	"context"
	"io"
	"strings"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// bootDevices are the words for boot devices; bootparam set has them with "force_" in front.
var bootDevices = [...]struct {
	word   string
	device ipmi.BootDevice
}{
	{"none", ipmi.BootNoOverride}, {"pxe", ipmi.BootPXE}, {"disk", ipmi.BootDisk}, {"safe", ipmi.BootSafeMode},
	{"diag", ipmi.BootDiagnostic}, {"cdrom", ipmi.BootCDROM}, {"bios", ipmi.BootBIOSSetup}, {"floppy", ipmi.BootFloppy},
}

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
	"cons_redirect=default": func(f *ipmi.BootFlags) { f.ConsoleRedirection = ipmi.BootRedirectionDefault },
	"cons_redirect=skip":    func(f *ipmi.BootFlags) { f.ConsoleRedirection = ipmi.BootRedirectionSkip },
	"cons_redirect=enable":  func(f *ipmi.BootFlags) { f.ConsoleRedirection = ipmi.BootRedirectionEnable },
}

func runBootdev(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 2); err != nil {
		return err
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
			return errReported
		case !ok:
			return usagef("%q is neither clear-cmos=yes|no nor options=…", args[1])
		}
		for _, word := range strings.Split(options, ",") {
			if word == "" {
				continue
			}
			set, ok := bootOptions[word]
			if !ok {
				return fmt.Errorf("there is no boot option %q; %q lists what there is", word, a.Name+" chassis bootdev help")
			}
			set(&flags)
		}
	}
	device, ok := bootDevice(args[0])
	if !ok {
		return usagef("there is no boot device %q", args[0])
	}
	flags.Device = device
	return a.setBootDevice(ctx, args[0], flags)
}

func bootDevice(word string) (ipmi.BootDevice, bool) {
	word = strings.TrimPrefix(word, "force_")
	for _, d := range bootDevices {
		if d.word == word {
			return d.device, true
		}
	}
	return 0, false
}

// setBootDevice writes the boot flags and marks them valid.
func (a *App) setBootDevice(ctx context.Context, word string, flags ipmi.BootFlags) error {
	flags.Valid = true
	err := a.changeBoot(ctx, ipmi.BootPartyBIOS, flags)
	if err != nil {
		return err
	}
	return a.Done("Set Boot Device to " + word)
}

// changeBoot writes boot parameters the way the specification asks for (§28.12): with Set In Progress
// around, and the acknowledgement of the parties set anew. BMCs that lack one or the other, or on which a
// forgotten change is still in progress, get the parameters all the same.
func (a *App) changeBoot(ctx context.Context, acknowledge ipmi.BootParties, params ...ipmi.Parameter) error {
	progress := true
	err := a.setBootParameter(ctx, ipmi.SetInProgress{State: ipmi.SetBusy})
	if _, refused := code(err); refused {
		progress = false
	} else if err != nil {
		return err
	}
	err = a.setBootParameter(ctx, ipmi.BootInfoAcknowledge{Mask: uint8(acknowledge), Pending: acknowledge})
	if _, refused := code(err); refused {
		err = nil
	}
	for _, p := range params {
		if err == nil {
			err = failed(fmt.Sprintf("Set Chassis Boot Parameter %d", p.Number()), a.setBootParameter(ctx, p))
		}
	}
	if !progress {
		return err
	}
	if err == nil {
		// Only BMCs that can undo changes know this one.
		_ = a.setBootParameter(ctx, ipmi.SetInProgress{State: ipmi.SetCommitWrite})
	}
	if end := a.setBootParameter(ctx, ipmi.SetInProgress{State: ipmi.SetComplete}); err == nil {
		err = failed("Set Chassis Boot Parameter 0", end)
	}
	return err
}

func (a *App) setBootParameter(ctx context.Context, p ipmi.Parameter) error {
	req, err := ipmi.SetBootParameter(p)
	if err != nil {
		return err
	}
	_, err = do(ctx, a, req)
	return err
}

// bootParameter reads a boot parameter.
func (a *App) bootParameter(ctx context.Context, number, block uint8) (ipmi.SystemBootOptions, error) {
	r, err := do(ctx, a, ipmi.GetSystemBootOptions{Number: number, Set: block})
	return r, failed(fmt.Sprintf("Get Chassis Boot Parameter %d", number), err)
}

// validBits are the options of bootparam set: events that clear the valid bit of the boot flags.
var validBits = map[string]func(*ipmi.BootValidBitClearing) *bool{
	"PEF":      func(v *ipmi.BootValidBitClearing) *bool { return &v.KeepOnPEF },
	"timeout":  func(v *ipmi.BootValidBitClearing) *bool { return &v.KeepOnTimeout },
	"watchdog": func(v *ipmi.BootValidBitClearing) *bool { return &v.KeepOnWatchdog },
	"reset":    func(v *ipmi.BootValidBitClearing) *bool { return &v.KeepOnReset },
	"power":    func(v *ipmi.BootValidBitClearing) *bool { return &v.KeepOnPower },
}

func runBootparamSet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 2, 3); err != nil {
		return err
	}
	if args[0] != "bootflag" {
		return usagef("only bootflag can be set, not %q", args[0])
	}
	device, ok := bootDevice(args[1])
	if !ok {
		return usagef("there is no boot device %q", args[1])
	}
	// All words are checked before anything is changed.
	change := make(map[string]bool) // event → whether the valid bit is kept on it
	if len(args) == 3 {
		options, ok := strings.CutPrefix(args[2], "options=")
		if !ok {
			return usagef("%q does not begin with options=", args[2])
		}
		for _, word := range strings.Split(options, ",") {
			event, keep := strings.CutPrefix(word, "no-")
			if _, ok := validBits[event]; !ok {
				return usagef("%q is none of PEF, timeout, watchdog, reset and power, with or without no- in front", word)
			}
			change[event] = keep
		}
	}
	params := []ipmi.Parameter{ipmi.BootFlags{Valid: true, Device: device}}
	if len(change) > 0 {
		r, err := a.bootParameter(ctx, ipmi.BootValidBitClearing{}.Number(), 0)
		if err != nil {
			return err
		}
		p, err := r.Parameter()
		if err != nil {
			return err
		}
		clearing, ok := p.(ipmi.BootValidBitClearing)
		if !ok {
			return fmt.Errorf("the BMC answered with boot parameter %d instead of 3", r.Number)
		}
		for event, keep := range change {
			*validBits[event](&clearing) = keep
		}
		params = append(params, clearing)
	}
	if err := a.changeBoot(ctx, ipmi.BootPartyBIOS, params...); err != nil {
		return err
	}
	return a.Done("Set Boot Device to " + args[1])
}

// bootParameterInfo is what bootparam get prints.
type bootParameterInfo struct {
	Number  uint8    `json:"parameter"`
	Version uint8    `json:"version"`
	Valid   bool     `json:"valid"`
	Data    hexBytes `json:"data"`
	Value   any      `json:"value,omitempty"` // the typed parameter
}

func runBootparamGet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 2); err != nil {
		return err
	}
	n, err := parseNumber(args[0], 0, 127)
	if err != nil {
		return usagef("parameter: %v", err)
	}
	block := byte(0)
	if len(args) == 2 {
		if block, err = parseByte(args[1]); err != nil {
			return usagef("block: %v", err)
		}
	}
	r, err := a.bootParameter(ctx, uint8(n), block)
	if err != nil {
		return err
	}
	p, malformed := r.Parameter() // its bytes are shown in any case
	v := bootParameterInfo{r.Number, r.Version, !r.Invalid, r.Data, nil}
	if malformed == nil {
		v.Value = bootValue(p)
	}
	return cmp.Or(a.Show(v, func(w io.Writer) {
		bootParameterHead(w, r)
		if malformed == nil {
			a.bootParameterText(w, p)
		}
	}, nil), malformed)
}

func bootParameterHead(w io.Writer, r ipmi.SystemBootOptions) {
	fmt.Fprintf(w, "Boot parameter version: %d\n", r.Version)
	fmt.Fprintf(w, "Boot parameter %d is %s\n", r.Number, choose(r.Invalid, "invalid/locked", "valid/unlocked"))
	fmt.Fprintf(w, "Boot parameter data: %x\n", r.Data)
}

// bootParameterText prints a parameter as ipmitool does, also where ipmitool has the meaning of bits
// mixed up (parameters 2 and 4): scripts look for these words. JSON output has it right.
func (a *App) bootParameterText(w io.Writer, p ipmi.Parameter) {
	list := func(title, indent string, flags ...any) {
		fmt.Fprintf(w, " %s :\n", title)
		none := true
		for i := 0; i < len(flags); i += 2 {
			if flags[i].(bool) {
				fmt.Fprintf(w, "%s- %s\n", indent, flags[i+1])
				none = false
			}
		}
		if none {
			fmt.Fprintln(w, "     No flag set")
		}
	}
	switch p := p.(type) {
	case ipmi.SetInProgress:
		fmt.Fprintf(w, " Set In Progress : %s\n", p.State)
	case ipmi.BootServicePartition:
		selector := "unspecified"
		if p.Selector != 0 {
			selector = fmt.Sprint(p.Selector)
		}
		fmt.Fprintf(w, " Service Partition Selector : %s\n", selector)
	case ipmi.BootServicePartitionScan:
		list("Service Partition Scan", "     ",
			p.Discovered, "Request BIOS to scan", p.Scan, "Service Partition Discovered")
	case ipmi.BootValidBitClearing:
		list("BMC boot flag valid bit clearing", "     ",
			p.KeepOnPEF, "Don't clear valid bit on reset/power cycle cause by PEF",
			p.KeepOnTimeout, "Don't automatically clear boot flag valid bit on timeout",
			p.KeepOnWatchdog, "Don't clear valid bit on reset/power cycle cause by watchdog",
			p.KeepOnReset, "Don't clear valid bit on push button reset // soft reset",
			p.KeepOnPower, "Don't clear valid bit on power up via power push button or wake event")
	case ipmi.BootInfoAcknowledge:
		has := func(b ipmi.BootParties) bool { return p.Pending&b != 0 }
		list("Boot Info Acknowledge", "    ",
			has(ipmi.BootPartyOEM), "OEM has handled boot info",
			has(ipmi.BootPartySMS), "SMS has handled boot info",
			has(ipmi.BootPartyOS), "OS // service partition has handled boot info",
			has(ipmi.BootPartyLoader), "OS Loader has handled boot info",
			has(ipmi.BootPartyBIOS), "BIOS/POST has handled boot info")
	case ipmi.BootFlags:
		bootFlagsText(w, p)
	case ipmi.BootInitiator:
		fmt.Fprintln(w, " Boot Initiator Info :")
		fmt.Fprintf(w, "    Channel Number : %d\n", p.Channel)
		fmt.Fprintf(w, "    Session Id     : %08Xh\n", p.SessionID)
		fmt.Fprintf(w, "    Timestamp      : %s\n", a.stampNumeric(p.Time))
	case ipmi.BootMailbox:
		a.mailboxText(w, p, false, false)
	default:
		fmt.Fprintf(w, " Unsupported parameter %d\n", p.Number())
	}
}

func bootFlagsText(w io.Writer, p ipmi.BootFlags) {
	line := func(is bool, words string) {
		if is {
			fmt.Fprintf(w, "   - %s\n", words)
		}
	}
	fmt.Fprintln(w, " Boot Flags :")
	line(true, choose(p.Valid, "Boot Flag Valid", "Boot Flag Invalid"))
	line(true, choose(p.Persistent, "Options apply to all future boots", "Options apply to only next boot"))
	line(true, choose(p.EFI, "BIOS EFI boot ", "BIOS PC Compatible (legacy) boot "))
	line(p.ClearCMOS, "CMOS Clear")
	line(p.LockKeyboard, "Lock Keyboard")
	line(true, "Boot Device Selector : "+p.Device.String())
	line(p.BlankScreen, "Screen blank")
	line(p.LockResetButton, "Lock out Reset buttons")
	line(p.LockPowerButton, "Lock out (power off/sleep request) via Power Button")
	line(true, "BIOS verbosity : "+p.Verbosity.String())
	line(p.ProgressTraps, "Force progress event traps")
	line(p.BypassPassword, "User password bypass")
	line(p.LockSleepButton, "Lock Out Sleep Button")
	line(true, "Console Redirection control : "+p.ConsoleRedirection.String())
	line(p.SharedMode, "BIOS Shared Mode Override")
	line(true, "BIOS Mux Control Override : "+p.Mux.String())
}

// bootValue is a boot parameter for JSON.
func bootValue(p ipmi.Parameter) any {
	type object = map[string]any
	switch p := p.(type) {
	case ipmi.SetInProgress:
		return object{"state": p.State.String()}
	case ipmi.BootServicePartition:
		return object{"selector": p.Selector}
	case ipmi.BootServicePartitionScan:
		return object{"scan": p.Scan, "discovered": p.Discovered}
	case ipmi.BootValidBitClearing:
		return object{"keep_on_pef": p.KeepOnPEF, "keep_on_timeout": p.KeepOnTimeout, "keep_on_watchdog": p.KeepOnWatchdog,
			"keep_on_reset": p.KeepOnReset, "keep_on_power": p.KeepOnPower}
	case ipmi.BootInfoAcknowledge:
		has := func(b ipmi.BootParties) bool { return p.Pending&b != 0 }
		return object{"pending": object{"bios": has(ipmi.BootPartyBIOS), "loader": has(ipmi.BootPartyLoader), "os": has(ipmi.BootPartyOS),
			"sms": has(ipmi.BootPartySMS), "oem": has(ipmi.BootPartyOEM)}}
	case ipmi.BootFlags:
		device := fmt.Sprintf("device %d", p.Device)
		for _, d := range bootDevices {
			if d.device == p.Device {
				device = d.word
			}
		}
		return object{"valid": p.Valid, "persistent": p.Persistent, "efi": p.EFI, "device": device, "instance": p.Instance,
			"clear_cmos": p.ClearCMOS, "lock_keyboard": p.LockKeyboard, "blank_screen": p.BlankScreen,
			"lock_reset_button": p.LockResetButton, "lock_power_button": p.LockPowerButton, "lock_sleep_button": p.LockSleepButton,
			"verbosity": p.Verbosity.String(), "progress_traps": p.ProgressTraps, "bypass_password": p.BypassPassword,
			"console_redirection": p.ConsoleRedirection.String(), "shared_mode": p.SharedMode, "mux": p.Mux.String()}
	case ipmi.BootInitiator:
		return object{"channel": p.Channel, "session_id": p.SessionID, "time": p.Time.Time()}
	case ipmi.BootMailbox:
		return object{"block": p.Block, "data": hexBytes(p.Data)}
	}
	return nil
}
