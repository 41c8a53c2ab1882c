// Package onnx writes trained models as [ONNX] files, which runtimes evaluate without Go: on servers, phones and in browsers.
//
//	err := onnx.Density(file, model, &onnx.Options{Precision: ad.Float32})
//
// # Two graphs
//
//	[Density]   x, N×d, context, N×c  →  log_prob, N
//	[Sampling]  noise, N×k, context, N×c  →  x, N×d, log_prob, N
//
// N is any number of rows. A graph has a context if the model takes one; an embedding of it is part of the graph. Numbers are float64 or float32, see
// [Options]. The noise is an input, so that the runtime needs no random numbers and the same noise gives the same points. What it is depends on the base:
//
//	DiagGaussian, Gaussian, ConditionalDiagGaussian, GaussianPCA    standard normal numbers
//	Uniform                                                         uniform in [0, 1)
//	others                                                          as the Noise of the base draws it; [Noise] writes it down
//
// # What is exported
//
// A model is evaluated once on a tape of package ad, whose operations are then written as nodes of ONNX. So a layer, base or network of one's own is
// exported like those of package nfkit, if its operations are among these:
//
//	what depends on parameters alone           is computed here: weights with masks, inverses, determinants
//	element by element, of a row, by columns   as nodes of the same formula, accurate for small and large numbers as here
//	networks                                   Gemm, with masks in the weights
//	rational-quadratic splines                 compared with all knots, so no search; in float64, as here, also between numbers in float32
//	autoregressive flows, the slow direction   unrolled: the network once for each component
//	FixedPoint, Root, TanhRoot                 loops (residual, neural autoregressive, Gaussianization and planar flows)
//	LogAbsDet                                  elimination with exchange of rows (residual flows)
//
// Each of the ready-made models of package nfkit has both graphs. There is an error for
//
//	Conv2D, KickDrift, RowPolynomial           of grids and dynamics
//	RowGradient, JVP of functions with kinks   derivatives that are not formulas of the operations above
//	weights that depend on points or context   in products of matrices
//	noise of the tape, sums over the batch     what is random, or not row by row
//	Go code that looks at points               such as the samples of ResampledGaussian, which are chosen by rejection
//
// The last is found by comparing two evaluations, at different points. Files are of version 17 of the operators (ONNX 1.12) and need no others.
//
// # Accuracy
//
// In float64, results agree with those of package nfkit to some 13 digits. In float32 they are as near to those in float64 as package nfkit is in float32:
// a few times 1e-7 for most models. More for splines with narrow bins, which magnify the rounding of points and parameters: some 2e-5 for a
// nfkit.NewNSF that was trained on targets.Moons, relative to max(1, |ln q|). The command .ci/onnx measures this with ONNX Runtime for every ready-made model.
//
// [ONNX]: https://onnx.ai
package onnx
