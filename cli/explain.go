package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"

	"lom/client"
	"lom/ipmi"
)

// explain makes of an error the one sentence that the user sees: what is wrong, and what to do about it.
func (a *App) explain(err error) string {
	if s := a.sentence(err); s != "" {
		return s
	}
	return err.Error()
}

// sentence returns "" when err says best itself what is wrong.
func (a *App) sentence(err error) string {
	if s := a.consoleSentence(err); s != "" {
		return s
	}
	o := &a.Options
	who := o.peer()
	user := fmt.Sprintf("user %q", o.User)
	if o.User == "" {
		user = "the user without a name (-U names another)"
	}
	_, isRefusal := err.(*refusedError) // and says nothing of the cause
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		if dns.IsTimeout {
			return fmt.Sprintf("%s: the name server does not answer; try again, or give -H an address", who)
		}
		return fmt.Sprintf("%s: no such host; check the name behind -H", who)
	case errors.Is(err, ipmi.ErrOutcomeUnknown):
		return fmt.Sprintf("%s: %s; look before you repeat it", who, doing(err, "the answer was lost, so it is not known whether the command was carried out"))
	case errors.Is(err, ipmi.ErrRefused):
		return fmt.Sprintf("%s: nothing listens on UDP port %d; check -H and -p, and whether IPMI over LAN is enabled on the BMC", who, o.Port)
	case errors.Is(err, ipmi.ErrPassword):
		return fmt.Sprintf("%s: wrong password for %s", who, user)
	case errors.Is(err, ipmi.ErrUser):
		return fmt.Sprintf("%s: the BMC does not know %s, or it may not log in over this channel", who, user)
	case errors.Is(err, ipmi.ErrKey):
		if o.Kg.Len() == 0 {
			return fmt.Sprintf("%s: the password is right, but the BMC wants a BMC key (Kg) too; give it with -k, -y, -K or -Y", who)
		}
		return fmt.Sprintf("%s: the password is right, but the BMC key (Kg) is wrong", who)
	case errors.Is(err, ipmi.ErrPrivilege):
		return fmt.Sprintf("%s: %s may not have privilege %s; ask for less with -L, such as -L OPERATOR or -L USER", who, user, o.Privilege)
	case hasCode(err, ipmi.CodeInsufficientPrivilege) && isRefusal && !o.inBand() && !o.serial():
		return fmt.Sprintf("%s for %s with -L %s; use a higher level, or a user who has it", err, user, o.Privilege)
	case errors.Is(err, ipmi.ErrCipherSuite):
		if o.CipherSuite >= 0 {
			return fmt.Sprintf("%s: the BMC does not allow cipher suite %d for this log-in; leave -C away, or try another", who, o.CipherSuite)
		}
		return fmt.Sprintf("%s: the BMC and lom have no cipher suite in common that this log-in may use; try -C with another number, or -I lan", who)
	case errors.Is(err, ipmi.ErrAuthType):
		if o.AuthType >= 0 {
			return fmt.Sprintf("%s: the BMC does not offer authentication type %s at this privilege level; leave -A away, or try another", who, ipmi.AuthType(o.AuthType))
		}
		return fmt.Sprintf("%s: the BMC offers no authentication type that lom knows; try -I lanplus", who)
	case errors.Is(err, ipmi.ErrNoIPMI20):
		return fmt.Sprintf("%s: the BMC does not speak IPMI 2.0; use -I lan", who)
	case errors.Is(err, ipmi.ErrNoIPMI15):
		return fmt.Sprintf("%s: the BMC does not speak IPMI 1.5; use -I lanplus", who)
	case errors.Is(err, ipmi.ErrBusy):
		return fmt.Sprintf("%s: all sessions of the BMC are taken; try again later, or close some", who)
	case o.inBand() && errors.Is(err, ipmi.ErrTimeout):
		return fmt.Sprintf("%s: %s; try again, with a greater -N if it is slow, and see what dmesg says of ipmi", who, doing(err, "the BMC does not answer"))
	case o.serial() && errors.Is(err, ipmi.ErrTimeout):
		return fmt.Sprintf("%s: %s; check the line, its rate behind -D, and that the BMC has it in the mode of %s", who, doing(err, "the BMC does not answer"), o.Interface)
	case errors.Is(err, ipmi.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		if a.session != nil {
			return fmt.Sprintf("%s: %s; try again, with a greater -N if the network is slow", who, doing(err, "the BMC has stopped answering"))
		}
		return fmt.Sprintf("%s: no answer on UDP port %d; check -H and -p, that the BMC is up, and that no firewall is between (-N and -R wait longer)", who, o.Port)
	case errors.Is(err, ipmi.ErrMalformed):
		return fmt.Sprintf("%s: %s; -vvv shows what was sent and received", who, doing(err, "the BMC sent an answer that makes no sense"))
	case errors.Is(err, ipmi.ErrClosed):
		return fmt.Sprintf("%s: the BMC has closed the session", who)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Sprintf("%s: the network says: %s", who, op.Err)
	}
	var path *fs.PathError
	if errors.As(err, &path) && err == error(path) {
		return fmt.Sprintf("%s: %s", path.Path, path.Err)
	}
	return ""
}

// peer names the BMC in messages.
func (o *Options) peer() string {
	if o.inBand() {
		return "this machine"
	}
	if o.serial() {
		return o.Device
	}
	return o.Host
}

// doing puts what the program was about, if the error knows it, in front of a sentence.
func doing(err error, sentence string) string {
	var e *ipmi.Error
	if !errors.As(err, &e) {
		return sentence
	}
	switch {
	case e.Op != "":
		return e.Op + ": " + sentence
	case e.Command.Name != "":
		return e.Command.Name + ": " + sentence
	}
	return sentence
}

// code returns the completion code with which the BMC refused a command, if that is what err is.
func code(err error) (ipmi.CompletionCode, bool) {
	var c ipmi.CompletionCode
	if errors.As(err, &c) {
		return c, true
	}
	return 0, false
}

// hasCode reports whether err is one of these completion codes.
func hasCode(err error, codes ...ipmi.CompletionCode) bool {
	c, ok := code(err)
	return ok && slices.Contains(codes, c)
}

// failed says of an error of the BMC what did not work, in ipmitool's form: "Set Chassis Power Control to
// Soft failed: Command not supported in present state". Other errors stay what they are.
func failed(what string, err error) error {
	var e *ipmi.Error
	if err == nil {
		return nil
	}
	if errors.As(err, &e) {
		if c, ok := code(err); ok {
			return &refusedError{what: what, words: c.For(e.Command), err: err}
		}
		return &unansweredError{what, err}
	}
	return err
}

// refusedError is a command that the BMC refused.
type refusedError struct {
	what, words string
	err         error
}

func (e *refusedError) Error() string {
	return e.what + " failed: " + e.words
}
func (e *refusedError) Unwrap() error { return e.err }

// do carries out one command on the BMC of the app.
func do[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](ctx context.Context, a *App, req Q) (R, error) {
	c, err := a.Dial(ctx)
	if err != nil {
		var none R
		return none, err
	}
	return client.Do[Q, R, PR](ctx, c, req)
}
