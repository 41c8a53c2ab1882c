// Package inference finds the parameters of a simulator: simulation-based inference. What it needs is a prior, a simulator as a function, and
// data that were observed. It has normalising flows learn what the simulations say, without any likelihood.
//
//	prior := inference.NewPrior(distuv.LogNormal{Mu: -1, Sigma: 0.5}, distuv.Uniform{Min: 0, Max: 1})
//	sims := nf.Must(inference.Simulate(nf.UntilInterrupt(), prior, simulator, 10_000, nil, rand.NewPCG(1, 2)))
//
//	npe := inference.NewNPE(prior, sims.DataDim(), nil, rand.NewPCG(3, 4))
//	history := nf.Must(npe.Fit(nf.UntilInterrupt(), sims, nil, rand.NewPCG(5, 6)))
//	nf.Check(nf.Save("npe.safetensors", npe))
//
//	posterior := nf.Must(npe.Posterior(observed))
//	theta := posterior.Sample(10_000, rand.NewPCG(7, 8)) // none outside of the prior
//	logProb := posterior.LogProb(theta)
//	fmt.Println(posterior.Remarks()) // whether the observation is unlike all simulations
//
// # Parts
//
//	Prior          independent parameters, from gonum's distributions
//	Simulate       draws and their data, on all cores; failed runs are left out and counted
//	NPE            neural posterior estimation: p(θ | x), for any x at once
//	NLE            neural likelihood estimation: p(x | θ), whose posterior is sampled by importance
//
// Package eval says whether a posterior is calibrated: Ranks, HighestDensityRank, TARPRank, C2ST, NewLocalC2ST. Package targets/simulators has tasks with
// known posteriors.
package inference
