package render

import (
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
)

// knowsStates says whether there are words for any state of the sensor.
func knowsStates(s *sdr.Sensor) bool {
	for o := range uint8(15) {
		if st, ok := ipmi.LookupState(s.EventType, s.SensorType, o); ok && !st.Added {
			return true
		}
	}
	return false
}

// printStates prints a paragraph with the words of states or events, if there are any.
func printStates(p *Printer, title string, s *sdr.Sensor, lo, hi uint8) {
	if lo == 0 && hi&0x7f == 0 || !knowsStates(s) {
		return
	}
	p.Printf(" %-21s : %s\n", title, s.SensorType)
	for _, words := range machine.StateWords(s, ipmi.SensorStates(lo)|ipmi.SensorStates(hi)<<8) {
		p.Printf("                         [%s]\n", words)
	}
}

// Bits of the first byte of Tables 35-11 and 35-14.
const (
	eventsOn          = 1 << 7
	statusUnavailable = 1 << 5
)

// printEventStatus prints an answer to Get Sensor Event Status, if there was one.
func (v *sensorView) printEventStatus(p *Printer) {
	d := v.status
	if len(d) == 0 {
		return
	}
	if d[0]&statusUnavailable != 0 {
		p.Println(" Event Status          : Unavailable")
		return
	}
	if d[0]&eventsOn == 0 {
		p.Println(" Event Status          : Event Messages Disabled")
	}
	lost := len(d) == 4 && d[3] != 0 || len(d) > 4 && d[3] != 0 && d[4] != 0
	v.printEvents(p, "Assertion Events", "Deassertion Events", d, lost)
}

// printEventEnable prints an answer to Get Sensor Event Enable, if there was one.
func (v *sensorView) printEventEnable(p *Printer) {
	d := v.enable
	if len(d) == 0 {
		return
	}
	if d[0]&eventsOn == 0 {
		p.Println(" Event Enable          : Event Messages Disabled")
	}
	lost := len(d) == 4 && d[3] != 0 || len(d) > 4 && (d[3] != 0 || d[4] != 0)
	v.printEvents(p, "Assertions Enabled", "Deassertions Enabled", d, lost)
}

// printEvents prints the two masks after the first byte of d; deassertions of a threshold sensor
// only if wanted.
func (v *sensorView) printEvents(p *Printer, assertions, deassertions string, d []byte,
	wantDeassertions bool) {
	var b [5]byte
	copy(b[:], d)
	if !v.sensor.EventType.Threshold() {
		if len(d) >= 2 {
			printStates(p, assertions, v.sensor, b[1], b[2])
		}
		if len(d) >= 4 {
			printStates(p, deassertions, v.sensor, b[3], b[4])
		}
		return
	}
	p.Printf(" %-21s : %s\n", assertions, thresholdEvents(b[1], b[2]))
	if len(d) > 2 && wantDeassertions {
		p.Printf(" %-21s : %s\n", deassertions, thresholdEvents(b[3], b[4]))
	}
}

var thresholdEventWords = [...]string{"lnc-", "lnc+", "lcr-", "lcr+", "lnr-", "lnr+",
	"unc-", "unc+", "ucr-", "ucr+", "unr-", "unr+"}

func thresholdEvents(lo, hi uint8) string {
	out := ""
	for i, words := range thresholdEventWords {
		if (uint16(lo)|uint16(hi)<<8)>>i&1 != 0 {
			out += words + " "
		}
	}
	return out
}
