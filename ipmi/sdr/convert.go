package sdr

import (
	"fmt"
	"math"

	"lom/ipmi"
)

// A Linearization is the function that follows the linear part of a conversion (§36.3).
type Linearization uint8

// Linearizations.
const (
	Linear     Linearization = 0
	Ln         Linearization = 1
	Log10      Linearization = 2
	Log2       Linearization = 3
	E          Linearization = 4
	Exp10      Linearization = 5
	Exp2       Linearization = 6
	Reciprocal Linearization = 7
	Square     Linearization = 8
	Cube       Linearization = 9
	SquareRoot Linearization = 10
	CubeRoot   Linearization = 11
	NonLinear  Linearization = 0x70 // to 7Fh: ask Get Sensor Reading Factors for each reading
)

// PerReading says whether the factors differ from reading to reading.
func (l Linearization) PerReading() bool { return l >= NonLinear }

// apply returns the function's value at x.
func (l Linearization) apply(x float64) float64 {
	switch l {
	case Ln:
		return math.Log(x)
	case Log10:
		return math.Log10(x)
	case Log2:
		return math.Log(x) / math.Ln2
	case E:
		return math.Exp(x)
	case Exp10:
		return math.Pow(10, x)
	case Exp2:
		return math.Pow(2, x)
	case Reciprocal:
		return 1 / x
	case Square:
		return x * x
	case Cube:
		return x * x * x
	case SquareRoot:
		return math.Sqrt(x)
	case CubeRoot:
		return math.Cbrt(x)
	}
	return x
}

// Factors turn a raw reading into a value (§36.3).
type Factors struct {
	M                int16 // -512 to 511
	B                int16 // -512 to 511
	RExponent        int8  // of the result, -8 to 7
	BExponent        int8  // of B, -8 to 7
	Tolerance        uint8 // half raw counts, 0 to 63
	Accuracy         uint16
	AccuracyExponent uint8 // Accuracy * 10^this is in 1/100 percent
	Direction        Direction
}

// AppendBinary appends bytes 25 to 30 of Table 43-1.
func (f Factors) AppendBinary(b []byte) ([]byte, error) {
	if f.Direction > 3 {
		return b, &ipmi.RangeError{Field: "Factors.Direction", Value: f.Direction, Max: 3}
	}
	raw, err := f.response().AppendBinary(nil)
	if err != nil {
		return b, err
	}
	raw[5] |= byte(f.Direction)
	return append(b, raw[1:]...), nil
}

// UnmarshalBinary reads bytes 25 to 30 of Table 43-1.
func (f *Factors) UnmarshalBinary(b []byte) error {
	if len(b) < 6 {
		return &ipmi.LengthError{Message: "Factors", Got: len(b), Want: 6}
	}
	// Get Sensor Reading Factors has the same bytes after one of its own.
	var r ipmi.SensorReadingFactors
	if err := r.UnmarshalBinary(append([]byte{0}, b[:6]...)); err != nil {
		return err
	}
	*f = FactorsOf(r)
	f.Direction = Direction(b[4] & 3)
	return nil
}

func (f Factors) response() ipmi.SensorReadingFactors {
	return ipmi.SensorReadingFactors{M: f.M, Tolerance: f.Tolerance, B: f.B, Accuracy: f.Accuracy,
		AccuracyExponent: f.AccuracyExponent, RExponent: f.RExponent, BExponent: f.BExponent}
}

// Response returns the answer to Get Sensor Reading Factors; next is the next reading that has
// others.
func (f Factors) Response(next uint8) ipmi.SensorReadingFactors {
	r := f.response()
	r.Next = next
	return r
}

// FactorsOf returns the factors in an answer to Get Sensor Reading Factors.
func FactorsOf(r ipmi.SensorReadingFactors) Factors {
	return Factors{M: r.M, Tolerance: r.Tolerance, B: r.B, Accuracy: r.Accuracy,
		AccuracyExponent: r.AccuracyExponent, RExponent: r.RExponent, BExponent: r.BExponent}
}

