package bmc

import (
	"context"
	"encoding"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"lom/ipmi"
	"lom/ipmi/sel"
)

// A failingDisk has files in the memory of the operating system, and fails as it is told.
type failingDisk struct {
	osFiles
	mu    sync.Mutex
	room  int    // bytes that can still be written; -1: there is no end of them
	fails string // the step that fails: open, sync, close, rename or sync dir
}

func (d *failingDisk) set(room int, fails string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room, d.fails = room, fails
}

func (d *failingDisk) step(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails == name {
		return syscall.EIO
	}
	return nil
}

func (d *failingDisk) open(path string, flag int) (stateFile, error) {
	f, err := d.osFiles.open(path, flag)
	if err == nil {
		err = d.step("open")
	}
	return &failingFile{f, d}, err
}

func (d *failingDisk) rename(from, to string) error {
	if err := d.step("rename"); err != nil {
		return err
	}
	return d.osFiles.rename(from, to)
}

func (d *failingDisk) syncDir(string) error { return d.step("sync dir") }

type failingFile struct {
	stateFile
	disk *failingDisk
}

func (f *failingFile) WriteAt(p []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.room < 0 || len(p) <= f.disk.room {
		if f.disk.room >= 0 {
			f.disk.room -= len(p)
		}
		return f.stateFile.WriteAt(p, at)
	}
	n, _ := f.stateFile.WriteAt(p[:f.disk.room], at)
	f.disk.room = 0
	return n, syscall.ENOSPC
}

func (f *failingFile) Sync() error { return f.disk.step("sync") }

func (f *failingFile) Close() error {
	err := f.stateFile.Close()
	if f.disk.step("close") != nil {
		return syscall.EIO
	}
	return err
}

// On a disk that fails or fills at any write, what is answered with success is there, also after a
// restart, and what is refused is not: the BMC is as one that was asked only for what succeeded.
func TestRefusedOnAFailingDisk(t *testing.T) {
	mux := NewCommands()
	var done, refused int
	rapid.Check(t, func(rt *rapid.T) {
		files := &failingDisk{room: -1}
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "state")
		start := func(change func(*Config)) *BMC {
			return refusable(t, func(c *Config) { c.Commands = mux; change(c) })
		}
		onDisk := func(c *Config) { c.StateFile, c.Disk = path, &Disk{most: 1, fs: files} }
		b, only := start(onDisk), start(func(*Config) {})
		defer func() { b.Close(); only.Close() }()
		// Where several are under way, those whose events come between them are left out.
		together := rapid.IntRange(1, 4).Draw(rt, "together")
		requests := slices.DeleteFunc(slices.Clone(changing), func(r encoding.BinaryAppender) bool {
			switch r.(type) {
			case *ipmi.CloseSession, *ipmi.ActivatePayload, *ipmi.DeactivatePayload,
				*ipmi.ChassisControl, *ipmi.ChassisReset, *ipmi.ColdReset:
				return true
			case *ipmi.PlatformEvent, *ipmi.SetSensorThresholds, *ipmi.SetSensorHysteresis,
				*ipmi.RearmSensorEvents, *ipmi.SetSensorEventEnable:
				return together > 1
			}
			return false
		})
		for range 12 {
			switch rapid.IntRange(0, 3).Draw(rt, "disk") {
			case 0:
				files.set(rapid.IntRange(0, 900).Draw(rt, "room"), "")
			case 1:
				files.set(-1, rapid.SampledFrom([]string{"open", "sync", "close", "rename",
					"sync dir"}).Draw(rt, "fails"))
			default:
				files.set(-1, "")
			}
			before := b.image()
			var asked []tried
			var answers []<-chan ipmi.CompletionCode
			for range rapid.IntRange(1, together).Draw(rt, "requests") {
				b.mu.Lock() // what the request aims at must not change meanwhile
				q := draw(rt, b, nil, requests)
				b.mu.Unlock()
				asked = append(asked, q)
				answers = append(answers, q.send(b))
			}
			all := true
			for i, q := range asked {
				cc := <-answers[i]
				if cc != ipmi.CodeOK {
					refused++
					continue
				}
				done++
				all = false
				if cc := <-q.send(only); cc != ipmi.CodeOK {
					rt.Fatalf("%v\nis answered with success, and by a BMC without a disk with %v",
						q, cc)
				}
			}
			if d := differences(before, b.image()); all && !allowed(d) {
				rt.Fatalf("%v\nare refused and change\n%s", asked, d)
			}
			if d := differences(only.lasting(), b.lasting()); !allowed(d) {
				rt.Fatalf("%v\nleave (without a disk - , with it +)\n%s", asked, d)
			}
			b.journal.mu.Lock()
			behind := len(b.journal.unsaved) > 0
			b.journal.mu.Unlock()
			if behind {
				continue
			}
			copied := path + " copy"
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(copied, data, 0o600)
			}
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			again := start(func(c *Config) { c.StateFile = copied })
			if d := differences(b.lasting(), again.lasting()); !allowed(d) {
				rt.Fatalf("%v\nafter which a restart changes\n%s", asked, d)
			}
			again.Close()
		}
		// When there is room again, nothing is missing.
		files.set(-1, "")
		if err := b.Close(); err != nil {
			rt.Fatalf("%v", err)
		}
		again := start(onDisk)
		if d := differences(b.lasting(), again.lasting()); d != "" {
			rt.Fatalf("after the disk has room again, a restart changes\n%s", d)
		}
		again.Close()
	})
	t.Logf("%d done, %d refused", done, refused)
}

