package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ResidualOptions are the options of [NewResidual].
type ResidualOptions struct {
	ExplicitForward bool // Forward is x + g(x) and Inverse its iteration; the default is the other way round
}

// Residual moves a point by a network that is a contraction:
//
//	z = x + g(x),  ln|det J| = ln det(I + ∂g/∂x),
//
// is its Inverse, so that densities are explicit; ExplicitForward swaps the directions. The other one solves x = z −
// g(x) by iteration, which converges as |g(x) − g(y)| ≤ L·|x − y| with L < 1 (see [LipschitzMLP]): to 1e-12 of the size
// of the point in float64 and 1e-5 in float32, NaN if it is not there after 1000 evaluations of g; its gradient is
// exact ([ad.Value.FixedPoint]).
//
// The log-determinant is exact, from the Jacobian by d products with it, O(nd·Σ in·out + nd³); but in a training step
// of a flow with more than 8 components it is an unbiased estimate from a few products. With random signs v
// (Hutchinson),
//
//	Σ_{k=1}^{2+N} (−1)^{k+1}/k · vᵀJᵏv / P(N ≥ k−2),  N ≥ 1 geometric with parameter p,
//
// (Russian roulette). Its expectation is that of the log-determinant, and its gradient that of the gradient: both the
// loss and the weights of rows mean what they do elsewhere. p = min(½, 1 − L) at first, so that its variance is bounded
// whatever the weights become; there are 2 + 1/p products on average. One N serves a shard of the batch, v differs
// from row to row.
//
// Behrmann et al. 2019, arXiv:1811.00995; Chen et al. 2019, arXiv:1906.02735. Its twin in normflows is Residual.
type Residual struct {
	net  *LipschitzMLP
	opts ResidualOptions

	geomP  []float64 // logit of p
	unused [4][]float64
}

var (
	_ Flow        = (*Residual)(nil)
	_ Conditional = (*Residual)(nil)
	_ Preparer    = (*Residual)(nil)
)

const (
	residualExactDim   = 8 // largest dimension with the exact log-determinant in training
	residualExactTerms = 2 // terms that an estimate always has
)

// NewResidual returns a flow of as many components as net has inputs. A nil opts means the defaults. It panics when net
// has another number of outputs.
func NewResidual(net *LipschitzMLP, opts *ResidualOptions) *Residual {
	if net == nil {
		panic("nfkit: NewResidual: got a nil network")
	}
	dim := net.In()
	if net.Out() != dim {
		panic(fmt.Sprintf("nfkit: NewResidual: got a network from %d to %d columns, want as many of either", dim, net.Out()))
	}
	p := min(0.5, 1-net.Lipschitz())
	f := &Residual{net: net, geomP: []float64{math.Log(p / (1 - p))}}
	f.unused = [4][]float64{{2}, {0}, {0}, {0}}
	if opts != nil {
		f.opts = *opts
	}
	return f
}

// Dim returns the number of components.
func (f *Residual) Dim() int { return f.net.In() }

// ContextDim returns the number of columns of the network's context, 0 for none.
func (f *Residual) ContextDim() int { return f.net.ContextDim() }

// Prepare brings the spectral norms of the network up to date, before a training step.
func (f *Residual) Prepare() { f.net.UpdateLipschitz() }

// Forward solves x + g(x) = z for x; with ExplicitForward it returns x = z + g(z).
func (f *Residual) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Residual.Forward", z, f.Dim())
	if f.opts.ExplicitForward {
		return f.explicit("Residual.Forward", z, context)
	}
	return f.solve("Residual.Forward", z, context)
}

// Inverse returns z = x + g(x); with ExplicitForward it solves z + g(z) = x for z.
func (f *Residual) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Residual.Inverse", x, f.Dim())
	if f.opts.ExplicitForward {
		return f.solve("Residual.Inverse", x, context)
	}
	return f.explicit("Residual.Inverse", x, context)
}

