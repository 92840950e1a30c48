package ipmisim

import (
	"fmt"
	"math"
	"strings"
)

// kind is what sensors of one kind have in common: the raw reading x means (m*x + b*10^bExp) *
// 10^rExp.
type kind struct {
	typeName   string
	typeCode   int
	unit       string
	m, b       int
	bExp, rExp int
	signed     bool
}

var (
	temp   = kind{"Temperature", 1, "degrees_C", 1, 0, 0, 0, false}
	half   = kind{"Temperature", 1, "degrees_C", 5, -400, 0, -1, false} // 0.5*x - 40
	margin = kind{"Temperature", 1, "degrees_C", 1, 0, 0, 0, true}
	volt12 = kind{"Voltage", 2, "Volts", 63, 0, 0, -3, false}
	volt5  = kind{"Voltage", 2, "Volts", 26, 0, 0, -3, false}
	volt3  = kind{"Voltage", 2, "Volts", 17, 0, 0, -3, false}
	volt1  = kind{"Voltage", 2, "Volts", 8, 0, 0, -3, false}
	fan    = kind{"Fan", 4, "RPM", 75, 0, 0, 0, false}
	watt   = kind{"Other_Units_Based_Sensor", 11, "Watts", 4, 0, 0, 0, false}
	amp    = kind{"Current", 3, "Amps", 2, 0, 0, -1, false}
)

func (k kind) raw(v float64) int {
	x := int(math.RoundToEven((v/math.Pow10(k.rExp) -
		float64(k.b)*math.Pow10(k.bExp)) / float64(k.m)))
	if k.signed {
		return x & 0xff
	}
	return min(max(x, 0), 255)
}

// no is the threshold that a sensor does not have.
var no = math.Inf(1)

// The thresholds in the simulator's order.
var thresholdNames = [6]string{"lnc", "lc", "lnr", "unc", "uc", "unr"}

type analog struct {
	name     string
	kind     kind
	entity   string
	instance int
	value    float64
	limits   [6]float64 // lnr, lc, lnc, unc, uc, unr
}

// limit returns the thresholds in the simulator's order.
func (a analog) limit() [6]float64 {
	l := a.limits
	return [6]float64{l[2], l[1], l[0], l[3], l[4], l[5]}
}

type discrete struct {
	name      string
	typeName  string
	typeCode  int
	event     int // event/reading type code
	entity    string
	instance  int
	possible  int
	states    int
	eventOnly bool
}

