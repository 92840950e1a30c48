package ipmisim

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// name is what the simulator calls itself; its state is kept under it.
const name = "sim"

// write makes the configuration in dir: lan.conf, the command file, SDRs, FRUs and the programs
// that keep the LAN parameters and the chassis' state.
func write(dir string, addr netip.AddrPort, c Config) error {
	state := filepath.Join(dir, "state", "ipmi_sim", name)
	if err := os.MkdirAll(state, 0o755); err != nil {
		return err
	}
	commands, sdrs, numbers := sensorFiles(c.Sensors)
	size := c.SELSize
	if size == 0 {
		size = max(1024, c.Entries+256)
	}
	emu := append([]string{
		"mc_setbmc 0x20",
		// address, device ID, device SDRs, revision, firmware, support, manufacturer, product
		"mc_add 0x20 0x20 no-device-sdrs 0x01 0x02 0x17 0xbf 0x001291 0x1f01 persist_sdr",
		fmt.Sprintf("sel_enable 0x20 %d 0x0f", size),
	}, commands...)
	for _, f := range fruImages(c.BadFRU) {
		file := filepath.Join(dir, fmt.Sprintf("fru%d.bin", f.id))
		if err := os.WriteFile(file, f.data, 0o644); err != nil {
			return err
		}
		emu = append(emu, fmt.Sprintf("mc_add_fru_data 0x20 %d %d file 0 %q", f.id, len(f.data),
			file))
		if f.id != 0 {
			sdrs = append(sdrs, fruLocator(f)...)
		}
	}
	emu = append(emu, entries(c.Entries, numbers)...)
	if c.Satellite {
		emu = append(emu,
			"mc_add 0x30 0x30 no-device-sdrs 0x01 0x02 0x17 0x9f 0x001291 0x1f02",
			"sel_enable 0x30 64 0x0a",
			"sensor_add 0x30 0 1 0x01 0x01",
			"sensor_set_value 0x30 0 1 33 0",
			"mc_enable 0x30")
	}
	emu = append(emu, "mc_enable 0x20")

	files := map[string]string{
		"lan.conf":  lanConf(dir, addr, c),
		"sim.emu":   strings.Join(emu, "\n") + "\n",
		"sim.sdrs":  strings.Join(sdrs, "\n") + "\n",
		"lanctl":    fmt.Sprintf(lanProgram, filepath.Join(dir, "lanparams")),
		"chassctl":  fmt.Sprintf(chassisProgram, filepath.Join(dir, "chassis")),
		"lanparams": lanParameters,
	}
	for file, text := range files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), mode); err != nil {
			return err
		}
	}
	args := []string{"-o", filepath.Join(state, "sdr.20.main"), filepath.Join(dir, "sim.sdrs")}
	if !c.SixBit {
		args = append([]string{"-8"}, args...)
	}
	if out, err := exec.Command("sdrcomp", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("sdrcomp: %w: %s", err, out)
	}
	return nil
}

func lanConf(dir string, addr netip.AddrPort, c Config) string {
	const auths = "none md2 md5 straight"
	lines := []string{
		fmt.Sprintf("name %q", name),
		"set_working_mc 0x20",
		"startlan 1",
		fmt.Sprintf("  addr %s %d", addr.Addr(), addr.Port()),
		"  priv_limit admin",
		"  allowed_auths_callback " + auths,
		"  allowed_auths_user " + auths,
		"  allowed_auths_operator " + auths,
		"  allowed_auths_admin " + auths,
		"  guid 5a1e000000000000000000000000f00d",
	}
	if c.Kg != "" {
		lines = append(lines, fmt.Sprintf("  bmc_key %q", c.Kg))
	}
	lines = append(lines,
		fmt.Sprintf("  lan_config_program %q", filepath.Join(dir, "lanctl")),
		"endlan")
	if c.Serial != "" {
		lines = append(lines, fmt.Sprintf("sol \"tcp:%s\" 115200 nortscts", c.Serial))
	}
	lines = append(lines,
		fmt.Sprintf("chassis_control %q", filepath.Join(dir, "chassctl")),
		"startnow false",
		`user 1 true "" "" user 10 `+auths,
		fmt.Sprintf("user 2 true %q %q admin 60 %s", Admin.Name, Admin.Password, auths),
		fmt.Sprintf("user 3 true %q %q operator 10 %s", Operator.Name, Operator.Password, auths),
		fmt.Sprintf("user 4 true %q %q user 10 %s", Monitor.Name, Monitor.Password, auths),
		fmt.Sprintf("user 6 false %q %q admin 10 %s", Disabled.Name, Disabled.Password, auths))
	return strings.Join(lines, "\n") + "\n"
}

