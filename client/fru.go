package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lom/ipmi"
	"lom/ipmi/fru"
)

// codeFRUBusy is what the FRU commands answer while the device is in use (Tables 34-3 and 34-4).
const codeFRUBusy ipmi.CompletionCode = 0x81

// Errors of FRU writes, for errors.Is.
var (
	ErrFRUSize   = errors.New("the image is bigger than the FRU inventory device")
	ErrFRUVerify = errors.New("the FRU inventory device does not hold what was written to it")
)

// fruPieces are the sizes that are tried for one read or write, in bytes: the first fits into the
// one-byte length of an IPMI 1.5 packet, the last into every message on an IPMB.
var fruPieces = [...]int{240, 64, 32, 16, 8}

// fruSafe is the size that fits into a message on every channel.
const fruSafe = 16

// Backoff from a busy device.
const (
	fruWaits = 20
	fruWait  = 200 * time.Millisecond
)

// A FRUDevice reads and writes one FRU inventory device. It learns how much the BMC takes at a
// time, and then reads several pieces at a time. It must not be used by several goroutines at a
// time.
type FRUDevice struct {
	ID   uint8
	Size int // bytes

	c             Conn
	words         bool
	transferSizes *transferSizes

	mu     sync.Mutex // guards the fields below
	pieces []int      // of fruPieces, those that were not refused
	proven bool       // a piece of the first size has been read
	waits  int        // for a busy device
}

// fruAtOnce is how many pieces of a device are asked for at a time.
const fruAtOnce = 8

// OpenFRU asks for the size and the kind of a FRU inventory device. The error for a device that is
// not there has the BMC's completion code.
func OpenFRU(ctx context.Context, c Conn, id uint8) (*FRUDevice, error) {
	info, err := Do(ctx, c, ipmi.GetFRUInventoryAreaInfo{Device: id})
	if err != nil {
		return nil, err
	}
	d := &FRUDevice{ID: id, Size: int(info.Size), c: c, words: info.ByWords,
		transferSizes: transferSizesOf(c)}
	d.pieces, d.proven = d.transferSizes.fruPieces()
	return d, nil
}

// Open opens another device of the same controller. It starts with the size of pieces that d has
// learnt.
func (d *FRUDevice) Open(ctx context.Context, id uint8) (*FRUDevice, error) {
	e, err := OpenFRU(ctx, d.c, id)
	if err == nil {
		d.mu.Lock()
		e.pieces, e.proven = d.pieces, d.proven
		d.mu.Unlock()
	}
	return e, err
}

// ByWords reports whether the device is read and written by words of two bytes.
func (d *FRUDevice) ByWords() bool { return d.words }

// Read reads what the FRU's areas hold, and no more of the device than that. The internal use area,
// which is the controller's own, is left out. With an error of fru.Parse, or of areas that the BMC
// refuses, the rest of the image is returned too. If the device could not be read, the image is
// nil.
func (d *FRUDevice) Read(ctx context.Context) (*fru.Image, error) {
	var failure error // which is not about one area
	b, unread := fru.ReadAreas(d.Size, func(p []byte, at, need int) (int, error) {
		if failure != nil {
			return 0, failure
		}
		n, err := d.read(ctx, p, at, need)
		if err != nil && (at == 0 || !aboutRecord(err) || errors.Is(err, ipmi.ErrTimeout)) {
			failure = err
		}
		return n, err
	})
	if failure != nil {
		return nil, failure
	}
	m, err := fru.Parse(b)
	m.Internal = nil
	return m, d.without(m, unread, err)
}

