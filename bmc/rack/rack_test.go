package rack

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lom/bmc"
	"lom/bmc/host"
	"lom/bmc/host/sim"
	"lom/ipmi"
	"lom/rmcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// servers returns n servers that answer on free ports.
func servers(n int) []Server {
	var list []Server
	for i := range n {
		list = append(list, Server{
			Name: string(rune('a' + i)), Addr: netip.MustParseAddrPort("127.0.0.1:0"),
			BMC: bmc.Config{Users: []bmc.UserConfig{{Name: "admin",
				Password: ipmi.NewSecret("secret")}}},
			Host: func() host.Host { return sim.New(sim.Config{On: true}) },
		})
	}
	return list
}

func TestRackAnswers(t *testing.T) {
	r, err := Start(Config{Servers: servers(3), StateDir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range r.Units() {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(u.Addr))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(rmcp.AppendPing(nil, rmcp.NoACK, rmcp.Ping{Tag: uint8(i)})); err !=
			nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		buf := make([]byte, rmcp.MaxPacket)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("%s does not answer: %v", u.Name, err)
		}
		p, err := rmcp.Parse(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
		if pong, err := rmcp.ParsePong(p.Payload); err != nil || pong.Tag != uint8(i) {
			t.Errorf("%s answers %+v, %v", u.Name, pong, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// A rack that cannot start leaves nothing behind.
func TestRackThatDoesNotStart(t *testing.T) {
	taken, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	list := servers(3)
	list[2].Addr = taken.LocalAddr().(*net.UDPAddr).AddrPort()
	if _, err := Start(Config{Servers: list}); err == nil ||
		!strings.Contains(err.Error(), "another program uses that port") {
		t.Errorf("a port that is taken: %v", err)
	}
	list = servers(3)
	list[1].BMC.Users[0].Name = "a name that is much too long"
	if _, err := Start(Config{Servers: list}); err == nil ||
		!strings.Contains(err.Error(), "BMC b: user name") {
		t.Errorf("a user that cannot be: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "b.state"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	var damage *bmc.StateError
	if _, err := Start(Config{Servers: servers(3), StateDir: dir}); !errors.As(err, &damage) {
		t.Errorf("a damaged state file: %v", err)
	}
	// What is not damaged can be used at once.
	if err := os.Remove(filepath.Join(dir, "b.state")); err != nil {
		t.Fatal(err)
	}
	r, err := Start(Config{Servers: servers(3), StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// A sentence about a socket that cannot be opened names the address once, and what helps.
func TestListenError(t *testing.T) {
	full := &net.OpError{Op: "listen", Net: "udp", Addr: &net.UDPAddr{},
		Err: os.NewSyscallError("socket", syscall.EMFILE)}
	const want = "cannot listen on 127.0.0.1:6230: socket: too many open files; each BMC needs a " +
		"file of its own (ulimit -n says how many there may be)"
	err := listenError("127.0.0.1:6230", full)
	if err.Error() != want {
		t.Errorf("%q", err)
	}
	if op := new(net.OpError); errors.As(err, &op) {
		t.Error("it is an error of the net, which is told without the address")
	}
}
