package nfkit_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// edges returns an adjacency matrix by the parents of each component.
func edges(columns int, parents ...[]int) [][]bool {
	a := make([][]bool, len(parents))
	for j, p := range parents {
		a[j] = make([]bool, columns)
		for _, i := range p {
			a[j][i] = true
		}
	}
	return a
}

// graphs are adjacency matrices of 4 components and, in the last two, 2 columns of a context.
var graphs = map[string]struct {
	adjacency [][]bool
	context   int
}{
	"chain backwards":    {edges(4, []int{1}, []int{2}, []int{3}, nil), 0},
	"star":               {edges(4, []int{2}, []int{2}, nil, []int{2}), 0},
	"diamond":            {edges(4, nil, []int{0}, []int{0}, []int{1, 2}), 0},
	"one depends":        {edges(4, nil, nil, []int{0}, nil), 0},
	"all of context":     {edges(4, nil, []int{0}, []int{1}, []int{0, 1}), 2},
	"parts of context":   {edges(6, []int{4}, []int{0}, []int{1, 5}, []int{4, 5}), 2},
	"context for nobody": {edges(6, nil, []int{0}, nil, nil), 2},
}

// Outputs depend on the parents of their component, on all of them and on nothing else, by their gradients.
func TestMADEGraph(t *testing.T) {
	const outputs = 2
	for name, g := range graphs {
		for kind, o := range map[string]nf.MADEOptions{"residual": {Activation: nf.ActSiLU}, "feed-forward": {FeedForward: true, Activation: nf.ActTanh}} {
			o.Adjacency, o.Context = g.adjacency, g.context
			m := nf.NewMADE(4, outputs, 24, &o, rand.NewPCG(1, 2))
			perturb(m.State(), 0.4, rand.NewPCG(3, 4))
			for k := range 4 * outputs {
				tape := ad.NewTape(ad.Float64)
				x, c := normal(tape, 1, 4, rand.NewPCG(5, 6)), normal(tape, 1, g.context, rand.NewPCG(7, 8))
				tape.Backward(m.Apply(x, c).Slice(k, k+1).Sum())
				gradient := x.Grad()
				if c != nil {
					gradient = append(gradient, c.Grad()...)
				}
				row := g.adjacency[k/outputs]
				for i, d := range gradient {
					if want := i >= len(row) || row[i]; (d != 0) != want {
						t.Errorf("%s, %s: the gradient of output %d of component %d with respect to input %d is %v, want it to depend: %t", name, kind, k%outputs, k/outputs, i, d, want)
					}
				}
			}
		}
	}
}

// A flow by a graph keeps the contract, and loads into its graph alone.
func TestAutoregressiveGraph(t *testing.T) {
	for name, g := range graphs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newFlow := func(seed uint64) nf.Flow {
				o := nf.MADEOptions{Adjacency: g.adjacency, Context: g.context, Activation: nf.ActSiLU}
				return nf.NewAutoregressive(nf.Affine{Scale: nf.ScaleBounded}, nf.NewMADE(4, 2, 16, &o, rand.NewPCG(seed, 2)), nil)
			}
			f := newFlow(1)
			if name == "context for nobody" { // nftest wants a context to matter
				return
			}
			if err := nftest.Flow(f, nil, rand.NewPCG(3, 4)); err != nil {
				t.Error(err)
			}
			perturb(f.State(), 0.3, rand.NewPCG(5, 6))
			path := filepath.Join(t.TempDir(), "flow.safetensors")
			if err := nf.Save(path, f); err != nil {
				t.Fatal(err)
			}
			if err := nf.Load(path, newFlow(9)); err != nil {
				t.Error(err)
			}
			o := nf.MADEOptions{Adjacency: edges(4, nil, nil, nil, []int{0}), Context: g.context}
			if name == "one depends" {
				o.Adjacency = edges(4, nil, nil, nil, nil)
			}
			other := nf.NewAutoregressive(nf.Affine{Scale: nf.ScaleBounded}, nf.NewMADE(4, 2, 16, &o, rand.NewPCG(1, 2)), nil)
			if err := nf.Load(path, other); err == nil || !strings.Contains(err.Error(), "graph") {
				t.Errorf("loading into another graph gives the error %v", err)
			}
		})
	}
}

func TestGraphMisuse(t *testing.T) {
	src := rand.NewPCG(1, 2)
	for want, o := range map[string]nf.MADEOptions{
		"a cycle among the components [0 2]": {Adjacency: edges(3, []int{2}, nil, []int{0})},
		"a cycle among the components [1]":   {Adjacency: edges(3, nil, []int{1}, nil)},
		"an Adjacency of 2 rows, want 3":     {Adjacency: edges(3, nil, nil)},
		"got 4 columns in row 0":             {Adjacency: edges(4, nil, nil, nil), Context: 2},
		"Adjacency with Order [0 1 2]":       {Adjacency: edges(3, nil, nil, nil), Order: []int{0, 1, 2}},
	} {
		if got := testkit.Panic(func() { nf.NewMADE(3, 2, 8, &o, src) }); !strings.HasPrefix(got, "nfkit: NewMADE: ") || !strings.Contains(got, want) {
			t.Errorf("got the panic %q, want %q in it", got, want)
		}
	}
}
