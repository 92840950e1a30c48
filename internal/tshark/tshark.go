package tshark

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"lom/internal/udprelay"
)

// A Frame is what Wireshark makes of one packet.
type Frame struct {
	Number     int      // from 1, as Wireshark counts
	Summary    string   // the session header and the command
	Payload    string   // of the session wrapper, or ASF's message
	Objections []string // empty when all of it is as the dissectors expect
}

// element is a <proto> or a <field> of PDML.
type element struct {
	Name   string    `xml:"name,attr"`
	Text   string    `xml:"showname,attr"`
	Show   string    `xml:"show,attr"`
	Value  string    `xml:"value,attr"`
	Protos []element `xml:"proto"`
	Fields []element `xml:"field"`
}

func (e element) text() string {
	if e.Text != "" {
		return e.Text
	}
	return e.Show
}

func (e element) walk(f func(element)) {
	f(e)
	for _, c := range e.Protos {
		c.walk(f)
	}
	for _, c := range e.Fields {
		c.walk(f)
	}
}

// Available returns an error that says what is missing when tshark cannot be run.
func Available() error {
	if _, err := exec.LookPath("tshark"); err != nil {
		return fmt.Errorf("tshark is not installed")
	}
	return nil
}

// Decode has tshark decode packets. It skips the test where there is no tshark.
func Decode(t testing.TB, packets []udprelay.Packet) []Frame {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("tshark", "-r", "-", "-T", "pdml",
		"-o", "ipmi.dissect_bus_commands:TRUE", "-o", "ipmi.msgfmt:ipmb")
	cmd.Stdin = bytes.NewReader(Pcap(packets))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	var doc struct {
		Packets []element `xml:"packet"`
	}
	if err := xml.Unmarshal(out, &doc); err != nil {
		t.Fatalf("tshark's PDML: %v", err)
	}
	var frames []Frame
	for i, p := range doc.Packets {
		frames = append(frames, read(i+1, p))
	}
	if len(frames) != len(packets) {
		t.Fatalf("tshark saw %d of %d packets", len(frames), len(packets))
	}
	return frames
}

// Check fails the test for everything that Wireshark objects to in the requests, or in the answers,
// and returns how many of these had which payload.
func Check(t testing.TB, packets []udprelay.Packet, requests bool) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for i, f := range Decode(t, packets) { // all: Wireshark reads an answer by its request
		if packets[i].Request != requests {
			continue
		}
		seen[f.Payload]++
		for _, o := range f.Objections {
			t.Errorf("packet %d (%s): %s\n% x", f.Number, f.Summary, o, packets[i].Data)
		}
	}
	return seen
}

// words are those by which dissectors say that something is not as it should be.
var words = []string{"incorrect", "malformed", "unknown", "should be", "too short", "too long",
	"unexpected", ": invalid"}

func read(number int, packet element) Frame {
	f := Frame{Number: number}
	object := func(format string, a ...any) {
		f.Objections = append(f.Objections, fmt.Sprintf(format, a...))
	}
	rmcp, encrypted, opaque := false, false, false
	var command, completion string
	for _, proto := range packet.Protos {
		switch proto.Name {
		case "geninfo", "frame", "raw", "ip", "udp":
			continue // the capture's own
		case "rmcp":
			rmcp = true
		}
		proto.walk(func(e element) {
			text := e.text()
			switch {
			case strings.HasPrefix(e.Name, "_ws.malformed"):
				object("malformed: %s", text)
				return
			case strings.HasSuffix(text, "[PARSER NOT IMPLEMENTED]"):
				return // Wireshark knows the command, but not its data
			case e.Name == "_ws.expert.message" || e.Name == "_ws.short":
				object("%s", text)
				return
			}
			switch e.Name {
			case "asf.type":
				f.Payload = "ASF"
				command = text
			case "ipmi_session.authtype":
				f.Payload = "IPMI 1.5 " + text
			case "ipmi_session.payloadtype":
				_, f.Payload, _ = strings.Cut(text, "Payload Type: ")
				opaque = e.Show == "0x10" || e.Show == "0x11" || e.Show == "0x12" ||
					e.Show == "0x13" || e.Show == "0x14" || e.Show == "0x15" || e.Show == "0x01"
			case "ipmi_session.payloadtype.enc":
				encrypted = strings.HasSuffix(text, "Payload is encrypted")
			case "ipmi.header.command":
				command = text
			case "ipmi.header.completion":
				completion = text
			case "data":
				// Wireshark does not know the inside of a pong, of session set-up and of SOL.
				if f.Payload != "ASF" && !encrypted && !opaque {
					object("not dissected: %s", e.Value)
				}
			}
			if strings.Contains(strings.ToLower(text), "reserved") &&
				!strings.Contains(text, "Reserved /") && set(e) {
				object("reserved bits are set: %s", text)
			}
			for _, w := range words {
				if e.Name != "ipmi.header.completion" && e.Name != "data" &&
					strings.Contains(strings.ToLower(text), w) {
					object("%s", text)
					break
				}
			}
		})
	}
	if !rmcp {
		object("not RMCP")
	}
	if encrypted {
		f.Payload += ", encrypted"
	}
	f.Summary = strings.TrimSpace(strings.Join([]string{f.Payload, command, completion}, " "))
	return f
}

// set reports whether a field's bits are not all 0.
func set(e element) bool {
	return strings.Trim(e.Value, "0") != ""
}
