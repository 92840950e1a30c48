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

// complete fills in what is needed before a BMC can be dialled: the interface, the password, the key.
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
		return errors.New("-T and -B name a controller on the way to the one that -t names; -t is missing")
	}
	if o.inBand() {
		if o.Transit != 0 {
			return errors.New("-T and -B work over the network only; in band, -t and -b name the controller")
		}
		return nil
	}
	if o.serial() {
		switch {
		case o.Device == "":
			return fmt.Errorf("%s needs the serial line with -D, such as -D /dev/ttyS0:115200", o.Interface)
		case o.Target != 0:
			return errors.New("-t, -b, -T and -B do not work over serial lines; use lan, lanplus or open")
		case o.Interface == client.SerialBasic && (o.User != "" || o.passwordFrom != fromNowhere):
			return errors.New("serial-basic works without a log-in only; leave -U and the password away, or use serial-terminal")
		case o.User == "" && o.passwordFrom == fromNowhere:
			return nil // many BMCs want none on a serial line
		}
		o.serialLogin = true
		return a.completePassword(ctx)
	}
	if o.Device != "" && a.Name != "ipmitool" { // which passes over it
		return fmt.Errorf("-D names a serial line, and %s goes over the network; leave -D away, or use -I serial-terminal without -H", o.Interface)
	}
	if o.Host == "" {
		return fmt.Errorf("no BMC named: %s needs its name or address with -H", o.Interface)
	}
	if err := a.completePassword(ctx); err != nil {
		return err
	}
	return a.completeKg(ctx)
}

func (a *App) completePassword(ctx context.Context) error {
	o := &a.Options
	switch o.passwordFrom {
	case fromFile:
		p, err := readPasswordFile(o.passwordFile)
		if err != nil {
			return err
		}
		if p == "" && o.Host+o.Device != "" { // a file that is still to be written, or a template without its value
			return fmt.Errorf("the password file %s is empty, or its first line is; for an empty password use -P ''", o.passwordFile)
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
			return errors.New("-E takes the password from IPMITOOL_PASSWORD, IPMI_PASSWORD or LOM_PASSWORD, but none of them is set")
		}
	case fromPrompt, fromNowhere:
		if o.passwordFrom == fromNowhere && o.AuthType == int(ipmi.AuthNone) {
			break
		}
		p, err := a.readPass(ctx, "Password: ")
		if err != nil {
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
		return fmt.Errorf("the password is longer than %d bytes, the most that %s takes", limit, choose(limit == 20, "IPMI 2.0", "IPMI 1.5"))
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
			return errors.New("-K takes the BMC key from IPMI_KGKEY, but that is not set")
		}
		if err := o.setKg(key); err != nil {
			return fmt.Errorf("IPMI_KGKEY: %w", err)
		}
	case fromPrompt:
		key, err := a.readPass(ctx, "Key: ")
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

// promptTerminal asks for a secret on the terminal, without echo. With -a or -Y and no terminal, it reads a
// line of standard input.
func (a *App) promptTerminal(ctx context.Context, prompt string) (string, error) {
	if in, isFile := a.In.(*os.File); isFile && term.IsTerminal(int(in.Fd())) {
		return readSecret(ctx, in, a.Err, prompt)
	}
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		defer tty.Close()
		return readSecret(ctx, tty, tty, prompt)
	}
	if a.Options.passwordFrom == fromPrompt || a.Options.kgFrom == fromPrompt {
		return interruptible(ctx, func() (string, error) { return readLine(a.In) })
	}
	return "", errors.New("no password: give it with -f FILE, -E (from the environment) or -P; there is no terminal to ask on")
}

// readLine reads one line of at most 1024 bytes, byte by byte so that what follows is left for others.
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
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return strings.TrimSuffix(string(line), "\r"), nil
}
