package libvirt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// message makes a message of libvirt's RPC.
func message(procedure, kind, serial, status uint32, payload ...uint32) []byte {
	words := append([]uint32{uint32(headerSize + 4*len(payload)), programRemote, 1, procedure, kind,
		serial, status}, payload...)
	var out []byte
	for _, w := range words {
		out = binary.BigEndian.AppendUint32(out, w)
	}
	return out
}

func TestGuard(t *testing.T) {
	join := func(all ...[]byte) []byte { return bytes.Join(all, nil) }
	authList := message(procAuthList, typeReply, 1, 0, 1, 0)
	for _, c := range []struct {
		name  string
		bytes []byte
		good  int // messages that pass
		err   error
	}{
		{"a reply", authList, 1, io.EOF},
		{"two", join(authList, message(procOpen, typeReply, 2, 0)), 2, io.EOF},
		{"a reply twice", join(authList, authList), 1, errGuard},
		{"a length below that of a header", []byte{0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, errGuard},
		{"a length that is too long", append([]byte{0x7f, 0, 0, 0}, make([]byte, 24)...), 0, errGuard},
		{"a length that is not kept", append([]byte{0, 0x10, 0, 0}, make([]byte, 24)...), 0, io.EOF},
		{"a list that is longer than its message", message(procAuthList, typeReply, 1, 0, 0x10000000, 0), 0, errGuard},
		{"a text that is longer than its message", message(procGetXMLDesc, typeReply, 1, 0, 5, 0), 0, errGuard},
		{"a text without a length", message(procGetXMLDesc, typeReply, 1, 0), 0, errGuard},
		{"an error", message(procOpen, typeReply, 1, 1, 1, 1, 1, 4, 0x61626364, 0), 1, io.EOF},
		{"an error with a text that is too long", message(procOpen, typeReply, 1, 1, 1, 1, 1, 40, 0x61626364, 0), 0, errGuard},
		{"an event", message(procLifecycle, typeMessage, 0, 0, 1, 4, 0x61626364, 0, 0, 0, 0, 1, 2, 0), 1, io.EOF},
		{"an event in a reply", message(procLifecycle, typeReply, 1, 0, 1, 4, 0x61626364), 0, errGuard},
		{"a reply that is called a message", message(procOpen, typeMessage, 1, 0), 0, errGuard},
		{"an unknown procedure", message(99, typeReply, 1, 0), 0, errGuard},
		{"a stream", join(message(procOpenConsole, typeReply, 1, 0), message(procOpenConsole, typeStream, 1, statusContinue, 0x61626364)), 2, io.EOF},
		{"a stream that nobody opened", message(procOpenConsole, typeStream, 1, statusContinue, 0x61626364), 0, errGuard},
		{"a stream after its end", join(message(procOpenConsole, typeReply, 1, 0),
			message(procOpenConsole, typeStream, 1, statusOK),
			message(procOpenConsole, typeStream, 1, statusContinue, 0x61626364)), 2, errGuard},
		{"another protocol", []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"), 0, errGuard},
	} {
		r := bytes.NewReader(c.bytes)
		var f frame
		n, err := 0, error(nil)
		for ; ; n++ {
			if _, err = f.next(r); err != nil {
				break
			}
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if n != c.good || !errors.Is(err, c.err) {
			t.Errorf("%s: %d messages, %v; want %d, %v", c.name, n, err, c.good, c.err)
		}
	}
}

// Whatever comes, memory is bounded by what has come, and what passes is what came.
func FuzzGuard(f *testing.F) {
	f.Add(message(procAuthList, typeReply, 1, 0, 1, 0))
	f.Add(message(procLifecycle, typeMessage, 0, 0, 1, 4, 0x61626364, 0, 0, 0, 0, 1, 2, 0))
	f.Add(append(message(procOpenConsole, typeReply, 1, 0),
		message(procOpenConsole, typeStream, 1, statusContinue, 0x61626364)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		var fr frame
		for at := 0; ; {
			m, err := fr.next(r)
			if err != nil {
				return
			}
			if !bytes.Equal(m, data[at:at+len(m)]) {
				t.Fatal("what passed is not what came")
			}
			at += len(m)
		}
	})
}

// A daemon that answers with what is hostile, or not at all, costs the connection and nothing else.
func TestHostileDaemon(t *testing.T) {
	greet := [][]byte{message(procAuthList, typeReply, 1, 0, 1, 0),
		message(procOpen, typeReply, 2, 0)}
	refusal := message(procLookupByName, typeReply, 3, statusError, 42, 10, 1, 4, 0x61626364, 2)
	for name, answers := range map[string][][]byte{
		"short length": {{0, 0, 0, 1}},
		"huge list":    {message(procAuthList, typeReply, 1, 0, 0x7fffffff)},
		"reply twice":  append(greet[:2:2], append(bytes.Clone(refusal), refusal...)),
		"huge text": append(greet[:2:2],
			message(procLookupByName, typeReply, 3, 0, 0x7fffffff)),
		"end":            append(greet[:2:2], nil),
		"silence":        greet,
		"something else": {[]byte("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", socket)
			if err != nil {
				t.Skip("this system has no such sockets")
			}
			defer l.Close()
			go play(l, answers)
			target, err := (&Config{Domain: "node1", Socket: socket}).target()
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				link, err := target.open(context.Background(), firstTime)
				if err == nil {
					_, err = link.domain("node1")
					if name == "reply twice" && is(err, golibvirt.ErrNoDomain) {
						<-link.conn.gone // it gets the first, and the second ends the connection
						err = goneError{link.conn.reason()}
					}
					link.close()
				}
				ended <- err
			}()
			select {
			case err := <-ended:
				var gone goneError
				if !errors.As(err, &gone) || strings.Contains(err.Error(), "interrupted") {
					t.Error(err)
				}
			case <-time.After(10 * firstTime):
				t.Error("no end")
			}
		})
	}
}

// play answers whoever connects: something for each thing it says; nil closes.
func play(l net.Listener, answers [][]byte) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	for _, a := range answers {
		if _, err := conn.Read(make([]byte, 4096)); err != nil || a == nil {
			return
		}
		if _, err := conn.Write(a); err != nil {
			return
		}
	}
	_, _ = io.Copy(io.Discard, conn) // until it is closed
}