// A Conversion turns raw readings into values.
type Conversion struct {
	Factors       Factors
	Linearization Linearization
	Format        Format
}

// pow10 has the powers of ten that four signed bits can ask for, correctly rounded.
var pow10 = [16]float64{1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3, 1e4, 1e5,
	1e6, 1e7}

func tenTo(e int8) float64 {
	if e < -8 || e > 7 {
		return math.Pow(10, float64(e))
	}
	return pow10[e+8]
}

// Number returns a raw reading as the number that it stands for before its conversion.
func (c Conversion) Number(raw uint8) int {
	switch c.Format {
	case OnesComp:
		if raw&0x80 != 0 {
			raw++
		}
		return int(int8(raw))
	case TwosComp:
		return int(int8(raw))
	}
	return int(raw)
}

// Value returns the value of a raw reading; it is 0 for a sensor that is not analog, and can be
// infinite or NaN where a linearization has no value.
func (c Conversion) Value(raw uint8) float64 {
	if c.Format == NotAnalog {
		return 0
	}
	f := c.Factors
	x := float64(int(f.M)*c.Number(raw)) + float64(f.B)*tenTo(f.BExponent)
	return c.Linearization.apply(x * tenTo(f.RExponent))
}

// Difference returns the value of a number of raw counts without the offset B, such as a
// hysteresis.
func (c Conversion) Difference(raw uint8) float64 {
	if c.Format == NotAnalog {
		return 0
	}
	return c.Linearization.apply(
		float64(int(c.Factors.M)*c.Number(raw)) * tenTo(c.Factors.RExponent))
}

// Tolerance returns the tolerance of readings in units, plus or minus (§36.4.1).
func (c Conversion) Tolerance() float64 {
	if c.Format == NotAnalog {
		return 0
	}
	half := float64(c.Number(c.Factors.Tolerance)) / 2
	return c.Linearization.apply(float64(c.Factors.M) * half * tenTo(c.Factors.RExponent))
}

// Accuracy returns the accuracy of readings in percent.
func (c Conversion) Accuracy() float64 {
	return float64(c.Factors.Accuracy) * tenTo(int8(c.Factors.AccuracyExponent)) / 100
}

// Resolution returns the units between raw readings of a linear sensor (§36.4.2).
func (c Conversion) Resolution() float64 {
	return math.Abs(float64(c.Factors.M) * tenTo(c.Factors.RExponent))
}

// Raw returns the raw reading whose value is nearest to v. A value that is farther than a
// step outside of what the sensor can say is a *ValueError.
func (c Conversion) Raw(v float64) (uint8, error) {
	best, distance := -1, math.Inf(1)
	lo, hi, step := math.Inf(1), math.Inf(-1), 0.0
	previous := math.NaN()
	for raw := range 256 {
		x := c.Value(uint8(raw))
		if math.IsNaN(x) || math.IsInf(x, 0) || c.Format == OnesComp && raw == 0xff {
			continue // FFh is a second zero
		}
		lo, hi = math.Min(lo, x), math.Max(hi, x)
		if d := math.Abs(x - previous); d > step && raw != 0x80 {
			step = d
		}
		previous = x
		// Of two at the same distance the greater is taken, as ipmitool rounds.
		if d := math.Abs(x - v); d < distance || d == distance && x > v {
			best, distance = raw, d
		}
	}
	if best < 0 || math.IsNaN(v) || distance > step/2 && (v < lo || v > hi) {
		return 0, &ValueError{Value: v, Min: lo, Max: hi}
	}
	return uint8(best), nil
}

// A ValueError is the error for a value that a sensor cannot have.
type ValueError struct {
	Value, Min, Max float64
}

func (e *ValueError) Error() string {
	if e.Min > e.Max {
		return fmt.Sprintf("%g: the sensor has no values", e.Value)
	}
	return fmt.Sprintf("%g is not between %g and %g", e.Value, e.Min, e.Max)
}
