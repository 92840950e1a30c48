package cli

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"lom/client"
)

// Without -H and -I, the BMC is that of this machine, and no password is asked for.
func TestInterfaceChoice(t *testing.T) {
	for _, c := range []struct {
		args string
		want client.Interface
		err  string
	}{
		{"mc info", client.Open, ""},
		{"-I open -H ignored mc info", client.Open, ""},
		{"-H bmc1 -P x mc info", client.Auto, ""},
		{"-I lan mc info", "", "lom: no BMC named: lan needs its name or address with -H"},
		{"-t 0x20 -T 0x82 mc info", "", "lom: -T and -B work over the network only; in band, -t and -b name the controller"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var out, errs bytes.Buffer
			bmc := &scriptedBMC{t: t}
			a := scriptedApp(bmc, strings.NewReader(""), &out, &errs)
			var got client.Interface
			a.dial = func(_ context.Context, o *Options, _ *slog.Logger) (Session, error) {
				got = o.Interface
				return nil, errReported
			}
			if exit := a.Run(context.Background(), strings.Fields(c.args)); exit != exitFailed {
				t.Errorf("exit %d", exit)
			}
			if said := strings.TrimSpace(errs.String()); got != c.want || said != c.err {
				t.Errorf("interface %q, said %q", got, said)
			}
		})
	}
}
