package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// LipschitzMLPOptions are the options of [NewLipschitzMLP].
type LipschitzMLPOptions struct {
	Lipschitz float64 // bound c of the spectral norm of each linear map; 0 means 0.97
	Context   int     // columns of a context that is added to the first linear map, without a bound
}

// LipschitzMLP is a network g whose outputs move less than its inputs: |g(x) − g(y)| ≤ cᵐ·|x − y| for m layers. A layer
// is
//
//	h ↦ W′·swish(h) + b,  W′ = W/max(1, σ/c),  swish(h) = h·sigmoid(h·softplus(β))/1.1,
//
// with σ the largest singular value of W. swish has slopes of at most 1. σ = uᵀWv, with singular vectors u and v that
// [LipschitzMLP.UpdateLipschitz] computes by power iteration: the gradient of W′ flows through W alone, which is exact.
// Between its calls the vectors are those of earlier weights, so that σ is too small, by a few per cent after a long
// step; c leaves room.
//
// Chen et al. 2019, arXiv:1906.02735; Miyato et al. 2018, arXiv:1802.05957. Its twin in normflows is nets.LipschitzMLP.
type LipschitzMLP struct {
	layers  []lipschitzLayer
	context *ad.Param // width×columns; nil for none
	bound   float64   // c
}

// lipschitzLayer is a swish and a linear map.
type lipschitzLayer struct {
	beta *ad.Param
	linear
	scale, u, v []float64 // σ of the last update, and its singular vectors
}

var (
	_ Net         = (*LipschitzMLP)(nil)
	_ Conditional = (*LipschitzMLP)(nil)
)

// NewLipschitzMLP returns a network with layers of the given widths, the first of which is the input and the last the
// output. Weights and biases start uniform in ±1/√fan-in, but the last weights at 1/1000 of that, and β at ½. A nil
// opts means the defaults. It panics when there are fewer than two widths or one is below 1, or an option is out of
// range.
func NewLipschitzMLP(layers []int, opts *LipschitzMLPOptions, src rand.Source) *LipschitzMLP {
	o := LipschitzMLPOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Lipschitz == 0 {
		o.Lipschitz = 0.97
	}
	switch {
	case len(layers) < 2:
		panic(fmt.Sprintf("nfkit: NewLipschitzMLP: got layers %v, want at least an input and an output", layers))
	case !(o.Lipschitz > 0 && o.Lipschitz < 1):
		panic(fmt.Sprintf("nfkit: NewLipschitzMLP: got Lipschitz %v, want more than 0 and less than 1", o.Lipschitz))
	case o.Context < 0:
		panic(fmt.Sprintf("nfkit: NewLipschitzMLP: got a context of %d columns, want 0 or more", o.Context))
	}
	for _, n := range layers {
		if n < 1 {
			panic(fmt.Sprintf("nfkit: NewLipschitzMLP: got layers %v, want widths of 1 or more", layers))
		}
	}
	r := newRand("NewLipschitzMLP", src)
	m := &LipschitzMLP{bound: o.Lipschitz}
	for i, out := range layers[1:] {
		in := layers[i]
		l := lipschitzLayer{beta: ad.NewParam(1, 1, []float64{0.5}), linear: newLinear(in, out, r),
			scale: []float64{0}, u: make([]float64, out), v: make([]float64, in)}
		if i == len(layers)-2 {
			kernel.Scale(l.weight.Data, 1e-3, l.weight.Data)
		}
		for k := range l.u {
			l.u[k] = r.NormFloat64()
		}
		l.update(firstPowerSteps, 0)
		m.layers = append(m.layers, l)
	}
	if o.Context > 0 {
		m.context = uniformParam(layers[1], o.Context, 1/math.Sqrt(float64(o.Context)), r)
	}
	return m
}

// In returns the width of the input, without the context.
func (m *LipschitzMLP) In() int { return len(m.layers[0].v) }

// Out returns the width of the output.
func (m *LipschitzMLP) Out() int { return len(m.layers[len(m.layers)-1].u) }

// ContextDim returns the number of columns of the context, 0 for none.
func (m *LipschitzMLP) ContextDim() int {
	if m.context == nil {
		return 0
	}
	_, c := m.context.Dims()
	return c
}

// Lipschitz returns cᵐ, the bound of the whole network.
func (m *LipschitzMLP) Lipschitz() float64 { return math.Pow(m.bound, float64(len(m.layers))) }

// Apply returns g(x). Cost O(n·Σ in·out).
func (m *LipschitzMLP) Apply(x, context *ad.Value) *ad.Value {
	checkBatch("LipschitzMLP.Apply", x, m.In())
	return m.apply(x, m.normalize(x.Tape(), context, make([]normalized, 0, inlineLayers)))
}

// at returns Apply for one context, with what does not depend on x computed.
func (m *LipschitzMLP) at(t *ad.Tape, context *ad.Value) func(x *ad.Value) *ad.Value {
	fixed := m.normalize(t, context, nil)
	return func(x *ad.Value) *ad.Value { return m.apply(x, fixed) }
}

