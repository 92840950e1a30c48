package bmc

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lom/ipmi"
	"lom/ipmi/sel"
)

// selCapacity is how many records a SEL holds.
const selCapacity = 1024

// eraseTime is how long an erasure of the SEL says that it takes. The records are gone at once, and
// no command waits for the end: programs such as ipmi-sel take the completion code 81h for a
// failure.
const eraseTime = 20 * time.Millisecond

// eventLog is the SEL (§31): its records, its clock and its reservation.
type eventLog struct {
	records  []logged // in the order of their addition
	kept     eventLogKept
	aux      map[ipmi.AuxiliaryLog]ipmi.AuxiliaryLogStatus
	capacity int // records

	reserved    bool
	reservation uint16 // the last that was given out
	partial     []byte // what is there of a record that comes in parts
	erasing     bool
	last        uint16 // ID of the record that the last event got, 0 if it found no room
	serial      uint64 // of the next record
}

// logged is a record and the number that keeps it in its place over restarts: record IDs
// begin again.
type logged struct {
	serial uint64
	sel.Record
}

// eventLogKept is what lasts besides the records.
type eventLogKept struct {
	NextID       uint16
	LastAddition ipmi.Timestamp
	LastErase    ipmi.Timestamp
	Overflow     bool
	ClockAhead   int64 // seconds by which the SEL's clock is ahead of UTC
	UTCOffset    int16 // minutes, or ipmi.UTCOffsetUnspecified
}

func (l *eventLog) load(b *BMC) error {
	*l = eventLog{capacity: selCapacity, aux: map[ipmi.AuxiliaryLog]ipmi.AuxiliaryLogStatus{},
		kept: eventLogKept{NextID: 1, LastAddition: ipmi.TimestampUnspecified,
			LastErase: ipmi.TimestampUnspecified, UTCOffset: ipmi.UTCOffsetUnspecified}}
	err := loadSection(b, "sel", func(_ string, v eventLogKept) error {
		l.kept = v
		return nil
	})
	if err != nil {
		return err
	}
	err = loadSection(b, "sellog", func(key string, v []byte) error {
		var r logged
		if _, err := fmt.Sscanf(key, "%x", &r.serial); err != nil {
			return err
		}
		l.records = append(l.records, r)
		l.serial = r.serial + 1
		return l.records[len(l.records)-1].UnmarshalBinary(v)
	})
	if err != nil {
		return err
	}
	err = loadSection(b, "auxlog", func(key string, v ipmi.AuxiliaryLogStatus) error {
		var id uint8
		_, err := fmt.Sscanf(key, "%d", &id)
		l.aux[ipmi.AuxiliaryLog(id)] = v
		return err
	})
	b.listenReset(func(cold bool) { l.reserved = l.reserved && !cold })
	return err
}

// AddEvent logs an event and lets PEF act on it, as if the event's generator had sent it. The SEL
// sets the time.
func (b *BMC) AddEvent(e sel.Event) {
	b.do(func() {
		b.raise(Event{Generator: uint16(e.Generator), SensorType: uint8(e.SensorType),
			SensorNumber: e.Sensor,
			Type:         uint8(e.Type), Deassert: e.Deassertion, Data: e.Data})
	})
}

// LogPast puts an event into the SEL that happened at a time before; PEF does not see it.
func (b *BMC) LogPast(e sel.Event, at time.Time) error {
	r, err := e.Record()
	if err != nil {
		return err
	}
	b.do(func() {
		l := &b.eventLog
		if _, err = l.add(b, r); err != nil {
			return
		}
		last := &l.records[len(l.records)-1]
		l.kept.LastAddition = ipmi.TimestampOf(at.Add(
			time.Duration(l.kept.ClockAhead) * time.Second))
		last.Record = last.WithTimestamp(l.kept.LastAddition)
		l.save(b, last.serial)
	})
	return err
}

// logEvent has add append the record of an event. An event that finds no room is lost, and the
// overflow flag says so.
func (l *eventLog) logEvent(b *BMC, e Event, add func(sel.Record) (uint16, error)) {
	l.last = 0
	if !b.messaging.enables.EventLogging && !e.fromSystem {
		return
	}
	r, err := e.record()
	if err == nil {
		l.last, err = add(r)
	}
	if err != nil {
		b.logger.Info("event not logged", "bmc", b.name, "err", err)
	}
}

// add appends a record, gives it its ID and its time, and cancels the reservation (§31.4.2).
func (l *eventLog) add(b *BMC, r sel.Record) (uint16, error) {
	e, err := l.append(b, r)
	if err == nil {
		l.save(b, e.serial)
	}
	return e.ID, err
}

// addAsked is add for a record that a request asks for.
func (l *eventLog) addAsked(ctx *Context, r sel.Record) (uint16, error) {
	before := *l
	e, err := l.append(ctx.BMC, r)
	if err != nil {
		return 0, err
	}
	after := l.kept
	ctx.changed(func() {
		i := l.place(e.serial)
		if i == len(l.records)-1 {
			l.restoreReservation(before)
		}
		l.records = slices.Delete(l.records, i, i+1)
		restoreFrom(&l.kept.NextID, after.NextID, before.kept.NextID)
		restoreFrom(&l.kept.LastAddition, after.LastAddition, before.kept.LastAddition)
	}, func(b *BMC) { l.save(b, e.serial) })
	return e.ID, nil
}

