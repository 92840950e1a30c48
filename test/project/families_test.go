package project

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// families are the families of commands. The files of one are <family>.go and <family>_*.go on
// every floor: whoever looks for something about the SEL opens sel.go, and if it is not there
// sel_*.go. controller is what ipmitool calls mc.
var families = []string{
	"channel", "chassis", "controller", "dcmi", "fru", "lan", "pef", "sdr", "sel", "sensor",
	"session", "sol", "user", "watchdog",
}

// familyFloors are the packages whose files are named after families.
var familyFloors = []string{"ipmi", "client", "bmc", "machine", "render", "cli"}

// noFamily are the files that belong to no family, with what they are about.
var noFamily = map[string][]string{
	"ipmi": {
		"doc",
		"message", "wire", "netfn", "completion", "errors", "errors_wire", // requests and responses
		"forwarding", "messaging", "privilege", "secret", "timestamp", "interface_capabilities",
		"command_discovery", "payload_commands", "network_address",
		"parameter",                 // of any family
		"reservation",               // of SDR repository and SEL
		"entity", "event", "events", // words of sensors, records and traps
		"serial", "serial_parameter", // serial and modem channels, which no command shows
		"zz_commands", "zz_entities", "zz_eventdata", "zz_events", // generated
		"zz_manufacturers", "zz_parameters", "zz_units", "zz_wire",
	},
	"client": {
		"doc", "serial_queue",
		"conn", "dial", "options", "login", "login15", "login20", "login_errors", "probe", "revive",
		"request", "answer", "start", "retry_timer", "congestion_window", "lag", "timers", "outage",
		"endpoint", "transport", "socket", "socket_linux", "socket_batch_linux", "socket_other",
		"bridge", "privilege", "parameter", "readahead", "incomplete", "transfer_sizes",
		"device", "device_linux", "device_other", "serial", // other ways than the network
	},
	"bmc": {
		"doc",
		"bmc", "mux", "families", "clock", "state", "profile", "profile_makes", "satellite",
		"journal", "disk", "sync_linux", "sync_other", // what lasts
		"exchange", "packets", "login", "halfopen", "messaging", "parameters", "payloads",
		"command_discovery", "oem_supermicro",
		"event", "event_receiver", "alert", // between sensors, SEL and PEF
		"serial", "system_interface", "vmproto",
	},
	"machine": {"doc", "machine", "value", "parameter", "raw", "event"},
	"render":  {"doc", "view", "rows", "printer", "schema", "table", "time", "number", "raw", "event"},
	"cli": {
		"main", "app", "root", "command", "commands", "registry", "result", "schema", "help", "man",
		"version", "args", "options", "output", "files", "ini", "regexp", "time", "model",
		"explain",
		"incomplete", "failure",
		"dial", "credentials", "hosts", "lockout", "past_login", // to the BMC
		"ipmitool", "ipmitool_words", // where lom is called by that name
		"raw", "event", "script",
		"setup", // of a system's console
		"many", "many_ask", "many_conclude",
		"bench", "bench_fleet", "bench_print", "bench_progress", "bench_rate", "bench_read",
		"bmc", "bmc_config", "bmc_console", "bmc_host", "bmc_log", "bmc_reload", "bmc_stats",
		"bmc_vbmc", "bmc_yaml", "demo",
		"tty_ioctl_bsd", "tty_ioctl_sysv", "tty_job_bsd", "tty_job_linux", "tty_job_other",
		"tty_job_unix", "tty_linux", "tty_mode", "tty_other", "tty_secret",
	},
}

// familyOf returns the family of a file, and "" if its name has none.
func familyOf(name string) string {
	for _, f := range families {
		if name == f || strings.HasPrefix(name, f+"_") {
			return f
		}
	}
	return ""
}

func TestFamilies(t *testing.T) {
	for _, floor := range familyFloors {
		entries, err := os.ReadDir(filepath.Join(root, floor))
		if err != nil {
			t.Fatal(err)
		}
		var others []string
		for _, e := range entries {
			name, isGo := strings.CutSuffix(e.Name(), ".go")
			if !isGo || strings.HasSuffix(name, "_test") || familyOf(name) != "" {
				continue
			}
			others = append(others, name)
			if !slices.Contains(noFamily[floor], name) {
				t.Errorf("%s/%s.go: got a name without a family, want <family>.go, "+
					"<family>_<part>.go, or the name in noFamily", floor, name)
			}
		}
		for _, name := range noFamily[floor] {
			if !slices.Contains(others, name) {
				t.Errorf("noFamily has %s/%s.go: got no such file, want one, or its name taken out",
					floor, name)
			}
		}
	}
}
