package bmc

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A console is a client in memory: it sends datagrams to a BMC and collects what comes back.
type console struct {
	t    testing.TB
	b    *BMC
	addr netip.AddrPort
	rtt  time.Duration // how far the BMC is away
	got  [][]byte
	seq  uint8
}

var consoleAddr = netip.MustParseAddrPort("192.0.2.1:40000")

func newConsole(t testing.TB, b *BMC) *console { return &console{t: t, b: b, addr: consoleAddr} }

func (c *console) Send(_ netip.AddrPort, packet []byte) {
	c.got = append(c.got, bytes.Clone(packet))
}

// exchange sends a packet and returns the answer, nil if there is none.
func (c *console) exchange(packet []byte) *rmcp.Packet {
	c.t.Helper()
	c.got = nil
	time.Sleep(c.rtt / 2)
	c.b.HandlePacket(c, c.addr, bytes.Clone(packet))
	time.Sleep(c.rtt / 2)
	if len(c.got) == 0 {
		return nil
	}
	p, err := rmcp.Parse(c.got[len(c.got)-1])
	if err != nil {
		c.t.Fatalf("the BMC sent % x: %v", c.got[len(c.got)-1], err)
	}
	return &p
}

// login opens an IPMI 2.0 session.
func (c *console) login(cfg rmcp.ClientConfig) (*rmcp.Session20, error) {
	c.t.Helper()
	cfg.LocalID, cfg.Random = 0x11223344, rand.Reader
	h, err := rmcp.NewClientHandshake(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	for h.Session() == nil {
		packet, err := h.Append(nil)
		if err != nil {
			return nil, err
		}
		p := c.exchange(packet)
		if p == nil {
			return nil, ipmi.ErrTimeout
		}
		if err := h.Receive(p); err != nil {
			return nil, err
		}
	}
	return h.Session(), nil
}

func admin(suite int) rmcp.ClientConfig {
	s, _ := rmcp.CipherSuiteByID(suite)
	return rmcp.ClientConfig{User: "admin", Password: ipmi.NewSecret("secret"),
		Privilege: ipmi.PrivilegeAdministrator, Suite: s}
}

// message returns a request's message with the next rqSeq.
func (c *console) message(netFn ipmi.NetFn, cmd uint8, data ...byte) []byte {
	c.seq = (c.seq + 1) & rmcp.MaxSeq
	return rmcp.AppendMessage(nil, &rmcp.Message{To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI,
		NetFn: netFn, Seq: c.seq, Cmd: cmd, Data: data})
}

// request carries out a request in a session; false is no answer.
func (c *console) request(s rmcp.Session, message []byte) (rmcp.Message, bool) {
	c.t.Helper()
	packet, err := s.Append(nil, ipmi.PayloadIPMI, message)
	if err != nil {
		c.t.Fatal(err)
	}
	p := c.exchange(packet)
	if p == nil {
		return rmcp.Message{}, false
	}
	payload, err := s.Open(p)
	if err != nil {
		c.t.Fatalf("answer: %v", err)
	}
	m, err := rmcp.ParseMessage(payload)
	if err != nil {
		c.t.Fatalf("answer: %v", err)
	}
	return m, true
}

func TestSessionsOfEverySuite(t *testing.T) {
	b := newTest(t, func(c *Config) {
		c.CipherSuites = []uint8{0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 19}
		c.Allow.CipherSuite0 = true
	})
	for _, s := range b.login.suites {
		c := newConsole(t, b)
		session, err := c.login(admin(int(s.ID)))
		if err != nil {
			t.Fatalf("suite %d: %v", s.ID, err)
		}
		for range 20 {
			if m, ok := c.request(session, c.message(ipmi.NetFnChassis, 1)); !ok || m.Code != 0 ||
				len(m.Data) < 3 {
				t.Fatalf("suite %d: chassis status: %+v", s.ID, m)
			}
		}
		if m, _ := c.request(session, c.message(ipmi.NetFnChassis, 2, 1)); m.Code !=
			ipmi.CodeInsufficientPrivilege {
			t.Errorf("suite %d: power on at the first level: %v", s.ID, m.Code)
		}
		if m, _ := c.request(session, c.message(ipmi.NetFnApp, 0x3b, 4)); m.Code != 0 ||
			m.Data[0] != 4 {
			t.Errorf("suite %d: Set Session Privilege: %+v", s.ID, m)
		}
		if m, _ := c.request(session, c.message(ipmi.NetFnChassis, 2, 1)); m.Code != ipmi.CodeOK {
			t.Errorf("suite %d: power on: %v", s.ID, m.Code)
		}
		id := session.RemoteID()
		if m, _ := c.request(session, c.message(ipmi.NetFnApp, 0x3c, byte(id), byte(id>>8),
			byte(id>>16), byte(id>>24))); m.Code != 0 {
			t.Errorf("suite %d: Close Session: %v", s.ID, m.Code)
		}
		if _, ok := c.request(session, c.message(ipmi.NetFnApp, 1)); ok {
			t.Errorf("suite %d: answered after the end", s.ID)
		}
	}
}

func TestLoginRefused(t *testing.T) {
	var b *BMC
	for _, c := range []struct {
		name   string
		change func(*rmcp.ClientConfig)
		want   error
	}{
		{"wrong password", func(c *rmcp.ClientConfig) { c.Password = ipmi.NewSecret("wrong") }, ipmi.ErrPassword},
		{"unknown user", func(c *rmcp.ClientConfig) { c.User = "nobody" }, ipmi.ErrUser},
		{"no name", func(c *rmcp.ClientConfig) { c.User, c.Password = "", ipmi.Secret{} }, ipmi.ErrUser},
		{"Kg that is not there", func(c *rmcp.ClientConfig) { c.Kg = ipmi.NewSecret("key") }, ipmi.ErrKey},
		{"cipher suite 0", func(c *rmcp.ClientConfig) { c.Suite, _ = rmcp.CipherSuiteByID(0) }, ipmi.ErrCipherSuite},
		{"too high", func(c *rmcp.ClientConfig) { c.User = "op" }, ipmi.ErrPrivilege},
		{"another role", func(c *rmcp.ClientConfig) { c.RoleLookup, c.Privilege = true, ipmi.PrivilegeOperator }, ipmi.ErrPrivilege},
		{"disabled user", func(c *rmcp.ClientConfig) { b.accounts.user[2].Enabled = false }, ipmi.ErrUser},
		{"channel limited", func(*rmcp.ClientConfig) { b.channels.access[settingActive].Privilege = ipmi.PrivilegeUser }, ipmi.ErrPrivilege},
		{"channel disabled", func(*rmcp.ClientConfig) { b.channels.access[settingActive].Mode = 0 }, ipmi.ErrTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			b = newTest(t, func(c *Config) {
				c.Users = append(c.Users,
					UserConfig{Name: "op", Password: ipmi.NewSecret("secret"),
						Privilege: ipmi.PrivilegeOperator})
			})
			cfg := admin(17)
			c.change(&cfg)
			if _, err := newConsole(t, b).login(cfg); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			// With a wrong Kg only the client can see that something is wrong: in RAKP Message 4.
			if n := len(b.sessions.active); n != 0 && c.want != ipmi.ErrKey {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

func TestKg(t *testing.T) {
	b := newTest(t, func(c *Config) { c.Kg = ipmi.NewSecret("key") })
	cfg := admin(3)
	if _, err := newConsole(t, b).login(cfg); !errors.Is(err, ipmi.ErrKey) {
		t.Errorf("without Kg: %v", err)
	}
	cfg.Kg = ipmi.NewSecret("key")
	if _, err := newConsole(t, b).login(cfg); err != nil {
		t.Errorf("with Kg: %v", err)
	}
}

// A request that changes something is carried out once, however often it comes.
func TestRepeatedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		c := newConsole(t, b)
		s, err := c.login(admin(3))
		if err != nil {
			t.Fatal(err)
		}
		if m, _ := c.request(s, c.message(ipmi.NetFnApp, 0x3b, 4)); m.Code != 0 {
			t.Fatal(m.Code)
		}
		off := c.message(ipmi.NetFnChassis, 2, 0)
		if m, _ := c.request(s, off); m.Code != 0 {
			t.Fatal(m.Code)
		}
		if m, _ := c.request(s, c.message(ipmi.NetFnChassis, 2, 1)); m.Code != 0 {
			t.Fatal(m.Code)
		}
		if m, ok := c.request(s, off); !ok || m.Code != 0 {
			t.Errorf("the repetition was not answered: %v", m.Code)
		}
		if !must(t, b, ipmi.GetChassisStatus{}).PowerOn {
			t.Error("the repetition was carried out")
		}
		time.Sleep(repeatTime)
		if m, ok := c.request(s, off); !ok || m.Code != 0 {
			t.Error(m.Code)
		}
		if must(t, b, ipmi.GetChassisStatus{}).PowerOn {
			t.Error("the same request much later was taken for a repetition")
		}
	})
}

func TestIdleSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		c := newConsole(t, b)
		s, err := c.login(admin(3))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			time.Sleep(40 * time.Second)
			if _, ok := c.request(s, c.message(ipmi.NetFnApp, 1)); !ok {
				t.Fatal("a session in use ended")
			}
		}
		time.Sleep(61 * time.Second)
		if _, ok := c.request(s, c.message(ipmi.NetFnApp, 1)); ok {
			t.Error("an idle session did not end")
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.sessions.active != nil || !b.mux.halfOpens.gone() || b.sessions.sweeper != nil {
			t.Error("something stayed behind")
		}
	})
}

