package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"lom/client"
	"lom/ipmi"
	"lom/render"
)

// Options are the global options: which BMC, how to talk to it, and how to print.
type Options struct {
	Interface client.Interface // "" is the default: see App.complete
	Host      string
	Port      int // UDP
	Version   int // of the Internet Protocol: 4 or 6; 0: either
	User      string
	Password  ipmi.Secret
	Kg        ipmi.Secret

	Privilege   ipmi.Privilege
	RoleLookup  bool // RAKP looks the user up by name and privilege
	CipherSuite int  // -1: the best that both know and that protects
	AuthType    int  // -1: MD5
	Timeout     time.Duration
	Tries       int // 0: the default

	Target         int // slave address of a controller behind the BMC; 0: the BMC itself
	TargetChannel  int
	Transit        int // slave address of the controller on the way; 0: none
	TransitChannel int
	LUN            int // of raw
	LocalAddress   int // slave address of this machine's BMC, in band; 0: the driver knows it

	Device       string // serial line
	Baud         int    // its rate in bit/s
	DeviceNumber int    // N of /dev/ipmiN
	serialLogin  bool   // over the serial line
	unnamed      bool   // neither -H nor -I says where the BMC is

	OEM      string // what -o says of the make of the BMC, or "list"
	SDRCache string // file
	NoCache  bool   // nothing is kept between calls, nor used
	Window   int    // requests under way at a time; 0: found out
	Escape   string // SOL escape character

	Fanout int // at most this number of hosts at a time; 0: as many as lom finds good
	// hosts after which the next ones wait until all are done; 0: no limit
	Batch       int
	Stagger     time.Duration // from the beginning of one host to that of the next
	Consolidate bool          // hosts with equal output are printed once
	Yes         bool          // power actions on many hosts need no answer of a person
	HostsForm   bool          // results have the form of those of many hosts, also of one

	Verbose int
	CSV     bool          // -c: ipmitool's comma-separated output
	Format  render.Format // that -o asks for; "" is text, or plain with CSV
	JSON    bool          // the format is made from the type of the result: JSON and its relatives
	Columns []string      // of tables and CSV with a header
	UTC     bool

	hostExprs    []string // of -H, as they were given
	excludeExprs []string
	transport    *client.Transport // that sessions share; nil: each has a socket of its own

	passwordFrom passwordSource
	passwordFile string
	kgFrom       passwordSource
	kgLater      bool // the password is asked for before the key
	version      bool
	keepAlive    time.Duration // 0: an idle session may end
	windowHint   int           // how many requests at a time the BMC has taken before; 0: not known
	past         *pastLogin    // nil: not known
}

// passwordSource says where a password or key comes from.
type passwordSource int

const (
	fromNowhere passwordSource = iota
	fromArgument
	fromFile
	fromEnvironment
	fromPrompt
)

