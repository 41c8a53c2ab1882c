package nfkit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/samplemv"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// A layer that stands in two places has its parameters once, so that an optimiser steps them once.
func TestParamsAreListedOnce(t *testing.T) {
	layer := nf.NewLULinearPermute(2, nil, rand.NewPCG(1, 2))
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{layer, layer})
	if got, want := len(model.Params()), 2+4; got != want {
		t.Errorf("a model with one layer twice has %d parameters, want %d", got, want)
	}
}

// Far from all data e^s overflows: the density is 0 there, its logarithm −Inf, and nothing else turns to −Inf.
func TestLogProbWhereTheLatentPointOverflows(t *testing.T) {
	s := nf.NewAffineConstFlow(2, nil)
	s.State()[0].Param.Data[0] = -400 // z₀ = x₀·e⁴⁰⁰
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewLULinearPermute(2, nil, rand.NewPCG(1, 2)), s, s})
	got := model.LogProb(mat.NewDense(3, 2, []float64{1, 0, 0, 0, math.NaN(), 0}))
	if !math.IsInf(got[0], -1) {
		t.Errorf("log-density where the latent point overflows: got %v, want -Inf", got[0])
	}
	if math.IsNaN(got[1]) || math.IsInf(got[1], 0) {
		t.Errorf("log-density at 0: got %v, want a number", got[1])
	}
	if !math.IsNaN(got[2]) {
		t.Errorf("log-density of a row with NaN: got %v, want NaN", got[2])
	}
}

// gonum's samplers take a model: importance sampling of a known mean.
func TestDistributionIsWhatGonumSamples(t *testing.T) {
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	target, ok := distmv.NewNormal([]float64{0.5, 0}, mat.NewSymDense(2, []float64{1, 0, 0, 1}), nil)
	if !ok {
		t.Fatal("the target's covariance is not positive definite")
	}
	const n = 20000
	x, weights := mat.NewDense(n, 2, nil), make([]float64, n)
	samplemv.Importance{Target: target, Proposal: model.Distribution(rand.NewPCG(3, 4))}.SampleWeighted(x, weights)
	var mean, sum float64
	for i, w := range weights {
		mean += w * x.At(i, 0)
		sum += w
	}
	// the estimate's standard error is about 0.011
	if got := mean / sum; math.Abs(got-0.5) > 0.05 {
		t.Errorf("mean by importance sampling: got %v, want 0.5", got)
	}
}
