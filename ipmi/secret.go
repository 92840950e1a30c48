package ipmi

import (
	"fmt"
	"log/slog"
)

// A Secret is a password or a key. However it is printed, logged or marshalled, it says
// "[redacted]"; only Reveal gives it away.
type Secret struct{ s string }

// NewSecret makes a Secret of a password or of a key's bytes.
func NewSecret(s string) Secret { return Secret{s} }

// Reveal returns the secret itself. Its result must not reach a log, an error or a child process.
func (s Secret) Reveal() string { return s.s }

// Padded returns the secret with NULs at its end that make it n bytes long, as keys and passwords
// are sent. A secret that is longer stays as it is.
func (s Secret) Padded(n int) Secret {
	if len(s.s) >= n {
		return s
	}
	return Secret{s.s + string(make([]byte, n-len(s.s)))}
}

// Len returns the length in bytes.
func (s Secret) Len() int { return len(s.s) }

const redacted = "[redacted]"

// Format writes "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", also for JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
