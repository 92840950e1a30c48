package bmc

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host/serial"
	"lom/bmc/host/sim"
	"lom/ipmi"
	"lom/rmcp"
	"lom/sol"
)

// A testPort is a serial port whose machine is the test.
type testPort struct {
	serial.Buffer
	breaks int
}

func (p *testPort) Break() error { p.breaks++; return nil }
func (p *testPort) Close() error { return nil }

// took returns what the machine has received.
func (p *testPort) took() string {
	var buf [8192]byte
	return string(buf[:p.Take(buf[:])])
}

// A remote is a remote console: a session, and SOL in it.
type remote struct {
	*console
	session *rmcp.Session20
	stream  *sol.Stream

	mu      sync.Mutex
	packets [][]byte // that came, SOL packets only
	rng     *rand.Rand
	loss    float64
	got     []byte
	flags   sol.Flags // all that came
}

// Send takes what the BMC sends, from its timers too.
func (r *remote) Send(to netip.AddrPort, packet []byte) {
	p, err := rmcp.Parse(bytes.Clone(packet))
	if err == nil && p.V20() && p.PayloadType == ipmi.PayloadSOL {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.packets = append(r.packets, bytes.Clone(packet))
		return
	}
	r.console.Send(to, packet)
}

// newRemote logs in to b as an administrator.
func newRemote(t *testing.T, b *BMC, suite int) *remote {
	t.Helper()
	r := &remote{console: newConsole(t, b), rng: rand.New(rand.NewPCG(7, 7))}
	s, err := r.login(admin(suite))
	if err != nil {
		t.Fatal(err)
	}
	r.session = s
	r.command(ipmi.NetFnApp, 0x3b, 4)
	return r
}

// command carries out a request in the session.
func (r *remote) command(netFn ipmi.NetFn, cmd uint8, data ...byte) rmcp.Message {
	r.t.Helper()
	packet, err := r.session.Append(nil, ipmi.PayloadIPMI, r.message(netFn, cmd, data...))
	if err != nil {
		r.t.Fatal(err)
	}
	r.console.got = nil
	r.b.HandlePacket(r, r.addr, packet)
	if len(r.console.got) != 1 {
		r.t.Fatalf("command %x: %d answers", cmd, len(r.console.got))
	}
	p, err := rmcp.Parse(r.console.got[0])
	if err != nil {
		r.t.Fatal(err)
	}
	payload, err := r.session.Open(&p)
	if err != nil {
		r.t.Fatal(err)
	}
	m, err := rmcp.ParseMessage(payload)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// activate asks for SOL with the first byte of the auxiliary data.
func (r *remote) activate(how byte) ipmi.CompletionCode {
	r.t.Helper()
	m := r.command(ipmi.NetFnApp, 0x48, 1, 1, how, 0, 0, 0)
	if m.Code == ipmi.CodeOK {
		r.session.Protect(ipmi.PayloadSOL, how&0x40 != 0, how&0x80 != 0)
		var a ipmi.ActivatedPayload
		if err := a.UnmarshalBinary(m.Data); err != nil || a.InboundSize != solPayloadSize ||
			a.OutboundSize != solPayloadSize || a.Port != 623 || a.VLAN != 0xffff {
			r.t.Errorf("activated: %+v, %v", a, err)
		}
		r.stream = sol.New(sol.Config{Role: sol.Console, MaxData: solPayloadSize - solHeader,
			RetryInterval: 200 * time.Millisecond})
	}
	return m.Code
}

// step exchanges packets once, with losses.
func (r *remote) step() {
	r.t.Helper()
	r.mu.Lock()
	packets := r.packets
	r.packets = nil
	r.mu.Unlock()
	for _, raw := range packets {
		if r.rng.Float64() < r.loss {
			continue
		}
		p, err := rmcp.Parse(raw)
		if err != nil {
			r.t.Fatal(err)
		}
		payload, err := r.session.Open(&p)
		if err != nil {
			r.t.Fatalf("SOL packet: %v", err)
		}
		if got, err := r.stream.Receive(time.Now(), payload, 1<<20); err == nil {
			r.got = append(r.got, got.Data...)
			r.flags |= got.Flags
		}
	}
	for {
		payload, _ := r.stream.Poll(time.Now())
		if payload == nil {
			return
		}
		if packet, err := r.session.Append(nil, ipmi.PayloadSOL, payload); err != nil {
			r.t.Fatal(err)
		} else if r.rng.Float64() >= r.loss {
			r.b.HandlePacket(r, r.addr, packet)
		}
	}
}

// run exchanges packets for a while.
func (r *remote) run(d time.Duration) {
	r.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		synctest.Wait()
		r.step()
	}
}

