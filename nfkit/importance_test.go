package nfkit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Weighted points of a model give the normaliser and the moments of the target.
func TestImportanceSample(t *testing.T) {
	const n = 100_000
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	for j := range 2 {
		m.Params()[1].Data[j] = math.Log(1.7)
	}
	target := targets.TwoModes{Scale: 0.3}
	wantLogZ := target.LogNormalizer()
	x, logWeights := m.ImportanceSample(target, n, rand.NewPCG(1, 2))
	logZ := eval.LogNormalizer(logWeights)
	if !(math.Abs(logZ.Value-wantLogZ) < 4*logZ.Error) || logZ.Error > 0.02 {
		t.Errorf("LogNormalizer = %v ± %v, want %v", logZ.Value, logZ.Error, wantLogZ)
	}
	ess := eval.EffectiveSampleSize(logWeights)
	var sum, squares, moment float64
	logP := target.LogProb(x)
	logQ := m.LogProb(x)
	for i, l := range logWeights {
		if want := logP[i] + wantLogZ - logQ[i]; math.Abs(l-want) > 1e-9 {
			t.Fatalf("logarithm of weight %d is %v, want %v", i, l, want)
		}
		w := math.Exp(l)
		sum += w
		squares += w * w
		moment += w * x.At(i, 0) * x.At(i, 0)
	}
	if want := sum * sum / squares; math.Abs(ess-want) > 1e-6*want || ess > n/2 {
		t.Errorf("EffectiveSampleSize = %v, want %v", ess, want)
	}
	var want float64
	for s, i := target.Sample(n, rand.NewPCG(3, 4)), 0; i < n; i++ {
		want += s.At(i, 0) * s.At(i, 0) / n
	}
	if got := moment / sum; math.Abs(got-want) > 0.1 { // four standard errors: those of x₀² are about 2.5/√ess
		t.Errorf("the weighted mean of x₀² is %v, that of samples %v", got, want)
	}
}
