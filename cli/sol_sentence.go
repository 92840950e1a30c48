package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/rmcp"
)

// A consoleError is an error of a console of which the BMC was asked more.
type consoleError struct {
	says string // what is wrong, and what to do
	err  error
}

func (e *consoleError) Error() string { return e.says }
func (e *consoleError) Unwrap() error { return e.err }

// askMore bounds the questions to a BMC about a console that was refused or has ended.
const askMore = 3 * time.Second

// consoleSentence says of an error of a console what is wrong and what to do, "" if it is no such
// error.
func (a *App) consoleSentence(err error) string {
	says := ""
	var asked *consoleError
	var input *inputLeftError
	var e *ipmi.Error
	ofConsole := errors.As(err, &e) && (e.Op == "open console" || e.Op == "console")
	switch {
	case errors.As(err, &asked):
		says = asked.says
	case errors.As(err, &input) && input.unavailable:
		says = "the host is off or asleep and has not taken all of the input; \"power on\" " +
			"starts it"
	case errors.As(err, &input):
		says = "the host has not taken all of the input; see with \"power status\" whether it is " +
			"on, or wait longer for it with --linger"
	case errors.Is(err, client.ErrConsoleNeedsLANPlus):
		a.asIPMItool("Error: This command is only available over the lanplus interface")
		return "consoles need IPMI 2.0; use -I lanplus"
	case errors.Is(err, client.ErrConsoleDeactivated):
		says = "the console was closed by another session, or by the BMC; \"sol activate\" opens " +
			"it again"
	case errors.Is(err, client.ErrConsoleSilent):
		says = "the BMC answers, but not on the console any more; \"sol activate --reconnect\" " +
			"opens it again by itself"
	case ofConsole && e.Op == "console" && errors.Is(err, ipmi.ErrTimeout):
		says = "the BMC has stopped answering; \"sol activate --reconnect\" waits for it and " +
			"opens the console again"
	default:
		return ""
	}
	return a.Options.Host + ": " + says
}

// solLines are what ipmitool says when a console is refused, by completion code.
var solLines = map[ipmi.CompletionCode]string{
	ipmi.CodePayloadActive:       "Info: SOL payload already active on another session",
	ipmi.CodePayloadDisabled:     "Info: SOL payload disabled",
	ipmi.CodePayloadLimit:        "Info: SOL payload activation limit reached",
	ipmi.CodePayloadNoEncryption: "Info: cannot activate SOL payload with encryption",
	ipmi.CodePayloadEncryption:   "Info: cannot activate SOL payload without encryption",
}

// asIPMItool writes a line that programs look for on the standard error of ipmitool, where lom goes
// by that name.
func (a *App) asIPMItool(line string) {
	if a.Name == "ipmitool" && line != "" {
		fmt.Fprintln(a.Err, line)
	}
}

// whyNoConsole asks the BMC why it refuses a console, so that what is said of it leads to one.
func (a *App) whyNoConsole(ctx context.Context, s client.PayloadConn, instance uint8,
	err error) error {
	var taken *client.ConsoleTakenError
	refusal, refused := code(err)
	switch {
	case errors.As(err, &taken):
		refusal = ipmi.CodePayloadActive
	case !refused || ctx.Err() != nil:
		return err
	}
	line, known := solLines[refusal]
	if !known {
		line = "Error activating SOL payload: " + refusal.For(ipmi.ActivatePayload{}.Command())
	}
	a.asIPMItool(line)
	ctx, cancel := context.WithTimeout(ctx, askMore)
	defer cancel()
	says, by := "", "another session"
	var outer, inner *ipmi.Error
	switch {
	case errors.As(err, &outer) && errors.As(outer.Err, &inner) &&
		inner.Command.Name == (ipmi.DeactivatePayload{}).Command().Name:
		if who, ok := consoleHolder(ctx, s, instance); ok {
			by = sessionWords(ctx, s, who)
		}
		says = fmt.Sprintf("the console is open in %s, and only an administrator may take it over",
			by)
	case taken != nil:
		if taken.Session != nil {
			by = sessionWords(ctx, s, *taken.Session)
		}
		says = fmt.Sprintf("the console is open in %s; %q closes it there, and \"sol activate "+
			"--takeover\" takes it over", by, deactivateWords(instance))
	default:
		says = refusedConsole(ctx, s, instance, refusal)
	}
	if says == "" {
		return err
	}
	return &consoleError{says, err}
}

// deactivateWords is the command that closes an instance.
func deactivateWords(instance uint8) string {
	if instance == 1 {
		return "sol deactivate"
	}
	return fmt.Sprintf("sol deactivate instance=%d", instance)
}

