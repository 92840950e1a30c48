package serial

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"lom/bmc/host"
)

// Config is what a Port is made of.
type Config struct {
	// Open makes the connection to the machine's port, by dialling, accepting or opening; it may
	// wait until ctx ends. It is called again when a connection has ended.
	Open func(ctx context.Context) (io.ReadWriteCloser, error)
	// History is how many of the newest characters those get who attach.
	History int
	Logger  *slog.Logger // nil: discards
}

// A Breaker is a connection that can send a break.
type Breaker interface {
	Break() error
}

// A Port is a serial port behind a connection, such as a socket of a virtual machine or a terminal
// device. While nobody takes its characters, the machine's output is read and forgotten; while
// somebody is slow to, the machine has to wait.
type Port struct {
	Buffer
	cfg   Config
	end   context.CancelFunc
	ended sync.WaitGroup
	input chan struct{} // there may be something to send

	connMu sync.Mutex
	conn   io.ReadWriteCloser // nil: none
}

// Between a connection's end, or a failure to make one, and the next attempt.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Second
)

var _ host.Console = (*Port)(nil)

// New returns a port that begins to make its connection.
func New(cfg Config) *Port {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, end := context.WithCancel(context.Background())
	p := &Port{Buffer: Buffer{History: cfg.History, absent: true}, cfg: cfg, end: end,
		input: make(chan struct{}, 1)}
	p.ended.Go(func() { p.run(ctx) })
	return p
}

// run keeps the port connected until ctx ends.
func (p *Port) run(ctx context.Context) {
	for wait := firstRetry; ctx.Err() == nil; wait = min(2*wait, lastRetry) {
		conn, err := p.cfg.Open(ctx)
		if err != nil {
			p.cfg.Logger.Debug("serial port", "err", err)
		} else if p.serve(ctx, conn) {
			wait = firstRetry
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// serve moves characters until the connection ends, and reports whether any came.
func (p *Port) serve(ctx context.Context, conn io.ReadWriteCloser) (any bool) {
	ctx, end := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	var writer sync.WaitGroup
	writer.Go(func() {
		defer end()
		p.write(ctx, conn)
	})
	p.connMu.Lock()
	p.conn = conn
	p.connMu.Unlock()
	p.SetPresent(true)
	buf := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buf)
		any = any || n > 0
		for rest := buf[:n]; len(rest) > 0; {
			sent, more := p.Send(rest)
			if rest = rest[sent:]; more != nil {
				select {
				case <-more:
				case <-ctx.Done():
					rest = nil
				}
			}
		}
		if err != nil {
			p.cfg.Logger.Debug("serial port", "err", err)
			break
		}
	}
	end()
	stop()
	conn.Close()
	writer.Wait()
	p.connMu.Lock()
	p.conn = nil
	p.connMu.Unlock()
	p.SetPresent(false)
	return any
}

// write sends what was written, and breaks, until the connection ends.
func (p *Port) write(ctx context.Context, conn io.ReadWriteCloser) {
	buf := make([]byte, 512)
	for {
		n := p.Take(buf)
		if n > 0 {
			if _, err := conn.Write(buf[:n]); err != nil {
				return
			}
			continue
		}
		if p.TakeBreak() {
			if err := conn.(Breaker).Break(); err != nil {
				p.cfg.Logger.Debug("serial port: break", "err", err)
			}
			continue
		}
		select {
		case <-p.input:
		case <-ctx.Done():
			return
		}
	}
}

// Write implements host.Console.
func (p *Port) Write(b []byte) int {
	n := p.Buffer.Write(b)
	p.wakeWriter()
	return n
}

func (p *Port) wakeWriter() {
	select {
	case p.input <- struct{}{}:
	default:
	}
}

// Break implements host.Console.
func (p *Port) Break() error {
	p.connMu.Lock()
	defer p.connMu.Unlock()
	if _, ok := p.conn.(Breaker); !ok {
		return host.ErrUnsupported
	}
	_ = p.Buffer.Break()
	p.wakeWriter()
	return nil
}

// Close implements host.Console. It returns when the connection is closed.
func (p *Port) Close() error {
	p.end()
	p.Detach()
	p.ended.Wait()
	return nil
}
