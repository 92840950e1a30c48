package cli

import (
	"os"
	"path/filepath"
	"testing"

	"lom/ipmi"
)

func TestManufacturerName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "numbers")
	text := "Decimal\n| Organization\n49264\n  Other\n    Someone\n49265\n  Kivu GmbH\n    " +
		"Someone\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	a := &App{registry: []string{file + "-missing", file}}
	for m, want := range map[ipmi.ManufacturerID]string{
		0: "Unknown", 0xfffff: "Unspecified", 674: "Dell Inc.", 49265: "Kivu GmbH",
		492: "Unknown (0x1EC)",
	} {
		if got := a.manufacturerName(m); got != want {
			t.Errorf("%d: %q, want %q", m, got, want)
		}
	}
}