func (f *Residual) explicit(call string, x, context *ad.Value) (y, logDet *ad.Value) {
	fixed := f.net.prepare(x.Tape(), call, context, make([]prepared, 0, inlineLayers))
	g, slopes := f.net.apply(x, fixed, make([]*ad.Value, 0, inlineLayers))
	return x.Add(g), f.logDet(x, slopes)
}

func (f *Residual) solve(call string, y, context *ad.Value) (x, logDet *ad.Value) {
	fixed := f.net.prepare(y.Tape(), call, context, make([]prepared, 0, inlineLayers))
	x = y.FixedPoint(func(x *ad.Value) *ad.Value {
		g, _ := f.net.apply(x, fixed, make([]*ad.Value, 0, inlineLayers))
		return y.Sub(g)
	})
	_, slopes := f.net.apply(x, fixed, make([]*ad.Value, 0, inlineLayers))
	return x, f.logDet(x, slopes).Neg()
}

// logDet returns ln det(I + J), n×1, at points x where the activations have the given slopes.
func (f *Residual) logDet(x *ad.Value, slopes []*ad.Value) *ad.Value {
	if x.Tape().Training() && f.Dim() > residualExactDim {
		return f.estimate(x, slopes)
	}
	return x.Tape().Scratch(func() *ad.Value { return f.exact(x, slopes) })
}

// exact returns ln det(I + J). The rows of the matrices are the columns of J, which does not change the determinant.
func (f *Residual) exact(x *ad.Value, slopes []*ad.Value) *ad.Value {
	n, d := x.Dims()
	eye := x.Tape().Eye(d).Reshape(1, d*d)
	j := f.net.tangent(eye.Repeat(n).Reshape(n*d, d), d, slopes)
	return j.Reshape(n, d*d).Add(eye).LogAbsDet()
}

// estimate returns an unbiased estimate of ln det(I + J) = Σ (−1)^{k+1}/k·tr Jᵏ.
func (f *Residual) estimate(x *ad.Value, slopes []*ad.Value) *ad.Value {
	t := x.Tape()
	p := 1 / (1 + math.Exp(-f.geomP[0]))
	v, terms := t.RandSigns(x.Rows(), f.Dim()), residualExactTerms+geometric(p, t.Rand())
	weight := 1.0 // (−1)^{k+1}/P(N ≥ k−2)
	power := f.net.tangent(v, 1, slopes)
	sum := power
	for k := 2; k <= terms; k++ {
		weight = -weight
		if k > residualExactTerms+1 {
			weight /= 1 - p
		}
		power = f.net.tangent(power, 1, slopes)
		sum = sum.Add(power.Scale(weight / float64(k)))
	}
	return v.Mul(sum).RowSum()
}

// geometric draws the number of trials up to the first success, which has probability p.
func geometric(p float64, r *rand.Rand) int {
	return 1 + int(math.Log(1-r.Float64())/math.Log1p(-p))
}

// minGeometric bounds the number of products in an estimate.
const minGeometric = 1e-3

// State lists, under iresblock, the logit of p as geom_p, numbers of the reference that have no use here, and the
// network's tensors under nnet.
func (f *Residual) State() State {
	check := func(t Tensor) error {
		if p := 1 / (1 + math.Exp(-t.Floats[0])); !(p >= minGeometric) {
			return fmt.Errorf("it is the logit of %v, want a probability of %v or more", p, minGeometric)
		}
		return nil
	}
	one := []int{1}
	s := State{
		{Name: "geom_p", Floats: f.geomP, Check: check},
		{Name: "lamb", Floats: f.unused[0]},
		{Name: "last_n_samples", Shape: one, Floats: f.unused[1]},
		{Name: "last_firmom", Shape: one, Floats: f.unused[2]},
		{Name: "last_secmom", Shape: one, Floats: f.unused[3]},
	}
	return append(s, f.net.State().Under("nnet")...).Under("iresblock").OwnedBy(f)
}
