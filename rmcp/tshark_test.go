package rmcp

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lom/ipmi"
)

// writePcap writes the datagrams as a capture of IPv4 and UDP between a console and port 623 of a
// BMC.
func writePcap(t *testing.T, path string, datagrams []datagram) {
	t.Helper()
	le := binary.LittleEndian
	file := le.AppendUint32(nil, 0xa1b2c3d4)
	file = le.AppendUint16(file, 2)
	file = le.AppendUint16(file, 4)
	file = append(file, make([]byte, 8)...)
	file = le.AppendUint32(file, 65535)
	file = le.AppendUint32(file, 101) // raw IP
	for i, d := range datagrams {
		src, dst := []byte{127, 0, 0, 2}, []byte{127, 0, 0, 3}
		ports := []uint16{40000, Port}
		if d.fromBMC {
			src, dst = dst, src
			ports[0], ports[1] = ports[1], ports[0]
		}
		be := binary.BigEndian
		ip := []byte{0x45, 0}
		ip = be.AppendUint16(ip, uint16(28+len(d.data)))
		ip = append(ip, 0, 0, 0x40, 0, 64, 17, 0, 0)
		ip = append(append(ip, src...), dst...)
		ip = be.AppendUint16(ip, ports[0])
		ip = be.AppendUint16(ip, ports[1])
		ip = be.AppendUint16(ip, uint16(8+len(d.data)))
		ip = append(append(ip, 0, 0), d.data...)
		file = le.AppendUint32(file, uint32(i))
		file = le.AppendUint32(file, 0)
		file = le.AppendUint32(file, uint32(len(ip)))
		file = le.AppendUint32(file, uint32(len(ip)))
		file = append(file, ip...)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTshark lets tshark judge packets of both ends: ASF, IPMI 1.5, the handshake, and RMCP+.
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	var all []datagram
	add := func(fromBMC bool, b []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, datagram{fromBMC, bytes.Clone(b)})
	}
	add(false, AppendPing(nil, NoACK, Ping{Tag: 1}), nil)
	add(true, AppendPong(nil, Pong{Tag: 1, Enterprise: IANAASF, IPMI: true, ASFVersion: 1}), nil)
	add(false, AppendACK(nil, Header{Sequence: 3, Class: ClassASF}), nil)

	request := Message{To: 0x20, From: 0x81, NetFn: ipmi.NetFnApp, Seq: 5, Cmd: 0x38,
		Data: []byte{0x8e, 4}}
	reply := request.Reply(0, []byte{1, 0x97, 5, 3, 0, 0, 0, 0})
	b, err := AppendPresession15(nil, AppendMessage(nil, &request))
	add(false, b, err)
	b, err = AppendPresession15(nil, AppendMessage(nil, &reply))
	add(true, b, err)

	ask := Message{To: 0x20, From: 0x81, NetFn: ipmi.NetFnApp, Seq: 6, Cmd: 1}
	answer := ask.Reply(0, []byte{0x20, 1, 2, 3, 2, 0xbf, 0x57, 1, 0, 1, 0})
	talk := func(client, bmc Session) {
		b, err := client.Append(nil, ipmi.PayloadIPMI, AppendMessage(nil, &ask))
		add(false, b, err)
		b, err = bmc.Append(nil, ipmi.PayloadIPMI, AppendMessage(nil, &answer))
		add(true, b, err)
	}
	for _, a := range []ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5,
		ipmi.AuthPassword} {
		client, bmc := session15Pair(t, a)
		talk(client, bmc)
	}
	for _, suite := range []int{0, 1, 2, 3, 7, 11, 16, 17} {
		c, err := NewClientHandshake(testClient(suite, "secret", ""))
		if err != nil {
			t.Fatal(err)
		}
		var h *BMCHandshake
		for c.Session() == nil {
			packet, err := c.Append(nil)
			add(false, packet, err)
			p := parsed(t, packet)
			var answer []byte
			if h == nil {
				h, answer, err = AcceptHandshake(testBMC("secret", ""), 77, &p, nil)
			} else {
				answer, err = h.Receive(&p, nil)
			}
			add(true, answer, err)
			p = parsed(t, answer)
			if err := c.Receive(&p); err != nil {
				t.Fatal(err)
			}
		}
		talk(c.Session(), h.Session())
	}

	path := filepath.Join(t.TempDir(), "ours.pcap")
	writePcap(t, path, all)
	out, err := exec.Command(tshark, "-o", "ipmi.dissect_bus_commands:TRUE", "-r", path,
		"-V").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := string(out)
	for _, bad := range []string{"Malformed", "malformed", "Expert Info", "incorrect", "unexpected",
		"Unknown"} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, bad) && !strings.Contains(line, "Checksum: 0x0000") {
				t.Errorf("tshark: %s", strings.TrimSpace(line))
			}
		}
	}
	for _, want := range []string{"Presence Ping", "Presence Pong", "RAKP Message 1",
		"RAKP Message 4", "Get Channel Authentication Capabilities", "Get Device ID"} {
		if !strings.Contains(text, want) {
			t.Errorf("tshark did not find %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
