package cli

import (
	"strings"
	"testing"
)

// The sentence about a BMC that does not see its server.
const cannotTellWords = "Get Chassis Power Status failed: Command not supported in present state; " +
	"the BMC cannot tell whether the server is on or off: see its SEL, and its log, for why"

// A server that its BMC does not see is neither on nor off: of one and of many, as text and as
// JSON, and after a power action.
func TestPowerUnknown(t *testing.T) {
	blind := func(off bool) *fleet {
		f := newFleet("n1", "n2", "n3")
		f.hosts["n1"].blind, f.hosts["n3"].off = true, true
		f.hosts["n1"].off = off // which it was last
		return f
	}
	for _, off := range []bool{false, true} {
		blind(off).run(t, nil, "-H", "n1", "power", "status").check(t, 1,
			"Chassis Power is unknown\n", "lom: "+cannotTellWords+"\n")
		blind(off).run(t, nil, "-H", "n1", "-o", "json", "power", "status").check(t, 1,
			"{\n  \"power\": \"unknown\"\n}\n", "lom: "+cannotTellWords+"\n")
		blind(off).run(t, nil, "-H", "n1", "chassis", "status").check(t, 1, "",
			"lom: "+strings.Replace(cannotTellWords, "Power Status", "Status", 1)+"\n")
		blind(off).run(t, nil, "-H", "n[1-3]", "power", "status").check(t, 1,
			"n1: Chassis Power is unknown\nn2: Chassis Power is on\nn3: Chassis Power is off\n",
			"lom: 1 of 3 hosts failed\n  1  n1  "+cannotTellWords+"\n")
		blind(off).run(t, nil, "-H", "n[1-3]", "-o", "json", "power", "status").check(t, 1,
			`{"host":"n1","power":"unknown","error":"`+cannotTellWords+
				`","error_code":"completion_code","completion_code":213}
{"host":"n2","power":"on"}
{"host":"n3","power":"off"}
`, "lom: 1 of 3 hosts failed\n  1  n1  "+cannotTellWords+"\n")
		for act, words := range map[string]string{"on": "Up/On", "off": "Down/Off",
			"cycle": "Cycle"} {
			f := blind(off)
			f.run(t, nil, "-H", "n[1-2]", "--yes", "power", act).check(t, 1,
				"n2: Chassis Power Control: "+words+"\n",
				"lom: 1 of 2 hosts failed\n  1  n1  "+cannotTellWords+"\n")
			// The answer is lost, and what is read back says nothing.
			f = blind(off)
			f.hosts["n1"].lost = true
			f.run(t, nil, "-H", "n1", "power", act).check(t, 1, "",
				"lom: n1: Chassis Control: the answer was lost, so it is not known whether the "+
					"command was carried out; look before you repeat it\n")
		}
	}
}
