package bmc

import (
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"

	"lom/ipmi"
	"lom/rmcp"
)

// A sink is a Link on which nobody listens.
type sink struct{ packets, bytes int }

func (s *sink) Send(_ netip.AddrPort, packet []byte) {
	s.packets++
	s.bytes += len(packet)
}

// A flood of half log-ins, forged and broken packets from everywhere costs no memory, does not
// disturb an open session, and those who know the password can log in when it is over.
func TestFlood(t *testing.T) {
	b := newTest(t, nil)
	c := newConsole(t, b)
	s, err := c.login(admin(17))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	suites := rmcp.CipherSuites()
	packet := func() []byte {
		id := s.RemoteID()
		if random.IntN(2) == 0 {
			id = random.Uint32()
		}
		var out []byte
		var err error
		switch random.IntN(7) {
		case 0:
			suite := suites[random.IntN(len(suites))]
			open, _ := rmcp.OpenSessionRequest{ConsoleID: random.Uint32(),
				Auth:      []rmcp.AuthAlgorithm{suite.Auth},
				Integrity: []rmcp.IntegrityAlgorithm{suite.Integrity},
				Conf:      []rmcp.ConfAlgorithm{suite.Conf}}.AppendBinary(nil)
			out, err = rmcp.AppendPresession20(nil, ipmi.PayloadOpenSession, open)
		case 1:
			rakp, _ := rmcp.RAKP1{SystemID: id,
				Role: rmcp.NewRole(ipmi.PrivilegeAdministrator, true),
				User: "admin"}.AppendBinary(nil)
			out, err = rmcp.AppendPresession20(nil, ipmi.PayloadRAKP1, rakp)
		case 2:
			data, _ := ipmi.GetSessionChallenge{AuthType: ipmi.AuthMD5,
				UserName: "admin"}.AppendBinary(nil)
			out, err = rmcp.AppendPresession15(nil, c.message(ipmi.NetFnApp, 0x39, data...))
		case 3:
			auth, _ := rmcp.NewAuth15(ipmi.AuthMD5, ipmi.NewSecret("guess"))
			out, err = rmcp.AppendActivate15(nil, auth, id,
				c.message(ipmi.NetFnApp, 0x3a, make([]byte, 22)...))
		case 4: // in the session, but not by who knows its keys
			out = []byte{6, 0, 0xff, 7, 6, 0xc0, byte(id), byte(id >> 8), byte(id >> 16),
				byte(id >> 24), byte(random.Uint32()), 0, 0, 0, 32, 0}
			for range 32 + 2 + 16 {
				out = append(out, byte(random.Uint32()))
			}
		case 5:
			out = make([]byte, random.IntN(200))
			for i := range out {
				out[i] = byte(random.Uint32())
			}
		case 6:
			out, err = rmcp.AppendPresession15(nil,
				c.message(ipmi.NetFn(random.IntN(64))&^1, byte(random.Uint32()),
					byte(random.Uint32())))
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > 4 && random.IntN(3) == 0 {
			out[random.IntN(len(out))] ^= byte(random.Uint32())
		}
		return out
	}
	link := &sink{}
	received := 0
	flood := func(n int) uint64 {
		for range n {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(random.Uint32()),
				byte(random.Uint32()), byte(random.Uint32())}), uint16(random.Uint32()))
			p := packet()
			received += len(p)
			b.HandlePacket(link, from, p)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := flood(160000) // log-ins that are not proved are as many as there can be
	after := flood(40000)
	if n := b.mux.halfOpens.len(); n != maxHalfOpen {
		t.Errorf("%d half-open log-ins, want %d", n, maxHalfOpen)
	}
	if after > before+256<<10 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	if link.bytes > 3*received {
		t.Errorf("%d bytes were answered with %d", received, link.bytes)
	}
	if m, ok := c.request(s, c.message(ipmi.NetFnApp, 1)); !ok || m.Code != 0 {
		t.Errorf("the open session was disturbed: %v", m.Code)
	}
	if _, err := newConsole(t, b).login(admin(3)); err != nil {
		t.Errorf("log-in after the flood: %v", err)
	}
	n := b.Counters()
	if n.Malformed == 0 || n.NoSession == 0 || n.Unverified == 0 || n.LoginsRefused == 0 {
		t.Errorf("%+v", n)
	}
}
