package render

import (
	"fmt"
	"time"

	"lom/ipmi"
)

const secondsADay = 24 * 60 * 60

// at returns the time of a timestamp in the zone in which times are printed.
func (p *Printer) at(stamp ipmi.Timestamp) time.Time {
	if stamp.SinceInit() {
		return stamp.Time()
	}
	return stamp.Time().In(p.Zone)
}

// stampZone is the zone's name as ipmitool prints it: its -Z says GMT, not UTC.
func (p *Printer) stampZone(t time.Time) string {
	if p.UTC {
		return "GMT"
	}
	name, _ := t.Zone()
	return name
}

// stampNumeric prints a timestamp as ipmitool does in the C locale: 11/14/23 22:13:20 UTC.
func (p *Printer) stampNumeric(stamp ipmi.Timestamp) string {
	return p.stamp(stamp, "01/02/06 15:04:05", "/")
}

// stampLong prints a timestamp as ipmitool does where there is room: Tue Nov 14 22:13:20 2023 UTC.
func (p *Printer) stampLong(stamp ipmi.Timestamp) string {
	return p.stamp(stamp, "Mon Jan _2 15:04:05 2006", " days ")
}

func (p *Printer) stamp(stamp ipmi.Timestamp, layout, separator string) string {
	if stamp == ipmi.TimestampUnspecified {
		return "Unspecified"
	}
	t := p.at(stamp)
	switch {
	case !stamp.SinceInit():
		return t.Format(layout) + " " + p.stampZone(t)
	case stamp < secondsADay:
		return "S+ " + t.Format("15:04:05")
	case separator == "/":
		return fmt.Sprintf("S+ %s/%03d %s", t.Format("06"), t.YearDay(), t.Format("15:04:05"))
	}
	return fmt.Sprintf("S+ %s years %03d days %s", t.Format("06"), t.YearDay(),
		t.Format("15:04:05"))
}

// stampDate and stampTime print the two halves of a timestamp: 11/14/23 and 22:13:20 UTC.
func (p *Printer) stampDate(stamp ipmi.Timestamp) string {
	if stamp == ipmi.TimestampUnspecified {
		return "Unspecified"
	}
	t := p.at(stamp)
	if stamp.SinceInit() {
		return fmt.Sprintf("S+ %s/%03d", t.Format("06"), t.YearDay())
	}
	return t.Format("01/02/06")
}

func (p *Printer) stampTime(stamp ipmi.Timestamp) string {
	if stamp == ipmi.TimestampUnspecified {
		return "Unspecified"
	}
	t := p.at(stamp)
	if stamp.SinceInit() {
		return t.Format("15:04:05") + " GMT"
	}
	return t.Format("15:04:05") + " " + p.stampZone(t)
}