// Who loses a right loses it in open sessions too.
func TestPrivilegeTakenAway(t *testing.T) {
	b := newTest(t, nil)
	c := newConsole(t, b)
	s, err := c.login(admin(3))
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := c.request(s, c.message(ipmi.NetFnApp, 0x3b, 4)); m.Code != 0 {
		t.Fatal(m.Code)
	}
	must(t, b, ipmi.SetUserAccess{Channel: channelLAN, User: 2, Limit: ipmi.PrivilegeUser})
	if m, _ := c.request(s, c.message(ipmi.NetFnChassis, 2, 1)); m.Code !=
		ipmi.CodeInsufficientPrivilege {
		t.Errorf("power on as a user: got %v, want %v", m.Code, ipmi.CodeInsufficientPrivilege)
	}
	if m, _ := c.request(s, c.message(ipmi.NetFnApp, 0x3b, 0)); m.Code != 0 ||
		m.Data[0] != uint8(ipmi.PrivilegeUser) {
		t.Errorf("present privilege: got %v % x, want %v", m.Code, m.Data, ipmi.PrivilegeUser)
	}
	must(t, b, ipmi.SetUserAccess{Channel: channelLAN, User: 2, Limit: ipmi.PrivilegeNoAccess})
	if m, ok := c.request(s, c.message(ipmi.NetFnApp, 1)); ok {
		t.Errorf("Get Device ID without access: got %v, want a session that has ended", m.Code)
	}
}

