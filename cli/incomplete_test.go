package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lom/client"
	"lom/ipmi"
)

// hexLines returns the bytes of each line of a file of hexadecimal text.
func hexLines(t testing.TB, name string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for line := range strings.Lines(string(text)) {
		line = strings.ReplaceAll(strings.TrimSpace(line), " ", "")
		if line == "" || line[0] == '#' {
			continue
		}
		b, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// caseBMC is a BMC with sensor records, events, FRU devices and sensors, some of which cannot be
// read.
type caseBMC struct {
	records  [][]byte // by the IDs in their first two bytes
	count    int      // of records that are reported
	last     uint16   // that the last record names as the next, if not 0
	refused  ipmi.CompletionCode
	events   [][]byte
	reported int
	badEvent uint16           // an event that is refused with FFh
	frus     map[uint8][]byte // nil: refused with CBh
	readings map[uint8][]byte // others are refused with CBh
	// of other commands, by network function and number: code and data
	answers  map[[2]uint8][]byte
	fruFault func(at, n int) (refuse bool) // of reads of FRU devices

	mu    sync.Mutex
	asked int // reads of sensor records
}

func (b *caseBMC) Close() error { return nil }

func (b *caseBMC) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fail := func(c ipmi.CompletionCode) (ipmi.RawResponse, error) {
		return ipmi.RawResponse{Code: c}, nil
	}
	ok := func(data ...byte) (ipmi.RawResponse, error) { return ipmi.RawResponse{Data: data}, nil }
	record := func(list [][]byte, last uint16,
		refused ipmi.CompletionCode) (ipmi.RawResponse, error) {
		id, at, n := binary.LittleEndian.Uint16(req.Data[2:]), int(req.Data[4]), int(req.Data[5])
		if refused != 0 && id == last {
			return fail(refused)
		}
		for i, r := range list {
			if own := binary.LittleEndian.Uint16(r); own != id && (id != 0 || i > 0) &&
				(id != ipmi.LastRecord || i < len(list)-1) {
				continue
			}
			next := []byte{0xff, 0xff}
			if i+1 < len(list) {
				next = list[i+1][:2]
			} else if last != 0 {
				next = []byte{byte(last), byte(last >> 8)}
			}
			return ok(append(slices.Clone(next), r[min(at, len(r)):min(at+n, len(r))]...)...)
		}
		return fail(ipmi.CodeNotPresent)
	}
	key := [2]uint8{uint8(req.Command.NetFn), req.Command.Code}
	if a := b.answers[key]; len(a) > 0 {
		return ipmi.RawResponse{Code: ipmi.CompletionCode(a[0]), Data: a[1:]}, nil
	}
	switch key {
	case [2]uint8{6, 1}:
		return ok(0x20, 1, 2, 0x45, 2, 0xbf, 0xa2, 2, 0, 0, 1)
	case [2]uint8{6, 8}, [2]uint8{6, 0x37}:
		return ok(bytes.Repeat([]byte{7}, 16)...)
	case [2]uint8{10, 0x20}:
		return ok(0x51, byte(b.count), byte(b.count>>8), 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 2)
	case [2]uint8{10, 0x22}, [2]uint8{10, 0x42}:
		return ok(1, 0)
	case [2]uint8{10, 0x23}:
		b.asked++
		return record(b.records, b.last, b.refused)
	case [2]uint8{10, 0x40}:
		return ok(0x51, byte(b.reported), byte(b.reported>>8), 0x10, 0x10, 0, 0, 0x60, 0x10, 0, 0,
			0x60, 0x82, 2)
	case [2]uint8{10, 0x43}:
		if id := binary.LittleEndian.Uint16(req.Data[2:]); b.badEvent != 0 && id == b.badEvent {
			return fail(ipmi.CodeUnspecified)
		}
		return record(b.events, 0, 0)
	case [2]uint8{10, 0x10}:
		f := b.frus[req.Data[0]]
		if f == nil {
			return fail(ipmi.CodeNotPresent)
		}
		return ok(byte(len(f)), byte(len(f)>>8), 0)
	case [2]uint8{10, 0x11}:
		f, at, n := b.frus[req.Data[0]], int(binary.LittleEndian.Uint16(req.Data[1:])),
			int(req.Data[3])
		if b.fruFault != nil && b.fruFault(at, n) {
			return fail(ipmi.CodeUnspecified)
		}
		f = f[min(at, len(f)):min(at+n, len(f))]
		return ok(append([]byte{byte(len(f))}, f...)...)
	case [2]uint8{4, 0x2d}:
		if r := b.readings[req.Data[0]]; r != nil {
			return ok(r...)
		}
		return fail(ipmi.CodeNotPresent)
	}
	return fail(ipmi.CodeInvalidCommand)
}

// runOn runs a command line against a BMC, in UTC. hosts are the values of -H, each that BMC; cache
// is where things are kept, "" for nowhere.
func runOn(t testing.TB, b Session, hosts, cache string,
	args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	var out, errs bytes.Buffer
	a := newApp("lom", strings.NewReader(""), &out, &errs)
	a.env = func(name string) (string, bool) { return cache, name == "LOM_CACHE" && cache != "" }
	a.now, a.zone, a.registry = func() time.Time { return time.Unix(1700000000, 0) }, time.UTC, nil
	a.dial = func(context.Context, *Options, *slog.Logger) (Session, error) { return b, nil }
	a.transport = func() (*client.Transport, error) { return nil, nil }
	exit = a.Run(t.Context(), append([]string{"-H", hosts, "-U", "admin", "-P", "secret"}, args...))
	return out.String(), errs.String(), exit
}

const fc830List = `CPU2             | Phy FRU @B0h 03.2 | ok
BP1              | Log FRU @0Ch 1a.1 | ok
SBE Log Disabled | Not Readable      | ns
USB Over-current | Not Readable      | ns
POST Err         | Not Readable      | ns
Fan4             | 5280 RPM          | ok
Inlet Temp       | 25 degrees C      | ok
MRC Warning      | Not Readable      | ns
`

func fc830(t testing.TB) *caseBMC {
	return &caseBMC{
		records: hexLines(t, "testdata/cases/sdr-fc830.hex"), count: 9, last: 0xd9,
		refused:  ipmi.CodeTimeout,
		readings: map[uint8][]byte{0x36: {0x2c, 0xc0, 0xc0}, 0x04: {0x99, 0xc0, 0xc0}},
		events: [][]byte{{1, 0, 2, 0x5c, 0xd2, 0x99, 0x63, 0x20, 0, 4, 4, 0x36, 1, 0, 0xff,
			0xff}}, reported: 1,
		frus: map[uint8][]byte{0: append([]byte{1, 0, 0, 0, 0, 0, 0, 0xff}, make([]byte, 24)...)},
	}
}

// A record that cannot be read costs nothing that does not need it (shared case
// sdr-last-record-c3).
func TestCommandsWithABadSensorRecord(t *testing.T) {
	const sentence = "SDR 00D9h could not be read: Timeout\n"
	for line, want := range map[string]struct {
		out, err string // out: contained
		exit     int
	}{
		"sdr list all":           {fc830List, "lom: " + sentence, 1},
		"sdr elist all":          {"Fan4", "lom: " + sentence, 1},
		"sensor list":            {"Fan4", "lom: " + sentence, 1},
		"-o json sdr list all":   {`"Fan4"`, "lom: " + sentence, 1},
		"-c sdr list all":        {"Fan4,5280,RPM,ok\n", "lom: " + sentence, 1},
		"sensor reading Fan4":    {"Fan4             | 5280\n", "", 0},
		"sensor get Fan4":        {"5280", "", 0},
		"sdr get Fan4":           {"5280", "", 0},
		"sdr type Fan":           {"Fan4             | 36h | ok  | 23.1 | 5280 RPM\n", "lom: " + sentence, 0},
		"sel elist":              {"Fan Fan4 | ", "", 0},
		"sel get 1":              {"5280", "", 0},
		"event Fan4 list":        {"Fan4", "", 0},
		"fru print":              {"Builtin FRU Device", "lom: " + sentence, 0},
		"sdr get Fan5":           {"", `lom: there is no sensor "Fan5" among the records that could be read: ` + sentence, 1},
		"sensor reading Fan4 X5": {"Fan4             | 5280\n", `lom: there is no sensor "X5" among the records that could be read: ` + sentence, 1},
	} {
		t.Run(line, func(t *testing.T) {
			out, errs, exit := runOn(t, fc830(t), "bmc1", "", strings.Fields(line)...)
			if !strings.Contains(out, want.out) || errs != want.err || exit != want.exit {
				t.Errorf("got exit %d\n%s%s\nwant exit %d\n%s%s", exit, out, errs, want.exit,
					want.out, want.err)
			}
		})
	}
	t.Run("many hosts", func(t *testing.T) {
		out, errs, exit := runOn(t, fc830(t), "a,b", "", "sdr", "list", "all")
		if strings.Count(out, "Fan4") != 2 ||
			!strings.Contains(errs, "2  [a-b]") &&
				!strings.Contains(errs, strings.TrimSpace(sentence)) || exit != 1 {
			t.Errorf("got exit %d\n%s%s", exit, out, errs)
		}
		out, errs, exit = runOn(t, fc830(t), "a,b", "", "-o", "json", "sdr", "list", "all")
		if strings.Count(out, `"error":"`+strings.TrimSpace(sentence)+`"`) != 2 ||
			strings.Count(out, "Fan4") != 2 || exit != 1 {
			t.Errorf("got exit %d\n%s%s", exit, out, errs)
		}
	})
}

// A repository with a bad record is kept with the place of that record, which alone is asked for
// again.
func TestCacheWithABadSensorRecord(t *testing.T) {
	dir := t.TempDir()
	b := fc830(t)
	for i := range 3 {
		b.asked = 0
		out, errs, exit := runOn(t, b, "bmc1", dir, "sdr", "list", "all")
		if out != fc830List || errs != "lom: SDR 00D9h could not be read: Timeout\n" || exit != 1 {
			t.Errorf("call %d: got exit %d\n%s%s", i, exit, out, errs)
		}
		if i > 0 && b.asked != 1 {
			t.Errorf("call %d: %d reads, want 1", i, b.asked)
		}
	}
	// The record can be read again: all are read, and kept.
	b.records, b.last, b.refused = append(b.records, append([]byte{0xd9, 0}, b.records[1][2:]...)),
		0, 0
	for i, want := range []int{11, 0} {
		b.asked = 0
		out, errs, exit := runOn(t, b, "bmc1", dir, "sdr", "list", "all")
		if strings.Count(out, "BP1") != 2 || errs != "" || exit != 0 || b.asked > want {
			t.Errorf("call %d: got exit %d after %d reads\n%s%s", i, exit, b.asked, out, errs)
		}
	}
}

// Many BMCs count their records wrong: the list says where it ends, and the difference is noted.
func TestSDRsFewerThanReported(t *testing.T) {
	b := fc830(t)
	b.last, b.refused = 0, 0
	dir := t.TempDir()
	for range 2 {
		out, errs, exit := runOn(t, b, "bmc1", dir, "sdr", "list", "all")
		if out != fc830List || errs != "lom: the BMC reports 9 SDRs and gave 8\n" || exit != 0 {
			t.Errorf("got exit %d\n%s%s", exit, out, errs)
		}
	}
}

// A list of events that ends before the number that the BMC reports is told, and so is the entry
// that cannot be read (shared case sel-list-shorter-than-info).
func TestSELShorterThanReported(t *testing.T) {
	events := [][]byte{
		{1, 0, 2, 0x5c, 0xd2, 0x99, 0x63, 0x20, 0, 4, 7, 0x40, 0x6f, 0x0b, 0xff, 0xff},
		{2, 0, 2, 0x5c, 0xd2, 0x99, 0x63, 0x20, 0, 4, 7, 0x40, 0x6f, 0x0b, 0xff, 0xff},
	}
	const line = "12/14/22 | 13:40:44 UTC | Processor #0x40 | Uncorrectable machine check " +
		"exception | Asserted\n"
	both := "   1 | " + line + "   2 | " + line
	for _, dir := range []string{"", t.TempDir()} {
		for range 2 {
			out, errs, exit := runOn(t, &caseBMC{events: events, reported: 129}, "bmc1", dir, "sel",
				"list")
			if out != both || errs != "lom: the BMC reports 129 SEL entries and gave 2\n" ||
				exit != 1 {
				t.Errorf("got exit %d\n%s%s", exit, out, errs)
			}
		}
		if out, errs, exit := runOn(t, &caseBMC{events: events, reported: 129}, "bmc1", dir, "sel",
			"list", "first", "2"); out != both || errs != "" || exit != 0 {
			t.Errorf("first 2: got exit %d\n%s%s", exit, out, errs)
		}
		third := append([]byte{3}, events[0][1:]...)
		out, errs, exit := runOn(t, &caseBMC{events: append(events[:2:2], third), reported: 3,
			badEvent: 2}, "bmc1", dir, "sel", "list")
		if want := "   1 | " + line + "   3 | " + line; out != want ||
			errs != "lom: SEL entry 2 could not be read: Unspecified error\n" || exit != 1 {
			t.Errorf("got exit %d\n%s%s", exit, out, errs)
		}
	}
	out, errs, exit := runOn(t, &caseBMC{events: events, reported: 129}, "bmc1", "", "-o", "json",
		"sel", "list")
	if strings.Count(out, `"record_type"`) != 2 ||
		errs != "lom: the BMC reports 129 SEL entries and gave 2\n" || exit != 1 {
		t.Errorf("got exit %d\n%s%s", exit, out, errs)
	}
	file := t.TempDir() + "/raw"
	_, errs, exit = runOn(t, &caseBMC{events: events, reported: 129}, "bmc1", "", "sel", "writeraw",
		file)
	if b, err := os.ReadFile(file); err != nil || !bytes.Equal(b, slices.Concat(events...)) ||
		errs == "" || exit != 1 {
		t.Errorf("writeraw: got exit %d, %x, %v, %s", exit, b, err, errs)
	}
}

// Memory modules show what their SPD data tells, and an absent one does not look present (shared
// case fru-spd).
func TestFRUsOfMemoryModules(t *testing.T) {
	spd := slices.Concat(hexLines(t, "testdata/cases/fru-spd.hex")...)
	b := &caseBMC{records: hexLines(t, "testdata/cases/fru-spd-locators.hex"), count: 7,
		frus: map[uint8][]byte{1: spd, 3: spd, 4: spd}}
	const module = ` Memory Type           : DDR4 SDRAM
 Module Type           : RDIMM
 SDRAM Capacity        : 4096 Mb
 Primary Bus Width     : 64 bits
 SDRAM Device Width    : 4 bits
 Number of Ranks       : 2
 Memory size           : 16384 MB
 Error Detect/Cor      : ECC
 Manufacturer          : Samsung
 Manufacture Date      : year 2017 week 2
 Serial Number         : 11223344
 Part Number           : 752369-081
`
	out, errs, exit := runOn(t, b, "bmc1", "", "fru", "print")
	for id, name := range map[string]string{"1": "DIMM 10/01", "3": "DIMM 0b/01",
		"4": "DIMM 0c/02"} {
		if want := "FRU Device Description : " + name + " (ID " + id + ")\n" +
			module; !strings.Contains(out, want) {
			t.Errorf("FRU %s: got\n%s\nwant\n%s", id, out, want)
		}
	}
	if want := "FRU Device Description : absent (ID 6)\n Device not present (Requested sensor, " +
		"data, or record not found)\n"; !strings.Contains(out, want) || errs != "" || exit != 0 {
		t.Errorf("got exit %d\n%s%s\nwant\n%s", exit, out, errs, want)
	}
	if out, errs, exit := runOn(t, b, "bmc1", "", "fru", "print", "1"); out != module ||
		errs != "" || exit != 0 {
		t.Errorf("fru print 1: got exit %d\n%s%s", exit, out, errs)
	}
	if out, _, _ := runOn(t, b, "bmc1", "", "-o", "json", "fru", "print",
		"1"); !strings.Contains(out, `"part_number": "752369-081"`) {
		t.Errorf("got %s", out)
	}
	if out, errs, exit := runOn(t, b, "bmc1", "", "fru", "print", "99"); !strings.Contains(out,
		"Device not present") || !strings.HasPrefix(errs, "lom: FRU 99: device not present") ||
		exit != 1 {
		t.Errorf("fru print 99: got exit %d\n%s%s", exit, out, errs)
	}
}

// A device that gives no bytes, or less than it reports, is not read with success.
func TestFRUReadOfShortDevices(t *testing.T) {
	file := t.TempDir() + "/fru"
	b := &shortFRU{caseBMC{frus: map[uint8][]byte{0: make([]byte, 100)}}, 0}
	_, errs, exit := runOn(t, b, "bmc1", "", "fru", "read", "0", file)
	if want := "lom: FRU 0: the BMC reports 100 bytes and gave none; " + file +
		" was not written\n"; errs != want || exit != 1 {
		t.Errorf("got exit %d, %q; want %q", exit, errs, want)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("an empty file was written")
	}
	b.most = 60
	_, errs, exit = runOn(t, b, "bmc1", "", "fru", "read", "0", file)
	if want := "lom: FRU 0: the BMC reports 100 bytes and gave 60, which are in " + file +
		"\n"; errs != want || exit != 1 {
		t.Errorf("got exit %d, %q; want %q", exit, errs, want)
	}
}

// shortFRU is a BMC whose FRU devices end early.
type shortFRU struct {
	caseBMC
	most int
}

func (b *shortFRU) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	if req.Command.Is(ipmi.ReadFRUData{}.Command()) {
		at, n := int(binary.LittleEndian.Uint16(req.Data[1:])), int(req.Data[3])
		n = min(n, max(b.most-at, 0))
		return ipmi.RawResponse{Data: append([]byte{byte(n)}, make([]byte, n)...)}, nil
	}
	return b.caseBMC.Exchange(ctx, req)
}

