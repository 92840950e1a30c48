package rack

import (
	"fmt"
	"strings"

	"lom/bmc"
)

// Profiles returns the names of the makes of server; the first is the default.
func Profiles() []string {
	var names []string
	for _, p := range bmc.Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// ApplyProfile makes c a BMC of a make of server; "" is the default. What c has already stays.
func ApplyProfile(c *bmc.Config, name string) error {
	for i, p := range bmc.Profiles() {
		if p.Name == name || name == "" && i == 0 {
			if c.Profile == nil {
				c.Profile = p
			}
			return nil
		}
	}
	return fmt.Errorf("there is no profile %q; there are %s", name, strings.Join(Profiles(), ", "))
}
