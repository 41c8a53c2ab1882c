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
