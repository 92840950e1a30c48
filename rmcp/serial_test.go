package rmcp

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lom/ipmi"
)

// drawSerial draws a message between BMC and console.
func drawSerial(t *rapid.T) Message {
	m := Message{
		To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI,
		NetFn: ipmi.NetFn(rapid.IntRange(0, 63).Draw(t, "NetFn")),
		Seq:   uint8(rapid.IntRange(0, MaxSeq).Draw(t, "seq")), Cmd: rapid.Uint8().Draw(t, "cmd"),
		Data: rapid.SliceOfN(rapid.Uint8(), 0, 255).Draw(t, "data"),
	}
	lun := uint8(rapid.IntRange(0, 3).Draw(t, "LUN"))
	if m.NetFn.IsResponse() {
		m.To, m.From, m.FromLUN, m.Code = m.From, m.To, lun,
			ipmi.CompletionCode(rapid.Uint8().Draw(t, "code"))
	} else {
		m.ToLUN = lun
	}
	return m
}

func readBasic(r *BasicReader, line []byte) (all [][]byte) {
	for _, c := range line {
		if m, ok := r.Next(c); ok {
			all = append(all, bytes.Clone(m))
		}
	}
	return all
}

func readTerminal(r *TerminalReader, line []byte) (all []string) {
	for _, c := range line {
		if s, ok := r.Next(c); ok {
			all = append(all, s)
		}
	}
	return all
}

func TestBasicRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOfN(rapid.Uint8(), 0, 300).Draw(t, "message")
		line := append([]byte{1, BasicHandshake, basicStart, 7}, AppendBasic(nil, message)...)
		got := readBasic(new(BasicReader), append(line, BasicHandshake))
		if len(got) != 1 || !bytes.Equal(got[0], message) {
			t.Fatalf("% x became % x", message, got)
		}
	})
}

func TestBasicBytes(t *testing.T) {
	got := AppendBasic(nil, []byte{0x20, 0xa0, 0xa5, 0xa6, 0xaa, 0x1b})
	if want := []byte{0xa0, 0x20, 0xaa, 0xb0, 0xaa, 0xb5, 0xaa, 0xb6, 0xaa, 0xba, 0xaa, 0x3b,
		0xa5}; !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
	for _, bad := range []string{"\xa0\x20\xaa\x01\xa5", "\xa0\x20\xaa\xa5", "\x20\xa5",
		"\xa0" + strings.Repeat("x", MaxSerial+1) + "\xa5"} {
		if got := readBasic(new(BasicReader), []byte(bad)); len(got) != 0 {
			t.Errorf("%.10q became %.10q", bad, got)
		}
	}
}

func TestTerminalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawSerial(t)
		line := AppendTerminal(nil, &m)
		for _, l := range strings.Split(string(line), "\r\n") {
			if len(l) > terminalColumns {
				t.Fatalf("a line of %d columns", len(l))
			}
		}
		texts := readTerminal(new(TerminalReader), append([]byte("login: \r\n"), line...))
		if len(texts) != 1 {
			t.Fatalf("%q became %q", line, texts)
		}
		got, err := ParseTerminal(texts[0])
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("%+v became %+v, %v", m, got, err)
		}
	})
}

func TestTerminalTexts(t *testing.T) {
	for line, want := range map[string][]string{
		"[SYS TMODE]\r\n":                              {"SYS TMODE"},
		"[SYS PWD -U root a]b]\n":                      {"SYS PWD -U root a]b"},
		"[18 00 22]":                                   nil,
		"[18 00 22]\r":                                 {"18 00 22"},
		"[18 \\\r\n00 22]\r\n[OK]\r":                   {"18   00 22", "OK"},
		"[18 00\x1b\r\n22]\r\n":                        nil,
		"[18 00 [SYS]\r\n":                             {"SYS"},
		"[" + strings.Repeat("0", MaxSerial+1) + "]\r": nil,
	} {
		if got := readTerminal(new(TerminalReader), []byte(line)); !reflect.DeepEqual(got, want) {
			t.Errorf("%.40q: %q, want %q", line, got, want)
		}
	}
	for _, bad := range []string{"", "18 00", "18 0 022", "18 00 2g", "1c 00 22", "18 01 22",
		"1c 02 22 00"} {
		if m, err := ParseTerminal(bad); err == nil {
			t.Errorf("%q became %+v", bad, m)
		}
	}
}

func FuzzSerial(f *testing.F) {
	f.Add([]byte("\xa0\x20\x18\xc8\x81\x04\x01\x7a\xa5\xa6"))
	f.Add([]byte("[18 00 22]\r\n[1C 00 22 00]\r\n[SYS PWD -N x]\r"))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, m := range readBasic(new(BasicReader), line) {
			if got := readBasic(new(BasicReader), AppendBasic(nil, m)); len(got) != 1 ||
				!bytes.Equal(got[0], m) {
				t.Errorf("% x became % x", m, got)
			}
		}
		for _, s := range readTerminal(new(TerminalReader), line) {
			m, err := ParseTerminal(s)
			if err != nil {
				continue
			}
			again := readTerminal(new(TerminalReader), AppendTerminal(nil, &m))
			if len(again) != 1 {
				t.Fatalf("%+v became %q", m, again)
			}
			if got, err := ParseTerminal(again[0]); err != nil || !reflect.DeepEqual(got, m) {
				t.Errorf("%+v became %+v, %v", m, got, err)
			}
		}
	})
}
