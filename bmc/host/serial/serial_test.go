package serial

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host"
)

// readAll reads what there is.
func readAll(c host.Console) (string, bool) {
	var all []byte
	var buf [100]byte
	anyLost := false
	for {
		n, lost := c.Read(buf[:])
		all, anyLost = append(all, buf[:n]...), anyLost || lost
		if n == 0 {
			return string(all), anyLost
		}
	}
}

func TestBuffer(t *testing.T) {
	b := &Port{Buffer: Buffer{History: 10}}
	b.SendAll([]byte("before anybody came"))
	told := 0
	b.Attach(func() { told++ })
	if s, _ := readAll(b); s != "ybody came" {
		t.Errorf("history %q", s)
	}
	b.SendAll([]byte("a"))
	b.SendAll([]byte("b"))
	if s, _ := readAll(b); s != "ab" || told != 1 {
		t.Errorf("read %q, told %d times", s, told)
	}
	big := bytes.Repeat([]byte("x"), outputSize)
	if n, more := b.Send(append(big, 'y')); n != outputSize || more == nil {
		t.Errorf("took %d", n)
	} else {
		b.Read(make([]byte, 5))
		select {
		case <-more:
		default:
			t.Error("not told of room")
		}
	}
	b.SendAll(big)
	if s, lost := readAll(b); len(s) != outputSize || !lost {
		t.Errorf("%d characters, lost %v", len(s), lost)
	}
	if n := b.Buffer.Write(bytes.Repeat([]byte("z"), inputSize+1)); n != inputSize ||
		b.Room() != 0 {
		t.Errorf("took %d, room %d", n, b.Room())
	}
	b.Discard()
	b.SetPresent(false)
	if b.Room() != 0 || told != 3 {
		t.Errorf("absent: room %d, told %d times", b.Room(), told)
	}
	b.Detach()
	if n, _ := b.Send(append(big, big...)); n != 2*outputSize {
		t.Errorf("took %d with nobody there", n)
	}
}

// A port moves characters both ways, connects again, and makes a flood wait for its reader.
func TestPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := make(chan net.Conn, 1)
		p := New(Config{Open: func(context.Context) (io.ReadWriteCloser, error) {
			select {
			case c := <-lines:
				return c, nil
			default:
				return nil, errors.New("the machine is not there")
			}
		}})
		if p.Attach(func() {}); p.Present() {
			t.Error("present before there is a connection")
		}
		for range 2 {
			ours, machine := net.Pipe()
			lines <- ours
			time.Sleep(2 * lastRetry)
			if !p.Present() {
				t.Fatal("not present")
			}
			go machine.Write([]byte("hello"))
			synctest.Wait()
			if s, _ := readAll(p); s != "hello" {
				t.Errorf("read %q", s)
			}
			p.Write([]byte("root\r"))
			var buf [10]byte
			if n, err := io.ReadFull(machine, buf[:5]); err != nil || string(buf[:n]) != "root\r" {
				t.Errorf("the machine got %q, %v", buf[:n], err)
			}
			if err := p.Break(); !errors.Is(err, host.ErrUnsupported) {
				t.Errorf("break: %v", err)
			}
			flood := strings.Repeat("flood ", 10_000)
			go io.WriteString(machine, flood)
			var got strings.Builder
			for range 1000 {
				synctest.Wait()
				s, _ := readAll(p)
				got.WriteString(s)
			}
			if got.String() != flood {
				t.Errorf("%d characters of a flood of %d", got.Len(), len(flood))
			}
			machine.Close()
			if synctest.Wait(); p.Present() {
				t.Error("present after the connection's end")
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A breakLine is a connection that takes its time for a break, and notes the order of what it is
// sent.
type breakLine struct {
	io.ReadWriteCloser
	mu  sync.Mutex
	got []string
}

func (l *breakLine) note(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, s)
}

func (l *breakLine) Write(p []byte) (int, error) {
	l.note(string(p))
	return len(p), nil
}

func (l *breakLine) Break() error {
	time.Sleep(2 * time.Second)
	l.note("break")
	return nil
}

// A key that is typed after a break comes after it, and one that was typed before comes before.
func TestKeysDoNotOvertakeBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, machine := net.Pipe()
		defer machine.Close()
		line := &breakLine{ReadWriteCloser: ours}
		p := New(Config{Open: func(context.Context) (io.ReadWriteCloser, error) {
			return line, nil
		}})
		defer p.Close()
		synctest.Wait()
		p.Write([]byte("a"))
		for _, keys := range []string{"b", "", "c"} { // within the time of the first break
			if err := p.Break(); err != nil {
				t.Error(err)
			}
			p.Write([]byte(keys))
		}
		time.Sleep(time.Minute)
		line.mu.Lock()
		defer line.mu.Unlock()
		if got, want := strings.Join(line.got, " "), "a break b break break c"; got != want {
			t.Errorf("the machine got %q, want %q", got, want)
		}
	})
}

func TestTelnet(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	c := &telnetConn{ReadWriteCloser: ours}
	answers := make(chan []byte, 10)
	go func() {
		for {
			var buf [100]byte
			n, err := theirs.Read(buf[:])
			if err != nil {
				return
			}
			answers <- bytes.Clone(buf[:n])
		}
	}()
	go theirs.Write([]byte{'a', 255, 251, 1, 'b', 255, 253, 31, 255, 255, 255, 250, 1, 255, 255, 2,
		255, 240, 'c', 255, 251, 1, 255, 241})
	var buf [100]byte
	if n, err := c.Read(buf[:]); err != nil || string(buf[:n]) != "ab\xffc" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	c.Write([]byte("x\xffy"))
	c.Break()
	for _, want := range [][]byte{{255, 253, 1}, {255, 252, 31}, []byte("x\xff\xffy"), {255, 243}} {
		if got := <-answers; !bytes.Equal(got, want) {
			t.Errorf("sent % x, want % x", got, want)
		}
	}
}

func FuzzTelnet(f *testing.F) {
	f.Add([]byte{'a', 255, 251, 1, 255, 250, 1, 255, 240, 255, 255, 'c'})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &telnetConn{ReadWriteCloser: struct {
			io.Reader
			io.Writer
			io.Closer
		}{bytes.NewReader(data), io.Discard, nil}}
		if got, err := io.ReadAll(c); err != nil || len(got) > len(data) {
			t.Fatalf("%d characters of %d bytes, %v", len(got), len(data), err)
		}
	})
}
