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
	_, logWeights := model.ImportanceSample(target, n, rand.NewPCG(seed, 1))
	_, k := eval.ParetoSmooth(logWeights)
	// The shares of the target in the wells of each pair are known, and the share of each of the 2¹⁶ modes is a product of them. Of four times as many
	// points the error of a share is half a hundredth of the left one.
	left := 1 / (1 + math.Exp(-targets.DoubleWell{}.FreeEnergyDifference()))
	x, shareWeights := model.ImportanceSample(target, 4*n, rand.NewPCG(seed, 2))
	inLeft := make([]float64, 4*n)
	var worstLeft, worstRight float64
	for j := 0; j < d; j += 2 {
		for i := range inLeft {
			inLeft[i] = 0
			if x.At(i, j) < 0 {
				inLeft[i] = 1
			}
		}
		off := math.Abs(eval.Expectation(inLeft, shareWeights).Value - left)
		worstLeft, worstRight = max(worstLeft, off/left), max(worstRight, off/(1-left))
	}
	logZ := target.LogNormalizer()
	return []figure{
		{"ln Z", logZ, unknown, logZ - 0.1, logZ + 0.1, eval.LogNormalizer(logWeights).Value},
		{"effective sample size of 100,000", 1, unknown, 0.5, 1, eval.EffectiveSampleSize(logWeights) / n},
		{"worst relative error, right well", 0, unknown, 0, 0.02, worstRight},
		{"worst relative error, left well", 0, unknown, 0, 0.02, worstLeft},
		{"k̂", unknown, unknown, math.Inf(-1), eval.ParetoThreshold(n), k},
	}, nil
}
