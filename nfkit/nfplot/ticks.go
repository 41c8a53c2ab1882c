package nfplot

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// linearTicks marks multiples of 1, 2 or 5 times a power of ten. It marks at most n, or 7 if n is 0; more only if there
// would be a single one.
type linearTicks struct{ n int }

// Ticks implements plot.Ticker.
func (l linearTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(lo < hi) || !isFinite(lo) || !isFinite(hi) || hi-lo < 1e-301 {
		return nil
	}
	n := l.n
	if n == 0 {
		n = 7
	}
	if !isFinite(hi - lo) {
		n = max(n, 5) // a third of the range, or more, may be no number
	}
	for {
		ticks := multiples(lo, hi, tickStep(hi/2-lo/2, max(n, 2)))
		if len(ticks) > 1 || n > 20 {
			return ticks
		}
		n *= 2
	}
}

// multiples marks the multiples of the step, a few dozen at most.
func multiples(lo, hi, step float64) []plot.Tick {
	const slack = 1e-6 // of a step: keeps a mark that rounding puts just outside
	label := tickLabel(step, max(math.Abs(lo), math.Abs(hi)))
	var ticks []plot.Tick
	first := math.Ceil(lo/step - slack)
	for i := range 50 {
		k := first + float64(i)
		if k > hi/step+slack || k+1 == k { // the step is lost in the size of the numbers
			break
		}
		ticks = append(ticks, plot.Tick{Value: min(max(k*step, lo), hi), Label: label(k * step)})
	}
	return ticks
}

// tickStep returns the smallest 1, 2 or 5 times a power of ten that cuts the size, of which half is given, into less than n
// pieces.
func tickStep(half float64, n int) float64 {
	for e := int(math.Floor(math.Log10(half / float64(n)))); ; e++ {
		for _, m := range []float64{1, 2, 5} {
			if step := m * math.Pow10(e); half/step < float64(n)/2 {
				return step
			}
		}
	}
}

// tickLabel returns how to write the multiples of the step, the largest of the given size: with the digits of the step,
// and powers of ten for large and small numbers.
func tickLabel(step, largest float64) func(v float64) string {
	place := int(math.Floor(math.Log10(step) + 1e-9)) // of the step's digit
	digits, format := max(0, -place), byte('f')
	if digits > 5 || largest >= 1e6 {
		digits, format = int(math.Floor(math.Log10(largest)))-place+1, 'g'
	}
	return func(v float64) string {
		if math.Abs(v) < step/2 {
			v = 0 // also −0
		}
		return minus(strconv.FormatFloat(v, format, digits, 64))
	}
}

// minus writes the minus sign as it is printed.
func minus(number string) string { return strings.ReplaceAll(number, "-", "−") }

// innerTicks are linear, without those near the ends, whose labels would touch those of a neighbour.
type innerTicks struct{ n int }

// Ticks implements plot.Ticker.
func (l innerTicks) Ticks(lo, hi float64) []plot.Tick {
	inside := linearTicks(l).inside(lo, hi)
	for n := max(l.n, 2); len(inside) < 1 && n < 20; n++ {
		inside = linearTicks{n + 1}.inside(lo, hi)
	}
	return inside
}

func (l linearTicks) inside(lo, hi float64) []plot.Tick {
	var inside []plot.Tick
	for _, t := range l.Ticks(lo, hi) {
		if at := (linearScale{}).Normalize(lo, hi, t.Value); at >= 0.1 && at <= 0.9 {
			inside = append(inside, t)
		}
	}
	return inside
}

// logTicks marks a logarithmic axis: powers of ten over a wide range, also their multiples over a narrow one,
// and evenly spaced numbers where the range is narrower than a factor of two.
type logTicks struct{ n int }

