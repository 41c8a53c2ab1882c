package nfkit_test

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Linear maps let components depend on each other between layers that map them apart. Those that are orthogonal keep volumes.
func ExampleNewHouseholder() {
	src := rand.NewPCG(1, 2)
	fmt.Println(nf.NewNormalizingFlow(nf.NewDiagGaussian(3, nil), []nf.Flow{
		nf.NewTriangular(3),
		nf.NewHouseholder(3, nil, src),
		nf.NewRotation(3),
		nf.NewQRLinear(3, nil, src),
		nf.NewSVDLinear(3, &nf.HouseholderOptions{Reflections: 2}, src),
	}))
	// Output:
	// NormalizingFlow in 3 dimensions, 69 parameters
	// base  DiagGaussian                                      6
	// 0     Triangular                                        9
	// 1     Householder                                       12
	// 2     Rotation                                          3
	// 3     Chain(Householder, Triangular)                    21
	// 4     Chain(Householder, AffineConstFlow, Householder)  18
}

// A graph says which components depend on which: here two effects of one cause, which are independent given it.
func ExampleNewMADE_adjacency() {
	src := rand.NewPCG(1, 2)
	adjacency := [][]bool{
		{false, false, false}, // the cause
		{true, false, false},  // its effects
		{true, false, false},
	}
	net := nf.NewMADE(3, 2, 16, &nf.MADEOptions{Adjacency: adjacency}, src)
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(3, nil), []nf.Flow{nf.NewAutoregressive(nf.Affine{}, net, nil)})
	for _, p := range model.Params() {
		for i := range p.Data {
			p.Data[i] += 0.5
		}
	}
	logProb := model.LogProb(mat.NewDense(4, 3, []float64{1, 0, 0, 1, 0, 2, 1, 3, 0, 1, 3, 2}))
	fmt.Printf("%.6f\n", logProb[0]-logProb[1]-logProb[2]+logProb[3]) // 0 where they are independent
	// Output:
	// 0.000000
}

// A network can make the context that the layers see from a longer one. It is trained with them.
func ExampleNormalizingFlow_WithEmbedding() {
	src := rand.NewPCG(1, 2)
	series := nf.NewMLP([]int{100, 32, 4}, nil, src)
	fmt.Println(nf.NewNICE(2, &nf.ModelOptions{Layers: 2, Context: 4}, src).WithEmbedding(series))
	// Output:
	// NormalizingFlow in 2 dimensions, 12584 parameters, given a context of 100 columns
	// base       DiagGaussian
	// 0          Coupling(Additive, 1 of 2 components, MLP 5-64-64-1)  4609
	// 1          Coupling(Additive, 1 of 2 components, MLP 5-64-64-1)  4609
	// 2          AffineConstFlow                                       2
	// embedding  MLP 100-32-4                                          3364
}
