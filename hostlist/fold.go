package hostlist

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fold returns a short expression for hosts. Expand returns the same hosts for it, but hosts that
// differ only in a number stand together, in its order, where the first of them was.
func Fold(hosts []string) string {
	var all set
	all.combine(',', hosts)
	names := make([]folded, len(all.order))
	dimensions := 0
	for i, h := range all.order {
		names[i] = cut(h)
		dimensions = max(dimensions, len(names[i])/2)
	}
	// The last number is folded first, so that r1n1, r1n2, r2n1 and r2n2 become r1n[1-2] and
	// r2n[1-2], and then r[1-2]n[1-2].
	for d := range dimensions {
		names = foldNumber(names, d)
	}
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		for _, part := range n {
			b.WriteString(part)
		}
	}
	return b.String()
}

// mostDimensions is how many numbers of a name are folded, counted from the last.
const mostDimensions = 6

// folded is a name in parts: text, number, text, number, … text. Numbers may be folded already.
type folded []string

// cut cuts a name into its parts.
func cut(name string) folded {
	if strings.ContainsAny(name, "[],!&^@ \t\r\n") {
		return folded{name} // an IPv6 address with a port, which Expand reads as it stands
	}
	var parts folded
	for i := 0; i < len(name); {
		j := i
		for j < len(name) && !isDigit(name[j]) {
			j++
		}
		k := j
		for k < len(name) && isDigit(name[k]) {
			k++
		}
		if k-j > mostDigits {
			return folded{name}
		}
		parts = append(parts, name[i:j])
		if k > j {
			parts = append(parts, name[j:k])
		}
		i = k
	}
	if len(parts)%2 == 0 {
		parts = append(parts, "")
	}
	if extra := len(parts) - (2*mostDimensions + 1); extra > 0 {
		parts = append(folded{strings.Join(parts[:extra+1], "")}, parts[extra+1:]...)
	}
	return parts
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// foldNumber makes one name of those that differ in their number d only, counted from the end.
func foldNumber(names []folded, d int) []folded {
	at := func(n folded) int { return len(n) - 2 - 2*d }
	groups := map[string]int{} // by the other parts: the place in result
	var result []folded
	var numbers [][]string
	for _, n := range names {
		i := at(n)
		if i < 1 {
			result, numbers = append(result, n), append(numbers, nil)
			continue
		}
		rest := slices.Clone(n)
		rest[i] = "\x00"
		key := strings.Join(rest, "\x01")
		g, ok := groups[key]
		if !ok {
			g = len(result)
			groups[key] = g
			result, numbers = append(result, slices.Clone(n)), append(numbers, nil)
		}
		numbers[g] = append(numbers[g], n[i])
	}
	for g, list := range numbers {
		if len(list) > 1 {
			result[g][at(result[g])] = "[" + foldRanges(list) + "]"
		}
	}
	return result
}

// foldRanges writes numbers, each there once, as ranges, in order.
func foldRanges(list []string) string {
	type value struct {
		n     uint64
		width int // 0: not padded
	}
	paddings := map[int]bool{}
	for _, digits := range list {
		if padded(digits) {
			paddings[len(digits)] = true
		}
	}
	values := make([]value, len(list))
	for i, digits := range list {
		values[i].n, _ = number(digits)
		// 100 belongs to 098 and 099.
		if paddings[len(digits)] {
			values[i].width = len(digits)
		}
	}
	slices.SortFunc(values, func(a, b value) int {
		return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.width, b.width))
	})
	// Numbers of one width are a list of ranges of their own.
	var ranges []string
	for len(values) > 0 {
		var rest []value
		first, last := values[0], values[0]
		write := func() {
			r := fmt.Sprintf("%0*d", first.width, first.n)
			if last != first {
				r += fmt.Sprintf("-%0*d", last.width, last.n)
			}
			ranges = append(ranges, r)
		}
		for _, v := range values[1:] {
			switch {
			case v.width != first.width:
				rest = append(rest, v)
			case v.n == last.n+1:
				last = v
			default:
				write()
				first, last = v, v
			}
		}
		write()
		values = rest
	}
	return strings.Join(ranges, ",")
}
