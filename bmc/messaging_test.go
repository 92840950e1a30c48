package bmc

import (
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host/sim"
	"lom/ipmi"
	"lom/rmcp"
)

// onSystem carries out a request as software of the host does, and returns the answer's data.
func onSystem(t *testing.T, b *BMC, req interface {
	Command() ipmi.Command
	AppendBinary([]byte) ([]byte, error)
}) ([]byte, ipmi.CompletionCode) {
	t.Helper()
	data, err := req.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	var code ipmi.CompletionCode
	done := make(chan bool, 1)
	ctx := &Context{Channel: channelSystem, Privilege: ipmi.PrivilegeSystem}
	b.Answer(ctx, req.Command().NetFn, req.Command().Code, data,
		func(cc ipmi.CompletionCode, d []byte) {
			code, out = cc, d
			done <- true
		})
	<-done
	return out, code
}

// withSatellite returns a BMC with a controller at 24h on its IPMB.
func withSatellite(t *testing.T) *BMC {
	return newTest(t, func(c *Config) {
		sat, err := New(Config{Name: "satellite", Host: sim.New(sim.Config{On: true}),
			Device: ipmi.DeviceID{ID: 0x77, Version: 0x51}, Address: 0x24})
		if err != nil {
			t.Fatal(err)
		}
		c.Satellites = map[uint8]*BMC{0x24: sat}
	})
}

func TestBridgingFromLAN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := withSatellite(t)
		c := newConsole(t, b)
		s, err := c.login(admin(3))
		if err != nil {
			t.Fatal(err)
		}
		c.request(s, c.message(ipmi.NetFnApp, 0x3b, 4))
		send := func(to uint8, tracking byte) (rmcp.Message, bool) {
			t.Helper()
			inner := rmcp.AppendMessage(nil,
				&rmcp.Message{To: to, From: ipmi.AddressBMC, NetFn: ipmi.NetFnApp, Seq: 42, Cmd: 1})
			m, _ := c.request(s, c.message(ipmi.NetFnApp, 0x34,
				append([]byte{tracking << 6}, inner...)...))
			b.do(func() { c.got = nil }) // what is sent is sent under the lock
			time.Sleep(time.Second)
			var got [][]byte
			b.do(func() { got = c.got })
			if m.Code != ipmi.CodeOK || len(got) == 0 {
				return m, false
			}
			p, err := rmcp.Parse(got[0])
			if err != nil {
				t.Fatal(err)
			}
			payload, err := s.Open(&p)
			if err != nil {
				t.Fatal(err)
			}
			if m, err = rmcp.ParseMessage(payload); err != nil {
				t.Fatal(err)
			}
			return m, true
		}
		m, ok := send(0x24, 1)
		if !ok || m.From != 0x24 || m.To != ipmi.AddressRemoteSWI || m.Seq != 42 || m.Cmd != 1 ||
			m.Code != 0 || m.Data[0] != 0x77 {
			t.Errorf("answer of the satellite: %+v, %v", m, ok)
		}
		if m, ok = send(0x26, 1); ok || m.Code != ipmi.CodeNAKOnWrite {
			t.Errorf("nobody there: %+v", m)
		}
		if m, ok = send(0x24, 0); ok || m.Code != ipmi.CodeOK {
			t.Errorf("untracked: %+v, %v", m, ok)
		}
		b.Close()
	})
}

func TestBridgingFromTheSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := withSatellite(t)
		if _, cc := onSystem(t, b, ipmi.EnableMessageChannelReceive{Channel: channelIPMB,
			State: ipmi.ReceiveEnable}); cc != ipmi.CodeOK {
			t.Fatal(cc)
		}
		inner := rmcp.AppendMessage(nil,
			&rmcp.Message{To: 0x24, From: ipmi.AddressBMC, FromLUN: 2, NetFn: ipmi.NetFnApp, Seq: 7,
				Cmd: 1})
		if _, cc := onSystem(t, b, ipmi.SendMessage{Data: inner}); cc != ipmi.CodeOK {
			t.Fatal(cc)
		}
		if _, cc := onSystem(t, b, ipmi.GetMessage{}); cc != ipmi.CodeQueueEmpty {
			t.Errorf("at once: %v", cc)
		}
		time.Sleep(time.Second)
		if flags, _ := onSystem(t, b, ipmi.GetMessageFlags{}); len(flags) != 1 || flags[0] != 1 {
			t.Errorf("flags % x", flags)
		}
		out, cc := onSystem(t, b, ipmi.GetMessage{})
		var msg ipmi.Message
		if err := msg.UnmarshalBinary(out); cc != ipmi.CodeOK || err != nil ||
			msg.Channel != channelIPMB || msg.Privilege != 0 {
			t.Fatalf("%v %v %+v", cc, err, msg)
		}
		m, err := rmcp.ParseMessage(append([]byte{ipmi.AddressBMC}, msg.Data...))
		if err != nil || m.From != 0x24 || m.ToLUN != 2 || m.Seq != 7 || m.Data[0] != 0x77 {
			t.Errorf("%+v %v", m, err)
		}
		b.Close()
	})
}

func TestMessagesToTheSystem(t *testing.T) {
	b := newTest(t, nil)
	toSystem := ipmi.SendMessage{Channel: channelSystem, Data: []byte{1, 2, 3}}
	wantCode[ipmi.SentMessage](t, "not received",
		ipmi.CodeDestinationUnavailable)(ask(t, b, toSystem))
	if _, cc := onSystem(t, b, ipmi.EnableMessageChannelReceive{Channel: channelLAN,
		State: ipmi.ReceiveEnable}); cc != ipmi.CodeOK {
		t.Fatal(cc)
	}
	for range receiveQueueSize {
		must(t, b, toSystem)
	}
	wantCode[ipmi.SentMessage](t, "full", ipmi.CodeNodeBusy)(ask(t, b, toSystem))
	if out, _ := onSystem(t, b, ipmi.GetMessage{}); len(out) != 5 || out[0] != 0x41 || out[1] != 0 {
		t.Errorf("message % x", out)
	}
	onSystem(t, b, ipmi.ClearMessageFlags{Clear: ipmi.MessageFlags{ReceiveQueue: true}})
	if _, cc := onSystem(t, b, ipmi.GetMessage{}); cc != ipmi.CodeQueueEmpty {
		t.Errorf("after clear: %v", cc)
	}
	user := &Context{Channel: channelLAN, Privilege: ipmi.PrivilegeUser}
	if cc := askAs(t, b, user, ipmi.SendMessage{Data: make([]byte, 7)}); cc !=
		ipmi.CodeInsufficientPrivilege {
		t.Errorf("a user bridges: %v", cc)
	}
	wantCode[ipmi.SentMessage](t, "raw",
		ipmi.CodeInvalidDataField)(ask(t, b, ipmi.SendMessage{Tracking: ipmi.SendRaw}))
	wantCode[ipmi.SentMessage](t, "bad checksum",
		ipmi.CodeInvalidDataField)(ask(t, b,
		ipmi.SendMessage{Data: []byte{0x24, 0x18, 0, 0x20, 4, 1, 0}}))
}

// System management software has no session to send to, and says so; what it sends must be a
// message.
func TestMessagesToNoConsole(t *testing.T) {
	b := newTest(t, nil)
	message := rmcp.AppendMessage(nil, &rmcp.Message{To: remoteConsole, From: ipmi.AddressBMC,
		NetFn: ipmi.NetFnApp.Response(), Seq: 7, Cmd: 1})
	for want, data := range map[ipmi.CompletionCode][]byte{
		codeInvalidHandle: append([]byte{9}, message...), ipmi.CodeInvalidDataField: {9, 1, 2},
		ipmi.CodeDataLengthInvalid: {},
	} {
		if _, cc := onSystem(t, b, ipmi.SendMessage{Channel: channelLAN, Data: data}); cc != want {
			t.Errorf("% x: %v, want %v", data, cc, want)
		}
	}
	wantCode[ipmi.SentMessage](t, "from LAN to LAN",
		ipmi.CodeInvalidDataField)(ask(t, b,
		ipmi.SendMessage{Channel: channelLAN, Data: append([]byte{9}, message...)}))
}

