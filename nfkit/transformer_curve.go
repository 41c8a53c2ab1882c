package nfkit

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// curve is an increasing function of u, N×1, row by row. With slope, it returns the logarithm of its derivative as well, nil otherwise.
type curve func(u *ad.Value, slope bool) (y, logSlope *ad.Value)

// curves makes the functions of N components from their parameters, N×m.
type curves func(params *ad.Value) curve

// evaluate applies the function of each component to v, n×k, given n×km parameters, or 1×km.
func (c curves) evaluate(v, params *ad.Value) (y, logDet *ad.Value) {
	u, f := c.components(v, params)
	y, l := f(u, true)
	return y.Reshape(v.Dims()), l.Reshape(v.Dims()).RowSum()
}

// solve undoes evaluate: each function from the line to the line.
func (c curves) solve(v, params *ad.Value) (x, logDet *ad.Value) {
	u, f := c.components(v, params)
	u = u.Root(func(u *ad.Value) *ad.Value { y, _ := f(u, false); return y }, math.Inf(-1), math.Inf(1))
	_, l := f(u, true)
	return u.Reshape(v.Dims()), l.Reshape(v.Dims()).RowSum().Neg()
}

// components has a row for each element of v.
func (c curves) components(v, params *ad.Value) (*ad.Value, curve) {
	n, k := v.Dims()
	m := params.Cols() / k
	if params.Rows() != n {
		params = params.Repeat(n)
	}
	return v.Reshape(n*k, 1), c(params.Reshape(n*k, m))
}

// parts hands out the columns of parameters, N×m, from the first to the last.
type parts struct {
	params *ad.Value
	at     int
}

// next returns the next n columns.
func (p *parts) next(n int) *ad.Value {
	p.at += n
	return p.params.Slice(p.at-n, p.at)
}

// logScaleBound is where logarithms of scales are clipped softly: scales are between 10⁻³ and 10³.
const logScaleBound = 6.9

// clippedTo returns what SoftClip takes to v.
func clippedTo(v, bound float64) float64 { return v / (1 - math.Abs(v)/bound) }

// shares turns the logits of each row, N×m, to m shares of 1, none of them below least/m.
func shares(logits *ad.Value, least float64) *ad.Value {
	return logits.LogSoftmax().Exp().Scale(1 - least).Shift(least / float64(logits.Cols()))
}

// leastShare is the part of an interval that is dealt out evenly.
const leastShare = 1e-2

// before returns the sum of the elements before each one of its row.
func before(v *ad.Value) *ad.Value {
	m := v.Cols()
	sum := make([]float64, m*m)
	for i := range m {
		for j := i + 1; j < m; j++ {
			sum[i*m+j] = 1
		}
	}
	return v.MatMul(v.Tape().Const(m, m, sum))
}

// atBin returns a matrix with 1 where u, N×1, is, in one of m bins that begin at starts, N×m, and 0 elsewhere; the first begins at −∞.
func atBin(u, starts *ad.Value) *ad.Value {
	t, n := u.Tape(), u.Rows()
	one, zero := t.Full(n, 1, 1), t.Full(n, 1, 0)
	past := u.Sub(starts.Slice(1, starts.Cols())).Where(t.Full(1, 1, 1), t.Full(1, 1, 0))
	return one.Concat(past).Sub(past.Concat(zero))
}

// chosen returns the element of each row of v where mask has its 1.
func chosen(v, mask *ad.Value) *ad.Value { return v.Mul(mask).RowSum() }

// within makes the increasing function f of [lo, hi] onto itself one of the line: the identity outside.
func within(lo, hi float64, f curve) curve {
	return func(u *ad.Value, slope bool) (y, logSlope *ad.Value) {
		inside := u.Shift(-lo).Min(u.Neg().Shift(hi))
		y, logSlope = f(inside.Where(u, u.Tape().Full(1, 1, lo+(hi-lo)/2)), slope)
		if slope {
			logSlope = inside.Where(logSlope, u.Tape().Full(1, 1, 0))
		}
		return inside.Where(y, u), logSlope
	}
}

// interval returns lo and hi, or −5 and 5 for two zeros, and panics unless they are in order.
func interval(name string, lo, hi float64) (float64, float64) {
	if lo == 0 && hi == 0 {
		return -5, 5
	}
	if !(lo < hi) || math.IsInf(hi-lo, 0) {
		panic(fmt.Sprintf("nfkit: %s: got the interval [%v, %v], want finite ends in order", name, lo, hi))
	}
	return lo, hi
}

// count returns n, or byDefault for 0, and panics when it is below least.
func count(name, what string, n, byDefault, least int) int {
	if n == 0 {
		return byDefault
	}
	if n < least {
		panic(fmt.Sprintf("nfkit: %s: got %s %d, want %d or more", name, what, n, least))
	}
	return n
}
