package nfkit

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// DeepSigmoid is the transformer of neural autoregressive flows that is a network of one input, one output and positive weights,
//
//	h₀ = x,  h_{l+1} = logit(Σᵢ wᵢ·σ(aᵢ·h_l + bᵢ)),  z = h_L,
//
// with parameters ln w (up to a constant), ln a and b, in this order, for each layer. ln a is clipped softly at ±6.9. Forward solves for x. It
// starts near the identity. Cost O(nk·Units·Layers); Forward some ten times that. The zero value is usable. Huang et al. 2018, arXiv:1804.00779,
// eq. 8.
type DeepSigmoid struct {
	Units  int // of each layer; 0 means 8
	Layers int // 0 means 2
}

// DeepDenseSigmoid is [DeepSigmoid] with a vector between its layers,
//
//	h₀ = x,  h_{l+1} = logit(W·σ(a⊙(U·h_l) + b)),  z = h_L,
//
// where h_l has Units elements for 0 < l < L, and the rows of W and U are positive and sum to 1. The parameters of a layer are logits of W by
// rows, ln a, b, and, but for the first, logits of U by rows. Cost O(nk·Units²·Layers). Huang et al. 2018, arXiv:1804.00779, eq. 9.
type DeepDenseSigmoid struct {
	Units  int // of each layer; 0 means 8
	Layers int // 0 means 2
}

var (
	_ Transformer = DeepSigmoid{}
	_ Transformer = DeepDenseSigmoid{}
)

func (f DeepSigmoid) size() (units, layers int) {
	return count("DeepSigmoid", "Units", f.Units, 8, 1), count("DeepSigmoid", "Layers", f.Layers, 2, 1)
}

// Params returns 3·Units·Layers.
func (f DeepSigmoid) Params() int { units, layers := f.size(); return 3 * units * layers }

// Initial returns layers that are near the identity.
func (f DeepSigmoid) Initial() []float64 {
	units, layers := f.size()
	var p []float64
	for range layers {
		p = append(append(p, make([]float64, units)...), initialUnits(units)...)
	}
	return p
}

// Of returns f.
func (f DeepSigmoid) Of([]int) Transformer { return f }

// Inverse evaluates the networks.
func (f DeepSigmoid) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return curves(f.curve).evaluate(x, params)
}

// Forward solves for x.
func (f DeepSigmoid) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return curves(f.curve).solve(z, params)
}

func (f DeepSigmoid) curve(params *ad.Value) curve {
	_, layers := f.size()
	return func(u *ad.Value, _ bool) (y, logSlope *ad.Value) { return u.DeepSigmoid(params, layers, logScaleBound) }
}

func (f DeepDenseSigmoid) size() (units, layers int) {
	return count("DeepDenseSigmoid", "Units", f.Units, 8, 1), count("DeepDenseSigmoid", "Layers", f.Layers, 2, 1)
}

// out returns the number of elements after layer l.
func (f DeepDenseSigmoid) out(l int) int {
	units, layers := f.size()
	if l == layers-1 {
		return 1
	}
	return units
}

// Params returns the number of logits, scales and shifts.
func (f DeepDenseSigmoid) Params() int {
	units, layers := f.size()
	n := 0
	for l := range layers {
		n += f.out(l)*units + 2*units
		if l > 0 {
			n += units * units
		}
	}
	return n
}

// denseLead is the logit by which the matrices of a dense network favour their diagonals at first: rows that are alike would stay so.
const denseLead = 2

// Initial returns layers that are near the identity.
func (f DeepDenseSigmoid) Initial() []float64 {
	units, layers := f.size()
	var p []float64
	matrix := func(rows int) {
		for i := range rows {
			row := make([]float64, units)
			if rows > 1 {
				row[i] = denseLead
			}
			p = append(p, row...)
		}
	}
	for l := range layers {
		matrix(f.out(l))
		p = append(p, initialUnits(units)...)
		if l > 0 {
			matrix(units)
		}
	}
	return p
}

// Of returns f.
func (f DeepDenseSigmoid) Of([]int) Transformer { return f }

// Inverse evaluates the networks.
func (f DeepDenseSigmoid) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return curves(f.curve).evaluate(x, params)
}

// Forward solves for x.
func (f DeepDenseSigmoid) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return curves(f.curve).solve(z, params)
}

func (f DeepDenseSigmoid) curve(params *ad.Value) curve {
	units, layers := f.size()
	n, p := params.Rows(), parts{params: params}
	var all []sigmoidLayer
	for k := range layers {
		l := sigmoidLayer{out: f.out(k)}
		l.logits = p.next(l.out*units).Reshape(n*l.out, units)
		l = l.units(&p, units)
		if k > 0 {
			l.logMix = p.next(units*units).Reshape(n*units, units).LogSoftmax()
			l.mix = l.logMix.Exp()
		}
		all = append(all, l)
	}
	return sigmoidCurve(all)
}

// initialUnits returns ln a and b for which the mean of the units is near the logistic function.
func initialUnits(units int) []float64 {
	rate := 1 / initialScale(units, math.Pi*math.Pi/3)
	var p []float64
	for range units {
		p = append(p, clippedTo(math.Log(rate), logScaleBound))
	}
	for _, b := range spread(units) {
		p = append(p, b*rate)
	}
	return p
}

// sigmoidLayer is logit(W·σ(a⊙(U·h) + b)) for N components.
type sigmoidLayer struct {
	out           int       // rows of W
	logits        *ad.Value // of the rows of W, N·out×units
	logRate, a, b *ad.Value // N×units
	logMix, mix   *ad.Value // ln U and U, N·units×columns; nil if h is a number
}

// units returns l with its rates and shifts.
func (l sigmoidLayer) units(p *parts, units int) sigmoidLayer {
	l.logRate = p.next(units).SoftClip(logScaleBound)
	l.a = l.logRate.Exp()
	l.b = p.next(units)
	return l
}

// apply returns the next h, N×out, and the logarithm of its derivative by x, given those of h; logSlope is nil if none is wanted.
func (l sigmoidLayer) apply(h, logSlope *ad.Value, first bool) (next, nextLogSlope *ad.Value) {
	n, units := l.a.Dims()
	slope := logSlope != nil
	if l.mix != nil {
		h = h.Repeat(units).Mul(l.mix).RowSum().Reshape(n, units)
		if slope {
			logSlope = logSlope.Repeat(units).Add(l.logMix).LogSumExp().Reshape(n, units)
		}
	}
	rate := l.logRate
	if slope && !first {
		rate = rate.Add(logSlope)
	}
	a := h.Mul(l.a).Add(l.b)
	if l.out > 1 {
		a = a.Repeat(l.out)
		if slope {
			rate = rate.Repeat(l.out)
		}
	}
	next, nextLogSlope = mixtureCDF(l.logits, a, rate, false, slope)
	next = next.Reshape(n, l.out)
	if slope {
		nextLogSlope = nextLogSlope.Reshape(n, l.out)
	}
	return next, nextLogSlope
}

func sigmoidCurve(layers []sigmoidLayer) curve {
	return func(u *ad.Value, slope bool) (y, logSlope *ad.Value) {
		y = u
		if slope {
			logSlope = u.Tape().Full(u.Rows(), 1, 0)
		}
		for i, l := range layers {
			y, logSlope = l.apply(y, logSlope, i == 0)
		}
		return y, logSlope
	}
}
