package hostlist

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"", ""},
		{"node1", "node1"},
		{"node1,node2", "node1 node2"},
		{" node1, node2\tnode3,,", "node1 node2 node3"},
		{"node[1-3]", "node1 node2 node3"},
		{"node[001-003]", "node001 node002 node003"},
		{"node[8-11]", "node8 node9 node10 node11"},
		{"node[08-11]", "node08 node09 node10 node11"},
		{"node[08-101/31]", "node08 node39 node70 node101"},
		{"node[0-2]", "node0 node1 node2"},
		{"node[0-7/3]", "node0 node3 node6"},
		{"node[1,3,5-6]-bmc", "node1-bmc node3-bmc node5-bmc node6-bmc"},
		{"rack1,rack2-[a-d]", "rack1 rack2-a rack2-b rack2-c rack2-d"},
		{"rack[A-C]", "rackA rackB rackC"},
		{"r[1-2]n[01-03]", "r1n01 r1n02 r1n03 r2n01 r2n02 r2n03"},
		{"[a-b][1-2]", "a1 a2 b1 b2"},
		{"127.0.0.[1-3]", "127.0.0.1 127.0.0.2 127.0.0.3"},
		{"127.0.[0-1].[254-255]", "127.0.0.254 127.0.0.255 127.0.1.254 127.0.1.255"},
		{"127.0.0.1:[6231-6233]", "127.0.0.1:6231 127.0.0.1:6232 127.0.0.1:6233"},
		{"[::1]", "[::1]"},
		{"[::1]:[6231-6232],::1", "[::1]:6231 [::1]:6232 ::1"},
		{"2001:db8::[8-10]", "2001:db8::8 2001:db8::9 2001:db8::10"},
		{"[fe80::1%eth0]:623", "[fe80::1%eth0]:623"},
		{"[web,db]1", "web1 db1"},
		{"node1,node1,node[1-2]", "node1 node2"},
		{"node[2,1,2]", "node2 node1"},
		{"node[1-5]!node[2-3]", "node1 node4 node5"},
		{"node[1-5]!node2,node[4-6]", "node1 node3 node4 node5 node6"},
		{"node[1-5]&node[4-9]", "node4 node5"},
		{"node[1-3]^node[3-4]", "node1 node2 node4"},
		{"node[1-3] ! node2", "node1 node3"},
		{"@web,node1", "w1 w2 node1"},
		{"node[1-2],@web!w1", "node1 node2 w2"},
	} {
		got, err := Expand(c.expr, func(name string) ([]string, error) {
			if name != "web" {
				t.Errorf("group %q", name)
			}
			return []string{"w1", "w2"}, nil
		})
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q, %v, want %q", c.expr, strings.Join(got, " "), err, c.want)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"node[1-3", `"node[1-3" has a [ without a ] behind it`},
		{"node1-3]", `"node1-3]" has a ] without a [ before it`},
		{"node[1-[2]]", `"node[1-[2]]" has brackets within brackets`},
		{"node[]", "[] has nothing where a number or a word belongs"},
		{"node[1,,2]", "[1,,2] has nothing where a number or a word belongs"},
		{"node[3-1]", `[3-1]: "3-1" goes down; put the lower end first`},
		{"node[d-a]", `[d-a]: "d-a" goes down; put the lower end first`},
		{"node[1-010]", `[1-010]: "1-010": both ends are padded with zeros to the same length, or the first only`},
		{"node[1-c]", `[1-c]: "1-c" is not a range of numbers or letters; write it like 1-10, 001-200, 0-100/2 or a-d`},
		{"node[a-D]", `[a-D]: "a-D" is not a range of numbers or letters; write it like 1-10, 001-200, 0-100/2 or a-d`},
		{"node[5/2]", `[5/2]: "5/2" is not a range of numbers or letters; write it like 1-10, 001-200, 0-100/2 or a-d`},
		{"node[1-9/0]", `[1-9/0]: "1-9/0": behind the slash stands how far it is from one to the next, a number from 1 on`},
		{"node[1-9/x]", `[1-9/x]: "1-9/x": behind the slash stands how far it is from one to the next, a number from 1 on`},
		{"node[1-1234567890123456789]", `is not a range of numbers or letters`},
		{"node[1-1000001]", "more than 1000000 hosts are named; that is more than one call works on"},
		{"n[1-1001]m[1-1000]", "more than 1000000 hosts"},
		{"[0-999999999999999999][0-999999999999999999]", "more than 1000000 hosts"},
		{"node[a&b]", `[a&b]: "a&b" is neither a number nor a word`},
		{"no\x1bde", `"no\x1bde" has characters that no name of a host has`},
		{"!node1", `"!node1" begins with !; there is nothing before it`},
		{"node1!", `"node1!" ends with !; there is nothing behind it`},
		{"node1!&node2", `"node1!&node2" has nothing between ! and &`},
		{"@web", "@web: a name that begins with @ means nothing here"},
	} {
		if got, err := Expand(c.expr, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %d hosts, %v, want %s", c.expr, len(got), err, c.want)
		}
	}
	// The sum of terms and of lines counts too.
	for _, expr := range []string{"a[1-100],b", "a[1-60],b[1-60]", "a[1-60]^b[1-60]"} {
		if got, err := expand(expr, nil, 100); !errors.Is(err, errTooMany) {
			t.Errorf("%s: %d hosts, %v", expr, len(got), err)
		}
	}
	if got, err := expandLines("a[1-60]\nb[1-60]\n", 100); !errors.Is(err, errTooMany) {
		t.Errorf("%d hosts, %v", len(got), err)
	}
	if got, err := expand("a[1-60] a[1-60]", nil, 100); len(got) != 60 || err != nil {
		t.Errorf("%d hosts, %v", len(got), err)
	}
	no := errors.New("there is no such group")
	if _, err := Expand("@web", func(string) ([]string, error) {
		return nil, no
	}); !errors.Is(err, no) {
		t.Error(err)
	}
}

func TestExpandLines(t *testing.T) {
	got, err := ExpandLines("# the first rack\n\nnode[1-2]  # two\r\n  node2,node4\nnode5")
	if want := "node1 node2 node4 node5"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("%v, %v", got, err)
	}
	for text, want := range map[string]string{
		"a\nb[\n": "line 2: \"b[\" has a [ without a ] behind it",
		"@other":  "line 1: @other: a name that begins with @ means nothing here",
	} {
		if _, err := ExpandLines(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct{ hosts, want string }{
		{"", ""},
		{"node1", "node1"},
		{"node1 node2 node3", "node[1-3]"},
		{"node3 node1 node2", "node[1-3]"},
		{"node1 node1", "node1"},
		{"node1 node3", "node[1,3]"},
		{"node001 node002 node004", "node[001-002,004]"},
		{"node098 node099 node100 node101", "node[098-101]"},
		{"node9 node10", "node[9-10]"},
		{"node9 node09 node10", "node[9,09-10]"},
		{"node0 node00 node1", "node[0-1,00]"},
		{"web db", "web,db"},
		{"rack1 rack2-a rack2-b", "rack1,rack2-a,rack2-b"},
		{"a1 b1 a2 b2", "a[1-2],b[1-2]"},
		{"r1n1 r1n2 r2n1 r2n2", "r[1-2]n[1-2]"},
		{"r1n1 r1n2 r2n1", "r1n[1-2],r2n1"},
		{"127.0.0.1 127.0.0.2 127.0.1.1 127.0.1.2", "127.0.[0-1].[1-2]"},
		{"127.0.0.1:6231 127.0.0.1:6232", "127.0.0.1:[6231-6232]"},
		{"::1 ::2", "::[1-2]"},
		{"[::1]:623 [::2]:623", "[::1]:623,[::2]:623"},
		{"node1234567890123456789 node1234567890123456790", "node1234567890123456789,node1234567890123456790"},
		{"a1b2c3d4e5f6g7h8 a1b2c3d4e5f6g7h9", "a1b2c3d4e5f6g7h[8-9]"},
	} {
		if got := Fold(strings.Fields(c.hosts)); got != c.want {
			t.Errorf("%q: %s, want %s", c.hosts, got, c.want)
		}
	}
}

func TestSplitPort(t *testing.T) {
	for _, c := range []struct {
		host, name string
		port       int
		problem    string
	}{
		{"node1", "node1", 0, ""},
		{"node1:6230", "node1", 6230, ""},
		{"127.0.0.1:623", "127.0.0.1", 623, ""},
		{"::1", "::1", 0, ""},
		{"fe80::1%eth0", "fe80::1%eth0", 0, ""},
		{"[::1]", "::1", 0, ""},
		{"[::1]:6230", "::1", 6230, ""},
		{"node1:", "", 0, "the port behind the colon is missing"},
		{"[::1]:", "", 0, "the port behind the colon is missing"},
		{"node1:0", "", 0, "is not a UDP port"},
		{"node1:65536", "", 0, "is not a UDP port"},
		{"node1:http", "", 0, "is not a UDP port"},
		{":623", "", 0, "a host is missing"},
		{"[]:623", "", 0, "a host is missing"},
		{"[::1", "", 0, "is not a host"},
		{"[::1]x", "", 0, "is not a host"},
	} {
		name, port, err := SplitPort(c.host)
		if name != c.name || port != c.port || (err == nil) != (c.problem == "") ||
			err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%q: %q, %d, %v", c.host, name, port, err)
		}
	}
}

// Whatever is expanded is folded into something that names the same hosts, and no expression takes
// more than its share of memory.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{
		"node[001-200]", "rack1,rack2-[a-d]", "r[1-3]n[01-10]", "a[0-100/2]!a[4,8]",
		"127.0.[0-3].[1-2]:[6231-6238]", "[::1]:623,::2",
		"x[9,09-10,010]&x[1-99]", "n[1-1000000]", "a[", "]", "@x",
		"[0-9][0-9][0-9][0-9][0-9][0-9][0-9]", "é[1-2]ü[3-4]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		const most = 2000
		hosts, err := expand(expr, nil, most)
		if err != nil {
			return
		}
		if len(hosts) > most {
			t.Fatalf("%d hosts", len(hosts))
		}
		again, err := Expand(Fold(hosts), nil)
		if err != nil {
			t.Fatalf("%q folds to %q: %v", hosts, Fold(hosts), err)
		}
		want := slices.Clone(hosts)
		slices.Sort(want)
		slices.Sort(again)
		if !slices.Equal(again, want) {
			t.Fatalf("%q folds to %q, which is %q", want, Fold(hosts), again)
		}
		for _, h := range hosts {
			_, _, _ = SplitPort(h)
		}
	})
}
