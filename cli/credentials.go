package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// complete fills in what is needed before a BMC can be dialled: the interface, the password, the
// key.
func (a *App) complete(ctx context.Context) error {
	o := &a.Options
	if o.Interface == "" {
		switch {
		case o.Host == "":
			o.Interface, o.unnamed = client.Open, true
		case a.Name == "ipmitool":
			o.Interface = client.LAN
		default:
			o.Interface = client.Auto
		}
	}
	if o.Target == 0 && (o.Transit != 0 || o.TransitChannel != 0) {
		return errors.New("-T and -B name a controller on the way to the one that -t names; -t " +
			"is missing")
	}
	if o.inBand() {
		if o.Transit != 0 {
			return errors.New("-T and -B work over the network only; in band, -t and -b name the " +
				"controller")
		}
		return nil
	}
	if o.serial() {
		switch {
		case o.Device == "":
			return fmt.Errorf("%s needs the serial line with -D, such as -D /dev/ttyS0:115200",
				o.Interface)
		case o.Interface == client.SerialBasic && (o.User != "" || o.passwordFrom != fromNowhere):
			return errors.New("serial-basic works without a log-in only; leave -U and the " +
				"password away, or use serial-terminal")
		case o.User == "" && o.passwordFrom == fromNowhere:
			return nil // many BMCs want none on a serial line
		}
		o.serialLogin = true
		return a.completePassword(ctx)
	}
	if o.Device != "" && a.Name != "ipmitool" { // which passes over it
		return fmt.Errorf("-D names a serial line, and %s goes over the network; omit -D, "+
			"or use -I serial-terminal without -H", o.Interface)
	}
	if o.Host == "" {
		return &wordedError{fmt.Errorf("no BMC named: %s needs its name or address with -H",
			o.Interface), "No hostname specified!"}
	}
	first, second := a.completeKg, a.completePassword
	if o.kgLater {
		first, second = second, first
	}
	if err := first(ctx); err != nil {
		return err
	}
	return second(ctx)
}

func (a *App) completePassword(ctx context.Context) error {
	o := &a.Options
	switch o.passwordFrom {
	case fromFile:
		p, err := interruptible(ctx, func() (string, error) {
			return readPasswordFile(o.passwordFile)
		})
		if err != nil {
			return &wordedError{err, fmt.Sprintf("File %s does not exist\nUnable to open "+
				"password file %[1]s\nUnable to read password from file %[1]s", o.passwordFile)}
		}
		// a file that is still to be written, or a template without its value
		if p == "" && o.Host+o.Device != "" {
			return fmt.Errorf("the password file %s is empty, or its first line is; for an empty "+
				"password use -P ''", o.passwordFile)
		}
		o.Password = ipmi.NewSecret(p)
	case fromEnvironment:
		found := false
		for _, name := range []string{"IPMITOOL_PASSWORD", "IPMI_PASSWORD", "LOM_PASSWORD"} {
			if p, ok := a.env(name); ok {
				o.Password, found = ipmi.NewSecret(p), true
				break
			}
		}
		if !found {
			return &wordedError{errors.New("-E takes the password from IPMITOOL_PASSWORD, " +
				"IPMI_PASSWORD or LOM_PASSWORD, but none of them is set"),
				"Unable to read password from environment"}
		}
	case fromPrompt, fromNowhere:
		if o.passwordFrom == fromNowhere && o.AuthType == int(ipmi.AuthNone) {
			break
		}
		p, err := a.readPass(ctx, "Password: ")
		if err == errUnanswered && a.Name != "ipmitool" { // for which it is an empty password
			return errors.New("no password: give it with -f FILE, -E (from the environment) or " +
				"-P; there is no terminal to ask on, and standard input has no line")
		}
		if err != nil && err != errUnanswered {
			return err
		}
		o.Password = ipmi.NewSecret(p)
	}
	// Once is enough, also when exec or the shell dials again.
	o.passwordFrom = fromArgument
	limit := 20
	if o.Interface == client.LAN || o.serial() {
		limit = 16
	}
	if o.Password.Len() > limit {
		return &wordedError{
			fmt.Errorf("the password is longer than %d bytes, the most that %s takes", limit,
				choose(limit == 20, "IPMI 2.0", "IPMI 1.5")),
			fmt.Sprintf("%s: password is longer than %d bytes.", o.Interface, limit),
		}
	}
	return nil
}

func (a *App) completeKg(ctx context.Context) error {
	o := &a.Options
	defer func() { o.kgFrom = fromArgument }()
	switch o.kgFrom {
	case fromEnvironment:
		key, ok := a.env("IPMI_KGKEY")
		if !ok {
			return &wordedError{errors.New("-K takes the BMC key from IPMI_KGKEY, but that is not set"), "Unable to read kgkey from environment"}
		}
		if err := o.setKg(key); err != nil {
			return fmt.Errorf("IPMI_KGKEY: %w", err)
		}
	case fromPrompt:
		key, err := a.readPass(ctx, "Key: ")
		if err == errUnanswered {
			return errors.New("no BMC key: give it with -k, -y or -K; there is no terminal to " +
				"ask on, and standard input has no line")
		}
		if err != nil {
			return err
		}
		return o.setKg(key)
	}
	return nil
}

// readPasswordFile returns what stands on the first line of a file, up to a tab.
func readPasswordFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("the password file %s cannot be read: %w", name, fileProblem(err))
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 1024)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("the password file %s cannot be read: %w", name, fileProblem(err))
	}
	if i := strings.IndexAny(line, "\r\n\t"); i >= 0 {
		line = line[:i]
	}
	return line, nil
}

// errUnanswered is the error of a question when there is no terminal, and standard input has ended.
var errUnanswered = errors.New("there is no terminal to ask on, and standard input has no line " +
	"with the answer")

// promptTerminal asks for a secret on the terminal, without echo. Where there is none, it reads a
// line of standard input, as getpass does.
func (a *App) promptTerminal(ctx context.Context, prompt string) (string, error) {
	if in, isFile := a.In.(*os.File); isFile && term.IsTerminal(int(in.Fd())) {
		return readSecret(ctx, in, a.Err, prompt)
	}
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		defer tty.Close()
		return readSecret(ctx, tty, tty, prompt)
	}
	return a.askInput(ctx, prompt)
}

// askInput reads the answer from standard input.
func (a *App) askInput(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(a.Err, prompt)
	return interruptible(ctx, func() (string, error) { return readLine(a.In) })
}

// readLine reads one line of at most 1024 bytes, byte by byte so that what follows is left for
// others. At the end it is errUnanswered.
func readLine(r io.Reader) (string, error) {
	var line []byte
	b := make([]byte, 1)
	for len(line) < 1024 {
		n, err := r.Read(b)
		if n == 1 {
			if b[0] == '\n' {
				break
			}
			line = append(line, b[0])
		}
		if err == io.EOF && len(line) == 0 {
			return "", errUnanswered
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return strings.TrimSuffix(string(line), "\r"), nil
}
