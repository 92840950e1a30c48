package hostlist

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Most is how many hosts an expression may name at most.
const Most = 1_000_000

// Expand returns the hosts that an expression names, each once, in the order of the expression.
//
// The expression is a list of terms between commas or blanks. A term is a name, in which brackets
// hold what is put in their place one by one: numbers (1,7), words (eth0,eth1), ranges of numbers
// (1-10, with a step 0-100/2, padded with zeros as the first one is, 001-200), and ranges of
// letters (a-d). With several brackets in a term, the last varies first. An IPv6 address may stand
// in brackets, as before a port; it is not changed. Three operators may stand in place of a comma:
// ! is the difference of what stands before it and what follows, & the intersection, and ^ the
// symmetric difference. They are applied from left to right.
//
// A term that begins with @ is looked up: group gets it without the @ and returns its hosts. With a
// nil group such a term is an error.
//
// The error is a sentence about the expression; that it names more than Most hosts is one too. No
// hosts are returned with an error.
func Expand(expr string, group func(name string) ([]string, error)) ([]string, error) {
	return expand(expr, group, Most)
}

// expand is Expand with at most most hosts.
func expand(expr string, group func(name string) ([]string, error), most int) ([]string, error) {
	terms, err := split(expr)
	if err != nil {
		return nil, err
	}
	var all set
	for _, t := range terms {
		var hosts []string
		if name, ok := strings.CutPrefix(t.text, "@"); ok {
			if group == nil {
				return nil, fmt.Errorf("%s: a name that begins with @ means nothing here", t.text)
			}
			hosts, err = group(name)
		} else {
			hosts, err = expandTerm(t.text, most)
		}
		if err != nil {
			return nil, err
		}
		all.combine(t.operator, hosts)
		if len(all.order) > most {
			return nil, errTooMany
		}
	}
	return all.order, nil
}

// ExpandLines is Expand for the lines of a file: each holds an expression, or nothing; what follows
// a # is a comment.
func ExpandLines(text string) ([]string, error) { return expandLines(text, Most) }

func expandLines(text string, most int) ([]string, error) {
	var all set
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		hosts, err := expand(line, nil, most)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all.combine(',', hosts)
		if len(all.order) > most {
			return nil, errTooMany
		}
	}
	return all.order, nil
}

var errTooMany = fmt.Errorf("more than %d hosts are named; that is more than one call works on",
	Most)

// A term is a part of an expression and the operator in front of it.
type term struct {
	operator byte
	text     string
}

// operators are what stands between terms; a blank is a comma.
const operators = ", \t\r\n!&^"

// split cuts an expression at the operators outside brackets.
func split(expr string) ([]term, error) {
	var terms []term
	operator := byte(',')
	inside := false
	begin := 0
	add := func(end int) error {
		text := expr[begin:end]
		begin = end + 1
		if text == "" {
			return nil
		}
		if operator != ',' && len(terms) == 0 {
			return fmt.Errorf("%q begins with %c; there is nothing before it", expr, operator)
		}
		terms = append(terms, term{operator, text})
		operator = ','
		return nil
	}
	for i := range len(expr) {
		switch c := expr[i]; {
		case c == '[':
			if inside {
				return nil, fmt.Errorf("%q has brackets within brackets", expr)
			}
			inside = true
		case c == ']':
			if !inside {
				return nil, fmt.Errorf("%q has a ] without a [ before it", expr)
			}
			inside = false
		case inside:
		case strings.IndexByte(operators, c) >= 0:
			if err := add(i); err != nil {
				return nil, err
			}
			switch c {
			case '!', '&', '^':
				if operator != ',' {
					return nil, fmt.Errorf("%q has nothing between %c and %c", expr, operator, c)
				}
				operator = c
			}
		}
	}
	if inside {
		return nil, fmt.Errorf("%q has a [ without a ] behind it", expr)
	}
	if err := add(len(expr)); err != nil {
		return nil, err
	}
	if operator != ',' {
		return nil, fmt.Errorf("%q ends with %c; there is nothing behind it", expr, operator)
	}
	return terms, nil
}

// expandTerm returns the names of one term, if they are not more than most.
func expandTerm(text string, most int) ([]string, error) {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return nil, fmt.Errorf("%q has characters that no name of a host has", text)
	}
	names := []string{""}
	for text != "" {
		literal, rest, found := strings.Cut(text, "[")
		inside := ""
		if found {
			inside, text, _ = strings.Cut(rest, "]") // split has checked that there is one
		} else {
			text = ""
		}
		choices := []string{""}
		switch {
		case strings.Contains(inside, ":"): // an IPv6 address
			literal += "[" + inside + "]"
		case found:
			var err error
			if choices, err = expandRanges(inside, most/len(names)); err != nil {
				return nil, err
			}
		}
		product := make([]string, 0, len(names)*len(choices))
		for _, n := range names {
			for _, c := range choices {
				product = append(product, n+literal+c)
			}
		}
		names = product
	}
	return names, nil
}

// expandRanges returns what stands between brackets, if it is not more than most.
func expandRanges(list string, most int) ([]string, error) {
	var all []string
	for _, item := range strings.Split(list, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return nil, fmt.Errorf("[%s] has nothing where a number or a word belongs", list)
		}
		r, err := parseRange(item)
		if err != nil {
			return nil, fmt.Errorf("[%s]: %w", list, err)
		}
		if n := r.count(); n > uint64(most-len(all)) {
			return nil, errTooMany
		}
		all = r.append(all)
	}
	return all, nil
}

