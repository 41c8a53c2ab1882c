package main

import (
	"context"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// manyWell learns the 2¹⁶ modes of sixteen double wells by FAB, from a standard normal start: a spline of each component, then two couplings.
func manyWell(seed uint64) ([]figure, error) {
	const steps, d, n = 700, 32, 100_000
	src, target := rand.NewPCG(seed, 0), targets.ManyWell{}
	flows := []nf.Flow{nf.NewElementwiseRationalQuadraticSpline(d, &nf.SplineOptions{Bins: 16, Bound: 5}, src)}
	for k := range 2 {
		flows = append(flows, nf.NewCoupledRationalQuadraticSpline(d, 64, &nf.CoupledSplineOptions{
			SplineOptions: nf.SplineOptions{Bins: 8, Bound: 5}, Net: nf.ResidualNetOptions{Blocks: 1}, ReverseMask: k == 1}, src))
	}
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(d, nil), flows)
	objective := montecarlo.NewFAB(model, target, 256, &montecarlo.FABOptions{Updates: 8})
	if _, err := nf.Fit(context.Background(), objective, nil, &nf.FitOptions{Steps: steps, Schedule: nf.Cosine(3e-3, 0, steps), MaxGradNorm: 100}, src); err != nil {
		return nil, err
	}
	x, logWeights := model.ImportanceSample(target, n, rand.NewPCG(seed, 1))
	_, k := eval.ParetoSmooth(logWeights)
	// The share of the target in the right well of each pair is known; so is that of every combination, the product.
	right := math.Exp(-targets.DoubleWell{}.FreeEnergyDifference())
	right /= 1 + right
	var worst float64
	inRight := make([]float64, n)
	for j := 0; j < d; j += 2 {
		for i := range inRight {
			inRight[i] = 0
			if x.At(i, j) > 0 {
				inRight[i] = 1
			}
		}
		worst = max(worst, math.Abs(eval.Expectation(inRight, logWeights).Value-right))
	}
	logZ := target.LogNormalizer()
	return []figure{
		{"ln Z", logZ, unknown, logZ - 0.1, logZ + 0.1, eval.LogNormalizer(logWeights).Value},
		{"effective sample size of 100,000", 1, unknown, 0.5, 1, eval.EffectiveSampleSize(logWeights) / n},
		{"worst error of a well's share", 0, unknown, 0, 0.02, worst},
		{"k̂", unknown, unknown, math.Inf(-1), eval.ParetoThreshold(n), k},
	}, nil
}
