package main

import (
	"bytes"
	"fmt"
	"strings"
)

var severities = map[string]string{"ok": "Nominal", "warn": "Warning", "crit": "Critical"}

// events writes the tables of event types and sensor types, and one of states. A state stands under
// its event/reading type, its sensor type (0 for a generic type), its offset and, when it holds
// for one value of event data 2 only, that value.
func events(b *bytes.Buffer, ls []line) error {
	var types, sensors, states, overrides bytes.Buffer
	event, sensor := uint64(0), uint64(0)
	for _, l := range ls {
		f, err := l.fields(3)
		if err != nil {
			return err
		}
		if l.indented {
			if err := state(&states, l, event, sensor, f); err != nil {
				return err
			}
			continue
		}
		code, err := hex(f[1])
		if err != nil {
			return l.fail("%v", err)
		}
		switch f[0] {
		case "event":
			event, sensor = code, 0
			fmt.Fprintf(&types, "%#02x: %q,\n", code, f[2])
		case "sensor":
			event, sensor = 0x6f, code
			fmt.Fprintf(&sensors, "%#02x: %q,\n", code, f[2])
		case "severity":
			w := strings.Fields(f[2])
			st, err := hex(w[0])
			if err != nil {
				return l.fail("%v", err)
			}
			for _, s := range w[1:] {
				off, sev, _ := strings.Cut(s, "=")
				o, err := hex(off)
				if err != nil || severities[sev] == "" {
					return l.fail("bad severity %q", s)
				}
				fmt.Fprintf(&overrides, "{%#02x, %#02x, %#x, -1}: %s,\n", code, st, o,
					severities[sev])
			}
		default:
			return l.fail("unknown word %q", f[0])
		}
	}
	fmt.Fprintf(b, "var eventTypeNames = [256]string{\n%s0x6f: \"sensor-specific\",\n}\n\n",
		types.Bytes())
	fmt.Fprintf(b, "var sensorTypeNames = [256]string{\n%s}\n\n", sensors.Bytes())
	fmt.Fprintf(b, "var eventStates = map[stateKey]EventState{\n%s}\n\n", states.Bytes())
	fmt.Fprintf(b, "var severityOverrides = map[stateKey]Severity{\n%s}\n", overrides.Bytes())
	return nil
}

func state(b *bytes.Buffer, l line, event, sensor uint64, f []string) error {
	off, data, withData := strings.Cut(f[0], ":")
	o, err := hex(off)
	if err != nil || severities[f[1]] == "" || event == 0 || o > 15 {
		return l.fail("bad state")
	}
	d := int64(-1)
	if withData {
		v, err := hex(data)
		if err != nil {
			return l.fail("%v", err)
		}
		d = int64(v)
	}
	words, added := strings.CutPrefix(f[2], "+")
	if w, ok := strings.CutSuffix(words, "~"); ok {
		words = w + " "
	}
	fmt.Fprintf(b, "{%#02x, %#02x, %#x, %d}: {%q, %s, %t},\n", event, sensor, o, d, words,
		severities[f[1]], added)
	return nil
}

// eventData writes the table of the fields of event data 2 and 3.
func eventData(b *bytes.Buffer, ls []line) error {
	fmt.Fprintln(b, "var eventDataFields = []EventDataField{")
	open := false
	for _, l := range ls {
		if l.indented {
			f, err := l.fields(2)
			if err != nil {
				return err
			}
			v, err := hex(f[0])
			if err != nil || !open {
				return l.fail("bad value")
			}
			fmt.Fprintf(b, "%#02x: %q,\n", v, f[1])
			continue
		}
		f, err := l.fields(6)
		if err != nil {
			return err
		}
		if open {
			fmt.Fprintln(b, "}},")
		}
		sensor, err := hex(f[1])
		if err != nil {
			return l.fail("%v", err)
		}
		var mask uint16
		for _, r := range strings.Split(f[2], ",") {
			from, to, ok := strings.Cut(r, "-")
			if !ok {
				to = from
			}
			lo, err1 := hex(from)
			hi, err2 := hex(to)
			if err1 != nil || err2 != nil || hi > 15 || lo > hi {
				return l.fail("bad offsets %q", f[2])
			}
			for ; lo <= hi; lo++ {
				mask |= 1 << lo
			}
		}
		var hi, lo int
		if _, err := fmt.Sscanf(f[4], "%d:%d", &hi, &lo); err != nil || hi > 7 || lo > hi ||
			lo < 0 || f[3] != "2" && f[3] != "3" {
			return l.fail("bad bits")
		}
		fmt.Fprintf(b, "{%#02x, %#04x, %s, %d, %d, %q, map[uint8]string{\n", sensor, mask, f[3], hi,
			lo, f[5])
		open = true
	}
	if open {
		fmt.Fprintln(b, "}},")
	}
	fmt.Fprintln(b, "}")
	return nil
}
