package nfkit

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Contraction is a network g for a [Residual] flow: from as many columns as it has to as many, the same number for every
// row, with |g(x) − g(y)| ≤ L·|x − y| for some L < 1. Its products with the Jacobian are those of [ad.Linearize], so any
// network of operations of package ad will do that keeps the bound. A [LipschitzMLP] is one.
type Contraction interface {
	Net
	// Lipschitz returns L.
	Lipschitz() float64
	// UpdateLipschitz does what is to be done for the bound before a training step: nothing where it holds by itself.
	UpdateLipschitz()
}

var _ Contraction = (*LipschitzMLP)(nil)

// ResidualOptions are the options of [NewResidual].
type ResidualOptions struct {
	ExplicitForward bool // Forward is x + g(x) and Inverse its iteration; the default is the other way round
}

// Residual moves a point by a network that is a contraction:
//
//	z = x + g(x),  ln|det J| = ln det(I + ∂g/∂x),
//
// is its Inverse, so that densities are explicit; ExplicitForward swaps the directions. The other one solves x = z −
// g(x) by iteration, which converges as |g(x) − g(y)| ≤ L·|x − y| with L < 1 (see [Contraction]): to 1e-12 of the size
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
	net  Contraction
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
func NewResidual(net Contraction, opts *ResidualOptions) *Residual {
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
func (f *Residual) ContextDim() int { return contextDim(f.net) }

// Prepare brings the bound of the network up to date, before a training step.
func (f *Residual) Prepare() { f.net.UpdateLipschitz() }

func (f *Residual) check(call string, v, context *ad.Value) {
	checkBatch(call, v, f.Dim())
	if c := f.ContextDim(); c > 0 {
		checkContext(call, context, c)
	}
}

// Forward solves x + g(x) = z for x; with ExplicitForward it returns x = z + g(z).
func (f *Residual) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	f.check("Residual.Forward", z, context)
	if f.opts.ExplicitForward {
		return f.explicit(z, context)
	}
	return f.solve(z, context)
}

// Inverse returns z = x + g(x); with ExplicitForward it solves z + g(z) = x for z.
func (f *Residual) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	f.check("Residual.Inverse", x, context)
	if f.opts.ExplicitForward {
		return f.solve(x, context)
	}
	return f.explicit(x, context)
}

func (f *Residual) explicit(x, context *ad.Value) (y, logDet *ad.Value) {
	g := ad.Linearize(func(x *ad.Value) *ad.Value { return f.net.Apply(x, context) }, x)
	return x.Add(g.Y), f.logDet(x, g)
}

func (f *Residual) solve(y, context *ad.Value) (x, logDet *ad.Value) {
	apply := func(x *ad.Value) *ad.Value { return f.net.Apply(x, context) }
	iterated := apply
	if m, ok := f.net.(*LipschitzMLP); ok {
		iterated = m.at(y.Tape(), context)
	}
	x = y.FixedPoint(func(x *ad.Value) *ad.Value { return y.Sub(iterated(x)) })
	return x, f.logDet(x, ad.Linearize(apply, x)).Neg()
}

// logDet returns ln det(I + J), n×1, for the Jacobian J of g at x.
func (f *Residual) logDet(x *ad.Value, g ad.Linearization) *ad.Value {
	if x.Tape().Training() && f.Dim() > residualExactDim {
		return f.estimate(x, g)
	}
	return x.Tape().Scratch(func() *ad.Value { return f.exact(x, g) })
}

// exact returns ln det(I + J). The rows of the matrices are the columns of J, which does not change the determinant.
func (f *Residual) exact(x *ad.Value, g ad.Linearization) *ad.Value {
	n, d := x.Dims()
	eye := x.Tape().Eye(d).Reshape(1, d*d)
	columns := make([]ad.Operand, 0, residualExactDim)
	for j := range d {
		columns = append(columns, g.JVP(eye.Slice(j*d, (j+1)*d).Repeat(n)))
	}
	return x.Slice(0, 0).Concat(columns...).Add(eye).LogAbsDet()
}

// estimate returns an unbiased estimate of ln det(I + J) = Σ (−1)^{k+1}/k·tr Jᵏ.
func (f *Residual) estimate(x *ad.Value, g ad.Linearization) *ad.Value {
	t := x.Tape()
	p := 1 / (1 + math.Exp(-f.geomP[0]))
	v, terms := t.Rademacher(x.Dims()), residualExactTerms+1
	if x.Rows() > 0 {
		terms += geometric(p, t.Uniform(x.Rows(), 1).At(0, 0))
	}
	weight := 1.0 // (−1)^{k+1}/P(N ≥ k−2)
	power := g.JVP(v)
	sum := power
	for k := 2; k <= terms; k++ {
		weight = -weight
		if k > residualExactTerms+1 {
			weight /= 1 - p
		}
		power = g.JVP(power)
		sum = sum.Add(power.Scale(weight / float64(k)))
	}
	return v.Mul(sum).RowSum()
}

// geometric returns the number of failures before the first success, which has probability p, from a number u that is
// uniform in (0, 1).
func geometric(p, u float64) int { return int(math.Log(u) / math.Log1p(-p)) }

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