// register declares the global options and sets their defaults. Short names are ipmitool's.
func (o *Options) register(f *pflag.FlagSet) {
	*o = Options{
		Port: 623, Privilege: ipmi.PrivilegeAdministrator,
		CipherSuite: -1, AuthType: -1, Escape: "~",
	}
	f.VarP(setter{"NAME", o.setInterface}, "interface", "I",
		"lan (IPMI 1.5), lanplus (2.0), auto (2.0 if there is, else 1.5; the default with -H), "+
			"or open (this machine's own BMC, through its driver; the default without), or "+
			"serial-terminal and serial-basic (over the line that -D names)")
	f.VarP(setter{"HOSTS", o.addHosts}, "host", "H",
		"name or address of the BMC, with :PORT behind it if need be; or many, such as "+
			"node[001-200],rack2-[a-d], and @FILE with one such list a line")
	f.VarP(setter{"HOSTS", func(s string) error {
		o.excludeExprs = append(o.excludeExprs, s)
		return nil
	}}, "exclude", "x", "of the many, leave these out")
	f.VarP(number{&o.Port, 1, 65535}, "port", "p", "UDP port of the BMC (default 623)")
	f.VarP(setter{"NAME", o.setUser}, "user", "U", "user name, at most 16 bytes")
	f.VarP(setter{"PASSWORD", func(s string) error {
		o.setPassword(s)
		return nil
	}}, "password", "P", "password; better keep it out of the command line with -f or -E")
	f.VarP(setter{"FILE", func(s string) error {
		o.passwordFile, o.passwordFrom = s, fromFile
		return nil
	}}, "password-file", "f", "take the password from the first line of a file")
	f.VarPF(toggle{func() { o.passwordFrom = fromEnvironment }}, "password-env", "E",
		"take the password from IPMITOOL_PASSWORD, IPMI_PASSWORD or "+
			"LOM_PASSWORD").NoOptDefVal = "true"
	f.VarPF(toggle{func() {
		o.passwordFrom, o.kgLater = fromPrompt, o.kgFrom != fromPrompt
	}}, "password-prompt", "a", "ask for the password").NoOptDefVal = "true"
	f.VarP(setter{"KEY", func(s string) error {
		o.kgFrom = fromArgument
		return o.setKg(s)
	}}, "kg", "k", "BMC key (Kg) of lanplus, as text")
	f.VarP(setter{"HEX", func(s string) error {
		o.kgFrom = fromArgument
		return o.setKgHex(s)
	}}, "kg-hex", "y", "BMC key in hexadecimal")
	f.VarPF(toggle{func() {
		o.kgFrom = fromEnvironment
	}}, "kg-env", "K", "take the BMC key from IPMI_KGKEY").NoOptDefVal = "true"
	f.VarPF(toggle{func() {
		o.kgFrom = fromPrompt
	}}, "kg-prompt", "Y", "ask for the BMC key").NoOptDefVal = "true"
	f.VarP(setter{"LEVEL", o.setPrivilege}, "privilege", "L",
		"CALLBACK, USER, OPERATOR or ADMINISTRATOR (default); with + behind it, users are looked "+
			"up by name and level")
	f.VarP(number{&o.CipherSuite, 0, suiteMost}, "cipher-suite", "C",
		"cipher suite of lanplus, 0 to 19 (default: the best that both know of those that "+
			"authenticate, and encrypt with AES, all that is sent: 17, 3, 8 and 12)")
	f.VarP(setter{"TYPE", o.setAuthType}, "auth-type", "A",
		"authentication of lan: NONE, PASSWORD, MD2, MD5 or OEM (default: MD5)")
	f.VarP(setter{"SECONDS", o.setTimeout}, "timeout", "N", "first wait for an answer")
	f.VarP(number{&o.Tries, 0, 1000}, "tries", "R",
		"how often a packet is sent at most; 0 is the default, 4")
	f.VarPF(toggle{func() { o.Version = 4 }}, "ipv4", "4", "IPv4 only").NoOptDefVal = "true"
	f.VarPF(toggle{func() { o.Version = 6 }}, "ipv6", "6", "IPv6 only").NoOptDefVal = "true"
	f.VarP(number{&o.Target, 0, 255}, "target", "t", "slave address of a controller behind the BMC")
	f.VarP(number{&o.TargetChannel, 0, 15}, "target-channel", "b",
		"channel on which that controller is")
	f.VarP(number{&o.Transit, 0, 255}, "transit", "T",
		"slave address of a controller on the way to it")
	f.VarP(number{&o.TransitChannel, 0, 15}, "transit-channel", "B",
		"channel on which the controller on the way is")
	f.VarP(number{&o.LocalAddress, 0, 255}, "local-address", "m",
		"slave address of this machine's BMC with -I open, if it is not 20h; over the network, "+
			"bridges put in their own")
	f.VarP(number{&o.LUN, 0, 3}, "lun", "l", "logical unit for raw")
	f.VarP(number{&o.Window, 1, windowMost}, "window", "",
		"requests under way at a time in a session (default: as many as the BMC is found to take)")
	f.BoolVar(&o.NoCache, "no-cache", false,
		"keep nothing between calls, and use nothing that was kept")
	f.VarP(setter{"FILE", func(s string) error {
		o.SDRCache = s
		return nil
	}}, "sdr-cache", "S", "read sensor records from a file written by sdr dump")
	f.VarP(setter{"FILE", unsupported("lom has no use for descriptions of OEM events; omit it")}, "sel-oem", "O", "file with descriptions of OEM event records")
	f.VarP(setter{"FORMAT", o.setOutput}, "output", "o",
		"json, ndjson (a value a line), yaml, table, csv (with a header) or text; ipmitool's "+
			"makes of BMC (-o list) are accepted, and change nothing")
	f.VarP(setter{"NAMES", o.setColumns}, "columns", "",
		"columns of -o table and csv, by their names in JSON, such as name,value,units")
	f.BoolVarP(&o.CSV, "csv", "c", false, "comma-separated output where a command has it")
	f.BoolVarP(&o.UTC, "utc", "Z", false, "print times in UTC")
	f.VarP(setter{"CHAR", o.setEscape}, "escape", "e", "escape character of SOL (default ~)")
	f.CountVarP(&o.Verbose, "verbose", "v", "say more on stderr; may be repeated")
	f.VarP(setter{"DEVICE", o.setDevice}, "device", "D",
		"serial line to the BMC, with :RATE behind it in bit/s (default 9600)")
	f.VarP(number{&o.DeviceNumber, 0, 255}, "device-number", "d",
		"N of /dev/ipmiN with -I open (default 0)")
	f.VarP(setter{"BYTES", unsupported("lom finds the size of messages by itself; omit it")},
		"message-size", "z", "largest message in bytes")
	f.Var(number{&o.Fanout, 1, 1 << 20}, "fanout",
		"of many hosts, work on at most this number at a time")
	f.Var(number{&o.Batch, 1, 1 << 20}, "batch",
		"of many hosts, work on this number first, and on the next ones when all are done")
	f.Var(setter{"TIME", o.setStagger}, "stagger",
		"of many hosts, begin with each this long after the one before, such as 500ms")
	f.BoolVar(&o.Consolidate, "consolidate", false,
		"of many hosts, print those with equal output together")
	f.BoolVar(&o.HostsForm, "hosts-form", false,
		"print what one host says in the form for many, so that a list of hosts may shrink to one")
	f.BoolVar(&o.Yes, "yes", false, "switch the power of many hosts without asking")
	f.BoolVarP(&o.version, "version", "V", false, "print the version")
	f.VarPF(toggle{func() {
		o.OEM = "supermicro"
	}}, "oem-supermicro", "s", "same as -o supermicro").NoOptDefVal = "true"
	f.VarPF(toggle{func() {
		o.OEM = "intelwv2"
	}}, "oem-intelwv2", "g", "same as -o intelwv2").NoOptDefVal = "true"
	for _, name := range []string{"oem-supermicro", "oem-intelwv2", "version", "message-size",
		"sel-oem"} {
		_ = f.MarkHidden(name)
	}
}