// What happens while a request is on its way to a full disk holds; what the request asked for does
// not.
func TestFullDisk(t *testing.T) {
	files := &failingDisk{room: -1}
	path := filepath.Join(t.TempDir(), "state")
	onDisk := func(c *Config) { c.StateFile, c.Disk = path, &Disk{most: 1, fs: files} }
	b := refusable(t, onDisk)
	must(t, b, ipmi.SetUserName{User: 4, Name: "before"})
	must(t, b, ipmi.AddSELEntry{Record: [16]byte{2: 2, 10: 1}})
	must(t, b, ipmi.SetPowerRestorePolicy{Policy: ipmi.RestoreAlwaysOn})
	clear := ipmi.ClearSEL{Reservation: must(t, b, ipmi.ReserveSEL{}).ID, Action: ipmi.EraseStart}

	files.mu.Lock() // the disk takes its time
	files.room = 10
	var answers []<-chan ipmi.CompletionCode
	for _, request := range []encoding.BinaryAppender{
		ipmi.SetUserName{User: 4, Name: "after"}, ipmi.SetUserName{User: 4, Name: "last"},
		ipmi.SetPowerRestorePolicy{Policy: ipmi.RestoreAlwaysOff}, clear,
	} {
		data, err := request.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		q := tried{cmd: commandOf(request), data: data,
			ctx: Context{Context: context.Background(), Channel: channelLAN,
				Privilege: ipmi.PrivilegeAdministrator, User: 2}}
		answers = append(answers, q.send(b))
	}
	b.do(func() {
		b.chassis.kept.OnByCommand = true
		b.chassis.save(b)
	})
	b.AddEvent(sel.Event{SensorType: ipmi.SensorFan, Sensor: 7, Type: ipmi.EventSensorSpecific})
	files.mu.Unlock()
	for i, a := range answers {
		if cc := <-a; cc != ipmi.CodeUnspecified {
			t.Errorf("request %d is answered %v, want %v", i, cc, ipmi.CodeUnspecified)
		}
	}
	check := func(when string) {
		t.Helper()
		if got := must(t, b, ipmi.GetUserName{User: 4}).Name; got != "before" {
			t.Errorf("%s: user 4 is called %q, want \"before\"", when, got)
		}
		if got := must(t, b, ipmi.GetChassisStatus{}); got.RestorePolicy != ipmi.RestoreAlwaysOn {
			t.Errorf("%s: restore policy %v, want %v", when, got.RestorePolicy,
				ipmi.RestoreAlwaysOn)
		}
		if !b.chassis.kept.OnByCommand {
			t.Errorf("%s: what happened to the host is lost", when)
		}
		var ids []uint16
		for _, e := range b.eventLog.records {
			ids = append(ids, e.ID)
		}
		if want := []uint16{1, 2}; !slices.Equal(ids, want) {
			t.Errorf("%s: records %v, want %v", when, ids, want)
		}
	}
	check("at once")
	files.set(-1, "")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = refusable(t, onDisk)
	check("after a restart")
}

// Set LAN Configuration refuses authentication types that the BMC does not have, and takes none of
// those before them.
func TestAuthTypesRefusedWhole(t *testing.T) {
	b := newTest(t, nil)
	get := ipmi.GetLANConfiguration{Channel: channelLAN,
		Parameter: ipmi.LANAuthTypeEnables{}.Number()}
	want := must(t, b, get).Data
	if _, cc := ask(t, b, ipmi.SetLANConfiguration{Channel: channelLAN, Parameter: get.Parameter,
		Data: []byte{4, 1, 4, 4, 4}}); cc != ipmi.CodeInvalidDataField {
		t.Errorf("got %v, want %v", cc, ipmi.CodeInvalidDataField)
	}
	if got := must(t, b, get).Data; !slices.Equal(got, want) {
		t.Errorf("got % x, want % x", got, want)
	}
}

// A name that another user has is refused; one's own, and none, is not.
func TestUserNameTaken(t *testing.T) {
	b := newTest(t, nil)
	for _, c := range []struct {
		id   uint8
		name string
		want ipmi.CompletionCode
	}{{3, "admin", ipmi.CodeInvalidDataField}, {2, "admin", ipmi.CodeOK}, {3, "", ipmi.CodeOK},
		{4, "", ipmi.CodeOK}, {3, "Admin", ipmi.CodeOK}} {
		if _, cc := ask(t, b, ipmi.SetUserName{User: c.id, Name: c.name}); cc != c.want {
			t.Errorf("user %d, name %q: got %v, want %v", c.id, c.name, cc, c.want)
		}
	}
}
