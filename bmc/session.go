package bmc

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// Limits of the session table. The specification asks for four sessions at least (§6.12).
const (
	maxSessions = 16
	idleTimeout = 60 * time.Second // §6.12.15 has 60 s ± 3 s
	repeatTime  = 5 * time.Second  // a repeated request is recognised for so long
	maxRepeats  = 8                // so many of them in a session
)

// A Link sends datagrams from the address of one BMC. It must not wait, and uses a packet only
// until it returns.
type Link interface {
	Send(to netip.AddrPort, packet []byte)
}

// sessions is the session table of a BMC.
type sessions struct {
	active  map[uint32]*session
	handle  uint8 // that was given out last
	sweeper Timer // nil if there is nothing that could run out

	onClose []func(*session) // are called at a session's end
	// payload takes what comes in payloads other than IPMI messages.
	payload map[ipmi.PayloadType]func(s *session, data []byte)

	counters Counters
}

// Counters is what a BMC dropped, and why. Nothing of it was answered, unless a repetition.
type Counters struct {
	Packets       uint64 // that came in
	Sent          uint64 // that went out
	Malformed     uint64 // no RMCP packet, or cut short
	NoSession     uint64 // of a session that there is not
	Unverified    uint64 // wrong authentication code, sequence number or flags
	Unexpected    uint64 // sound, but meaningless now
	LoginsRefused uint64
	Repeated      uint64 // requests that were answered before
}

// A session is an open session.
type session struct {
	id        uint32 // ours
	handle    uint8
	proto     rmcp.Session
	v15       *rmcp.Session15 // nil in IPMI 2.0
	user      uint8
	privilege ipmi.Privilege // present level
	limit     ipmi.Privilege // that was asked for when it was opened
	link      Link
	peer      netip.AddrPort
	last      time.Time // of a valid packet
	leaving   bool      // it ends by its own wish
	repeats   []repeat  // of requests that must not be carried out twice, the oldest first
	opening   *opening  // nil after the first valid packet
}

// opening is how a session was opened, to answer repetitions: the console may have missed the
// answer.
type opening struct {
	v20       *rmcp.BMCHandshake // nil in IPMI 1.5
	challenge challenge
	first     uint32 // the console's first sequence number
}

// A repeat is a request that was carried out, and its answer.
type repeat struct {
	seq, netFn, cmd uint8
	data            string
	at              time.Time
	answer          []byte // nil while the request is being carried out
}

func (t *sessions) load(b *BMC) error {
	b.listenReset(func(bool) {
		t.closeIf(func(*session) bool { return true })
		b.mux.halfOpens.endIf(func(h *halfOpen) bool { return h.b == b })
	})
	return nil
}

// Counters returns what the BMC dropped since its start.
func (b *BMC) Counters() Counters {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions.counters
}

// list returns the open sessions in the order of their handles.
func (t *sessions) list() []*session {
	return slices.SortedFunc(maps.Values(t.active), func(s, u *session) int {
		return int(s.handle) - int(u.handle)
	})
}

// newID returns a session ID that is not taken, 0 if there is no randomness.
func (t *sessions) newID(b *BMC) uint32 {
	for range 8 {
		var p [4]byte
		if b.random(p[:]) != nil {
			return 0
		}
		id := uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24
		if id != 0 && t.active[id] == nil && !b.mux.halfOpens.has(id) {
			return id
		}
	}
	return 0
}

// room says whether a user can open another session now: with CodeOK, or the completion code of
// Activate Session. The last place is for administrators, so that others cannot keep them out.
func (t *sessions) room(b *BMC, user uint8) ipmi.CompletionCode {
	n := 0
	for _, s := range t.active {
		if s.user == user {
			n++
		}
	}
	access := b.accounts.user[user].Access
	switch most := int(access.SessionLimit); {
	case len(t.active) >= maxSessions:
		return codeNoSlot
	case most != 0 && n >= most:
		return codeNoSlotForUser
	case len(t.active) >= maxSessions-1 && access.Privilege < ipmi.PrivilegeAdministrator:
		return codeNoSlotForPrivilege
	}
	return ipmi.CodeOK
}