// Ticks implements plot.Ticker.
func (l logTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(lo > 0 && lo < hi) || !isFinite(hi) {
		return nil
	}
	n := l.n
	if n == 0 {
		n = 7
	}
	if hi/lo < 2 {
		return linearTicks{n}.Ticks(lo, hi)
	}
	if powers := int((math.Log2(hi) - math.Log2(lo)) * log10Of2); powers > n { // of ten that are marked, or one less
		every := max(powers/(n+1), 1)
		for len(decades(lo, hi, every, []float64{1})) > n+1 {
			every++
		}
		return decades(lo, hi, every, []float64{1})
	}
	var ticks []plot.Tick
	for _, multiples := range [][]float64{{1, 1.5, 2, 3, 4, 5, 6, 8}, {1, 2, 3, 5}, {1, 2, 5}, {1, 3}, {1}} {
		ticks = decades(lo, hi, 1, multiples)
		if len(ticks) <= n+1 && len(ticks) > 1 {
			break
		}
	}
	return ticks
}

const log10Of2 = math.Ln2 / math.Ln10

// decades marks the multiples of each power of ten whose exponent every divides.
func decades(lo, hi float64, every int, multiples []float64) []plot.Tick {
	var ticks []plot.Tick
	first, last := int(math.Floor(math.Log2(lo)*log10Of2)), int(math.Ceil(math.Log2(hi)*log10Of2))
	for k := first; k <= last; k++ {
		if k%every != 0 {
			continue
		}
		for _, m := range multiples {
			if v := twoDigits(m * math.Pow10(k)); v >= lo && v <= hi {
				ticks = append(ticks, plot.Tick{Value: v, Label: minus(strconv.FormatFloat(v, 'g', -1, 64))})
			}
		}
	}
	return ticks
}

// twoDigits returns the number of two digits that is nearest to v: 3·10⁻⁴ is not the nearest to 0.0003.
func twoDigits(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'e', 1, 64), 64) // beyond the last number it is infinite
	return v
}

// fitTicks returns the ticks of an axis; of ours at most n.
func fitTicks(axis plot.Axis, n int) []plot.Tick {
	switch axis.Tick.Marker.(type) {
	case linearTicks:
		axis.Tick.Marker = linearTicks{n}
	case logTicks:
		axis.Tick.Marker = logTicks{n}
	case innerTicks:
		axis.Tick.Marker = innerTicks{n}
	}
	var inside []plot.Tick
	for _, t := range axis.Tick.Marker.Ticks(axis.Min, axis.Max) {
		if pos := axis.Norm(t.Value); pos >= -1e-9 && pos <= 1+1e-9 {
			inside = append(inside, t)
		}
	}
	return inside
}

// xTicks returns ticks whose labels do not touch on a horizontal axis of the length.
func xTicks(axis plot.Axis, length vg.Length) []plot.Tick {
	for n := tickCount(length, 45); ; n-- {
		ticks := fitTicks(axis, n)
		var total vg.Length
		for _, t := range ticks {
			total += axis.Tick.Label.Width(t.Label) + 10
		}
		if total <= length && !crowded(axis, length, ticks) {
			return ticks
		}
		if _, names := axis.Tick.Marker.(plot.ConstantTicks); names || n == 2 {
			return thin(axis, length, ticks)
		}
	}
}

// thin leaves out every second tick while labels touch; not those of names, which all count.
func thin(axis plot.Axis, length vg.Length, ticks []plot.Tick) []plot.Tick {
	if _, names := axis.Tick.Marker.(plot.ConstantTicks); names {
		return ticks
	}
	for crowded(axis, length, ticks) {
		var fewer []plot.Tick
		for i := 1; i < len(ticks); i += 2 {
			fewer = append(fewer, ticks[i])
		}
		ticks = fewer
	}
	return ticks
}

// crowded reports whether labels on a horizontal axis of the length would touch.
func crowded(axis plot.Axis, length vg.Length, ticks []plot.Tick) bool {
	for i := range len(ticks) - 1 {
		a, b := ticks[i], ticks[i+1]
		distance := length * vg.Length(math.Abs(axis.Norm(b.Value)-axis.Norm(a.Value)))
		if (axis.Tick.Label.Width(a.Label)+axis.Tick.Label.Width(b.Label))/2+4 > distance {
			return true
		}
	}
	return false
}

// yTicks returns ticks for a vertical axis of the length.
func yTicks(axis plot.Axis, length vg.Length) []plot.Tick {
	return fitTicks(axis, tickCount(length, 36))
}

func tickCount(length, each vg.Length) int { return min(max(int(length/each), 3), 9) }
