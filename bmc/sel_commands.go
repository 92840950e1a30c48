package bmc

import (
	"slices"
	"strconv"
	"time"

	"lom/ipmi"
	"lom/ipmi/sel"
)

// Completion codes of the SEL's commands (Tables 31-2 to 31-8).
const (
	codeRecordType    ipmi.CompletionCode = 0x80 // Add SEL Entry, Delete SEL Entry
	codeRecordSizeBad ipmi.CompletionCode = 0x80 // Partial Add SEL Entry
)

// selVersion is 1.5, also for IPMI 2.0 (Table 31-2).
const selVersion = 0x51

func handleEventLog(m *Mux) {
	Handle(m, getSELInfo)
	Handle(m, getSELAllocationInfo)
	Handle(m, reserveSEL)
	Handle(m, getSELEntry)
	Handle(m, addSELEntry)
	Handle(m, partialAddSELEntry)
	Handle(m, deleteSELEntry)
	Handle(m, clearSEL)
	Handle(m, getSELTime)
	Handle(m, setSELTime)
	Handle(m, getSELTimeUTCOffset)
	Handle(m, setSELTimeUTCOffset)
	Handle(m, getAuxiliaryLogStatus)
	Handle(m, setAuxiliaryLogStatus)
}

func getSELInfo(ctx *Context, _ ipmi.GetSELInfo) (ipmi.SELInfo, error) {
	l := &ctx.BMC.eventLog
	return ipmi.SELInfo{Version: selVersion, Entries: uint16(len(l.records)),
		Free:         uint16(min((l.capacity-len(l.records))*sel.Size, 0xffff)),
		LastAddition: l.kept.LastAddition, LastErase: l.kept.LastErase, Overflow: l.kept.Overflow,
		CanDelete: true, CanPartialAdd: true, CanReserve: true, CanGetAllocation: true}, nil
}

func getSELAllocationInfo(ctx *Context, _ ipmi.GetSELAllocationInfo) (ipmi.AllocationInfo, error) {
	l := &ctx.BMC.eventLog
	free := uint16(l.capacity - len(l.records))
	return ipmi.AllocationInfo{Units: uint16(l.capacity), UnitSize: sel.Size, Free: free,
		LargestFree: free, MaxRecord: 1}, nil
}

func reserveSEL(ctx *Context, _ ipmi.ReserveSEL) (ipmi.Reservation, error) {
	l := &ctx.BMC.eventLog
	if l.reservation++; l.reservation == 0 {
		l.reservation = 1
	}
	l.reserved, l.partial = true, nil
	return ipmi.Reservation{ID: l.reservation}, nil
}

func getSELEntry(ctx *Context, req ipmi.GetSELEntry) (ipmi.SELEntry, error) {
	l := &ctx.BMC.eventLog
	if req.Offset != 0 {
		if err := l.check(req.Reservation); err != nil {
			return ipmi.SELEntry{}, err
		}
	}
	i, ok := l.find(req.Record)
	if !ok {
		return ipmi.SELEntry{}, ipmi.CodeNotPresent
	}
	record := l.records[i].Bytes()
	if req.Offset >= sel.Size {
		return ipmi.SELEntry{}, ipmi.CodeParameterOutOfRange
	}
	data := record[req.Offset:]
	if req.Count != ipmi.ReadAll {
		if int(req.Count) > len(data) {
			return ipmi.SELEntry{}, ipmi.CodeCannotReturnBytes
		}
		data = data[:req.Count]
	}
	next := ipmi.LastRecord
	if i+1 < len(l.records) {
		next = l.records[i+1].ID
	}
	return ipmi.SELEntry{Next: next, Data: data}, nil
}

func addSELEntry(ctx *Context, req ipmi.AddSELEntry) (ipmi.RecordID, error) {
	l := &ctx.BMC.eventLog
	var r sel.Record
	if err := r.UnmarshalBinary(req.Record[:]); err != nil {
		return ipmi.RecordID{}, err
	}
	if r.Type != sel.TypeSystemEvent && !r.Type.OEM() {
		return ipmi.RecordID{}, codeRecordType
	}
	id, err := l.addAsked(ctx, r)
	return ipmi.RecordID{ID: id}, err
}

func partialAddSELEntry(ctx *Context, req ipmi.PartialAddSELEntry) (ipmi.RecordID, error) {
	l := &ctx.BMC.eventLog
	if err := l.check(req.Reservation); err != nil {
		return ipmi.RecordID{}, err
	}
	partial := l.partial
	if req.Offset == 0 {
		partial = nil
	} else if int(req.Offset) != len(partial) || req.Record != l.kept.NextID {
		return ipmi.RecordID{}, ipmi.CodeParameterOutOfRange
	}
	if len(partial)+len(req.Data) > sel.Size || req.Last && len(partial)+len(req.Data) < sel.Size {
		return ipmi.RecordID{}, codeRecordSizeBad
	}
	partial = slices.Concat(partial, req.Data)
	if !req.Last {
		l.partial = partial
		// Whatever takes this ID away cancels the reservation too.
		return ipmi.RecordID{ID: l.kept.NextID}, nil
	}
	return addSELEntry(ctx, ipmi.AddSELEntry{Record: [sel.Size]byte(partial)})
}

