package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"lom/client"
	"lom/ipmi"
)

// SDRs returns the records of the repository of the BMC that c leads to: those that are kept if the
// repository is still the same, and else what the BMC says now. Records that want reports false for
// may be missing or cut off; a nil want wants all. model returns the words for the model and
// firmware of the BMC ([ModelWords]), and "" if it does not say. What is missing is a
// *[client.IncompleteError].
//
// Get SDR Repository Info (§33.9) says whether the repository is the same: how many records there
// are, how much is free, and when it was last added to and erased. The model counts besides,
// because new firmware may bring other records and the old times. A repository that does not say
// when it was changed is read each time. Records that cannot be read are kept as such, and only
// they are asked for again.
func (d Dir) SDRs(ctx context.Context, c client.Conn, address string, want func(head []byte) bool,
	model func(context.Context) (string, error)) ([]client.RawSDR, error) {
	if d.Path == "" {
		count, _, err := sdrState(client.Do(ctx, c, ipmi.GetSDRRepositoryInfo{}))
		if err != nil {
			return nil, err
		}
		return client.ReadSDRsWanted(ctx, c, count, want)
	}
	cache, err := d.BMC(ctx, c, address)
	if err != nil {
		return nil, err
	}
	var count int
	var state, modelWords string
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		count, state, err = sdrState(client.Do(gctx, c, ipmi.GetSDRRepositoryInfo{}))
		return err
	})
	g.Go(func() (err error) {
		modelWords, err = model(gctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if state == "" || modelWords == "" {
		return client.ReadSDRsWanted(ctx, c, count, want)
	}
	words := state + " " + modelWords
	if kept, body, ok := cache.load(kindSDR); ok && kept == words {
		if list, ok := splitSDRs(body); ok && len(list) > 0 {
			list, all, err := completeSDRs(ctx, c, list, state, want)
			missing, failure := split(err)
			if b := joinSDRs(list); failure == nil && !all && !bytes.Equal(b, body) {
				cache.keep(kindSDR, words, b)
			}
			switch {
			case failure == nil && missing == nil && count > len(list):
				return list, &client.IncompleteError{List: "SDR", Reported: count, Read: len(list)}
			case failure == nil:
				return list, err
			case unlessRefused(err) != nil:
				return nil, err
			}
		}
	}
	list, err := client.ReadSDRsWanted(ctx, c, count, want)
	missing, failure := split(err)
	// Records that are known to be missing are in the list as such, so that only they are asked for
	// again. Where the list goes round in a circle there may be others.
	if failure == nil && len(list) > 0 && (missing == nil || len(missing.Loops) == 0) {
		cache.keep(kindSDR, words, joinSDRs(list))
	}
	return list, err
}

// KeptSDRs returns the records that are kept of a BMC, some of them perhaps in part, without asking
// it. They may be out of date.
func (d Dir) KeptSDRs(guid ipmi.GUID, address string) []client.RawSDR {
	_, body, _ := BMC{d, hash("%x %s", guid, address)}.load(kindSDR)
	list, _ := splitSDRs(body)
	return list
}

// split takes apart what is missing of a list, of which the rest was read, and what is wrong with
// all of it.
func split(err error) (missing *client.IncompleteError, failure error) {
	if errors.As(err, &missing) {
		return missing, nil
	}
	return nil, err
}

// completeSDRs reads what is missing of kept records. all says that nothing was. A repository that
// has changed meanwhile is a completion code.
func completeSDRs(ctx context.Context, c client.Conn, list []client.RawSDR, state string,
	want func([]byte) bool) (_ []client.RawSDR, all bool, err error) {
	all = true
	for _, r := range list {
		all = all && (r.Whole() || want != nil && len(r.Data) > 0 && !want(r.Data))
	}
	if all {
		return list, true, nil
	}
	list, err = client.CompleteSDRs(ctx, c, list, want)
	if _, failure := split(err); failure != nil {
		return nil, false, err
	}
	_, now, changed := sdrState(client.Do(ctx, c, ipmi.GetSDRRepositoryInfo{}))
	if changed == nil && now != state {
		changed = ipmi.CodeReservationCanceled
	}
	if changed != nil {
		return nil, false, changed
	}
	return list, false, err
}

// sdrState returns how many records a repository has, -1 if it does not say, and the words that
// change when it does, "" if there are none.
func sdrState(info ipmi.SDRRepositoryInfo, err error) (count int, state string, _ error) {
	if err != nil {
		return -1, "", unlessRefused(err)
	}
	untold := func(t ipmi.Timestamp) bool { return t == 0 || t == ipmi.TimestampUnspecified }
	if untold(info.LastAddition) && untold(info.LastErase) {
		return int(info.Records), "", nil
	}
	state = fmt.Sprintf("%d %d %d %d", info.Records, info.Free, info.LastAddition, info.LastErase)
	return int(info.Records), state, nil
}

// joinSDRs writes records one after the other, each after its ID and its length, of two bytes each.
func joinSDRs(list []client.RawSDR) []byte {
	var b []byte
	for _, r := range list {
		b = binary.LittleEndian.AppendUint16(b, r.ID)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Data)))
		b = append(b, r.Data...)
	}
	return b
}

// splitSDRs reads what joinSDRs wrote.
func splitSDRs(b []byte) (list []client.RawSDR, ok bool) {
	const head, least = 4, 5 // a record has a header
	for len(b) > 0 {
		if len(b) < head {
			return nil, false
		}
		n := int(binary.LittleEndian.Uint16(b[2:]))
		if n < least && n != 0 || len(b) < head+n { // 0: it could not be read
			return nil, false
		}
		r := client.RawSDR{ID: binary.LittleEndian.Uint16(b), Data: b[head : head+n : head+n]}
		if n > 0 && n > least+int(r.Data[4]) {
			return nil, false
		}
		list, b = append(list, r), b[head+n:]
	}
	return list, true
}