// normalized is the part of a layer that does not depend on x.
type normalized struct {
	beta   *ad.Value // softplus(β), 1×1
	gain   *ad.Value // 1/(1.1·max(1, σ/c)), 1×1, which stands before W and so turns it into W′
	offset *ad.Value // bias and context in the first layer of a network that takes one, n×width; else nil
}

// inlineLayers is the number of layers up to which lists of values need no allocation.
const inlineLayers = 8

// swishSlope is the number by which swish is divided: a bit more than its largest slope, 1.0998.
const swishSlope = 1.1

// normalize computes what does not depend on x, and appends it to list.
func (m *LipschitzMLP) normalize(t *ad.Tape, context *ad.Value, list []normalized) []normalized {
	one := t.Full(1, 1, 1)
	for i, l := range m.layers {
		sigma := t.Const(1, len(l.u), l.u).MatMul(l.weight).Mul(t.Const(1, len(l.v), l.v)).Sum()
		p := normalized{
			beta: t.Param(l.beta).Softplus(),
			gain: sigma.Scale(1 / m.bound).Max(one).Scale(swishSlope).Reciprocal(),
		}
		if i == 0 && m.context != nil {
			checkContext("LipschitzMLP.Apply", context, m.ContextDim())
			p.offset = context.Linear(m.context, l.bias)
		}
		list = append(list, p)
	}
	return list
}

// apply returns g(x).
func (m *LipschitzMLP) apply(x *ad.Value, fixed []normalized) *ad.Value {
	for i, l := range m.layers {
		h, _ := x.Swish(fixed[i].beta, fixed[i].gain)
		if offset := fixed[i].offset; offset != nil {
			x = h.Linear(l.weight, nil).Add(offset)
		} else {
			x = h.Linear(l.weight, l.bias)
		}
	}
	return x
}

const (
	firstPowerSteps = 200  // at construction
	maxPowerSteps   = 50   // in an update, mostly a few
	powerTolerance  = 1e-6 // relative change of σ after which an update ends
)

// UpdateLipschitz brings the spectral norms up to date with the weights. A training step of a model with a [Residual]
// flow begins with it; a flow of one's own that has such a network calls it in Prepare: see [Preparer]. Cost: a few
// times the number of weights. Its twin in normflows is utils.update_lipschitz.
func (m *LipschitzMLP) UpdateLipschitz() {
	for _, l := range m.layers {
		l.update(maxPowerSteps, powerTolerance)
	}
}

// update does steps of power iteration, until σ changes by less than tol.
func (l lipschitzLayer) update(steps int, tol float64) {
	w, in := l.weight.Data, len(l.v)
	for range steps {
		clear(l.v)
		for i, u := range l.u {
			kernel.Axpy(l.v, u, w[i*in:(i+1)*in])
		}
		normalize(l.v)
		for i := range l.u {
			l.u[i] = kernel.Dot(w[i*in:(i+1)*in], l.v)
		}
		old := l.scale[0]
		l.scale[0] = normalize(l.u)
		if math.Abs(l.scale[0]-old) <= tol*l.scale[0] {
			return
		}
	}
}

// normalize divides s by its length, which it returns. What has no direction gets the same for all elements.
func normalize(s []float64) float64 {
	norm := math.Sqrt(kernel.Dot(s, s))
	if norm > 0 {
		kernel.Scale(s, 1/norm, s)
		return norm
	}
	for i := range s {
		s[i] = 1 / math.Sqrt(float64(len(s)))
	}
	return norm
}

// State lists net.0.beta, net.1.weight, net.1.bias, net.1.scale, net.1.u, net.1.v, net.2.beta, …, and
// context_layer.weight.
func (m *LipschitzMLP) State() State {
	var s State
	for i, l := range m.layers {
		s = append(s, ParamTensor("net."+strconv.Itoa(2*i)+".beta", l.beta, 1))
		name := "net." + strconv.Itoa(2*i+1)
		s = append(s, l.linear.state(name)...)
		s = append(s, Tensor{Name: name + ".scale", Floats: l.scale}, unitTensor(name+".u", l.u), unitTensor(name+".v", l.v))
	}
	if m.context != nil {
		width, columns := m.context.Dims()
		s = append(s, ParamTensor("context_layer.weight", m.context, width, columns))
	}
	return s.OwnedBy(m)
}

// unitTensor names a buffer that is a vector of length 1. One that came rounded, as to bfloat16, gets this length.
func unitTensor(name string, data []float64) Tensor {
	const rounded = 1e-6 // beyond what float32 leaves
	return Tensor{Name: name, Shape: []int{len(data)}, Floats: data,
		Check: func(t Tensor) error {
			if norm := math.Sqrt(kernel.Dot(t.Floats, t.Floats)); !(math.Abs(norm-1) <= 0.01) {
				return fmt.Errorf("it has length %v, want 1", norm)
			}
			return nil
		},
		changed: func() {
			if norm := math.Sqrt(kernel.Dot(data, data)); math.Abs(norm-1) > rounded {
				kernel.Scale(data, 1/norm, data)
			}
		}}
}
