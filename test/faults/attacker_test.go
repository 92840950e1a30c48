package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"lom/internal/programs"
	"lom/internal/udprelay"
	"lom/ipmi"
	"lom/rmcp"
)

// An attacker sees every packet between a client and a BMC, keeps what it likes, and sends what it
// likes to the client. It does not know the password.
type attacker struct {
	// changes the answer to Get Channel Authentication Capabilities
	caps func(*ipmi.ChannelAuthCapabilities)
	// answers a message outside a session in the BMC's place; nil: the BMC may
	message func(m *rmcp.Message) (reply *rmcp.Message)
	// the list that it forges; nil: the BMC's
	suites []int
	// answers a packet of the handshake in the BMC's place
	handshake func(p *rmcp.Packet) (reply []byte, taken bool)
	keep      func(p *rmcp.Packet) bool // packets that do not reach the BMC
	// of Get Chassis Status, which it forges in every session
	state byte

	console uint32 // session ID of packets to the client
}

// step decides on one packet of a client.
func (a *attacker) step(p udprelay.Packet) (on, back [][]byte) {
	on = [][]byte{p.Data}
	packet, err := rmcp.Parse(p.Data)
	if err != nil || !p.Request {
		return on, nil
	}
	if packet.PayloadType == ipmi.PayloadOpenSession && len(packet.Payload) >= 8 {
		a.console = binary.LittleEndian.Uint32(packet.Payload[4:])
	}
	switch {
	case a.keep != nil && a.keep(&packet):
		on = nil
	case packet.V20() && packet.SessionID == 0 && packet.PayloadType != ipmi.PayloadIPMI:
		if a.handshake != nil {
			if reply, taken := a.handshake(&packet); taken {
				on, back = nil, append(back, reply)
			}
		}
		return on, back
	}
	m, err := rmcp.ParseMessage(packet.Payload)
	if packet.SessionID != 0 && (err != nil || m.Cmd != activateSession.Code) {
		return on, a.lies(&packet)
	}
	if err != nil || on == nil && a.message == nil && a.caps == nil {
		return on, nil
	}
	var reply *rmcp.Message
	switch {
	case m.Cmd == capabilities.Code && a.caps != nil:
		c := ipmi.ChannelAuthCapabilities{Channel: 1, Extended: true, PerMessageAuth: true,
			UserLevelAuth: true, NonNullUsers: true, SupportsIPMI15: true}
		a.caps(&c)
		r := m.Reply(0, nil)
		r.Data, _ = c.AppendBinary(nil)
		reply = &r
	case m.Cmd == cipherSuites.Code && a.suites != nil:
		var list []rmcp.CipherSuite
		for _, id := range a.suites {
			s, _ := rmcp.CipherSuiteByID(id)
			list = append(list, s)
		}
		records := rmcp.AppendCipherSuites(nil, list)
		from := min(16*int(m.Data[2]&0x3f), len(records))
		r := m.Reply(0, append([]byte{1}, records[from:min(from+16, len(records))]...))
		reply = &r
	case a.message != nil:
		reply = a.message(&m)
	}
	if reply == nil {
		return on, nil
	}
	message := rmcp.AppendMessage(nil, reply)
	wrapped, _ := rmcp.AppendPresession15(nil, message)
	if packet.V20() {
		wrapped, _ = rmcp.AppendPresession20(nil, ipmi.PayloadIPMI, message)
	}
	back = append(back, wrapped)
	if packet.SessionID != 0 { // also with the ID of the session
		back = append(back, withID15(wrapped, packet.SessionID, 0))
	}
	return nil, back
}

var (
	activateSession = ipmi.ActivateSession{}.Command()
	challenge       = ipmi.GetSessionChallenge{}.Command()
	capabilities    = ipmi.GetChannelAuthCapabilities{}.Command()
	cipherSuites    = ipmi.GetChannelCipherSuites{}.Command()
	chassisStatus   = ipmi.GetChassisStatus{}.Command()
)

// lies are answers to a request in a session, whatever it is, that say that the machine's power is
// in the forged state.
func (a *attacker) lies(p *rmcp.Packet) (all [][]byte) {
	for seq := range uint8(64) {
		m := rmcp.Message{To: ipmi.AddressRemoteSWI, From: ipmi.AddressBMC,
			NetFn: chassisStatus.NetFn.Response(), Seq: seq,
			Cmd: chassisStatus.Code, Data: []byte{a.state, 0, 0, 0}}
		message := rmcp.AppendMessage(nil, &m)
		if p.V20() {
			b, _ := rmcp.AppendPresession20(nil, ipmi.PayloadIPMI, message)
			binary.LittleEndian.PutUint32(b[6:], a.console)
			binary.LittleEndian.PutUint32(b[10:], uint32(seq)+1)
			all = append(all, b)
			continue
		}
		b, _ := rmcp.AppendPresession15(nil, message)
		all = append(all, withID15(b, p.SessionID, p.Sequence+1))
	}
	return all
}