// suiteMost is the last cipher suite of Table 22-20.
const suiteMost = 19

// windowMost is the greatest window: rqSeq tells 64 requests apart, of which the session keeps a
// few in reserve.
const windowMost = 60

// addHosts notes a value of -H. An empty one is a script's mistake, and must not mean this machine,
// as no -H does.
func (o *Options) addHosts(s string) error {
	if s == "" {
		return errors.New("the name of a BMC is missing; without -H, lom talks to this machine's own")
	}
	o.hostExprs = append(o.hostExprs, s)
	return nil
}

const noSuchWay = "lom has no such way to a BMC; use -I open on its own machine, and lan, " +
	"lanplus or auto over the network"

// unsupported reads an option of ipmitool that lom has not.
func unsupported(why string) func(string) error {
	return func(string) error { return errors.New(why) }
}

func (o *Options) setInterface(s string) error {
	switch i := client.Interface(s); i {
	case client.Auto, client.LAN, client.LANPlus, client.Open, client.SerialBasic,
		client.SerialTerminal:
		o.Interface = i
		return nil
	}
	switch s {
	case "imb", "free", "usb", "dummy", "lipmi", "bmc", "dbus":
		return errors.New(noSuchWay)
	}
	return fmt.Errorf("there is no such interface; use lan, lanplus, auto, open, serial-terminal " +
		"or serial-basic")
}

