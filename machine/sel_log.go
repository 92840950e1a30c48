package machine

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sel"
)

// An EventLog is the state of the system event log (§31.2, §31.3).
type EventLog struct {
	Version   string `json:"version"`
	Entries   uint16 `json:"entries"`
	UsedBytes int    `json:"used_bytes"` // 16 for each entry
	Free      uint16 `json:"free_bytes"` // 65535: that or more

	// How much the log holds, and how much of that is used; absent if so much is free that the BMC
	// cannot say it.
	Total       *int `json:"total_bytes,omitempty"`
	UsedPercent *int `json:"used_percent,omitempty"`

	// The BMC's clock when the last entry was added, and when entries were last deleted; absent if
	// that never happened. If the clock was not set, the seconds since the BMC's start take its
	// place.
	LastAddition          time.Time `json:"last_addition,omitzero"`
	LastAdditionSinceInit *uint32   `json:"last_addition_since_init_seconds,omitempty"`
	LastErase             time.Time `json:"last_erase,omitzero"`
	LastEraseSinceInit    *uint32   `json:"last_erase_since_init_seconds,omitempty"`

	Overflow bool `json:"overflow"` // events were lost for lack of space

	// Commands are among delete, partial-add, reserve and get-allocation-info.
	Commands   []string            `json:"supported_commands"`
	Allocation *EventLogAllocation `json:"allocation,omitempty"`

	Info ipmi.SELInfo `json:"-"`
}

// An EventLogAllocation is how the log's memory is divided.
type EventLogAllocation struct {
	Units           uint16 `json:"units"`
	UnitBytes       uint16 `json:"unit_bytes"`
	FreeUnits       uint16 `json:"free_units"`
	LargestFree     uint16 `json:"largest_free_block_units"`
	MaxRecordLength uint8  `json:"max_record_units"`
}

// freeOrMore is the free space of a log that has that much or more (Table 31-2).
const freeOrMore = 0xffff

// EventLog reads the state of the log.
func (m *Machine) EventLog(ctx context.Context) (EventLog, error) {
	info, err := do(ctx, m, "Get SEL Info command", ipmi.GetSELInfo{})
	if err != nil {
		return EventLog{}, err
	}
	v := EventLog{
		Version: fmt.Sprintf("%d.%d", info.Version&0xf, info.Version>>4), Entries: info.Entries,
		UsedBytes: int(info.Entries) * sel.Size, Free: info.Free, Overflow: info.Overflow,
		Commands: []string{}, Info: info,
	}
	v.LastAddition, v.LastAdditionSinceInit = happened(info.LastAddition)
	v.LastErase, v.LastEraseSinceInit = happened(info.LastErase)
	if info.Free != freeOrMore {
		total := v.UsedBytes + int(info.Free)
		v.Total = &total
		if total > 0 {
			v.UsedPercent = new(100 * v.UsedBytes / total)
		}
	}
	for _, c := range []struct {
		can  bool
		word string
	}{
		{info.CanDelete, "delete"}, {info.CanPartialAdd, "partial-add"},
		{info.CanReserve, "reserve"}, {info.CanGetAllocation, "get-allocation-info"},
	} {
		if c.can {
			v.Commands = append(v.Commands, c.word)
		}
	}
	if !info.CanGetAllocation {
		return v, nil
	}
	a, err := do(ctx, m, "Get SEL Allocation Info command", ipmi.GetSELAllocationInfo{})
	if err != nil {
		return v, err
	}
	v.Allocation = &EventLogAllocation{a.Units, a.UnitSize, a.Free, a.LargestFree, a.MaxRecord}
	return v, nil
}

// happened is when something happened that may never have: many BMCs say 0 for never.
func happened(t ipmi.Timestamp) (time.Time, *uint32) {
	if t == 0 {
		return time.Time{}, nil
	}
	return timeOf(t), sinceInit(t)
}

