package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// hostileText is 16 bytes of all that acts on a terminal or breaks a line, and of UTF-8 that may be
// shown.
const hostileText = "A\x1b[31mB\n\r\t\x07\x7f\x9b\u0085Z"

// hostileBMC is a BMC whose every text is hostile. What it has no better answer for it answers with
// that text, and with nothing but zeros before it.
type hostileBMC struct {
	caseBMC
	zeros int // in front of the text in answers to other commands
}

func newHostileBMC(t testing.TB, zeros int) *hostileBMC {
	named := func(record []byte) []byte {
		r := slices.Clone(record)
		n := len(hostileText[:min(16, len(hostileText))])
		head := len(r) - 1 - int(r[len(r)-1-nameLength(r)]&0x1f)
		r = append(r[:head:head], 0xc0|byte(n))
		r = append(r, hostileText[:n]...)
		r[4] = byte(len(r) - 5)
		return r
	}
	b := &hostileBMC{zeros: zeros}
	b.records = hexLines(t, "testdata/cases/sdr-name-escape.hex")
	for _, r := range slices.Concat(hexLines(t, "testdata/cases/sdr-fc830.hex"),
		hexLines(t, "testdata/cases/fru-spd-locators.hex")) {
		r = named(r)
		binary.LittleEndian.PutUint16(r, uint16(0x100+len(b.records)))
		b.records = append(b.records, r)
	}
	b.count = len(b.records)
	b.readings = map[uint8][]byte{}
	for n := range 256 {
		b.readings[uint8(n)] = []byte{0x40, 0xc0, 0xff, 0x80}
	}
	text := []byte(hostileText)[:16]
	b.events = [][]byte{
		{1, 0, 2, 0x5c, 0xd2, 0x99, 0x63, 0x20, 0, 4, 7, 0x14, 1, 0x57, 1, 2},
		append([]byte{2, 0, 0xf0, 1, 2}, text[:11]...), // Linux' panic
		append([]byte{3, 0, 0xe0}, text[:13]...),
		append([]byte{4, 0, 0xdf, 0x5c, 0xd2, 0x99, 0x63}, text[:9]...),
	}
	b.reported = len(b.events)
	field := append([]byte{0xc0 | 16}, text...)
	area := append([]byte{1, 0, 23}, bytes.Repeat(field, 4)...)
	area = append(area, 0xc1)
	for len(area)%8 != 7 {
		area = append(area, 0)
	}
	area[1] = byte(len(area)+1) / 8
	image := append([]byte{1, 0, 1, 0, 0, 0, 0, 0}, append(area, checksum(area))...)
	image[7] = checksum(image)
	spd := slices.Concat(hexLines(t, "testdata/cases/fru-spd.hex")...)
	copy(spd[329:], text)
	b.frus = map[uint8][]byte{0: image, 1: spd, 3: spd, 5: image}
	return b
}

func checksum(b []byte) (s byte) {
	for _, x := range b {
		s -= x
	}
	return s
}

// nameLength is the number of bytes of the name at the end of a record.
func nameLength(r []byte) int {
	for n := 1; n <= 16; n++ {
		if r[len(r)-1-n] == 0xc0|byte(n) {
			return n
		}
	}
	return 0
}

func (b *hostileBMC) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	r, err := b.caseBMC.Exchange(ctx, req)
	if r.Code != ipmi.CodeInvalidCommand {
		return r, err
	}
	return ipmi.RawResponse{Data: append(make([]byte, b.zeros), hostileText...)}, nil
}

// leafLines returns command lines of all commands of the tree that read from a BMC.
func leafLines(a *App) []string {
	var lines []string
	words := map[string]string{ // those that the synopsis does not give
		"raw": "raw 0x2e 1", "sel get": "sel get 1 2 3 4", "sensor get": "sensor get 0b/01",
		"fru print": "fru print 0", "exec": "",
	}
	var walk func(c *cobra.Command, path string)
	walk = func(c *cobra.Command, path string) {
		for _, sub := range c.Commands() {
			walk(sub, strings.TrimSpace(path+" "+sub.Name()))
		}
		if path == "" || !c.Runnable() ||
			c.HasParent() && slices.Contains([]string{hostsNone, hostsOne, hostsAll},
				c.Annotations[hostsAnnotation]) {
			return
		}
		if line, ok := words[path]; ok {
			lines = append(lines, line)
			if line == "" {
				return
			}
		}
		lines = append(lines, path)
		for _, choice := range strings.FieldsFunc(c.Use, func(r rune) bool {
			return strings.ContainsRune(" []|().", r)
		})[1:] {
			if strings.ToUpper(choice) == choice { // a value
				lines = append(lines, path+" 1", path+" 1 1")
			} else if !strings.Contains(choice, "=") {
				lines = append(lines, path+" "+choice, path+" "+choice+" 1")
			}
		}
	}
	walk(newRoot(a), "")
	slices.Sort(lines)
	return slices.DeleteFunc(slices.Compact(lines), func(l string) bool { return l == "" })
}

// No text of a BMC acts on the terminal or breaks a row, whatever the command and its form. A new
// command is in the tree, and so in this test.
func TestNoTextOfABMCActsOnTheTerminal(t *testing.T) {
	lines := leafLines(newApp("lom", strings.NewReader(""), os.Stdout, os.Stderr))
	if len(lines) < 150 {
		t.Fatalf("%d command lines", len(lines))
	}
	shown := 0
	for _, line := range lines {
		for _, form := range []string{"", "-c ", "-v ", "-c -v ", "-o json ", "many "} {
			for _, zeros := range []int{0, 1, 2, 3} {
				hosts, args := "bmc1", strings.Fields(form+line)
				if form == "many " {
					hosts, args = "a,b", append([]string{"--yes"}, strings.Fields(line)...)
				}
				if zeros > 0 && form != "" {
					continue
				}
				var out, errs string
				synctest.Test(t, func(t *testing.T) { // commands that wait for something do not
					out, errs, _ = runOn(t, newHostileBMC(t, zeros), hosts, "", args...)
				})
				for name, text := range map[string]string{"stdout": out, "stderr": errs} {
					for _, r := range text {
						if fmt.Control(r) && r != '\n' && r != '\t' || r == '\r' ||
							r == '\ufffd' && form != "-o json " {
							t.Errorf("%s%s: %s has %q:\n%q", form, line, name, r, text)
							break
						}
					}
					if form == "-o json " && name == "stdout" {
						continue
					}
					// The text's first line ends after its B.
					if strings.Contains(text, "[31mB\n") || strings.Contains(text, "\nZ") ||
						strings.Contains(text, "[31mB?\n") {
						t.Errorf("%s%s: a row of %s is broken:\n%q", form, line, name, text)
					}
					if strings.Contains(text, "A?[31mB") {
						shown++
					}
				}
			}
		}
	}
	if shown < 40 {
		t.Errorf("the text was shown %d times: the test does not see what it should", shown)
	}
}

// All files of this package print their lines with plainfmt, but for those that print what lom
// itself says.
func TestLinesAreMadeByPlainfmt(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") ||
			slices.Contains([]string{"main.go", "help.go", "man.go"}, name) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if i.Path.Value == `"fmt"` && bytes.Contains(text, []byte("fmt.Fprint")) {
				t.Errorf(`%s prints with fmt; import fmt "lom/internal/plainfmt" in its place`,
					name)
			}
		}
	}
}
