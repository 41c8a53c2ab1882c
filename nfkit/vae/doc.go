// Package vae has variational autoencoders whose posterior is a flow.
//
// Data x come from latent points z of a prior by a decoder p(x | z). An encoder and flows are q(z | x), and training raises the evidence lower bound
//
//	E_q[ln p(x | z) + ln p(z) − ln q(z | x)] ≤ ln p(x).
//
//	encoder := vae.NewNNDiagGaussian(nf.NewMLP([]int{784, 64, 2 * 8}, nil, src))
//	decoder := vae.NewNNBernoulliDecoder(nf.NewMLP([]int{8, 64, 784}, nil, src))
//	model := vae.NewNormalizingFlowVAE(nf.NewDiagGaussian(8, nil), encoder, flows, decoder)
//	history, err := nf.Fit(ctx, model.NegativeELBO(1), data, nil, src)
//
// Kingma & Welling 2014, arXiv:1312.6114; Rezende & Mohamed 2015, arXiv:1505.05770.
package vae
