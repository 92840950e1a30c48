package main

import (
	"bytes"
	"fmt"
	"go/types"
	"reflect"
	"strconv"
	"strings"
)

// A span is a run of bytes of the table, with the fields in it.
type span struct {
	first, last int // as in the table; last is 0 if open-ended
	optional    bool
	cut         bool // the last bytes may be missing: 0
	fields      []field
}

type field struct {
	name     string
	typ      types.Type
	hi, lo   int // bits; hi is -1 for the whole span
	inverted bool
	msb      bool
	count    string
}

func (s span) size() int { return s.last - s.first + 1 }

// spans reads the tags of a struct.
func spans(st *types.Struct) ([]span, error) {
	var out []span
	for i := range st.NumFields() {
		tag, ok := reflect.StructTag(st.Tag(i)).Lookup("wire")
		if !ok || tag == "-" {
			continue
		}
		f := field{name: st.Field(i).Name(), typ: st.Field(i).Type(), hi: -1}
		placed, optional, cut := false, false, false
		for _, part := range strings.Split(tag, ",") {
			word, arg, _ := strings.Cut(strings.TrimSpace(part), " ")
			var err error
			switch {
			case word == "byte":
				var s span
				if s.first, s.last, err = byteRange(arg); err != nil {
					break
				}
				if n := len(out); n > 0 && (out[n-1].last == 0 || s.first <= out[n-1].last) {
					err = fmt.Errorf("byte %s does not follow", arg)
				}
				out, placed = append(out, s), true
			case word == "bit":
				f.lo, err = strconv.Atoi(arg)
				f.hi = f.lo
			case word == "bits":
				hi, lo, _ := strings.Cut(arg, ":")
				if f.hi, err = strconv.Atoi(hi); err == nil {
					f.lo, err = strconv.Atoi(lo)
				}
			case word == "inverted":
				f.inverted = true
			case word == "msb":
				f.msb = true
			case word == "optional":
				optional = true
			case word == "cut":
				cut = true
			case strings.HasPrefix(word, "count="):
				f.count = strings.TrimPrefix(word, "count=")
			default:
				err = fmt.Errorf("unknown word %q", part)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
		}
		if !placed && (f.hi < 0 || len(out) == 0) {
			return nil, fmt.Errorf("%s: no byte", f.name)
		}
		s := &out[len(out)-1]
		s.optional = s.optional || optional || len(out) > 1 && out[len(out)-2].optional
		if s.cut = s.cut || cut; s.cut && (!s.optional || s.last == 0) {
			return nil, fmt.Errorf("%s: cut needs optional bytes with an end", f.name)
		}
		if f.hi >= 0 && (s.last == 0 || f.hi >= 8*s.size() || f.lo > f.hi) {
			return nil, fmt.Errorf("%s: bits %d:%d are not in its bytes", f.name, f.hi, f.lo)
		}
		s.fields = append(s.fields, f)
	}
	return out, nil
}

func byteRange(arg string) (first, last int, err error) {
	lo, hi, ranged := strings.Cut(arg, "-")
	if first, err = strconv.Atoi(lo); err != nil || !ranged {
		return first, first, err
	}
	if hi != "" {
		if last, err = strconv.Atoi(hi); err == nil && last < first {
			err = fmt.Errorf("byte %s runs backwards", arg)
		}
	}
	return first, last, err
}

// sizeOf returns the fixed size in bytes of a struct's message, or -1.
func sizeOf(t types.Type) int {
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return -1
	}
	ss, err := spans(st)
	if err != nil || len(ss) == 0 {
		return -1
	}
	end := ss[len(ss)-1]
	if end.last == 0 || end.optional {
		return -1
	}
	return end.last - ss[0].first + 1
}