// without takes the areas that could not be read out of an image, and what is wrong with what
// stands in their place out of its error.
func (d *FRUDevice) without(m *fru.Image, unread, wrong error) error {
	if unread == nil {
		return wrong
	}
	gone := map[fru.Area]bool{}
	for _, err := range joined(unread) {
		if e := new(fru.Error); errors.As(err, &e) {
			gone[e.Area] = true
		}
	}
	if gone[fru.ChassisArea] {
		m.Chassis = nil
	}
	if gone[fru.BoardArea] {
		m.Board = nil
	}
	if gone[fru.ProductArea] {
		m.Product = nil
	}
	if gone[fru.MultiRecordArea] {
		m.Records = nil
	}
	errs := []error{unread}
	for _, err := range joined(wrong) {
		if e := new(fru.Error); !errors.As(err, &e) || !gone[e.Area] {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// joined returns the errors of errors.Join.
func joined(err error) []error {
	if err == nil {
		return nil
	}
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range list.Unwrap() {
		out = append(out, joined(e)...)
	}
	return out
}

// ReadAll reads all bytes of the device. A device that ends before its reported size is returned as
// far as it goes.
func (d *FRUDevice) ReadAll(ctx context.Context) ([]byte, error) {
	b := make([]byte, d.Size)
	for at := 0; at < len(b); {
		n, err := d.read(ctx, b[at:], at, len(b)-at)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return b[:at], nil
		}
		at += n
	}
	return b, nil
}

// read reads from byte at into p, of which the first need bytes are sure to be wanted: one piece,
// or as many at a time as make up need when it is known how big pieces are. It returns 0 without an
// error where the device ends.
func (d *FRUDevice) read(ctx context.Context, p []byte, at, need int) (int, error) {
	d.mu.Lock()
	piece, proven := d.pieces[0], d.proven
	d.mu.Unlock()
	if !proven || need <= piece || d.words && at&1 == 1 {
		return d.readSome(ctx, p, at)
	}
	need = min(need, fruAtOnce*piece)
	got := make([]int, (need+piece-1)/piece)
	g, gctx := errgroup.WithContext(ctx)
	for i := range got {
		from := i * piece
		to := min(from+piece, len(p)) // the last piece may be a whole one: that costs nothing
		g.Go(func() (err error) {
			got[i], err = d.readSome(gctx, p[from:to:to], at+from)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		// a failure of bytes that are not needed must not fail those that are
		return d.readSome(ctx, p, at)
	}
	n := 0
	for i, m := range got {
		n += m
		if m < min(piece, len(p)-i*piece) {
			break
		}
	}
	return n, nil
}

// readSome reads from byte at into p, as much as the BMC returns at a time. It returns 0
// without an error where the device ends.
func (d *FRUDevice) readSome(ctx context.Context, p []byte, at int) (int, error) {
	skip := 0
	if d.words {
		skip = at & 1
	}
	for {
		d.mu.Lock()
		pieces := d.pieces
		d.mu.Unlock()
		want := min(len(p)+skip, pieces[0])
		if d.words {
			want = (want + 1) &^ 1
		}
		req := ipmi.ReadFRUData{Device: d.ID, Offset: uint16(at - skip), Count: uint8(want)}
		if d.words {
			req.Offset, req.Count = req.Offset/2, req.Count/2
		}
		resp, err := Do(ctx, d.c, req)
		if err != nil {
			if at > 0 && len(pieces) == 1 &&
				(errors.Is(err, ipmi.CodeParameterOutOfRange) ||
					errors.Is(err, ipmi.CodeCannotReturnBytes)) {
				return 0, nil
			}
			if err := d.smaller(ctx, pieces, err); err != nil {
				return 0, err
			}
			continue
		}
		n := int(resp.Count)
		if d.words {
			n *= 2
		}
		if n > len(resp.Data) || n > want {
			return 0, &ipmi.Error{Command: req.Command(),
				Err: fmt.Errorf("%w: it says %d bytes and has %d", ipmi.ErrMalformed, n,
					len(resp.Data))}
		}
		if n <= skip {
			return 0, nil
		}
		d.prove(pieces, n)
		return copy(p, resp.Data[skip:n]), nil
	}
}

// prove notes that a piece was read.
func (d *FRUDevice) prove(pieces []int, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.proven && len(pieces) == len(d.pieces) && n == pieces[0] {
		d.proven = true
		d.transferSizes.setFRUPieces(pieces)
	}
}

// smaller decides after a refusal of the first of pieces whether to try again, with smaller pieces
// or, if the device is busy, after a while; otherwise it returns the error.
func (d *FRUDevice) smaller(ctx context.Context, pieces []int, err error) error {
	var code ipmi.CompletionCode
	if errors.As(err, &code) && (code == codeFRUBusy || code == ipmi.CodeNodeBusy) {
		d.mu.Lock()
		d.waits++
		tired := d.waits > fruWaits
		d.mu.Unlock()
		if tired {
			return err
		}
		return pause(ctx, fruWait)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pieces) < len(pieces) {
		return nil // another request has learnt a smaller size
	}
	switch {
	case len(pieces) == 1:
		return err
	case errors.Is(err, ipmi.ErrTimeout) && ctx.Err() == nil && pieces[0] > fruSafe:
		// Some BMCs do not answer what they cannot do: one timeout is enough.
		for d.pieces[0] > fruSafe {
			d.pieces = d.pieces[1:]
		}
		return nil
	}
	switch code {
	case ipmi.CodeDataLengthInvalid, ipmi.CodeDataFieldTooLong, ipmi.CodeCannotReturnBytes,
		ipmi.CodeParameterOutOfRange,
		ipmi.CodeDataTruncated, ipmi.CodeUnspecified, ipmi.CodeNoResponse:
		d.pieces, d.proven = d.pieces[1:], false
		return nil
	}
	return err
}

// Write makes the device hold image from its first byte on, and reads back what it wrote. Only what
// differs from what the device holds is written, the common header last. The error is ErrFRUSize,
// before anything is written, or ErrFRUVerify; a protected part of the device is a completion code
// of Write FRU Data.
func (d *FRUDevice) Write(ctx context.Context, image []byte) error {
	if len(image) > d.Size {
		return fmt.Errorf("%w: %d bytes for %d", ErrFRUSize, len(image), d.Size)
	}
	old, err := d.ReadAll(ctx)
	if err != nil {
		return err
	}
	if len(image) > len(old) {
		return fmt.Errorf("%w: %d bytes for %d", ErrFRUSize, len(image), len(old))
	}
	const header = 8
	for at := min(header, len(image)); at < len(image); {
		n := d.difference(image, old, at)
		if n == 0 {
			at++
			continue
		}
		if n, err = d.writeSome(ctx, image[at:at+n], at); err != nil {
			return err
		}
		at += n
	}
	for at, end := 0, min(header, len(image)); at < end && !bytes.Equal(image[:end], old[:end]); {
		n, err := d.writeSome(ctx, image[at:end], at)
		if err != nil {
			return err
		}
		at += n
	}
	now, err := d.ReadAll(ctx)
	if err != nil {
		return err
	}
	for i, x := range image {
		if i >= len(now) || now[i] != x {
			return &ipmi.Error{Op: fmt.Sprintf("write FRU %d", d.ID),
				Err: fmt.Errorf("%w: byte %d", ErrFRUVerify, i)}
		}
	}
	return nil
}

// difference returns the length of what is to be written at byte at: 0 if that byte is as it should
// be. Equal stretches shorter than a request's overhead do not end it.
func (d *FRUDevice) difference(image, old []byte, at int) int {
	if d.words {
		if at&1 == 1 {
			return 0 // its word was looked at with the byte before
		}
		if at+1 < len(image) && image[at] == old[at] && image[at+1] != old[at+1] {
			return 2
		}
	}
	if image[at] == old[at] {
		return 0
	}
	const gap = 16
	end, same := at+1, 0
	for i := at + 1; i < len(image) && same < gap; i++ {
		if same++; image[i] != old[i] {
			end, same = i+1, 0
		}
	}
	if d.words {
		end = min((end+1)&^1, len(image))
	}
	return end - at
}

// writeSome writes the beginning of p at byte at and returns how much was taken.
func (d *FRUDevice) writeSome(ctx context.Context, p []byte, at int) (int, error) {
	if d.words && (at|len(p))&1 == 1 {
		return 0, &ipmi.Error{Op: fmt.Sprintf("write FRU %d", d.ID),
			Err: errors.New("the device takes an even number of bytes only")}
	}
	for {
		n := min(len(p), d.pieces[0])
		req := ipmi.WriteFRUData{Device: d.ID, Offset: uint16(at), Data: p[:n]}
		if d.words {
			req.Offset /= 2
		}
		resp, err := Do(ctx, d.c, req)
		if err != nil {
			if err := d.smaller(ctx, d.pieces, err); err != nil {
				return 0, err
			}
			continue
		}
		took := int(resp.Count)
		if d.words {
			took *= 2
		}
		if took == 0 || took > n {
			return 0, &ipmi.Error{Command: req.Command(),
				Err: fmt.Errorf("%w: it wrote %d of %d bytes", ipmi.ErrMalformed, took, n)}
		}
		return took, nil
	}
}