// newSOL returns a BMC with a serial port.
func newSOL(t *testing.T, change func(*Config)) (*BMC, *testPort, *sim.Machine) {
	t.Helper()
	port, machine := &testPort{}, sim.New(sim.Config{On: true})
	b := newTest(t, func(c *Config) {
		c.Host, c.Console = machine, port
		if change != nil {
			change(c)
		}
	})
	return b, port, machine
}

const protectedSOL = 0xc0 // encrypted and authenticated

func TestSOLCarriesCharacters(t *testing.T) {
	for _, suite := range []int{3, 8, 12, 17} {
		t.Run(fmt.Sprint("suite ", suite), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, port, _ := newSOL(t, func(c *Config) { c.CipherSuites = []uint8{uint8(suite)} })
				r := newRemote(t, b, suite)
				if cc := r.activate(protectedSOL); cc != ipmi.CodeOK {
					t.Fatal(cc)
				}
				port.SendAll([]byte("login: "))
				r.run(100 * time.Millisecond)
				r.stream.Write(time.Now(), []byte("root\r"))
				r.run(20 * time.Millisecond)
				if got := port.took(); string(r.got) != "login: " || got != "root\r" {
					t.Fatalf("console has %q, machine %q", r.got, got)
				}
				// An echo does not wait for company.
				port.SendAll([]byte("root\r\n"))
				r.run(10 * time.Millisecond)
				if string(r.got) != "login: root\r\n" {
					t.Errorf("after the echo: %q", r.got)
				}
				r.stream.Do(sol.SendBreak)
				r.run(20 * time.Millisecond)
				if port.breaks != 1 {
					t.Errorf("%d breaks", port.breaks)
				}
			})
		})
	}
}

// Whatever the network loses, both directions arrive whole, and the session lives on SOL's packets
// alone.
func TestSOLLosesNothing(t *testing.T) {
	for _, loss := range []float64{0, 0.05, 0.3} {
		t.Run(fmt.Sprint(loss), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, port, _ := newSOL(t, nil)
				r := newRemote(t, b, 17)
				if cc := r.activate(protectedSOL); cc != ipmi.CodeOK {
					t.Fatal(cc)
				}
				r.loss = loss
				up, down := make([]byte, 20_000), make([]byte, 40_000)
				for i := range up {
					up[i] = byte(r.rng.Uint32())
				}
				for i := range down {
					down[i] = byte(r.rng.Uint32())
				}
				var took []byte
				toSend, toWrite := down, up
				for limit := time.Now().Add(time.Hour); len(r.got) < len(down) ||
					len(took) < len(up); {
					n, _ := port.Send(toSend)
					toSend = toSend[n:]
					toWrite = toWrite[r.stream.Write(time.Now(), toWrite):]
					r.run(50 * time.Millisecond)
					took = append(took, port.took()...)
					if time.Now().After(limit) {
						t.Fatalf("after an hour: %d and %d characters", len(r.got), len(took))
					}
				}
				if sha256.Sum256(r.got) != sha256.Sum256(down) ||
					sha256.Sum256(took) != sha256.Sum256(up) {
					t.Error("the characters are not those that were sent")
				}
			})
		})
	}
}

