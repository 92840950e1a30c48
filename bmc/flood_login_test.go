package bmc

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// An attack begins log-ins at a BMC without end, and takes them as far as it can without a
// password.
type attack struct {
	*console
	v15    bool
	from   func() netip.AddrPort
	random *rand.Rand
	open   []byte // Open Session Request, or Get Session Challenge
}

func newAttack(t testing.TB, b *BMC, v15 bool, from func() netip.AddrPort) *attack {
	a := &attack{console: newConsole(t, b), v15: v15, from: from,
		random: rand.New(rand.NewPCG(3, 4))}
	var err error
	if v15 {
		data, _ := ipmi.GetSessionChallenge{AuthType: ipmi.AuthMD5,
			UserName: "admin"}.AppendBinary(nil)
		a.open, err = rmcp.AppendPresession15(nil, a.message(ipmi.NetFnApp, 0x39, data...))
	} else {
		data, _ := rmcp.OpenSessionRequest{ConsoleID: 5}.AppendBinary(nil)
		a.open, err = rmcp.AppendPresession20(nil, ipmi.PayloadOpenSession, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// packet sends one packet. Every other one goes on with the log-in that was begun, although those
// who forge addresses do not see the answers that this takes.
func (a *attack) packet() {
	var next []byte
	if len(a.got) > 0 && a.random.IntN(2) == 0 {
		p, err := rmcp.Parse(a.got[0])
		if err != nil {
			a.t.Fatal(err)
		}
		var r rmcp.OpenSessionResponse
		if p.PayloadType == ipmi.PayloadOpenSessionResp && r.UnmarshalBinary(p.Payload) == nil {
			rakp, _ := rmcp.RAKP1{SystemID: r.SystemID,
				Role: rmcp.NewRole(ipmi.PrivilegeAdministrator, true),
				User: "admin"}.AppendBinary(nil)
			next, _ = rmcp.AppendPresession20(nil, ipmi.PayloadRAKP1, rakp)
		}
	}
	if next == nil {
		next, a.addr = a.open, a.from()
	}
	a.exchange(next)
}

// run attacks until stop, in simulated time.
func (a *attack) run(perSecond int, stop <-chan struct{}) {
	tick := max(time.Millisecond, time.Second/time.Duration(perSecond))
	for {
		select {
		case <-stop:
			return
		default:
		}
		time.Sleep(tick)
		for range perSecond * int(tick/time.Microsecond) / 1e6 {
			a.packet()
		}
	}
}

// floodSources is where an attack comes from.
var floodSources = map[string]func() func() netip.AddrPort{
	"one source":     func() func() netip.AddrPort { return oneSource("203.0.113.9") },
	"forged sources": forgedSources,
	"the user's host": func() func() netip.AddrPort {
		return oneSource(consoleAddr.Addr().String())
	},
}

func oneSource(a string) func() netip.AddrPort {
	port := uint16(0)
	return func() netip.AddrPort {
		port++
		return netip.AddrPortFrom(netip.MustParseAddr(a), port)
	}
}

func forgedSources() func() netip.AddrPort {
	random := rand.New(rand.NewPCG(5, 6))
	return func() netip.AddrPort {
		n := random.Uint32()
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8),
			byte(n)}), uint16(n))
	}
}

// Who knows the password logs in, however many log-ins are begun by those who do not, from wherever
// they say that they are; and the memory that these take is bounded, and given back.
func TestLoginsInFlood(t *testing.T) {
	logins := 50
	if testing.Short() || raceDetector {
		logins = 5
	}
	for _, v15 := range []bool{false, true} {
		for where, from := range floodSources {
			for _, perSecond := range []int{200, 1000, 10000} {
				for _, rtt := range []time.Duration{0, 20 * time.Millisecond,
					100 * time.Millisecond} {
					t.Run(fmt.Sprintf("1.5=%v/%s/%d/%v", v15, where, perSecond, rtt),
						func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) {
								loginsInFlood(t, logins, v15, from(), perSecond, rtt)
							})
						})
				}
			}
		}
	}
}

func loginsInFlood(t *testing.T, logins int, v15 bool, from func() netip.AddrPort, perSecond int,
	rtt time.Duration) {
	b := newTest(t, nil)
	stop := make(chan struct{})
	end := sync.OnceFunc(func() {
		close(stop)
		time.Sleep(time.Second)
	})
	defer end()
	go newAttack(t, b, v15, from).run(perSecond, stop)
	time.Sleep(5 * time.Second)
	in := 0
	for range logins {
		c := newConsole(t, b)
		c.rtt = max(rtt, time.Millisecond) // with less there is no flood between two packets
		var s rmcp.Session
		if v15 {
			if s15, _ := c.activate15(ipmi.AuthMD5, "admin", "secret",
				ipmi.PrivilegeAdministrator); s15 != nil {
				s = s15
			}
		} else if s20, err := c.login(admin(3)); err == nil {
			s = s20
		}
		if s == nil {
			continue
		}
		in++
		id := s.LocalID()
		if v20, ok := s.(*rmcp.Session20); ok {
			id = v20.RemoteID()
		}
		if m, ok := c.request(s, c.message(ipmi.NetFnApp, 0x3c, byte(id), byte(id>>8), byte(id>>16),
			byte(id>>24))); !ok || m.Code != 0 {
			t.Fatalf("Close Session: %v", m.Code)
		}
	}
	if in != logins {
		t.Errorf("%d of %d log-ins", in, logins)
	}
	if n := b.mux.halfOpens.len(); n > maxHalfOpen {
		t.Errorf("%d half-open log-ins, want at most %d", n, maxHalfOpen)
	}
	end()
	time.Sleep(2 * halfOpenTime)
	synctest.Wait()
	if !b.mux.halfOpens.gone() {
		t.Errorf("%d half-open log-ins or their memory are left, want none", b.mux.halfOpens.len())
	}
}

// gone reports whether there are no log-ins, no memory for them and no timer.
func (t *halfOpens) gone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries == nil && t.byID == nil && t.sources == nil && t.sweeper == nil
}

// A few thousand half-open log-ins are what there is at most, and they are small.
func TestHalfOpenMemory(t *testing.T) {
	if n := reflect.TypeFor[halfOpen]().Size(); n > 120 {
		t.Errorf("a half-open log-in has %d bytes, want at most 120", n)
	}
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		a := newAttack(t, b, false, forgedSources())
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := heap()
		for range 100000 {
			a.packet()
		}
		if n, most := heap()-before, int64(4<<20); n > most {
			t.Errorf("a flood takes %d bytes, want at most %d", n, most)
		} else {
			t.Logf("%d half-open log-ins take %d bytes", b.mux.halfOpens.len(), n)
		}
		time.Sleep(halfOpenTime / 2)
		for range 10 {
			a.packet() // one that is younger
		}
		time.Sleep(halfOpenTime)
		if n, most := heap()-before, int64(64<<10); n > most {
			t.Errorf("after a flood %d bytes are left, want at most %d", n, most)
		}
		if n := b.mux.halfOpens.len(); n == 0 || n > 10 {
			t.Errorf("%d half-open log-ins, want those of the last seconds", n)
		}
	})
}
