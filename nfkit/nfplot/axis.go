package nfplot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
)

// linearScale is a linear axis. Unlike gonum's it takes every range of finite numbers: halves cannot overflow.
type linearScale struct{}

// Normalize implements plot.Normalizer.
func (linearScale) Normalize(lo, hi, x float64) float64 { return (x/2 - lo/2) / (hi/2 - lo/2) }

// logScale is a logarithmic axis. Unlike gonum's it takes any x: what is not positive has no place on it, NaN.
type logScale struct{}

// Normalize implements plot.Normalizer. It panics unless both ends of the axis are positive.
func (logScale) Normalize(lo, hi, x float64) float64 {
	if lo <= 0 || hi <= 0 {
		panic(fmt.Sprintf("nfplot: got a logarithmic axis from %v to %v, want positive ends", lo, hi))
	}
	if x <= 0 {
		return math.NaN()
	}
	return (math.Log2(x) - math.Log2(lo)) / (math.Log2(hi) - math.Log2(lo)) // Log is wrong below 1e−308 on some processors
}

// setLog makes the axis logarithmic.
func setLog(a *plot.Axis) { a.Scale, a.Tick.Marker = logScale{}, logTicks{} }

const notPositive = " (linear axis: not all are positive)"

// linearUnlessPositive makes a logarithmic axis linear, and its label says so, where its data are not all positive.
func linearUnlessPositive(a *plot.Axis) {
	if _, log := a.Scale.(logScale); log && a.Min <= 0 {
		a.Scale, a.Tick.Marker = linearScale{}, linearTicks{}
		a.Label.Text += notPositive
	}
}

// hasRange reports whether something gave the axis its ends.
func hasRange(a plot.Axis) bool { return isFinite(a.Min) && isFinite(a.Max) }

// tidyRange gives an axis without data, or of no length, a range.
func tidyRange(a *plot.Axis) {
	if !hasRange(*a) {
		a.Min, a.Max = 0, 1
		if _, log := a.Scale.(logScale); log {
			a.Min, a.Max = 1, 10
		}
	}
	if a.Min > a.Max {
		a.Min, a.Max = a.Max, a.Min
	}
	switch a.Scale.(type) { // gonum's scales take fewer numbers than ours
	case plot.LinearScale:
		a.Scale = linearScale{}
	case plot.LogScale:
		a.Scale = logScale{}
	}
	switch a.Scale.(type) {
	case logScale:
		if a.Max/a.Min < 1+1e-9 {
			a.Min, a.Max = max(a.Min/2, math.SmallestNonzeroFloat64), min(1.5*a.Max, math.MaxFloat64)
		}
	default:
		room := max(1, math.Abs(a.Min)/8)
		a.Min, a.Max = roomy(a.Min, a.Max, room, room)
	}
}

// roomy returns the range; if it is one number, with room below and above it; and if its length is lost in the rounding of
// its numbers, a range about it that is just long enough to be drawn: 1e−12 of the numbers, 1e−300 at least.
func roomy(lo, hi, below, above float64) (float64, float64) {
	if lo == hi {
		lo, hi = max(lo-below, -math.MaxFloat64), min(hi+above, math.MaxFloat64)
	}
	half := max(5e-13*max(math.Abs(lo), math.Abs(hi)), 5e-301)
	if hi/2-lo/2 < half {
		middle := lo/2 + hi/2
		lo, hi = max(middle-half, -math.MaxFloat64), min(middle+half, math.MaxFloat64)
	}
	return lo, hi
}

// widen adds parts of its length to the axis, on each side.
func widen(axis *plot.Axis, below, above float64) {
	if half := axis.Max/2 - axis.Min/2; half > 0 && isFinite(half) {
		axis.Min = max(axis.Min-2*below*half, -math.MaxFloat64)
		axis.Max = min(axis.Max+2*above*half, math.MaxFloat64)
	}
}

// widenLog does the same with the logarithms of a positive range, by a hundredth at least.
func widenLog(axis *plot.Axis) {
	if !hasRange(*axis) || axis.Min <= 0 {
		return
	}
	room := max(math.Exp2(0.05*(math.Log2(axis.Max)-math.Log2(axis.Min))), 1.01)
	axis.Min = max(axis.Min/room, math.SmallestNonzeroFloat64)
	axis.Max = min(axis.Max*room, math.MaxFloat64)
}
