package nfkit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// MADEOptions are the options of [NewMADE].
type MADEOptions struct {
	// Order says how components depend on each other: the outputs of component Order[k] see components Order[0] to
	// Order[k−1]. nil is the natural order; for a random one, use rand.New(src).Perm(dim).
	Order []int

	// Adjacency says instead what components depend on: Adjacency[j][i] is whether the outputs of component j see component i. There must be an
	// order in which each sees some of those before. With columns for the context after those of the components, outputs see what these say of it
	// too; without, all of it. Components that do not wait for each other are solved for together.
	Adjacency [][]bool

	Blocks        int  // blocks between first and last layer; 0 means 2, −1 none: the network is linear
	FeedForward   bool // a block is one layer and an activation; the default is a residual block of two
	RandomDegrees bool // hidden units draw what they see; for FeedForward only, as skip connections need equal layers

	Activation Activation
	Leaky      float64 // slope of ActReLU below 0
	Dropout    float64 // probability with which a hidden unit of a block is left out in training

	Context    int // columns of a context, which all outputs see
	Preprocess Net // applied to the input, component by component, before the first layer; nil means none

	// BatchNorm puts a batch normalisation before each hidden layer of a block, as a network of the reference with use_batch_norm has when it is
	// evaluated: running statistics come with its file, and training changes weights and biases alone.
	BatchNorm bool
}

// MADE is a network whose outputs for a component depend on the components before it in some order: one evaluation
// gives the parameters of all conditional distributions of an autoregressive model.
//
// Each unit has a degree. Those of the inputs are 1 to d in the given order; a hidden unit of degree k sees units of
// degree k or less, an output of degree k units of less. Weights between others are masked. The degrees of hidden
// units go round 1 to d−1; with a context round 1 to d−1 and 0, where 0 sees the context alone: without such units,
// as in the reference, the outputs for the first component are constants that ignore the context.
// Layers and blocks are those of [ResidualNet], or with FeedForward
//
//	h₀ = W·x + b + C·c,  h_{i+1} = σ(W_i·h_i + b_i),
//
// whose first layer has no activation, as in the reference. A context enters the first layer by a linear map, and
// gates residual blocks.
//
// With an Adjacency, there are as many kinds of hidden units as there are different rows; a unit sees what the outputs of its row see.
//
// Germain et al. 2015, arXiv:1502.03509. Its twin in normflows is nets.MADE.
type MADE struct {
	dim, outputs int
	initial      maskedLinear
	context      *linear         // of the context to the first layer; nil if there is none
	hidden       []maskedLinear  // layers of the blocks, in order
	norms        []*hiddenNorm   // before the layers of hidden; nil for those without
	blocks       []residualBlock // the same layers; nil if they follow one another
	final        maskedLinear
	act          activation
	dropout      float64
	preprocess   Net    // or nil
	graph        *graph // or nil

	order  []int   // of the components
	counts [][]int // of the units of each layer, but for the last one, with degrees up to each one
}

var (
	_ Net         = (*MADE)(nil)
	_ Conditional = (*MADE)(nil)
	_ Wide        = (*MADE)(nil)
)

// NewMADE returns a network with the given number of outputs for each of dim components, and of hidden units in each
// layer between. A nil opts means the defaults. It panics when a size or an option is out of range, Order is not a
// permutation, Adjacency has a cycle or another size, or RandomDegrees is asked of residual blocks.
func NewMADE(dim, outputs, hidden int, opts *MADEOptions, src rand.Source) *MADE {
	var o MADEOptions
	if opts != nil {
		o = *opts
	}
	if o.Blocks == 0 {
		o.Blocks = 2
	}
	o.check(dim, outputs, hidden)
	r := newRand("NewMADE", src)
	m := &MADE{dim: dim, outputs: outputs, dropout: o.Dropout, preprocess: o.Preprocess,
		act: newActivation("NewMADE", o.Activation, o.Leaky)}
	in := o.inputDegrees(dim)
	sees, seesBefore, seesLast := atLeast(0), atLeast(0), atLeast(1)
	units := func(before []int) []int { return o.hiddenDegrees(hidden, dim, before, r) }
	if o.Adjacency != nil {
		g := newGraph(o.Adjacency, dim, o.Context)
		m.graph, in = g, firstNumbers(dim)
		sees, seesBefore, seesLast = g.unitSees, g.unitsSee, g.outputSees
		units = func([]int) []int { return g.hidden(hidden) }
	}
	m.initial = newMaskedLinear(in, units(in), sees, r)
	if o.Context > 0 {
		context := newLinear(o.Context, hidden, r)
		if m.graph != nil {
			m.graph.maskContext(&context)
		}
		m.context = &context
	}
	last := m.initial
	for range o.Blocks {
		layers := 2
		if o.FeedForward {
			layers = 1
		}
		for range layers {
			last = newMaskedLinear(last.degrees, units(last.degrees), seesBefore, r)
			m.hidden = append(m.hidden, last)
			var norm *hiddenNorm
			if o.BatchNorm {
				norm = newHiddenNorm(hidden)
			}
			m.norms = append(m.norms, norm)
		}
		if !o.FeedForward {
			b := residualBlock{act: m.act, dropout: o.Dropout, layers: [2]linear{m.hidden[len(m.hidden)-2].linear, last.linear},
				norms: [2]*hiddenNorm(m.norms[len(m.norms)-2:])}
			b = b.ready(o.Context, r)
			if m.graph != nil && b.gate != nil {
				m.graph.maskContext(b.gate)
			}
			m.blocks = append(m.blocks, b)
		}
	}
	var out []int
	for _, k := range in {
		for range outputs {
			out = append(out, k)
		}
	}
	m.final = newMaskedLinear(last.degrees, out, seesLast, r)
	if m.graph != nil {
		m.final.degrees = m.graph.places(outputs)
	}
	m.arrange()
	return m
}

