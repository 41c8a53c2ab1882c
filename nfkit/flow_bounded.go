package nfkit

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// bounded is what the maps onto an interval, [Sigmoid], [Tanh], [Exp] and [Softplus], have in common. A model that ends
// in one has the interval, without its bounds, as support of each component.
//
// Where rounding brings a result of Forward to a bound, it is the number next to it, so that samples have a density. At
// points that are not in the interval, Inverse has log-determinant −Inf and some finite latent point, and no gradient.
type bounded struct {
	dim    int
	lo, hi float64 // of the interval; hi may be +Inf
	middle float64 // some point inside
}

func newBounded(caller string, dim int, lo, hi, middle float64) bounded {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: %s: got dimension %d, want 1 or more", caller, dim))
	}
	return bounded{dim, lo, hi, middle}
}

// Dim returns the number of components.
func (b bounded) Dim() int { return b.dim }

// State returns nil: there is nothing to keep.
func (b bounded) State() State { return nil }

// inside returns x with elements that are not in the interval replaced, and the logarithm of its indicator function,
// n×1: 0, or −Inf for a row with such an element.
func (b bounded) inside(x *ad.Value) (inside, logIndicator *ad.Value) {
	t, margin := x.Tape(), x.Shift(-b.lo)
	if isFinite(b.hi) {
		margin = margin.Min(x.Neg().Shift(b.hi))
	}
	logIndicator = margin.Where(t.Full(1, 1, 0), t.Full(1, 1, math.Inf(-1))).RowSum()
	return margin.Where(x, t.Full(1, 1, b.middle)), logIndicator
}

// offBounds returns x with elements on a bound moved to the next number of the tape's precision.
func (b bounded) offBounds(x *ad.Value) *ad.Value {
	t := x.Tape()
	x = x.Max(t.Full(1, 1, above(b.lo, t.Precision())))
	if isFinite(b.hi) {
		x = x.Min(t.Full(1, 1, -above(-b.hi, t.Precision())))
	}
	return x
}

// above returns the number that follows x, or follows 0 among the normal numbers, whose reciprocals are finite.
func above(x float64, p ad.Precision) float64 {
	next, normal := math.Nextafter(x, math.Inf(1)), 0x1p-1022
	if p == ad.Float32 {
		next, normal = float64(math.Nextafter32(float32(x), float32(math.Inf(1)))), 0x1p-126
	}
	if x == 0 {
		return normal
	}
	return next
}

// Sigmoid maps the line to an interval, component by component:
//
//	x = lo + (hi − lo)·sigmoid(z),  ln|det J| = Σ ln((hi − lo)·sigmoid(z)·sigmoid(−z)).
//
// Its Inverse is a logit. The support of the result is lo < x < hi; elsewhere Inverse has log-determinant −Inf. Cost
// O(nd).
type Sigmoid struct{ bounded }

var _ Flow = (*Sigmoid)(nil)

// NewSigmoid returns the map of dim components to the interval (lo, hi). It panics when dim is not positive, or lo and
// hi are not finite or not in order.
func NewSigmoid(dim int, lo, hi float64) *Sigmoid {
	if !(lo < hi) || !isFinite(hi-lo) {
		panic(fmt.Sprintf("nfkit: NewSigmoid: got the interval from %v to %v, want two finite numbers in order", lo, hi))
	}
	return &Sigmoid{newBounded("NewSigmoid", dim, lo, hi, lo+(hi-lo)/2)}
}

// NewLogit returns the [Sigmoid] whose Inverse is z = logit(α + (1 − 2α)·x), for data in [0, 1] that may lie on the
// bounds. It is the Logit of normflows' transforms. It panics when dim is not positive, or unless 0 ≤ α < ½.
func NewLogit(dim int, alpha float64) *Sigmoid {
	if !(alpha >= 0 && alpha < 0.5) {
		panic(fmt.Sprintf("nfkit: NewLogit: got alpha %v, want 0 or more and less than 0.5", alpha))
	}
	return &Sigmoid{newBounded("NewLogit", dim, -alpha/(1-2*alpha), (1-alpha)/(1-2*alpha), 0.5)}
}

