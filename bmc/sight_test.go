package bmc

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host"
	"lom/bmc/host/sim"
	"lom/ipmi"
)

// A watched is a host whose power the test says, and which takes time to accept an action.
type watched struct {
	*sim.Machine
	b      *BMC
	notify func(host.Event)
	power  host.Power
	boots  map[host.Device]bool
	told   []host.Boot

	takes time.Duration // to accept an action
	ends  error
}

func (h *watched) Notify(f func(host.Event)) { h.notify = f }
func (h *watched) State() host.State         { return host.State{Power: h.power} }
func (h *watched) CanBoot(b host.Boot) bool  { return h.boots[b.Device] }

func (h *watched) SetBoot(b host.Boot) error {
	h.told = append(h.told, b)
	return nil
}

func (h *watched) Control(a host.Action, done func(error)) (bool, error) {
	if h.takes == 0 {
		return false, h.ends
	}
	time.AfterFunc(h.takes, func() { done(h.ends) })
	return true, nil
}

// becomes has the host seen as p from now on, or unseen.
func (h *watched) becomes(p host.Power, events ...host.Event) {
	h.b.mu.Lock()
	h.power = p
	h.b.mu.Unlock()
	for _, e := range events {
		h.notify(e)
	}
}

// newWatched returns a BMC whose host was not seen yet, and what it logs.
func newWatched(t *testing.T) (*BMC, *watched, *bytes.Buffer) {
	h := &watched{Machine: sim.New(sim.Config{}),
		boots: map[host.Device]bool{host.BootDefault: true, host.BootCD: true}}
	log := new(bytes.Buffer)
	h.b = newTest(t, func(c *Config) {
		c.Host, c.Logger = h, slog.New(slog.NewTextHandler(log, nil))
	})
	return h.b, h, log
}

// Who asks a BMC for a host that it cannot see is refused, whatever was seen before. Why is in the
// log and in the SEL.
func TestHostThatCannotBeSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, h, log := newWatched(t)
		var events []Event
		b.listen(func(e Event) {
			if e.SensorNumber == healthSensor {
				events = append(events, e)
			}
		})
		blind := func(when string) {
			t.Helper()
			if r, cc := ask(t, b, ipmi.GetChassisStatus{}); cc != ipmi.CodeNotInPresentState {
				t.Errorf("%s: Get Chassis Status is answered %v, %+v; want %v", when, cc, r,
					ipmi.CodeNotInPresentState)
			}
			if st := must(t, b, ipmi.GetACPIPowerState{}); st.System != ipmi.ACPIUnknown {
				t.Errorf("%s: ACPI state %v, want unknown", when, st.System)
			}
			if r, cc := ask(t, b, ipmi.GetPowerReading{Mode: ipmi.DCMISystemStatistics}); cc !=
				ipmi.CodeNotInPresentState {
				t.Errorf("%s: Get Power Reading is answered %v, %+v; want %v", when, cc, r,
					ipmi.CodeNotInPresentState)
			}
			for i, x := range b.sensors.set.sensors {
				if r := must(t, b, ipmi.GetSensorReading{Sensor: x.sensor.Number}); x.full != nil &&
					x.off != x.busy && !r.Unavailable {
					t.Errorf("%s: sensor %d, %s, has a reading", when, i, x.name)
				}
			}
			b.channels.access[settingActive].Mode = uint8(ipmi.AccessPreBoot)
			if b.listening() {
				t.Errorf("%s: access for the time before the boot is open", when)
			}
		}
		blind("at start")
		h.becomes(host.Unknown, host.Event{Kind: host.Unseen, Err: errors.New("no answer")})
		blind("unseen")
		h.becomes(host.Unknown, host.Event{Kind: host.Unseen, Err: errors.New("refused")})
		h.becomes(host.On, host.Event{Kind: host.Seen})
		if st := must(t, b, ipmi.GetChassisStatus{}); !st.PowerOn || st.OnByCommand {
			t.Errorf("seen: %+v", st)
		}
		if r := must(t, b, ipmi.GetPowerReading{Mode: ipmi.DCMISystemStatistics}); r.Current < 50 {
			t.Errorf("seen: it takes %d W", r.Current)
		}
		must(t, b, ipmi.SetACPIPowerState{SetSystem: true, System: ipmi.ACPIS0})
		time.Sleep(3 * time.Hour)
		h.becomes(host.Unknown, host.Event{Kind: host.Unseen, Err: errors.New("no answer")})
		blind("unseen again")
		time.Sleep(5 * time.Hour)
		h.becomes(host.Off, host.Event{Kind: host.Seen}, host.Event{Kind: host.PoweredOff})
		if st := must(t, b, ipmi.GetChassisStatus{}); st.PowerOn {
			t.Errorf("seen again: %+v", st)
		}
		if c := must(t, b, ipmi.GetPOHCounter{}); c.Count != 3 {
			t.Errorf("%d hours were counted, want the 3 that the host was seen on", c.Count)
		}
		var told []string
		for _, e := range events {
			told = append(told, fmt.Sprintf("%x %x %v", e.SensorType, e.Data[0], e.Deassert))
		}
		if got, want := strings.Join(told,
			", "), "28 0 false, 28 0 true, 28 0 false, 28 0 true"; got != want {
			t.Errorf("got events %s; want %s", got, want)
		}
		for _, want := range []string{`not known" bmc=test err="no answer"`,
			`not known" bmc=test err=refused`, "seen again: the power is on",
			"seen again: the power is off"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %s:\n%s", want, log)
			}
		}
	})
}