func analogs() []analog {
	upper := func(unc, uc, unr float64) [6]float64 { return [6]float64{no, no, no, unc, uc, unr} }
	cpu := upper(80, 90, 95)
	all := []analog{
		{"Inlet Temp", half, "system_board", 1, 23.5, [6]float64{-15, -7, 3, 38, 42, 47}},
		{"Exhaust Temp", temp, "system_board", 2, 41, upper(70, 75, 80)},
	}
	for i := 1; i <= 2; i++ {
		all = append(all,
			analog{fmt.Sprintf("CPU%d Temp", i), temp, "processor", i, float64(52 + i), cpu},
			analog{fmt.Sprintf("CPU%d Margin", i), margin, "processor", i, float64(-38 - i),
				upper(-10, -5, no)})
	}
	for i := range 8 {
		all = append(all, analog{fmt.Sprintf("DIMM %c%d Temp", "AB"[i/4], i%4+1), temp,
			"memory_device", i + 1, float64(37 + i), upper(78, 83, 88)})
	}
	all = append(all,
		analog{"PCH Temp", temp, "system_board", 3, 47, cpu},
		analog{"NVMe BP Temp", temp, "drive_backplane", 1, 34, upper(65, 70, 75)},
		analog{"PSU1 Temp", temp, "power_supply", 1, 34, upper(75, 80, 85)},
		analog{"PSU2 Temp", temp, "power_supply", 2, 35, upper(75, 80, 85)},
		analog{"P12V", volt12, "system_board", 1, 12.10,
			[6]float64{10.2, 10.8, 11.2, 12.9, 13.2, 13.8}},
		analog{"P5V", volt5, "system_board", 1, 5.02, [6]float64{4.2, 4.5, 4.7, 5.3, 5.5, 5.8}},
		analog{"P5V STBY", volt5, "system_board", 1, 4.99,
			[6]float64{4.2, 4.5, 4.7, 5.3, 5.5, 5.8}},
		analog{"P3V3", volt3, "system_board", 1, 3.30, [6]float64{2.8, 2.97, 3.1, 3.5, 3.63, 3.8}},
		analog{"P3V3 STBY", volt3, "system_board", 1, 3.31,
			[6]float64{2.8, 2.97, 3.1, 3.5, 3.63, 3.8}},
		analog{"VBAT", volt3, "battery", 1, 3.06, [6]float64{no, 2.3, 2.6, no, no, no}})
	for i := 1; i <= 2; i++ {
		all = append(all,
			analog{fmt.Sprintf("VCORE CPU%d", i), volt1, "processor", i, 0.88 + float64(i)/100,
				[6]float64{0.4, 0.5, 0.55, 1.4, 1.5, 1.6}},
			analog{fmt.Sprintf("VDIMM CPU%d", i), volt1, "processor", i, 1.2,
				[6]float64{1.0, 1.08, 1.14, 1.26, 1.32, 1.4}})
	}
	for i := 1; i <= 8; i++ {
		for j, side := range "AB" {
			all = append(all, analog{fmt.Sprintf("FAN%d%c", i, side), fan, "fan_cooling_device", i,
				float64(6000 + 150*i + 300*j), [6]float64{300, 600, 900, no, no, no}})
		}
	}
	for i := 1; i <= 2; i++ {
		all = append(all,
			analog{fmt.Sprintf("PSU%d Input", i), watt, "power_supply", i, float64(180 + 8*i),
				upper(760, 840, no)},
			analog{fmt.Sprintf("PSU%d Current", i), amp, "power_supply", i, 0.8 + float64(i)/5,
				upper(7, 8, no)})
	}
	return append(all, analog{"System Power", watt, "system_chassis", 1, 372, upper(900, 980, no)})
}

func discretes() []discrete {
	var all []discrete
	for i := 1; i <= 2; i++ {
		all = append(all,
			discrete{fmt.Sprintf("CPU%d Status", i), "Processor", 7, 0x6f, "processor", i, 0x07fe,
				0x80, false},
			discrete{fmt.Sprintf("PSU%d Status", i), "Power_Supply", 8, 0x6f, "power_supply", i,
				0x4f, 1, false})
	}
	all = append(all,
		discrete{"PS Redundancy", "Power_Supply", 8, 0x0b, "power_supply", 1, 0xff, 1, false},
		discrete{"Fan Redundancy", "Fan", 4, 0x0b, "fan_cooling_device", 1, 0xff, 1, false})
	for i := range 8 {
		all = append(all, discrete{fmt.Sprintf("DIMM %c%d", "AB"[i/4], i%4+1), "Memory", 12, 0x6f,
			"memory_device", i + 1, 0x07ff, 0x40, false})
	}
	for i := 1; i <= 8; i++ {
		present := 1
		if i > 6 {
			present = 0
		}
		all = append(all, discrete{fmt.Sprintf("Drive %d", i), "Drive_Slot", 13, 0x6f,
			"disk_or_disk_bay", i, 0x01ff, present, false})
	}
	return append(all,
		discrete{"Intrusion", "Physical_Security", 5, 0x6f, "system_chassis", 1, 0x7f, 0, false},
		discrete{"Power Unit", "Power_Unit", 9, 0x6f, "power_unit", 1, 0xff, 0, false},
		discrete{"SEL Status", "Event_Logging_Disabled", 16, 0x6f, "system_management_module", 1,
			0x3f, 0, false},
		discrete{"Critical Int", "Critical_Interrupt", 19, 0x6f, "system_board", 1, 0x07ff, 0,
			false},
		discrete{"ACPI State", "System_ACPI_Power_State", 34, 0x6f, "system_board", 1, 0x7fff, 1,
			false},
		discrete{"Button", "Button_Switch", 20, 0x6f, "front_panel_board", 1, 0x1f, 0, false},
		discrete{"CMOS Battery", "Battery", 41, 0x6f, "battery", 1, 7, 4, false},
		discrete{"BMC Health", "Management_Subsystem_Health", 40, 0x6f, "system_management_module",
			1, 0x3f, 0, false},
		discrete{"POST Progress", "System_Firmware_Progress", 15, 0x6f, "bios", 1, 7, 0, true},
		discrete{"OS Boot", "OS_Boot", 31, 0x6f, "operating_system", 1, 0x7f, 0, true},
		discrete{"OS Stop", "OS_Critical_Stop", 32, 0x6f, "operating_system", 1, 0x3f, 0, true},
		discrete{"System Event", "System_Event", 18, 0x6f, "system_board", 1, 0x3f, 0, true})
}

