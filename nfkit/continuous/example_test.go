package continuous_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/continuous"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Flow matching teaches a field to carry the base to samples of a target; its flow then has a density.
func ExampleFlowMatching() {
	src := rand.NewPCG(1, 2)
	model, field := continuous.NewCNF(2, &continuous.CNFOptions{Hidden: 16, Depth: 1}, src)
	base := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	pairs := continuous.NewPairs(base, targets.TwoMoons{}, 2, nil)
	history := nf.Must(nf.Fit(context.Background(), continuous.FlowMatching(field, nil), pairs, &nf.FitOptions{Steps: 50, BatchSize: 64}, src))
	fmt.Println(len(history.Loss), "steps, log-densities of", len(model.LogProb(model.Sample(5, src))), "samples")
	// Output: 50 steps, log-densities of 5 samples
}

// Any network whose input is a point and the time is a field.
func ExampleNewField() {
	field := continuous.NewField(nf.NewMLP([]int{3, 8, 2}, nil, rand.NewPCG(1, 2)), 2)
	flow := continuous.NewFlow(field, &continuous.FlowOptions{Steps: 8})
	fmt.Println(flow.Dim(), flow.Evaluations())
	// Output: 2 32
}

// A coupling flow, whose samples cost one evaluation of its networks, learns from samples of a continuous one: what was made of a field is distilled.
func ExampleNewCNF() {
	src := rand.NewPCG(1, 2)
	slow, _ := continuous.NewCNF(2, &continuous.CNFOptions{Hidden: 16, FlowOptions: continuous.FlowOptions{Steps: 8, Kinetic: 0.01, Jacobian: 0.01}}, src)
	nf.Must(nf.Fit(context.Background(), slow.NLL(nil), targets.TwoMoons{}, &nf.FitOptions{Steps: 20, BatchSize: 64}, src))
	fast := nf.NewNSF(2, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: 2, Hidden: 16}, Coupling: true}, src)
	samples := nf.NewRows(slow.Sample(1000, src))
	history := nf.Must(nf.Fit(context.Background(), fast.NLL(nil), samples, &nf.FitOptions{Epochs: 2, BatchSize: 100}, src))
	fmt.Println(len(history.Loss), "steps")
	// Output: 20 steps
}
