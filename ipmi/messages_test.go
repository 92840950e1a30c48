package ipmi

import (
	"encoding"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// message is a pointer to a type that has a wire form.
type message interface {
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// fatal is what *testing.T and *rapid.T share here.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkRead reads b into the i-th message and, if that works, writes it and reads it again, which
// must give the same.
func checkRead(t fatal, i int, b []byte) {
	t.Helper()
	m, again := allMessages[i](), allMessages[i]()
	before := append([]byte(nil), b...)
	if err := m.UnmarshalBinary(b); err != nil {
		// A reader may also ask for a certain answer, such as CodeInvalidDataField.
		if code := CodeOK; !errors.Is(err, ErrMalformed) && !errors.As(err, &code) {
			t.Fatalf("%T: %v is no kind of error that a reader may return", m, err)
		}
		return
	}
	out, err := m.AppendBinary([]byte("x"))
	if err != nil {
		t.Fatalf("%T: read %x, cannot write %+v: %v", m, b, m, err)
	}
	if err := again.UnmarshalBinary(out[1:]); err != nil {
		t.Fatalf("%T: cannot read what was written, %x: %v", m, out[1:], err)
	}
	if !reflect.DeepEqual(m, again) {
		t.Fatalf("%T: read %x\nas  %+v\nand %x\nas  %+v", m, b, m, out[1:], again)
	}
	if !reflect.DeepEqual(before, append([]byte(nil), b...)) {
		t.Fatalf("%T: the bytes that it was read from changed", m)
	}
	// A reader keeps nothing of the buffer, which is used for the next packet.
	for i := range b {
		b[i] ^= 0xff
	}
	if !reflect.DeepEqual(m, again) {
		t.Fatalf("%T: keeps a reference to the bytes that it was read from", m)
	}
}

func FuzzMessages(f *testing.F) {
	for i, create := range allMessages {
		f.Add(uint16(i), []byte{})
		if s, ok := create().(Sizer); ok {
			least, greatest := s.WireSize()
			f.Add(uint16(i), make([]byte, least))
			b := make([]byte, max(least, greatest)+3)
			for i := range b {
				b[i] = byte(0xff - i)
			}
			f.Add(uint16(i), b)
		}
	}
	f.Fuzz(func(t *testing.T, i uint16, b []byte) { checkRead(t, int(i)%len(allMessages), b) })
}

func TestMessagesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(allMessages)-1).Draw(t, "message")
		least := 0
		if s, ok := allMessages[i]().(Sizer); ok {
			least, _ = s.WireSize()
		}
		checkRead(t, i, rapid.SliceOfN(rapid.Byte(), max(0, least-1), least+24).Draw(t, "bytes"))
	})
}

func TestMessagesTellTheirSizes(t *testing.T) {
	for _, create := range allMessages {
		m := create()
		s, ok := m.(Sizer)
		if !ok {
			continue
		}
		least, greatest := s.WireSize()
		if greatest >= 0 && greatest < least {
			t.Errorf("%T: from %d to %d bytes", m, least, greatest)
		}
		if least > 0 && m.UnmarshalBinary(make([]byte, least-1)) == nil {
			t.Errorf("%T: %d bytes were read, the least is %d", m, least-1, least)
		}
	}
}
