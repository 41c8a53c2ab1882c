package nftest

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Interval is a set of numbers, bounds excluded. Bounds may be infinite; the zero value is the whole line.
type Interval struct{ Lo, Hi float64 }

// at maps the line to the interval: u itself if there are no bounds, monotonically if there are.
func (v Interval) at(u float64) float64 {
	lo, hi := v.bounds()
	switch {
	case math.IsInf(lo, -1) && math.IsInf(hi, 1):
		return u
	case math.IsInf(hi, 1):
		return lo + math.Exp(u/2)
	case math.IsInf(lo, -1):
		return hi - math.Exp(u/2)
	}
	return lo + (hi-lo)/(1+math.Exp(-u))
}

func (v Interval) bounds() (lo, hi float64) {
	if v == (Interval{}) {
		return math.Inf(-1), math.Inf(1)
	}
	return v.Lo, v.Hi
}

// points draws n points with dim components: most near the origin of the line, the last two further out.
func (v Interval) points(n, dim int, r *rand.Rand) *mat.Dense {
	x := mat.NewDense(n, dim, nil)
	for i := range n {
		scale := 1.0
		if i >= n-2 {
			scale = 3
		}
		for j := range dim {
			x.Set(i, j, v.at(scale*r.NormFloat64()))
		}
	}
	return x
}

// extremes returns points of the interval with components of unusual size: all alike, with alternating signs, and one
// among ordinary ones.
func (v Interval) extremes(dim int, more []float64, r *rand.Rand) *mat.Dense {
	lo, hi := v.bounds()
	var data []float64
	add := func(component func(j int) float64) {
		for j := range dim {
			data = append(data, component(j))
		}
	}
	inside := func(x float64) float64 {
		if x > lo && x < hi {
			return x
		}
		return v.at(math.Mod(x, 15))
	}
	for i, e := range append([]float64{0, 1, -1, 3, -3, 50, -50}, more...) {
		add(func(int) float64 { return inside(e) })
		add(func(j int) float64 { return inside(e * float64(1-2*(j%2))) })
		add(func(j int) float64 {
			if j == i%dim {
				return inside(e)
			}
			return v.at(r.NormFloat64())
		})
	}
	return mat.NewDense(len(data)/dim, dim, data)
}

// rowsOf returns a copy of rows of x.
func rowsOf(x *mat.Dense, indices []int) *mat.Dense {
	var data []float64
	for _, i := range indices {
		data = append(data, x.RawRowView(i)...)
	}
	return mat.NewDense(len(indices), x.RawMatrix().Cols, data)
}

// variable puts x, which may be nil, on t.
func variable(t *ad.Tape, x *mat.Dense) *ad.Value {
	if x == nil {
		return nil
	}
	n, c := x.Dims()
	return t.Variable(n, c, x.RawMatrix().Data)
}

// round32 rounds x to float32.
func round32(x *mat.Dense) {
	data := x.RawMatrix().Data
	for i, v := range data {
		data[i] = float64(float32(v))
	}
}

// near reports whether got is want up to tol, relative to want where that is above 1. NaN is near nothing.
func near(got, want, tol float64) bool {
	return got == want || math.Abs(got-want) <= tol*max(1, math.Abs(want))
}

func isFinite(x float64) bool { return x-x == 0 }

func hasNaN(s []float64) bool {
	for _, x := range s {
		if math.IsNaN(x) {
			return true
		}
	}
	return false
}

// equal reports whether two slices have the same elements, NaN being equal to itself.
func equal(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i, x := range a {
		if x != b[i] && !(math.IsNaN(x) && math.IsNaN(b[i])) {
			return false
		}
	}
	return true
}
