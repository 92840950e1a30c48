package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// scriptedBMC is a BMC that does what a test tells it to, also what no BMC should.
type scriptedBMC struct {
	conn net.PacketConn

	mu         sync.Mutex
	suites     []int
	password   string
	kg         string
	caps       ipmi.ChannelAuthCapabilities
	deaf       func(p *rmcp.Packet) bool // packets that it does not answer
	status     rmcp.Status               // of Open Session
	rakp2      rmcp.Status
	activate   ipmi.CompletionCode // of Activate Session
	perMessage bool
	id         uint32 // of the next session
	handshakes map[uint32]*rmcp.BMCHandshake
	sessions   map[uint32]rmcp.Session
	challenges map[uint32]*rmcp.Auth15
	packets    int            // that came in
	commands   []string       // in hex, of requests that came in
	seen       []rmcp.Message // the same
	sequences  []uint32       // session sequence numbers of the same

	// handle answers a request in a session; answer false is silence. It runs with mu held.
	handle func(m *rmcp.Message) (code ipmi.CompletionCode, data []byte, answer bool)
	// tamper makes of a good answer in a session the packets that are sent. It runs with mu held.
	tamper func(s rmcp.Session, m *rmcp.Message, packet []byte) [][]byte
	// payload takes the payloads of Serial over LAN; nil sends them back. It runs with mu held.
	payload func(payload []byte)

	// slow is how long the BMC takes for each packet, one after the other, also of a log-in; 0 is
	// no time. A forgetful one makes a new random number for each RAKP Message 1, also for one that
	// was repeated.
	slow      time.Duration
	forgetful bool
	opens     map[uint32][]byte // Open Session Requests, of a forgetful one
	badSums   bool              // the second checksum of each answer is wrong
	// a session of IPMI 1.5 has another ID than the challenge, also in the header of the answer
	newID bool

	// How long a packet is under way in each direction, how long the BMC takes for a request in a
	// session, one after the other, and for how many it has room. What is beyond is lost, or turned
	// away if it says busy.
	delay, service time.Duration
	scratch        int
	saysBusy       bool
	waiting        int // requests in that room
	crowd          int // the most that there were, those without room too
	turnedAway     int
	arrival        time.Time // of the last packet
	free           time.Time // when the BMC has time for another one

	// Of the packet that is being answered.
	from      net.Addr
	session   rmcp.Session
	sessionID uint32
}

var bmcAddr = netip.MustParseAddrPort("127.0.0.7:623")

// startBMC starts a scripted BMC at bmcAddr, or at another host.
func startBMC(t testing.TB, n *memNet, host ...string) *scriptedBMC {
	t.Helper()
	at := bmcAddr.Addr().String()
	if len(host) > 0 {
		at = host[0]
	}
	b := newBMC(n.listen(at, rmcp.Port))
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.serve()
	}()
	t.Cleanup(func() {
		_ = b.conn.Close()
		<-done
	})
	return b
}

// newBMC returns a scripted BMC on a socket.
func newBMC(conn net.PacketConn) *scriptedBMC {
	b := &scriptedBMC{
		conn: conn, suites: []int{17, 3}, password: "secret", perMessage: true, id: 0x1000,
		caps: ipmi.ChannelAuthCapabilities{
			Channel: 1, Extended: true, AuthTypes: 1<<ipmi.AuthMD5 | 1<<ipmi.AuthMD2 |
				1<<ipmi.AuthPassword | 1<<ipmi.AuthNone,
			PerMessageAuth: true, UserLevelAuth: true, NonNullUsers: true, SupportsIPMI20: true,
			SupportsIPMI15: true,
		},
		handshakes: map[uint32]*rmcp.BMCHandshake{}, sessions: map[uint32]rmcp.Session{},
		opens: map[uint32][]byte{}, challenges: map[uint32]*rmcp.Auth15{},
	}
	b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
		return 0, []byte{m.Cmd}, true
	}
	return b
}

