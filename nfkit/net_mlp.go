package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// linear is the map x ↦ x·wᵀ + b with w out×in.
type linear struct{ weight, bias *ad.Param }

// newLinear draws w and b uniformly from ±1/√in, as PyTorch does.
func newLinear(in, out int, r *rand.Rand) linear {
	limit := 1 / math.Sqrt(float64(max(in, 1)))
	return linear{uniformParam(out, in, limit, r), uniformParam(1, out, limit, r)}
}

// uniform draws w and b anew, uniformly from ±limit.
func (l linear) uniform(limit float64, r *rand.Rand) {
	for _, p := range [...]*ad.Param{l.weight, l.bias} {
		for i := range p.Data {
			p.Data[i] = limit * (2*r.Float64() - 1)
		}
	}
}

// apply returns x·wᵀ + b.
func (l linear) apply(x *ad.Value) *ad.Value { return x.Linear(l.weight, l.bias) }

// applyRows returns the outputs lo to hi (excluded) of apply.
func (l linear) applyRows(x *ad.Value, lo, hi int) *ad.Value {
	t := x.Tape()
	out, in := l.weight.Dims()
	w := t.Param(l.weight).Reshape(1, out*in).Slice(lo*in, hi*in).Reshape(hi-lo, in)
	return x.Linear(w, t.Param(l.bias).Slice(lo, hi))
}

// setConstant makes the map return the given row.
func (l linear) setConstant(row []float64) {
	clear(l.weight.Data)
	copy(l.bias.Data, row)
}

// arrange keeps outputs and inputs in these orders on a tape; nil is that of the parameters.
func (l linear) arrange(out, in []int) {
	l.weight.Arrange(out, in)
	l.bias.Arrange(nil, out)
}

func (l linear) zero() {
	clear(l.weight.Data)
	clear(l.bias.Data)
}

func (l linear) state(name string) State {
	out, in := l.weight.Dims()
	return State{ParamTensor(name+".weight", l.weight, out, in), ParamTensor(name+".bias", l.bias, out)}
}

// OutputFn is what an [MLP] does to the result of its last layer.
type OutputFn uint8

const (
	OutputNone     OutputFn = iota // nothing
	OutputSigmoid                  // 1/(1+e⁻ˣ)
	OutputReLU                     // max(x, 0)
	OutputTanh                     // tanh x
	OutputClampExp                 // min(eˣ, 1)
)

// MLPOptions are the options of [NewMLP].
type MLPOptions struct {
	Activation Activation
	Leaky      float64 // slope of ActReLU below 0
	Dropout    float64 // probability with which an input of the last layer is left out in training
	InitZeros  bool    // weights and bias of the last layer start at 0, so that a coupling starts as the identity

	Output      OutputFn
	ScoreScale  float64 // factor before Output, which it needs; 0 means 1
	OutputScale float64 // factor after Output, which it needs; 0 means 1

	Context int // columns of a context that is appended to the input
}

// MLP is a multilayer perceptron: linear maps with an activation between them. Weights and biases start uniform in
// ±1/√fan-in. Its twin in normflows is nets.MLP.
type MLP struct {
	layers []linear
	act    activation
	opts   MLPOptions

	scoreScale, outputScale []float64 // one number, a buffer; nil if there is none
}

var (
	_ Net         = (*MLP)(nil)
	_ Conditional = (*MLP)(nil)
	_ Wide        = (*MLP)(nil)
)

// NewMLP returns a network with layers of the given widths, the first of which is the input and the last the
// output. A nil opts means the defaults. It panics when there are fewer than two layers, a width below 1, or an
// option that is unknown or has no effect.
func NewMLP(layers []int, opts *MLPOptions, src rand.Source) *MLP {
	if len(layers) < 2 {
		panic(fmt.Sprintf("nfkit: NewMLP: got layers %v, want at least an input and an output", layers))
	}
	for _, n := range layers {
		if n < 1 {
			panic(fmt.Sprintf("nfkit: NewMLP: got layers %v, want widths of 1 or more", layers))
		}
	}
	m := &MLP{}
	if opts != nil {
		m.opts = *opts
	}
	switch o := m.opts; {
	case o.Output > OutputClampExp:
		panic(fmt.Sprintf("nfkit: NewMLP: got output function %d, want one of OutputNone to OutputClampExp", o.Output))
	case o.Output == OutputNone && (o.ScoreScale != 0 || o.OutputScale != 0):
		panic(fmt.Sprintf("nfkit: NewMLP: got ScoreScale %v and OutputScale %v without an Output function to scale", o.ScoreScale, o.OutputScale))
	case o.Context < 0:
		panic(fmt.Sprintf("nfkit: NewMLP: got a context of %d columns, want 0 or more", o.Context))
	}
	m.act = newActivation("NewMLP", m.opts.Activation, m.opts.Leaky)
	checkDropout("NewMLP", m.opts.Dropout)
	if s := m.opts.ScoreScale; s != 0 {
		m.scoreScale = []float64{s}
	}
	if s := m.opts.OutputScale; s != 0 {
		m.outputScale = []float64{s}
	}
	r := newRand("NewMLP", src)
	in := layers[0] + m.opts.Context
	for _, out := range layers[1:] {
		m.layers = append(m.layers, newLinear(in, out, r))
		in = out
	}
	if m.opts.InitZeros {
		m.layers[len(m.layers)-1].zero()
	}
	return m
}

