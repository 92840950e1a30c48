package ipmi

import (
	"slices"
	"testing"
)

// What Table G-1 and DCMI 1.5 Table 6-1 say, written down here a second time: NetFn, defining body,
// least privilege, numbers. Left out are the firmware firewall's commands on enabling and on
// sub-functions (0Bh-0Dh, 60h-63h).
var tableG1 = []struct {
	netFn     NetFn
	body      string
	privilege Privilege
	numbers   []uint8
}{
	{NetFnApp, "", PrivilegeUser, []uint8{0x01, 0x04, 0x07, 0x08, 0x09, 0x0a, 0x64, 0x25, 0x2f,
		0x34, 0x36, 0x59, 0x3b, 0x3d, 0x41, 0x42,
		0x4a, 0x4b, 0x4e, 0x4f, 0x50, 0x55, 0x57}},
	{NetFnApp, "", PrivilegeUser, []uint8{0x48, 0x49}}, // as the payload's settings say
	{NetFnApp, "", PrivilegeOperator, []uint8{0x22, 0x24, 0x3f, 0x44, 0x46, 0x4d, 0x52}},
	{NetFnApp, "", PrivilegeAdministrator, []uint8{0x02, 0x03, 0x05, 0x06, 0x58, 0x40, 0x43, 0x45, 0x47, 0x4c, 0x56}},
	{NetFnApp, "", PrivilegeSystem, []uint8{0x2e, 0x30, 0x31, 0x32, 0x33, 0x35}},
	{NetFnApp, "", PrivilegeCallback, []uint8{0x37, 0x38, 0x39, 0x3a, 0x54, 0x3c}},
	{NetFnChassis, "", PrivilegeUser, []uint8{0x00, 0x01, 0x07, 0x0f}},
	{NetFnChassis, "", PrivilegeOperator, []uint8{0x02, 0x03, 0x04, 0x06, 0x08, 0x09}},
	{NetFnChassis, "", PrivilegeAdministrator, []uint8{0x05, 0x0a, 0x0b}},
	{NetFnGroup, "\xdc", PrivilegeCallback, []uint8{0x01}},
	{NetFnGroup, "\xdc", PrivilegeUser, []uint8{0x02, 0x03, 0x06, 0x09, 0x0c, 0x10, 0x13}},
	{NetFnGroup, "\xdc", PrivilegeOperator, []uint8{0x04, 0x05, 0x07, 0x08, 0x0b}},
	{NetFnGroup, "\xdc", PrivilegeAdministrator, []uint8{0x0a, 0x12}},
}

// Commands that are answered outside a session.
var presession = map[NetFn][]uint8{NetFnApp: {0x37, 0x38, 0x39, 0x3a, 0x54}, NetFnGroup: {0x01}}

func TestCommandTableIsTableG1(t *testing.T) {
	known := map[NetFn]int{}
	for _, row := range tableG1 {
		for _, n := range row.numbers {
			known[row.netFn]++
			c, ok := CommandFor(row.netFn, n, []byte(row.body))
			switch {
			case !ok:
				t.Errorf("%v %02Xh is missing", row.netFn, n)
			case c.Privilege != row.privilege:
				t.Errorf("%v %02Xh %s needs %v, not %v", row.netFn, n, c.Name, row.privilege,
					c.Privilege)
			case c.Presession != slices.Contains(presession[row.netFn], n):
				t.Errorf("%v %02Xh %s: outside a session: %v", row.netFn, n, c.Name, c.Presession)
			}
		}
	}
	seen := map[Command]bool{}
	for _, c := range Commands() {
		key := Command{NetFn: c.NetFn, Code: c.Code, Body: c.Body}
		if seen[key] {
			t.Errorf("%v %02Xh %s is there twice", c.NetFn, c.Code, c.Name)
		}
		seen[key] = true
		if _, ours := known[c.NetFn]; ours {
			known[c.NetFn]--
		}
	}
	for n, left := range known {
		if left != 0 {
			t.Errorf("%v: %d commands more or less than the tables have", n, -left)
		}
	}
}
