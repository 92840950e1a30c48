package many

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct{ out, why, want string }{
		{"", "", `{"host":"a"}`},
		{"", "it is <off>", `{"host":"a","error":"it is <off>","error_code":"timeout"}`},
		{"{\n  \"x\": 1.50\n}\n", "", `{"host":"a","x":1.50}`},
		{"{}", "", `{"host":"a"}`},
		{"[1, 2]\n", "", `{"host":"a","result":[1,2]}`},
		{`{"error": "e"}`, "bad", `{"host":"a","result":{"error":"e"},"error":"bad","error_code":"timeout"}`},
		{"{\"x\":1}\n{\"x\":2}\n", "bad", `{"host":"a","results":[{"x":1},{"x":2}],"error":"bad","error_code":"timeout"}`},
		{"some text\n", "", `{"host":"a","output":"some text\n"}`},
	} {
		if got := string(appendJSON(nil, jsonHost("a"), []byte(c.out),
			Failure{Sentence: c.why, Code: "timeout"})); got != c.want+"\n" {
			t.Errorf("%q, %q: %s, want %s", c.out, c.why, got, c.want)
		}
	}
}

// Output that waits for an earlier host is bounded: those behind wait too.
func TestOutputIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		g := New(&Screen{Out: &out, Err: io.Discard}, []string{"a", "b", "c"}, FormLines, false,
			nil)
		g.most = 100
		g.Open()
		var wg sync.WaitGroup
		line := []byte(strings.Repeat("x", 49) + "\n")
		for i := 1; i < 3; i++ {
			wg.Go(func() {
				for range 1000 {
					hostWriter{g, i}.Write(line)
				}
				g.Finish(i, Failure{})
			})
		}
		synctest.Wait()
		g.mu.Lock()
		if g.held > 300 || out.Len() > 0 {
			t.Errorf("%d bytes held, %d printed", g.held, out.Len())
		}
		g.mu.Unlock()
		hostWriter{g, 0}.Write([]byte("early\nlate"))
		if out.String() != "a: early\n" {
			t.Errorf("the first is not printed as it comes: %q", out.String())
		}
		g.Finish(0, Failure{})
		wg.Wait()
		if want := "a: early\na: late\n" + strings.Repeat("b: "+string(line), 1000) +
			strings.Repeat("c: "+string(line), 1000); out.String() != want {
			t.Errorf("%d bytes, want %d", out.Len(), len(want))
		}
		if g.held != 0 {
			t.Errorf("%d bytes held at the end", g.held)
		}
	})
}
