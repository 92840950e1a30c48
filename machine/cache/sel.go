package cache

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sel"
)

// selState is what changes when a SEL does.
func selState(i ipmi.SELInfo) string {
	return fmt.Sprintf("%d %d %d", i.Entries, i.LastAddition, i.LastErase)
}

// SEL returns the records of the event log of the BMC that c leads to, the first most of them if
// most is not 0. Those that are kept from an earlier call are not read again while they are in the
// SEL:
//
//   - If the number of entries and the times of the last addition and erasure are what they were,
//     and the last record is the same to the last byte, all is as it was. The last record is looked
//     at because two events may come within the second in which the times are given, and because a
//     SEL that is full and goes round always has the same number of entries.
//   - If the last record that is kept is still in the SEL, only those after it are read. All that
//     are kept are there too if their number and that of the new ones make up the SEL's; if they
//     are more, the oldest were overwritten, and the SEL's first record shows how many.
//   - In all other cases (entries were deleted, the SEL was cleared, it is another's) all is read.
func (d Dir) SEL(ctx context.Context, c client.Conn, address string,
	most int) iter.Seq2[sel.Record, error] {
	if d.Path == "" && most == 0 {
		return client.SELEntries(ctx, c, ipmi.FirstRecord)
	}
	return func(yield func(sel.Record, error) bool) {
		info, err := client.Do(ctx, c, ipmi.GetSELInfo{})
		if err != nil && unlessRefused(err) == nil {
			readSEL(ctx, c, -1, -1, yield)
			return
		}
		var cache BMC
		if err == nil {
			cache, err = d.BMC(ctx, c, address)
		}
		if err != nil {
			yield(sel.Record{}, err)
			return
		}
		records, err := freshSEL(ctx, c, cache, info)
		if err != nil {
			yield(sel.Record{}, err)
			return
		}
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
		if len(records) > 0 {
			return
		}
		count := int(info.Entries)
		if most > 0 {
			count = min(count, most) // no more is read ahead
		}
		all, ok := readSEL(ctx, c, int(info.Entries), count, yield)
		if ok && cache.name != "" && len(all) > 0 {
			// It is one SEL only if it has not changed meanwhile.
			after, err := client.Do(ctx, c, ipmi.GetSELInfo{})
			if err == nil && after == info && len(all) == int(info.Entries) {
				cache.keep(kindSEL, selState(info), joinSEL(all))
			}
		}
	}
}

// readSEL reads the SEL, in which so many records are reported and of which count are wanted. ok
// says that it was read to its end.
func readSEL(ctx context.Context, c client.Conn, reported, count int,
	yield func(sel.Record, error) bool) (all []sel.Record, ok bool) {
	for r, err := range client.SELEntriesAhead(ctx, c, ipmi.FirstRecord, count) {
		if !yield(r, err) || err != nil {
			return nil, false
		}
		all = append(all, r)
	}
	if err := client.SELMissing(ctx, c, len(all), reported); err != nil {
		yield(sel.Record{}, err)
		return nil, false
	}
	return all, true
}

// freshSEL returns the records by what is kept of them and what is new in the SEL, and none if what
// is kept is of no use. What it finds new is kept too.
func freshSEL(ctx context.Context, c client.Conn, cache BMC,
	info ipmi.SELInfo) ([]sel.Record, error) {
	state, body, ok := cache.load(kindSEL)
	old, whole := splitSEL(body)
	if !ok || !whole || len(old) == 0 || info.Entries == 0 {
		return nil, nil
	}
	last := old[len(old)-1]
	if state == selState(info) {
		switch r, err := client.SELEntry(ctx, c, ipmi.LastRecord); {
		case err == nil && r == last:
			return old, nil
		case err != nil && unlessRefused(err) != nil:
			return nil, err
		}
	}
	all := slices.Clone(old)
	first := true
	for r, err := range client.SELEntriesAhead(ctx, c, last.ID, int(info.Entries)-len(old)+1) {
		switch {
		case err != nil && (unlessRefused(err) == nil || isIncomplete(err)):
			return nil, nil // the last one has gone, or others cannot be read
		case err != nil:
			return nil, err
		case !first:
			all = append(all, r)
		case r != last:
			return nil, nil
		}
		first = false
		if len(all) > len(old)+int(info.Entries) {
			return nil, nil
		}
	}
	if gone := len(all) - int(info.Entries); gone < 0 || gone >= len(all) {
		return nil, nil
	} else if gone > 0 {
		r, err := client.SELEntry(ctx, c, ipmi.FirstRecord)
		if err != nil || r != all[gone] {
			return nil, unlessRefused(err)
		}
		all = all[gone:]
	}
	if after, err := client.Do(ctx, c, ipmi.GetSELInfo{}); err != nil || after != info {
		return nil, unlessRefused(err)
	}
	cache.keep(kindSEL, selState(info), joinSEL(all))
	return all, nil
}

// isIncomplete reports whether an error says that something is missing of a list.
func isIncomplete(err error) bool {
	missing := new(client.IncompleteError)
	return errors.As(err, &missing)
}

func joinSEL(records []sel.Record) []byte {
	b := make([]byte, 0, len(records)*sel.Size)
	for _, r := range records {
		one := r.Bytes()
		b = append(b, one[:]...)
	}
	return b
}

// splitSEL reads what joinSEL wrote.
func splitSEL(b []byte) (records []sel.Record, ok bool) {
	for ; len(b) >= sel.Size; b = b[sel.Size:] {
		var r sel.Record
		if r.UnmarshalBinary(b[:sel.Size]) != nil {
			return nil, false
		}
		records = append(records, r)
	}
	return records, len(b) == 0
}