// Forward returns x = lo + (hi − lo)·sigmoid(z).
func (f *Sigmoid) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Sigmoid.Forward", z, f.dim)
	width, minus := f.hi-f.lo, z.Neg()
	fromHi, fromLo := minus.Sigmoid().Scale(-width).Shift(f.hi), z.Sigmoid().Scale(width).Shift(f.lo)
	logDet = z.LogSigmoid().Add(minus.LogSigmoid()).Shift(math.Log(width)).RowSum()
	return f.offBounds(z.Where(fromHi, fromLo)), logDet // the nearer bound leaves more digits
}

// Inverse returns z = ln(x − lo) − ln(hi − x).
func (f *Sigmoid) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Sigmoid.Inverse", x, f.dim)
	x, logIndicator := f.inside(x)
	a, b := x.Shift(-f.lo).Log(), x.Neg().Shift(f.hi).Log()
	return a.Sub(b), a.Add(b).Neg().Shift(math.Log(f.hi - f.lo)).RowSum().Add(logIndicator)
}

// Tanh maps the line to the interval (−1, 1), component by component:
//
//	x = tanh z,  ln|det J| = Σ ln(1 − tanh² z).
//
// The support of the result is |x| < 1; elsewhere Inverse has log-determinant −Inf. Cost O(nd).
type Tanh struct{ bounded }

var _ Flow = (*Tanh)(nil)

// NewTanh returns the map of dim components. It panics when dim is not positive.
func NewTanh(dim int) *Tanh { return &Tanh{newBounded("NewTanh", dim, -1, 1, 0)} }

// Forward returns x = tanh z. With 1 − tanh² z = 4·sigmoid(2z)·sigmoid(−2z) its log-determinant is finite everywhere.
func (f *Tanh) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Tanh.Forward", z, f.dim)
	logDet = z.Scale(2).LogSigmoid().Add(z.Scale(-2).LogSigmoid()).Shift(2 * math.Ln2).RowSum()
	return f.offBounds(z.Tanh()), logDet
}

// Inverse returns z = ½·(ln(1 + x) − ln(1 − x)).
func (f *Tanh) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Tanh.Inverse", x, f.dim)
	x, logIndicator := f.inside(x)
	a, b := x.Log1p(), x.Neg().Log1p()
	return a.Sub(b).Scale(0.5), a.Add(b).Neg().RowSum().Add(logIndicator)
}

// Exp maps the line to the positive numbers, component by component:
//
//	x = e^z,  ln|det J| = Σ z.
//
// The support of the result is x > 0; elsewhere Inverse has log-determinant −Inf. Cost O(nd).
type Exp struct{ bounded }

var _ Flow = (*Exp)(nil)

// NewExp returns the map of dim components. It panics when dim is not positive.
func NewExp(dim int) *Exp { return &Exp{newBounded("NewExp", dim, 0, math.Inf(1), 1)} }

// Forward returns x = e^z.
func (f *Exp) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Exp.Forward", z, f.dim)
	return f.offBounds(z.Exp()), z.RowSum()
}

// Inverse returns z = ln x.
func (f *Exp) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Exp.Inverse", x, f.dim)
	x, logIndicator := f.inside(x)
	z = x.Log()
	return z, z.RowSum().Neg().Add(logIndicator)
}

// Softplus maps the line to the positive numbers, component by component, and hardly moves large ones:
//
//	x = ln(1 + e^z),  ln|det J| = Σ ln sigmoid(z).
//
// The support of the result is x > 0; elsewhere Inverse has log-determinant −Inf. Cost O(nd).
type Softplus struct{ bounded }

var _ Flow = (*Softplus)(nil)

// NewSoftplus returns the map of dim components. It panics when dim is not positive.
func NewSoftplus(dim int) *Softplus {
	return &Softplus{newBounded("NewSoftplus", dim, 0, math.Inf(1), 1)}
}

// Forward returns x = ln(1 + e^z).
func (f *Softplus) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Softplus.Forward", z, f.dim)
	return f.offBounds(z.Softplus()), z.LogSigmoid().RowSum()
}

// Inverse returns z = x + ln(1 − e⁻ˣ).
func (f *Softplus) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Softplus.Inverse", x, f.dim)
	x, logIndicator := f.inside(x)
	l := x.Neg().Expm1().Neg().Log()
	return x.Add(l), l.RowSum().Neg().Add(logIndicator)
}