// A textRange is a word, or a range of numbers or letters.
type textRange struct {
	word     string // a single word, if it is not ""
	low      uint64
	high     uint64
	step     uint64
	width    int  // of numbers, to which they are padded with zeros
	isLetter bool // low and high are characters
}

func parseRange(item string) (textRange, error) {
	ends, step, stepped := strings.Cut(item, "/")
	low, high, isRange := strings.Cut(ends, "-")
	if !isRange && !stepped {
		if strings.ContainsAny(item, operators+"@") {
			return textRange{}, fmt.Errorf("%q is neither a number nor a word", item)
		}
		return textRange{word: item}, nil
	}
	r := textRange{step: 1}
	if stepped {
		var ok bool
		if r.step, ok = number(step); !ok || r.step == 0 {
			return r, fmt.Errorf("%q: behind the slash stands how far it is from one to the "+
				"next, a number from 1 on", item)
		}
	}
	var lowOK, highOK bool
	r.low, lowOK = number(low)
	r.high, highOK = number(high)
	switch {
	case lowOK && highOK:
		if padded(low) {
			r.width = len(low)
		}
		if padded(high) && len(high) != len(low) {
			return r, fmt.Errorf("%q: both ends are padded with zeros to the same length, or the "+
				"first only", item)
		}
	case len(low) == 1 && len(high) == 1 && isLetter(low[0]) && isLetter(high[0]) &&
		low[0]&0x20 == high[0]&0x20:
		r.low, r.high, r.isLetter = uint64(low[0]), uint64(high[0]), true
	default:
		return r, fmt.Errorf("%q is not a range of numbers or letters; write it like 1-10, "+
			"001-200, "+
			"0-100/2 or a-d", item)
	}
	if r.low > r.high {
		return r, fmt.Errorf("%q goes down; put the lower end first", item)
	}
	return r, nil
}

// count returns how many names there are.
func (r textRange) count() uint64 {
	if r.word != "" {
		return 1
	}
	return (r.high-r.low)/r.step + 1
}

// append appends the names.
func (r textRange) append(all []string) []string {
	if r.word != "" {
		return append(all, r.word)
	}
	for i := range r.count() {
		n := r.low + i*r.step
		if r.isLetter {
			all = append(all, string(rune(n)))
			continue
		}
		digits := strconv.FormatUint(n, 10)
		all = append(all, strings.Repeat("0", max(r.width-len(digits), 0))+digits)
	}
	return all
}

// mostDigits is how long numbers may be: they fit into an uint64, and so do they with a step added.
const mostDigits = 18

// number reads decimal digits.
func number(s string) (uint64, bool) {
	if s == "" || len(s) > mostDigits {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, true
}

// padded reports whether a number is padded with zeros.
func padded(digits string) bool { return len(digits) > 1 && digits[0] == '0' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// A set is a list of names, each there once.
type set struct {
	order []string
	has   map[string]bool
}

// combine applies an operator to the set and names.
func (s *set) combine(operator byte, names []string) {
	if s.has == nil {
		s.has = make(map[string]bool, len(names))
	}
	if operator == ',' {
		for _, n := range names {
			s.add(n)
		}
		return
	}
	other := make(map[string]bool, len(names))
	for _, n := range names {
		other[n] = true
	}
	before := *s
	s.order, s.has = nil, make(map[string]bool, len(before.order))
	for _, n := range before.order {
		if other[n] == (operator == '&') {
			s.add(n)
		}
	}
	if operator == '^' {
		for _, n := range names {
			if !before.has[n] {
				s.add(n)
			}
		}
	}
}

func (s *set) add(name string) {
	if !s.has[name] {
		s.has[name] = true
		s.order = append(s.order, name)
	}
}

// SplitPort cuts the UDP port from a host, and the brackets from an IPv6 address: "node1:6230" is
// node1 and 6230, "[::1]" and "::1" are ::1 and 0, which stands for no port.
func SplitPort(host string) (name string, port int, err error) {
	name, tail := host, ""
	if inside, ok := strings.CutPrefix(host, "["); ok {
		name, tail, ok = strings.Cut(inside, "]")
		if !ok || tail != "" && tail[0] != ':' {
			return "", 0, fmt.Errorf("%q is not a host; after the brackets of an IPv6 address "+
				"stands nothing but a port, like [::1]:6230", host)
		}
		tail = strings.TrimPrefix(tail, ":")
		if tail == "" && strings.HasSuffix(host, ":") {
			return "", 0, fmt.Errorf("%q: the port behind the colon is missing", host)
		}
	} else if strings.Count(host, ":") == 1 {
		name, tail, _ = strings.Cut(host, ":")
		if tail == "" {
			return "", 0, fmt.Errorf("%q: the port behind the colon is missing", host)
		}
	}
	if name == "" {
		return "", 0, errors.New("a host is missing in front of a port")
	}
	if tail == "" {
		return name, 0, nil
	}
	n, ok := number(tail)
	if !ok || n < 1 || n > 65535 {
		return "", 0, fmt.Errorf("%q: %q is not a UDP port; there are 1 to 65535", host, tail)
	}
	return name, int(n), nil
}
