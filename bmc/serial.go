package bmc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"lom/ipmi"
	"lom/rmcp"
)

// channelSerial is the channel of serial lines, of which no settings are kept.
const channelSerial = 2

// SerialConfig says how a BMC answers on a serial line.
type SerialConfig struct {
	Basic bool // basic mode (§14.4) instead of terminal mode (§14.7)
	// Trusted lets everybody on the line do everything, without a log-in. Else terminal mode has
	// SYS PWD (§14.7.8), and basic mode answers only what is answered before a session.
	Trusted bool
}

// ServeSerial answers on a serial line until ctx ends or the line does, and closes it. The end of
// the line is not an error.
func (b *BMC) ServeSerial(ctx context.Context, line io.ReadWriteCloser, cfg SerialConfig) error {
	stop := context.AfterFunc(ctx, func() { _ = line.Close() }) // it ends the reading
	defer stop()
	l := &serialLine{ctx: ctx, b: b, cfg: cfg, line: line}
	defer l.end()
	defer line.Close()
	var basic rmcp.BasicReader
	var terminal rmcp.TerminalReader
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		for _, c := range buf[:n] {
			if cfg.Basic {
				if raw, ok := basic.Next(c); ok {
					l.basic(raw)
				}
			} else if text, ok := terminal.Next(c); ok {
				l.terminal(text)
			}
		}
		if err == nil {
			err = l.failure()
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed), errors.Is(err, io.ErrClosedPipe):
			return nil
		case err != nil:
			return err
		}
	}
}

// A serialLine is a line with its session, if there is one. Answers to bridged requests are written
// by goroutines of their own, because they come under the lock of the BMC and a write may block.
// Neither writing nor mu is held while the lock of the BMC is taken.
type serialLine struct {
	ctx    context.Context
	b      *BMC
	cfg    SerialConfig
	user   uint8         // that has logged in, 0 for none
	logins atomic.Uint32 // how often somebody logged in or out

	writing sync.Mutex
	line    io.Writer
	failed  error // of the last write

	mu   sync.Mutex
	late sync.WaitGroup // answers to bridged requests that are being written
	over bool           // no more are written
}

func (l *serialLine) write(p []byte) {
	l.writing.Lock()
	defer l.writing.Unlock()
	_, l.failed = l.line.Write(p)
}

// failure returns what was wrong with the last write.
func (l *serialLine) failure() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.failed
}

// bridged sends the answer to a request that was carried to another channel (§14.7.6), and does not
// wait until it is written.
func (l *serialLine) bridged(answer *rmcp.Message) {
	p := rmcp.AppendTerminalBridged(nil, answer)
	if l.cfg.Basic {
		p = rmcp.AppendBasic(nil, rmcp.AppendMessage(nil, answer))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.late.Go(func() { l.write(p) })
	}
}

// end waits for the answers that are being written. The line has been closed.
func (l *serialLine) end() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.late.Wait()
}

// basic answers a message of basic mode, and says first that there is room for the next.
func (l *serialLine) basic(raw []byte) {
	m, err := rmcp.ParseMessage(raw)
	if err != nil || m.NetFn.IsResponse() || m.To != ipmi.AddressBMC {
		return
	}
	answer, ok := l.answer(&m)
	if !ok {
		return
	}
	l.write(rmcp.AppendBasic([]byte{rmcp.BasicHandshake}, rmcp.AppendMessage(nil, &answer)))
}

// terminal answers a message or a text of terminal mode.
func (l *serialLine) terminal(text string) {
	m, err := rmcp.ParseTerminal(text)
	switch words := strings.Fields(text); {
	case err == nil && m.NetFn.IsResponse():
	case err == nil:
		if answer, ok := l.answer(&m); ok {
			l.write(rmcp.AppendTerminal(nil, &answer))
		}
	case len(words) > 0 && strings.EqualFold(words[0], "SYS"):
		said, code := l.text(words[1:])
		if code != ipmi.CodeOK {
			said = fmt.Sprintf("[ERR %02X]\r\n", uint8(code))
		}
		l.write([]byte(said))
	}
}