// The file of sel writeraw has the bytes that the BMC sent, also of a manufacturer's record (shared
// case sel-writeraw-oem).
func TestSELWriteRawKeepsTheBytes(t *testing.T) {
	event := []byte{2, 0, 0xdf, 0x5c, 0xd2, 0x99, 0x63, 0x37, 0x01, 0x00, 4, 0, 0, 0, 0, 0}
	file := t.TempDir() + "/raw"
	b := &caseBMC{events: [][]byte{event}, reported: 1}
	_, errs, exit := runOn(t, b, "bmc1", "", "sel", "writeraw", file)
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, event) || errs != "" ||
		exit != 0 {
		t.Errorf("got exit %d, % x, %v, %s; want % x", exit, got, err, errs, event)
	}
	if out, errs, exit := runOn(t, b, "bmc1", "", "sel", "readraw", file); !strings.Contains(out,
		"| 000137 |") || exit != 0 {
		t.Errorf("got exit %d\n%s%s", exit, out, errs)
	}
}

// An area of a FRU device that cannot be read costs no other, and one device costs no other device.
func TestFRUWithABadArea(t *testing.T) {
	chassis := append([]byte{1, 2, 17, 0xc3}, "CHS"...)
	chassis = append(chassis, 0xc1, 0, 0, 0, 0, 0, 0, 0)
	chassis = append(chassis, checksum(chassis))
	board := append(slices.Repeat([]byte{0xee}, 63), 0)
	image := append(append([]byte{1, 0, 1, 3, 0, 0, 0, 0}, chassis...), board...)
	image[7] = checksum(image[:8])
	b := fc830(t)
	b.frus = map[uint8][]byte{0: image}
	b.fruFault = func(at, n int) bool { return at+n > 24 }
	for _, args := range [][]string{{"fru", "print"}, {"fru", "print", "0"}} {
		out, errs, exit := runOn(t, b, "bmc1", "", args...)
		if !strings.Contains(out, " Chassis Part Number   : CHS\n") ||
			!strings.Contains(errs, "lom: FRU 0: board info area at byte 24: Read FRU Data: "+
				"Unspecified error") || exit != 1 {
			t.Errorf("%v: got exit %d\n%s%s", args, exit, out, errs)
		}
	}
}

