package nfkit

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// What [Fit] remarks on.
const (
	remarkScale   = 30   // a mean, or a standard deviation or its reciprocal, that is larger
	remarkOutside = 0.1  // a larger part of a column outside of the interval of a spline
	remarkRows    = 4096 // of the data, which are taken to a spline
	remarkColumns = 3    // to be named
)

// remarks says what is unusual about rows, before the first step: columns that are constant, columns whose scale is far from that of the base,
// and columns that lie outside of what a spline can bend.
func (o *likelihood) remarks(rows mat.Matrix) []string {
	d := &dataRows{model: o.model.view()}
	n, err := o.take(d, "Fit", rows)
	if err != nil || n < 2 {
		return nil
	}
	scaled, spline, outside := o.toSpline(d, n)
	var remarks []string
	say := func(found []string, rest string) {
		if more := len(found) - remarkColumns; more > 0 {
			found = append(found[:remarkColumns:remarkColumns], fmt.Sprintf("and %d more", more))
		}
		if found != nil {
			remarks = append(remarks, strings.Join(found, ", ")+rest)
		}
	}
	var fixed, far, context []string
	column := make([]float64, n)
	for j := range o.model.Dim() {
		mat.Col(column, j, &d.x)
		if constant(column) {
			fixed = append(fixed, fmt.Sprintf("column %d of the data is %.6g in all %d rows", j, column[0], n))
			continue
		}
		mat.Col(column, j, scaled)
		if s := badScale(column); s != "" && len(o.model.engine.observers) == 0 { // an observer scales
			far = append(far, fmt.Sprintf("column %d of the data has %s", j, s))
		}
	}
	for j := range o.context {
		mat.Col(column, j, &d.context)
		if s := badScale(column); s != "" {
			context = append(context, fmt.Sprintf("column %d of the context has %s", j, s))
		}
	}
	say(fixed, ": its likelihood has no upper bound")
	say(far, ": models learn best near mean 0 and standard deviation 1; see NewStandardization, and Standardize of ready-made models")
	say(context, ": networks learn best near mean 0 and standard deviation 1")
	say(outside, fmt.Sprintf(" lies outside of the interval that %s can bend: scale the data, or widen it", spline))
	return remarks
}

// badScale says what mean and standard deviation of x are if they are far from 0 and 1.
func badScale(x []float64) string {
	mean, std := meanStd(x)
	if math.Abs(mean) <= remarkScale && std <= remarkScale && (std >= 1./remarkScale || constant(x)) {
		return ""
	}
	return fmt.Sprintf("mean %.3g and standard deviation %.3g", mean, std)
}

// toSpline takes the data towards latent space: through constant scales to scaled, and on to the first flow with splines. outside are its
// columns that lie outside of their interval.
func (o *likelihood) toSpline(d *dataRows, n int) (scaled *mat.Dense, spline string, outside []string) {
	m := d.model
	scaled = mat.DenseCopyOf(&d.x)
	m.engine.guard.RLock()
	defer m.engine.guard.RUnlock()
	t := ad.NewEvalTape(ad.Float64)
	k := len(m.chain.flows) - 1
	for ; k >= 0; k-- {
		f, ok := m.chain.flows[k].(*AffineConstFlow)
		if !ok {
			break
		}
		t.Reset()
		z, _ := f.Inverse(t.Matrix(scaled), nil)
		scaled = z.Matrix()
	}
	n = min(n, remarkRows)
	t.Reset()
	z, context := t.Rows(scaled, 0, n), m.contextRows(t, 0, n)
	for ; k >= 0; k-- {
		f := m.chain.flows[k]
		if intervals := splineIntervals(f); intervals != nil {
			return scaled, fmt.Sprintf("flow %d (%s)", k, describe(f)), outsideOf(intervals, z)
		}
		if _, ok := f.(Observer); ok {
			break // it is not known yet what it does
		}
		z, _ = f.Inverse(z, context)
	}
	return scaled, "", nil
}

// splineIntervals returns the interval of each component that f bends by a spline with linear tails, the line for the others; nil if there are no splines.
func splineIntervals(f Flow) [][2]float64 {
	intervals := slices.Repeat([][2]float64{{math.Inf(-1), math.Inf(1)}}, f.Dim())
	found := false
	see := func(t Transformer, columns []int) {
		s, ok := t.(*RationalQuadraticSpline)
		if !ok || s.Tails[0] == ad.TailFree {
			return
		}
		found = true
		for i, j := range columns {
			if s.Tails[min(i, len(s.Tails)-1)] == ad.TailLinear {
				at := min(i, len(s.Upper)-1)
				intervals[j] = [2]float64{-s.Upper[at], s.Upper[at]}
				if s.Lower != nil {
					intervals[j][0] = s.Lower[at]
				}
			}
		}
	}
	switch f := f.(type) {
	case *Autoregressive:
		see(f.transformer, firstNumbers(f.Dim()))
	case *Elementwise:
		see(f.transformer, firstNumbers(f.Dim()))
	case *Coupling:
		see(f.transformer, f.changed)
		if f.own != nil {
			for i, interval := range splineIntervals(f.own) {
				intervals[f.kept[i]], found = interval, true
			}
		}
	}
	if !found {
		return nil
	}
	return intervals
}

// firstNumbers returns 0 to n−1.
func firstNumbers(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

// outsideOf names the columns of x of which more than a part lies outside of their intervals.
func outsideOf(intervals [][2]float64, x *ad.Value) []string {
	n, c := x.Dims()
	data := x.Data()
	var found []string
	for j, interval := range intervals {
		count := 0
		for i := range n {
			if v := data[i*c+j]; v < interval[0] || v > interval[1] {
				count++
			}
		}
		if part := float64(count) / float64(n); part > remarkOutside {
			found = append(found, fmt.Sprintf("%.0f %% of column %d", 100*part, j))
		}
	}
	return found
}