// privilege returns what the line may do now. The caller holds the lock of the BMC.
func (l *serialLine) privilege() ipmi.Privilege {
	if l.cfg.Trusted {
		return ipmi.PrivilegeAdministrator
	}
	if l.user == 0 || !l.b.accounts.hasAccess(l.b, l.user) { // a lock is for log-ins
		return 0
	}
	return l.b.limit(l.user)
}

// answer carries out a request and waits until what it changed is kept. It is false if ctx ended
// before.
func (l *serialLine) answer(m *rmcp.Message) (rmcp.Message, bool) {
	answers := make(chan rmcp.Message, 1)
	request := *m
	request.Data = slices.Clone(m.Data)
	l.b.do(func() {
		on := &Context{Context: l.ctx, Channel: channelSerial, LUN: m.ToLUN,
			Privilege: l.privilege(), User: l.user, line: l}
		l.b.carryOut(on, m.NetFn, m.Cmd, request.Data, func(cc ipmi.CompletionCode, data []byte) {
			answers <- request.Reply(cc, data)
		})
	})
	select {
	case a := <-answers:
		return a, true
	case <-l.ctx.Done():
		return rmcp.Message{}, false
	}
}

// text carries out a text command, the words behind SYS (Table 14-13), and returns what is said
// about it.
func (l *serialLine) text(words []string) (string, ipmi.CompletionCode) {
	const ok = "[OK]\r\n"
	if len(words) > 0 && words[0] == "PWD" {
		return ok, l.password(words[1:])
	}
	switch strings.ToUpper(strings.Join(words, " ")) {
	case "TMODE":
		return "[OK TMODE]\r\n", ipmi.CodeOK
	case "RESET":
		return ok, l.control(ipmi.ChassisControl{Action: ipmi.HardReset})
	case "POWER ON":
		return ok, l.control(ipmi.ChassisControl{Action: ipmi.PowerUp})
	case "POWER OFF":
		return ok, l.control(ipmi.ChassisControl{Action: ipmi.PowerDown})
	case "IDENTIFY", "IDENTIFY -ON":
		return ok, l.control(ipmi.ChassisIdentify{})
	case "IDENTIFY -OFF":
		return ok, l.control(ipmi.ChassisIdentify{Interval: new(uint8)})
	}
	return "", ipmi.CodeInvalidCommand
}

// control carries out the command that a text stands for.
func (l *serialLine) control(req interface {
	Command() ipmi.Command
	AppendBinary([]byte) ([]byte, error)
}) ipmi.CompletionCode {
	data, err := req.AppendBinary(nil)
	if err != nil {
		return ipmi.CodeUnspecified
	}
	answer, ok := l.answer(&rmcp.Message{NetFn: req.Command().NetFn, Cmd: req.Command().Code,
		Data: data})
	if !ok {
		return ipmi.CodeUnspecified
	}
	return answer.Code
}

// password logs in or out (SYS PWD). Whatever it is, who was logged in is not any more.
func (l *serialLine) password(words []string) (code ipmi.CompletionCode) {
	l.user = 0
	l.logins.Add(1)
	name, password := "", ""
	switch {
	case len(words) == 1 && words[0] == "-X":
		return ipmi.CodeOK
	case len(words) >= 2 && words[0] == "-U":
		name, password = words[1], strings.Join(words[2:], " ")
	case len(words) >= 1 && words[0] == "-N":
		password = strings.Join(words[1:], " ")
	default:
		return ipmi.CodeInvalidDataField
	}
	code = ipmi.CodeInvalidDataField
	l.b.do(func() {
		id := l.b.accounts.find(l.b, []byte(name), 0)
		switch {
		case id == 0 || l.b.accounts.user[id].Twenty:
		case !samePassword(l.b.accounts.user[id].Password, password):
			l.b.login.passwordWrong(l.b, id)
		default:
			l.b.login.passwordRight(id)
			l.user, code = id, ipmi.CodeOK
		}
	})
	return code
}

// samePassword compares a password of 16 bytes with one that was typed, in the same time whether
// they are the same or not.
func samePassword(kept []byte, typed string) bool {
	if len(typed) > 16 {
		return false
	}
	var a, b [16]byte
	copy(a[:], kept)
	copy(b[:], typed)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
