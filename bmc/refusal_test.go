package bmc

import (
	"context"
	"encoding"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lom/bmc/host/sim"
	"lom/ipmi"
)

// stillClock stands still, and its timers never end.
type stillClock struct{}

type stillTimer struct{}

func (stillTimer) Stop() bool { return true }
func (stillClock) Now() time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
}
func (stillClock) AfterFunc(time.Duration, func()) Timer { return stillTimer{} }
func stillHost(on bool) *sim.Machine {
	return sim.New(sim.Config{On: on, AfterFunc: func(time.Duration, func()) func() bool {
		return func() bool { return true }
	}})
}

// changing are the requests of all commands that change something and that a BMC of lom has, and
// some that do so and are not marked in the table.
var changing = []encoding.BinaryAppender{
	&ipmi.ColdReset{}, &ipmi.WarmReset{}, &ipmi.SetACPIPowerState{}, &ipmi.SetWatchdogTimer{},
	&ipmi.ResetWatchdogTimer{},
	&ipmi.SetBMCGlobalEnables{}, &ipmi.ClearMessageFlags{}, &ipmi.EnableMessageChannelReceive{},
	&ipmi.GetMessage{}, &ipmi.SendMessage{},
	&ipmi.ReadEventMessageBuffer{}, &ipmi.CloseSession{}, &ipmi.SetSessionPrivilege{},
	&ipmi.SetChannelAccess{}, &ipmi.SetUserAccess{},
	&ipmi.SetUserName{}, &ipmi.SetUserPassword{}, &ipmi.SetChannelSecurityKeys{},
	&ipmi.SetSystemInfo{}, &ipmi.ActivatePayload{},
	&ipmi.DeactivatePayload{}, &ipmi.SetUserPayloadAccess{}, &ipmi.SuspendResumePayloadEncryption{},
	&ipmi.ChassisControl{},
	&ipmi.ChassisReset{}, &ipmi.ChassisIdentify{}, &ipmi.SetChassisCapabilities{},
	&ipmi.SetPowerRestorePolicy{},
	&ipmi.SetSystemBootOptions{}, &ipmi.SetFrontPanelEnables{}, &ipmi.SetPowerCycleInterval{},
	&ipmi.SetEventReceiver{},
	&ipmi.PlatformEvent{}, &ipmi.SetSensorHysteresis{}, &ipmi.SetSensorThresholds{},
	&ipmi.SetSensorEventEnable{},
	&ipmi.RearmSensorEvents{}, &ipmi.SetSensorType{}, &ipmi.WriteFRUData{},
	&ipmi.ReserveSDRRepository{}, &ipmi.AddSDR{},
	&ipmi.PartialAddSDR{}, &ipmi.DeleteSDR{}, &ipmi.ClearSDRRepository{},
	&ipmi.SetSDRRepositoryTime{}, &ipmi.RunInitializationAgent{},
	&ipmi.ReserveSEL{}, &ipmi.AddSELEntry{}, &ipmi.PartialAddSELEntry{}, &ipmi.DeleteSELEntry{},
	&ipmi.ClearSEL{}, &ipmi.SetSELTime{},
	&ipmi.SetAuxiliaryLogStatus{}, &ipmi.SetSELTimeUTCOffset{}, &ipmi.SetPowerLimit{},
	&ipmi.ActivatePowerLimit{}, &ipmi.SetAssetTag{},
	&ipmi.SetManagementControllerID{}, &ipmi.SetThermalLimit{}, &ipmi.SetDCMIConfiguration{},
	&ipmi.SetLANConfiguration{},
	&ipmi.SuspendARPs{}, &ipmi.SetSOLConfiguration{}, &ipmi.ArmPEFPostponeTimer{},
	&ipmi.SetPEFConfiguration{},
	&ipmi.SetLastProcessedEvent{}, &ipmi.AlertImmediate{}, &ipmi.PETAcknowledge{},
	&ipmi.GetIPStatistics{},
}

func commandOf(request any) ipmi.Command {
	return request.(interface{ Command() ipmi.Command }).Command()
}

