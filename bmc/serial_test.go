package bmc

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// serveSerial returns the console's end of a line on which b answers.
func serveSerial(t *testing.T, b *BMC, cfg SerialConfig) io.ReadWriter {
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.ServeSerial(ctx, theirs, cfg) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = ours.Close()
	})
	return ours
}

func TestSerialTerminal(t *testing.T) {
	b := newTest(t, func(c *Config) {
		c.Users = []UserConfig{{Name: "admin", Password: ipmi.NewSecret("Secret 1"),
			Privilege: ipmi.PrivilegeAdministrator}}
	})
	line := serveSerial(t, b, SerialConfig{})
	in := bufio.NewReader(line)
	for _, c := range [][2]string{
		{"[SYS TMODE]", "[OK TMODE]"},
		{"[18 04 02]", "[1C 04 02 D4]"}, // nobody has logged in
		{"[SYS POWER OFF]", "[ERR D4]"},
		{"[SYS PWD -U admin wrong]", "[ERR CC]"},
		{"[SYS PWD -U nobody Secret 1]", "[ERR CC]"},
		{"[SYS PWD -N]", "[ERR CC]"},
		{"[SYS PWD]", "[ERR CC]"},
		{"[SYS PWD -U admin Secret 1]", "[OK]"},
		{"[18 \\\r\n08 07 09]", "[1C 08 07 C7]"},
		{"[SYS IDENTIFY]", "[OK]"},
		{"[SYS IDENTIFY -OFF]", "[OK]"},
		{"[sys blah]", "[ERR C1]"},
		{"[SYS PWD -X]", "[OK]"},
		{"[18 04 02]", "[1C 04 02 D4]"},
	} {
		if _, err := io.WriteString(line, c[0]+"\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if got = strings.TrimSpace(got); got != c[1] {
			t.Errorf("%s is answered by %s, want %s", c[0], got, c[1])
		}
	}
}

func TestSerialBasic(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		b := newTest(t, nil)
		line := serveSerial(t, b, SerialConfig{Basic: true, Trusted: trusted})
		cmd := ipmi.ColdReset{}.Command()
		ask := rmcp.Message{To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: cmd.NetFn,
			Seq: 0x2a, Cmd: cmd.Code}
		if _, err := line.Write(rmcp.AppendBasic(nil, rmcp.AppendMessage(nil, &ask))); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		n, err := line.Read(buf)
		if err != nil || buf[0] != rmcp.BasicHandshake {
			t.Fatalf("% x, %v", buf[:n], err)
		}
		var r rmcp.BasicReader
		var got rmcp.Message
		for _, c := range buf[:n] {
			if raw, ok := r.Next(c); ok {
				if got, err = rmcp.ParseMessage(bytes.Clone(raw)); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := ipmi.CodeInsufficientPrivilege
		if trusted {
			want = ipmi.CodeOK
		}
		if !got.Answers(&ask) || got.Code != want {
			t.Errorf("trusted %v: %+v", trusted, got)
		}
	}
}

// The answer of a satellite comes as that of the bridge (Figure 14-13), unless who asked has logged
// out.
func TestSerialBridging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := withSatellite(t)
		line := serveSerial(t, b, SerialConfig{Trusted: true})
		in := bufio.NewReader(line)
		said := func(want string) {
			t.Helper()
			got, err := in.ReadString('\n')
			if got = strings.TrimSpace(got); err != nil || !strings.HasPrefix(got, want) {
				t.Fatalf("got %s, %v, want %s", got, err, want)
			}
		}
		// Send Message to 24h, tracked: Get Device ID
		ask := "[18 08 34 40 24 18 C4 81 08 01 76]\r\n"
		_, _ = io.WriteString(line, ask)
		said("[1C 08 34 00]")
		said("[1C 09 01 00 77")
		_, _ = io.WriteString(line, ask)
		said("[1C 08 34 00]")
		_, _ = io.WriteString(line, "[SYS PWD -X]\r\n")
		said("[OK]")
		time.Sleep(time.Second)
		_, _ = io.WriteString(line, "[SYS TMODE]\r\n")
		said("[OK TMODE]")
		b.Close()
	})
}
