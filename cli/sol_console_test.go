package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"lom/client"
	"lom/ipmi"
)

// A fakeHost is a console whose host sends back what it gets.
type fakeHost struct {
	mu     sync.Mutex
	got    bytes.Buffer
	breaks int
	out    chan []byte
	failed chan error
	refuse chan struct{} // if it is there, Flush waits for it: the host takes nothing
	takes  int64         // characters that it takes at each look at Acknowledged
	taken  int64
}

func newFakeHost() *fakeHost {
	return &fakeHost{out: make(chan []byte, 4096), failed: make(chan error, 1)}
}

func (h *fakeHost) Read(ctx context.Context, p []byte) (int, error) {
	select {
	case b := <-h.out:
		return copy(p, b), nil
	case err := <-h.failed:
		return 0, err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

func (h *fakeHost) Write(_ context.Context, p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got.Write(p)
	if len(p) > 0 {
		h.out <- bytes.Clone(p)
	}
	return len(p), nil
}

func (h *fakeHost) Acknowledged() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken += h.takes
	return h.taken
}

func (h *fakeHost) Flush(ctx context.Context) error {
	if h.refuse == nil {
		return nil
	}
	select {
	case <-h.refuse:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (h *fakeHost) Break() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.breaks++
	return nil
}

// A screen is an output that many may write to.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// await waits until the screen shows text.
func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(s.String(), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("no %q on the screen:\n%q", text, s.String())
}

func newView(h *fakeHost, in *os.File, out *screen) *consoleView {
	a := newApp("lom", in, out, out)
	if in == nil {
		a.In = strings.NewReader("")
	}
	a.Options.Escape = "~"
	v := newConsoleView(a)
	v.console, v.linger = h, 20*time.Millisecond
	return v
}

// typing runs a view on a pseudo-terminal, and returns where to type and how it ended.
func typing(t *testing.T, h *fakeHost,
	ctx context.Context) (keys *os.File, out *screen, ended func() error) {
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(keys, &pty.Winsize{Rows: 40, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	out = &screen{}
	v := newView(h, tty, out)
	done := make(chan error, 1)
	go func() { done <- v.run(ctx) }()
	t.Cleanup(func() {
		keys.Close()
		tty.Close()
	})
	out.await(t, consoleBanner+"\r\n")
	return keys, out, func() error {
		t.Helper()
		select {
		case err := <-done:
			after, stateErr := term.GetState(int(tty.Fd()))
			if stateErr != nil || *after != *before {
				t.Errorf("the terminal is not as it was: %+v, was %+v (%v)", after, before,
					stateErr)
			}
			return err
		case <-time.After(10 * time.Second):
			t.Fatalf("does not end; the screen:\n%q", out)
			return nil
		}
	}
}

func TestConsoleEscapes(t *testing.T) {
	h := newFakeHost()
	keys, out, ended := typing(t, h, t.Context())
	for _, k := range []struct{ typed, shown string }{
		{"\x03hello\r", "\x03hello\r"},
		{"~?", "~?\r\n\tSupported escape sequences:\r\n\t~.  - terminate connection\r\n"},
		{"", "stty rows 40 cols 100"},
		{"~~x\r", "~x\r"},
		{"~B", "~B [send break]\r\n"},
		{"a~.\r", "a~.\r"},
		{"~q\r", "~q\r"},
		{"~", ""},
		{".", "~. [terminated lom]\r\n"},
	} {
		if _, err := keys.WriteString(k.typed); err != nil {
			t.Fatal(err)
		}
		out.await(t, k.shown)
	}
	if err := ended(); err != nil {
		t.Error(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := h.got.String(); got != "\x03hello\r~x\ra~.\r~q\r" || h.breaks != 1 {
		t.Errorf("%d breaks; the host got %q", h.breaks, got)
	}
}

// However the console ends, the terminal is as it was.
func TestConsoleRestoresTheTerminal(t *testing.T) {
	t.Run("closed by the BMC", func(t *testing.T) {
		h := newFakeHost()
		_, _, ended := typing(t, h, t.Context())
		h.failed <- client.ErrConsoleDeactivated
		if err := ended(); !errors.Is(err, client.ErrConsoleDeactivated) {
			t.Error(err)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		_, _, ended := typing(t, newFakeHost(), ctx)
		cancel(ipmi.ErrClosed)
		if err := ended(); !errors.Is(err, ipmi.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestConsolePastes64K(t *testing.T) {
	h := newFakeHost()
	keys, out, ended := typing(t, h, t.Context())
	text := strings.Repeat("0123456789abcdef0123456789abcde\r", 2048)
	if _, err := keys.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.WriteString("END\r"); err != nil {
		t.Fatal(err)
	}
	out.await(t, "END\r")
	if got := strings.TrimPrefix(out.String(), consoleBanner+"\r\n"); got != text+"END\r" {
		t.Errorf("%d bytes came back of %d", len(got), len(text)+4)
	}
	if _, err := keys.WriteString("~."); err != nil {
		t.Fatal(err)
	}
	if err := ended(); err != nil {
		t.Error(err)
	}
}

// pipedView runs a view whose input is a pipe with text in it.
func pipedView(t *testing.T, h *fakeHost, text string,
	change func(*consoleView)) (*screen, chan error, context.CancelCauseFunc) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	go func() {
		_, _ = w.WriteString(text)
		w.Close()
	}()
	out := &screen{}
	v := newView(h, r, out)
	if change != nil {
		change(v)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.run(ctx) }()
	return out, done, cancel
}

func TestConsoleOfAPipe(t *testing.T) {
	t.Run("input is sent to its end", func(t *testing.T) {
		h := newFakeHost()
		text := strings.Repeat("some text\n", 5000) + "~"
		out, done, cancel := pipedView(t, h, text, nil)
		defer cancel(nil)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := out.String(); got != consoleBanner+"\n"+text {
			t.Errorf("%d bytes of %d came back", len(got), len(text))
		}
	})
	t.Run("~. ends it", func(t *testing.T) {
		out, done, cancel := pipedView(t, newFakeHost(), "a\n~.b", func(v *consoleView) {
			v.linger = time.Hour
		})
		defer cancel(nil)
		if err := <-done; err != nil || !strings.Contains(out.String(), "~. [terminated lom]\n") {
			t.Errorf("%v: %q", err, out)
		}
	})
	t.Run("no input is a reader", func(t *testing.T) {
		h := newFakeHost()
		out, done, cancel := pipedView(t, h, "", nil)
		time.Sleep(100 * time.Millisecond)
		h.out <- []byte("kernel: last words\r\n")
		out.await(t, "last words")
		select {
		case err := <-done:
			t.Fatalf("ended: %v", err)
		default:
		}
		cancel(ipmi.ErrClosed)
		if err := <-done; !errors.Is(err, ipmi.ErrClosed) {
			t.Error(err)
		}
	})
	t.Run("no input and --linger", func(t *testing.T) {
		_, done, cancel := pipedView(t, newFakeHost(), "", func(v *consoleView) {
			v.lingers = true
		})
		defer cancel(nil)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The end of the input ends the console also where the host takes none of it, which is said; one
// that takes it slowly is waited for.
func TestConsoleOfAPipeThatIsNotTaken(t *testing.T) {
	for _, c := range []struct {
		name, text string
		off        bool
		want       string
		after      time.Duration
	}{
		{"~. and a host that is off", "reboot\n~.", true, `bmc1: the host is off or asleep and has not taken all of the input; "power on" starts it`, atOncePatience},
		{"~. and a host that is on", "reboot\n~.", false, `bmc1: the host has not taken all of the input; see with "power status" whether it is on, or wait longer for it with --linger`, atOncePatience},
		{"end of the input", "reboot\n", true, `bmc1: the host is off or asleep and has not taken all of the input; "power on" starts it`, endPatience},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newFakeHost()
			h.refuse = make(chan struct{})
			v := newView(h, nil, &screen{})
			v.app.In = strings.NewReader(c.text)
			v.app.Options.Host = "bmc1"
			if c.off {
				v.event(client.ConsoleUnavailable)
			}
			began := time.Now()
			err := v.run(t.Context())
			if took := time.Since(began); took < c.after || took > c.after+time.Second {
				t.Errorf("%s: ended after %v, want %v", c.name, took, c.after)
			}
			if got := v.app.explain(err); got != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHost()
		h.refuse, h.takes = make(chan struct{}), 1
		v := newView(h, nil, &screen{})
		v.app.In = strings.NewReader("much text\n~.")
		time.AfterFunc(time.Hour, func() { close(h.refuse) })
		if err := v.run(t.Context()); err != nil {
			t.Errorf("a host that takes the input slowly: got %v, want none", err)
		}
	})
}

func TestConsoleLog(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := &consoleLog{w: &b, stamps: true, now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}}
	for _, s := range []string{"one\r\ntw", "o\r\n", "three"} {
		if err := l.write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	want := "2026-03-01T12:00:01.000Z one\r\n2026-03-01T12:00:02.000Z " +
		"two\r\n2026-03-01T12:00:03.000Z three"
	if b.String() != want {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	l.stamps = false
	if err := l.write([]byte("a\nb")); err != nil || b.String() != "a\nb" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// Only a session of a program of ours that is gone is abandoned.
func TestConsoleRecords(t *testing.T) {
	r := consoleRecords(filepath.Join(t.TempDir(), "state", "bmc"))
	if r.abandoned(7) {
		t.Error("a session without a record")
	}
	if err := r.keep(7); err != nil {
		t.Fatal(err)
	}
	if r.abandoned(7) || r.abandoned(8) {
		t.Error("this program is not gone")
	}
	child := exec.Command("true")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(r.file(7))
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := `"pid":`+strconv.Itoa(os.Getpid()), `"pid":`+strconv.Itoa(child.Process.Pid)
	gone := strings.Replace(string(b), mine, theirs, 1)
	for text, want := range map[string]bool{
		gone: true,
		strings.Replace(gone, `"host":"`, `"host":"not-`, 1):            false,
		strings.Replace(gone, `"session_id":7`, `"session_id":8`, 1):    false,
		strings.Replace(string(b), `"boot_id":"`, `"boot_id":"not-`, 1): bootID() != "",
		strings.Replace(gone, theirs, `"pid":0`, 1):                     false,
		"{": false,
	} {
		if err := os.WriteFile(r.file(7), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := r.abandoned(7); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	r.drop(7)
	if _, err := os.Stat(string(r)); !os.IsNotExist(err) {
		t.Error("the record is still there")
	}
	none := consoleRecords("")
	if err := none.keep(1); err != nil || none.abandoned(1) {
		t.Errorf("kept nowhere: %v", err)
	}
	none.drop(1)
}
