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
package nfkit
