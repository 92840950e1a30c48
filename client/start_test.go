package client

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// TestStart asks without waiting, again from within the answer.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		startBMC(t, n)
		s := mustDial(t, n)
		var all sync.WaitGroup
		all.Add(200)
		var next func(cmd uint8) func(ipmi.RawResponse, error)
		next = func(cmd uint8) func(ipmi.RawResponse, error) {
			return func(r ipmi.RawResponse, err error) {
				defer all.Done()
				if err != nil || !bytes.Equal(r.Data, []byte{cmd}) {
					t.Errorf("command %02x: %+v, %v", cmd, r, err)
				}
				if cmd < 100 {
					s.Start(echo(cmd+100), next(cmd+100))
				}
			}
		}
		for cmd := range uint8(100) {
			s.Start(echo(cmd), next(cmd))
		}
		all.Wait()
		if st := s.Stats(); st.Sent != 200 {
			t.Errorf("%+v", st)
		}
	})
}

// answerOf starts a request and waits for its answer.
func answerOf(s *Session, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	var r ipmi.RawResponse
	var err error
	done := make(chan struct{})
	s.Start(req, func(resp ipmi.RawResponse, e error) {
		r, err = ipmi.RawResponse{Code: resp.Code, Data: bytes.Clone(resp.Data)}, e
		close(done)
	})
	<-done
	return r, err
}

// TestStartIsLikeExchange has a higher privilege asked for, a session that was forgotten set up
// again, and errors told.
func TestStartIsLikeExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		admin := echo(1)
		admin.Command.Privilege = ipmi.PrivilegeAdministrator
		if r, err := answerOf(s, admin); err != nil || !bytes.Equal(r.Data, []byte{1}) {
			t.Errorf("%+v, %v", r, err)
		}
		b.with(func() {
			if len(b.commands) != 2 || b.commands[0] != "06 3b" {
				t.Errorf("%v", b.commands)
			}
		})
		b.forget()
		if r, err := answerOf(s, echo(2)); err != nil || !bytes.Equal(r.Data, []byte{2}) {
			t.Errorf("%+v, %v", r, err)
		}
		b.forget()
		if _, err := answerOf(s, change(3)); !errors.Is(err, ipmi.ErrOutcomeUnknown) ||
			!errors.Is(err, ipmi.ErrTimeout) {
			t.Errorf("%v", err)
		}
		b.forget()
		time.Sleep(2 * idleLimit)
		if _, err := answerOf(s, change(3)); err != nil {
			t.Errorf("after a long silence: %v", err)
		}
		b.with(func() { b.deaf = func(*rmcp.Packet) bool { return true } })
		var e *ipmi.Error
		if _, err := answerOf(s, echo(2)); !errors.Is(err, ipmi.ErrTimeout) ||
			!errors.As(err, &e) || e.Peer == "" {
			t.Errorf("%v", err)
		}
		_ = s.Close()
		if _, err := answerOf(s, echo(2)); !errors.Is(err, ipmi.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestTypedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				return 0, []byte{0x20, 1, 2, 3, 0x51, 0, 0, 0, 0, 0, 0}, m.Cmd == 1
			}
		})
		s := mustDial(t, n)
		done := make(chan error)
		Start(s, ipmi.GetDeviceID{}, func(id ipmi.DeviceID, err error) {
			if err == nil && id.ID != 0x20 {
				t.Errorf("%+v", id)
			}
			done <- err
		})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestChores has more work than there are workers.
func TestChores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c chores
		var all sync.WaitGroup
		all.Add(3 * maxChores)
		for range 3 * maxChores {
			c.add(func() {
				time.Sleep(time.Second)
				all.Done()
			})
		}
		if d := elapsed(all.Wait); d != 3*time.Second {
			t.Errorf("it took %v", d)
		}
		synctest.Wait()
		if c.workers != 0 {
			t.Errorf("%d workers are left", c.workers)
		}
	})
}
