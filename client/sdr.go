package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

// ReadSDRs reads all records of the SDR repository, each as its bytes with its header (§33).
// Records are asked for as a whole; from a BMC that refuses that they are read in parts, under a
// reservation that is renewed when it is lost. An empty repository is no error.
func ReadSDRs(ctx context.Context, c Conn) ([][]byte, error) {
	return readSDRs(ctx, repositoryOf(c))
}

// ReadSDR reads one record of the SDR repository and the ID of the one after it, which
// is ipmi.LastRecord behind the last.
func ReadSDR(ctx context.Context, c Conn, id uint16) (raw []byte, next uint16, err error) {
	r := sdrReader{sdrSource: repositoryOf(c), whole: true}
	return r.record(ctx, id)
}

func repositoryOf(c Conn) sdrSource {
	return sdrSource{
		name: "SDR",
		get:  func(ctx context.Context, req ipmi.GetSDR) (ipmi.SDRData, error) { return Do(ctx, c, req) },
		reserve: func(ctx context.Context) (ipmi.Reservation, error) {
			return Do(ctx, c, ipmi.ReserveSDRRepository{})
		},
	}
}

// ReadDeviceSDRs reads the records that a controller, such as a satellite, has of its own
// sensors (§35.2-35.4), in the manner of [ReadSDRs].
func ReadDeviceSDRs(ctx context.Context, c Conn) ([][]byte, error) {
	return readSDRs(ctx, sdrSource{
		name: "device SDR",
		get: func(ctx context.Context, req ipmi.GetSDR) (ipmi.SDRData, error) {
			return Do(ctx, c, ipmi.GetDeviceSDR(req))
		},
		reserve: func(ctx context.Context) (ipmi.Reservation, error) {
			return Do(ctx, c, ipmi.ReserveDeviceSDRRepository{})
		},
	})
}

// sdrSource is a repository of either kind.
type sdrSource struct {
	name    string
	get     func(context.Context, ipmi.GetSDR) (ipmi.SDRData, error)
	reserve func(context.Context) (ipmi.Reservation, error)
}

const (
	sdrHeader = 5 // bytes, the last of which is the number of bytes that follow
	// sdrReservations is how often a reservation may be lost in reading one record.
	sdrReservations = 30
	// sdrPause is how much longer each wait between them is at the most: clients that read the same repository at the same
	// time take each other's reservations away for ever where the BMC has one for all.
	sdrPause = 5 * time.Millisecond
	// sdrPasses is how often the list of records is begun again because it changed meanwhile.
	sdrPasses = 4
)

// sdrParts are the sizes in bytes that are tried when a BMC refuses more: 33 is what fits into a message of
// 36 bytes, 22 into one of the IPMB.
var sdrParts = [...]int{64, 33, 32, 22, 16, 8, 5}

// sdrReader reads records and remembers what the BMC can do.
type sdrReader struct {
	sdrSource
	reservation uint16
	reserved    bool
	whole       bool // whole records have not been refused
	part        int  // index of sdrParts
	learned     bool // that part has been read
}

func readSDRs(ctx context.Context, src sdrSource) ([][]byte, error) {
	r := sdrReader{sdrSource: src, whole: true}
	var err error
	for range sdrPasses {
		var out [][]byte
		if out, err = r.all(ctx); !errors.Is(err, ipmi.CodeNotPresent) {
			return out, err
		}
	}
	return nil, err
}

// all follows the list of records once. A record that has gone meanwhile is a CodeNotPresent.
func (r *sdrReader) all(ctx context.Context) ([][]byte, error) {
	var out [][]byte
	seen := map[uint16]bool{}
	for id := ipmi.FirstRecord; id != ipmi.LastRecord; {
		if seen[id] {
			return out, &ipmi.Error{Op: fmt.Sprintf("read %s %04Xh", r.name, id),
				Err: fmt.Errorf("%w: the list of records runs in a circle", ipmi.ErrMalformed)}
		}
		seen[id] = true
		raw, next, err := r.record(ctx, id)
		if errors.Is(err, ipmi.CodeNotPresent) && len(out) == 0 {
			return nil, nil
		}
		if err != nil {
			return out, err
		}
		out, id = append(out, raw), next
	}
	return out, nil
}

// record reads one record, with a new reservation as often as the old one is lost.
func (r *sdrReader) record(ctx context.Context, id uint16) (raw []byte, next uint16, err error) {
	for n := range sdrReservations {
		raw, next, err = r.try(ctx, id)
		if !errors.Is(err, ipmi.CodeReservationCanceled) {
			break
		}
		r.reserved = false
		if err := pause(ctx, rand.N(time.Duration(n)*sdrPause+1)); err != nil {
			return nil, 0, err
		}
		if err := r.renew(ctx); err != nil {
			return nil, 0, err
		}
	}
	var e *ipmi.Error
	if errors.As(err, &e) && e.Op == "" {
		e.Op = fmt.Sprintf("read %s %04Xh", r.name, id)
	}
	return raw, next, err
}

// renew takes a reservation if there is none.
func (r *sdrReader) renew(ctx context.Context) error {
	if r.reserved {
		return nil
	}
	res, err := r.reserve(ctx)
	if errors.Is(err, ipmi.CodeInvalidCommand) {
		res.ID, err = 0, nil // a repository that cannot change needs none
	}
	if err != nil {
		return err
	}
	r.reservation, r.reserved = res.ID, true
	return nil
}

