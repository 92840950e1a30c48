package cli

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

// kindSDR are the sensor records of a BMC, some of them perhaps in part.
const kindSDR = "sdr"

// cachedSDRs returns the records of the BMC, those that are wanted as a whole: the ones kept from an earlier call if the
// repository is the same still, and else what the BMC says now. A nil want wants all.
//
// That it is the same, Get SDR Repository Info tells: how many records there are, how much is free, and when it was last
// added to and erased. Beside it goes Get Device ID, because new firmware may bring other records and the old times.
// A repository that does not tell when it was changed is read each time. Records that cannot be read are kept as such, and asked for again each
// time, they alone.
func cachedSDRs(ctx context.Context, a *App, c client.Conn, want func(head []byte) bool) ([]client.RawSDR, error) {
	if a.cacheDir() == "" {
		count, _, err := sdrState(client.Do(ctx, c, ipmi.GetSDRRepositoryInfo{}))
		if err != nil {
			return nil, err
		}
		return client.ReadSDRsWanted(ctx, c, count, want)
	}
	cache, err := a.openCache(ctx, c)
	if err != nil {
		return nil, err
	}
	var count int
	var state, model string
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		count, state, err = sdrState(client.Do(gctx, c, ipmi.GetSDRRepositoryInfo{}))
		return err
	})
	g.Go(func() (err error) {
		model, err = a.askModel(gctx, c)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if state == "" || model == "" {
		return client.ReadSDRsWanted(ctx, c, count, want)
	}
	words := state + " " + model
	if kept, body, ok := cache.load(kindSDR); ok && kept == words {
		if list, ok := splitKeptSDRs(body); ok && len(list) > 0 {
			list, all, err := completeSDRs(ctx, c, list, state, want)
			missing, failure := splitMissing(err)
			if b := joinKeptSDRs(list); failure == nil && !all && !bytes.Equal(b, body) {
				cache.keep(kindSDR, words, b)
			}
			switch {
			case failure == nil && missing == nil && count > len(list):
				return list, &client.IncompleteError{List: "SDR", Reported: count, Read: len(list)}
			case failure == nil:
				return list, err
			case refused(err) != nil:
				return nil, err
			}
		}
	}
	list, err := client.ReadSDRsWanted(ctx, c, count, want)
	if missing, failure := splitMissing(err); failure == nil && len(list) > 0 && (missing == nil || keepsAll(err)) {
		cache.keep(kindSDR, words, joinKeptSDRs(list))
	}
	return list, err
}

// keepsAll reports whether a list of which records are missing is worth keeping: these are in it as such, so that only they are asked for
// again. Where the list goes round in a circle there may be others.
func keepsAll(err error) bool {
	e := new(client.IncompleteError)
	return errors.As(err, &e) && len(e.Loops) == 0
}

// completeSDRs reads what is missing of kept records. all tells that nothing was. A repository that has changed meanwhile
// is a completion code.
func completeSDRs(ctx context.Context, c client.Conn, list []client.RawSDR, state string, want func([]byte) bool) (_ []client.RawSDR, all bool, err error) {
	all = true
	for _, r := range list {
		all = all && (r.Whole() || want != nil && len(r.Data) > 0 && !want(r.Data))
	}
	if all {
		return list, true, nil
	}
	list, err = client.CompleteSDRs(ctx, c, list, want)
	if _, failure := splitMissing(err); failure != nil {
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

// sdrState returns how many records a repository has, -1 if it does not say, and what tells whether it has changed, "" if nothing does.
func sdrState(info ipmi.SDRRepositoryInfo, err error) (count int, state string, _ error) {
	if err != nil {
		return -1, "", refused(err)
	}
	untold := func(t ipmi.Timestamp) bool { return t == 0 || t == ipmi.TimestampUnspecified }
	if untold(info.LastAddition) && untold(info.LastErase) {
		return int(info.Records), "", nil
	}
	return int(info.Records), fmt.Sprintf("%d %d %d %d", info.Records, info.Free, info.LastAddition, info.LastErase), nil
}

// joinKeptSDRs writes records one after the other, each behind its ID and its length, of two bytes each.
func joinKeptSDRs(list []client.RawSDR) []byte {
	var b []byte
	for _, r := range list {
		b = binary.LittleEndian.AppendUint16(b, r.ID)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Data)))
		b = append(b, r.Data...)
	}
	return b
}

// splitKeptSDRs reads what joinKeptSDRs wrote.
func splitKeptSDRs(b []byte) (list []client.RawSDR, ok bool) {
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
