package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lom/internal/programs"
)

// What ipmitool sets in our BMC, ipmitool and FreeIPMI's programs see in it.
func TestPeersSetUpOurBMC(t *testing.T) {
	programs.Need(t, "ipmitool", "ipmi-dcmi", "bmc-info", "ipmi-chassis-config")
	bmc := programs.StartBMC(t)
	home := t.TempDir()
	for _, step := range []struct{ program, line, want string }{
		{"ipmitool", "user set name 5 bob", ""},
		{"ipmitool", "user set password 5 s3cretlongerthan16x 20", "Set User Password command successful (user 5)"},
		{"ipmitool", "channel setaccess 1 5 callin=on ipmi=on link=on privilege=3", "Set User Access (channel 1 id 5) successful."},
		{"ipmitool", "user enable 5", ""},
		{"ipmitool", "user test 5 20 s3cretlongerthan16x", "Success"},
		{"ipmitool", "channel getaccess 1 5", "Privilege Level      : OPERATOR\nEnable Status        : enabled"},
		{"ipmitool", "sol payload disable 1 5", ""},
		{"ipmitool", "sol payload status 1 5", "User 5 on channel 1 is disabled"},
		{"ipmitool", "mc setsysinfo system_name node042.example", ""},
		{"ipmitool", "mc getsysinfo system_name", "node042.example"},
		{"bmc-info", "--get-system-info", "node042.example"},
		{"ipmitool", "chassis policy always-on", "Set chassis power restore policy to always-on"},
		{"ipmitool", "chassis identify 5", "Chassis identify interval: 5 seconds"},
		{"ipmitool", "chassis bootdev disk options=persistent,efiboot", "Set Boot Device to disk"},
		{"ipmitool", "chassis bootparam get 5", "Boot parameter data: e008000000"},
		{"ipmi-chassis-config", "--checkout", "HARD-DRIVE"},
		{"ipmitool", "dcmi set_asset_tag RACK-7-SERVER-42-LEFT", ""},
		{"ipmi-dcmi", "--get-asset-tag", "RACK-7-SERVER-42-LEFT"},
		{"ipmi-dcmi", "--set-management-controller-identifier-string=node42", ""},
		{"ipmitool", "dcmi get_mc_id_string", "node42"},
		{"ipmi-dcmi", "--set-power-limit --power-limit-requested=600", ""},
		{"ipmitool", "dcmi power activate", "Power limit successfully activated"},
		{"ipmi-dcmi", "--get-power-limit", "600 watts"},
		{"ipmi-dcmi", "--get-dcmi-capability-info", "DCMI Specification Conformance                     : 1.5"},
		{"ipmi-dcmi", "--get-dcmi-sensor-info", "Inlet Temperature SDR Record IDs"},
		{"ipmi-dcmi", "--get-system-power-statistics", "Power Measurement                    : Active"},
		{"ipmitool", "dcmi get_temp_reading", "Inlet air temperature(40h)"},
		{"ipmitool", "mc getenables", "System Event Logging                     : enabled"},
		{"ipmitool", "chassis poh", "POH Counter  : 0 days, 0 hours"},
		{"ipmitool", "chassis bootmbox set text 7154 hello-world-of-boot-loaders", ""},
		{"ipmitool", "chassis bootmbox get text", "Block   1 Data : 'f-boot-loaders'"},
		{"ipmitool", "mc reset warm", "Sent warm reset command to MC"},
		{"ipmitool", "mc reset cold", "Sent cold reset command to MC"},
	} {
		var r programs.Result
		if step.program == "ipmitool" {
			r = programs.Run(t, home, step.program,
				bmc.Tool("lanplus", programs.Words(step.line)...)...)
		} else {
			r = programs.Run(t, home, step.program,
				bmc.FreeIPMI("LAN_2_0", append([]string{"-l", "ADMIN"},
					programs.Words(step.line)...)...)...)
		}
		quiet(t, r)
		if !strings.Contains(r.Stdout, step.want) {
			t.Errorf("no %q in %s", step.want, r)
		}
	}
	// The new user can log in.
	bob := bmc.As("bob", "s3cretlongerthan16x")
	quiet(t, programs.Run(t, home, "ipmitool",
		bob.Tool("lanplus", "-L", "OPERATOR", "power", "status")...))
}

// Commands reach a satellite controller through our BMC, from everybody and over both versions.
func TestBridgingThroughOurBMC(t *testing.T) {
	programs.Need(t, "ipmitool", "ipmi-raw")
	rack := filepath.Join(t.TempDir(), "rack.yaml")
	if err := os.WriteFile(rack, []byte("satellites: [{address: 0x24, profile: hpe}]\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	bmc := programs.StartBMC(t, "--config", rack)
	home := t.TempDir()
	for _, iface := range []string{"lan", "lanplus"} {
		for _, program := range []string{"ipmitool", programs.Lom()} {
			for line, want := range map[string]string{"mc info": "Manufacturer ID           : 11",
				"sdr list": "01-Inlet Ambient"} {
				r := programs.Run(t, home, program,
					bmc.Tool(iface, append([]string{"-t", "0x24"}, programs.Words(line)...)...)...)
				quiet(t, r)
				if !strings.Contains(r.Stdout, want) {
					t.Errorf("no %q in %s", want, r)
				}
			}
		}
	}
	for _, driver := range []string{"LAN", "LAN_2_0"} {
		r := programs.Run(t, home, "ipmi-raw",
			bmc.FreeIPMI(driver, "-l", "ADMIN", "--target-channel-number=0",
				"--target-slave-address=0x24", "0", "6", "1")...)
		quiet(t, r)
		if !strings.Contains(r.Stdout, "0B 00 00") {
			t.Errorf("no maker in %s", r)
		}
	}
}
