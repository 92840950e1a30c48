package ipmi

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// throughWire sends an error through its wire form.
func throughWire(t testing.TB, e *Error) *Error {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	got := new(Error)
	if err := json.Unmarshal(b, got); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return got
}

// Every sentinel of the package is in the list, alone and wrapped, and is the same at the other
// end.
func TestSentinelsThroughWire(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	sentinels := 0
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
			sentinels++
		}
		return true
	})
	const ofOthers = 3 // context's and errors'
	if got, want := len(causes)-ofOthers, sentinels; got != want {
		t.Errorf("got codes for %d sentinels, want %d", got, want)
	}
	codes := map[string]bool{}
	for _, c := range causes {
		if codes[c.code] {
			t.Errorf("the code %q stands for two causes", c.code)
		}
		codes[c.code] = true
		for _, cause := range []error{c.err, fmt.Errorf("%w: as it was said", c.err)} {
			want := &Error{Op: "open session", Peer: "192.0.2.1:623", Err: cause}
			got := throughWire(t, want)
			if !errors.Is(got, c.err) || got.Error() != want.Error() || CauseCode(got) != c.code {
				t.Errorf("%v: got %v (%s), want %s", want, got, CauseCode(got), c.code)
			}
			for _, other := range causes {
				if other.err != c.err && errors.Is(got, other.err) {
					t.Errorf("%v is %v too", got, other.err)
				}
			}
		}
	}
}

func TestCompletionCodesThroughWire(t *testing.T) {
	cmd := GetDeviceID{}.Command()
	for n := 1; n < 256; n++ {
		code := CompletionCode(n)
		for _, want := range []*Error{
			{Command: cmd, Code: code}, {Command: cmd, Op: "Get Device ID command", Err: code},
			{Op: "log in", Err: fmt.Errorf("%w: %w", ErrUser, code)},
		} {
			got := throughWire(t, want)
			var is CompletionCode
			if !errors.As(got, &is) || is != code || got.Error() != want.Error() {
				t.Errorf("%v: got %v with code %v", want, got, is)
			}
			if got, want := errors.Is(got, ErrUser), errors.Is(want, ErrUser); got != want {
				t.Errorf("unknown user: got %v, want %v", got, want)
			}
		}
	}
	if got := throughWire(t, &Error{Command: cmd, Code: CodeTimeout}).Command; got != cmd {
		t.Errorf("command: got %+v, want %+v", got, cmd)
	}
}

// What a later version sends is still an error.
func TestUnknownCauseThroughWire(t *testing.T) {
	var e Error
	if err := json.Unmarshal([]byte(`{"code":"moon_phase","peer":"bmc1"}`), &e); err != nil {
		t.Fatal(err)
	}
	if got, want := e.Error(), `bmc1: failed for the reason "moon_phase"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzErrorWire(f *testing.F) {
	for _, e := range []*Error{{Err: ErrTimeout},
		{Command: GetDeviceID{}.Command(), Code: CodeTimeout}} {
		b, _ := json.Marshal(e)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Error
		if json.Unmarshal(b, &e) != nil {
			return
		}
		again := throughWire(t, &e)
		if got, want := again.Error(), e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
