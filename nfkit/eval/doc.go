// Package eval tells how good a model is, or a set of samples: numbers with errors, and tests with p-values.
//
// What it asks of a model is a method LogProb, and Sample for some; all else works on numbers. Rows are points, and a Markov chain
// of a quantity is a slice.
//
// # A density, and points of the true one
//
//	LogLikelihood, LogLikelihoodDifference    held-out log-likelihood, of one model and between two
//	Entropy, KL                               the floor of the likelihood, and the distance from it
//	PIT, KolmogorovSmirnovUniform             whether latent variables, or values of a distribution function, are as they should be
//	OutlierScores, TypicalityScores, AUROC    how well a density tells outliers from inliers
//
// # Two samples
//
//	C2ST                                      accuracy of a classifier that tells them apart
//	MMD, EnergyDistance, SlicedWasserstein    distances
//	KolmogorovSmirnov                         the distance of each column
//
// # A posterior, and simulations
//
//	Ranks                                     simulation-based calibration, by parameter
//	HighestDensityRank, TARPRank              expected coverage, of all parameters together
//	RankKolmogorovSmirnov, RankChiSquare      tests of any of these ranks
//	Coverage                                  their coverage of credible regions of a level
//	NewLocalC2ST                              the posterior of one observation
//
// # Weighted points
//
//	EffectiveSampleSize                       what they are worth
//	LogNormalizer, Expectation                ln Z, and means under the target
//	ParetoSmooth, ParetoThreshold             better weights, and whether to trust them
//	JudgeWeights                              all of these numbers in a line
//	FreeEnergy                                the profile of a coordinate, with errors
//
// # Markov chains
//
//	RHat                                      whether chains agree
//	BulkEffectiveSampleSize, TailEffectiveSampleSize
//	Autocorrelation, AutocorrelationTime      how far draws depend on one another
//
// # Summaries of samples
//
//	Quantiles, CredibleIntervals              of each column
//	HighestDensityIntervals                   the shortest ones
//	HighestDensityLevel                       the contour of the region of highest density
//
// # Baselines
//
//	FitGaussian, FitGaussianMixture, NewKernelDensity
package eval