// withID15 puts a session ID and a sequence number into a packet of IPMI 1.5.
func withID15(b []byte, id, sequence uint32) []byte {
	b = bytes.Clone(b)
	binary.LittleEndian.PutUint32(b[5:], sequence)
	binary.LittleEndian.PutUint32(b[9:], id)
	return b
}

// refuse answers a step of the handshake with a status.
func refuse(step ipmi.PayloadType, status rmcp.Status,
	unless func(*rmcp.Packet) bool) func(*rmcp.Packet) ([]byte, bool) {
	var console uint32
	return func(p *rmcp.Packet) ([]byte, bool) {
		if p.PayloadType == ipmi.PayloadOpenSession {
			console = binary.LittleEndian.Uint32(p.Payload[4:])
		}
		if p.PayloadType != step || unless != nil && unless(p) {
			return nil, false
		}
		payload := binary.LittleEndian.AppendUint32([]byte{p.Payload[0], byte(status), 0, 0},
			console)
		b, _ := rmcp.AppendPresession20(nil, step+1, payload)
		return b, true
	}
}

// proposes reports whether an Open Session Request is for a suite.
func proposes(ids ...int) func(*rmcp.Packet) bool {
	return func(p *rmcp.Packet) bool {
		var q rmcp.OpenSessionRequest
		if q.UnmarshalBinary(p.Payload) != nil {
			return false
		}
		for _, id := range ids {
			if s, _ := rmcp.CipherSuiteByID(id); q.Proposes(s) {
				return true
			}
		}
		return false
	}
}

// answer is a step of the handshake in the BMC's place, with what follows its session ID.
func answer(step ipmi.PayloadType,
	rest func(p *rmcp.Packet) []byte) func(*rmcp.Packet) ([]byte, bool) {
	var console uint32
	return func(p *rmcp.Packet) ([]byte, bool) {
		if p.PayloadType == ipmi.PayloadOpenSession {
			console = binary.LittleEndian.Uint32(p.Payload[4:])
		}
		if p.PayloadType != step {
			return nil, false
		}
		payload := binary.LittleEndian.AppendUint32([]byte{p.Payload[0], 0, 4, 0}, console)
		b, _ := rmcp.AppendPresession20(nil, step+1, append(payload, rest(p)...))
		return b, true
	}
}

// only is an answer about capabilities that offers these authentication types, and no IPMI 2.0.
func only(types ...ipmi.AuthType) func(*ipmi.ChannelAuthCapabilities) {
	return func(c *ipmi.ChannelAuthCapabilities) {
		for _, t := range types {
			c.AuthTypes |= 1 << t
		}
	}
}

// reply answers a command outside a session with a completion code and data.
func reply(cmd uint8, code ipmi.CompletionCode, data []byte) func(m *rmcp.Message) *rmcp.Message {
	return func(m *rmcp.Message) *rmcp.Message {
		if m.Cmd != cmd {
			return nil
		}
		r := m.Reply(code, data)
		return &r
	}
}

// activated is an answer to Activate Session that makes a session without authentication.
func activated() []byte {
	b, _ := ipmi.ActivatedSession{AuthType: ipmi.AuthNone, SessionID: 0x01020304,
		InboundSequence: 1, Privilege: ipmi.PrivilegeAdministrator}.AppendBinary(nil)
	return b
}