// append is add without saving. That there is no room is saved: it is so, whoever asked.
func (l *eventLog) append(b *BMC, r sel.Record) (logged, error) {
	if len(l.records) >= l.capacity {
		if !l.kept.Overflow {
			l.kept.Overflow = true
			l.saveKept(b)
		}
		return logged{}, ipmi.CodeOutOfSpace
	}
	l.kept.LastAddition = l.now(b)
	r.ID = l.nextID()
	e := logged{l.serial, r.WithTimestamp(l.kept.LastAddition)}
	l.serial++
	l.records = append(l.records, e)
	l.reserved, l.partial = false, nil
	return e, nil
}

// nextID returns an ID that no record has.
func (l *eventLog) nextID() uint16 {
	for {
		id := l.kept.NextID
		if l.kept.NextID++; l.kept.NextID == ipmi.LastRecord {
			l.kept.NextID = 1
		}
		if _, used := l.find(id); !used {
			return id
		}
	}
}

// place returns the index of the record with a serial number, or where it would be.
func (l *eventLog) place(serial uint64) int {
	i, _ := slices.BinarySearchFunc(l.records, serial, func(e logged, serial uint64) int {
		return cmp.Compare(e.serial, serial)
	})
	return i
}

// save keeps the record with a serial number, or that it is gone, and what lasts besides the
// records.
func (l *eventLog) save(b *BMC, serial uint64) {
	key := logged{serial: serial}.key()
	if i := l.place(serial); i < len(l.records) && l.records[i].serial == serial {
		bytes := l.records[i].Bytes()
		b.put("sellog", key, bytes[:])
	} else {
		b.drop("sellog", key)
	}
	l.saveKept(b)
}

func (l *eventLog) saveKept(b *BMC) { b.put("sel", "", l.kept) }

// restoreReservation gives back a reservation, and the record that was coming in parts under it, if
// no other has been made since.
func (l *eventLog) restoreReservation(before eventLog) {
	if l.reservation == before.reservation {
		l.reserved, l.partial = before.reserved, before.partial
	}
}

// restoreFrom gives *p the value that it had before, if it still has the one that it got after
// that.
func restoreFrom[T comparable](p *T, after, before T) {
	if *p == after {
		*p = before
	}
}

// remove takes a record out. The reservation stays valid, because the other records keep their IDs
// (§31.4.2).
func (l *eventLog) remove(ctx *Context, i int) {
	e, erased := l.records[i], l.kept.LastErase
	l.records = slices.Delete(l.records, i, i+1)
	now := l.now(ctx.BMC)
	l.kept.LastErase = now
	ctx.changed(func() {
		l.records = slices.Insert(l.records, l.place(e.serial), e)
		restoreFrom(&l.kept.LastErase, now, erased)
	}, func(b *BMC) { l.save(b, e.serial) })
}

// clear erases everything. Record IDs begin again at 1.
func (l *eventLog) clear(ctx *Context) {
	b, before := ctx.BMC, *l
	l.records = nil
	l.kept.NextID = 1
	l.kept.Overflow = false
	l.kept.LastErase = l.now(b)
	l.reserved, l.partial = false, nil
	now := l.kept.LastErase
	ctx.changed(func() {
		since := l.records // events, which stay
		l.records = slices.Clone(before.records)
		if len(since) == 0 {
			l.restoreReservation(before)
		}
		l.kept.NextID = before.kept.NextID
		l.kept.Overflow = l.kept.Overflow || before.kept.Overflow
		restoreFrom(&l.kept.LastErase, now, before.kept.LastErase)
		for _, e := range since {
			if len(l.records) >= l.capacity {
				l.kept.Overflow = true
				break
			}
			e.ID = l.nextID()
			l.records = append(l.records, e)
		}
	}, func(b *BMC) {
		for _, list := range [][]logged{before.records, l.records} {
			for _, e := range list {
				l.save(b, e.serial)
			}
		}
		l.saveKept(b)
	})
	b.pef.logCleared(ctx)
	ctx.AfterAnswer(func() {
		l.erasing = true
		b.after(eraseTime, func() { l.erasing = false })
	})
}

// key is the record's key in the state file; keys sort in the order of the records.
func (e logged) key() string { return fmt.Sprintf("%016x", e.serial) }

// find returns the index of a record; FirstRecord and LastRecord are understood.
func (l *eventLog) find(id uint16) (int, bool) {
	switch {
	case len(l.records) == 0:
		return 0, false
	case id == ipmi.FirstRecord:
		return 0, true
	case id == ipmi.LastRecord:
		return len(l.records) - 1, true
	}
	i := slices.IndexFunc(l.records, func(e logged) bool { return e.ID == id })
	return i, i >= 0
}

// now is the time on the SEL's clock, which all timestamps of the BMC come from.
func (l *eventLog) now(b *BMC) ipmi.Timestamp {
	return ipmi.TimestampOf(b.clock.Now().Add(time.Duration(l.kept.ClockAhead) * time.Second))
}

// check returns the code of a reservation that does not hold.
func (l *eventLog) check(reservation uint16) error {
	if !l.reserved || reservation != l.reservation {
		return ipmi.CodeReservationCanceled
	}
	return nil
}