func (b *scriptedBMC) serve() {
	buf := make([]byte, rmcp.MaxPacket)
	for {
		n, from, err := b.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.packets++
		delay := b.delay
		if now := time.Now(); delay > 0 {
			// No packet overtakes another.
			b.arrival = latest(b.arrival.Add(time.Microsecond), now.Add(delay))
			delay = b.arrival.Sub(now)
		}
		b.mu.Unlock()
		later(delay, bytes.Clone(buf[:n]), func(packet []byte) { b.arrive(packet, from) })
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// later calls f with a packet after a delay.
func later(d time.Duration, packet []byte, f func([]byte)) {
	if d == 0 {
		f(packet)
		return
	}
	time.AfterFunc(d, func() { f(packet) })
}

// arrive takes a packet, and answers it when its turn comes.
func (b *scriptedBMC) arrive(packet []byte, from net.Addr) {
	p, err := rmcp.Parse(packet)
	if err != nil {
		return
	}
	b.mu.Lock()
	if b.deaf != nil && b.deaf(&p) {
		b.mu.Unlock()
		return
	}
	if b.slow > 0 {
		defer b.mu.Unlock()
		b.free = latest(b.free, time.Now()).Add(b.slow)
		time.AfterFunc(time.Until(b.free), func() {
			b.mu.Lock()
			replies := b.reply(&p, from)
			b.mu.Unlock()
			b.send(replies, from)
		})
		return
	}
	if b.service == 0 || p.SessionID == 0 {
		replies := b.reply(&p, from)
		b.mu.Unlock()
		b.send(replies, from)
		return
	}
	defer b.mu.Unlock()
	b.crowd = max(b.crowd, b.waiting+1)
	if b.scratch > 0 && b.waiting >= b.scratch {
		b.turnedAway++
		if b.saysBusy {
			handle := b.handle
			b.handle = func(*rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				return ipmi.CodeNodeBusy, nil, true
			}
			replies := b.reply(&p, from)
			b.handle = handle
			time.AfterFunc(b.delay, func() { b.send(replies, from) })
		}
		return
	}
	b.waiting++
	if now := time.Now(); b.free.Before(now) {
		b.free = now
	}
	b.free = b.free.Add(b.service)
	time.AfterFunc(time.Until(b.free), func() {
		b.mu.Lock()
		b.waiting--
		replies, delay := b.reply(&p, from), b.delay
		b.mu.Unlock()
		time.AfterFunc(delay, func() { b.send(replies, from) })
	})
}

func (b *scriptedBMC) reply(p *rmcp.Packet, from net.Addr) [][]byte {
	b.from = from
	return b.receive(p)
}

func (b *scriptedBMC) send(replies [][]byte, to net.Addr) {
	for _, r := range replies {
		_, _ = b.conn.WriteTo(r, to)
	}
}

func (b *scriptedBMC) receive(p *rmcp.Packet) [][]byte {
	switch {
	case p.Class != rmcp.ClassIPMI:
		return nil
	case p.SessionID != 0 && b.challenges[p.SessionID] != nil:
		return b.activateSession(p)
	case p.SessionID != 0:
		return b.inSession(p)
	case p.PayloadType == ipmi.PayloadIPMI:
		return b.presession(p)
	}
	return b.handshake(p)
}

func (b *scriptedBMC) handshake(p *rmcp.Packet) [][]byte {
	var reply []byte
	if p.PayloadType == ipmi.PayloadOpenSession {
		if b.status != rmcp.StatusOK {
			_, reply, _ = rmcp.RefuseHandshake(p, b.status, nil)
			return [][]byte{reply}
		}
		b.id++
		h, reply, _ := rmcp.AcceptHandshake(b.config(), b.id, p, nil)
		if h != nil {
			b.handshakes[b.id] = h
			b.opens[b.id] = bytes.Clone(p.Payload)
		}
		return nonEmpty(reply)
	}
	id, ok := rmcp.HandshakeID(p)
	h := b.handshakes[id]
	if !ok || h == nil {
		return nil
	}
	if b.forgetful && p.PayloadType == ipmi.PayloadRAKP1 {
		open := *p
		open.PayloadType, open.Payload = ipmi.PayloadOpenSession, b.opens[id]
		h, _, _ = rmcp.AcceptHandshake(b.config(), id, &open, nil)
		b.handshakes[id] = h
	}
	reply, _ = h.Receive(p, nil)
	if s := h.Session(); s != nil && b.sessions[id] == nil {
		b.sessions[id] = s
	}
	return nonEmpty(reply)
}

func (b *scriptedBMC) config() rmcp.BMCConfig {
	c := rmcp.BMCConfig{Random: rand.Reader, Kg: ipmi.NewSecret(b.kg), Lookup: b.lookup}
	for _, id := range b.suites {
		s, _ := rmcp.CipherSuiteByID(id)
		c.Suites = append(c.Suites, rmcp.AllowedSuite{CipherSuite: s,
			Privilege: ipmi.PrivilegeAdministrator})
	}
	return c
}

func nonEmpty(b []byte) [][]byte {
	if b == nil {
		return nil
	}
	return [][]byte{b}
}

func (b *scriptedBMC) lookup(name string, _ rmcp.Role,
	_ rmcp.CipherSuite) (rmcp.BMCUser, rmcp.Status) {
	if b.rakp2 != rmcp.StatusOK {
		return rmcp.BMCUser{}, b.rakp2
	}
	if name != "admin" {
		return rmcp.BMCUser{}, rmcp.StatusUnauthorizedName
	}
	return rmcp.BMCUser{ID: 2, Password: ipmi.NewSecret(b.password),
		Limit: ipmi.PrivilegeAdministrator}, rmcp.StatusOK
}

func (b *scriptedBMC) presession(p *rmcp.Packet) [][]byte {
	m, err := rmcp.ParseMessage(p.Payload)
	if err != nil {
		return nil
	}
	var reply rmcp.Message
	switch m.Cmd {
	case 0x38:
		data, _ := b.caps.AppendBinary(nil)
		reply = m.Reply(0, data)
	case 0x39:
		var q ipmi.GetSessionChallenge
		if q.UnmarshalBinary(m.Data) != nil {
			return nil
		}
		if q.UserName != "admin" {
			reply = m.Reply(0x81, nil)
			break
		}
		b.id++
		auth, err := rmcp.NewAuth15(q.AuthType, ipmi.NewSecret(b.password))
		if err != nil {
			return nil
		}
		b.challenges[b.id] = auth
		data, _ := ipmi.SessionChallenge{SessionID: b.id}.AppendBinary(nil)
		reply = m.Reply(0, data)
	case 0x54:
		var suites []rmcp.CipherSuite
		for _, id := range b.suites {
			s, _ := rmcp.CipherSuiteByID(id)
			suites = append(suites, s)
		}
		records := rmcp.AppendCipherSuites(nil, suites)
		from := min(16*int(m.Data[2]&0x3f), len(records))
		reply = m.Reply(0, append([]byte{1}, records[from:min(from+16, len(records))]...))
	default:
		return nil
	}
	message := b.message(&reply)
	var packet []byte
	if p.V20() {
		packet, _ = rmcp.AppendPresession20(nil, ipmi.PayloadIPMI, message)
	} else {
		packet, _ = rmcp.AppendPresession15(nil, message)
	}
	return [][]byte{packet}
}

func (b *scriptedBMC) activateSession(p *rmcp.Packet) [][]byte {
	auth := b.challenges[p.SessionID]
	if auth.Verify(p) != nil {
		return nil
	}
	m, err := rmcp.ParseMessage(p.Payload)
	var q ipmi.ActivateSession
	if err != nil || q.UnmarshalBinary(m.Data) != nil {
		return nil
	}
	delete(b.challenges, p.SessionID)
	reply, id := m.Reply(b.activate, nil), p.SessionID
	if b.newID {
		id = newSessionID(id)
	}
	if b.activate == ipmi.CodeOK {
		r := ipmi.ActivatedSession{
			AuthType: q.AuthType, SessionID: id, InboundSequence: 0x77, Privilege: q.Privilege,
		}
		if !b.perMessage {
			r.AuthType = ipmi.AuthNone
		}
		reply.Data, _ = r.AppendBinary(nil)
		b.sessions[id], _ = rmcp.NewSession15(rmcp.Session15Config{
			ID: id, AuthType: q.AuthType, Password: ipmi.NewSecret(b.password),
			SendSequence: q.OutboundSequence + 1, RecvSequence: 0x77, SendNone: !b.perMessage,
			AcceptNone: !b.perMessage,
		})
	}
	packet, _ := rmcp.AppendActivate15(nil, auth, id, b.message(&reply))
	return [][]byte{packet}
}

func (b *scriptedBMC) inSession(p *rmcp.Packet) [][]byte {
	s := b.sessions[p.SessionID]
	if s == nil {
		return nil
	}
	payload, err := s.Open(p)
	if err != nil {
		return nil
	}
	b.session, b.sessionID = s, p.SessionID
	if p.PayloadType == ipmi.PayloadSOL && b.payload != nil {
		b.payload(payload)
		return nil
	}
	if p.PayloadType == ipmi.PayloadSOL {
		echo, _ := s.Append(nil, p.PayloadType, payload)
		return nonEmpty(echo)
	}
	m, err := rmcp.ParseMessage(payload)
	if err != nil {
		return nil
	}
	m.Data = append([]byte(nil), m.Data...)
	b.commands = append(b.commands, hexCommand(&m))
	b.seen = append(b.seen, m)
	b.sequences = append(b.sequences, p.Sequence)
	var reply rmcp.Message
	switch {
	case m.NetFn == ipmi.NetFnApp && m.Cmd == 0x3c && len(m.Data) == 4:
		delete(b.sessions, binary.LittleEndian.Uint32(m.Data))
		reply = m.Reply(0, nil)
	default:
		code, data, ok := b.handle(&m)
		if !ok {
			return nil
		}
		reply = m.Reply(code, data)
	}
	packet, err := s.Append(nil, ipmi.PayloadIPMI, b.message(&reply))
	if err != nil {
		return nil
	}
	if b.tamper != nil {
		return b.tamper(s, &reply, packet)
	}
	return [][]byte{packet}
}

// message writes an answer.
func (b *scriptedBMC) message(m *rmcp.Message) []byte {
	if b.badSums {
		return badSum(rmcp.AppendMessage(nil, m))
	}
	return rmcp.AppendMessage(nil, m)
}

func hexCommand(m *rmcp.Message) string {
	const digits = "0123456789abcdef"
	n := uint8(m.NetFn)
	return string([]byte{digits[n>>4], digits[n&15], ' ', digits[m.Cmd>>4], digits[m.Cmd&15]})
}

// with changes the BMC while it runs.
func (b *scriptedBMC) with(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// forget makes the BMC forget all sessions, as a restart does.
func (b *scriptedBMC) forget() {
	b.with(func() {
		clear(b.sessions)
		clear(b.handshakes)
	})
}

// dialTest opens a session with the scripted BMC over a Transport of its own.
func dialTest(t testing.TB, n *memNet, opts ...Option) (*Session, error) {
	t.Helper()
	tr, err := NewTransport(n.listen("127.0.0.1", 0))
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]Option{WithUser("admin", ipmi.NewSecret("secret")), WithTransport(tr)}, opts...)
	s, err := Dial(context.Background(), bmcAddr.String(), opts...)
	t.Cleanup(func() {
		if s != nil {
			_ = s.Close()
		}
		_ = tr.Close()
	})
	return s, err
}

// mustDial is dialTest for a session that must open.
func mustDial(t testing.TB, n *memNet, opts ...Option) *Session {
	t.Helper()
	s, err := dialTest(t, n, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// echo is a command that reads, which the scripted BMC answers with its number.
func echo(cmd uint8) ipmi.RawRequest {
	return ipmi.RawRequest{Command: ipmi.Command{NetFn: ipmi.NetFnApp, Code: cmd,
		Privilege: ipmi.PrivilegeUser, Name: "Echo"}}
}

// change is a command that changes state.
func change(cmd uint8) ipmi.RawRequest {
	q := echo(cmd)
	q.Command.Changes = true
	return q
}

// elapsed runs f and returns how long it took.
func elapsed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
