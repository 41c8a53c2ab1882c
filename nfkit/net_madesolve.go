package nfkit

import (
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// solver finds x and ln|dx/dy|, each n×1, of component j of a batch, from its y and the outputs of the network for it.
type solver func(j int, y, params *ad.Value) (x, logDet *ad.Value)

// solve inverts an autoregressive flow: it finds the components of x in their order, each from its y and the outputs of
// the network for those before it. Components that are still to come are 0, so that they cannot overflow. Cost: a few evaluations of the network, see growing; d
// of them, but for its last layer, where values are kept for derivatives or the network has batch normalisations; as many as a graph has levels.
func (m *MADE) solve(y, context *ad.Value, f solver) (x, logDet *ad.Value) {
	t := y.Tape()
	if g := m.growing(t, y.Rows(), context); g != nil {
		return g.solve(y, f)
	}
	columns, zero := make([]ad.Operand, m.dim), t.Full(y.Rows(), 1, 0)
	for j := range columns {
		columns[j] = zero
	}
	logDet = zero
	for _, level := range m.levels() {
		k := len(level)
		solved := t.Scratch(func() *ad.Value {
			params, sum := m.outputsOf(level, zero.Slice(0, 0).Concat(columns...), context), logDet
			var found []ad.Operand
			for i, j := range level {
				xj, l := f(j, y.Slice(j, j+1), params.Slice(i*m.outputs, (i+1)*m.outputs))
				found, sum = append(found, xj), sum.Add(l)
			}
			return zero.Slice(0, 0).Concat(append(found, sum)...)
		})
		for i, j := range level {
			columns[j] = solved.Slice(i, i+1)
		}
		logDet = solved.Slice(k, k+1)
	}
	return zero.Slice(0, 0).Concat(columns...), logDet
}

// levels returns the components in their order; those of one level are solved for together.
func (m *MADE) levels() [][]int {
	if m.graph != nil {
		return m.graph.levels
	}
	levels := make([][]int, m.dim)
	for k, j := range m.order {
		levels[k] = []int{j}
	}
	return levels
}

// outputsOf returns the outputs of some components alone.
func (m *MADE) outputsOf(components []int, x, context *ad.Value) *ad.Value {
	return m.evaluate(x, context, func(h *ad.Value) *ad.Value {
		var outputs []ad.Operand
		for _, j := range components {
			outputs = append(outputs, m.final.applyRows(h, j*m.outputs, (j+1)*m.outputs))
		}
		return outputs[0].(*ad.Value).Concat(outputs[1:]...)
	})
}

// growing is the evaluation of a [MADE] for components that become known one after the other. A hidden unit of degree k depends on the first k
// components; so each is computed once, when they are known. With units in the order of their degrees, those of each degree are neighbours, and
// depend on a run of the units before.
//
// All that is computed is kept in values that grow; those of a layer have zeros where units are still to come. Cost of all components together: that of one
// evaluation without masks, or some of them where few units have the same degree, to the same bits.
type growing struct {
	net     *MADE
	tape    *ad.Tape
	x       *ad.Value   // n×d, components that are not known yet are 0
	context *ad.Value   // what the context adds to the first layer, n×h; nil if there is none
	gates   []*ad.Value // of the blocks, n×h; nil if there are none
	units   []*ad.Value // what each hidden layer but the first one takes, and the last layer of all: n×h
}

// growing returns an evaluation for n rows, nil if there is none: on a tape that keeps values, with units that depend on more than those
// before, and for a graph, whose units have no degrees.
func (m *MADE) growing(t *ad.Tape, n int, context *ad.Value) *growing {
	if t.Keeps() || m.graph != nil || len(m.norms) > 0 && m.norms[0] != nil {
		return nil
	}
	if m.context != nil {
		checkContext("MADE.Apply", context, m.ContextDim())
	}
	g := &growing{net: m, tape: t, x: t.Full(n, m.dim, 0), units: make([]*ad.Value, 0, len(m.hidden)+1)}
	for i, l := range m.hidden {
		if m.blocks != nil && !slices.Equal(l.degrees, m.initial.degrees) { // a skip connection between units of two degrees
			return nil
		}
		_, in := l.weight.Dims()
		g.units = append(g.units, t.Full(n, in, 0))
		if m.blocks != nil && i%2 == 0 {
			if gate := m.blocks[i/2].gate; gate != nil {
				g.gates = append(g.gates, context.Dense(gate.weight, gate.bias, ad.Sigmoid, 0))
			}
		}
	}
	_, in := m.final.weight.Dims()
	g.units = append(g.units, t.Full(n, in, 0))
	if m.context != nil {
		g.context = m.context.apply(context)
	}
	return g
}

// unitCounts returns how many units have a degree of 0 or less, 1 or less, and so on to dim.
func unitCounts(degrees []int, dim int) []int {
	counts := make([]int, dim+1)
	for _, d := range degrees {
		for k := max(d, 0); k <= dim; k++ {
			counts[k]++
		}
	}
	return counts
}

// solve finds the components by f.
func (g *growing) solve(y *ad.Value, f solver) (x, logDet *ad.Value) {
	m := g.net
	logDet = g.tape.Full(y.Rows(), 1, 0)
	for k := range m.dim {
		g.tape.Scratch(func() *ad.Value {
			g.extend(k)
			j, last := m.order[k], len(m.hidden)
			params := g.units[last].DensePart(m.final.weight, m.final.bias, j*m.outputs, (j+1)*m.outputs, true, ad.Identity, 0)
			xj, l := f(j, y.Slice(j, j+1), params)
			g.x.SetColumns(j, xj)
			logDet.SetColumns(0, logDet.Add(l))
			return g.x
		})
	}
	return g.x, logDet
}

// extend computes the hidden units of degree k, which depend on the first k components.
func (g *growing) extend(k int) {
	m, x := g.net, g.x
	if m.preprocess != nil {
		x = m.preprocess.Apply(x, nil)
	}
	lo, hi := g.span(0, k)
	h := x.DensePart(m.initial.weight, m.initial.bias, lo, hi, false, ad.Identity, 0)
	if g.context != nil {
		h = h.Add(g.context.Slice(lo, hi))
	}
	if m.blocks == nil {
		for i, l := range m.hidden {
			g.units[i].SetColumns(lo, h)
			lo, hi = g.span(i+1, k)
			h = m.act.densePart(g.units[i], l.linear, lo, hi)
		}
	}
	for i := range m.blocks {
		first, second := g.units[2*i], g.units[2*i+1]
		b := &m.blocks[i]
		first.SetColumns(lo, m.act.apply(h))
		second.SetColumns(lo, m.act.densePart(first, b.layers[0], lo, hi))
		r := second.DensePart(b.layers[1].weight, b.layers[1].bias, lo, hi, false, ad.Identity, 0)
		if g.gates != nil {
			r = r.Mul(g.gates[i].Slice(lo, hi))
		}
		h = h.Add(r)
	}
	g.units[len(m.hidden)].SetColumns(lo, h)
}

// span returns the units of degree k in a layer.
func (g *growing) span(layer, k int) (lo, hi int) {
	if k > 0 {
		lo = g.net.counts[layer][k-1]
	}
	return lo, g.net.counts[layer][k]
}
