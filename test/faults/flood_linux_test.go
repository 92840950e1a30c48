package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"lom/client"
	"lom/internal/programs"
	"lom/internal/udprelay"
	"lom/ipmi"
	"lom/rmcp"
)

var floodAll = flag.Bool("flood", false, "50 log-ins in each of the floods")

// Those who know the password log in while others begin log-ins without end, over real sockets.
// With -flood this measures what docs/performance.md says.
func TestLoginsInFlood(t *testing.T) {
	logins, rates, times := 5, []int{1000}, []time.Duration{20 * time.Millisecond}
	if *floodAll {
		logins, rates, times = 50, []int{200, 1000, 10000},
			[]time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond}
	}
	for _, i := range []client.Interface{client.LANPlus, client.LAN} {
		for _, where := range []string{"one source", "forged sources"} {
			for _, perSecond := range rates {
				for _, rtt := range times {
					t.Run(fmt.Sprintf("%v/%s/%d/%v", i, where, perSecond, rtt), func(t *testing.T) {
						b := programs.StartBMC(t)
						relay := udprelay.Start(t, b.Addr, udprelay.Faults{Delay: rtt / 2})
						flood := startFlood(t, b.Addr, i, where == "forged sources", perSecond)
						time.Sleep(2 * time.Second) // until it is at work
						before := resident(t, b.PID())
						began := time.Now()
						in := 0
						for range logins {
							s, err := client.Dial(t.Context(), relay.Addr.String(),
								client.WithInterface(i),
								client.WithUser(b.User, ipmi.NewSecret(b.Password)))
							if err != nil {
								t.Log(err)
								continue
							}
							in++
							if err := s.Close(); err != nil {
								t.Log(err)
							}
						}
						took := time.Since(began)
						after := resident(t, b.PID())
						t.Logf("%d of %d log-ins, %v each; %d packets a second; the BMC has %.1f "+
							"MB, %.1f MB before",
							in, logins, (took / time.Duration(logins)).Round(100*time.Microsecond),
							flood.rate(), float64(after)/1e6, float64(before)/1e6)
						if in != logins {
							t.Errorf("%d of %d log-ins", in, logins)
						}
						if after > before+32<<20 {
							t.Errorf("the BMC grew from %d to %d bytes", before, after)
						}
					})
				}
			}
		}
	}
}

// A flood begins log-ins.
type flood struct {
	began time.Time
	mu    sync.Mutex
	sent  int
}

// startFlood begins log-ins at a BMC until the test ends. Forged source addresses are all those of
// loopback.
func startFlood(t *testing.T, to netip.AddrPort, i client.Interface, forged bool,
	perSecond int) *flood {
	t.Helper()
	packet, err := beginning(i)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	p := ipv4.NewPacketConn(conn)
	f := &flood{began: time.Now()}
	end := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		source := net.IPv4(127, 9, 9, 9)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			for f.due(perSecond) {
				if forged {
					n := rand.Uint32()
					source = net.IPv4(127, byte(n>>16), byte(n>>8), byte(n)&0x7f+1)
				}
				// What does not fit into the socket's buffer is lost, as in any flood.
				_, _ = p.WriteTo(packet, &ipv4.ControlMessage{Src: source},
					net.UDPAddrFromAddrPort(to))
			}
		}
	})
	t.Cleanup(func() {
		close(end)
		work.Wait()
		conn.Close()
	})
	return f
}

// beginning returns the packet that begins a log-in.
func beginning(i client.Interface) ([]byte, error) {
	if i == client.LAN {
		data, err := ipmi.GetSessionChallenge{AuthType: ipmi.AuthMD5,
			UserName: programs.BMCUser}.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		m := rmcp.Message{To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: ipmi.NetFnApp,
			Cmd: ipmi.GetSessionChallenge{}.Command().Code, Data: data}
		return rmcp.AppendPresession15(nil, rmcp.AppendMessage(nil, &m))
	}
	data, err := rmcp.OpenSessionRequest{ConsoleID: 5}.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return rmcp.AppendPresession20(nil, ipmi.PayloadOpenSession, data)
}

// due reports whether it is time for another packet, and counts it.
func (f *flood) due(perSecond int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if float64(f.sent) >= time.Since(f.began).Seconds()*float64(perSecond) {
		return false
	}
	f.sent++
	return true
}

// rate returns how many packets a second were sent.
func (f *flood) rate() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int(float64(f.sent) / time.Since(f.began).Seconds())
}

// resident returns how much memory a process holds.
func resident(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(b))
	if len(words) < 2 {
		t.Fatalf("statm of %d is %q", pid, b)
	}
	pages, err := strconv.Atoi(words[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