// Neither half-open nor open sessions grow without bound.
func TestSessionLimits(t *testing.T) {
	b := newTest(t, nil)
	for i := range 100 {
		c := newConsole(t, b)
		_, err := c.login(admin(3))
		if want := i >= maxSessions; want != errors.Is(err, ipmi.ErrBusy) {
			t.Fatalf("session %d: %v", i, err)
		}
	}
	for range 1000 { // without a password nothing takes a place
		c := newConsole(t, b)
		data, _ := ipmi.GetSessionChallenge{AuthType: ipmi.AuthMD5,
			UserName: "admin"}.AppendBinary(nil)
		packet, _ := rmcp.AppendPresession15(nil, c.message(ipmi.NetFnApp, 0x39, data...))
		c.exchange(packet)
	}
	if n := len(b.sessions.active); n != maxSessions {
		t.Errorf("%d sessions", n)
	}
}

func TestLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		b.login.kept.BadPassword = badPassword{Event: true, Threshold: 3, Reset: 6, Lockout: 12}
		var events []Event
		b.listen(func(e Event) { events = append(events, e) })
		try := func(password string) bool {
			s, _ := newConsole(t, b).activate15(ipmi.AuthMD5, "admin", password, ipmi.PrivilegeUser)
			return s != nil
		}
		try("a")
		try("b")
		time.Sleep(61 * time.Second) // forgotten
		try("c")
		try("d")
		if !try("secret") {
			t.Error("locked too early")
		}
		try("e")
		try("f")
		try("g")
		if try("secret") {
			t.Error("not locked")
		}
		if len(events) != 1 || events[0].Data != [3]byte{0xf3, 2, 1} {
			t.Errorf("events %+v", events)
		}
		time.Sleep(121 * time.Second)
		if !try("secret") {
			t.Error("locked for ever")
		}
	})
}
