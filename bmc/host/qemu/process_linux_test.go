package qemu

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Whether the process that was attached to has ended can be told, also before its parent knows.
func TestPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := peerOf(conn)
	if p == nil || int(p.pid) != os.Getpid() || p.ended() {
		t.Fatalf("the peer is %+v, want process %d, which runs", p, os.Getpid())
	}
	if other := (&peer{pid: p.pid, start: "1"}); !other.ended() {
		t.Error("a process with the number of another is taken for it")
	}
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	child := &peer{pid: int32(cmd.Process.Pid)}
	if child.start, _, err = child.read(); err != nil || child.ended() {
		t.Errorf("a process that runs: %+v, %v", child, err)
	}
	cmd.Process.Kill()
	// a zombie
	for end := time.Now().Add(time.Minute); !child.ended(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a process that was killed has not ended")
		}
	}
	cmd.Wait()
	if !child.ended() {
		t.Error("a process that is gone has not ended")
	}
	if (*peer)(nil).ended() {
		t.Error("a process that is not known has ended")
	}
}