// The list above has every command of the table that changes something, as far as a BMC of lom has
// it.
func TestChangingCommandsAreAll(t *testing.T) {
	mux := NewCommands()
	for _, c := range ipmi.Commands() {
		if c.Changes && mux.Has(c) && !slices.ContainsFunc(changing,
			func(r encoding.BinaryAppender) bool {
				return c.Is(commandOf(r))
			}) {
			t.Errorf("%s is missing", c.Name)
		}
	}
}

// fill gives a message random values, such as make sense often: small numbers, IDs that there are.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[ipmi.Secret]() {
			n := rapid.SampledFrom([]int{0, 6, 16, 20, 20}).Draw(t, "length")
			v.Set(reflect.ValueOf(ipmi.NewSecret(strings.Repeat("k", n))))
			return
		}
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		bits := v.Type().Bits()
		n := rapid.OneOf(rapid.Uint64Max(6), rapid.Uint64Max(6), rapid.Uint64Max(64),
			rapid.Uint64()).Draw(t, "number")
		v.SetUint(n & (1<<bits - 1))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(rapid.Int16Range(-1500, 1500).Draw(t, "number")))
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "root", "admin", "operator", "x",
			"sixteen bytes ok"}).Draw(t, "text"))
	case reflect.Slice:
		n := rapid.IntRange(0, 24).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	}
}

// A tried is a request as it was sent.
type tried struct {
	cmd  ipmi.Command
	ctx  Context
	data []byte
}

// draw makes a random request: well-formed, well-formed and then spoiled, or of random bytes.
func draw(t *rapid.T, b *BMC, sessions []*session, requests []encoding.BinaryAppender) tried {
	// Rapid prefers small numbers; all requests are to be as likely.
	request := requests[rapid.Uint64().Draw(t,
		"request")*0x9e3779b97f4a7c15>>32%uint64(len(requests))]
	q := tried{cmd: commandOf(request)}
	v := reflect.New(reflect.TypeOf(request).Elem())
	fill(t, v.Elem())
	aim(t, b, v.Interface())
	data, err := v.Interface().(encoding.BinaryAppender).AppendBinary(nil)
	switch how := rapid.IntRange(0, 9).Draw(t, "how"); {
	case err != nil || how == 9:
		data = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "raw")
	case how == 8 && len(data) > 0:
		data[rapid.IntRange(0, len(data)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "by")
	case how == 7 && len(data) > 0:
		data = data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")]
	case how == 6:
		data = append(data, rapid.SliceOfN(rapid.Byte(), 1, 3).Draw(t, "more")...)
	}
	q.data = append([]byte(q.cmd.Body), data...)
	q.ctx = Context{Context: context.Background(), Channel: channelLAN,
		Privilege: ipmi.PrivilegeAdministrator, User: 2}
	switch rapid.IntRange(0, 5).Draw(t, "who") {
	case 4:
		q.ctx.Channel, q.ctx.Privilege, q.ctx.User = channelSystem, ipmi.PrivilegeSystem, 0
	case 5:
		q.ctx.Privilege = rapid.SampledFrom([]ipmi.Privilege{ipmi.PrivilegeUser,
			ipmi.PrivilegeOperator}).Draw(t, "privilege")
	case 0, 1:
		q.ctx.Privilege = ipmi.PrivilegeSystem // commands of the system interface, over the LAN
	default:
		if len(sessions) > 0 {
			s := rapid.SampledFrom(sessions).Draw(t, "session")
			q.ctx.session, q.ctx.User, q.ctx.SessionID, q.ctx.Privilege = s, s.user, s.id,
				s.privilege
		}
	}
	return q
}