// setDevice reads DEVICE[:RATE]. ipmitool's third part, for lines that are system interfaces, is
// refused.
func (o *Options) setDevice(s string) error {
	device, rate, hasRate := strings.Cut(s, ":")
	o.Device, o.Baud = device, 9600
	if device == "" {
		return errors.New("the name of a serial line is needed, such as /dev/ttyS0:115200")
	}
	if hasRate {
		n, err := strconv.ParseUint(rate, 10, 31)
		if err != nil || n == 0 {
			return errors.New("behind the colon stands the rate in bit/s, such as 115200")
		}
		o.Baud = int(n)
	}
	return nil
}

func (o *Options) setUser(s string) error {
	if len(s) > 16 {
		return fmt.Errorf("a user name has at most 16 bytes")
	}
	o.User = s
	return nil
}

func (o *Options) setPassword(s string) {
	o.Password, o.passwordFrom = ipmi.NewSecret(s), fromArgument
}

func (o *Options) setKg(s string) error {
	if len(s) > 20 {
		return fmt.Errorf("a BMC key has at most 20 bytes")
	}
	if strings.Trim(s, "\x00") == "" {
		s = "" // Kg of zeros is none (Table 22-15)
	}
	o.Kg = ipmi.NewSecret(s)
	return nil
}

func (o *Options) setKgHex(s string) error {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	if len(s)%2 != 0 {
		return fmt.Errorf("a BMC key in hexadecimal has an even number of digits")
	}
	key := make([]byte, len(s)/2)
	for i := range key {
		b, err := strconv.ParseUint(s[2*i:2*i+2], 16, 8)
		if err != nil {
			return fmt.Errorf("not hexadecimal")
		}
		key[i] = byte(b)
	}
	return o.setKg(string(key))
}

func (o *Options) setPrivilege(s string) error {
	level, plus := strings.CutSuffix(s, "+")
	p, ok := parsePrivilege(level)
	if !ok || p < ipmi.PrivilegeCallback || p > ipmi.PrivilegeOEM {
		return fmt.Errorf("use CALLBACK, USER, OPERATOR or ADMINISTRATOR")
	}
	o.Privilege, o.RoleLookup = p, plus
	return nil
}

// parsePrivilege reads a privilege level by its name, in any case, or by its number.
func parsePrivilege(s string) (ipmi.Privilege, bool) {
	for _, p := range []ipmi.Privilege{
		ipmi.PrivilegeCallback, ipmi.PrivilegeUser, ipmi.PrivilegeOperator,
		ipmi.PrivilegeAdministrator,
		ipmi.PrivilegeOEM, ipmi.PrivilegeNoAccess,
	} {
		if strings.EqualFold(s, p.String()) {
			return p, true
		}
	}
	if strings.EqualFold(s, "admin") {
		return ipmi.PrivilegeAdministrator, true
	}
	n, err := strconv.ParseUint(s, 0, 4)
	if err != nil {
		return 0, false
	}
	p := ipmi.Privilege(n)
	return p, p >= ipmi.PrivilegeCallback && p <= ipmi.PrivilegeOEM || p == ipmi.PrivilegeNoAccess
}

func (o *Options) setAuthType(s string) error {
	for _, t := range []ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5, ipmi.AuthPassword,
		ipmi.AuthOEM} {
		if strings.EqualFold(s, t.String()) {
			o.AuthType = int(t)
			return nil
		}
	}
	return fmt.Errorf("use NONE, PASSWORD, MD2, MD5 or OEM")
}

