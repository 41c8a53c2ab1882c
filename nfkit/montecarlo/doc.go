// Package montecarlo learns and samples densities of which there are no data: posteriors, molecules, lattices.
//
// # Points with weights
//
//	AnnealedImportanceSample, SequentialMonteCarlo    from a base, or a model, to a target; ln Z with its error
//	Resample                                          points without weights of those with
//	CheckCoverage                                     whether a model has lost a mode
//
// # Training
//
//	NewFAB                                            an objective that finds every mode, from annealed points
//	StochasticFlow.ReverseKL, StochasticFlow.NLL      flows and the moves between them
//
// The reverse KL of a flow, with a temperature that falls, is [nf.NormalizingFlow.ReverseKL] with [nf.ReverseKLOptions].Beta.
//
// # Models that move points at random
//
// A [StochasticFlow] is made of flows and of layers that move points as a Markov chain does. It has samples with weights, and no density.
//
//	MetropolisHastings                                steps of a random walk
//	HamiltonianMonteCarlo                             trajectories along the gradient
//	Langevin                                          steps along the gradient, all of which are taken
//	LinearInterpolation                               a target for them, between base and target
//
// # Chains
//
//	HamiltonianChains                                 in the latent space of a model
//	IndependenceMetropolis                            of points of a model
//
//	NewLogProber, NewProposal                         targets and models for gonum's samplers
//
// Package eval has their diagnostics, package nfplot pictures of them.
//
// # Bases
//
//	Symmetrized                                       a base that permutations or reflections do not change
package montecarlo
