package machine

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/fru"
)

// A fruConn is a BMC of which only the FRU inventory devices are of interest.
type fruConn struct {
	support uint8 // of Get Device ID
	silent  bool  // device 6 gives no answer

	mu      sync.Mutex
	devices map[uint8][]byte // others are refused
	targets []uint8          // the satellite controllers that were asked for
}

// Target returns nobody: satellite controllers do not answer.
func (c *fruConn) Target(address, _ uint8) client.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.targets = append(c.targets, address)
	return deadConn{}
}

type deadConn struct{}

func (deadConn) Exchange(_ context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: ipmi.ErrTimeout}
}

func (c *fruConn) Exchange(_ context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.Command.Is(ipmi.GetDeviceID{}.Command()) {
		return ipmi.RawResponse{Data: []byte{0x20, 0x81, 2, 5, 2, c.support, 0, 0, 0, 0, 0}}, nil
	}
	id := req.Data[0]
	b, ok := c.devices[id]
	switch {
	case id == 6 && c.silent:
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: ipmi.ErrTimeout}
	case !ok:
		return ipmi.RawResponse{Code: ipmi.CodeNotPresent}, nil
	case req.Command.Is(ipmi.GetFRUInventoryAreaInfo{}.Command()):
		size := binary.LittleEndian.AppendUint16(nil, uint16(len(b)))
		return ipmi.RawResponse{Data: append(size, 0)}, nil
	}
	at := min(int(binary.LittleEndian.Uint16(req.Data[1:])), len(b))
	if req.Command.Is(ipmi.ReadFRUData{}.Command()) {
		piece := b[at:min(at+int(req.Data[3]), len(b))]
		return ipmi.RawResponse{Data: append([]byte{byte(len(piece))}, piece...)}, nil
	}
	return ipmi.RawResponse{Data: []byte{byte(copy(b[at:], req.Data[3:]))}}, nil
}

// fruImage is the image of a device with a chassis and a product area.
func fruImage(t *testing.T) []byte {
	t.Helper()
	text := func(s string) fru.Field {
		f, err := fru.Text(s)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	image := fru.Image{
		Chassis: &fru.Chassis{Type: fru.ChassisRackMount, SerialNumber: text("C829")},
		Product: &fru.Product{
			Language: fru.English, Name: text("RackServer"), SerialNumber: text("SN1"),
		},
	}
	b, err := image.Bytes(256)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is wrong with a device, or that it is not there, is part of the result.
func TestInventory(t *testing.T) {
	good := fruImage(t)
	const whole = `{"id":1,"size_bytes":256,` +
		`"chassis":{"type":"Rack Mount Chassis","serial_number":"C829","checksum_ok":true},` +
		`"product":{"name":"RackServer","serial_number":"SN1","language":"en","checksum_ok":true}}`
	changed := append([]byte(nil), good...)
	changed[13] ^= 1 // in the chassis area's serial number
	for _, c := range []struct {
		name, want, problem string
		device              []byte
		checksums           bool
	}{
		{name: "sound", device: good, want: whole},
		{name: "absent", want: `{"id":1,"absent":"Requested sensor, data, or record not found"}`},
		{name: "checksum", device: changed, problem: "chassis info area at byte 23: bad checksum",
			checksums: true},
		{name: "cut short", device: good[:20], problem: "chassis info area at byte 20: cut short"},
		{name: "blank", device: make([]byte, 64),
			problem: "common header at byte 0: the FRU inventory device is blank"},
		{name: "empty", device: []byte{}, problem: "common header"},
	} {
		conn := &fruConn{devices: map[uint8][]byte{}}
		if c.device != nil {
			conn.devices[1] = c.device
		}
		v, err := New(conn).Inventory(t.Context(), 1)
		if err != nil || c.want != "" && asJSON(t, v) != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, asJSON(t, v), err, c.want)
		}
		if p := v.Problem(); !strings.HasPrefix(p, c.problem) || (p == "") != (c.problem == "") ||
			v.OnlyChecksums() != c.checksums {
			t.Errorf("%s: got %q, only checksums %v; want %q, %v",
				c.name, p, v.OnlyChecksums(), c.problem, c.checksums)
		}
	}
}

