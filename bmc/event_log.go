package bmc

import (
	"fmt"
	"slices"
	"time"

	"lom/ipmi"
	"lom/ipmi/sel"
)

// selCapacity is how many records a SEL holds.
const selCapacity = 1024

// eraseTime is how long an erasure of the SEL says that it takes. The records are gone at once, and no
// command waits for the end: programs such as ipmi-sel take the completion code 81h for a failure.
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
}

// logged is a record and the number that keeps it in its place over restarts: record IDs
// begin anew.
type logged struct {
	serial uint64
	sel.Record
}

// eventLogKept is what lasts beside the records.
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
		kept: eventLogKept{NextID: 1, LastAddition: ipmi.TimestampUnspecified, LastErase: ipmi.TimestampUnspecified, UTCOffset: ipmi.UTCOffsetUnspecified}}
	err := keep(b, "sel", func(_ string, v eventLogKept) error {
		l.kept = v
		return nil
	})
	if err != nil {
		return err
	}
	err = keep(b, "sellog", func(key string, v []byte) error {
		var r logged
		if _, err := fmt.Sscanf(key, "%x", &r.serial); err != nil {
			return err
		}
		l.records = append(l.records, r)
		return l.records[len(l.records)-1].UnmarshalBinary(v)
	})
	if err != nil {
		return err
	}
	err = keep(b, "auxlog", func(key string, v ipmi.AuxiliaryLogStatus) error {
		var id uint8
		_, err := fmt.Sscanf(key, "%d", &id)
		l.aux[ipmi.AuxiliaryLog(id)] = v
		return err
	})
	b.listen(func(e Event) { l.logEvent(b, e) })
	b.listenReset(func(cold bool) { l.reserved = l.reserved && !cold })
	return err
}

// AddEvent logs an event and lets PEF act on it, as if the event's generator had sent it. The SEL sets the time.
func (b *BMC) AddEvent(e sel.Event) {
	b.do(func() {
		b.raise(Event{Generator: uint16(e.Generator), SensorType: uint8(e.SensorType), SensorNumber: e.Sensor,
			Type: uint8(e.Type), Deassert: e.Deassertion, Data: e.Data})
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
		l.kept.LastAddition = ipmi.TimestampOf(at.Add(time.Duration(l.kept.ClockAhead) * time.Second))
		last.Record = last.WithTimestamp(l.kept.LastAddition)
		bytes := last.Bytes()
		b.put("sellog", last.key(), bytes[:])
		b.put("sel", "", l.kept)
	})
	return err
}

// logEvent adds the record of an event. An event that finds no room is lost, and the overflow flag tells of it.
func (l *eventLog) logEvent(b *BMC, e Event) {
	l.last = 0
	if !b.messaging.enables.EventLogging && !e.fromSystem {
		return
	}
	r, err := e.record()
	if err == nil {
		l.last, err = l.add(b, r)
	}
	if err != nil {
		b.logger.Info("event not logged", "bmc", b.name, "err", err)
	}
}

// add appends a record, gives it its ID and its time, and cancels the reservation (§31.4.2).
func (l *eventLog) add(b *BMC, r sel.Record) (uint16, error) {
	if len(l.records) >= l.capacity {
		if !l.kept.Overflow {
			l.kept.Overflow = true
			b.put("sel", "", l.kept)
		}
		return 0, ipmi.CodeOutOfSpace
	}
	for used := true; used; {
		r.ID = l.kept.NextID
		if l.kept.NextID++; l.kept.NextID == ipmi.LastRecord {
			l.kept.NextID = 1
		}
		_, used = l.find(r.ID)
	}
	now := l.now(b)
	r = r.WithTimestamp(now)
	l.kept.LastAddition = now
	e := logged{Record: r}
	if n := len(l.records); n > 0 {
		e.serial = l.records[n-1].serial + 1
	}
	l.records = append(l.records, e)
	l.reserved, l.partial = false, nil
	bytes := r.Bytes()
	b.put("sellog", e.key(), bytes[:])
	b.put("sel", "", l.kept)
	return r.ID, nil
}

// remove takes a record out. The reservation holds on, for the other records keep their IDs (§31.4.2).
func (l *eventLog) remove(b *BMC, i int) {
	b.drop("sellog", l.records[i].key())
	l.records = slices.Delete(l.records, i, i+1)
	l.kept.LastErase = l.now(b)
	b.put("sel", "", l.kept)
}

// clear erases everything. Record IDs begin anew.
func (l *eventLog) clear(b *BMC) {
	for _, e := range l.records {
		b.drop("sellog", e.key())
	}
	l.records = nil
	l.kept.NextID = 1
	l.kept.Overflow = false
	l.kept.LastErase = l.now(b)
	l.reserved, l.partial = false, nil
	b.put("sel", "", l.kept)
	b.pef.logCleared(b)
	l.erasing = true
	b.after(eraseTime, func() { l.erasing = false })
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
