package main

import (
	"context"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// fortyModes learns forty modes in the plane by FAB, with a mixture of 200 broad normal distributions as the base, whose means are drawn in the square
// where the modes may be.
func fortyModes(seed uint64) ([]figure, error) {
	const steps, modes, n = 200, 200, 100_000
	src, target := rand.NewPCG(seed, 0), targets.GMM40{}
	r := rand.New(src)
	loc, scale := mat.NewDense(modes, 2, nil), mat.NewDense(modes, 2, nil)
	for i := range modes {
		for j := range 2 {
			loc.Set(i, j, 80*r.Float64()-40)
			scale.Set(i, j, 5)
		}
	}
	model := nf.NewNormalizingFlow(nf.NewGaussianMixture(modes, 2, &nf.GaussianMixtureOptions{Loc: loc, Scale: scale}, src), nil)
	objective := montecarlo.NewFAB(model, target, 512, &montecarlo.FABOptions{Updates: 4, Temperatures: 4, Leapfrogs: 3, Moves: 2})
	if _, err := nf.Fit(context.Background(), objective, nil, &nf.FitOptions{Steps: steps, Schedule: nf.Cosine(0.1, 0, steps)}, src); err != nil {
		return nil, err
	}
	x, logWeights := model.ImportanceSample(target, n, rand.NewPCG(seed, 1))
	logZ := eval.LogNormalizer(logWeights)
	return []figure{
		{"modes found", 40, unknown, 40, 40, float64(target.ModesFound(x))},
		{"effective sample size of 100,000", 1, unknown, 0.7, 1, eval.EffectiveSampleSize(logWeights) / n},
		{"ln Z", 0, unknown, -0.02, 0.02, logZ.Value},
	}, nil
}