// aim makes a request that is likely to succeed: with the reservation that holds, and the data of a
// parameter that there is.
func aim(t *rapid.T, b *BMC, request any) {
	if rapid.IntRange(0, 9).Draw(t, "aim") == 9 {
		return
	}
	parameter := func(s *parameters, n *uint8, data *[]byte) {
		keys := slices.SortedFunc(maps.Keys(s.factory), func(k, l parameterKey) int {
			return strings.Compare(k.String(), l.String())
		})
		keys = append(keys, parameterKey{Number: 2}, parameterKey{Number: 24},
			parameterKey{Number: 26})
		k := rapid.SampledFrom(keys).Draw(t, "parameter")
		p := s.value(b, k)
		if p == nil {
			return
		}
		*n = k.Number
		*data, _ = p.AppendBinary(nil)
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			if len(*data) > 0 {
				(*data)[rapid.IntRange(0, len(*data)-1).Draw(t,
					"at")] = rapid.OneOf(rapid.ByteMax(7), rapid.Byte()).Draw(t, "byte")
			}
		}
	}
	channel := rapid.SampledFrom([]uint8{1, 1, 14, 3}).Draw(t, "channel")
	sdr, log := &b.repository, &b.eventLog
	switch q := request.(type) {
	case *ipmi.SetLANConfiguration:
		q.Channel = channel
		parameter(&b.lan.parameters, &q.Parameter, &q.Data)
	case *ipmi.SetSOLConfiguration:
		q.Channel = channel
		parameter(&b.solConfig.parameters, &q.Parameter, &q.Data)
	case *ipmi.SetPEFConfiguration:
		parameter(&b.pef.parameters, &q.Parameter, &q.Data)
	case *ipmi.SetUserAccess:
		q.Channel = channel
	case *ipmi.SetUserPayloadAccess:
		q.Channel, q.Payloads.Standard, q.Payloads.OEM = channel, 2, 0
	case *ipmi.SetChannelAccess:
		q.Channel, q.Mode = channel, ipmi.AccessAlways
	case *ipmi.SetChannelSecurityKeys:
		q.Channel = channel
	case *ipmi.AlertImmediate:
		q.Channel = channel
	case *ipmi.SetSystemBootOptions:
		q.Number %= 8
		size := map[uint8]int{0: 1, 1: 1, 2: 1, 3: 1, 4: 2, 5: 5, 6: 9, 7: 17}[q.Number]
		q.Data = rapid.SliceOfN(rapid.ByteMax(9), size, size).Draw(t, "data")
		if q.Number == 5 {
			q.Data[0] = rapid.Byte().Draw(t, "flags")
		}
	case *ipmi.SetSystemInfo:
		q.Number = rapid.Uint8Range(0, 8).Draw(t, "number")
		q.Data = rapid.SliceOfN(rapid.ByteMax(20), 1, 17).Draw(t, "data")
	case *ipmi.SetDCMIConfiguration:
		size := map[uint8]int{1: 1, 2: 1, 3: 1, 4: 2, 5: 2}[q.Number]
		q.Set, q.Data = 0, rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "data")
	case *ipmi.SetAssetTag:
		q.Count = uint8(len(q.Data))
	case *ipmi.SetManagementControllerID:
		q.Count = uint8(len(q.Data))
	case *ipmi.SetThermalLimit:
		q.Entity, q.Instance = ipmi.DCMIInlet, 1
	case *ipmi.SetPowerLimit:
		q.Exception, q.Correction = ipmi.DCMILogEvent, 5000
	case *ipmi.WriteFRUData:
		q.Device, q.Offset = 0, q.Offset%1024
	case *ipmi.PlatformEvent:
		q.Revision = ipmi.EventRevision
	case *ipmi.SetSensorThresholds:
		for i := range q.Values {
			q.Values[i] = rapid.Byte().Draw(t, "threshold")
		}
		q.Sensor = 1 + q.Sensor%20
	case *ipmi.SetSensorHysteresis:
		q.Sensor = 1 + q.Sensor%20
	case *ipmi.AddSDR:
		if len(q.Data) >= sdrHeader {
			q.Data[4] = uint8(len(q.Data) - sdrHeader)
		}
	case *ipmi.PartialAddSDR:
		q.Reservation = sdr.reservation
		if sdr.partial != nil && q.Offset != 0 {
			q.Record, q.Offset = sdr.partial.id, uint8(len(sdr.partial.data))
		} else if q.Record, q.Offset = 0, 0; len(q.Data) >= sdrHeader {
			q.Data[4] = uint8(len(q.Data) - sdrHeader)
		}
	case *ipmi.DeleteSDR:
		q.Reservation = sdr.reservation
	case *ipmi.ClearSDRRepository:
		q.Reservation, q.Action = sdr.reservation,
			rapid.SampledFrom([]ipmi.EraseAction{ipmi.EraseStart, ipmi.EraseStatus}).Draw(t,
				"action")
	case *ipmi.AddSELEntry:
		q.Record[2] = rapid.SampledFrom([]uint8{2, 2, 0xc0, 0xe0, 5}).Draw(t, "type")
	case *ipmi.PartialAddSELEntry:
		q.Reservation = log.reservation
		if n := len(log.partial); n > 0 && q.Offset != 0 {
			q.Record, q.Offset = log.kept.NextID, uint8(n)
			q.Data = append(q.Data, make([]byte, 16)...)[:min(16-n, 8)]
			q.Last = n+len(q.Data) == 16
		} else {
			q.Offset, q.Last, q.Data = 0, false, []byte{0, 0, 2, 4, 5, 6, 7, 8}
		}
	case *ipmi.DeleteSELEntry:
		q.Reservation = log.reservation
	case *ipmi.ClearSEL:
		q.Reservation, q.Action = log.reservation,
			rapid.SampledFrom([]ipmi.EraseAction{ipmi.EraseStart, ipmi.EraseStatus}).Draw(t,
				"action")
	}
}

