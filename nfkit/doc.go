// Package nfkit has normalizing flows: distributions that can be sampled and whose density is known, made by
// bending a simple base with invertible functions that are learned.
//
//	src := rand.NewPCG(1, 2)
//	var flows []nf.Flow
//	for range 8 {
//		net := nf.NewMLP([]int{1, 64, 64, 2}, &nf.MLPOptions{InitZeros: true}, src)
//		flows = append(flows, nf.NewAffineCouplingBlock(net, nil), nf.NewLULinearPermute(2, nil, src))
//	}
//	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), flows)
//	adam := nf.NewAdam(model.Params(), nil)
//	for range 1000 {
//		if _, err := model.NLLGrad(batch()); err == nil { // batch returns an n×2 matrix of data
//			adam.Step()
//		}
//	}
//	x := model.Sample(1000, src)
//	logProb := model.LogProb(x)
//
// # Conventions
//
// Forward maps latent to data, Inverse data to latent, everywhere. Each also returns ln|det J| of the map that it
// applied. Rows are points: a batch is n×d, stored by rows.
//
// Losses are negative log-likelihoods in nats. They are bounded by the entropy of the data, not by 0.
//
// A context, for conditional models, has a row for each point or one row for all. [NormalizingFlow.Given] sets it.
//
// Random numbers come from a [math/rand/v2.Source] argument. The same seed gives the same bytes, on any number of cores.
//
// Misuse panics, with the name of the call, what came and what was wanted. Errors are for what a program cannot
// know: files, data, numbers that are not finite. NaN is never replaced in silence.
//
// An optional argument is a pointer to a struct whose zero value, like nil, means the defaults.
//
// # Custom flows
//
// A type with the methods of [Flow] is a flow. It is written with the operations of package ad, which bring their
// gradients; package nftest checks it.
//
// # Packages
//
// Package ad differentiates, targets has densities to learn, eval tells how good a model is, nfplot draws, nftest checks.
//
// # Names elsewhere
//
// What users of other libraries know, and its twin here; – where there is none. normflows counts directions as this package does;
// in zuko and in nflows, forward maps data to latent.
//
//	normflows                              zuko                           FlowJAX                              nfkit
//
//	NormalizingFlow(q0, flows, p)          Flow(transform, base)          Transformed                          NewNormalizingFlow
//	ConditionalNormalizingFlow             flow(context)                  cond_dim                             NormalizingFlow.Given
//	forward, inverse                       transform.inv, transform      transform, inverse                   Forward, Inverse
//	log_prob, sample                       log_prob, sample               log_prob, sample                     LogProb, Sample, SampleLogProb
//	Composite, Reverse                     ComposedTransform, inv         Chain, Invert                        Chain, Invert
//	save, load                             –                              –                                    Save, Load, Checkpoint
//
//	forward_kld                            −log_prob                      MaximumLikelihoodLoss                NLL, NLLGrad
//	reverse_kld(beta)                      rsample_and_log_prob           ElboLoss                             ReverseKL, ReverseKLGrad
//	reverse_kld(score_fn=False)            –                              stick_the_landing                    ReverseKLOptions
//	reverse_alpha_div(dreg)                –                              –                                    AlphaDivergence, AlphaDivergenceGrad
//	–                                      –                              fit_to_data                          Fit
//
//	–                                      RealNVP                        coupling_flow                        NewRealNVP
//	–                                      NICE                           coupling_flow(Loc)                   NewNICE
//	–                                      MAF                            masked_autoregressive_flow           NewMAF
//	–                                      MAF, inv                       invert=False                         NewIAF
//	–                                      NSF                            transformer=RationalQuadraticSpline  NewNSF
//	–                                      –                              planar_flow                          NewPlanarFlow
//	–                                      –                              –                                    NewResidualFlow
//
//	AffineCouplingBlock                    GeneralCouplingTransform       Coupling                             AffineCouplingBlock
//	MaskedAffineFlow                       –                              –                                    MaskedAffineFlow
//	MaskedAffineAutoregressive             MaskedAutoregressiveTransform  MaskedAutoregressive                 MaskedAffineAutoregressive
//	CoupledRationalQuadraticSpline         NSF(passes=2)                  Coupling                             CoupledRationalQuadraticSpline
//	AutoregressiveRationalQuadraticSpline  NSF                            MaskedAutoregressive                 AutoregressiveRationalQuadraticSpline
//	CircularCoupledRational…               NCSF                           –                                    NewCircularCoupledRationalQuadraticSpline
//	CircularAutoregressiveRational…        NCSF                           –                                    NewCircularAutoregressiveRationalQuadraticSpline
//	PiecewiseRationalQuadraticCDF          MonotonicRQSTransform          RationalQuadraticSpline              ElementwiseRationalQuadraticSpline
//	Planar, Radial                         –                              Planar                               Planar, Radial
//	Residual                               –                              –                                    Residual
//	AffineConstFlow, ActNorm, BatchNorm    –                              Affine                               AffineConstFlow, ActNorm, BatchNorm
//	Permute                                PermutationTransform           Permute, Flip                        Permute
//	LULinearPermute, InvertibleAffine      LULinearTransform              TriangularAffine                     LULinearPermute, InvertibleAffine
//	PeriodicWrap, PeriodicShift            CircularShiftTransform         –                                    PeriodicWrap, PeriodicShift
//	transforms.Logit                       SigmoidTransform               Sigmoid, Tanh, Exp, SoftPlus         Sigmoid, NewLogit, Tanh, Exp, Softplus
//
//	DiagGaussian                           DiagNormal                     Normal                               DiagGaussian
//	ConditionalDiagGaussian                a LazyDistribution             –                                    ConditionalDiagGaussian
//	GaussianPCA                            MultivariateNormal             MultivariateNormal                   Gaussian, GaussianPCA
//	Uniform, UniformGaussian               BoxUniform                     Uniform                              Uniform, UniformGaussian
//	GaussianMixture                        GMM                            VmapMixture                          GaussianMixture
//	–                                      –                              StudentT                             StudentT
//	–                                      –                              –                                    ModelBase
//
//	nets.MLP, ResidualNet, MADE            nn.MLP, MaskedMLP              eqx.nn.MLP                           MLP, ResidualNet, MADE
//	nets.LipschitzMLP, update_lipschitz    –                              –                                    LipschitzMLP
//	utils.PeriodicFeaturesElementwise      –                              –                                    PeriodicFeaturesElementwise
//	distributions.TwoMoons, …              –                              tasks                                package targets
package nfkit
