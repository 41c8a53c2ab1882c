// Package targets has densities for flows to learn: that of the tutorial, and the toy densities of the literature.
//
// A [Target] is a plain struct whose zero value is the usual one, or names its parameters:
//
//	x := targets.TwoMoons{}.Sample(512, rand.NewPCG(1, 2))
//	floor := targets.RingMixture{Rings: 3}.Entropy()
//
// LogDensity works on a tape of package ad and is differentiable: it is what a flow trained on a density, without
// samples, needs. Some targets define it up to a factor, as their sources do; LogNormalizer is the logarithm of the missing
// factor, and LogProb is normalised always.
package targets