// A Clock is the clock of the event log (§31.10): the time, or the seconds since the BMC's start
// if nobody has set it.
type Clock struct {
	Time          time.Time `json:"time,omitzero"`
	TimeSinceInit *uint32   `json:"time_since_init_seconds,omitempty"`

	Timestamp ipmi.Timestamp `json:"-"`
}

// EventLogClock reads the clock of the event log.
func (m *Machine) EventLogClock(ctx context.Context) (Clock, error) {
	r, err := do(ctx, m, "Get SEL Time command", ipmi.GetSELTime{})
	if err != nil {
		return Clock{}, err
	}
	return Clock{Time: timeOf(r.Time), TimeSinceInit: sinceInit(r.Time), Timestamp: r.Time}, nil
}

// SetEventLogClock sets the clock of the event log, which runs in UTC from 1987 to 2106 (§37).
func (m *Machine) SetEventLogClock(ctx context.Context, t time.Time) error {
	stamp := ipmi.TimestampOf(t)
	if stamp == ipmi.TimestampUnspecified || stamp.SinceInit() {
		return fmt.Errorf("the clock of a SEL cannot be set to %s: it goes from 1987 to 2106",
			t.Format(time.DateOnly))
	}
	_, err := do(ctx, m, "Set SEL Time command", ipmi.SetSELTime{Time: stamp})
	return err
}

// ClearEvents erases the log, and returns when the BMC reports that it is erased: that may take
// many seconds (§31.9). If the answer was lost it looks whether the log is empty.
func (m *Machine) ClearEvents(ctx context.Context) error {
	return failed("Clear SEL command", client.ClearSEL(ctx, m.conn))
}

// DeleteEvent deletes the event with the ID. One that does not exist is refused with
// ipmi.CodeNotPresent.
func (m *Machine) DeleteEvent(ctx context.Context, id uint16) error {
	err := client.DeleteSELEntry(ctx, m.conn, id)
	return failed(fmt.Sprintf("Delete SEL Entry %d command", id), err)
}

// AddEvent adds a record to the log and returns the ID that it has there. The BMC sets its time, if
// the type of the record has one. A log that is full refuses it with ipmi.CodeOutOfSpace.
func (m *Machine) AddEvent(ctx context.Context, r sel.Record) (id uint16, err error) {
	id, err = client.AddSELEntry(ctx, m.conn, r)
	return id, failed("Add SEL Entry", err)
}

// ReadEventLines reads events from text as "sel add" and "event file" take them, one on each line:
// see [sel.ReadLine]. name is that of the text in errors.
func ReadEventLines(name string, text []byte) ([]sel.Event, error) {
	var events []sel.Event
	for i, line := range strings.Split(string(text), "\n") {
		e, ok, err := sel.ReadLine(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, i+1, err)
		}
		if ok {
			events = append(events, e)
		}
	}
	return events, nil
}

// EventLine returns a record as a line for ReadEventLines. There is no such line for the records of
// manufacturers: they become comments.
func EventLine(r sel.Record) string {
	if e, ok := r.Event(); ok {
		return e.Line() + "\n"
	}
	return fmt.Sprintf("# OEM record %v: %x\n", r.Type, r.Body)
}

// ReadRawEvents reads records that stand one after the other, 16 bytes each. A rest at the end that
// is no record is a [*PartialError].
func ReadRawEvents(b []byte) ([]sel.Record, error) {
	var records []sel.Record
	for ; len(b) >= sel.Size; b = b[sel.Size:] {
		var r sel.Record
		if err := r.UnmarshalBinary(b[:sel.Size]); err != nil {
			return records, err
		}
		records = append(records, r)
	}
	if len(b) > 0 {
		return records, &PartialError{fmt.Errorf(
			"incomplete record found in file: %d bytes at its end, a record has %d: %w",
			len(b), sel.Size, io.ErrUnexpectedEOF)}
	}
	return records, nil
}
