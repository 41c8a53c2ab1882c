// Package continuous has continuous normalizing flows: maps along the solution of an ordinary differential equation
//
//	dx/dt = v(x, t),  x(0) = z,  x(1) = x,  ln|det ∂x/∂z| = ∫₀¹ tr ∂v/∂x dt,
//
// whose vector field v is a network. A [Flow] is a flow like others, for models that learn by likelihood; [FlowMatching] is the objective that learns
// the field itself, without solving anything, from samples of both ends:
//
//	field := continuous.NewField(nf.NewMLP([]int{2 + 7, 64, 64, 2}, &nf.MLPOptions{Activation: nf.ActSiLU}, src), 2)
//	noise := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
//	pairs := continuous.NewPairs(noise, targets.TwoMoons{}, 2, &continuous.PairsOptions{Transport: true})
//	history, err := nf.Fit(ctx, continuous.FlowMatching(field, nil), pairs, nil, src)
//	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{continuous.NewFlow(field, nil)})
//
// What a field has learned, a flow whose samples are faster can learn from it: any model is data, so
//
//	history, err := nf.Fit(ctx, coupling.NLL(nil), nf.NewRows(model.Sample(50_000, src)), nil, src)
//
// distils it.
//
// The solver takes steps of one size, the same for all rows, so that a row does not depend on others and gradients are those of what was computed. Steps of a
// size of its own for each row would need a batch for each, or evaluate those that are done again and again; [Flow.Error] says row by row whether there are
// enough, and a penalty on ways, see [FlowOptions], makes fewer enough. gonum has no solver of differential equations.
package continuous