// refusedConsole says why a BMC refuses a console with a completion code, "" if it cannot be found
// out.
func refusedConsole(ctx context.Context, s client.PayloadConn, instance uint8,
	refusal ipmi.CompletionCode) string {
	status, statusErr := machine.New(s).SOLConsoles(ctx)
	capacity := status.Capacity // 0 if it is not known
	switch {
	case refusal == ipmi.CodePayloadNoEncryption:
		return "the BMC wants the console encrypted, and cannot; \"sol set force-encryption " +
			"false\" lets it be opened in the clear"
	case refusal == ipmi.CodePayloadEncryption:
		return "the BMC wants the console encrypted; use a cipher suite that encrypts, such as " +
			"-C 17 or -C 3"
	case refusal == ipmi.CodePayloadLimit:
		return "the BMC has no more consoles than are open" + openConsoles(ctx, s, status)
	case capacity > 0 && instance > capacity:
		if capacity == 1 {
			return fmt.Sprintf("the BMC has one console; omit instance=%d", instance)
		}
		return fmt.Sprintf("the BMC has %d consoles; instance= takes 1 to %[1]d", capacity)
	}
	enable, err := client.SOLParam[ipmi.SOLEnable](ctx, s, ipmi.ChannelPresent)
	if refusal == ipmi.CodePayloadDisabled {
		_, refusedToo := code(err)
		_, noStatus := code(statusErr)
		switch {
		case err == nil && !enable.Enabled:
			return "Serial over LAN is disabled; \"sol set enabled true\" enables it"
		case refusedToo, noStatus, statusErr == nil && status.Capacity == 0:
			return "the host has no serial console that the BMC can reach; reach the host in " +
				"another way, such as ssh"
		}
	}
	auth, err := client.SOLParam[ipmi.SOLAuthentication](ctx, s, ipmi.ChannelPresent)
	known := err == nil
	if refusal == ipmi.CodeInvalidDataField && known && auth.ForceAuthentication &&
		s.Info().CipherSuite.Integrity == rmcp.IntegrityNone {
		return "the BMC wants the console authenticated; use a cipher suite with integrity, such " +
			"as -C 17 or -C 3"
	}
	if refusal != ipmi.CodePayloadDisabled && refusal != ipmi.CodeInsufficientPrivilege {
		return ""
	}
	if says := payloadOff(ctx, s); says != "" {
		return says
	}
	me, err := client.Do(ctx, s, ipmi.GetSessionInfo{})
	if refusal == ipmi.CodePayloadDisabled {
		return "the BMC says that Serial over LAN is disabled, though \"sol info\" shows it " +
			"enabled; look for a switch of its own in the BMC's web pages"
	}
	if !known || err != nil || me.Session == nil || me.Session.Privilege >= auth.Privilege {
		return ""
	}
	needs, has := auth.Privilege, me.Session.Privilege
	if needs == ipmi.PrivilegeOEM {
		return "the BMC opens consoles at privilege level OEM only, which hardly a user has; " +
			"\"sol set privilege-level admin\" opens them to administrators"
	}
	says := fmt.Sprintf("the BMC opens consoles from privilege level %v on, and this session has %v; ", needs, has)
	access, err := client.Do(ctx, s, ipmi.GetUserAccess{Channel: me.Session.Channel,
		User: me.Session.User})
	if err == nil && access.Limit >= needs && access.Limit < ipmi.PrivilegeOEM {
		return says + fmt.Sprintf("use -L %v", needs)
	}
	return says + fmt.Sprintf("use a user who may have %v", needs)
}

// payloadOff says that the user of a session may not open consoles, "" if that is not so or not
// known.
func payloadOff(ctx context.Context, s client.PayloadConn) string {
	me, err := client.Do(ctx, s, ipmi.GetSessionInfo{})
	if err != nil || me.Session == nil {
		return ""
	}
	channel, user := me.Session.Channel, me.Session.User
	access, err := machine.New(s).SOLAccess(ctx, channel, user)
	if err != nil || access.Enabled {
		return ""
	}
	return fmt.Sprintf("user ID %d may not open consoles; \"sol payload enable %d %[1]d\" by an "+
		"administrator lets it", user, channel)
}

// openConsoles says who has the consoles that are open, and what closes the first.
func openConsoles(ctx context.Context, s client.PayloadConn, status machine.SOLConsoles) string {
	var all []string
	first := uint8(0)
	for _, n := range status.Open {
		if first == 0 {
			first = n
		}
		if who, ok := consoleHolder(ctx, s, n); ok {
			all = append(all, fmt.Sprintf("instance %d in %s", n, sessionWords(ctx, s, who)))
		}
	}
	says := ""
	if len(all) > 0 {
		says = " (" + strings.Join(all, ", ") + ")"
	}
	return says + fmt.Sprintf("; %q closes one", deactivateWords(max(first, 1)))
}

