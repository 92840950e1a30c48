package bmc

import (
	"context"
	"testing"

	"lom/bmc/host/sim"
	"lom/ipmi"
)

// FuzzRequest sends requests to every handler that there is, several to one BMC, so that what one
// leaves behind is met by the next.
func FuzzRequest(f *testing.F) {
	commands := ipmi.Commands()
	for i := range commands {
		f.Add(uint16(i), []byte{}, uint16(i), []byte{1, 2, 3, 4})
		f.Add(uint16(i), make([]byte, 16), uint16(i+1),
			[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	}
	mux := NewCommands()
	f.Fuzz(func(t *testing.T, first uint16, data []byte, second uint16, more []byte) {
		b, err := New(Config{Name: "fuzz", Host: sim.New(sim.Config{On: true}), Commands: mux})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		for _, q := range []struct {
			command uint16
			data    []byte
		}{{first, data}, {second, more}, {first, more}, {second, data}} {
			cmd := commands[int(q.command)%len(commands)]
			ctx := &Context{Context: context.Background(), Channel: channelLAN,
				Privilege: ipmi.PrivilegeSystem, User: 2}
			answered := false
			b.Answer(ctx, cmd.NetFn, cmd.Code, append([]byte(cmd.Body), q.data...),
				func(cc ipmi.CompletionCode, out []byte) {
					answered = true
					if len(out) > 1024 {
						t.Errorf("%s: an answer of %d bytes", cmd.Name, len(out))
					}
				})
			// Get Message and the like may answer later, when another controller has.
			if !answered && cmd.Code != (ipmi.SendMessage{}).Command().Code {
				t.Errorf("%s: no answer", cmd.Name)
			}
		}
	})
}