func TestTargets(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	for _, c := range []struct {
		cfg  Config
		want string // network, addresses, name
		err  string
	}{
		{Config{}, "unix /run/libvirt/virtqemud-sock /run/libvirt/libvirt-sock qemu:///system", ""},
		{Config{URI: "qemu:///session"}, "unix /run/user/7/libvirt/virtqemud-sock /run/user/7/libvirt/libvirt-sock qemu:///session", ""},
		{Config{URI: "test:///default", Socket: "/s"}, "unix /s test:///default", ""},
		{Config{URI: "qemu+unix:///system?socket=/s"}, "unix /s qemu:///system", ""},
		{Config{URI: "qemu+tcp://host/system"}, "tcp host:16509 qemu:///system", ""},
		{Config{URI: "xen+tcp://[::1]:7/system"}, "tcp [::1]:7 xen:///system", ""},
		{Config{URI: "qemu+ssh://root@host/system?name=qemu:///session"}, "ssh host qemu:///session", ""},
		{Config{URI: "qemu"}, "", `"qemu" is not a URI of libvirt; write it like qemu:///system`},
		{Config{URI: "qemu://host/system"}, "", "a way to libvirt that lom does not know; it knows qemu:///system, qemu+tcp://HOST/system and qemu+ssh://USER@HOST/system"},
		{Config{URI: "qemu+ssh://u:secret@host/system"}, "", "the URI of libvirt has a password in it"},
		{Config{URI: "qemu+ssh://-oProxyCommand=x@host/system"}, "", "a name does not begin with a dash"},
	} {
		c.cfg.Domain = "d"
		got, err := c.cfg.target()
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) ||
				strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", c.cfg.URI, err)
			}
			continue
		}
		if s := got.network + " " + strings.Join(got.addresses, " ") + " " +
			string(got.name); err != nil || s != c.want {
			t.Errorf("%s: %s, %v", c.cfg.URI, s, err)
		}
	}
	if err := (&Config{}).Check(); err == nil {
		t.Error("a domain without a name")
	}
}
