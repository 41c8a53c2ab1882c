package main

import (
	"context"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/continuous"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// toyFamily has one recipe for all targets.
type toyFamily struct {
	name  string
	train trainToy
}

// trainToy returns a model of the target, from as much training as scale says.
type trainToy func(ctx context.Context, target targets.Target, scale float64, src rand.Source) (*nf.NormalizingFlow, error)

// toyRows is the number of rows by which models are scaled, and of those that take fixed data.
const toyRows = 20_000

var toyFamilies = []toyFamily{
	{"realnvp", byLikelihood(6000, 1e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		o.Layers = 16
		return nf.NewRealNVP(2, &o, src)
	})},
	{"maf", byLikelihood(4000, 1e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow { return nf.NewMAF(2, &o, src) })},
	{"nsf", byLikelihood(8000, 6e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		o.Layers = 4
		return nf.NewNSF(2, &nf.NSFOptions{ModelOptions: o, Bins: 24, Coupling: true}, src)
	})},
	{"nsf_autoregressive", byLikelihood(8000, 6e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		o.Layers = 3
		return nf.NewNSF(2, &nf.NSFOptions{ModelOptions: o, Bins: 24}, src)
	})},
	{"nsf_mixture_base", byLikelihood(8000, 6e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		o.Layers, o.Base = 4, nf.NewGaussianMixture(16, 2, nil, src)
		return nf.NewNSF(2, &nf.NSFOptions{ModelOptions: o, Bins: 24, Coupling: true}, src)
	})},
	{"triangular_spline", byLikelihood(4000, 5e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		o.Layers = 12
		return nf.NewTriangularSplineFlow(2, &o, src)
	})},
	{"gf", byLikelihood(4000, 5e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		o.Layers = 8
		return nf.NewGF(2, &o, src)
	})},
	{"naf", byLikelihood(4000, 2e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow { return nf.NewNAF(2, &o, src) })},
	{"unaf", byLikelihood(1500, 2e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow { return nf.NewUNAF(2, &o, src) })},
	{"sospf", byLikelihood(4000, 2e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow { return nf.NewSOSPF(2, &o, src) })},
	{"bpf", byLikelihood(4000, 2e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow { return nf.NewBPF(2, &o, src) })},
	{"bnaf", byLikelihood(4000, 5e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow { return nf.NewBNAF(2, &o, src) })},
	{"residual", byLikelihood(1500, 1e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow { return nf.NewResidualFlow(2, &o, src) })},
	{"cnf", byLikelihood(600, 5e-3, func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		model, _ := continuous.NewCNF(2, &continuous.CNFOptions{FlowOptions: continuous.FlowOptions{Steps: 8}}, src)
		return scaled(model.Flows(), o)
	})},
	{"flow_matching", flowMatching(8000, 2e-3)},
	{"mixture", mixture(3000, 5e-3)},
	{"gaussianize", gaussianize},
}

// byLikelihood trains a model, scaled by rows of the target, on fresh rows in float32.
func byLikelihood(steps int, rate float64, newModel func(o nf.ModelOptions, src rand.Source) *nf.NormalizingFlow) trainToy {
	return func(ctx context.Context, target targets.Target, scale float64, src rand.Source) (*nf.NormalizingFlow, error) {
		model := newModel(nf.ModelOptions{Standardize: target.Sample(toyRows, src)}, src)
		return model, fitToy(ctx, model.WithPrecision(ad.Float32).NLL(nil), target, max(1, int(scale*float64(steps))), rate, src)
	}
}

// fitToy trains on 256 fresh rows a step, with a learning rate that falls to 0 from a high one. On circles, with one seed, six layers of 16 bins came to
// 0.0089 nats in 35 s of a processor, and four of 24 bins to 0.0076 in 25; six layers with 512 rows a step, a third of the rate, constant, and the average of
// the parameters had come to 0.0080 in 85.
func fitToy(ctx context.Context, objective nf.Objective, data nf.Sampler, steps int, rate float64, src rand.Source) error {
	adam := nf.NewAdam(objective.State().Params(), &nf.AdamOptions{LearningRate: rate})
	opts := &nf.FitOptions{Steps: steps, BatchSize: 256, Adam: adam, Schedule: nf.Cosine(rate, 0, steps), MaxGradNorm: 10, SkipNonFinite: true}
	_, err := nf.Fit(ctx, objective, data, opts, src)
	return err
}

// scaled returns a model of flows that ends in the scaling of the options.
func scaled(flows []nf.Flow, o nf.ModelOptions) *nf.NormalizingFlow {
	base := nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true})
	return nf.NewNormalizingFlow(base, append(flows, nf.NewStandardization(o.Standardize)))
}

// standardized draws rows of a target as a scaling maps them to latent space.
type standardized struct {
	target  targets.Target
	scaling *nf.NormalizingFlow
}

func (s standardized) Sample(n int, src rand.Source) *mat.Dense {
	z, _ := s.scaling.Inverse(s.target.Sample(n, src))
	return z
}

// flowMatching trains a field by pairs of optimal transport, and gives it a scaling.
func flowMatching(steps int, rate float64) trainToy {
	return func(ctx context.Context, target targets.Target, scale float64, src rand.Source) (*nf.NormalizingFlow, error) {
		o := nf.ModelOptions{Standardize: target.Sample(toyRows, src)}
		model, field := continuous.NewCNF(2, nil, src)
		noise := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
		pairs := continuous.NewPairs(noise, standardized{target, scaled(nil, o)}, 2, &continuous.PairsOptions{Transport: true})
		objective := continuous.FlowMatching(field, nil)
		objective.Precision = ad.Float32
		return scaled(model.Flows(), o), fitToy(ctx, objective, pairs, max(1, int(scale*float64(steps))), rate, src)
	}
}

// mixture trains 64 normal distributions with covariances, which start from clusters.
func mixture(steps int, rate float64) trainToy {
	return func(ctx context.Context, target targets.Target, scale float64, src rand.Source) (*nf.NormalizingFlow, error) {
		base := nf.NewGaussianMixture(64, 2, &nf.GaussianMixtureOptions{Covariance: nf.CovarianceFull, Data: target.Sample(toyRows, src)}, src)
		model := nf.NewNormalizingFlow(base, nil)
		return model, fitToy(ctx, model.WithPrecision(ad.Float32).NLL(nil), target, max(1, int(scale*float64(steps))), rate, src)
	}
}

// gaussianize makes a model without training.
func gaussianize(_ context.Context, target targets.Target, _ float64, src rand.Source) (*nf.NormalizingFlow, error) {
	return nf.Gaussianize(target.Sample(toyRows, src), &nf.GaussianizeOptions{Layers: 60}, src)
}