// sensorFiles returns the simulator's commands, the source of its SDRs, and the numbers of the
// sensors, for the watchdog and n sensors more.
func sensorFiles(n int) (commands, sdrs []string, numbers map[string]int) {
	as, ds := analogs(), discretes()
	if n == 0 {
		n = len(as) + len(ds)
	}
	if n < len(as)+len(ds) {
		k := max(1, n*len(as)/(len(as)+len(ds)))
		as, ds = as[:min(k, len(as))], ds[:n-k]
	}
	for i := 1; len(as)+len(ds) < n; i++ {
		as = append(as, analog{fmt.Sprintf("Extra Temp %d", i), temp, "external_environment",
			i%90 + 1, float64(20 + i%40), [6]float64{no, no, no, 80, 90, 95}})
	}
	sdrs = []string{
		"sdr type 18", " device_slave_address 0x20", " device_channel_number 0", " chassis true",
		" ipmb_event_recv true",
		" ipmb_event_gen true", " fru_inventory true", " sel true", " sdr true", " sensor true",
		" bridge false",
		" entity_id system_management_module", " entity_instance 1", ` id_string "Testbed BMC"`,
		"endsdr",
	}
	// The simulator's watchdog writes its events as sensor 0.
	watchdog := discrete{"Watchdog", "Watchdog_2", 0x23, 0x6f, "system_management_module", 1, 0x10f,
		0, true}
	numbers = map[string]int{}
	add := func(name string, command, sdr []string) {
		numbers[name] = len(numbers)
		commands, sdrs = append(commands, command...), append(sdrs, sdr...)
	}
	c, s := watchdog.files(0)
	add(watchdog.name, c, s)
	for _, a := range as {
		c, s := a.files(len(numbers))
		add(a.name, c, s)
	}
	for _, d := range ds {
		c, s := d.files(len(numbers))
		add(d.name, c, s)
	}
	return commands, sdrs, numbers
}

func head(kind, number int, entity string, instance int) []string {
	return []string{
		fmt.Sprintf("sdr type %d", kind), " sensor_owner_id 0x20", " sensor_owner_lun 0",
		" channel_number 0",
		fmt.Sprintf(" sensor_number %d", number), " entity_id " + entity,
		fmt.Sprintf(" entity_instance %d", instance),
	}
}

func bits(v int) string { return fmt.Sprintf("%015b", v) }

func events(number, mask int) string {
	b := bits(mask)
	return fmt.Sprintf("sensor_set_event_support 0x20 0 %d enable scanning per-state %s %s %s %s",
		number, b, b, b, b)
}

