package bmc

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"lom/bmc/host/sim"
	"lom/ipmi"
)

// image returns the whole state of a BMC, one value a line. What only helps to make answers, and
// what a BMC shares with others, is not in it. The caller holds no lock.
func (b *BMC) image() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inventory.device(b, 0) // which makes them all
	var w imageWriter
	w.value("bmc", reflect.ValueOf(&b.families).Elem())
	w.value("host", reflect.ValueOf(b.host.State()))
	if h, ok := b.host.(*sim.Machine); ok {
		w.line("host.identified", h.Identified())
		w.value("host.boot", reflect.ValueOf(h.Boot()))
	}
	return strings.Join(w.lines, "\n")
}

// lasting returns what a BMC has again after a restart.
func (b *BMC) lasting() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inventory.device(b, 0)
	var w imageWriter
	for name, v := range map[string]any{
		"access": b.channels.access[settingKept], "keys": b.channels.keys, "login": b.login.kept,
		"users": b.accounts.user,
		"guid":  b.controller.guid, "sel": b.eventLog.kept, "aux": b.eventLog.aux,
		"boot": b.bootOptions.kept, "dcmi": b.dcmi.kept,
		"pef": b.pef.kept, "sdr": b.repository.kept, "records": b.repository.records,
		"policy": b.chassis.kept.Policy, "interval": b.chassis.kept.CycleInterval,
		"buttons":      b.chassis.kept.Buttons,
		"capabilities": b.chassis.kept.Capabilities,
	} {
		w.value(name, reflect.ValueOf(v))
	}
	for _, e := range b.eventLog.records {
		w.line("sellog", e.Record)
	}
	for n, text := range b.systemInfo.text {
		if !volatileText(uint8(n)) {
			w.line(fmt.Sprint("system", n), text)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.inventory.devices)) {
		d := b.inventory.devices[id]
		w.line(fmt.Sprint("fru", id), d.read(0, d.size))
	}
	for i := range b.sensors.state {
		st := b.sensors.state[i]
		w.line(fmt.Sprint("sensor", i), fmt.Sprint(st.thresholds, st.hysteresis))
	}
	for _, s := range []*parameters{&b.lan.parameters, &b.solConfig.parameters, &b.pef.parameters} {
		for k, p := range s.own {
			info, _ := ipmi.FindParameter(s.table, k.Number)
			if !info.Volatile && (!info.HasSet || k.Set != 0) {
				w.value(s.section+k.String(), reflect.ValueOf(p))
			}
		}
	}
	slices.Sort(w.lines)
	return strings.Join(w.lines, "\n")
}

type imageWriter struct {
	lines []string
}

func (w *imageWriter) line(path string, v any) {
	w.lines = append(w.lines, fmt.Sprintf("%s = %v", path, v))
}

// notState are the fields that are not state, by their struct and name.
var notState = map[string]bool{
	"parameters.parameterFamily": true,                        // the same for all
	"sensors.set":                true,                        // the same for all
	"sensors.own":                true,                        // says who has the memory
	"sensors.told":               true, "chassis.panel": true, // memory of the last answer
	"sensors.scans": true,                          // looks at the sensors sooner or later
	"eventLog.last": true, "eventLog.serial": true, // names in the state file
	"sessions.counters": true, "sessions.sweeper": true, // of packets
	"families.solPayload": true,                      // its sessions are in payloads
	"login.suites":        true,                      // the same for all
	"session.proto":       true, "session.v15": true, // of packets
	"session.repeats": true, "session.link": true, // of packets
	"payloadKind.activate": true, "halfOpen.v20": true, // of packets
}

func (w *imageWriter) value(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if t, ok := timeOf(v); ok {
			w.line(path, t)
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !notState[v.Type().Name()+"."+f.Name] {
				w.value(path+"."+f.Name, v.Field(i))
			}
		}
	case reflect.Pointer, reflect.Interface:
		switch {
		case v.Type() == reflect.TypeFor[Timer]():
			w.line(path, choose(v.IsNil(), "no timer", "timer"))
		case v.Type() == reflect.TypeFor[*sensorKept]() && v.IsNil():
			w.value(path, reflect.ValueOf(sensorKept{}))
		case v.IsNil():
			w.line(path, "nil")
		default:
			w.value(path, v.Elem())
		}
	case reflect.Map:
		var lines []string
		for it := v.MapRange(); it.Next(); {
			var part imageWriter
			part.value(fmt.Sprintf("%s[%v]", path, it.Key()), it.Value())
			lines = append(lines, part.lines...)
		}
		slices.Sort(lines)
		w.lines = append(w.lines, lines...)
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			var p []byte
			for i := range v.Len() {
				p = append(p, byte(v.Index(i).Uint()))
			}
			w.line(path, fmt.Sprintf("% x", p))
			return
		}
		w.line(path, fmt.Sprint("length ", v.Len()))
		for i := range v.Len() {
			w.value(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Func, reflect.Chan:
	default:
		w.line(path, v)
	}
}

// timeOf returns the time that v is, as a number.
func timeOf(v reflect.Value) (int64, bool) {
	if v.Type() != reflect.TypeFor[time.Time]() {
		return 0, false
	}
	// Fields that are not exported cannot be made values; the two numbers of a time.Time that was
	// read from a wall clock can be read.
	return int64(v.Field(0).Uint()) ^ v.Field(1).Int(), true
}

func choose(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// differences returns the lines that are in one of two images only.
func differences(before, after string) string {
	var out []string
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	in := map[string]int{}
	for _, l := range a {
		in[l]++
	}
	for _, l := range b {
		if in[l]--; in[l] < 0 {
			out = append(out, "+ "+l)
		}
	}
	for _, l := range a {
		if in[l] > 0 {
			in[l]--
			out = append(out, "- "+l)
		}
	}
	return strings.Join(out, "\n")
}
