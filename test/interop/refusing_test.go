package interop

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"lom/bmc"
	"lom/bmc/host/sim"
	"lom/internal/programs"
	"lom/ipmi"
	"lom/rmcp"
)

// A refusal is what a BMC of these tests refuses.
type refusal struct {
	commands []string            // by their names in the command table
	code     ipmi.CompletionCode // 0: it does not answer them
	status   rmcp.Status         // of its Open Session Response; 0: it lets in
}

// refusingBMC runs a BMC that refuses commands, until the test ends.
func refusingBMC(t *testing.T, r refusal) programs.Target {
	t.Helper()
	link := &refusingLink{}
	mux := bmc.NewCommands()
	known := 0
	for _, c := range ipmi.Commands() {
		if !slices.Contains(r.commands, c.Name) {
			continue
		}
		known++
		mux.HandleRaw(c, func(*bmc.Context, []byte) (ipmi.CompletionCode, []byte) {
			link.drop = r.code == 0
			return r.code, nil
		})
	}
	if known < len(r.commands) {
		t.Fatalf("not all of %q are commands", r.commands)
	}
	b, err := bmc.New(bmc.Config{Host: sim.New(sim.Config{On: true}), Commands: mux,
		Users: []bmc.UserConfig{
			{Name: programs.BMCUser, Password: ipmi.NewSecret(programs.BMCPassword),
				Privilege: ipmi.PrivilegeAdministrator}}})
	if err != nil {
		t.Fatal(err)
	}
	if link.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err !=
		nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := link.conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			const payloadType, payload = 5, 16 // in an RMCP+ packet outside a session
			if r.status != 0 && n >= payload+8 &&
				ipmi.PayloadType(buf[payloadType]) == ipmi.PayloadOpenSession {
				answer, err := rmcp.AppendPresession20(nil, ipmi.PayloadOpenSessionResp,
					append([]byte{buf[payload], byte(r.status), 0, 0}, buf[payload+4:payload+8]...))
				if err == nil {
					link.conn.WriteToUDPAddrPort(answer, from)
				}
				continue
			}
			b.HandlePacket(link, from, buf[:n])
		}
	})
	t.Cleanup(func() {
		link.conn.Close()
		serving.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return programs.Target{Addr: link.conn.LocalAddr().(*net.UDPAddr).AddrPort(),
		User: programs.BMCUser, Password: programs.BMCPassword}
}

// A refusingLink sends what its BMC says, except once where drop says so.
type refusingLink struct {
	conn *net.UDPConn
	drop bool
}

func (l *refusingLink) Send(to netip.AddrPort, packet []byte) {
	if l.drop {
		l.drop = false
		return
	}
	l.conn.WriteToUDPAddrPort(packet, to)
}
