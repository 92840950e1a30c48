package cli

import (
	"io"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// stateWords returns the words of the states among two bytes of states or events, those only that ipmitool has words for.
func stateWords(s *sdr.Sensor, lo, hi uint8) []string {
	var words []string
	for o := range uint8(15) {
		if (uint16(lo)|uint16(hi)<<8)>>o&1 == 0 {
			continue
		}
		if st, ok := ipmi.LookupState(s.EventType, s.SensorType, o); ok && !st.Added {
			words = append(words, st.Words)
		}
	}
	return words
}

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
func printStates(w io.Writer, title string, s *sdr.Sensor, lo, hi uint8) {
	if lo == 0 && hi&0x7f == 0 || !knowsStates(s) {
		return
	}
	fmt.Fprintf(w, " %-21s : %s\n", title, s.SensorType)
	for _, words := range stateWords(s, lo, hi) {
		fmt.Fprintf(w, "                         [%s]\n", words)
	}
}

// Bits of the first byte of Tables 35-11 and 35-14.
const (
	eventsOn          = 1 << 7
	statusUnavailable = 1 << 5
)

// printEventStatus prints an answer to Get Sensor Event Status, if there was one.
func (v *sensorView) printEventStatus(w io.Writer) {
	d := v.status
	if len(d) == 0 {
		return
	}
	if d[0]&statusUnavailable != 0 {
		fmt.Fprintln(w, " Event Status          : Unavailable")
		return
	}
	if d[0]&eventsOn == 0 {
		fmt.Fprintln(w, " Event Status          : Event Messages Disabled")
	}
	lost := len(d) == 4 && d[3] != 0 || len(d) > 4 && d[3] != 0 && d[4] != 0
	v.printEvents(w, "Assertion Events", "Deassertion Events", d, lost)
}

// printEventEnable prints an answer to Get Sensor Event Enable, if there was one.
func (v *sensorView) printEventEnable(w io.Writer) {
	d := v.enable
	if len(d) == 0 {
		return
	}
	if d[0]&eventsOn == 0 {
		fmt.Fprintln(w, " Event Enable          : Event Messages Disabled")
	}
	lost := len(d) == 4 && d[3] != 0 || len(d) > 4 && (d[3] != 0 || d[4] != 0)
	v.printEvents(w, "Assertions Enabled", "Deassertions Enabled", d, lost)
}

// printEvents prints the two masks behind the first byte of d; deassertions of a threshold sensor only if wanted.
func (v *sensorView) printEvents(w io.Writer, assertions, deassertions string, d []byte, wantDeassertions bool) {
	var b [5]byte
	copy(b[:], d)
	if !v.sensor.EventType.Threshold() {
		if len(d) >= 2 {
			printStates(w, assertions, v.sensor, b[1], b[2])
		}
		if len(d) >= 4 {
			printStates(w, deassertions, v.sensor, b[3], b[4])
		}
		return
	}
	fmt.Fprintf(w, " %-21s : %s\n", assertions, thresholdEvents(b[1], b[2]))
	if len(d) > 2 && wantDeassertions {
		fmt.Fprintf(w, " %-21s : %s\n", deassertions, thresholdEvents(b[3], b[4]))
	}
}

var thresholdEventWords = [...]string{"lnc-", "lnc+", "lcr-", "lcr+", "lnr-", "lnr+", "unc-", "unc+", "ucr-", "ucr+", "unr-", "unr+"}

func thresholdEvents(lo, hi uint8) string {
	out := ""
	for i, words := range thresholdEventWords {
		if (uint16(lo)|uint16(hi)<<8)>>i&1 != 0 {
			out += words + " "
		}
	}
	return out
}