// lanProgram keeps the LAN parameters that a BMC's operating system would keep. The simulator calls
// it with get NAME..., set NAME VALUE... or check NAME VALUE....
const lanProgram = `#!/bin/sh
store=%s
op=$1; shift
case $op in
get) for p in "$@"; do echo "$p:$(sed -n "s/^$p //p" "$store")"; done;;
set) while [ $# -ge 2 ]; do sed -i "s/^$1 .*/$1 $2/" "$store"; shift 2; done;;
esac
exit 0
`

const lanParameters = `ip_addr 127.0.0.1
ip_addr_src static
mac_addr 02:00:00:00:23:01
subnet_mask 255.0.0.0
default_gw_ip_addr 127.0.0.254
default_gw_mac_addr 02:00:00:00:00:fe
backup_gw_ip_addr 0.0.0.0
backup_gw_mac_addr 00:00:00:00:00:00
`

// chassisProgram is the server that the BMC controls: its power is a line in a file. The simulator
// keeps of the boot options the device alone.
const chassisProgram = `#!/bin/sh
store=%s
[ -f "$store" ] || printf 'power 0\nboot none\n' > "$store"
put() { sed -i "s/^$1 .*/$1 $2/" "$store"; }
op=$1; shift
case $op in
get) for p in "$@"; do echo "$p:$(sed -n "s/^$p //p" "$store")"; done;;
set) while [ $# -ge 2 ]; do
	case $1 in
	power|boot) put "$1" "$2";;
	shutdown) put power 0;;
	esac
	shift 2
done;;
esac
exit 0
`

// entries are the commands that fill the SEL with n records: boots, a temperature that goes up and
// comes down, a power supply that fails, memory errors and what the BIOS reports. ipmi_sim puts its
// own time stamps on them.
func entries(n int, numbers map[string]int) []string {
	kinds := []struct {
		generator uint16
		kind      byte
		sensor    string
		event     byte
		data      [3]byte
	}{
		{0x20, 0x12, "System Event", 0x6f, [3]byte{0x01, 0xff, 0xff}},
		{0x20, 0x01, "CPU1 Temp", 0x01, [3]byte{0x57, 81, 80}},
		{0x20, 0x01, "CPU1 Temp", 0x81, [3]byte{0x57, 75, 80}},
		{0x20, 0x08, "PSU1 Status", 0x6f, [3]byte{0x03, 0xff, 0xff}},
		{0x20, 0x0c, "DIMM A1", 0x6f, [3]byte{0x20, 0xff, 0x00}},
		{0x01, 0x0f, "POST Progress", 0x6f, [3]byte{0xc2, 0x13, 0xff}},
	}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Unix()
	var lines []string
	for i := range n {
		k := kinds[i%len(kinds)]
		t := start + int64(i)*3600
		rec := []byte{byte(t), byte(t >> 8), byte(t >> 16), byte(t >> 24), byte(k.generator),
			byte(k.generator >> 8),
			4, k.kind, byte(numbers[k.sensor]), k.event, k.data[0], k.data[1], k.data[2]}
		line := "sel_add 0x20 0x02"
		for _, b := range rec {
			line += fmt.Sprintf(" 0x%02x", b)
		}
		lines = append(lines, line)
	}
	return lines
}
