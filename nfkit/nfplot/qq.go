package nfplot

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// QQ returns the plot of the sample's quantiles over those of a distribution, quantile(p) for p between 0 and 1, or over
// those of another sample, see [Quantile]: the i-th of n finite values over quantile((i−½)/n). On the diagonal they agree.
func QQ(title string, sample []float64, quantile func(p float64) float64) *plot.Plot {
	y := ordered(sample)
	x := make([]float64, len(y))
	for i := range x {
		x[i] = quantile((float64(i) + 0.5) / float64(len(x)))
	}
	p := New(title, "Expected quantile", "Sample quantile")
	xmin, xmax, ymin, ymax := (&line{x: x, y: y}).DataRange()
	lo, hi := min(xmin, ymin), max(xmax, ymax)
	if lo <= hi {
		diagonal := draw.LineStyle{Color: faint, Width: 1, Dashes: []vg.Length{5, 4}}
		Add(p, Line("", []float64{lo, hi}, []float64{lo, hi}, diagonal), &scatter{n: len(x), xy: func(i int) (float64, float64) { return x[i], y[i] }, radius: 2, color: Steel})
		widen(&p.X, 0.05, 0.05)
		widen(&p.Y, 0.05, 0.05)
	}
	return p
}

// Quantile returns the quantile function of the finite values: linear between the i-th of n values, at (i−½)/n, and level
// beyond the first and the last. It is NaN where there is no finite value.
func Quantile(values []float64) func(p float64) float64 {
	v := ordered(values)
	return func(p float64) float64 {
		if len(v) == 0 || math.IsNaN(p) {
			return math.NaN()
		}
		at := min(max(p*float64(len(v))-0.5, 0), float64(len(v)-1))
		i := min(int(at), max(len(v)-2, 0))
		t := at - float64(i)
		return v[i]*(1-t) + v[min(i+1, len(v)-1)]*t
	}
}
