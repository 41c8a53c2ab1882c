package nfkit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// graph is what components of a [MADE] depend on. A hidden unit belongs to one of the components, or to all those that depend on the same inputs: it
// sees the inputs that these do, and other units that see no more than that.
type graph struct {
	parents [][]bool // of each component, those of context columns included
	sets    [][]bool // different ones among them, to which hidden units belong
	levels  [][]int  // components whose parents are in the levels before
}

// newGraph checks an adjacency matrix and takes it apart. It panics unless it has dim rows of dim columns, or those of the context after them, and no
// cycles.
func newGraph(adjacency [][]bool, dim, context int) *graph {
	if len(adjacency) != dim {
		panic(fmt.Sprintf("nfkit: NewMADE: got an Adjacency of %d rows, want %d", len(adjacency), dim))
	}
	g := &graph{}
	for j, row := range adjacency {
		if n := len(row); n != dim && n != dim+context {
			panic(fmt.Sprintf("nfkit: NewMADE: got %d columns in row %d of Adjacency, want %d, or %d with the context", n, j, dim, dim+context))
		}
		row = slices.Clone(row)
		for len(row) < dim+context {
			row = append(row, true)
		}
		g.parents = append(g.parents, row)
		if slices.Contains(row, true) && !slices.ContainsFunc(g.sets, func(s []bool) bool { return slices.Equal(s, row) }) {
			g.sets = append(g.sets, row)
		}
	}
	if g.sets == nil { // nobody depends on anything
		g.sets = [][]bool{make([]bool, dim+context)}
	}
	g.order(dim)
	return g
}

// order puts components in levels. It panics when there is a cycle.
func (g *graph) order(dim int) {
	done := make([]bool, dim)
	for placed := 0; placed < dim; {
		var level []int
		for j, parents := range g.parents {
			if !done[j] && !slices.ContainsFunc(firstNumbers(dim), func(i int) bool { return parents[i] && !done[i] }) {
				level = append(level, j)
			}
		}
		if level == nil {
			cycle := slices.DeleteFunc(firstNumbers(dim), func(j int) bool { return done[j] })
			panic(fmt.Sprintf("nfkit: NewMADE: got an Adjacency with a cycle among the components %v; want an order in which each depends on those before", cycle))
		}
		for _, j := range level {
			done[j] = true
		}
		g.levels, placed = append(g.levels, level), placed+len(level)
	}
}

// hidden returns the number of the set of each unit of a hidden layer.
func (g *graph) hidden(units int) []int {
	labels := make([]int, units)
	for i := range labels {
		labels[i] = i % len(g.sets)
	}
	return labels
}

// unitSees, unitsSee and outputSees say whether a unit of the given set, or the output of a component, sees an input, or units of another set.
func (g *graph) unitSees(set, input int) bool { return g.sets[set][input] }

func (g *graph) unitsSee(set, of int) bool { return subset(g.sets[of], g.sets[set]) }

func (g *graph) outputSees(component, set int) bool { return subset(g.sets[set], g.parents[component]) }

// subset reports whether all of a is in b.
func subset(a, b []bool) bool {
	for i := range a {
		if a[i] && !b[i] {
			return false
		}
	}
	return true
}

// places returns the place of each output in the order of the components, from 1.
func (g *graph) places(outputs int) []int {
	places := make([]int, len(g.parents)*outputs)
	for at, j := range slices.Concat(g.levels...) {
		for k := range outputs {
			places[j*outputs+k] = at + 1
		}
	}
	return places
}

// maskContext hides columns of the context from the hidden units that must not see them.
func (g *graph) maskContext(l *linear) {
	out, in := l.weight.Dims()
	dim := len(g.parents)
	mask := make([]float64, out*in)
	for u, set := range g.hidden(out) {
		for c := range in {
			if g.sets[set][dim+c] {
				mask[u*in+c] = 1
			}
		}
	}
	l.weight = ad.NewMaskedParam(out, in, l.weight.Data, mask)
}

// checkGraph returns an error unless masks and degrees are those of the network.
func (m *MADE) checkGraph(tensors []Tensor) error {
	layers := append(append([]maskedLinear{m.initial}, m.hidden...), m.final)
	for i, l := range layers {
		if !slices.Equal(tensors[2*i].Floats, l.mask) || !slices.Equal(tensors[2*i+1].Ints, l.degrees) {
			return fmt.Errorf("the mask of %s is not that of the graph that was given at construction", strings.TrimSuffix(tensors[2*i].Name, ".mask"))
		}
	}
	return nil
}