func deleteSELEntry(ctx *Context, req ipmi.DeleteSELEntry) (ipmi.RecordID, error) {
	l := &ctx.BMC.eventLog
	if err := l.check(req.Reservation); err != nil {
		return ipmi.RecordID{}, err
	}
	i, ok := l.find(req.Record)
	if !ok {
		return ipmi.RecordID{}, ipmi.CodeNotPresent
	}
	id := l.records[i].ID
	l.remove(ctx, i)
	return ipmi.RecordID{ID: id}, nil
}

// clearSEL begins an erasure, or reports how far it is. Asking needs no reservation: the erasure
// has cancelled the one that began it.
func clearSEL(ctx *Context, req ipmi.ClearSEL) (ipmi.Erasure, error) {
	l := &ctx.BMC.eventLog
	switch req.Action {
	case ipmi.EraseStart:
		if err := l.check(req.Reservation); err != nil {
			return ipmi.Erasure{}, err
		}
		l.clear(ctx)
		return ipmi.Erasure{Progress: ipmi.ErasureRunning}, nil
	case ipmi.EraseStatus:
	default:
		return ipmi.Erasure{}, ipmi.CodeInvalidDataField
	}
	if l.erasing {
		return ipmi.Erasure{Progress: ipmi.ErasureRunning}, nil
	}
	return ipmi.Erasure{Progress: ipmi.ErasureDone}, nil
}

func getSELTime(ctx *Context, _ ipmi.GetSELTime) (ipmi.DeviceTime, error) {
	return ipmi.DeviceTime{Time: ctx.BMC.eventLog.now(ctx.BMC)}, nil
}

func setSELTime(ctx *Context, req ipmi.SetSELTime) (ipmi.NoData, error) {
	b := ctx.BMC
	l := &b.eventLog
	if req.Time == ipmi.TimestampUnspecified {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	set(ctx, &l.kept.ClockAhead, int64(req.Time)-b.clock.Now().Truncate(time.Second).Unix(), nil)
	set(ctx, &l.kept.UTCOffset, ipmi.UTCOffsetUnspecified, l.saveKept) // §31.11b
	return ipmi.NoData{}, nil
}

func getSELTimeUTCOffset(ctx *Context, _ ipmi.GetSELTimeUTCOffset) (ipmi.SELTimeUTCOffset, error) {
	return ipmi.SELTimeUTCOffset{Minutes: ctx.BMC.eventLog.kept.UTCOffset}, nil
}

func setSELTimeUTCOffset(ctx *Context, req ipmi.SetSELTimeUTCOffset) (ipmi.NoData, error) {
	const most = 1440
	if (req.Minutes < -most || req.Minutes > most) && req.Minutes != ipmi.UTCOffsetUnspecified {
		return ipmi.NoData{}, ipmi.CodeParameterOutOfRange
	}
	l := &ctx.BMC.eventLog
	set(ctx, &l.kept.UTCOffset, req.Minutes, l.saveKept)
	return ipmi.NoData{}, nil
}

func getAuxiliaryLogStatus(ctx *Context,
	req ipmi.GetAuxiliaryLogStatus) (ipmi.AuxiliaryLogStatus, error) {
	if st, ok := ctx.BMC.eventLog.aux[req.Log]; ok {
		return st, nil
	}
	if req.Log == ipmi.LogMCA {
		return ipmi.AuxiliaryLogStatus{LastEntry: ipmi.TimestampUnspecified}, nil
	}
	// An OEM log whose maker was not set yet.
	return ipmi.AuxiliaryLogStatus{}, ipmi.CodeNotPresent
}

func setAuxiliaryLogStatus(ctx *Context, req ipmi.SetAuxiliaryLogStatus) (ipmi.NoData, error) {
	if req.Log > ipmi.LogOEM2 || (req.Log == ipmi.LogMCA) != (req.Status.OEM == nil) {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	aux := ctx.BMC.eventLog.aux
	setKey(ctx, aux, req.Log, req.Status, func(b *BMC) {
		if st, ok := aux[req.Log]; ok {
			b.put("auxlog", strconv.Itoa(int(req.Log)), st)
		} else {
			b.drop("auxlog", strconv.Itoa(int(req.Log)))
		}
	})
	return ipmi.NoData{}, nil
}
