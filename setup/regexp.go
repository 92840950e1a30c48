package setup

import (
	"regexp"
	"sync"
)

// lazily returns a regular expression that is compiled at its first use, because programs that
// only link this package should start as fast without it.
func lazily(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
