package interop

import (
	"encoding/json"
	"testing"

	"lom/internal/ipmisim"
	"lom/internal/programs"
)

// benched is of what lom bench tells in JSON what is looked at here.
type benched struct {
	Login *struct {
		Exchanges int     `json:"exchanges"`
		Median    float64 `json:"median_seconds"`
	} `json:"log_in"`
	Commands []struct {
		AtATime   int     `json:"at_a_time"`
		PerSecond float64 `json:"per_second"`
		Lost      int     `json:"lost"`
	} `json:"commands"`
	Takes   int       `json:"takes_at_a_time"`
	Records *benchRun `json:"sensor_records"`
	Sensors *benchRun `json:"sensors"`
	Events  *benchRun `json:"event_log"`
}

type benchRun struct {
	Count     int `json:"count"`
	Exchanges int `json:"exchanges"`
}

func runBench(t *testing.T, target programs.Target, more ...string) benched {
	t.Helper()
	words := append([]string{"-C", "3", "-o", "json", "bench"}, more...)
	r := programs.Run(t, t.TempDir(), programs.Lom(), target.Tool("lanplus", words...)...)
	var b benched
	if err := json.Unmarshal([]byte(r.Stdout), &b); r.Code != 0 || err != nil {
		t.Fatalf("%v: %s", err, r)
	}
	return b
}

// ipmi_sim is measured as any BMC is: everything that it has is read.
func TestBenchOfSimulator(t *testing.T) {
	t.Parallel()
	const events = 60
	sim := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 30, Entries: events}))
	b := runBench(t, sim, "--step", "100ms", "--most", "8")
	if b.Login == nil || b.Login.Exchanges < 3 || b.Login.Exchanges > 6 || b.Login.Median <= 0 {
		t.Errorf("log-in: %+v", b.Login)
	}
	if len(b.Commands) == 0 || b.Commands[0].AtATime != 1 || b.Commands[0].PerSecond <= 0 ||
		b.Takes < 1 {
		t.Errorf("commands: %+v, takes %d", b.Commands, b.Takes)
	}
	if b.Records == nil || b.Records.Count < 30 || b.Sensors == nil || b.Sensors.Count < 30 ||
		b.Sensors.Exchanges < b.Sensors.Count {
		t.Errorf("records %+v, sensors %+v", b.Records, b.Sensors)
	}
	if b.Events == nil || b.Events.Count < events {
		t.Errorf("events: %+v", b.Events)
	}
}

// A BMC with room for two requests is found out, and that it loses the third.
func TestBenchOfSmallBuffer(t *testing.T) {
	t.Parallel()
	bmc := programs.StartBMC(t, "--service-time", "5ms", "--buffer", "2")
	b := runBench(t, bmc.Target, "--step", "300ms")
	if b.Takes != 2 {
		t.Errorf("it takes %d at a time, want 2, by %+v", b.Takes, b.Commands)
	}
	for _, c := range b.Commands {
		if c.AtATime > 2 && c.Lost == 0 {
			t.Errorf("with %d at a time nothing is lost", c.AtATime)
		}
	}
}
