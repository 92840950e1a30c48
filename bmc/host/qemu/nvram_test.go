package qemu

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"lom/bmc/host"
)

// emptyVariables returns a firmware volume for variables in which room bytes are free.
func emptyVariables(room int) []byte {
	const header = 72
	v := bytes.Repeat([]byte{0xff}, header+storeHeader+room)
	clear(v[:header+storeHeader])
	copy(v[volumeSignedAt:], volumeSignature)
	binary.LittleEndian.PutUint16(v[volumeLengthAt:], header)
	copy(v[header:], storeGUID[:])
	binary.LittleEndian.PutUint32(v[header+storeSizeAt:], uint32(storeHeader+room))
	v[header+20], v[header+21] = storeFormat, storeHealthy
	return v
}

// variables returns the data of the variables in a volume that are not deleted.
func variables(t *testing.T, volume []byte) (all [][]byte) {
	t.Helper()
	store, err := variableStore(volume)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at+variableHeader <= len(store) &&
		binary.LittleEndian.Uint16(store[at:]) == variableStart; {
		name, data := int(binary.LittleEndian.Uint32(store[at+36:])),
			int(binary.LittleEndian.Uint32(store[at+40:]))
		begin := at + variableHeader + name
		if store[at+2] == variableAdded {
			all = append(all, store[begin:begin+data])
		}
		at = (begin + data + 3) &^ 3
	}
	return all
}

func TestVariables(t *testing.T) {
	volume := emptyVariables(400)
	other := globalVariable
	other[0]++
	for _, v := range []struct {
		name   string
		vendor [16]byte
		data   string
	}{{"A", globalVariable, "1"}, {"B", globalVariable, "22"}, {"A", other, "333"},
		{"A", globalVariable, "4444"}} {
		if err := setVariable(volume, v.name, v.vendor, []byte(v.data)); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(bytes.Join(variables(t, volume), []byte(" "))); got != "22 333 4444" {
		t.Error(got)
	}
	before := bytes.Clone(volume)
	if err := setVariable(volume, "A", globalVariable, make([]byte, 200)); err == nil ||
		!bytes.Equal(volume, before) {
		t.Errorf("a variable for which there is no room: %v", err)
	}
	if setVariable([]byte("no volume"), "A", globalVariable, nil) == nil {
		t.Error("what is no volume takes a variable")
	}
}

// The variables that the distribution's firmware begins with take another one, and again.
func TestVariablesOfTheDistribution(t *testing.T) {
	c := Config{Firmware: "ovmf"}
	_, vars, err := c.firmware()
	if err != nil {
		t.Skip("there is no UEFI firmware here; scripts/install-peers tries to install it")
	}
	data, err := os.ReadFile(vars)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "nvram")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	before := len(variables(t, data))
	for range 3 {
		if err := askForSetup(file); err != nil {
			t.Fatal(err)
		}
	}
	if data, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	if got := variables(t, data); len(got) != before+1 ||
		!bytes.Equal(got[len(got)-1], []byte{1, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("% x", got)
	}
}

// Whatever a file holds, nothing outside of it is touched, and its length stays.
func FuzzVariables(f *testing.F) {
	volume := emptyVariables(300)
	f.Add(bytes.Clone(volume))
	if err := setVariable(volume, osIndications, globalVariable, []byte{1}); err != nil {
		f.Fatal(err)
	}
	f.Add(volume)
	f.Fuzz(func(t *testing.T, volume []byte) {
		n := len(volume)
		if setVariable(volume, osIndications, globalVariable, []byte{1, 2, 3}) == nil &&
			len(variables(t, volume)) == 0 {
			t.Error("the variable is not there")
		}
		if len(volume) != n {
			t.Error("the length has changed")
		}
	})
}

// UEFI firmware is asked for its set-up screens at each start that is to end there, and at no
// other.
func TestSetupOfUEFI(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nvram")
	if err := os.WriteFile(file, emptyVariables(1000), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := func(times int) {
		t.Helper()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(data, encodeName(osIndications)); got != times {
			t.Errorf("the firmware was asked %d times, not %d", got, times)
		}
	}
	m, events := newMachine(t, Config{Firmware: "firmware.fd", NVRAM: file})
	set := func(d host.Device) {
		t.Helper()
		if err := m.SetBoot(host.Boot{Device: d}); err != nil {
			t.Fatal(err)
		}
	}
	control(t, m, host.PowerOn)
	expect(t, events, host.Started)
	asked(0)
	set(host.BootSetup)
	control(t, m, host.Reset)
	expect(t, events, host.Restarted)
	asked(1)
	set(host.BootDefault) // what was meant for one start
	control(t, m, host.Reset)
	expect(t, events, host.Restarted)
	asked(1)
	set(host.BootSetup)
	control(t, m, host.Reset)
	expect(t, events, host.Restarted)
	asked(2)
}
