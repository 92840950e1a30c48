package bmc

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"

	"lom/ipmi"
	"lom/rmcp"
)

func TestPing(t *testing.T) {
	b := newTest(t, nil)
	c := newConsole(t, b)
	p := c.exchange(rmcp.AppendPing(nil, rmcp.NoACK, rmcp.Ping{Tag: 9}))
	if p == nil || p.Class != rmcp.ClassASF {
		t.Fatalf("answer %+v", p)
	}
	if pong, err := rmcp.ParsePong(p.Payload); err != nil || pong.Tag != 9 || !pong.IPMI {
		t.Errorf("pong %+v, %v", pong, err)
	}
	if c.exchange(rmcp.AppendPing(nil, 5, rmcp.Ping{Tag: 9})); len(c.got) != 2 ||
		c.got[0][3] != 0x86 {
		t.Errorf("a ping that wants to be acknowledged got % x", c.got)
	}
}

// Whatever bit of a valid packet is turned, it is not carried out.
func TestSpoiledPackets(t *testing.T) {
	b := newTest(t, nil)
	for _, suite := range []int{2, 3, 7, 8, 11, 12, 16, 17} {
		c := newConsole(t, b)
		s, err := c.login(admin(suite))
		if err != nil {
			t.Fatal(err)
		}
		packet, err := s.Append(nil, ipmi.PayloadIPMI, c.message(ipmi.NetFnApp, 1))
		if err != nil {
			t.Fatal(err)
		}
		for i := range packet {
			for bit := range 8 {
				bad := bytes.Clone(packet)
				bad[i] ^= 1 << bit
				// The reserved bits and the sequence number of the RMCP header are not protected.
				if p := c.exchange(bad); p != nil && i != 1 && i != 2 && (i != 3 || bit < 5) {
					t.Fatalf("suite %d: answered with bit %d of byte %d turned", suite, bit, i)
				} else if p != nil {
					if packet, err = s.Append(nil, ipmi.PayloadIPMI,
						c.message(ipmi.NetFnApp, 1)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if p := c.exchange(packet); p == nil {
			t.Errorf("suite %d: the unspoiled packet was not answered", suite)
		}
		if p := c.exchange(packet); p != nil {
			t.Errorf("suite %d: the packet was answered twice", suite)
		}
	}
}

// FuzzPacket sends anything to a BMC that has an open session and half-open ones.
func FuzzPacket(f *testing.F) {
	seed := func(packet []byte, err error) {
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	c := &console{}
	data, _ := ipmi.GetSessionChallenge{AuthType: ipmi.AuthMD5, UserName: "admin"}.AppendBinary(nil)
	seed(rmcp.AppendPresession15(nil, c.message(ipmi.NetFnApp, 0x39, data...)))
	seed(rmcp.AppendPresession15(nil, c.message(ipmi.NetFnApp, 0x38, 0x8e, 4)))
	seed(rmcp.AppendPresession20(nil, ipmi.PayloadIPMI,
		c.message(ipmi.NetFnApp, 0x54, 0x0e, 0, 0x80)))
	seed(rmcp.AppendPing(nil, 1, rmcp.Ping{Tag: 1}), nil)
	cfg := admin(17)
	cfg.LocalID, cfg.Random = 1, rand.Reader
	h, err := rmcp.NewClientHandshake(cfg)
	if err != nil {
		f.Fatal(err)
	}
	seed(h.Append(nil))
	rakp1, _ := rmcp.RAKP1{SystemID: 1, Role: rmcp.NewRole(4, true),
		User: "admin"}.AppendBinary(nil)
	seed(rmcp.AppendPresession20(nil, ipmi.PayloadRAKP1, rakp1))
	f.Fuzz(func(t *testing.T, packet []byte) {
		b := newTest(t, nil)
		c := newConsole(t, b)
		if _, err := c.login(admin(3)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			c.b.HandlePacket(c, c.addr, bytes.Clone(packet))
		}
		if n := b.Counters(); n.Packets < 6 {
			t.Fatal(fmt.Sprint(n))
		}
	})
}
