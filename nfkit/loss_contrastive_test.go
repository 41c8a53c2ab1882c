package nfkit_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// proposals draws x from N(1.5, 0.6²) and a context x + 0.5ε.
type proposals struct{}

func (proposals) Sample(n int, src rand.Source) *mat.Dense {
	r, rows := rand.New(src), mat.NewDense(n, 2, nil)
	for i := range n {
		x := 1.5 + 0.6*r.NormFloat64()
		rows.SetRow(i, []float64{x, x + 0.5*r.NormFloat64()})
	}
	return rows
}

// From points of a proposal, the contrastive loss learns the posterior under the prior N(0, 1): N(0.8c, 0.2). The likelihood would learn that under the
// proposal, whose mean at c = 1 is 1.205 and whose deviation is 0.384.
func TestContrastive(t *testing.T) {
	src := rand.NewPCG(1, 2)
	base := nf.NewConditionalDiagGaussian(nf.NewMLP([]int{1, 16, 2}, &nf.MLPOptions{Activation: nf.ActTanh}, src))
	m := nf.NewNormalizingFlow(base, nil)
	opts := &nf.FitOptions{Steps: 600, BatchSize: 128, Schedule: nf.Cosine(2e-2, 0, 600)}
	if _, err := nf.Fit(context.Background(), m.Contrastive(normalTarget(0, 1), nil), proposals{}, opts, src); err != nil {
		t.Fatal(err)
	}
	for _, c := range []float64{1, 1.5, 2} {
		x := m.Given(mat.NewDense(1, 1, []float64{c})).Sample(4000, src).RawMatrix().Data
		var mean, square float64
		for _, x := range x {
			mean, square = mean+x/4000, square+x*x/4000
		}
		if sd := math.Sqrt(square - mean*mean); math.Abs(mean-0.8*c) > 0.1 || math.Abs(sd-math.Sqrt(0.2)) > 0.06 {
			t.Errorf("given %v: mean %.3f and deviation %.3f, want %.3f and %.3f", c, mean, sd, 0.8*c, math.Sqrt(0.2))
		}
	}
}
