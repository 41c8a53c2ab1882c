package nfkit_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// Solving for components unit by unit, as evaluations do, gives the bits that evaluations of the whole network give, as tapes do that keep
// values.
func TestSolveByUnits(t *testing.T) {
	const dim = 7
	src := rand.NewPCG(1, 2)
	for name, opts := range map[string]nf.MADEOptions{
		"default":        {},
		"one block":      {Blocks: 1, Activation: nf.ActTanh},
		"order":          {Order: []int{3, 0, 6, 1, 2, 5, 4}, Leaky: 0.1},
		"context":        {Context: 2, Activation: nf.ActSiLU},
		"feed-forward":   {FeedForward: true, Blocks: 3, Activation: nf.ActELU},
		"random degrees": {FeedForward: true, RandomDegrees: true, Context: 2},
		"batch norm":     {BatchNorm: true},
		"preprocessing":  {Preprocess: nf.NewPeriodicFeaturesElementwise(dim, []int{1, 4}, nil)},
	} {
		for _, transformer := range []nf.Transformer{nf.Affine{}, nf.NewRationalQuadraticSpline(dim, nil, nil)} {
			net := nf.NewMADE(dim, transformer.Params(), 20, &opts, src)
			f := nf.NewAutoregressive(transformer, net, &nf.AutoregressiveOptions{RandomInit: true})
			for _, p := range precisions {
				for _, n := range []int{0, 1, 5} {
					var results [2][]float64
					for i, tape := range []*ad.Tape{ad.NewEvalTape(p), ad.NewTape(p)} {
						z, context := testkit.NormalRows(max(n, 1), dim, 3), testkit.NormalRows(max(n, 1), 2, 4)
						var c *ad.Value
						if opts.Context > 0 {
							c = tape.Rows(context, 0, n)
						}
						x, logDet := f.Forward(tape.Rows(z, 0, n), c)
						results[i] = append(x.Data(), logDet.Data()...)
					}
					if !slices.Equal(results[0], results[1]) {
						t.Fatalf("%s, %T, %v, %d rows: got %v, want %v", name, transformer, p, n, results[0], results[1])
					}
				}
			}
		}
	}
}
