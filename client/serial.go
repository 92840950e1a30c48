package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// How long an answer over a serial line is waited for, and how often a request is sent, as in
// ipmitool.
const (
	serialTimeout = 5 * time.Second
	serialTries   = 5
)

// SerialConfig says how to talk over a serial line. The zero value is terminal mode without a
// log-in.
type SerialConfig struct {
	Basic    bool          // basic mode (§14.4) instead of terminal mode (§14.7)
	Login    bool          // log in, in terminal mode: SYS PWD (§14.7.8)
	User     string        // "" is the null user
	Password ipmi.Secret   // printable, at most 16 characters
	Timeout  time.Duration // of an answer; 0: 5 s
	Tries    int           // how often a request that changes nothing is sent at most; 0: 5
}

// A Serial is a BMC at the other end of a serial line. One request is under way at a time; others
// wait for it.
type Serial struct {
	line   io.ReadWriteCloser
	config SerialConfig
	turn   chan struct{} // holds one element while the line is free
	over   chan struct{} // closed when nothing is received any more

	messages chan rmcp.Message
	texts    chan string // of terminal mode, other than messages
	seq      uint8       // of the last request; whoever has the turn may use it
	queued   bool        // answers of other controllers come to the receive message queue; as seq

	mu  sync.Mutex
	err error // why nothing is received any more
}

// NewSerial talks to the BMC at the other end of line, which it takes over, and logs in if cfg says
// so. The errors are *ipmi.Error: ipmi.ErrPassword (user or password are wrong) and
// ipmi.ErrTimeout.
func NewSerial(ctx context.Context, line io.ReadWriteCloser, cfg SerialConfig) (*Serial, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = serialTimeout
	}
	if cfg.Tries <= 0 {
		cfg.Tries = serialTries
	}
	s := &Serial{
		line: line, config: cfg, turn: make(chan struct{}, 1), over: make(chan struct{}),
		messages: make(chan rmcp.Message, 1), texts: make(chan string, 1),
	}
	s.turn <- struct{}{}
	go s.receive()
	if cfg.Login {
		if err := s.login(ctx); err != nil {
			_ = s.Close()
			return nil, &ipmi.Error{Op: "log in", Err: err}
		}
	}
	return s, nil
}

// Close logs out, if there was a log-in, and closes the line.
func (s *Serial) Close() error {
	if s.config.Login {
		select {
		case <-s.turn:
			_, _ = io.WriteString(s.line, "[SYS PWD -X]\r\n") // the line may be gone already
		default:
		}
	}
	err := s.line.Close()
	<-s.over
	return err
}

// receive reads the line until it is closed.
func (s *Serial) receive() {
	defer close(s.over)
	var basic rmcp.BasicReader
	var terminal rmcp.TerminalReader
	buf := make([]byte, 256)
	for {
		n, err := s.line.Read(buf)
		for _, c := range buf[:n] {
			if s.config.Basic {
				if raw, ok := basic.Next(c); ok {
					if m, err := rmcp.ParseMessage(bytes.Clone(raw)); err == nil {
						offer(s.messages, m)
					}
				}
			} else if text, ok := terminal.Next(c); ok {
				if m, err := rmcp.ParseTerminal(text); err == nil {
					offer(s.messages, m)
				} else {
					offer(s.texts, text)
				}
			}
		}
		if err != nil {
			if errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe) ||
				errors.Is(err, io.EOF) {
				err = ipmi.ErrClosed
			}
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
			return
		}
	}
}

// offer puts v into a channel for one element, in the place of one that nobody has taken.
func offer[T any](c chan T, v T) {
	for {
		select {
		case c <- v:
			return
		default:
		}
		select {
		case <-c:
		default:
		}
	}
}

// login opens a session by SYS PWD (Table 14-13).
func (s *Serial) login(ctx context.Context) error {
	who := "-U " + s.config.User
	if s.config.User == "" {
		who = "-N"
	}
	command := "SYS PWD " + who
	if s.config.Password.Len() > 0 {
		command += " " + s.config.Password.Reveal()
	}
	for _, c := range []byte(command) {
		if c < ' ' || c > '~' || c == '[' || c == ']' || c == '\\' {
			return errors.New("terminal mode carries names and passwords of printable characters " +
				"only, without brackets and backslashes")
		}
	}
	for range s.config.Tries {
		if _, err := io.WriteString(s.line, "["+command+"]\r\n"); err != nil {
			return err
		}
		text, err := await(ctx, s, s.texts, func(text string) bool {
			return strings.HasPrefix(text, "OK") || strings.HasPrefix(text, "ERR")
		})
		switch {
		case errors.Is(err, ipmi.ErrTimeout):
			continue
		case err != nil:
			return err
		case strings.HasPrefix(text, "ERR"):
			return fmt.Errorf("%w, or wrong user name", ipmi.ErrPassword)
		}
		return nil
	}
	return ipmi.ErrTimeout
}

