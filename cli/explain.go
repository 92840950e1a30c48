package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"
	"unicode"

	"lom/client"
	"lom/ipmi"
	"lom/rmcp"
)

// explain makes of an error the one sentence that the user sees: what is wrong, and what to do
// about it.
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
	var address *net.AddrError
	var unclear *client.UnclearError
	var suites *client.SuiteError
	var types *client.AuthTypeError
	switch {
	case errors.As(err, &dns):
		if dns.IsTimeout {
			return fmt.Sprintf("%s: the name server does not answer; try again, or give -H an address", who)
		}
		return fmt.Sprintf("%s: no such host; check the name behind -H", who)
	case errors.Is(err, ipmi.ErrOutcomeUnknown):
		return fmt.Sprintf("%s: %s; look before you repeat it", who,
			doing(err, "the answer was lost, so it is not known whether the command was carried out"))
	case errors.Is(err, ipmi.ErrRefused):
		return fmt.Sprintf("%s: nothing listens on UDP port %d; check -H and -p, and whether "+
			"IPMI over LAN is enabled on the BMC", who, o.Port)
	case errors.As(err, &unclear):
		return fmt.Sprintf("%s: %s: %s", who, unclear.What, o.causes(unclear.Causes, user))
	case errors.As(err, &address):
		return fmt.Sprintf("%s %s", address.Addr, address.Err)
	case errors.Is(err, ipmi.ErrPassword):
		if o.Password.Len() == 0 {
			user += "; the one that was given is empty"
		}
		return fmt.Sprintf("%s: wrong password for %s", who, user)
	case errors.Is(err, ipmi.ErrUser):
		return fmt.Sprintf("%s: the BMC does not know %s, or it may not log in over this channel",
			who, user)
	case errors.Is(err, ipmi.ErrKey):
		if o.Kg.Len() == 0 {
			return fmt.Sprintf("%s: the password is right, but the BMC wants a BMC key (Kg) too; "+
				"give it with -k, -y, -K or -Y", who)
		}
		return fmt.Sprintf("%s: the password is right, but the BMC key (Kg) is wrong", who)
	case errors.Is(err, ipmi.ErrPrivilege):
		return fmt.Sprintf("%s: %s may not have privilege %s; ask for less with -L, such as -L "+
			"OPERATOR or -L USER", who, user, o.Privilege)
	case hasCode(err, ipmi.CodeInsufficientPrivilege) && isRefusal && !o.inBand() && !o.serial():
		return fmt.Sprintf("%s for %s with -L %s; use a higher level, or a user who has it", err,
			user, o.Privilege)
	case errors.As(err, &suites):
		return fmt.Sprintf("%s: %s", who, suitesSentence(suites))
	case errors.Is(err, ipmi.ErrCipherSuite):
		if o.CipherSuite >= 0 {
			return fmt.Sprintf("%s: the BMC does not allow cipher suite %d for this log-in; "+
				"omit -C, or try another", who, o.CipherSuite)
		}
		return fmt.Sprintf("%s: the BMC and lom have no cipher suite in common that this log-in "+
			"may use; try -C with another number, or -I lan", who)
	case errors.As(err, &types):
		return fmt.Sprintf("%s: %s", who, typesSentence(types))
	case errors.Is(err, ipmi.ErrAuthType):
		if o.AuthType >= 0 {
			return fmt.Sprintf("%s: the BMC does not offer authentication type %s at this "+
				"privilege level; omit -A, or try another", who, ipmi.AuthType(o.AuthType))
		}
		return fmt.Sprintf("%s: lom has no such authentication type; omit -A, or try another",
			who)
	case errors.Is(err, ipmi.ErrNoIPMI20) && o.chosenInterface() != o.Interface:
		return fmt.Sprintf("%s: it has spoken IPMI 2.0 before and seems not to now; if that is "+
			"right, -I lan logs in over IPMI 1.5, in which anybody can read along", who)
	case errors.Is(err, ipmi.ErrNoIPMI20):
		return fmt.Sprintf("%s: the BMC does not speak IPMI 2.0; use -I lan", who)
	case errors.Is(err, ipmi.ErrNoIPMI15):
		return fmt.Sprintf("%s: the BMC does not speak IPMI 1.5; use -I lanplus", who)
	case errors.Is(err, ipmi.ErrBusy):
		return fmt.Sprintf("%s: all sessions of the BMC are taken; try again later, or close some",
			who)
	case errors.Is(err, rmcp.ErrChecksum):
		return fmt.Sprintf("%s: the BMC's answers have wrong checksums, and nothing else in this "+
			"session proves them; use -I lanplus with a cipher suite that does, such as -C 3", who)
	case o.inBand() && errors.Is(err, ipmi.ErrTimeout):
		return fmt.Sprintf("%s: %s; try again, with a greater -N if it is slow, and see what "+
			"dmesg says of ipmi", who, doing(err, "the BMC does not answer"))
	case o.serial() && errors.Is(err, ipmi.ErrTimeout):
		return fmt.Sprintf("%s: %s; check the line, its rate behind -D, and that the BMC has it "+
			"in the mode of %s", who, doing(err, "the BMC does not answer"), o.Interface)
	case errors.Is(err, ipmi.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		if a.session != nil {
			return fmt.Sprintf("%s: %s; try again, with a greater -N if the network is slow", who,
				doing(err, "the BMC has stopped answering"))
		}
		return fmt.Sprintf("%s: no answer on UDP port %d; check -H and -p, that the BMC is up, "+
			"and that no firewall is between (-N and -R wait longer)", who, o.Port)
	case errors.Is(err, ipmi.ErrMalformed):
		return fmt.Sprintf("%s: %s; -vvv shows what was sent and received", who,
			doing(err, "the BMC sent an answer that makes no sense"))
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

// causes says in words what may be the cause of a failure.
func (o *Options) causes(list []error, user string) string {
	var words []string
	for _, c := range list {
		switch c {
		case ipmi.ErrUser:
			words = append(words, "it may not know "+user)
		case ipmi.ErrPassword:
			words = append(words, "the password may be wrong")
		case ipmi.ErrTimeout:
			words = append(words, "packets may be lost or late (-N and -R wait longer)")
		}
	}
	return strings.Join(words, ", or ")
}

// suitesSentence says which cipher suites there are, and which one a person may ask for.
func suitesSentence(e *client.SuiteError) string {
	var ids []string
	best, refused := rmcp.CipherSuite{}, false
	for _, s := range e.Offered {
		if id := fmt.Sprint(s.ID); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		refused = refused || s.Protects()
		if s.ID <= suiteMost && s.Supported() && s.Strength() > best.Strength() {
			best = s
		}
	}
	list := strings.Join(ids, ", ")
	switch {
	case len(ids) == 0:
		return "the BMC says that it has no cipher suite at all; try -C with one that it should " +
			"have, or -I lan"
	case refused:
		return fmt.Sprintf("the BMC refuses the cipher suites that protect what is sent, "+
			"although it offers %s; -C names one that it takes", list)
	}
	return fmt.Sprintf("the BMC offers cipher suite %s only, and none of them both authenticates "+
		"and encrypts (AES) what is sent; if you trust everybody on the network, -C %d takes "+
		"what there is", list, best.ID)
}

// typesSentence says which authentication types there are, and which one a person may ask for.
func typesSentence(e *client.AuthTypeError) string {
	var names []string
	for _, t := range []ipmi.AuthType{ipmi.AuthMD2, ipmi.AuthPassword, ipmi.AuthNone,
		ipmi.AuthOEM} {
		if e.Offered.Has(t) {
			names = append(names, t.String())
		}
	}
	if len(names) == 0 {
		names = []string{"none that there is"}
	}
	return fmt.Sprintf("the BMC does not offer authentication by MD5, but %s; try -I lanplus or, "+
		"if you trust everybody on the network, -A %s", strings.Join(names, ", "), names[0])
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
	// In ipmitool's words, which begin with a capital, Op is for refusals; see failed.
	case e.Op != "" && (e.Command.Name == "" || !unicode.IsUpper(rune(e.Op[0]))):
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

// isRefusal reports whether the BMC has answered with a completion code.
func isRefusal(err error) bool {
	_, ok := code(err)
	return ok
}

// hasCode reports whether err is one of these completion codes.
func hasCode(err error, codes ...ipmi.CompletionCode) bool {
	c, ok := code(err)
	return ok && slices.Contains(codes, c)
}

// failed says of an error of the BMC what did not work, in ipmitool's form: "Set Chassis Power
// Control to Soft failed: Command not supported in present state". Other errors stay what they are.
func failed(what string, err error) error {
	var e *ipmi.Error
	if err == nil {
		return nil
	}
	if errors.As(err, &e) {
		if c, ok := code(err); ok {
			words := c.For(e.Command)
			if e.Command.Is(ipmi.SendMessage{}.Command()) && c == ipmi.CodeNAKOnWrite {
				words += "; no controller answers at that address: check -t and -b, \"sdr list " +
					"mcloc\" shows those that there are"
			}
			return &refusedError{what: what, words: words, err: err}
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