// consoleHolder returns what the BMC says of the session that has an instance open.
func consoleHolder(ctx context.Context, s client.PayloadConn,
	instance uint8) (ipmi.SessionInfo, bool) {
	holder, err := machine.New(s).SOLHolder(ctx, instance)
	if err != nil || holder == 0 || holder == s.Info().ID {
		return ipmi.SessionInfo{}, false
	}
	who, err := client.Do(ctx, s, ipmi.GetSessionInfo{Index: ipmi.SessionIndexID, ID: holder})
	return who, err == nil && who.Session != nil
}

// sessionWords names a session by its user and address, as far as the BMC gives them.
func sessionWords(ctx context.Context, s client.PayloadConn, info ipmi.SessionInfo) string {
	v, err := machine.SessionOf(info)
	if err != nil || v.User == 0 {
		return "another session"
	}
	says := fmt.Sprintf("a session of user ID %d", v.User)
	if r, err := client.Do(ctx, s, ipmi.GetUserName{User: v.User}); err == nil && r.Name != "" {
		says = fmt.Sprintf("a session of user %q (ID %d)", printable(r.Name), v.User)
	}
	if v.ConsoleIP != "" {
		says += " from " + v.ConsoleIP
	}
	return says
}

// whoClosed finds out who has closed the console: who has it now, or who else is logged in.
func (a *App) whoClosed(ctx context.Context, s client.PayloadConn, instance uint8,
	err error) error {
	ctx, cancel := context.WithTimeout(ctx, askMore)
	defer cancel()
	others := otherSessions(ctx, s) // at once: who has closed it may log out as soon
	// Who takes a console over closes it before opening it.
	for try := range 4 {
		if who, ok := consoleHolder(ctx, s, instance); ok {
			return &consoleError{fmt.Sprintf("the console was taken over by %s; \"sol activate "+
				"--takeover\" takes it back", sessionWords(ctx, s, who)), err}
		}
		select {
		case <-time.After(time.Duration(try+1) * 100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	says := "the console was closed by another session, or by the BMC"
	if len(others) > 0 {
		says += "; logged in at that time: " + strings.Join(others, ", ")
	}
	return &consoleError{says + "; \"sol activate\" opens it again", err}
}

// otherSessions names the sessions that are open besides this one.
func otherSessions(ctx context.Context, s client.PayloadConn) []string {
	me, err := client.Do(ctx, s, ipmi.GetSessionInfo{})
	if err != nil {
		return nil
	}
	var found []ipmi.SessionInfo
	for i := uint8(1); i <= me.ActiveSessions; i++ {
		if who, err := client.Do(ctx, s, ipmi.GetSessionInfo{Index: i}); err == nil &&
			who.Session != nil && who.Handle != me.Handle {
			found = append(found, who)
		}
	}
	var all []string
	for _, who := range found {
		if w := sessionWords(ctx, s, who); !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// whyNotDeactivated says why a BMC refuses to close a console.
func (a *App) whyNotDeactivated(ctx context.Context, m *machine.Machine, instance uint8,
	err error) error {
	refusal, refused := code(err)
	if !refused {
		return err
	}
	says := ""
	switch refusal {
	case ipmi.CodePayloadActive: // which, after Deactivate Payload, is: not active
		if a.Name == "ipmitool" {
			a.asIPMItool("Info: SOL payload already de-activated")
			return errReported
		}
		says = "no console is open there; nothing to do"
	case ipmi.CodePayloadDisabled:
		a.asIPMItool("Info: SOL payload type disabled")
		says = "the BMC has no Serial over LAN, so no console can be open; nothing to do"
	default:
		a.asIPMItool("Error de-activating SOL payload: " +
			refusal.For(ipmi.DeactivatePayload{}.Command()))
		status, statusErr := m.SOLConsoles(ctx)
		switch {
		case statusErr == nil && status.Capacity == 1 && instance > 1:
			says = fmt.Sprintf("the BMC has one console; omit instance=%d", instance)
		case statusErr == nil && status.Capacity > 0 && instance > status.Capacity:
			says = fmt.Sprintf("the BMC has %d consoles; instance= takes 1 to %[1]d",
				status.Capacity)
		case refusal == ipmi.CodeInsufficientPrivilege:
			says = "the console is open in a session of another user; an administrator may close it"
		default:
			return err
		}
	}
	return &consoleError{says, err}
}