// send has b carry out a request, and returns where its answer comes.
func (q tried) send(b *BMC) <-chan ipmi.CompletionCode {
	answer := make(chan ipmi.CompletionCode, 1)
	ctx := q.ctx
	b.Answer(&ctx, q.cmd.NetFn, q.cmd.Code, slices.Clone(q.data),
		func(cc ipmi.CompletionCode, _ []byte) {
			answer <- cc
		})
	return answer
}

func (q tried) String() string {
	return fmt.Sprintf("%s of user %d as %v: % x", q.cmd.Name, q.ctx.User, q.ctx.Privilege, q.data)
}

// refusable makes a BMC of which little is simulated: time stands still.
func refusable(t testing.TB, change func(*Config)) *BMC {
	return newTest(t, func(c *Config) {
		host := stillHost(true)
		c.Host, c.Console, c.Clock, c.Still = host, host.Console(), stillClock{}, true
		c.Rand = rand.NewChaCha8([32]byte{})
		c.Users = append(c.Users, UserConfig{Name: "operator", Password: ipmi.NewSecret("secret"),
			Privilege: ipmi.PrivilegeOperator})
		c.LAN.Port = 623
		change(c)
	})
}

// openSessions opens sessions of both users.
func openSessions(t testing.TB, b *BMC) (list []*session) {
	for _, user := range []string{"admin", "operator", "admin"} {
		cfg := admin(17)
		if cfg.User = user; user == "operator" {
			cfg.Privilege = ipmi.PrivilegeOperator
		}
		if _, err := newConsole(t, b).login(cfg); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range b.sessions.list() {
		s.privilege = s.limit
		list = append(list, s)
	}
	return list
}

// allowed are the changes that a refusal may make: that there was no room is noted for those who
// ask (Tables 31-2 and 33-3).
func allowed(difference string) bool {
	for _, l := range strings.Split(difference, "\n") {
		if l != "" && !strings.HasPrefix(l[2:], "bmc.eventLog.kept.Overflow =") &&
			!strings.HasPrefix(l[2:], "bmc.repository.kept.Overflow =") {
			return false
		}
	}
	return true
}

// A request that is refused leaves the BMC as it was, whatever it is, whoever asks, and whatever
// was asked before.
func TestRefusedMeansUnchanged(t *testing.T) {
	mux := NewCommands()
	answers := map[string][2]int{}
	rapid.Check(t, func(rt *rapid.T) {
		b := refusable(t, func(c *Config) {
			c.Commands = mux
			c.Allow.Anonymous = rapid.Bool().Draw(rt, "anonymous")
		})
		defer b.Close()
		b.eventLog.capacity = rapid.SampledFrom([]int{3, selCapacity}).Draw(rt, "capacity")
		sessions := openSessions(t, b)
		for range 25 {
			q := draw(rt, b, sessions, changing)
			before := b.image()
			cc := <-q.send(b)
			n := answers[q.cmd.Name]
			if cc == ipmi.CodeOK {
				n[0]++
			} else if n[1]++; true {
				if d := differences(before, b.image()); !allowed(d) {
					rt.Fatalf("%v\nis answered %v and changes\n%s", q, cc, d)
				}
			}
			answers[q.cmd.Name] = n
		}
	})
	for _, r := range changing {
		t.Logf("%s: %d done, %d refused", commandOf(r).Name, answers[commandOf(r).Name][0],
			answers[commandOf(r).Name][1])
	}
}
