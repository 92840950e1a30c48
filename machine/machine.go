package machine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"lom/client"
	"lom/ipmi"
	"lom/machine/cache"
)

// A Machine is a server as its BMC shows it.
type Machine struct {
	conn client.Conn
	log  *slog.Logger
	now  func() time.Time
	name func(ipmi.ManufacturerID) string

	cache   cache.Dir
	address string                                  // by which things are kept
	records func(context.Context) ([][]byte, error) // nil: of the BMC

	mu     sync.Mutex
	device *ipmi.DeviceID // as the BMC said once
}

// An Option changes how a Machine works.
type Option func(*Machine)

// WithLogger makes the machine log what it decides, such as which records are taken from the cache.
func WithLogger(l *slog.Logger) Option {
	return func(m *Machine) {
		if l != nil {
			m.log = l
		}
	}
}

// WithClock sets the clock by which the age of things is judged; the default is time.Now.
func WithClock(now func() time.Time) Option { return func(m *Machine) { m.now = now } }

// WithManufacturers sets the function that names a manufacturer by its IANA enterprise number;
// the default knows the makers of BMCs.
func WithManufacturers(name func(ipmi.ManufacturerID) string) Option {
	return func(m *Machine) { m.name = name }
}

// New returns the machine whose BMC conn leads to.
func New(conn client.Conn, opts ...Option) *Machine {
	m := &Machine{conn: conn, log: slog.New(slog.DiscardHandler), now: time.Now,
		name: ManufacturerName}
	for _, o := range opts {
		o(m)
	}
	return m
}

// Conn returns the connection to the BMC, for commands that the package has no function for.
func (m *Machine) Conn() client.Conn { return m.conn }

// A PartialError comes with a result that is not whole: what could be read is in the result, and
// the error says what could not.
type PartialError struct{ Err error }

func (e *PartialError) Error() string { return e.Err.Error() }
func (e *PartialError) Unwrap() error { return e.Err }

// do carries out one command on the machine's BMC. what says in ipmitool's words what it is for.
func do[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](ctx context.Context, m *Machine, what string,
	req Q) (R, error) {
	r, err := client.Do[Q, R, PR](ctx, m.conn, req)
	return r, failed(what, err)
}

// failed makes Op of the error say what was tried, unless it says so already.
func failed(what string, err error) error {
	var e *ipmi.Error
	if err == nil || !errors.As(err, &e) || e.Op != "" {
		return err
	}
	op := *e
	op.Op = what
	return &op
}

// refused reports whether a BMC has answered with one of these completion codes, or with any if
// none is named.
func refused(err error, codes ...ipmi.CompletionCode) bool {
	var code ipmi.CompletionCode
	if !errors.As(err, &code) {
		return false
	}
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return len(codes) == 0
}

// orNil returns a pointer to v, or nil if v is not known.
func orNil[T any](v T, known bool) *T {
	if !known {
		return nil
	}
	return &v
}

// missingEntries says which entries of a table the BMC refused, nil if none.
func missingEntries(table string, entries []int) error {
	if len(entries) == 0 {
		return nil
	}
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(entries), " ", ", "), "[]")
	return &PartialError{fmt.Errorf("the BMC refused %s %s", table, list)}
}
