package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func runMCReset(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return "", err
	}
	if args[0] != "warm" && args[0] != "cold" {
		return "", usagef("a reset is warm or cold, not %q", args[0])
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.ResetController(ctx, args[0] == "cold")
	}
	return "Sent " + args[0] + " reset command to MC", err
}

func runGetEnables(ctx context.Context, a *App, args []string) (render.EnablesChange, error) {
	e, err := of((*machine.Machine).Enables)(ctx, a, args)
	return render.EnablesChange{Enables: e}, err
}

func enabled(b bool) string { return choose(b, "enabled", "disabled") }

func runSetEnables(ctx context.Context, a *App, args []string) (v render.EnablesChange, err error) {
	if err := wantArgs(args, 1, -1); err != nil {
		return v, err
	}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		on, err := parseOnOff(value)
		if err != nil {
			return v, usagef("%s: %v", name, err)
		}
		if !slices.Contains(machine.EnableNames, name) {
			return v, usagef("there is no setting %q", name)
		}
		v.Asked = append(v.Asked, render.EnableAsked{Name: name, On: on})
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	v.Enables, v.Changed, err = m.SetEnables(ctx, func(e *machine.Enables) {
		for _, s := range v.Asked {
			*e.Setting(s.Name) = s.On
		}
	})
	e, set := new(ipmi.Error), ipmi.SetBMCGlobalEnables{}.Command()
	if errors.As(err, &e) && e.Command.Is(set) &&
		hasCode(err, ipmi.CodeInsufficientPrivilege, ipmi.CodeInvalidCommand) {
		err = &advisedError{err, "most BMCs let these be changed from the server itself only"}
	}
	return v, err
}

// parseOnOff reads on or off and what people write for them.
func parseOnOff(s string) (bool, error) {
	switch s {
	case "on", "enable", "enabled", "yes", "true":
		return true, nil
	case "off", "disable", "disabled", "no", "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither on nor off", s)
}

// systemInfoName checks the name of a system information.
func systemInfoName(name string) error {
	if names := machine.SystemInfoNames(); !slices.Contains(names, name) {
		return usagef("there is no system information %q; there is %s", name,
			strings.Join(names, ", "))
	}
	return nil
}

// notKept says of a refusal that the BMC does not keep a system information, if it does.
func notKept(name string, err error) error {
	if hasCode(err, ipmi.CodeParameterNotSupported) {
		return fmt.Errorf("the BMC does not keep %s", name)
	}
	return err
}

func runGetSysInfo(ctx context.Context, a *App, args []string) (map[string]string, error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return nil, err
	}
	if err := systemInfoName(args[0]); err != nil {
		return nil, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return nil, err
	}
	text, err := m.SystemInfo(ctx, args[0])
	return map[string]string{args[0]: text}, notKept(args[0], err)
}

func runSetSysInfo(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 2, 2); err != nil {
		return "", err
	}
	if err := systemInfoName(args[0]); err != nil {
		return "", err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return "", err
	}
	return "", notKept(args[0], m.SetSystemInfo(ctx, args[0], args[1]))
}