// attacks are the forged set-up answers.
var attacks = []struct {
	name string
	new  func() *attacker
}{
	{"capabilities: PASSWORD only", func() *attacker { return &attacker{caps: only(ipmi.AuthPassword)} }},
	{"capabilities: NONE only", func() *attacker { return &attacker{caps: only(ipmi.AuthNone)} }},
	{"capabilities: MD2 only", func() *attacker { return &attacker{caps: only(ipmi.AuthMD2)} }},
	{"capabilities: PASSWORD and NONE", func() *attacker { return &attacker{caps: only(ipmi.AuthPassword, ipmi.AuthNone)} }},
	{"capabilities: MD5 without IPMI 2.0", func() *attacker { return &attacker{caps: only(ipmi.AuthMD5)} }},
	{"capabilities: no authentication of messages", func() *attacker {
		return &attacker{caps: func(c *ipmi.ChannelAuthCapabilities) {
			only(ipmi.AuthMD5, ipmi.AuthNone)(c)
			c.PerMessageAuth, c.UserLevelAuth = false, false
		}}
	}},
	{"capabilities: nothing at all", func() *attacker { return &attacker{caps: only()} }},
	{"capabilities: refused", func() *attacker { return &attacker{message: reply(capabilities.Code, ipmi.CodeInvalidCommand, nil)} }},
	{"capabilities: PASSWORD, and IPMI 2.0 is silent", func() *attacker {
		return &attacker{caps: only(ipmi.AuthPassword), keep: (*rmcp.Packet).V20}
	}},
	{"suites: none but 0", func() *attacker {
		return &attacker{suites: []int{0},
			handshake: refuse(ipmi.PayloadOpenSession, rmcp.StatusNoCipherSuiteMatch, nil)}
	}},
	{"suites: 1, 2 and 6", func() *attacker {
		return &attacker{suites: []int{1, 2, 6},
			handshake: refuse(ipmi.PayloadOpenSession, rmcp.StatusNoCipherSuiteMatch,
				proposes(1, 2, 6))}
	}},
	{"suites: 40-bit xRC4", func() *attacker {
		return &attacker{suites: []int{5, 10, 14, 19},
			handshake: refuse(ipmi.PayloadOpenSession, rmcp.StatusInvalidConf,
				proposes(5, 10, 14, 19))}
	}},
	{"suites: 12 only", func() *attacker {
		return &attacker{suites: []int{12, 11, 2},
			handshake: refuse(ipmi.PayloadOpenSession, rmcp.StatusNoCipherSuiteMatch,
				proposes(12, 11, 2))}
	}},
	{"Open Session: no authentication chosen", func() *attacker {
		return &attacker{handshake: answer(ipmi.PayloadOpenSession, func(*rmcp.Packet) []byte {
			return []byte{1, 2, 3, 4, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0, 0, 8, 0, 0, 0, 0, 2, 0, 0, 8, 0,
				0, 0, 0}
		})}
	}},
	{"Open Session: no resources", func() *attacker {
		return &attacker{suites: []int{2},
			handshake: refuse(ipmi.PayloadOpenSession, rmcp.StatusNoResources, proposes(2))}
	}},
	{"Open Session: unauthorized role", func() *attacker {
		return &attacker{suites: []int{0, 1, 2},
			handshake: refuse(ipmi.PayloadOpenSession, rmcp.StatusUnauthorizedRole, proposes(0))}
	}},
	{"Open Session: silence but for suite 2", func() *attacker {
		return &attacker{suites: []int{2}, keep: func(p *rmcp.Packet) bool {
			return p.PayloadType == ipmi.PayloadOpenSession && !proposes(2)(p)
		}}
	}},
	{"RAKP 2: unknown user", func() *attacker {
		return &attacker{handshake: refuse(ipmi.PayloadRAKP1, rmcp.StatusUnauthorizedName, nil)}
	}},
	{"RAKP 2: a code of the attacker's", func() *attacker {
		return &attacker{handshake: answer(ipmi.PayloadRAKP1, func(*rmcp.Packet) []byte {
			return make([]byte, 16+16+20)
		})}
	}},
	{"RAKP 4: refused", func() *attacker {
		return &attacker{handshake: refuse(ipmi.PayloadRAKP3, rmcp.StatusInvalidCheckValue, nil)}
	}},
	{"RAKP 4: a code of the attacker's", func() *attacker {
		return &attacker{handshake: answer(ipmi.PayloadRAKP3, func(*rmcp.Packet) []byte {
			return make([]byte, 16)
		})}
	}},
	{"challenge: refused", func() *attacker { return &attacker{message: reply(challenge.Code, 0x81, nil)} }},
	{"challenge: the attacker's", func() *attacker { return &attacker{message: reply(challenge.Code, 0, make([]byte, 20))} }},
	{"Activate Session: no slot", func() *attacker { return &attacker{message: reply(activateSession.Code, 0x82, nil)} }},
	{"Activate Session: a session without authentication", func() *attacker {
		return &attacker{message: reply(activateSession.Code, 0, activated())}
	}},
	{"the attacker is the BMC", func() *attacker {
		return &attacker{caps: only(ipmi.AuthNone, ipmi.AuthPassword, ipmi.AuthMD2),
			keep: func(p *rmcp.Packet) bool {
				return true
			},
			message: func(m *rmcp.Message) *rmcp.Message {
				r := m.Reply(0, nil)
				switch m.Cmd {
				case challenge.Code:
					r.Data = append([]byte{4, 3, 2, 1}, make([]byte, 16)...)
				case activateSession.Code:
					r.Data = activated()
				}
				return &r
			}}
	}},
}

