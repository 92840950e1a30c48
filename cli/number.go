package cli

import (
	"fmt"
	"math"
	"strings"
)

// number2text prints whole numbers without digits after the point.
func number2text(x float64, precision int) string {
	if x == math.Trunc(x) && math.Abs(x) < 1<<31 {
		precision = 0
	}
	return cFloat(x, precision)
}

// cFloat prints a number as C does.
func cFloat(x float64, precision int) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.TrimPrefix(strings.ToLower(fmt.Sprint(x)), "+")
	}
	return fmt.Sprintf("%.*f", precision, x)
}
