package client

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// TestForgottenSession lets the BMC forget the session.
func TestForgottenSession(t *testing.T) {
	for _, iface := range []Interface{LANPlus, LAN} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			s := mustDial(t, n, WithInterface(iface))
			ask(t, s, 1)
			b.forget()
			ask(t, s, 2)
			if st := s.Stats(); st.Revived != 1 {
				t.Errorf("%+v", st)
			}
			// Many at once are one log-in.
			b.forget()
			var all sync.WaitGroup
			for i := range uint8(20) {
				all.Go(func() { ask(t, s, i) })
			}
			all.Wait()
			if st := s.Stats(); st.Revived != 2 {
				t.Errorf("%+v", st)
			}
			// What a changing command did is not known, and the session works on.
			b.forget()
			if _, err := s.Exchange(context.Background(), change(3)); !errors.Is(err,
				ipmi.ErrOutcomeUnknown) {
				t.Errorf("%v", err)
			}
			ask(t, s, 4)
			// After a long silence, a changing command is preceded by one that does no harm.
			b.forget()
			time.Sleep(2 * idleLimit)
			if _, err := s.Exchange(context.Background(), change(3)); err != nil {
				t.Errorf("after a long silence: %v", err)
			}
			// It takes no long wait to find out.
			b.forget()
			time.Sleep(2 * idleLimit)
			if d := elapsed(func() { ask(t, s, 5) }); d > 3*time.Second {
				t.Errorf("after a long silence it took %v", d)
			}
			// The password was changed meanwhile.
			b.forget()
			b.with(func() { b.password = "other" })
			if _, err := s.Exchange(context.Background(), echo(1)); !errors.Is(err,
				ipmi.ErrPassword) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestCommandWithoutAnswer has a BMC that is silent to one command, which is no reason to log in
// again.
func TestCommandWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				return 0, []byte{m.Cmd}, m.Cmd != 0x54
			}
		})
		s := mustDial(t, n)
		var other sync.WaitGroup
		other.Go(func() {
			for range 5 {
				time.Sleep(time.Second)
				ask(t, s, 1)
			}
		})
		if _, err := s.Exchange(context.Background(), echo(0x54)); !errors.Is(err,
			ipmi.ErrTimeout) {
			t.Errorf("%v", err)
		}
		other.Wait()
		if st := s.Stats(); st.Revived != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestDeadBMC ends a session whose BMC went away.
func TestDeadBMC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		b.with(func() { b.deaf = func(*rmcp.Packet) bool { return true } })
		var err error
		d := elapsed(func() { _, err = s.Exchange(context.Background(), echo(1)) })
		if !errors.Is(err, ipmi.ErrTimeout) || d > 14*time.Second {
			t.Errorf("after %v: %v", d, err)
		}
		b.with(func() { b.deaf = nil })
		ask(t, s, 2)
	})
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n, WithKeepAlive(20*time.Second))
		time.Sleep(65 * time.Second)
		b.with(func() {
			if !slices.Equal(b.commands, []string{"06 01", "06 01", "06 01"}) {
				t.Errorf("%v", b.commands)
			}
		})
		b.forget()
		time.Sleep(60 * time.Second)
		ask(t, s, 2)
		if st := s.Stats(); st.Revived != 1 {
			t.Errorf("%+v", st)
		}
	})
}
