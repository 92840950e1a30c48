package cli

import (
	"regexp"
	"sync"
)

// lazily returns a regular expression that is compiled at its first use, because commands that
// do not need it should start as fast without it.
func lazily(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