// arrange keeps hidden units by their degrees, so that those which see the same units are neighbours: products then leave out most
// of what is masked.
func (m *MADE) arrange() {
	before := byDegree(m.initial.degrees)
	m.initial.arrange(before, nil)
	if m.context != nil {
		m.context.arrange(before, nil)
	}
	for i, l := range m.hidden {
		order := byDegree(l.degrees)
		l.arrange(order, before)
		m.norms[i].arrange(before)
		if before = order; m.blocks != nil && m.blocks[i/2].gate != nil && i%2 == 1 {
			m.blocks[i/2].gate.arrange(order, nil)
		}
	}
	m.final.arrange(nil, before)

	m.order = byDegree(m.final.degrees)
	for k := range m.dim {
		m.order[k] = m.order[k*m.outputs] / m.outputs
	}
	m.order = m.order[:m.dim]
	m.counts = [][]int{unitCounts(m.initial.degrees, m.dim)}
	for _, l := range m.hidden {
		m.counts = append(m.counts, unitCounts(l.degrees, m.dim))
	}
}

// byDegree returns the units in the order of their degrees.
func byDegree(degrees []int) []int {
	order := make([]int, len(degrees))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return degrees[i] - degrees[j] })
	return order
}

func (o *MADEOptions) check(dim, outputs, hidden int) {
	switch {
	case dim < 1 || outputs < 1 || hidden < 1:
		panic(fmt.Sprintf("nfkit: NewMADE: got dimension %d, %d outputs and %d hidden units, want 1 or more", dim, outputs, hidden))
	case o.Blocks < -1 || o.Context < 0:
		panic(fmt.Sprintf("nfkit: NewMADE: got %d blocks and a context of %d columns, want 0 or more, or −1 for no blocks", o.Blocks, o.Context))
	case o.Adjacency != nil && (o.Order != nil || o.RandomDegrees):
		panic(fmt.Sprintf("nfkit: NewMADE: got an Adjacency with Order %v and RandomDegrees %t; it says all of that", o.Order, o.RandomDegrees))
	case o.RandomDegrees && !o.FeedForward:
		panic("nfkit: NewMADE: got RandomDegrees with residual blocks, whose skip connections need the same degrees in each layer; use FeedForward")
	case preprocessed("NewMADE", dim, o.Preprocess) != dim:
		panic(fmt.Sprintf("nfkit: NewMADE: got preprocessing from %d to %d columns, want it to keep the components", dim, o.Preprocess.Out()))
	}
	if o.Order != nil {
		if err := checkPermutation(o.Order, dim); err != nil {
			panic(fmt.Sprintf("nfkit: NewMADE: got Order %v, want a permutation of 0 to %d", o.Order, dim-1))
		}
	}
	checkDropout("NewMADE", o.Dropout)
}

// inputDegrees returns the place of each component in the order, from 1.
func (o *MADEOptions) inputDegrees(dim int) []int {
	degrees := make([]int, dim)
	for k := range degrees {
		j := k
		if o.Order != nil {
			j = o.Order[k]
		}
		degrees[j] = k + 1
	}
	return degrees
}

// hiddenDegrees returns the degrees of a hidden layer that follows units of the given degrees.
func (o *MADEOptions) hiddenDegrees(hidden, dim int, before []int, r *rand.Rand) []int {
	degrees := make([]int, hidden)
	least := dim - 1 // of the units before, but some unit must be seen by the last output
	for _, k := range before {
		least = min(least, k)
	}
	if o.Context > 0 {
		least = 0
	}
	for i := range degrees {
		switch {
		case o.RandomDegrees:
			degrees[i] = least + r.IntN(dim-least)
		case o.Context > 0:
			degrees[i] = (i + 1) % dim
		default:
			degrees[i] = i%max(1, dim-1) + min(1, dim-1)
		}
	}
	return degrees
}

