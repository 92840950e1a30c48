package cli

import (
	"fmt"
	"strings"

	"lom/ipmi/sel"
)

// readEventFile reads the events of a file that sel save wrote, or that a person did.
func readEventFile(name string) ([]sel.Event, error) {
	b, err := readFile(name)
	if err != nil {
		return nil, err
	}
	var events []sel.Event
	for i, line := range strings.Split(string(b), "\n") {
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

// eventFileLine is a record as a line of an event file. The file has no form for the records of
// manufacturers: they are comments.
func eventFileLine(r sel.Record) []byte {
	e, ok := r.Event()
	if !ok {
		return fmt.Appendf(nil, "# OEM record %v: %x\n", r.Type, r.Body)
	}
	return append([]byte(e.Line()), '\n')
}

// rawRecord is a record as the BMC sent it.
func rawRecord(r sel.Record) []byte {
	b := r.Bytes()
	return b[:]
}

// readRawRecords reads a file that sel writeraw wrote, and returns how many bytes are left at its end.
func readRawRecords(name string) (records []sel.Record, rest int, err error) {
	b, err := readFile(name)
	if err != nil {
		return nil, 0, err
	}
	for ; len(b) >= sel.Size; b = b[sel.Size:] {
		var r sel.Record
		if err := r.UnmarshalBinary(b[:sel.Size]); err != nil {
			return nil, 0, err
		}
		records = append(records, r)
	}
	return records, len(b), nil
}
