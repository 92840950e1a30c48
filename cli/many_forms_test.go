package cli

import (
	"testing"

	"lom/ipmi"
)

// formsFleet has a host that is on, one that cannot be logged in to, one that is off and one that
// does not see its power.
func formsFleet() *fleet {
	f := newFleet("n1", "n2", "n3", "n4")
	f.hosts["n2"].dial = ipmi.ErrPassword
	f.hosts["n3"].off = true
	f.hosts["n4"].blind = true
	return f
}

const (
	blindSentence = "Get Chassis Power Status failed: Command not supported in present state; " +
		"the BMC cannot tell whether the server is on or off: see its SEL, and its log, for why"
	blindFields = `"error":"` + blindSentence +
		`","error_code":"completion_code","completion_code":213}` + "\n"
	passwordLine  = `{"host":"n2","error":"wrong password for user \"admin\"","error_code":"wrong_password"}` + "\n"
	formsFailures = "lom: 2 of 4 hosts failed\n" +
		"  1  n2  wrong password for user \"admin\"\n" +
		"  1  n4  " + blindSentence + "\n"
)

// One command on many hosts prints one form that a program can read, whichever it is.
func TestManyForms(t *testing.T) {
	const first = `{"host":"n1","power":"on"}` + "\n" + passwordLine +
		`{"host":"n3","power":"off"}` + "\n"
	for _, c := range []struct {
		options []string
		want    string
	}{
		{[]string{"-o", "json"}, first + `{"host":"n4","power":"unknown",` + blindFields},
		{[]string{"-o", "ndjson"}, first + `{"host":"n4","power":"unknown"}` + "\n" + `{"host":"n4",` + blindFields},
		{[]string{"-o", "yaml"}, "---\nhost: n1\npower: \"on\"\n" +
			"---\nhost: n2\nerror: wrong password for user \"admin\"\nerror_code: " +
			"wrong_password\n" +
			"---\nhost: n3\npower: \"off\"\n" +
			"---\nhost: n4\npower: unknown\nerror: '" + blindSentence + "'\n" +
			"error_code: completion_code\ncompletion_code: 213\n"},
		{[]string{"-o", "table"}, "HOST  POWER\nn1    on\nn3    off\nn4    unknown\n"},
		{[]string{"-o", "csv"}, "host,power\nn1,on\nn3,off\nn4,unknown\n"},
		{[]string{"-o", "csv", "--columns", "power"}, "host,power\nn1,on\nn3,off\nn4,unknown\n"},
		{[]string{"-o", "csv", "--columns", "power,host"}, "power,host\non,n1\noff,n3\nunknown,n4\n"},
	} {
		f := formsFleet()
		got := f.run(t, nil, append(c.options, "-H", "n[1-4]", "power", "status")...)
		if got.exit != 1 || got.stdout != c.want || got.stderr != formsFailures {
			t.Errorf("%q: exit code %d, want 1\n--- stdout\n%s--- want\n%s--- stderr\n%s--- "+
				"want\n%s",
				c.options, got.exit, got.stdout, c.want, got.stderr, formsFailures)
		}
	}
}

// Hosts with the same result are named together in each form.
func TestManyFormsConsolidated(t *testing.T) {
	for form, want := range map[string]string{
		"ndjson": `{"hosts":["n1","n2"],"power":"on"}` + "\n" + `{"hosts":["n3"],"power":"off"}` +
			"\n",
		"yaml": "---\nhosts:\n    - n1\n    - n2\npower: \"on\"\n---\nhosts:\n    - n3\npower: " +
			"\"off\"\n",
		"table": "HOST    POWER\nn[1-2]  on\nn3      off\n",
		"csv":   "host,power\nn[1-2],on\nn3,off\n",
	} {
		f := newFleet("n1", "n2", "n3")
		f.hosts["n3"].off = true
		f.run(t, nil, "-o", form, "--consolidate", "-H", "n[1-3]", "power", "status").check(t, 0,
			want, "")
	}
}

// A column that there is not is an error of the command, and other columns are not printed instead.
func TestManyUnknownColumn(t *testing.T) {
	newFleet("n1", "n2").run(t, nil, "-o", "csv", "--columns", "colour", "-H", "n[1-2]", "power",
		"status").check(t, 1, "",
		"lom: there is no column \"colour\"; there are host, power\n")
}

// With --hosts-form one host is printed as many are, and without -H it is refused.
func TestHostsForm(t *testing.T) {
	f := formsFleet()
	for _, c := range []struct{ host, form, want string }{
		{"n1", "json", `{"host":"n1","power":"on"}` + "\n"},
		{"n1", "yaml", "---\nhost: n1\npower: \"on\"\n"},
		{"n1", "csv", "host,power\nn1,on\n"},
		{"n1", "text", "n1: Chassis Power is on\n"},
	} {
		f.run(t, nil, "--hosts-form", "-o", c.form, "-H", c.host, "power", "status").check(t, 0,
			c.want, "")
	}
	f.run(t, nil, "--hosts-form", "-o", "json", "-H", "n2", "power", "status").check(t, 1,
		passwordLine,
		"lom: 1 of 1 hosts failed\n  1  n2  wrong password for user \"admin\"\n")
	// Nobody is asked about one host.
	f.run(t, nil, "--hosts-form", "-o", "json", "-H", "n1", "power", "soft").check(t, 0,
		`{"host":"n1","action":"soft","outcome":"done","before":"on"}`+"\n", "")
	f.run(t, nil, "--hosts-form", "power", "status").check(t, 1, "",
		"lom: --hosts-form puts the name of each host in front, and without -H there is none; "+
			"name one, or omit it\n")
}

// What goes wrong with one host has a form for programs on standard output, but where a part of the
// result stands there.
func TestErrorForm(t *testing.T) {
	const stderr = "lom: n2: wrong password for user \"admin\"\n"
	const sentence = `n2: wrong password for user \"admin\"`
	for form, want := range map[string]string{
		"json": "{\n  \"error\": \"" + sentence +
			"\",\n  \"error_code\": \"wrong_password\"\n}\n",
		"ndjson": `{"error":"` + sentence + `","error_code":"wrong_password"}` + "\n",
		"yaml":   "error: 'n2: wrong password for user \"admin\"'\nerror_code: wrong_password\n",
		"csv":    "",
		"table":  "",
		"text":   "",
	} {
		formsFleet().run(t, nil, "-o", form, "-H", "n2", "power", "status").check(t, 1, want,
			stderr)
	}
	formsFleet().run(t, nil, "-o", "json", "-H", "n4", "power", "status").check(t, 1,
		"{\n  \"power\": \"unknown\"\n}\n",
		"lom: "+blindSentence+"\n")
	formsFleet().run(t, nil, "-o", "json", "-H", "n1", "bogus").check(t, 1,
		"{\n  \"error\": \"there is no command \\\"bogus\\\"; \\\"lom help\\\" lists what there "+
			"is\",\n  \"error_code\": \"other\"\n}\n",
		"lom: there is no command \"bogus\"; \"lom help\" lists what there is\n")
}

// Readers of YAML 1.1 take what is text for text.
func TestYAMLText(t *testing.T) {
	got, err := encodeYAML([]byte(`{"a":"off","b":"1e3","c":"12:30:45","d":"word","e":false,"f":12,"g":"","h":"00:25:90:aa:bb:cc","i":"2026-11-27"}`))
	want := "a: \"off\"\nb: \"1e3\"\nc: \"12:30:45\"\nd: word\ne: false\nf: 12\ng: \"\"\nh: " +
		"\"00:25:90:aa:bb:cc\"\ni: \"2026-11-27\"\n"
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
