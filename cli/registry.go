package cli

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lom/ipmi"
	"lom/machine"
)

// registryFiles are where IANA's registry of enterprise numbers may be installed: for the user, or
// for all (Debian puts it there for ipmitool).
func registryFiles() []string {
	files := []string{"/usr/share/misc/enterprise-numbers.txt"}
	if home, err := os.UserHomeDir(); err == nil {
		files = append([]string{filepath.Join(home, ".local", files[0])}, files...)
	}
	return files
}

// manufacturerName returns the name of a maker: of a maker of BMCs the one that lom knows, of
// another that in IANA's registry, if it is installed.
func (a *App) manufacturerName(m ipmi.ManufacturerID) string {
	if _, known := ipmi.Manufacturer(m).Name(); !known && m != 0 {
		for _, file := range a.registry {
			if name := registeredName(file, m); name != "" {
				return name
			}
		}
	}
	return machine.ManufacturerName(m)
}

// registeredName looks a number up in a registry file, where it stands on a line of its own with
// the organization on the next, and returns "" if it is not there.
func registeredName(file string, m ipmi.ManufacturerID) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	number := strconv.FormatUint(uint64(m), 10)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if lines.Text() == number && lines.Scan() {
			return printable(strings.TrimSpace(lines.Text()))
		}
	}
	return ""
}