func TestGlobalEnables(t *testing.T) {
	b := newTest(t, nil)
	if e := must(t, b, ipmi.GetBMCGlobalEnables{}).Enables; e != defaultEnables {
		t.Errorf("%+v", e)
	}
	wantCode[ipmi.NoData](t, "set over LAN",
		ipmi.CodeInsufficientPrivilege)(ask(t, b, ipmi.SetBMCGlobalEnables{}))
	event := ipmi.PlatformEvent{Revision: ipmi.EventRevision, SensorType: 1, Sensor: 5,
		EventType: 1, Data: [3]byte{0x59, 1, 2}}
	records := func() uint16 { return must(t, b, ipmi.GetSELInfo{}).Entries }
	must(t, b, event)
	if n := records(); n != 1 {
		t.Fatalf("%d records", n)
	}
	if _, cc := onSystem(t, b,
		ipmi.SetBMCGlobalEnables{Enables: ipmi.GlobalEnables{EventBuffer: true}}); cc !=
		ipmi.CodeOK {
		t.Fatal(cc)
	}
	must(t, b, event)
	if n := records(); n != 1 {
		t.Errorf("logged while logging is disabled: %d records", n)
	}
	if flags, _ := onSystem(t, b, ipmi.GetMessageFlags{}); flags[0] != 2 {
		t.Errorf("flags % x", flags)
	}
	if out, cc := onSystem(t, b, ipmi.ReadEventMessageBuffer{}); cc != ipmi.CodeOK ||
		len(out) != 16 || out[0] != 0xff || out[1] != 0xff || out[11] != 5 {
		t.Errorf("event % x, %v", out, cc)
	}
	if _, cc := onSystem(t, b, ipmi.ReadEventMessageBuffer{}); cc != ipmi.CodeQueueEmpty {
		t.Errorf("second read: %v", cc)
	}
	if _, cc := onSystem(t, b,
		ipmi.SetBMCGlobalEnables{Enables: ipmi.GlobalEnables{ReceiveQueueIRQ: true}}); cc !=
		ipmi.CodeInvalidDataField {
		t.Errorf("an interrupt: %v", cc)
	}
}

func TestSatelliteOwnsItsSensors(t *testing.T) {
	b := withSatellite(t)
	for address, c := range map[uint8]*BMC{ipmi.AddressBMC: b, 0x24: b.cfg.Satellites[0x24]} {
		r := must(t, c, ipmi.GetSDR{Record: 1, Count: 0xff})
		for r.Next != ipmi.LastRecord && r.Data[3] > 3 {
			r = must(t, c, ipmi.GetSDR{Record: r.Next, Count: 0xff})
		}
		if r.Data[5] != address {
			t.Errorf("controller %02x: a sensor of %02x", address, r.Data[5])
		}
	}
}

func TestPreTimeoutFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		flag := func() bool {
			t.Helper()
			out, cc := onSystem(t, b, ipmi.GetMessageFlags{})
			if cc != ipmi.CodeOK {
				t.Fatal(cc)
			}
			return out[0]&8 != 0
		}
		set := ipmi.SetWatchdogTimer{Use: ipmi.WatchdogSMS, PreTimeout: ipmi.WatchdogMessaging,
			PreTimeoutInterval: 2, Countdown: 50}
		must(t, b, set)
		must(t, b, ipmi.ResetWatchdogTimer{})
		time.Sleep(2 * time.Second)
		if flag() {
			t.Error("set after 2 of 5 seconds")
		}
		time.Sleep(2 * time.Second)
		if !flag() {
			t.Error("not set after 4 of 5 seconds")
		}
		onSystem(t, b, ipmi.ClearMessageFlags{Clear: ipmi.MessageFlags{WatchdogPreTimeout: true}})
		if flag() {
			t.Error("not cleared")
		}
		b.Close()
	})
}