// tooMuch says whether a BMC refuses to send that many bytes. BMCs use all of these codes.
func tooMuch(err error) bool {
	var c ipmi.CompletionCode
	if !errors.As(err, &c) {
		return false
	}
	switch c {
	case ipmi.CodeCannotReturnBytes, ipmi.CodeDataLengthInvalid, ipmi.CodeDataFieldTooLong, ipmi.CodeDataTruncated,
		ipmi.CodeParameterOutOfRange, ipmi.CodeInvalidDataField, ipmi.CodeUnspecified:
		return true
	}
	return false
}

func (r *sdrReader) try(ctx context.Context, id uint16) (raw []byte, next uint16, err error) {
	if r.whole {
		d, err := r.get(ctx, ipmi.GetSDR{Reservation: r.reservation, Record: id, Count: ipmi.ReadAll})
		switch {
		case err == nil:
			raw, next = d.Data, d.Next
			if n := sdrSize(raw); len(raw) >= n {
				return raw[:n], next, nil
			}
			r.whole = false // the BMC sends as much as it can
		case tooMuch(err):
			r.whole = false
		default:
			return nil, 0, err
		}
	}
	if err := r.renew(ctx); err != nil {
		return nil, 0, err
	}
	header := false // read just the header: the BMC may have refused because the record is shorter than a part
	for len(raw) < sdrSize(raw) {
		n := sdrParts[r.part]
		if len(raw) >= sdrHeader {
			n = min(n, sdrSize(raw)-len(raw))
		} else if header {
			n = min(n, sdrHeader-len(raw))
		}
		if len(raw) > 0xff {
			return nil, 0, &ipmi.Error{Err: fmt.Errorf("%w: a record longer than its offsets", ipmi.ErrMalformed)}
		}
		d, err := r.get(ctx, ipmi.GetSDR{Reservation: r.reservation, Record: id, Offset: uint8(len(raw)), Count: uint8(n)})
		if tooMuch(err) {
			if len(raw) == 0 && r.learned && !header {
				header = true
				continue
			}
			if r.shrink(n) {
				continue
			}
		}
		if err != nil {
			return nil, 0, err
		}
		if len(d.Data) == 0 {
			return nil, 0, &ipmi.Error{Err: fmt.Errorf("%w: a record without data", ipmi.ErrMalformed)}
		}
		r.learned = r.learned || n == sdrParts[r.part]
		raw, next = append(raw, d.Data[:min(n, len(d.Data))]...), d.Next
	}
	return raw[:sdrSize(raw)], next, nil
}

// shrink makes the parts smaller than n bytes, and reports false when they cannot be.
func (r *sdrReader) shrink(n int) bool {
	for i, size := range sdrParts {
		if size < n {
			r.part = i
			return true
		}
	}
	return false
}

// sdrSize returns how many bytes a record has, as far as those that are there tell.
func sdrSize(raw []byte) int {
	if len(raw) < sdrHeader {
		return sdrHeader
	}
	return sdrHeader + int(raw[4])
}

// AddSDR writes a record, given with its header, into the repository and returns the ID that the
// BMC gave it. A BMC that refuses whole records gets it in parts.
func AddSDR(ctx context.Context, c Conn, raw []byte) (uint16, error) {
	id, err := Do(ctx, c, ipmi.AddSDR{Data: raw})
	if err == nil || !tooMuch(err) && !errors.Is(err, ipmi.CodeInvalidCommand) {
		return id.ID, err
	}
	res, err := Do(ctx, c, ipmi.ReserveSDRRepository{})
	if err != nil {
		return 0, err
	}
	const part = 16
	for o := 0; o < len(raw); o += part {
		end := min(o+part, len(raw))
		id, err = Do(ctx, c, ipmi.PartialAddSDR{Reservation: res.ID, Record: id.ID, Offset: uint8(o), Last: end == len(raw), Data: raw[o:end]})
		if err != nil {
			return 0, err
		}
	}
	return id.ID, nil
}

// ParseSDRs reads records from their bytes. Those that cannot be read are left out and counted.
func ParseSDRs(raw [][]byte) (records []sdr.Record, bad int) {
	for _, b := range raw {
		r, err := sdr.Parse(b)
		if err != nil {
			bad++
			continue
		}
		records = append(records, r)
	}
	return records, bad
}

// sdrEraseWait is how long a repository may take to be erased.
const sdrEraseWait = 60 * time.Second

// ClearSDRs erases the SDR repository and returns when it is erased.
func ClearSDRs(ctx context.Context, c Conn) error {
	ctx, cancel := context.WithTimeout(ctx, sdrEraseWait)
	defer cancel()
	res, err := Do(ctx, c, ipmi.ReserveSDRRepository{})
	if err != nil {
		return err
	}
	action := ipmi.EraseStart
	for {
		state, err := Do(ctx, c, ipmi.ClearSDRRepository{Reservation: res.ID, Action: action})
		if err != nil {
			return err
		}
		if state.Progress == ipmi.ErasureDone {
			return nil
		}
		action = ipmi.EraseStatus
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}