// In returns the width of the input, without the context.
func (m *MLP) In() int {
	_, in := m.layers[0].weight.Dims()
	return in - m.opts.Context
}

// Out returns the width of the output.
func (m *MLP) Out() int {
	out, _ := m.layers[len(m.layers)-1].weight.Dims()
	return out
}

// ContextDim returns the number of columns of the context, 0 for none.
func (m *MLP) ContextDim() int { return m.opts.Context }

// Apply returns the output of the network. Cost O(n·Σ in·out).
func (m *MLP) Apply(x, context *ad.Value) *ad.Value {
	checkBatch("MLP.Apply", x, m.In())
	x = withContext("MLP.Apply", x, context, m.opts.Context)
	return x.Tape().Scratch(func() *ad.Value { return m.apply(x) })
}

// apply is Apply with the context among the columns of x.
func (m *MLP) apply(x *ad.Value) *ad.Value {
	last := len(m.layers) - 1
	for _, l := range m.layers[:last] {
		x = m.act.dense(x, l)
	}
	x = m.layers[last].apply(x.Dropout(m.opts.Dropout))
	if m.scoreScale != nil {
		x = x.Scale(m.scoreScale[0])
	}
	switch m.opts.Output {
	case OutputSigmoid:
		x = x.Sigmoid()
	case OutputReLU:
		x = x.ReLU()
	case OutputTanh:
		x = x.Tanh()
	case OutputClampExp:
		x = x.Exp().Min(x.Tape().Full(1, 1, 1))
	}
	if m.outputScale != nil {
		x = x.Scale(m.outputScale[0])
	}
	return x
}

// withContext appends the context to x, if the network takes one of dim columns.
func withContext(call string, x, context *ad.Value, dim int) *ad.Value {
	if dim == 0 {
		return x
	}
	checkContext(call, context, dim)
	return x.Concat(context)
}

// checkContext panics unless context has dim columns.
func checkContext(call string, context *ad.Value, dim int) {
	if context == nil {
		panic(fmt.Sprintf("nfkit: %s: got no context, want %d columns; condition the model with Given", call, dim))
	}
	if n, c := context.Dims(); c != dim {
		panic(fmt.Sprintf("nfkit: %s: got a %d×%d context, want %d columns", call, n, c, dim))
	}
}

// State lists net.0.weight, net.0.bias, net.2.weight, …: activations, a dropout and an output function have a number in
// the reference as well. Scales of the output are buffers.
func (m *MLP) State() State {
	var s State
	slot, last := 0, len(m.layers)-1
	for i, l := range m.layers {
		if i == last && m.opts.Dropout > 0 {
			slot++
		}
		s = append(s, l.state("net."+strconv.Itoa(slot))...)
		slot += 2
	}
	if m.scoreScale != nil {
		s = append(s, Tensor{Name: "net." + strconv.Itoa(slot-1) + ".scale", Floats: m.scoreScale})
		slot++
	}
	if m.outputScale != nil {
		s = append(s, Tensor{Name: "net." + strconv.Itoa(slot) + ".scale", Floats: m.outputScale})
	}
	return s.OwnedBy(m)
}

// startAt makes the network return row whatever its input, unless a function follows its last layer.
func (m *MLP) startAt(row []float64) {
	if m.opts.Output == OutputNone {
		m.layers[len(m.layers)-1].setConstant(row)
	}
}

// Width returns the widest layer.
func (m *MLP) Width() int {
	width := 0
	for _, l := range m.layers {
		out, in := l.weight.Dims()
		width = max(width, out, in)
	}
	return width
}