// files returns the commands and the full sensor record of a threshold sensor.
func (a analog) files(number int) (commands, sdr []string) {
	k, limits := a.kind, a.limit()
	mask, values, supported := "", "", 0
	for i := 5; i >= 0; i-- { // UNR first
		bit, raw := "0", 0
		if limits[i] != no {
			bit, raw = "1", k.raw(limits[i])
			// Lower thresholds make events when going low, upper ones when going high.
			supported |= 1 << (2 * i)
			if i >= 3 {
				supported = supported&^(1<<(2*i)) | 1<<(2*i+1)
			}
		}
		mask += bit
		values += fmt.Sprintf(" 0x%02x", raw)
	}
	commands = []string{
		fmt.Sprintf("sensor_add 0x20 0 %d 0x%02x 0x01", number, k.typeCode),
		fmt.Sprintf("sensor_set_value 0x20 0 %d 0x%02x 0", number, k.raw(a.value)),
		fmt.Sprintf("sensor_set_hysteresis 0x20 0 %d settable 2 2", number),
		fmt.Sprintf("sensor_set_threshold 0x20 0 %d settable %s%s", number, mask, values),
		events(number, supported),
	}
	format, maximum, minimum := "unsigned", 255, 0
	if k.signed {
		format, maximum, minimum = "2s_complement", 127, 128
	}
	sdr = append(head(1, number, a.entity, a.instance),
		" sensor_type "+k.typeName, " init_scanning true", " init_events true",
		" init_thresholds true",
		" init_sensor_type true", " default_event_gen_on true", " default_sensor_scan_on true",
		" sensor_auto_rearm true", " sensor_hysteresis settable",
		" sensor_threshold_access settable",
		" sensor_event_msg_ctrl per_state", " event_reading_type_code 1",
		" analog_data_format "+format,
		" rate_unit none", " modifier_unit none", " percentage false", " base_unit "+k.unit,
		" modifier_unit_code unspecified", " linearization linear", fmt.Sprintf(" m %d", k.m),
		fmt.Sprintf(" b %d", k.b),
		" tolerance 0", " accuracy 1", " accuracy_exp 0", " sensor_direction input",
		fmt.Sprintf(" r_exp %d", k.rExp), fmt.Sprintf(" b_exp %d", k.bExp),
		" nominal_specified true", fmt.Sprintf(" nominal_reading %d", k.raw(a.value)),
		fmt.Sprintf(" sensor_maximum %d", maximum), fmt.Sprintf(" sensor_minimum %d", minimum))
	for i, t := range thresholdNames {
		if limits[i] == no {
			continue
		}
		direction := "gl"
		if strings.HasPrefix(t, "u") {
			direction = "gh"
		}
		sdr = append(sdr,
			fmt.Sprintf(" assert_%s%s true", t, direction),
			fmt.Sprintf(" deassert_%s%s true", t, direction),
			fmt.Sprintf(" %s_thrsh_settable true", t), fmt.Sprintf(" %s_thrsh_readable true", t),
			fmt.Sprintf(" %s_thresh %d", t, k.raw(limits[i])))
	}
	return commands, append(sdr, " positive_hysteresis 2", " negative_hysteresis 2",
		fmt.Sprintf(" id_string %q", a.name), "endsdr")
}

// files returns the commands and the compact or event-only record of a discrete sensor.
func (d discrete) files(number int) (commands, sdr []string) {
	add, record := "", 2
	if d.eventOnly {
		add, record = " event-only", 3
	}
	commands = []string{
		fmt.Sprintf("sensor_add 0x20 0 %d 0x%02x 0x%02x%s", number, d.typeCode, d.event, add),
		events(number, d.possible),
	}
	sdr = append(head(record, number, d.entity, d.instance),
		" sensor_type "+d.typeName, fmt.Sprintf(" event_reading_type_code 0x%02x", d.event))
	if !d.eventOnly {
		sdr = append(sdr, " init_scanning true", " init_events true", " init_sensor_type true",
			" default_event_gen_on true", " default_sensor_scan_on true",
			" sensor_event_msg_ctrl per_state")
		for i := range 15 {
			if d.states>>i&1 == 1 {
				commands = append(commands,
					fmt.Sprintf("sensor_set_bit 0x20 0 %d %d 1 0", number, i))
			}
			if d.possible>>i&1 == 1 {
				sdr = append(sdr, fmt.Sprintf(" event%d_state_ret true", i),
					fmt.Sprintf(" assert_event%d true", i),
					fmt.Sprintf(" deassert_event%d true", i))
			}
		}
	}
	return commands, append(sdr, fmt.Sprintf(" id_string %q", d.name), "endsdr")
}
