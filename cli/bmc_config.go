package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"lom/bmc"
	"lom/bmc/host"
	"lom/bmc/host/sim"
	"lom/bmc/rack"
	"lom/ipmi"
)

// rackFile is the file of lom bmc --config. What is said at the top holds for all BMCs that say
// nothing else.
type rackFile struct {
	State   string       `yaml:"state"` // directory
	Count   int          `yaml:"count"` // of BMCs if none are listed
	VBMC    string       `yaml:"vbmc"`  // folder of VirtualBMC, whose BMCs are added
	Default rackServer   `yaml:",inline"`
	Servers []rackServer `yaml:"bmcs"`
}

// rackServer is one server of a rackFile.
type rackServer struct {
	Name    string     `yaml:"name"`
	Listen  string     `yaml:"listen"`
	Profile string     `yaml:"profile"`
	GUID    string     `yaml:"guid"`
	Users   []rackUser `yaml:"users"`
	Kg      string     `yaml:"kg"`
	Suites  []uint8    `yaml:"cipher-suites"`
	Still   *bool      `yaml:"still"` // readings move with the power only
	Allow   *rackAllow `yaml:"allow"`
	Host    *rackHost  `yaml:"host"`

	// the serial port for Serial over LAN; "" is the machine's own
	Console string `yaml:"console"`
	// KiB that whoever opens the console is shown first
	ConsoleHistory int `yaml:"console-history"`

	// How fast the BMC is.
	ServiceTime time.Duration `yaml:"service-time"` // that each request takes
	Buffer      int           `yaml:"buffer"`       // requests that there is room for
	Overflow    string        `yaml:"overflow"`     // drop or busy: what happens to more

	Faults     []rackFault     `yaml:"faults"`
	Satellites []rackSatellite `yaml:"satellites"`
}

// rackFault makes a sensor say what it should not.
type rackFault struct {
	Sensor string   `yaml:"sensor"` // name
	Value  *float64 `yaml:"value"`  // of an analog sensor, in its units
	States *[]uint8 `yaml:"states"` // of a discrete sensor: the offsets that are asserted
	Absent bool     `yaml:"absent"` // there is no reading
}

// rackSatellite is a controller on a server's IPMB, reached through its BMC.
type rackSatellite struct {
	Address uint8  `yaml:"address"` // slave address: even, 0x10 to 0xee, not 0x20
	Profile string `yaml:"profile"`
}

// rackUser is a user that a BMC has from its first start.
type rackUser struct {
	Name         string `yaml:"name"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password-file"`
	Privilege    string `yaml:"privilege"`
	secret       ipmi.Secret
}

// rackAllow is what a BMC does only if it is asked to.
type rackAllow struct {
	CipherSuite0 bool `yaml:"cipher-suite-0"`
	Anonymous    bool `yaml:"anonymous"`
	AuthNone     bool `yaml:"auth-none"`
}

// readRackFile reads the configuration of a rack. Its error is one sentence with file, line and
// remedy.
func readRackFile(name string) (rackFile, error) {
	data, err := readFile(name)
	if err != nil {
		return rackFile{}, fmt.Errorf("the configuration %s cannot be read: %w", name,
			fileProblem(err))
	}
	return parseRackFile(name, data)
}