// await waits for what is wanted from a channel. Its error is ErrTimeout when it has not come in
// time.
func await[T any](ctx context.Context, s *Serial, c <-chan T,
	wanted func(T) bool) (v T, err error) {
	timer := time.NewTimer(s.config.Timeout)
	defer timer.Stop()
	for {
		select {
		case v = <-c:
			if wanted(v) {
				return v, nil
			}
		case <-timer.C:
			return v, ipmi.ErrTimeout
		case <-ctx.Done():
			return v, context.Cause(ctx)
		case <-s.over:
			s.mu.Lock()
			defer s.mu.Unlock()
			return v, s.err
		}
	}
}

// Exchange sends one request and waits for its answer. A request that changes state is sent once.
func (s *Serial) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return s.exchange(ctx, req, nil)
}

// Target returns a connection to the controller with the given slave address behind the BMC, on the
// given channel, 0 for the primary IPMB. Its requests travel in Send Message commands (§14.7.6).
func (s *Serial) Target(addr, channel uint8) Conn {
	return bridged{s, []hop{{addr, channel}}}
}

// TargetVia returns a connection to a controller behind another one that is behind the BMC, as
// [Session.TargetVia] does.
func (s *Serial) TargetVia(transitAddr, transitChannel, addr, channel uint8) Conn {
	return bridged{s, []hop{{transitAddr, transitChannel}, {addr, channel}}}
}

func (s *Serial) exchange(ctx context.Context, req ipmi.RawRequest,
	route []hop) (ipmi.RawResponse, error) {
	resp, err := s.inTurn(ctx, req, route)
	if e := new(ipmi.Error); err != nil && !errors.As(err, &e) {
		err = &ipmi.Error{Command: req.Command, Err: err}
	}
	return resp, err
}

// inTurn carries out a request when the line is free.
func (s *Serial) inTurn(ctx context.Context, raw ipmi.RawRequest,
	route []hop) (resp ipmi.RawResponse, err error) {
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return resp, context.Cause(ctx)
	case <-s.over:
		return resp, ipmi.ErrClosed
	}
	select {
	case <-s.over:
		return resp, ipmi.ErrClosed
	default:
	}
	r := s.newRequest(raw, route)
	if !s.queued || route == nil {
		resp, err = s.send(ctx, r, r.message(trackResponse, 0))
		if route == nil || !noTracking(err) {
			return resp, err
		}
		r, s.queued = s.newRequest(raw, route), true
	}
	return s.sendQueued(ctx, r)
}

// newRequest returns a request with the next sequence number. The caller has the turn.
func (s *Serial) newRequest(raw ipmi.RawRequest, route []hop) *request {
	s.seq = (s.seq + 1) & rmcp.MaxSeq
	return &request{raw: raw, route: route, seq: s.seq}
}

// send sends a request as m and waits for its answer. The caller has the turn.
func (s *Serial) send(ctx context.Context, r *request,
	m rmcp.Message) (resp ipmi.RawResponse, err error) {
	packet := rmcp.AppendTerminal(nil, &m)
	if s.config.Basic {
		packet = rmcp.AppendBasic(nil, rmcp.AppendMessage(nil, &m))
	}
	for range s.config.Tries {
		if _, err := s.line.Write(packet); err != nil {
			return resp, err
		}
		var answer rmcp.Message
		var is verdict
		_, err = await(ctx, s, s.messages, func(a rmcp.Message) bool {
			answer, is = r.unwrap(a)
			return is == ours || is == bridgeFailed
		})
		switch {
		case err == nil && is == bridgeFailed:
			return resp, &ipmi.Error{Command: sendMessage, Code: answer.Code}
		case err == nil:
			return readAnswer(r.raw.Command, answer.Code, answer.Data)
		case r.raw.Command.Changes:
			return resp, fmt.Errorf("%w: %w", ipmi.ErrOutcomeUnknown, err)
		case !errors.Is(err, ipmi.ErrTimeout):
			return resp, err
		}
	}
	return resp, err
}
