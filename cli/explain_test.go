package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"lom/client"
	"lom/ipmi"
	"lom/rmcp"
)

func TestExplain(t *testing.T) {
	control := ipmi.ChassisControl{}.Command()
	at := func(err error) error {
		return &ipmi.Error{Op: "open session", Peer: "192.0.2.1:623", Err: err}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{at(ipmi.ErrPassword), `bmc1: wrong password for user "admin"`},
		{at(&client.UnclearError{What: "it has answered the Open Session Request, but not RAKP " +
			"Message 1", Causes: []error{ipmi.ErrUser, ipmi.ErrTimeout}}),
			`bmc1: it has answered the Open Session Request, but not RAKP Message 1: it may not know user "admin", or packets may be lost or late (-N and -R wait longer)`},
		{at(&client.SuiteError{Offered: suites(2, 7, 11, 1), Err: ipmi.ErrCipherSuite}),
			`bmc1: the BMC offers cipher suite 2, 7, 11, 1 only, and none of them both authenticates and encrypts (AES) what is sent; if you trust everybody on the network, -C 2 takes what there is`},
		{at(&client.SuiteError{Offered: suites(17, 3, 2), Err: ipmi.ErrCipherSuite}),
			`bmc1: the BMC refuses the cipher suites that protect what is sent, although it offers 17, 3, 2; -C names one that it takes`},
		{at(&client.AuthTypeError{Offered: 1<<ipmi.AuthPassword | 1<<ipmi.AuthNone}),
			`bmc1: the BMC does not offer authentication by MD5, but PASSWORD, NONE; try -I lanplus or, if you trust everybody on the network, -A PASSWORD`},
		{at(fmt.Errorf("%w: %w", ipmi.ErrTimeout, rmcp.ErrChecksum)),
			`bmc1: the BMC's answers have wrong checksums, and nothing else in this session proves them; use -I lanplus with a cipher suite that does, such as -C 3`},
		{at(ipmi.ErrUser), `bmc1: the BMC does not know user "admin", or it may not log in over this channel`},
		{at(ipmi.ErrKey), `bmc1: the password is right, but the BMC wants a BMC key (Kg) too; give it with -k, -y, -K or -Y`},
		{at(ipmi.ErrPrivilege), `bmc1: user "admin" may not have privilege ADMINISTRATOR; ask for less with -L, such as -L OPERATOR or -L USER`},
		{at(ipmi.ErrCipherSuite), `bmc1: the BMC and lom have no cipher suite in common that this log-in may use; try -C with another number, or -I lan`},
		{at(ipmi.ErrRefused), `bmc1: nothing listens on UDP port 623; check -H and -p, and whether IPMI over LAN is enabled on the BMC`},
		{at(ipmi.ErrTimeout), `bmc1: no answer on UDP port 623; check -H and -p, that the BMC is up, and that no firewall is between (-N and -R wait longer)`},
		{at(ipmi.ErrNoIPMI20), `bmc1: the BMC does not speak IPMI 2.0; use -I lan`},
		{at(ipmi.ErrBusy), `bmc1: all sessions of the BMC are taken; try again later, or close some`},
		{&net.DNSError{Err: "no such host", Name: "bmc1", IsNotFound: true}, `bmc1: no such host; check the name behind -H`},
		{&ipmi.Error{Command: control, Err: fmt.Errorf("%w: %w", ipmi.ErrOutcomeUnknown, ipmi.ErrTimeout)},
			`bmc1: Chassis Control: the answer was lost, so it is not known whether the command was carried out; look before you repeat it`},
		{&ipmi.Error{Command: control, Err: &ipmi.LengthError{Message: "X", Got: 1, Want: 2}},
			`bmc1: Chassis Control: the BMC sent an answer that makes no sense; -vvv shows what was sent and received`},
		{failed("Set Chassis Power Control to Soft",
			&ipmi.Error{Command: control, Code: ipmi.CodeNotInPresentState}),
			`Set Chassis Power Control to Soft failed: Command not supported in present state`},
		{failed("Set Chassis Power Control to Soft",
			&ipmi.Error{Command: control, Code: ipmi.CodeInsufficientPrivilege}),
			`Set Chassis Power Control to Soft failed: Insufficient privilege level for user "admin" with -L ADMINISTRATOR; use a higher level, or a user who has it`},
	} {
		a := newApp("lom", strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))
		newRoot(a)
		a.Options.Host, a.Options.User, a.Options.Password = "bmc1", "admin", ipmi.NewSecret("x")
		if got := a.explain(c.err); got != c.want {
			t.Errorf("%v:\n got %s\nwant %s", c.err, got, c.want)
		}
	}
}

func suites(ids ...int) (list []rmcp.CipherSuite) {
	for _, id := range ids {
		s, _ := rmcp.CipherSuiteByID(id)
		list = append(list, s)
	}
	return list
}

// A signal ends a command with the shell's exit code, and the session with it.
func TestSignal(t *testing.T) {
	for _, c := range []struct {
		signal os.Signal
		want   int
	}{{os.Interrupt, exitInterrupted}, {syscall.SIGTERM, exitTerminated}, {syscall.SIGHUP, 129},
		{syscall.SIGQUIT, 131}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		bmc := newScriptedBMC(t, nil)
		bmc.exchange = func(ctx context.Context) error {
			cancel(signalError{c.signal})
			return ctx.Err()
		}
		var out, errs bytes.Buffer
		a := scriptedApp(bmc, strings.NewReader(""), &out, &errs)
		if code := a.Run(ctx, []string{"-H", "bmc1", "-P", "x", "power", "status"}); code !=
			c.want {
			t.Errorf("%v: exit code %d, want %d", c.signal, code, c.want)
		}
		if bmc.open || out.Len() > 0 || errs.Len() > 0 {
			t.Errorf("%v: session open %t, stdout %q, stderr %q", c.signal, bmc.open, &out, &errs)
		}
	}
}

// However much is said, secrets are not.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "s3cr3t"
	for _, args := range [][]string{
		{"user", "set", "password", "2", secret},
		{"user", "test", "2", "16", secret},
		{"user", "set", "password", "2", secret + strings.Repeat("x", 20)},
		{"power", "status"},
		{"-k", secret + strings.Repeat("x", 20), "power", "status"},
		{"-y", secret, "power", "status"},
		{"-I", "lan", "-P", secret + strings.Repeat("x", 20), "power", "status"},
		{"-P", secret, "power", "statsu"},
	} {
		bmc := newScriptedBMC(t, nil)
		bmc.exchange = func(context.Context) error { return errors.New("no way") }
		var out, errs bytes.Buffer
		a := scriptedApp(bmc, strings.NewReader(""), &out, &errs)
		a.Run(t.Context(), append([]string{"-vvvv", "-H", "bmc1", "-P", secret}, args...))
		if s := out.String() + errs.String(); strings.Contains(s, secret) {
			t.Errorf("%q says: %s", args, s)
		}
	}
}

func TestUnbracket(t *testing.T) {
	for in, want := range map[string]string{"[::1]": "::1", "::1": "::1", "bmc1": "bmc1",
		"[bmc1]": "[bmc1]", "[": "[", "[]": "[]"} {
		if got := unbracket(in); got != want {
			t.Errorf("%q is taken for %q, not %q", in, got, want)
		}
	}
}
