package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// selScript returns the answers of the BMC of testdata/sel.txt.
func selScript(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/sel.txt")
	if err != nil {
		t.Fatal(err)
	}
	head, _ := parseGolden(t, string(text))
	return head
}

func TestSELFiles(t *testing.T) {
	dir := t.TempDir()
	saved, raw := filepath.Join(dir, "saved"), filepath.Join(dir, "raw")
	list, _, _ := runScripted(newScriptedBMC(t, selScript(t)), "sel", "list")
	for _, args := range [][]string{{"sel", "save", saved}, {"sel", "writeraw", raw},
		{"sel", "readraw", raw}} {
		if out, errs, exit := runScripted(newScriptedBMC(t, selScript(t)), args...); out != list ||
			errs != "" || exit != 0 {
			t.Errorf("%v: exit code %d\n%s%s", args, exit, out, errs)
		}
	}
	b, err := os.ReadFile(saved)
	if err != nil || strings.Count(string(b), "\n") != 14 ||
		!strings.HasPrefix(string(b),
			"0x04 0x01 0x02 0x01 0x59 0x5a 0x55 # Temperature #0x02 Upper Critical going high\n") {
		t.Errorf("%v\n%s", err, b)
	}
	// What was saved can be added: the manufacturer's records are left out.
	script := []string{"> 0a 44 00 00 02 00 00 00 00 41 00 04 01 02 01 59 5a 55", "< 00 01 00"}
	if err := os.WriteFile(saved, b[:strings.IndexByte(string(b), '\n')+1], 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, exit := runScripted(newScriptedBMC(t, script), "sel", "add", saved)
	if out != "   0 |  Pre-Init  |0000000000| Temperature #0x02 | Upper Critical going high | "+
		"Asserted\n" || errs != "" || exit != 0 {
		t.Errorf("exit code %d\n%s%s", exit, out, errs)
	}
	script[1] = "< c4"
	_, errs, exit = runScripted(newScriptedBMC(t, script), "sel", "add", saved)
	if errs != "lom: the SEL is full: 0 of 1 events were added; \"sel clear\" makes room\n" ||
		exit != 1 {
		t.Errorf("exit code %d: %s", exit, errs)
	}
	// A bad line is found before anything is added.
	if err := os.WriteFile(saved, append(b, "0x04 1 2\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, exit = runScripted(newScriptedBMC(t, nil), "sel", "add", saved)
	if want := "lom: " + saved + ", line 15: an event has 7 numbers, not 3\n"; errs != want ||
		exit != 1 {
		t.Errorf("exit code %d: %s", exit, errs)
	}
	if err := os.Truncate(raw, 40); err != nil {
		t.Fatal(err)
	}
	out, errs, exit = runScripted(newScriptedBMC(t, nil), "sel", "readraw", raw)
	if !strings.HasPrefix(list, out) || strings.Count(out, "\n") != 2 ||
		!strings.Contains(errs, "8 bytes at its end") || exit != 1 {
		t.Errorf("exit code %d\n%s%s", exit, out, errs)
	}
}

func TestParseTime(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Skip(err)
	}
	a := &App{zone: paris, now: func() time.Time { return time.Unix(1, 0) }}
	want := time.Date(2023, 7, 15, 10, 0, 0, 0, time.UTC)
	for _, s := range []string{"07/15/23 12:00:00", "7/15/2023 12:00:00", "2023-07-15 12:00:00",
		"2023-07-15T12:00:00", "2023-07-15T10:00:00Z"} {
		if got, err := a.parseTime(s); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
	if got, _ := a.parseTime("NOW"); got.Unix() != 1 {
		t.Error(got)
	}
}