func (p *pkg) emit(b *bytes.Buffer, name string) error {
	ss, err := spans(p.structs[name])
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(ss) == 0 && !p.wanted[name] {
		return nil
	}
	p.written[name] = true
	base, fixed, greatest := 1, 0, 0
	if len(ss) > 0 {
		base = ss[0].first
		for _, s := range ss {
			if s.last == 0 {
				if !s.optional {
					fixed = s.first - base
				}
				greatest = -1
				break
			}
			if !s.optional {
				fixed = s.last - base + 1
			}
			greatest = s.last - base + 1
		}
	}
	e := &emitter{Buffer: b, p: p, name: name, base: base, fixed: fixed}
	hand := p.hand[name]
	if !hand["AppendBinary"] {
		if err := e.appendBinary(ss); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if !hand["UnmarshalBinary"] {
		if err := e.unmarshalBinary(ss); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if !hand["WireSize"] && !hand["UnmarshalBinary"] {
		e.f("\n// WireSize returns the least and the greatest length of the message in bytes.\n")
		e.f("func (%s) WireSize() (least, greatest int) { return %d, %d }\n", name, fixed, greatest)
	}
	return nil
}

type emitter struct {
	*bytes.Buffer
	p           *pkg
	name        string
	base, fixed int
}

func (e *emitter) f(format string, a ...any) { fmt.Fprintf(e, format, a...) }

// typeName writes a type as this package names it.
func (e *emitter) typeName(t types.Type) string {
	return types.TypeString(t, func(q *types.Package) string {
		if q == e.p.types {
			return ""
		}
		return q.Name()
	})
}

// prefix names the things of package ipmi from here.
func (e *emitter) prefix() string {
	if e.p.name == "ipmi" {
		return ""
	}
	return "ipmi."
}

func (e *emitter) appendBinary(ss []span) error {
	e.f("\n// AppendBinary appends the message to b.\nfunc (m %s) AppendBinary(b []byte) "+
		"([]byte, error) {\n", e.name)
	if len(ss) == 0 {
		e.f("return b, nil\n}\n")
		return nil
	}
	// The check of every value comes first, so that b grows by all or nothing.
	for _, s := range ss {
		for _, f := range s.fields {
			e.check(s, f)
		}
	}
	if len(ss) > 1 || ss[0].last != 0 {
		e.f("o := len(b)\n")
	}
	if e.fixed > 0 {
		e.f("b = append(b, make([]byte, %d)...)\n", e.fixed)
	}
	for _, s := range ss {
		if err := e.appendSpan(s); err != nil {
			return err
		}
	}
	e.f("return b, nil\n}\n")
	return nil
}

func (e *emitter) check(s span, f field) {
	t, star := deref(f.typ)
	bt, ok := t.Underlying().(*types.Basic)
	if !ok {
		return
	}
	v, cond := "m."+f.name, ""
	if star {
		v, cond = "*"+v, "m."+f.name+" != nil && "
	}
	switch {
	case bt.Kind() == types.String && s.last != 0:
		e.f("if %slen(%s) > %d { return b, &%sRangeError{Field: %q, Value: len(%s), Max: %d} }\n",
			cond, v, s.size(), e.prefix(), e.name+"."+f.name, v, s.size())
	case bt.Info()&types.IsUnsigned != 0 && s.last != 0:
		bits := 8 * s.size()
		if f.hi >= 0 {
			bits = f.hi - f.lo + 1
		}
		if bits < 8*int(types.SizesFor("gc", "amd64").Sizeof(bt)) {
			e.f("if %s%s > 0x%x { return b, &%sRangeError{Field: %q, Value: %s, Max: 0x%x} }\n",
				cond, v, uint64(1)<<bits-1, e.prefix(), e.name+"."+f.name, v, uint64(1)<<bits-1)
		}
	}
}

func deref(t types.Type) (types.Type, bool) {
	if pt, ok := t.(*types.Pointer); ok {
		return pt.Elem(), true
	}
	return t, false
}

// appendSpan writes one span; b already has the fixed part.
func (e *emitter) appendSpan(s span) error {
	off := s.first - e.base
	if s.optional {
		if cond := present(s); cond != "" {
			e.f("if %s {\n", cond)
			defer e.f("}\n")
		}
		if s.last != 0 {
			e.f("for len(b) < o+%d { b = append(b, 0) }\n", s.last-e.base+1)
		} else if e.fixed < off {
			e.f("for len(b) < o+%d { b = append(b, 0) }\n", off)
		}
	}
	for _, f := range s.fields {
		t, star := deref(f.typ)
		v := "m." + f.name
		if star {
			v = "(*" + v + ")"
		}
		if s.last == 0 {
			if err := e.appendOpen(f, t, v); err != nil {
				return err
			}
			continue
		}
		var err error
		switch u := t.Underlying().(type) {
		case *types.Basic:
			if u.Kind() == types.Bool && f.hi < 0 {
				err = fmt.Errorf("%s: a bool needs a bit", f.name)
			} else if u.Kind() == types.Bool {
				not := map[bool]string{true: "!"}[f.inverted]
				e.f("if %s%s { b[o+%d] |= 0x%02x }\n", not, v, e.byteOf(s, f.lo), 1<<(f.lo%8))
			} else if u.Kind() == types.String {
				e.f("copy(b[o+%d:o+%d], %s)\n", off, off+s.size(), v)
			} else {
				e.putInt(s, f, v)
			}
		case *types.Array:
			if int(u.Len()) != s.size() {
				err = fmt.Errorf("%s: an array of %d in %d bytes", f.name, u.Len(), s.size())
			}
			e.f("copy(b[o+%d:], %s[:])\n", off, v)
		case *types.Struct:
			if n := sizeOf(t); n != s.size() && n >= 0 {
				err = fmt.Errorf("%s: a struct of %d in %d bytes", f.name, n, s.size())
			}
			e.f("if t, err := %s.AppendBinary(b[:o+%d:o+%d]); err != nil { return b[:o], err } "+
				"else { copy(b[o+%d:o+%d], t[o+%d:]) }\n", v, off, off+s.size(), off, off+s.size(),
				off)
		default:
			err = fmt.Errorf("%s: no way to write a %s", f.name, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// present is the condition under which an optional span is written.
func present(s span) string {
	var c []string
	for _, f := range s.fields {
		switch f.typ.Underlying().(type) {
		case *types.Pointer, *types.Slice:
			c = append(c, "m."+f.name+" != nil")
		default:
			return ""
		}
	}
	return strings.Join(c, " || ")
}

func (e *emitter) byteOf(s span, bit int) int { return s.first - e.base + bit/8 }

func (e *emitter) putInt(s span, f field, v string) {
	off, n := s.first-e.base, s.size()
	if f.hi < 0 {
		for i := range n {
			at := i
			if f.msb {
				at = n - 1 - i
			}
			if n == 1 {
				e.f("b[o+%d] = byte(%s)\n", off, v)
			} else {
				e.f("b[o+%d] = byte(uint64(%s) >> %d)\n", off+at, v, 8*i)
			}
		}
		return
	}
	mask := uint64(1)<<(f.hi-f.lo+1) - 1
	for i := f.lo / 8; i <= f.hi/8; i++ {
		shift := f.lo - 8*i
		if shift >= 0 {
			e.f("b[o+%d] |= byte(uint64(%s) & 0x%x << %d)\n", off+i, v, mask, shift)
		} else {
			e.f("b[o+%d] |= byte(uint64(%s) & 0x%x >> %d)\n", off+i, v, mask, -shift)
		}
	}
}

func (e *emitter) appendOpen(f field, t types.Type, v string) error {
	if f.count != "" {
		e.f("if int(m.%s) != len(%s) { return b[:o], &%sRangeError{Field: %q, Value: len(%s), "+
			"Max: uint64(m.%s)} }\n", f.count, v, e.prefix(), e.name+"."+f.name, v, f.count)
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		e.f("{ var err error; if b, err = %s.AppendBinary(b); err != nil { return b, err } }\n", v)
	case *types.Slice:
		switch el := u.Elem().Underlying().(type) {
		case *types.Basic:
			if el.Kind() == types.Byte {
				if types.Identical(u.Elem(), types.Typ[types.Byte]) {
					e.f("b = append(b, %s...)\n", v)
				} else {
					e.f("for _, x := range %s { b = append(b, byte(x)) }\n", v)
				}
				return nil
			}
			n := int(types.SizesFor("gc", "amd64").Sizeof(el))
			e.f("for _, x := range %s { b = append(b", v)
			for i := range n {
				e.f(", byte(x >> %d)", 8*i)
			}
			e.f(") }\n")
		case *types.Struct:
			e.f("for i := range %s { var err error; if b, err = %s[i].AppendBinary(b); err != "+
				"nil { return b, err } }\n", v, v)
		case *types.Array:
			e.f("for i := range %s { b = append(b, %s[i][:]...) }\n", v, v)
		default:
			return fmt.Errorf("%s: no way to write a %s", f.name, t)
		}
	case *types.Basic:
		if u.Kind() != types.String {
			return fmt.Errorf("%s: an open end needs a slice, a string or a struct", f.name)
		}
		e.f("b = append(b, %s...)\n", v)
	default:
		return fmt.Errorf("%s: no way to write a %s", f.name, t)
	}
	return nil
}

func (e *emitter) unmarshalBinary(ss []span) error {
	e.f("\n// UnmarshalBinary reads the message from b. Bytes after its end are ignored.\nfunc "+
		"(m *%s) UnmarshalBinary(b []byte) error {\n", e.name)
	if e.fixed > 0 {
		e.f("if len(b) < %d { return &%sLengthError{Message: %q, Got: len(b), Want: %d} }\n",
			e.fixed, e.prefix(), e.name, e.fixed)
	}
	e.f("*m = %s{}\n", e.name)
	for _, s := range ss {
		if err := e.readSpan(s); err != nil {
			return err
		}
	}
	e.f("return nil\n}\n")
	return nil
}

func (e *emitter) readSpan(s span) error {
	off := s.first - e.base
	if s.optional {
		end := off + 1
		if s.last != 0 && !s.cut {
			end = s.last - e.base + 1
		}
		e.f("if len(b) < %d { return nil }\n", end)
		if s.cut {
			n := s.last - e.base + 1
			e.f("if n := len(b); n < %d { b = append(b[:n:n], make([]byte, %d-n)...) }\n", n, n)
		}
	}
	for _, f := range s.fields {
		t, star := deref(f.typ)
		v := "m." + f.name
		if star {
			e.f("m.%s = new(%s)\n", f.name, e.typeName(t))
			v = "*" + v
		}
		if s.last == 0 {
			if err := e.readOpen(f, t, v, off); err != nil {
				return err
			}
			continue
		}
		switch u := t.Underlying().(type) {
		case *types.Basic:
			switch {
			case u.Kind() == types.Bool:
				op := map[bool]string{false: "!=", true: "=="}[f.inverted]
				e.f("%s = b[%d]&0x%02x %s 0\n", v, e.byteOf(s, f.lo), 1<<(f.lo%8), op)
			case u.Kind() == types.String:
				e.f("%s = %s(cutNUL(b[%d:%d]))\n", v, e.typeName(t), off, off+s.size())
			default:
				e.f("%s = %s\n", v, e.getInt(s, f, t, u))
			}
		case *types.Array:
			e.f("copy(%s[:], b[%d:%d])\n", strings.TrimPrefix(v, "*"), off, off+s.size())
		case *types.Struct:
			e.f("if err := m.%s.UnmarshalBinary(b[%d:%d]); err != nil { return err }\n", f.name,
				off, off+s.size())
		}
	}
	return nil
}

func (e *emitter) getInt(s span, f field, t types.Type, u *types.Basic) string {
	off, n := s.first-e.base, s.size()
	lo, hi := 0, 8*n-1
	if f.hi >= 0 {
		lo, hi = f.lo, f.hi
	}
	var parts []string
	for i := lo / 8; i <= hi/8; i++ {
		at := i
		if f.msb {
			at = n - 1 - i
		}
		x := fmt.Sprintf("uint64(b[%d])", off+at)
		if i > 0 {
			x += fmt.Sprintf("<<%d", 8*i)
		}
		parts = append(parts, x)
	}
	x := strings.Join(parts, "|")
	width := hi - lo + 1
	if f.hi >= 0 {
		x = fmt.Sprintf("(%s)>>%d&0x%x", x, lo, uint64(1)<<width-1)
	} else if n == 1 {
		x = fmt.Sprintf("b[%d]", off)
	}
	if u.Info()&types.IsUnsigned == 0 && width < 64 {
		return fmt.Sprintf("%s(int64(uint64(%s)<<%d)>>%d)", e.typeName(t), x, 64-width, 64-width)
	}
	return fmt.Sprintf("%s(%s)", e.typeName(t), x)
}

func (e *emitter) readOpen(f field, t types.Type, v string, off int) error {
	src := fmt.Sprintf("b[%d:]", off)
	if off == 0 {
		src = "b"
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		e.f("if err := m.%s.UnmarshalBinary(%s); err != nil { return err }\n", f.name, src)
		return nil
	case *types.Basic:
		e.f("%s = %s(%s)\n", v, e.typeName(t), src)
		return nil
	case *types.Slice:
		size := 1
		_, isStruct := u.Elem().Underlying().(*types.Struct)
		if isStruct {
			if size = sizeOf(u.Elem()); size <= 0 {
				return fmt.Errorf("%s: a list needs items of a fixed size", f.name)
			}
		} else {
			size = int(types.SizesFor("gc", "amd64").Sizeof(u.Elem()))
		}
		if f.count != "" {
			e.f("if n := %d + %d*int(m.%s); len(b) < n { return &%sLengthError{Message: %q, Got: "+
				"len(b), Want: n} } else { b = b[:n] }\n", off, size, f.count, e.prefix(), e.name)
		}
		if size == 1 && !isStruct && types.Identical(u.Elem(), types.Typ[types.Byte]) {
			e.f("%s = append(%s(nil), %s...)\n", v, e.typeName(t), src)
			return nil
		}
		el := e.typeName(u.Elem())
		e.f("%s = make(%s, 0, len(%s)/%d)\n", v, e.typeName(t), src, size)
		e.f("for r := %s; len(r) >= %d; r = r[%d:] {\n", src, size, size)
		switch {
		case isStruct:
			e.f("var x %s; if err := x.UnmarshalBinary(r[:%d]); err != nil { return err }; %s = "+
				"append(%s, x)\n", el, size, v, v)
		case size == 1:
			e.f("%s = append(%s, %s(r[0]))\n", v, v, el)
		default:
			if _, ok := u.Elem().Underlying().(*types.Array); ok {
				e.f("%s = append(%s, %s(r[:%d]))\n", v, v, el, size)
				break
			}
			var parts []string
			for i := range size {
				parts = append(parts, fmt.Sprintf("uint64(r[%d])<<%d", i, 8*i))
			}
			e.f("%s = append(%s, %s(%s))\n", v, v, el, strings.Join(parts, "|"))
		}
		e.f("}\n")
		return nil
	}
	return fmt.Errorf("%s: no way to read a %s", f.name, t)
}