// A channel whose kind the BMC does not tell is what the user says it is, and the remedy works.
func TestLANChannelOfUnknownKind(t *testing.T) {
	b := &caseBMC{answers: map[[2]uint8][]byte{{0x0c, 2}: {0, 0x11, 0}}}
	out, errs, exit := runOn(t, b, "bmc1", "", "lan", "print")
	if out != "" || !strings.Contains(errs, "give the number of one") || exit != 1 {
		t.Errorf("got exit %d\n%s%s", exit, out, errs)
	}
	if out, errs, exit := runOn(t, b, "bmc1", "", "lan", "print", "1"); !strings.Contains(out,
		"Set in Progress") || errs != "" || exit != 0 {
		t.Errorf("got exit %d\n%s%s", exit, out, errs)
	}
}

// What is wrong in a file of commands is told with the file and the line.
func TestExecNamesTheLine(t *testing.T) {
	file := t.TempDir() + "/commands"
	if err := os.WriteFile(file, []byte("# comment\nmc guid\nsel get 9999\nnonsense\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, exit := runOn(t, fc830(t), "bmc1", "", "exec", file)
	lines := strings.Split(errs, "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0],
		"lom: "+file+", line 3: Get SEL Entry 9999 command failed: ") ||
		!strings.HasPrefix(lines[1], "lom: "+file+", line 4: there is no command ") || exit != 1 {
		t.Errorf("got exit %d\n%s", exit, errs)
	}
}

// A controller that is not there is told with a remedy.
func TestNobodyAnswersAtAnAddress(t *testing.T) {
	err := failed("Get Device ID command",
		&ipmi.Error{Command: ipmi.SendMessage{}.Command(), Code: ipmi.CodeNAKOnWrite})
	if want := "Get Device ID command failed: NAK on write; no controller answers at that " +
		"address: check -t and -b"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %q, want %q", err, want)
	}
}

// One user whom the BMC refuses costs no other, and is named.
func TestUserListWithARefusedUser(t *testing.T) {
	b := newScriptedBMC(t, strings.Split("> 06 44 0e 01\n< 00 03 02 00 14\n> 06 46 01\n< cc\n> "+
		"06 44 0e 02\n< ff\n"+
		"> 06 44 0e 03\n< 00 03 02 00 14\n> 06 46 03\n< 00 6f 70 00 00 00 00 00 00 00 00 00 00 "+
		"00 00 00 00", "\n"))
	out, errs, exit := runScripted(b, "-c", "user", "list")
	if want := "3,op,true,false,true,ADMINISTRATOR\n"; !strings.HasSuffix(out, want) ||
		strings.Count(out, "\n") != 2 || errs != "lom: the BMC refused user 2\n" || exit != 1 {
		t.Errorf("got exit %d\n%s%s", exit, out, errs)
	}
}