// An action is answered when the host has accepted it. What it refuses within the answer's time is
// refused, and what fails later is a control fault.
func TestActionThatTakesTime(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		ends  error
		after time.Duration // of the answer
		want  ipmi.CompletionCode
		fault bool
		log   string
	}{
		{time.Second, nil, time.Second, ipmi.CodeOK, false, ""},
		{time.Second, errors.New("no such outlet"), time.Second, ipmi.CodeUnspecified, true, `action="power on" err="no such outlet"`},
		{3 * time.Second, errors.New("no such outlet"), answerTime, ipmi.CodeOK, true, `action="power on" err="no such outlet"`},
		{3 * time.Second, nil, answerTime, ipmi.CodeOK, false, ""},
		{0, errors.New("the queue is full"), 0, ipmi.CodeUnspecified, true, "the queue is full"},
		{0, host.ErrState, 0, ipmi.CodeNotInPresentState, false, ""},
		{time.Second, host.ErrState, time.Second, ipmi.CodeNotInPresentState, false, ""},
		{0, fmt.Errorf("%w: no socket", host.ErrUnseen), 0, ipmi.CodeNotInPresentState, false, "no socket"},
		{0, host.ErrUnsupported, 0, ipmi.CodeInvalidDataField, false, "cannot do that"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, h, log := newWatched(t)
			h.becomes(host.Off, host.Event{Kind: host.Seen})
			h.takes, h.ends = c.takes, c.ends
			began := time.Now()
			_, cc := ask(t, b, ipmi.ChassisControl{Action: ipmi.PowerUp})
			if took := time.Since(began); cc != c.want || took != c.after {
				t.Errorf("%v after %v: got %v after %v, want %v after %v", c.ends, c.takes, cc,
					took, c.want, c.after)
			}
			if cc != ipmi.CodeOK && b.chassis.wanted != (cause{}) {
				t.Errorf("%v: a refused action is remembered as %+v", c.ends, b.chassis.wanted)
			}
			time.Sleep(10 * time.Second)
			if st := must(t, b, ipmi.GetChassisStatus{}); st.ControlFault != c.fault {
				t.Errorf("%v after %v: control fault %v, want %v", c.ends, c.takes, st.ControlFault,
					c.fault)
			}
			if !strings.Contains(log.String(), c.log) || c.log == "" && log.Len() > 0 {
				t.Errorf("%v after %v: the log is %q, want %s", c.ends, c.takes, log, c.log)
			}
		})
	}
}

// A boot device that the host does not have is refused, and a start that is refused leaves the boot
// device as it was.
func TestBootDeviceThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, h, log := newWatched(t)
		h.becomes(host.Off, host.Event{Kind: host.Seen})
		set := func(d ipmi.BootDevice) ipmi.CompletionCode {
			data, err := ipmi.BootFlags{Valid: true, Device: d}.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, cc := ask(t, b, ipmi.SetSystemBootOptions{Number: 5, Data: data})
			return cc
		}
		before := bytes.Clone(b.bootOptions.kept.Parameter[5])
		if cc := set(ipmi.BootPXE); cc != ipmi.CodeInvalidDataField ||
			!bytes.Equal(b.bootOptions.kept.Parameter[5], before) {
			t.Errorf("a device that there is not: %v, flags % x", cc,
				b.bootOptions.kept.Parameter[5])
		}
		if !strings.Contains(log.String(),
			`action="set boot device" err="the machine cannot do that"`) {
			t.Errorf("the log is %s", log)
		}
		if cc := set(ipmi.BootCDROM); cc != ipmi.CodeOK {
			t.Errorf("a device that there is: %v", cc)
		}
		h.takes, h.ends, h.told = time.Second, errors.New("no such outlet"), nil
		ask(t, b, ipmi.ChassisControl{Action: ipmi.PowerUp})
		if got, want := fmt.Sprint(h.told), fmt.Sprint([]host.Boot{{Device: host.BootCD},
			{}}); got != want || !b.bootOptions.flags().Valid {
			t.Errorf("the host was told %s, want %s; flags %+v", got, want, b.bootOptions.flags())
		}
	})
}
