// Package nfkit has normalizing flows: distributions that can be sampled and whose density is known, made by
// bending a simple base with invertible functions that are learned.
//
//	src := rand.NewPCG(1, 2)
//	model := nf.NewNSF(2, nil, src)
//	data := nf.NewRows(x) // x is an n×2 matrix
//	history, err := nf.Fit(nf.UntilInterrupt(), model.NLL(nil), data, &nf.FitOptions{Steps: 2000}, src)
//	fmt.Println(model, history.Best, err)
//	samples := model.Sample(1000, src)
//	logProb := model.LogProb(x)
//
// # Ready-made models
//
// The fast direction costs one evaluation of the networks, the slow one as many as there are components. To learn from data, densities have to be fast;
// to learn a density without data, samples.
//
//	Model                     layers                    fast direction       paper
//	NewRealNVP                affine couplings          both                 Dinh et al. 2017, arXiv:1605.08803
//	NewNICE                   additive couplings        both                 Dinh et al. 2015, arXiv:1410.8516
//	NewMAF                    affine, autoregressive    densities            Papamakarios et al. 2017, arXiv:1705.07057
//	NewIAF                    affine, autoregressive    samples              Kingma et al. 2016, arXiv:1606.04934
//	NewNSF                    splines                   densities, or both   Durkan et al. 2019, arXiv:1906.04032
//	NewNCSF                   splines around circles    densities            Rezende et al. 2020, arXiv:2002.02428
//	NewTriangularSplineFlow   splines of marginals      both                 Durkan et al. 2019, arXiv:1906.04032
//	NewGF                     mixtures of marginals     densities            Meng et al. 2020, arXiv:2003.01941
//	NewBPF                    Bernstein polynomials     densities            Ramasinghe et al. 2021, arXiv:2102.03509
//	NewSOSPF                  sums of squares           densities            Jaini et al. 2019, arXiv:1905.02325
//	NewNAF                    deep sigmoidal networks   densities            Huang et al. 2018, arXiv:1804.00779
//	NewUNAF                   integrals of networks     densities            Wehenkel & Louppe 2019, arXiv:1908.05164
//	NewBNAF                   monotone block networks   densities            De Cao et al. 2019, arXiv:1904.04676
//	NewPlanarFlow             planar layers             samples              Rezende & Mohamed 2015, arXiv:1505.05770
//	NewResidualFlow           contractions              densities            Chen et al. 2019, arXiv:1906.02735
//
// [NewTransformerFlow] makes one of any transformer, one's own as well; [Gaussianize] makes a model of data without training. Package continuous has
// models in continuous time.
//
// # Parts
//
// A model is a [Base] and a list of flows, see [NewNormalizingFlow]. A [Flow] is a layer as [Planar], or a [Transformer], which maps single components,
// with a conditioner, which computes its parameters:
//
//	Transformer               what it does to a component
//	Affine                    scales and shifts it
//	RationalQuadraticSpline   bends it in an interval, or around a circle
//	LinearSpline              bends it in an interval, in straight pieces
//	CubicSpline               bends it in an interval, in cubic pieces
//	BernsteinPolynomial       bends it in an interval, by one polynomial
//	SumOfSquares              integrates a sum of squared polynomials
//	GaussianMixtureCDF        is the distribution function of a mixture
//	LogisticMixtureCDF        the same, of logistic distributions
//	DeepSigmoid               is a network with positive weights
//	DeepDenseSigmoid          the same, with vectors between its layers
//	UnconstrainedMonotone     integrates a positive network
//
//	Conditioner               where the parameters come from           fast direction
//	Coupling                  a network of the other components        both
//	Autoregressive            a MADE of the components before it       densities, or samples with Latent
//	Elementwise               they are parameters themselves           both
//	ConditionalElementwise    a network of the context alone           both
//
//	Linear map                as                                      cost of a map
//	LULinearPermute           triangles after a permutation           d² a row
//	InvertibleAffine          triangles, from a rotation              d² a row
//	Triangular                a triangle                              d² a row
//	Householder, Rotation     reflections, a skew-symmetric matrix    d² a row, d³ a batch
//	NewQRLinear               a rotation and a triangle               d² a row, d³ a batch
//	NewSVDLinear              two rotations and a scale between them  d² a row, d³ a batch
//
//	Base                                         its points
//	DiagGaussian, Gaussian, GaussianPCA          normal, with covariances of more and more freedom, or of few factors
//	StudentT, NewCauchy, Laplace                 with heavier tails
//	GaussianMixture                              in several modes, which may start from data
//	ResampledGaussian                            normal, of which a network accepts some
//	ConditionalDiagGaussian, …GaussianMixture    the same, given a context
//	Uniform, Beta, TruncatedGaussian             in a box
//	Gamma, NewLogNormal                          positive
//	UniformGaussian                              partly angles
//	Joint, ModelBase                             of several distributions side by side; of a model
//	QuasiRandom                                  of another one, spread evenly
//
// [NormalizingFlow.WithEmbedding] puts a network between a context and all layers. [Chain], [Invert] and [Indexed] make flows of flows. NAMES.md, beside this package, lists what users of other libraries know under other names.
//
// # Training
//
// [Fit] minimises an [Objective]: that of [NormalizingFlow.NLL] for data, [NormalizingFlow.ReverseKL] or [NormalizingFlow.AlphaDivergence] for an
// unnormalised density, or a loss of one's own by [NewObjective]. Each has Loss and LossGrad for loops of one's own:
//
//	objective, adam := model.NLL(nil), nf.NewAdam(model.Params(), nil)
//	for range steps {
//		if _, err := objective.LossGrad(batch(), src); err == nil {
//			adam.Step()
//		}
//	}
//
// A step is one change of the parameters, an epoch one pass over a data set.
//
// # Conventions
//
// Forward maps latent to data, Inverse data to latent, everywhere. Each also returns ln|det J| of the map that it
// applied. Rows are points: a batch is n×d, stored by rows.
//
// Losses of likelihoods are in nats. They are bounded by the entropy of the data, not by 0.
//
// A context, for conditional models, has a row for each point or one row for all. [NormalizingFlow.Given] sets it.
//
// Random numbers come from a [math/rand/v2.Source] argument, inside layers too. The same seed gives the same bytes, on any number of cores; another one
// other noise. That holds for one build. Builds that round differently give numbers that differ in the last digits, by 2·10⁻¹² of a loss or less in the
// first steps, and grow apart in a long training: other architectures, GOAMD64=v3 and above, the tag purego, and amd64 processors without AVX2, where
// those with AVX2 and with AVX-512 agree.
//
// A model may be used by many goroutines at a time, also while it is trained.
//
// Misuse panics, with the name of the call, what came and what was wanted. Errors are for what a program cannot
// know: files, data, numbers that are not finite. NaN is never replaced in silence.
//
// An optional argument is a pointer to a struct whose zero value, like nil, means the defaults.
//
// # Types of one's own
//
// A type with the methods of [Flow], [Transformer], [Base], [Net], [StochasticLayer] or [Objective] is one. It is written with the operations of package
// ad, which bring their gradients; package nftest checks it.
//
// # Packages
//
//	ad          differentiates
//	targets     densities to learn, and simulators
//	tables      data of one's own: columns with names and types
//	inference   parameters of simulators
//	eval        how good a model is
//	grids       images and lattices
//	montecarlo  densities without data: annealing, stochastic layers, chains
//	continuous  continuous time, flow matching
//	vae         variational autoencoders
//	onnx        trained models as ONNX files
//	nfplot      pictures
//	sweep       many runs: what each has found, and all together
//	nftest      checks of types of one's own
package nfkit
