package machine

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lom/client"
	"lom/ipmi"
)

// atOnce is how many requests a command that reads many parameters has in flight.
const atOnce = 8

// A paramReader reads parameters, several at a time.
type paramReader struct {
	group *errgroup.Group
	ctx   context.Context
	conn  client.Conn

	mu      sync.Mutex
	refused error // the first parameter that the BMC has, and does not give
}

func newParamReader(ctx context.Context, conn client.Conn) *paramReader {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	return &paramReader{group: g, ctx: ctx, conn: conn}
}

// wait returns when all is read, with the first error.
func (r *paramReader) wait() error {
	err := r.group.Wait()
	return cmp.Or(err, r.refused)
}

// read puts the parameter that get reads at *dst, or leaves it nil if the BMC does not have it. One
// that is refused does not keep the others from being read.
func read[P any](r *paramReader, dst **P, get func(context.Context, client.Conn) (P, error)) {
	r.group.Go(func() error {
		p, err := get(r.ctx, r.conn)
		isRefused := refused(err)
		switch {
		case err == nil:
			*dst = &p
		case missingParam(err):
		case isRefused:
			r.mu.Lock()
			r.refused = cmp.Or(r.refused, err)
			r.mu.Unlock()
		default:
			return err
		}
		return nil
	})
}

// readLAN is read for a LAN parameter.
func readLAN[P ipmi.LANParameter, PP ipmi.Reader[P]](
	r *paramReader, channel uint8, dst **P, selectors ...uint8,
) {
	read(r, dst, func(ctx context.Context, c client.Conn) (P, error) {
		return client.LANParam[P, PP](ctx, c, channel, selectors...)
	})
}

// readSOL is read for an SOL parameter.
func readSOL[P ipmi.SOLParameter, PP ipmi.Reader[P]](r *paramReader, channel uint8, dst **P) {
	read(r, dst, func(ctx context.Context, c client.Conn) (P, error) {
		return client.SOLParam[P, PP](ctx, c, channel)
	})
}

// readPEF is read for a PEF parameter.
func readPEF[P ipmi.PEFParameter, PP ipmi.Reader[P]](r *paramReader, dst **P, selectors ...uint8) {
	read(r, dst, func(ctx context.Context, c client.Conn) (P, error) {
		return client.PEFParam[P, PP](ctx, c, selectors...)
	})
}

// missingParam reports whether the BMC does not have a parameter, or has it too short to be of use.
func missingParam(err error) bool {
	return errors.Is(err, ipmi.ErrMalformed) || refused(err, ipmi.CodeParameterNotSupported,
		ipmi.CodeParameterOutOfRange, ipmi.CodeInvalidDataField)
}

// releaseTime bounds how long the end of a claim may take.
const releaseTime = 2 * time.Second

// guarded carries out change while the BMC's parameters are claimed. Not every BMC knows how to be
// claimed, and one that is claimed by a program that has ended stays so for ever: neither keeps
// change from being made.
func guarded(
	ctx context.Context, claim func(context.Context, ipmi.SetInProgress) error,
	change func() error,
) error {
	_ = claim(ctx, ipmi.SetInProgress{State: ipmi.SetBusy})
	err := change()
	// The BMC must not stay claimed, even if the user has lost patience.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if err == nil {
		_ = claim(ctx, ipmi.SetInProgress{State: ipmi.SetCommitWrite})
	}
	_ = claim(ctx, ipmi.SetInProgress{State: ipmi.SetComplete})
	return err
}

// errNotTaken says that a BMC took a value without an error, and does not have it.
var errNotTaken = errors.New("the BMC accepted the value but does not keep it; " +
	"it may be read-only, or follow from another setting")

// Some BMCs take their time to make a new network setting their own.
const (
	firstLook = 100 * time.Millisecond
	lastLook  = 3 * time.Second
	lookTime  = 30 * time.Second
)

// writeAndLook sets a parameter and reads it back until it is what was set. If the answer to the
// setting was lost, what is read says whether it was made.
func writeAndLook(ctx context.Context, set func() error, is func() (bool, error)) error {
	err := set()
	if err != nil && !errors.Is(err, ipmi.ErrOutcomeUnknown) {
		return err
	}
	wait := firstLook
	for end := lookTime; ; wait = min(2*wait, lastLook) {
		done, looked := is()
		switch {
		case done:
			return nil
		case looked != nil:
			return looked
		case err != nil:
			return err
		case end <= 0:
			return errNotTaken
		}
		end -= wait
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