// open enters a session.
func (t *sessions) open(b *BMC, s *session) {
	if t.active == nil {
		t.active = map[uint32]*session{}
	}
	for taken := true; taken; {
		if t.handle++; t.handle == 0 || t.handle == 0xff {
			t.handle = 1
		}
		taken = t.byHandle(t.handle) != nil
	}
	s.handle = t.handle
	s.last = b.clock.Now()
	s.privilege = min(s.limit, ipmi.PrivilegeUser)
	t.active[s.id] = s
	t.sweepLater(b)
	b.logger.Debug("session open", "bmc", b.name, "user", s.user, "peer", s.peer)
}

func (t *sessions) byHandle(h uint8) *session {
	for _, s := range t.active {
		if s.handle == h {
			return s
		}
	}
	return nil
}

// v20 returns the IPMI 2.0 session, nil in IPMI 1.5.
func (s *session) v20() *rmcp.Session20 {
	v20, _ := s.proto.(*rmcp.Session20)
	return v20
}

// close ends a session.
func (t *sessions) close(s *session) {
	if t.active[s.id] != s {
		return
	}
	delete(t.active, s.id)
	for _, f := range t.onClose {
		f(s)
	}
}

// closeIf ends the sessions of which f is true, in the order of their handles.
func (t *sessions) closeIf(f func(*session) bool) {
	for _, s := range t.list() {
		if f(s) {
			t.close(s)
		}
	}
}

// sweepLater sees to it that what runs out is removed.
func (t *sessions) sweepLater(b *BMC) {
	if t.sweeper != nil {
		return
	}
	now := b.clock.Now()
	wait := idleTimeout
	for _, s := range t.active {
		wait = min(wait, s.last.Add(idleTimeout).Sub(now))
	}
	t.sweeper = b.after(max(wait, time.Millisecond), func() { t.sweep(b) })
}

func (t *sessions) sweep(b *BMC) {
	t.sweeper = nil
	now := b.clock.Now()
	for _, s := range t.active {
		if now.Sub(s.last) >= idleTimeout {
			b.logger.Debug("session idle, closed", "bmc", b.name, "user", s.user, "peer", s.peer)
			t.close(s)
		}
	}
	if len(t.active) == 0 {
		t.active = nil
		return
	}
	t.sweepLater(b)
}

// repeated returns the earlier execution of a request, nil if there was none within repeatTime.
func (s *session) repeated(m *rmcp.Message, now time.Time) *repeat {
	for i := range s.repeats {
		r := &s.repeats[i]
		if r.seq == m.Seq && r.netFn == uint8(m.NetFn) && r.cmd == m.Cmd &&
			r.data == string(m.Data) && now.Sub(r.at) < repeatTime {
			return r
		}
	}
	return nil
}

// remember notes a request that is about to be carried out.
func (s *session) remember(m *rmcp.Message, now time.Time) {
	if len(s.repeats) == maxRepeats {
		s.repeats = slices.Delete(s.repeats, 0, 1)
	}
	s.repeats = append(s.repeats, repeat{seq: m.Seq, netFn: uint8(m.NetFn), cmd: m.Cmd,
		data: string(m.Data), at: now})
}

// send sends a payload in the session.
func (b *BMC) send(s *session, t ipmi.PayloadType, payload []byte) {
	memory, ok := b.mux.packets.Get().(*[]byte)
	if !ok {
		memory = new([]byte)
	}
	packet, err := s.proto.Append((*memory)[:0], t, payload)
	if err != nil {
		b.logger.Warn("packet not sent", "bmc", b.name, "err", err)
	} else {
		b.transmit(s.link, s.peer, packet)
	}
	*memory = packet
	b.mux.packets.Put(memory)
}

// transmit sends a packet and counts it.
func (b *BMC) transmit(l Link, to netip.AddrPort, packet []byte) {
	b.sessions.counters.Sent++
	l.Send(to, rmcp.WithoutPad(packet))
}