// Whatever an attacker on the wire forges while a session is set up, lom does not send the
// password, opens no session that is worse than was asked for, and prints nothing that the BMC has
// not said. What ipmitool does is logged besides it.
func TestAttackerOnTheWire(t *testing.T) {
	bmc := programs.StartBMC(t).Target
	const (
		on, off = "Chassis Power is on\n", "Chassis Power is off\n"
	)
	real := programs.Run(t, t.TempDir(), programs.Lom(), bmc.Tool("lanplus", "power", "status")...)
	forged, state := on, byte(1)
	if real.Stdout == on {
		forged, state = off, 0
	} else if real.Stdout != off {
		t.Fatal(real)
	}
	choices := []struct {
		iface string
		args  []string // what is asked for
		suite int      // -1: none that protects less than AES and a code
	}{
		{"auto", nil, -1}, {"lan", nil, -1}, {"lanplus", nil, -1},
		{"auto", []string{"-C", "3", "-A", "MD5"}, 3}, {"lan", []string{"-A", "MD5"}, -1}, {"lanplus", []string{"-C", "17"}, 17},
	}
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			for _, c := range choices {
				t.Run(strings.Join(append([]string{c.iface}, c.args...), " "), func(t *testing.T) {
					t.Parallel()
					run := func(program, iface string,
						args ...string) (programs.Result, []udprelay.Packet) {
						relay := udprelay.Start(t, bmc.Addr, udprelay.Faults{})
						a := attack.new()
						a.state = state
						relay.Attack(a.step)
						args = append(append([]string{"-N", "1", "-R", "2"}, args...), "power",
							"status")
						return programs.Run(t, t.TempDir(), program,
							bmc.At(relay.Addr).Tool(iface, args...)...), relay.Packets()
					}
					r, packets := run(programs.Lom(), c.iface, c.args...)
					worse := weaknesses(packets, bmc.Password, c.suite)
					switch {
					case len(worse) > 0:
						t.Errorf("lom: %s\n%s", strings.Join(worse, "; "), r)
					case r.Stdout != "" && r.Stdout != real.Stdout ||
						strings.Contains(r.Stdout, strings.TrimSpace(forged)):
						t.Errorf("lom printed what was forged: %s", r)
					case r.Code == 0 && r.Stdout != real.Stdout,
						r.Code != 0 && strings.Count(r.Stderr, "\n") != 1:
						t.Errorf("neither the state nor one sentence: %s", r)
					case r.Code == 0 && c.iface == "auto" && over15(packets) &&
						!strings.Contains(r.Stderr, "IPMI 1.5"):
						t.Errorf("auto left IPMI 2.0 without a sentence: %s", r)
					}
					t.Logf("lom: exit status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
					if testing.Short() || c.iface == "auto" {
						return
					}
					programs.Need(t, "ipmitool")
					r, packets = run("ipmitool", c.iface, c.args...)
					t.Logf("ipmitool: exit status %d, %q, %q; forged state printed: %t; %s", r.Code,
						r.Stdout, r.Stderr,
						r.Stdout == forged, strings.Join(weaknesses(packets, bmc.Password, c.suite),
							"; "))
				})
			}
		})
	}
}

// over15 reports whether a session of IPMI 1.5 was used.
func over15(packets []udprelay.Packet) bool {
	for _, p := range packets {
		if packet, err := rmcp.Parse(p.Data); err == nil && p.Request && !packet.V20() &&
			packet.SessionID != 0 {
			return true
		}
	}
	return false
}

// weaknesses says what a client sent that it should not have: its password, a log-in by something
// weaker than MD5, or a proposal of algorithms that was not asked for.
func weaknesses(packets []udprelay.Packet, password string, suite int) (found []string) {
	note := func(format string, args ...any) {
		s := fmt.Sprintf(format, args...)
		for _, f := range found {
			if f == s {
				return
			}
		}
		found = append(found, s)
	}
	for _, p := range packets {
		packet, err := rmcp.Parse(p.Data)
		if err != nil || !p.Request {
			continue
		}
		if bytes.Contains(p.Data, []byte(password)) {
			note("the password was sent")
		}
		m, err := rmcp.ParseMessage(packet.Payload)
		switch {
		case packet.PayloadType == ipmi.PayloadOpenSession:
			var q rmcp.OpenSessionRequest
			if err := q.UnmarshalBinary(packet.Payload); err != nil {
				note("%v", err)
				continue
			}
			for _, s := range rmcp.CipherSuites() {
				if q.Proposes(s) && (suite >= 0 && int(s.ID) != suite ||
					suite < 0 && !s.Protects()) {
					note("cipher suite %d was proposed", s.ID)
				}
			}
		case !packet.V20() && packet.SessionID != 0 && packet.AuthType != ipmi.AuthMD5:
			note("a packet of a session with authentication %v was sent", packet.AuthType)
		case err == nil && m.Cmd == challenge.Code && packet.SessionID == 0 &&
			ipmi.AuthType(m.Data[0]) != ipmi.AuthMD5:
			note("a challenge for authentication %v was asked for", ipmi.AuthType(m.Data[0]))
		}
	}
	return found
}