func parseRackFile(name string, data []byte) (f rackFile, err error) {
	if err := loadYAML(data, &f); err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// override lets the options of the command line, where they are given, win over the file.
func (f *rackFile) override(o *bmcOptions) {
	if o.state != "" {
		f.State = o.state
	}
	if o.vbmc != "" {
		f.VBMC = o.vbmc
	}
	if o.still {
		f.Default.Still = &o.still
	}
	if o.profile != "" {
		f.Default.Profile = o.profile
	}
	if o.serviceTime != 0 {
		f.Default.ServiceTime = o.serviceTime
	}
	if o.buffer != 0 {
		f.Default.Buffer = o.buffer
	}
	if o.overflow != "" {
		f.Default.Overflow = o.overflow
	}
	if f.Default.Listen == "" || o.listen != bmcListen {
		f.Default.Listen = o.listen
	}
	if f.Count == 0 || o.count != 1 {
		f.Count = o.count
	}
}

// needsPassword reports whether a BMC has no users of its own.
func (f *rackFile) needsPassword() bool {
	if len(f.Default.Users) > 0 {
		return false
	}
	for _, s := range f.Servers {
		if len(s.Users) == 0 {
			return true
		}
	}
	return len(f.Servers) == 0
}

// rack makes the configuration of the rack. Admin is the user of BMCs for which none are said.
func (f *rackFile) rack(admin rackUser) (rack.Config, error) {
	c := rack.Config{StateDir: f.State}
	if len(f.Servers) == 0 {
		if f.Count < 1 || f.Count > 1<<16 {
			return c, fmt.Errorf("%d is no number of BMCs; 1 to %d are possible", f.Count, 1<<16)
		}
		f.Servers = make([]rackServer, f.Count)
	}
	if f.Default.Name != "" || f.Default.GUID != "" {
		return c, errors.New("name and guid are those of one BMC; write them under bmcs")
	}
	if f.Default.Console != "" {
		return c, errors.New("console is that of one BMC; write it under bmcs")
	}
	first, err := parseListen(f.Default.Listen)
	if err != nil {
		return c, err
	}
	if len(f.Default.Users) == 0 {
		f.Default.Users = []rackUser{admin}
	}
	// once, and not for each BMC; what cannot be read is told with the first
	for i := range f.Default.Users {
		if u := &f.Default.Users[i]; u.PasswordFile != "" && u.Password == "" {
			if p, err := readPasswordFile(u.PasswordFile); err == nil {
				u.secret, u.PasswordFile = ipmi.NewSecret(p), ""
			}
		}
	}
	names := map[string]bool{}
	listens := map[netip.AddrPort]string{}
	for i, s := range f.Servers {
		s.inherit(&f.Default)
		if s.Name == "" {
			s.Name = fmt.Sprintf("bmc%d", i+1)
		}
		if names[s.Name] || !safeName().MatchString(s.Name) {
			return c, fmt.Errorf("BMC name %q: names are made of letters, digits, dots, dashes "+
				"and underscores, and each is there once", s.Name)
		}
		names[s.Name] = true
		server, err := s.server()
		if err != nil {
			return c, fmt.Errorf("BMC %s: %w", s.Name, err)
		}
		if s.Listen != "" {
			server.Addr, err = parseListen(s.Listen)
		} else {
			server.Addr, err = nextAddr(first, i)
		}
		if err != nil {
			return c, fmt.Errorf("BMC %s: %w", s.Name, err)
		}
		if other := listens[server.Addr]; other != "" && server.Addr.Port() != 0 {
			return c, fmt.Errorf("BMC %s: %s has the address %s already; give one of them another",
				s.Name, other, server.Addr)
		}
		listens[server.Addr] = s.Name
		if server.Revision, err = s.revision(&server); err != nil {
			return c, fmt.Errorf("BMC %s: %w", s.Name, err)
		}
		c.Servers = append(c.Servers, server)
	}
	return c, nil
}

// safeName is what the name of a state file may be.
var safeName = lazily(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$`)

// parseListen reads HOST:PORT, with an address as HOST.
func parseListen(s string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		if ip, ipErr := netip.ParseAddr(strings.Trim(s, "[]")); ipErr == nil {
			return netip.AddrPort{}, fmt.Errorf("%q is an address without a port; write %s", s,
				netip.AddrPortFrom(ip, 6230))
		}
		return a, fmt.Errorf("%q is no address and port; write it like 127.0.0.1:6230", s)
	}
	return a, nil
}

// inherit takes from d what s does not say, but for name and address.
func (s *rackServer) inherit(d *rackServer) {
	if s.Profile == "" {
		s.Profile = d.Profile
	}
	if s.Users == nil {
		s.Users = d.Users
	}
	if s.Kg == "" {
		s.Kg = d.Kg
	}
	if s.Suites == nil {
		s.Suites = d.Suites
	}
	if s.Still == nil {
		s.Still = d.Still
	}
	if s.Allow == nil {
		s.Allow = d.Allow
	}
	if s.Host == nil {
		s.Host = d.Host
	}
	if s.Satellites == nil {
		s.Satellites = d.Satellites
	}
	if s.ConsoleHistory == 0 {
		s.ConsoleHistory = d.ConsoleHistory
	}
	if s.ServiceTime == 0 {
		s.ServiceTime = d.ServiceTime
	}
	if s.Buffer == 0 {
		s.Buffer = d.Buffer
	}
	if s.Overflow == "" {
		s.Overflow = d.Overflow
	}
}

// server makes the BMC's configuration.
func (s *rackServer) server() (rack.Server, error) {
	r := rack.Server{Name: s.Name}
	r.BMC = bmc.Config{Kg: ipmi.NewSecret(s.Kg), CipherSuites: s.Suites,
		Still: s.Still != nil && *s.Still}
	if err := rack.ApplyProfile(&r.BMC, s.Profile); err != nil {
		return r, err
	}
	if s.GUID != "" {
		g, err := parseGUID(s.GUID)
		if err != nil {
			return r, err
		}
		r.BMC.GUID = g
	}
	r.Service = rack.Service{Time: s.ServiceTime, Buffer: s.Buffer}
	if s.Overflow != "" {
		if err := r.Service.Overflow.UnmarshalText([]byte(s.Overflow)); err != nil {
			return r, fmt.Errorf("overflow: %w", err)
		}
	}
	if s.Allow != nil {
		r.BMC.Allow = bmc.Allowed{CipherSuite0: s.Allow.CipherSuite0, Anonymous: s.Allow.Anonymous,
			AuthNone: s.Allow.AuthNone}
	}
	for _, u := range s.Users {
		user, err := u.user()
		if err != nil {
			return r, err
		}
		if user.Password.Len() == 0 && !r.BMC.Allow.Anonymous {
			return r, fmt.Errorf("user %s has no password; give one with password or "+
				"password-file, or write allow: {anonymous: true}", user.Name)
		}
		r.BMC.Users = append(r.BMC.Users, user)
	}
	for _, f := range s.Faults {
		fault := bmc.SensorFault{Sensor: f.Sensor, Value: f.Value, Absent: f.Absent}
		if f.States != nil {
			fault.States = new(uint16)
			for _, offset := range *f.States {
				if offset > 14 {
					return r, fmt.Errorf("fault of sensor %s: state %d; there are 0 to 14",
						f.Sensor, offset)
				}
				*fault.States |= 1 << offset
			}
		}
		r.BMC.Faults = append(r.BMC.Faults, fault)
	}
	for _, sat := range s.Satellites {
		if _, twice := r.Satellites[sat.Address]; twice || sat.Address&1 != 0 ||
			sat.Address < 0x10 || sat.Address > 0xee || sat.Address == ipmi.AddressBMC {
			return r, fmt.Errorf("satellite address %#02x: addresses are even, from 0x10 to 0xee "+
				"and not 0x20, and each is there once", sat.Address)
		}
		var cfg bmc.Config
		if err := rack.ApplyProfile(&cfg, sat.Profile); err != nil {
			return r, err
		}
		if r.Satellites == nil {
			r.Satellites = map[uint8]rack.Satellite{}
		}
		r.Satellites[sat.Address] = rack.Satellite{BMC: cfg, Host: func() host.Host {
			return sim.New(sim.Config{On: true})
		}}
	}
	if err := s.console(&r); err != nil {
		return r, err
	}
	var err error
	r.Host, err = s.machine()
	return r, err
}

// user makes a user of the BMC.
func (u *rackUser) user() (bmc.UserConfig, error) {
	c := bmc.UserConfig{Name: u.Name, Password: u.secret, Privilege: ipmi.PrivilegeAdministrator}
	switch {
	case u.Password != "" && u.PasswordFile != "":
		return c, fmt.Errorf("user %s has both a password and a password-file; remove one", u.Name)
	case u.Password != "":
		c.Password = ipmi.NewSecret(u.Password)
	case u.PasswordFile != "":
		p, err := readPasswordFile(u.PasswordFile)
		if err != nil {
			return c, err
		}
		c.Password = ipmi.NewSecret(p)
	}
	if u.Privilege != "" {
		var o Options
		if err := o.setPrivilege(u.Privilege); err != nil {
			return c, fmt.Errorf("user %s: privilege: %w", u.Name, err)
		}
		c.Privilege = o.Privilege
	}
	return c, nil
}

// parseGUID reads a GUID as people write it and puts it in the order of Table 20-10.
func parseGUID(s string) (ipmi.GUID, error) {
	var g ipmi.GUID
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != len(g) {
		return g, fmt.Errorf("guid: %q is no GUID; write it like "+
			"44454c4c-3700-1052-8047-b8c04f445a31", s)
	}
	copy(g[:], b)
	return g.In(ipmi.GUIDIPMI), nil
}
