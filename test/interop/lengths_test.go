package interop

import (
	"fmt"
	"strings"
	"testing"

	"lom/internal/programs"
)

// A text that is written and read in pieces comes back whole, whatever its length, and one byte too
// much is refused with a sentence; ipmitool and FreeIPMI's programs read what lom wrote.
func TestTextsOfEveryLength(t *testing.T) {
	programs.Need(t, "ipmitool", "ipmi-dcmi")
	bmc := programs.StartBMC(t)
	home := t.TempDir()
	text := func(n int) string { return strings.Repeat("0123456789abcde-", 20)[:n] }
	ipmitool := func(read string) func(*testing.T) programs.Result {
		return func(t *testing.T) programs.Result {
			return programs.Run(t, home, "ipmitool",
				bmc.Tool("lanplus", programs.Words(read)...)...)
		}
	}
	freeIPMI := func(option string) func(*testing.T) programs.Result {
		return func(t *testing.T) programs.Result {
			return programs.Run(t, home, "ipmi-dcmi",
				bmc.FreeIPMI("LAN_2_0", "-l", "ADMIN", option)...)
		}
	}
	all := func(n int) bool { return true }
	edges := func(n int) bool {
		return n < 3 || (n+2)%16 < 4 || n%16 < 3 || n > 120 && n < 130 || n > 250
	}
	for _, c := range []struct {
		name, set, get string
		most           int
		lengths        func(int) bool
		peers          []func(*testing.T) programs.Result
	}{
		{"asset tag", "dcmi set_asset_tag", "dcmi asset_tag", 63, all,
			[]func(*testing.T) programs.Result{ipmitool("dcmi asset_tag"),
				freeIPMI("--get-asset-tag")}},
		{"controller ID", "dcmi set_mc_id_string", "dcmi get_mc_id_string", 63, all,
			[]func(*testing.T) programs.Result{ipmitool("dcmi get_mc_id_string"),
				freeIPMI("--get-management-controller-identifier-string")}},
		{"system information", "mc setsysinfo os_name", "mc getsysinfo os_name", 255, edges, nil},
		{"boot mailbox", "chassis bootmbox set text 7154", "chassis bootmbox get text", 8*16 - 3 - 1, edges, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := 1; n <= c.most; n++ {
				if !c.lengths(n) {
					continue
				}
				quiet(t, programs.Run(t, home, programs.Lom(),
					bmc.Tool("lanplus", append(programs.Words(c.set), text(n))...)...))
				r := programs.Run(t, home, programs.Lom(),
					bmc.Tool("lanplus", programs.Words(c.get)...)...)
				quiet(t, r)
				for i, got := range append([]programs.Result{r}, peersOf(t, n, c.peers)...) {
					if said := joined(got.Stdout); !strings.Contains(said+"\n", text(n)+"\n") &&
						!strings.Contains(said, text(n)+" ") {
						t.Fatalf("%d bytes, reader %d: got %q, want %q", n, i, said, text(n))
					}
				}
			}
			r := programs.Run(t, home, programs.Lom(),
				bmc.Tool("lanplus", append(programs.Words(c.set), text(c.most+1))...)...)
			if r.Code == 0 || r.Stderr == "" ||
				strings.Count(strings.TrimSpace(r.Stderr), "\n") > 0 {
				t.Errorf("%d bytes are not refused in a sentence: %s", c.most+1, r)
			}
		})
	}
}

// peersOf has other programs read what was written.
func peersOf(t *testing.T, n int,
	read []func(*testing.T) programs.Result) (list []programs.Result) {
	for _, f := range read {
		list = append(list, f(t))
	}
	return list
}

// joined returns what a program printed, with the blocks of a mailbox in one line.
func joined(out string) string {
	if !strings.Contains(out, "Block ") {
		return out
	}
	var whole strings.Builder
	for line := range strings.Lines(out) {
		if _, data, ok := strings.Cut(line, " Data : '"); ok {
			whole.WriteString(strings.TrimSuffix(strings.TrimSpace(data), "'"))
		}
	}
	return fmt.Sprintln(whole.String())
}

// What exporters read with FreeIPMI's programs: the version of the system's firmware, and the LAN
// mode of Supermicro's.
func TestExportersReadOurBMC(t *testing.T) {
	programs.Need(t, "bmc-info", "ipmi-raw", "ipmitool")
	home := t.TempDir()
	for profile, want := range map[string]string{"dell": "2.19.1", "hpe": "2.68", "lenovo": "3.30",
		"supermicro": "3.8a"} {
		bmc := programs.StartBMC(t, "--profile", profile)
		r := programs.Run(t, home, "bmc-info",
			bmc.FreeIPMI("LAN_2_0", "-l", "ADMIN", "--get-system-info")...)
		quiet(t, r)
		if line := "System Firmware Version : " +
			want; !strings.Contains(strings.Join(strings.Fields(r.Stdout), " "), line) {
			t.Errorf("%s: no %q in %s", profile, line, r)
		}
		r = programs.Run(t, home, "ipmi-raw",
			bmc.FreeIPMI("LAN_2_0", "-l", "ADMIN", "0x0", "0x30", "0x70", "0x0c", "0")...)
		if profile == "supermicro" {
			if !strings.Contains(r.Stdout, "rcvd: 70 00 02") {
				t.Errorf("LAN mode: %s", r)
			}
			quiet(t, programs.Run(t, home, "ipmitool",
				bmc.Tool("lanplus", programs.Words("raw 0x30 0x70 0x0c 1 0")...)...))
			r = programs.Run(t, home, "ipmitool",
				bmc.Tool("lanplus", programs.Words("raw 0x30 0x70 0x0c 0")...)...)
			if strings.TrimSpace(r.Stdout) != "00" {
				t.Errorf("LAN mode after it was set: %s", r)
			}
		} else if !strings.Contains(r.Stdout, "rcvd: 70 C1") {
			t.Errorf("%s: a command of another make: %s", profile, r)
		}
	}
}
