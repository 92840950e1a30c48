package ipmi

import "bytes"

// cutNUL returns b up to its first NUL byte.
func cutNUL(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// word returns the n-th of words, and other past their end.
func word[N ~uint8](words []string, n N, other string) string {
	if int(n) < len(words) {
		return words[n]
	}
	return other
}