func (o *Options) setTimeout(s string) error {
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || !(seconds >= 0 && seconds <= 3600) {
		return fmt.Errorf("a number of seconds up to 3600 is needed")
	}
	o.Timeout = time.Duration(seconds * float64(time.Second))
	return nil
}

// setStagger reads a time, behind which "/host" may stand.
func (o *Options) setStagger(s string) error {
	d, err := time.ParseDuration(strings.TrimSuffix(s, "/host"))
	if err != nil || d < 0 || d > time.Hour {
		return errors.New("a time up to an hour is needed, such as 500ms or 2s")
	}
	o.Stagger = d
	return nil
}

func (o *Options) setEscape(s string) error {
	if len(s) != 1 {
		return fmt.Errorf("one character is needed")
	}
	o.Escape = s
	return nil
}

// oemTypes are the makes that ipmitool's -o knows.
var oemTypes = [...]struct{ name, what string }{
	{"supermicro", "Supermicro IPMI 1.5 BMC with its own log-in"},
	{"intelwv2", "Intel SE7501WV2 IPMI 1.5 BMC"},
	{"intelplus", "Intel IPMI 2.0 BMC with its own RAKP integrity key"},
	{"icts", "strict conformance, as the IPMI test suite wants it"},
	{"ibm", "IBM BMC"},
	{"i82571spt", "Intel 82571 network chip in super pass-through mode"},
	{"kontron", "Kontron BMC with large messages"},
	{"quanta", "Quanta IPMI 1.5 BMC with its own log-in"},
}

func (o *Options) setOutput(s string) error {
	switch f := render.Format(s); f {
	case render.JSON, render.NDJSON, render.YAML, render.Table, render.CSV:
		o.Format, o.JSON, o.CSV = f, true, false
		return nil
	case render.Text:
		o.Format, o.JSON, o.CSV = f, false, false
		return nil
	}
	switch s {
	case "list":
		o.OEM = s
		return nil
	}
	for _, t := range oemTypes {
		if s == t.name {
			o.OEM = s
			return nil
		}
	}
	return fmt.Errorf("use json, ndjson, yaml, table, csv or text, or one of the makes that -o " +
		"list shows")
}

// setColumns reads the names of columns.
func (o *Options) setColumns(s string) error {
	o.Columns = strings.Split(s, ",")
	if slices.Contains(o.Columns, "") {
		return errors.New("the name of a column is empty")
	}
	return nil
}

// setter is an option whose value is read by a function.
type setter struct {
	kind string // for the help: NAME, FILE, …
	set  func(string) error
}

func (s setter) String() string     { return "" }
func (s setter) Set(v string) error { return s.set(v) }
func (s setter) Type() string       { return s.kind }

// toggle is an option without a value that calls a function, so that the last of several
// options that exclude each other wins.
type toggle struct{ set func() }

func (t toggle) String() string   { return "" }
func (t toggle) Set(string) error { t.set(); return nil }
func (t toggle) Type() string     { return "bool" }

// number is an integer option, decimal, hexadecimal with 0x or octal with 0.
type number struct {
	p         *int
	low, high int
}

func (n number) String() string { return "" }
func (n number) Type() string   { return "N" }
func (n number) Set(s string) error {
	v, err := strconv.ParseInt(s, 0, 64)
	if err != nil || v < int64(n.low) || v > int64(n.high) {
		return fmt.Errorf("a number from %d to %d is needed", n.low, n.high)
	}
	*n.p = int(v)
	return nil
}

// required is an option with a text that is not empty: what an unset variable of a script leaves
// after it does not say that the option is not given.
func required(p *string) setter {
	return setter{kind: "string", set: func(s string) error {
		if s == "" {
			return fmt.Errorf("something is needed here, or omit the option")
		}
		*p = s
		return nil
	}}
}

// unbracket takes the brackets from an IPv6 address, which stand around it where a port may follow.
func unbracket(host string) string {
	if a, ok := strings.CutPrefix(host, "["); ok {
		if a, ok = strings.CutSuffix(a, "]"); ok && strings.Contains(a, ":") {
			return a
		}
	}
	return host
}
