package sel

import (
	"fmt"
	"strconv"
	"strings"

	"lom/ipmi"
)

// GeneratorSoftware is the generator of the events that ReadLine returns: system management
// software.
const GeneratorSoftware GeneratorID = 0x0041

// ReadLine reads an event from a line as ipmitool's "sel add" takes them: seven numbers (event
// message revision, sensor type, sensor number, event type with the direction in bit 7, event data
// 1 to 3), and a comment after a #. The result is false for a line that is empty but for a comment.
func ReadLine(line string) (e Event, ok bool, err error) {
	text, _, _ := strings.Cut(line, "#")
	words := strings.Fields(text)
	if len(words) == 0 {
		return e, false, nil
	}
	if len(words) < 7 {
		return e, false, fmt.Errorf("an event has 7 numbers, not %d", len(words))
	}
	var b [7]byte
	for i := range b {
		n, err := strconv.ParseUint(words[i], 0, 8)
		if err != nil {
			return e, false, fmt.Errorf("%q is not a number from 0 to 255", words[i])
		}
		b[i] = byte(n)
	}
	return Event{Generator: GeneratorSoftware, Revision: b[0], SensorType: ipmi.SensorType(b[1]),
			Sensor:      b[2],
			Deassertion: b[3]&0x80 != 0, Type: ipmi.EventType(b[3] & 0x7f), Data: [3]byte(b[4:])},
		true,
		nil
}

// Line returns the event as ReadLine reads it, with a comment that says what it is.
func (e Event) Line() string {
	dir := uint8(e.Type) & 0x7f
	if e.Deassertion {
		dir |= 0x80
	}
	words := e.String()
	if words == "" {
		words = "Unknown"
	}
	return fmt.Sprintf("0x%02x 0x%02x 0x%02x 0x%02x 0x%02x 0x%02x 0x%02x # %v #0x%02x %s",
		e.Revision, uint8(e.SensorType), e.Sensor,
		dir, e.Data[0], e.Data[1], e.Data[2], e.SensorType, e.Sensor, words)
}
