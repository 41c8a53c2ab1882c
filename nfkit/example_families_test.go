package nfkit_test

import (
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// The families of zuko and FlowJAX by their names there.
func ExampleNewTransformerFlow() {
	src := rand.NewPCG(1, 2)
	small := &nf.ModelOptions{Layers: 1, Hidden: 8, Depth: 1}
	for _, m := range []struct {
		name  string
		model *nf.NormalizingFlow
	}{
		{"NAF", nf.NewNAF(2, small, src)},
		{"UNAF", nf.NewUNAF(2, small, src)},
		{"SOSPF", nf.NewSOSPF(2, small, src)},
		{"BPF", nf.NewBPF(2, small, src)},
		{"NCSF", nf.NewNCSF(2, small, src)},
		{"BNAF", nf.NewBNAF(2, small, src)},
		{"GF", nf.NewGF(2, &nf.ModelOptions{Layers: 1}, src)},
		{"triangular spline", nf.NewTriangularSplineFlow(2, &nf.ModelOptions{Layers: 1}, src)},
		{"one's own", nf.NewTransformerFlow(nf.LogisticMixtureCDF{}, 2, small, src)},
	} {
		fmt.Println(m.name, m.model.Dim())
	}
	// Output:
	// NAF 2
	// UNAF 2
	// SOSPF 2
	// BPF 2
	// NCSF 2
	// BNAF 2
	// GF 2
	// triangular spline 2
	// one's own 2
}

// Each component is scaled and shifted by what a network makes of the context alone.
func ExampleNewConditionalElementwise() {
	src := rand.NewPCG(1, 2)
	f := nf.NewConditionalElementwise(nf.Affine{}, nf.NewMLP([]int{3, 8, 4}, nil, src), 2)
	fmt.Println(f.Dim(), f.ContextDim())
	// Output: 2 3
}

// A network that is itself the flow.
func ExampleNewBlockAutoregressive() {
	f := nf.NewBlockAutoregressive(3, nil, rand.NewPCG(1, 2))
	fmt.Println(f.Dim())
	// Output: 3
}
