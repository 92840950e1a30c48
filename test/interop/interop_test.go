// Package interop runs lom against other people's IPMI programs, and them against lom.
package interop

import (
	"testing"

	"lom/internal/ipmisim"
	"lom/internal/programs"
)

func TestMain(m *testing.M) { programs.Main(m) }

// simTarget is the way to a simulator for its administrator.
func simTarget(s *ipmisim.Sim) programs.Target {
	return programs.Target{Addr: s.Addr, User: ipmisim.Admin.Name, Password: ipmisim.Admin.Password}
}
