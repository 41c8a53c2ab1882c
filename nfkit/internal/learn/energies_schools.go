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

// eightSchools learns the posterior of the eight schools by FAB and judges it by importance weights.
func eightSchools(seed uint64) ([]figure, error) {
	const steps, n = 1000, 1_000_000
	src, target := rand.NewPCG(seed, 0), targets.EightSchools{}
	model := nf.NewNSF(10, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: 4, Hidden: 32, Depth: 1, Base: nf.NewStudentT(10, 10, nil)}, Coupling: true, Bins: 16, Bound: 12}, src)
	objective := montecarlo.NewFAB(model, target, 256, &montecarlo.FABOptions{Temperatures: 2, Updates: 8})
	if _, err := nf.Fit(context.Background(), objective, nil, &nf.FitOptions{Steps: steps, Schedule: nf.Cosine(5e-3, 0, steps), MaxGradNorm: 100}, src); err != nil {
		return nil, err
	}
	x, logWeights := model.ImportanceSample(target, n, rand.NewPCG(seed, 1))
	_, k := eval.ParetoSmooth(logWeights)
	p := target.Parameters(x)
	values := make([]float64, n)
	var worst float64
	for j, want := range target.Means() {
		for i := range values {
			values[i] = p.At(i, j)
		}
		e := eval.Expectation(values, logWeights)
		worst = max(worst, math.Abs(e.Value-want)/e.Error)
	}
	logZ := target.LogNormalizer()
	return []figure{
		{"ln Z", logZ, unknown, logZ - 0.001, logZ + 0.001, eval.LogNormalizer(logWeights).Value},
		{"worst mean, in standard errors", 0, unknown, 0, 3, worst},
		{"k̂", unknown, unknown, math.Inf(-1), 0.5, k},
		{"effective sample size of 1,000,000", 1, unknown, math.Inf(-1), 1, eval.EffectiveSampleSize(logWeights) / n},
	}, nil
}
