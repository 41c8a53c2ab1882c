package nfkit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// tutorialModel is the model of the first notebook: 16 couplings with an MLP 1-64-64-2, each followed by an LU permutation.
func tutorialModel(src rand.Source) *nf.NormalizingFlow {
	var flows []nf.Flow
	for range 16 {
		net := nf.NewMLP([]int{1, 64, 64, 2}, &nf.MLPOptions{InitZeros: true}, src)
		flows = append(flows, nf.NewAffineCouplingBlock(net, nil), nf.NewLULinearPermute(2, nil, src))
	}
	return nf.NewNormalizingFlow(nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true}), flows)
}

// tutorialRows draws n rows (a, b): a uniform on [1, 2], b normal with mean and variance a.
func tutorialRows(n int, src rand.Source) *mat.Dense {
	r := rand.New(src)
	x := mat.NewDense(n, 2, nil)
	for i := range n {
		a := 1 + r.Float64()
		x.SetRow(i, []float64{a, a + math.Sqrt(a)*r.NormFloat64()})
	}
	return x
}

var precisions = []ad.Precision{ad.Float64, ad.Float32}

// One step: loss and gradient of 512 rows, then Adam. 0.2 GFLOP.
func BenchmarkTrainStep(b *testing.B) {
	for _, p := range precisions {
		b.Run(p.String(), func(b *testing.B) {
			model := tutorialModel(rand.NewPCG(1, 2)).In(p)
			adam := nf.NewAdam(model.Params(), &nf.AdamOptions{WeightDecay: 1e-5})
			x := tutorialRows(512, rand.NewPCG(3, 4))
			step := func() {
				if _, err := model.NLLGrad(x); err != nil {
					b.Fatal(err)
				}
				adam.Step()
			}
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			const flop = 3 * 2 * 512 * 16 * (64 + 64*64 + 2*64)
			b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// The log-density of 100 000 rows.
func BenchmarkLogProb(b *testing.B) {
	const n = 100_000
	for _, p := range precisions {
		b.Run(p.String(), func(b *testing.B) {
			model := tutorialModel(rand.NewPCG(1, 2)).In(p)
			x, dst := tutorialRows(n, rand.NewPCG(3, 4)), make([]float64, n)
			for b.Loop() {
				model.LogProbTo(dst, x)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// 100 000 samples with their log-density.
func BenchmarkSample(b *testing.B) {
	const n = 100_000
	for _, p := range precisions {
		b.Run(p.String(), func(b *testing.B) {
			model, src := tutorialModel(rand.NewPCG(1, 2)).In(p), rand.NewPCG(3, 4)
			for b.Loop() {
				model.SampleLogProb(n, src)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