func TestSOLActivation(t *testing.T) {
	b, _, _ := newSOL(t, func(c *Config) {
		c.CipherSuites = []uint8{1, 3}
		c.Users = append(c.Users, UserConfig{Name: "guest", Password: ipmi.NewSecret("secret"),
			Privilege: ipmi.PrivilegeUser})
	})
	one, two, plain := newRemote(t, b, 3), newRemote(t, b, 3), newRemote(t, b, 1)
	guest := &remote{console: newConsole(t, b), rng: rand.New(rand.NewPCG(1, 1))}
	cfg := admin(3)
	cfg.User, cfg.Privilege = "guest", ipmi.PrivilegeUser
	var err error
	if guest.session, err = guest.login(cfg); err != nil {
		t.Fatal(err)
	}
	must(t, b, ipmi.SetUserPayloadAccess{Channel: 1, User: 3,
		Payloads: ipmi.PayloadSet{Standard: 2}})
	set := func(p ipmi.SOLParameter) {
		t.Helper()
		data, _ := p.AppendBinary(nil)
		must(t, b, ipmi.SetSOLConfiguration{Channel: 1, Parameter: p.Number(), Data: data})
	}
	deactivate := func(r *remote) ipmi.CompletionCode {
		return r.command(ipmi.NetFnApp, 0x49, 1, 1, 0, 0, 0, 0).Code
	}
	for _, step := range []struct {
		what string
		do   func() ipmi.CompletionCode
		want ipmi.CompletionCode
	}{
		{"no encryption asked for", func() ipmi.CompletionCode { return one.activate(0x40) }, ipmi.CodePayloadEncryption},
		{"encryption only", func() ipmi.CompletionCode { return one.activate(0x80) }, ipmi.CodePayloadNoEncryption},
		{"a suite without encryption", func() ipmi.CompletionCode { return plain.activate(protectedSOL) }, ipmi.CodePayloadEncryption},
		{"a user of too little privilege", func() ipmi.CompletionCode { return guest.activate(protectedSOL) }, ipmi.CodeInsufficientPrivilege},
		{"first", func() ipmi.CompletionCode { return one.activate(protectedSOL) }, ipmi.CodeOK},
		{"the same session again", func() ipmi.CompletionCode { return one.activate(protectedSOL) }, ipmi.CodeOK},
		{"second", func() ipmi.CompletionCode { return two.activate(protectedSOL) }, ipmi.CodePayloadActive},
		{"suspend encryption that is forced", func() ipmi.CompletionCode { return one.command(ipmi.NetFnApp, 0x55, 1, 1, 0).Code }, codePayloadEncryptionFixed},
		{"suspend another's encryption", func() ipmi.CompletionCode { return two.command(ipmi.NetFnApp, 0x55, 1, 1, 0).Code }, ipmi.CodeInsufficientPrivilege},
		{"a user ends an administrator's", func() ipmi.CompletionCode { return deactivate(guest) }, ipmi.CodeInsufficientPrivilege},
		{"another session ends it", func() ipmi.CompletionCode { return deactivate(two) }, ipmi.CodeOK},
		{"it is over", func() ipmi.CompletionCode { return deactivate(one) }, ipmi.CodePayloadActive},
		{"suspend encryption of nothing", func() ipmi.CompletionCode { return one.command(ipmi.NetFnApp, 0x55, 1, 1, 0).Code }, codePayloadInstanceInactive},
		{"protection is not forced", func() ipmi.CompletionCode {
			set(ipmi.SOLAuthentication{Privilege: ipmi.PrivilegeUser})
			return plain.activate(0)
		}, ipmi.CodeOK},
		{"encryption of a suite without", func() ipmi.CompletionCode { return plain.command(ipmi.NetFnApp, 0x55, 1, 1, 1).Code }, codeNoPayloadEncryption},
		{"its own end", func() ipmi.CompletionCode { return deactivate(plain) }, ipmi.CodeOK},
		{"a user who may", func() ipmi.CompletionCode { return guest.activate(protectedSOL) }, ipmi.CodeOK},
		{"an administrator ends a user's", func() ipmi.CompletionCode { return deactivate(two) }, ipmi.CodeOK},
		{"disabled", func() ipmi.CompletionCode { set(ipmi.SOLEnable{}); return one.activate(protectedSOL) }, ipmi.CodePayloadDisabled},
	} {
		if cc := step.do(); cc != step.want {
			t.Errorf("%s: %v, want %v", step.what, cc, step.want)
		}
	}
}

func TestSOLEncryptionSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, port, _ := newSOL(t, nil)
		must(t, b, ipmi.SetSOLConfiguration{Channel: 1, Parameter: 2, Data: []byte{4}})
		r := newRemote(t, b, 3)
		r.activate(protectedSOL)
		if m := r.command(ipmi.NetFnApp, 0x55, 1, 1, 0); m.Code != ipmi.CodeOK {
			t.Fatal(m.Code)
		}
		r.session.SuspendEncryption(ipmi.PayloadSOL, true)
		port.SendAll([]byte("in the clear"))
		r.stream.Write(time.Now(), []byte("me too"))
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if len(r.packets) == 0 || !bytes.Contains(r.packets[0], []byte("in the clear")) {
			t.Errorf("sent % x", r.packets)
		}
		r.run(100 * time.Millisecond)
		r.command(ipmi.NetFnApp, 0x55, 1, 1, 1)
		r.session.SuspendEncryption(ipmi.PayloadSOL, false)
		port.SendAll([]byte(", and not"))
		r.run(100 * time.Millisecond)
		if got := port.took(); string(r.got) != "in the clear, and not" || got != "me too" {
			t.Errorf("console has %q, machine %q", r.got, got)
		}
	})
}

// Who loses the console to another session is told, once, and again if it goes on typing.
func TestSOLTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, port, _ := newSOL(t, nil)
		one, two := newRemote(t, b, 3), newRemote(t, b, 3)
		one.activate(protectedSOL)
		one.run(20 * time.Millisecond)
		two.command(ipmi.NetFnApp, 0x49, 1, 1, 0, 0, 0, 0)
		one.run(20 * time.Millisecond)
		if one.flags&sol.Deactivated == 0 {
			t.Error("it was not told")
		}
		if cc := two.activate(protectedSOL); cc != ipmi.CodeOK {
			t.Fatal(cc)
		}
		one.flags = 0
		one.stream.Write(time.Now(), []byte("rm -rf /\r"))
		one.run(20 * time.Millisecond)
		if got := port.took(); one.flags&sol.Deactivated == 0 || got != "" {
			t.Errorf("told %v, typed %q", one.flags, got)
		}
		// The end of a session is the end of its console.
		id := two.session.RemoteID()
		two.command(ipmi.NetFnApp, 0x3c, binary.LittleEndian.AppendUint32(nil, id)...)
		if st := must(t, b, ipmi.GetPayloadActivationStatus{Payload: ipmi.PayloadSOL}); st.Active !=
			0 || st.Capacity != 1 {
			t.Errorf("after Close Session: %+v", st)
		}
		one.activate(protectedSOL)
		time.Sleep(idleTimeout + 5*time.Second)
		if st := must(t, b, ipmi.GetPayloadActivationStatus{Payload: ipmi.PayloadSOL}); st.Active !=
			0 {
			t.Errorf("after a silence: %+v", st)
		}
	})
}

func TestSOLWhileOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, port, _ := newSOL(t, nil)
		r := newRemote(t, b, 3)
		r.activate(protectedSOL)
		r.run(20 * time.Millisecond)
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerDown})
		r.run(50 * time.Millisecond)
		if r.flags&sol.Unavailable == 0 {
			t.Error("not told that the power went")
		}
		r.stream.Write(time.Now(), []byte("anyone?"))
		r.run(time.Second)
		if got := port.took(); got != "" {
			t.Errorf("the machine, which is off, got %q", got)
		}
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerUp})
		r.flags = 0
		r.run(10 * time.Second)
		if got := port.took(); got != "anyone?" || r.flags&sol.Unavailable != 0 {
			t.Errorf("the machine got %q; flags %v", got, r.flags)
		}
	})
}