// locators are records that name FRU inventory devices: one of the BMC, one of a satellite
// controller, one that is not for FRU commands, device 0 of the BMC again, one that is silent.
var locators = []string{
	"01 00 51 11 0f 20 01 80 00 00 10 00 20 01 00 c4 66 69 6e 65",
	"02 00 51 11 0f 82 02 80 00 00 10 00 20 02 00 c4 66 61 72 20",
	"03 00 51 11 0f 20 03 80 00 00 10 07 20 03 00 c4 6f 64 64 20",
	"04 00 51 11 0f 20 00 80 00 00 10 00 20 04 00 c4 74 77 69 6e",
	"05 00 51 11 0f 20 06 80 00 00 10 00 20 05 00 c4 6d 75 74 65",
	"06 00 51 11 0f 20 09 80 00 00 10 00 20 06 00 c4 67 6f 6e 65",
}

func readLocators(context.Context) ([][]byte, error) {
	var list [][]byte
	for _, l := range locators {
		b, err := hex.DecodeString(strings.ReplaceAll(l, " ", ""))
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, &PartialError{errors.New("record 7 is missing")}
}

// Devices come in the order of the records; one that does not answer, or is not there, costs no
// other.
func TestInventories(t *testing.T) {
	conn := &fruConn{
		support: uint8(ipmi.SupportsFRUInventory), silent: true,
		devices: map[uint8][]byte{0: fruImage(t), 1: fruImage(t)},
	}
	var got []string
	for v, err := range New(conn, WithRecords(readLocators)).Inventories(t.Context()) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, fmt.Sprintf("%d %s, source %d, product %v, %s",
			v.ID, v.Description, v.Source, v.Product != nil, v.Absent+v.Error))
	}
	want := []string{
		"0 Builtin FRU Device, source 2, product true, ",
		"record 7 is missing",
		"1 fine, source 2, product true, ",
		"2 far , source 2, product false, No Response",
		"3 odd , source 4, product false, not a FRU inventory device",
		"6 mute, source 2, product false, No Response",
		"9 gone, source 2, product false, Requested sensor, data, or record not found",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff([]uint8{0x82}, conn.targets); d != "" {
		t.Errorf("satellite controllers (-want +got):\n%s", d)
	}
}

// A BMC without a device of its own yields one that says so; the sequence can be left at any time.
func TestInventoriesEarlyEnd(t *testing.T) {
	for _, support := range []uint8{0, uint8(ipmi.SupportsFRUInventory)} {
		conn := &fruConn{support: support, devices: map[uint8][]byte{0: fruImage(t)}}
		n := 0
		for v, err := range New(conn, WithRecords(readLocators)).Inventories(t.Context()) {
			if n++; err != nil || (v.Source == InventoryNone) != (support == 0) {
				t.Errorf("support %d: got %+v, %v", support, v, err)
			}
			break
		}
		if n != 1 {
			t.Errorf("support %d: got %d devices, want 1", support, n)
		}
	}
}

// A field is changed on the device; a device that is damaged stays as it is.
func TestInventorySetField(t *testing.T) {
	conn := &fruConn{devices: map[uint8][]byte{1: fruImage(t), 2: fruImage(t)[:20]}}
	m := New(conn)
	d, err := m.InventoryDevice(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	const serial = "a serial number that is longer"
	old, err := d.SetField(t.Context(), fru.ProductArea, 4, serial)
	if err != nil || old != "SN1" {
		t.Fatalf("got %q, %v; want SN1", old, err)
	}
	v, err := m.Inventory(t.Context(), 1)
	if err != nil || v.Product == nil || v.Product.SerialNumber != serial || v.Fault != nil {
		t.Errorf("got %s, %v", asJSON(t, v), err)
	}
	before := string(conn.devices[2])
	if d, err = m.InventoryDevice(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	_, err = d.SetField(t.Context(), fru.ChassisArea, 1, "x")
	if err == nil || !strings.HasSuffix(err.Error(), "nothing was changed") ||
		string(conn.devices[2]) != before {
		t.Errorf("damaged: got %v", err)
	}
	_, err = m.InventoryDevice(t.Context(), 9)
	e := new(ipmi.Error)
	if !errors.As(err, &e) || !strings.HasPrefix(e.Op, "FRU 9 is not present") {
		t.Errorf("got %v, want that FRU 9 is not present", err)
	}
}
