// Package targets has densities for flows to learn: that of the tutorial, and the toy densities of the literature.
//
// A [Target] is a plain struct whose zero value is the usual one, or names its parameters:
//
//	x := targets.TwoMoons{}.Sample(512, rand.NewPCG(1, 2))
//	floor := targets.RingMixture{Rings: 3}.Entropy()
//
// LogDensity works on a tape of package ad and is differentiable: it is what a flow trained on a density, without
// samples, needs. Some targets define it up to a factor, as their sources do; LogNormalizer is the logarithm ln Z of
// the missing factor, and LogProb is normalised always. Trained on samples, a model's negative log-likelihood cannot
// fall below the entropy H; trained on LogDensity, its reverse KL loss cannot fall below −ln Z.
//
//	zero value                ln Z       H          sampled by
//	UniformNormal             0          1.612086   exact draws
//	StandardNormal            0          2.837877   exact draws
//	TwoMoons, TwoModes        0.804214   1.571062   rejection, 35 of 100 accepted
//	CircularGaussianMixture   0          2.177596   exact draws
//	RingMixture               1.775986   2.275893   rejection, 99 of 100
//	Sinusoidal                2.850138   3.600174   rejection, 99 of 100
//	SinusoidalGap             3.543230   3.678663   rejection, 99 of 100
//	SinusoidalSplit           3.540257   3.917232   rejection, 99 of 100
//	Smiley                    1.008909   1.889067   rejection, 29 of 100
//	Checkerboard              0          3.465736   exact draws
//	Spirals                   0          2.539854   exact draws
//	Pinwheel                  0          2.320589   exact draws
//	Funnel                    0          3.936489   exact draws
//	Rosenbrock                1.837877   2.837877   exact draws
//	ImagePrior                0          depends    exact draws
//	Moons                     0          1.007585   exact draws
//	Circles                   0          0.606076   exact draws
//	SwissRoll                 0          2.669646   exact draws
//	Blobs                     0          3.619443   exact draws
//	GMM40                     0          6.859469   exact draws
//	DoubleWell               10.293480   1.718576   rejection, 29 of 100
//	ManyWell                164.695675  27.497217   rejection, 29 of 100 for each pair of columns
//	EightSchools            −31.311347  14.897042   rejection, 63 of 100
//	LinearRegression         −5.937461  −3.367897   exact draws
//	LogisticRegression      −13.236973   1.940598   rejection, 5 of 100
//	TwoIndependent            the sums of its parts
//
// [ConditionalDiagGaussian] depends on a context and has methods of its own for that. [Phi4], a field on a lattice, has
// neither a normaliser nor exact draws: it is its LogDensity, with reference numbers in its documentation.
//
// Parameters lie in the ranges that a target states, which its integrals cover in bounded time and memory; they panic with
// the numbers where they do not. Integrals are computed once for each target and its parameters.
package targets