// In returns the number of components.
func (m *MADE) In() int { return m.dim }

// Out returns the number of components times that of the outputs of each; the outputs of a component are side by side.
func (m *MADE) Out() int { return m.dim * m.outputs }

// ContextDim returns the number of columns of the context, 0 for none.
func (m *MADE) ContextDim() int {
	if m.context == nil {
		return 0
	}
	_, c := m.context.weight.Dims()
	return c
}

// Apply returns the outputs of the components, one component after the other. Cost as that of a network without masks.
func (m *MADE) Apply(x, context *ad.Value) *ad.Value {
	return m.evaluate(x, context, m.final.apply)
}

// evaluate is Apply with the given last layer.
func (m *MADE) evaluate(x, context *ad.Value, last func(h *ad.Value) *ad.Value) *ad.Value {
	checkBatch("MADE.Apply", x, m.dim)
	if m.preprocess != nil {
		x = m.preprocess.Apply(x, nil)
	}
	if m.context != nil {
		checkContext("MADE.Apply", context, m.ContextDim())
	}
	return x.Tape().Scratch(func() *ad.Value { return last(m.hiddenUnits(x, context)) })
}

// hiddenUnits returns those before the last layer, for x after preprocessing.
func (m *MADE) hiddenUnits(x, context *ad.Value) *ad.Value {
	h := m.initial.apply(x)
	if m.context != nil {
		h = h.Add(m.context.apply(context))
	}
	if m.blocks == nil {
		for i, l := range m.hidden {
			h = m.act.dense(m.norms[i].apply(h), l.linear).Dropout(m.dropout)
		}
	}
	for i := range m.blocks {
		h = m.blocks[i].apply(h, context)
	}
	return h
}

// startAt makes the network return row whatever its input.
func (m *MADE) startAt(row []float64) { m.final.setConstant(row) }

// maskedLinear is a linear map between units that have degrees: a weight is masked unless the degree of its output is
// at least that of its input, or in the last layer at least one more. With a graph, degrees are numbers of sets of units, and of places in the last layer.
type maskedLinear struct {
	linear
	mask    []float64 // out×in, 0 or 1
	degrees []int     // of the outputs
}

// atLeast reports whether a degree is that much above another one, or more.
func atLeast(more int) func(out, in int) bool {
	return func(out, in int) bool { return out >= in+more }
}

func newMaskedLinear(in, out []int, sees func(out, in int) bool, r *rand.Rand) maskedLinear {
	l := newLinear(len(in), len(out), r)
	mask := make([]float64, 0, len(in)*len(out))
	for _, o := range out {
		for _, i := range in {
			m := 0.0
			if sees(o, i) {
				m = 1
			}
			mask = append(mask, m)
		}
	}
	l.weight = ad.NewMaskedParam(len(out), len(in), l.weight.Data, mask)
	return maskedLinear{l, mask, out}
}

// State lists preprocessing, initial_layer, context_layer, blocks.0, blocks.1, … and final_layer, with masks and
// degrees. Masks and degrees are accepted together, if outputs depend on components before theirs alone.
func (m *MADE) State() State {
	var s State
	if m.preprocess != nil {
		s = m.preprocess.State().Under("preprocessing")
	}
	masks := m.maskGroup()
	s = append(s, m.initial.state("initial_layer", masks)...)
	if m.context != nil {
		s = append(s, m.context.state("context_layer")...)
	}
	for i, l := range m.hidden {
		if m.blocks == nil {
			s = append(s, m.norms[i].state("blocks."+strconv.Itoa(i)+".batch_norm")...)
			s = append(s, l.state("blocks."+strconv.Itoa(i)+".linear", masks)...)
			continue
		}
		name := "blocks." + strconv.Itoa(i/2)
		if gate := m.blocks[i/2].gate; gate != nil && i%2 == 0 {
			s = append(s, gate.state(name+".context_layer")...)
		}
		s = append(s, m.norms[i].state(name+".batch_norm_layers."+strconv.Itoa(i%2))...)
		s = append(s, l.state(name+".linear_layers."+strconv.Itoa(i%2), masks)...)
	}
	s = append(s, m.final.state("final_layer", masks)...)
	s[len(s)-1].changed = m.arrange
	return s.OwnedBy(m)
}

// Width returns the widest layer.
func (m *MADE) Width() int {
	out, hidden := m.final.weight.Dims()
	return max(out, hidden)
}
