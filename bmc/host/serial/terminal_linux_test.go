package serial

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A terminal carries every byte as it is, both ways.
func TestTerminal(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals: %v", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	line, err := OpenTerminal(fmt.Sprintf("/dev/pts/%d", n), 9600)(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	for _, way := range []struct {
		from io.Writer
		to   io.Reader
	}{{line, master}, {master, line}} {
		var got [256]byte
		if _, err := way.from.Write(all[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(way.to, got[:]); err != nil || got != all {
			t.Errorf("%v: % x", err, got)
		}
	}
	if err := line.(Breaker).Break(); err != nil {
		t.Error(err)
	}
	if HasRate(7) || !HasRate(115200) {
		t.Error("bit rates")
	}
	if _, err := OpenTerminal("/dev/null", 9600)(context.Background()); err == nil {
		t.Error("/dev/null is a terminal")
	}
}
