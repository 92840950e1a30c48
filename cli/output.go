package cli

import (
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// output is where a command's result goes. It remembers that something could not be written, such as to a full
// disk, so that a command that prints line by line need not look after each of them to end with exit code 1.
type output struct {
	w io.Writer

	mu  sync.Mutex
	err error // the first
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

// failed returns the first error of a Write.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// longestWord is up to how many bytes a word of an error message is printed whole: more than any name or path that
// a person wants to read.
const longestWord = 256

// clipWords shortens the words of a message that are too long to be of use, which come from arguments and files.
func clipWords(s string) string {
	if len(s) <= longestWord {
		return s
	}
	words := strings.Split(s, " ")
	for i, w := range words {
		if len(w) <= longestWord {
			continue
		}
		cut := longestWord / 4
		for cut > 0 && !utf8.RuneStart(w[cut]) {
			cut--
		}
		words[i] = w[:cut] + "…"
		if strings.Contains(w[cut:], "\"") {
			words[i] += w[strings.LastIndexByte(w, '"'):]
		}
	}
	return strings.Join(words, " ")
}