// A machine that floods its port waits for a console that takes its characters, and not for one
// that is silent.
func TestSOLFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, port, _ := newSOL(t, nil)
		chunk := bytes.Repeat([]byte("flood\r\n"), 1000)
		if n, _ := port.Send(chunk); n != len(chunk) {
			t.Errorf("with nobody there, %d of %d characters were taken", n, len(chunk))
		}
		r := newRemote(t, b, 3)
		r.activate(protectedSOL)
		sent := 0
		for range 100 {
			n, _ := port.Send(chunk)
			sent += n
		}
		if sent > 64<<10 {
			t.Errorf("%d characters are in memory", sent)
		}
		time.Sleep(solPatience + 5*time.Second)
		synctest.Wait()
		for range 100 {
			if n, _ := port.Send(chunk); n != len(chunk) {
				t.Fatal("the machine waits for a console that is silent")
			}
			synctest.Wait()
		}
		r.run(5 * time.Second)
		if r.flags&sol.Overrun == 0 {
			t.Error("the console was not told that characters are missing")
		}
		port.SendAll([]byte("the end"))
		r.run(time.Second)
		if !bytes.HasSuffix(r.got, []byte("the end")) {
			t.Errorf("the console has %d characters, at their end %q", len(r.got),
				r.got[max(0, len(r.got)-20):])
		}
		// The console holds the machine back.
		r.stream.Hold(sol.DeassertCTS)
		r.run(20 * time.Millisecond)
		had := len(r.got)
		port.SendAll([]byte("!"))
		r.run(time.Second)
		if len(r.got) != had {
			t.Error("characters came though CTS was deasserted")
		}
		r.stream.Hold(0)
		r.run(time.Second)
		if !bytes.HasSuffix(r.got, []byte("!")) {
			t.Error("no characters after CTS was asserted again")
		}
	})
}

// Packets that are forged or replayed change nothing, and neither does any payload that a console
// might send.
func TestSOLForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, port, _ := newSOL(t, nil)
		r := newRemote(t, b, 3)
		r.activate(protectedSOL)
		payload, _ := sol.Packet{Sequence: 1, Data: []byte("x")}.AppendBinary(nil)
		packet, _ := r.session.Append(nil, ipmi.PayloadSOL, payload)
		for i := rmcp.HeaderLen; i < len(packet); i++ { // the RMCP header is not protected
			bad := bytes.Clone(packet)
			bad[i] ^= 0x40
			b.HandlePacket(r, r.addr, bad)
		}
		if got := port.took(); got != "" {
			t.Errorf("forged packets typed %q", got)
		}
		for range 3 {
			b.HandlePacket(r, r.addr, bytes.Clone(packet))
		}
		if got := port.took(); got != "x" {
			t.Errorf("a packet that came three times typed %q", got)
		}
	})
}

func FuzzSOLPayload(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 'l', 's', '\r'}, []byte{0, 1, 5, 0}, true)
	f.Add([]byte{2, 1, 0xff, 0x7f}, []byte{1, 1, 0, 0x40}, false)
	f.Fuzz(func(t *testing.T, one, two []byte, on bool) {
		port := &testPort{}
		b, err := New(Config{Host: sim.New(sim.Config{On: on}), Console: port})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		s := &session{id: 1, proto: &rmcp.Session20{}, link: newConsole(t, b)}
		b.do(func() {
			b.sessions.active = map[uint32]*session{1: s}
			b.solPayload.kind.instances[0] = s
			b.solPayload.begin(b)
			for _, p := range [][]byte{one, two, one, two} {
				b.solPayload.receive(b, s, bytes.Clone(p))
			}
			b.sessions.close(s)
			b.solPayload.receive(b, s, one)
		})
	})
}
