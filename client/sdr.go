package client

import (
	"context"
	"errors"
	"time"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

// ReadSDRs reads all records of the SDR repository, each as its bytes with its header (§33).
// Records are read whole, or, from a BMC that refuses that, in parts under a reservation, which is
// renewed when it is lost. An empty repository is not an error. If some records cannot be read, the
// others are returned with an [*IncompleteError].
func ReadSDRs(ctx context.Context, c Conn) ([][]byte, error) {
	count, err := countSDRs(Do(ctx, c, ipmi.GetSDRRepositoryInfo{}))
	if err != nil {
		return nil, err
	}
	list, err := readSDRs(ctx, repositoryOf(c), count, nil)
	return wholeSDRs(list), err
}

// countSDRs returns the number of records from the repository's state, -1 if that does not have it.
func countSDRs(info ipmi.SDRRepositoryInfo, err error) (int, error) {
	var code ipmi.CompletionCode
	if errors.As(err, &code) || errors.Is(err, ipmi.ErrMalformed) {
		return -1, nil
	}
	return int(info.Records), err
}

// A RawSDR is a record as its bytes with its header, or the beginning of it.
type RawSDR struct {
	ID   uint16 // by which it is read; some BMCs have another one in the header
	Data []byte // at least the header; empty for a record that cannot be read
}

// Whole reports whether all of the record was read.
func (r RawSDR) Whole() bool { return len(r.Data) == sdrSize(r.Data) }

// wholeSDRs returns the bytes of the records that are whole.
func wholeSDRs(list []RawSDR) [][]byte {
	var out [][]byte
	for _, r := range list {
		if r.Whole() {
			out = append(out, r.Data)
		}
	}
	return out
}

// ReadSDRsWanted reads the records of the SDR repository in the manner of [ReadSDRs], but from a
// BMC that gives out records in parts only, it reads just the first part of those that are not
// wanted. want is called, by several goroutines, with that part, which is the record's header of
// five bytes or more. A nil want wants all. count is how many records there are, from Get SDR
// Repository Info; if it is negative, they are read one by one. Records that cannot be read are
// reported by an [*IncompleteError]. They are in the list with what was read of them, perhaps
// nothing.
func ReadSDRsWanted(ctx context.Context, c Conn, count int,
	want func(head []byte) bool) ([]RawSDR, error) {
	return readSDRs(ctx, repositoryOf(c), count, want)
}

// CompleteSDRs reads the rest of those records of a list that are wanted and not whole. The
// repository must be the one that the list was read from: a caller that gets no error must see that
// it has not changed since. If it changes meanwhile, the error is a CodeReservationCanceled or a
// CodeNotPresent, or it is that a record without data can be read now. If some records cannot be
// read, the others are returned with an [*IncompleteError].
func CompleteSDRs(ctx context.Context, c Conn, list []RawSDR,
	want func(head []byte) bool) ([]RawSDR, error) {
	return completeSDRs(ctx, repositoryOf(c), list, want)
}

// ReadSDR reads one record of the SDR repository and the ID of the one after it, which is
// ipmi.LastRecord after the last.
func ReadSDR(ctx context.Context, c Conn, id uint16) (raw []byte, next uint16, err error) {
	return newSDRReader(repositoryOf(c), nil).record(ctx, id)
}

func repositoryOf(c Conn) sdrSource {
	return sdrSource{
		name: listSDR, transferSizes: transferSizesOf(c),
		info: func(ctx context.Context) (int, error) {
			return countSDRs(Do(ctx, c, ipmi.GetSDRRepositoryInfo{}))
		},
		get: func(ctx context.Context, req ipmi.GetSDR) (ipmi.SDRData, error) {
			return Do(ctx, c, req)
		},
		reserve: func(ctx context.Context) (ipmi.Reservation, error) {
			return Do(ctx, c, ipmi.ReserveSDRRepository{})
		},
	}
}

// ReadDeviceSDRs reads the records that a controller, such as a satellite, has of its own
// sensors (§35.2-35.4), in the manner of [ReadSDRs].
func ReadDeviceSDRs(ctx context.Context, c Conn) ([][]byte, error) {
	list, err := readSDRs(ctx, sdrSource{
		name: listDeviceSDR, transferSizes: new(transferSizes),
		info: func(ctx context.Context) (int, error) {
			_, err := Do(ctx, c, ipmi.GetDeviceID{})
			return -1, err
		},
		get: func(ctx context.Context, req ipmi.GetSDR) (ipmi.SDRData, error) {
			return Do(ctx, c, ipmi.GetDeviceSDR(req))
		},
		reserve: func(ctx context.Context) (ipmi.Reservation, error) {
			return Do(ctx, c, ipmi.ReserveDeviceSDRRepository{})
		},
	}, -1, nil)
	return wholeSDRs(list), err
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
		id, err = Do(ctx, c, ipmi.PartialAddSDR{Reservation: res.ID, Record: id.ID,
			Offset: uint8(o), Last: end == len(raw), Data: raw[o:end]})
		if err != nil {
			return 0, err
		}
	}
	return id.ID, nil
}

// ParseSDRs reads records from their bytes. Those that cannot be read are omitted and counted.
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
