package nfkit_test

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Linear maps: of components by themselves, of their order, and of all of them.
func Example_linearFlows() {
	src := rand.NewPCG(1, 2)
	fmt.Println(nf.NewNormalizingFlow(nf.NewDiagGaussian(4, nil), []nf.Flow{
		nf.NewAffineConstFlow(4, nil),
		nf.NewActNorm(4), // takes scale and shift from the first batch
		nf.NewInvert(nf.NewBatchNorm(4, nil)),
		nf.NewPermute(4, nf.PermuteReverse, nil),
		nf.NewLULinearPermute(4, nil, src),
		nf.NewInvertibleAffine(4, nil, src),
	}))
	// Output:
	// NormalizingFlow in 4 dimensions, 80 parameters
	// base  DiagGaussian       8
	// 0     AffineConstFlow    8
	// 1     ActNorm            8
	// 2     Invert(BatchNorm)
	// 3     Permute
	// 4     LULinearPermute    20
	// 5     InvertibleAffine   36
}

// Couplings keep some components, and map the others by what a network makes of those kept.
func ExampleNewCoupling() {
	src := rand.NewPCG(1, 2)
	kept, changed := nf.SplitCheckerboard.Parts(4)
	spline := nf.NewRationalQuadraticSpline(len(changed), nil, &nf.SplineOptions{Bound: 3})
	mask := []bool{true, false, true, false}
	fmt.Println(nf.NewNormalizingFlow(nf.NewDiagGaussian(4, nil), []nf.Flow{
		nf.NewAffineCouplingBlock(nf.NewMLP([]int{2, 16, 4}, nil, src), nil),
		nf.NewMaskedAffineFlow(mask, nf.NewMLP([]int{4, 16, 4}, nil, src), nf.NewMLP([]int{4, 16, 4}, nil, src)),
		nf.NewCoupling(nf.Affine{}, nf.NewMLP([]int{3, 16, 2}, nil, src), []int{2}, nil), // three kept, one changed
		nf.NewCoupling(spline, nf.NewResidualNet(len(kept), len(changed)*spline.Params(), 16, nil, src), changed, nil),
		nf.NewCoupledRationalQuadraticSpline(4, 16, nil, src),
	}))
	// Output:
	// NormalizingFlow in 4 dimensions, 4400 parameters
	// base  DiagGaussian                                                                        8
	// 0     Coupling(Affine, 2 of 4 components, MLP 2-16-4)                                     116
	// 1     MaskedAffineFlow                                                                    296
	// 2     Coupling(Affine, 1 of 4 components, MLP 3-16-2)                                     98
	// 3     Coupling(RationalQuadraticSpline 8 bins, 2 of 4 components, ResidualNet 2-16×2-46)  1918
	// 4     Coupling(RationalQuadraticSpline 8 bins, 2 of 4 components, ResidualNet 2-16×2-46)  1964
}

// Autoregressive flows map each component by what a masked network makes of those before it.
func ExampleNewAutoregressive() {
	src := rand.NewPCG(1, 2)
	spline := nf.NewRationalQuadraticSpline(3, nil, nil)
	fmt.Println(nf.NewNormalizingFlow(nf.NewDiagGaussian(3, nil), []nf.Flow{
		nf.NewAutoregressive(nf.Affine{}, nf.NewMADE(3, 2, 16, nil, src), nil),                                              // fast densities
		nf.NewAutoregressive(spline, nf.NewMADE(3, spline.Params(), 16, nil, src), &nf.AutoregressiveOptions{Latent: true}), // fast samples
		nf.NewMaskedAffineAutoregressive(nf.NewMADE(3, 2, 16, nil, src), nil),
		nf.NewAutoregressiveRationalQuadraticSpline(3, 16, nil, src),
	}))
	// Output:
	// NormalizingFlow in 3 dimensions, 7164 parameters
	// base  DiagGaussian                                                          6
	// 0     Autoregressive(Affine, MADE 3-16-6)                                   1254
	// 1     Autoregressive(RationalQuadraticSpline 8 bins, MADE 3-16-69, latent)  2325
	// 2     Autoregressive(Affine, MADE 3-16-6, latent)                           1254
	// 3     Autoregressive(RationalQuadraticSpline 8 bins, MADE 3-16-69)          2325
}

// Elementwise flows map each component by a function of its own, which needs no network.
func ExampleNewElementwise() {
	src := rand.NewPCG(1, 2)
	fmt.Println(nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{
		nf.NewElementwise(nf.Affine{}, 2),
		nf.NewElementwiseRationalQuadraticSpline(2, &nf.SplineOptions{Bins: 16}, src),
	}))
	// Output:
	// NormalizingFlow in 2 dimensions, 102 parameters
	// base  DiagGaussian                                  4
	// 0     Elementwise(Affine)                           4
	// 1     Elementwise(RationalQuadraticSpline 16 bins)  94
}

// Planar and radial layers move points along a direction or about a centre; residual ones by a network that contracts.
func Example_residualFlows() {
	src := rand.NewPCG(1, 2)
	fmt.Println(nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{
		nf.NewPlanar(2, nil, src),
		nf.NewRadial(2, src),
		nf.NewResidual(nf.NewLipschitzMLP([]int{2, 16, 2}, nil, src), nil),
	}))
	// Output:
	// NormalizingFlow in 2 dimensions, 97 parameters
	// base  DiagGaussian  4
	// 0     Planar        5
	// 1     Radial        4
	// 2     Residual      84
}

// The last layer of a model decides where its density is not 0: here, on intervals and among positive numbers.
func Example_boundedFlows() {
	src := rand.NewPCG(1, 2)
	for _, f := range []nf.Flow{
		nf.NewSigmoid(2, -3, 5), nf.NewLogit(2, 0.05), nf.NewTanh(2), nf.NewExp(2), nf.NewSoftplus(2),
	} {
		x := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{f}).Sample(2000, src)
		fmt.Printf("%T: from %.2f to %.2f\n", f, mat.Min(x), mat.Max(x))
	}
	// Output:
	// *nfkit.Sigmoid: from -2.92 to 4.82
	// *nfkit.Sigmoid: from -0.02 to 1.04
	// *nfkit.Tanh: from -1.00 to 1.00
	// *nfkit.Exp: from 0.03 to 25.74
	// *nfkit.Softplus: from 0.04 to 3.24
}

// Angles beside real numbers: splines that close, on a base that is uniform on the circle.
func Example_circles() {
	src := rand.NewPCG(1, 2)
	angles := []int{0} // the first of two components, on [−3, 3]
	base := nf.NewUniformGaussian(2, angles, &nf.UniformGaussianOptions{Scale: []float64{6, 1}})
	closed := nf.SplineOptions{Bound: 3}
	features := nf.NewPeriodicFeaturesElementwise(2, angles, nil) // sines and cosines for a network of one's own
	net := nf.NewMADE(2, 2, 16, &nf.MADEOptions{Preprocess: features}, src)
	model := nf.NewNormalizingFlow(base, []nf.Flow{
		nf.NewCircularCoupledRationalQuadraticSpline(2, 16, angles, &nf.CoupledSplineOptions{SplineOptions: closed}, src),
		nf.NewPeriodicShift(2, angles, 3, 1.5),
		nf.NewCircularAutoregressiveRationalQuadraticSpline(2, 16, angles, &nf.AutoregressiveSplineOptions{SplineOptions: closed}, src),
		nf.NewPeriodicWrap(2, angles, 3),
	})
	fmt.Println(model)
	fmt.Println(net)
	// Output:
	// NormalizingFlow in 2 dimensions, 3560 parameters
	// base  UniformGaussian
	// 0     Coupling(RationalQuadraticSpline 8 bins, 1 of 2 components, ResidualNet 1-16×2-25)  1572
	// 1     PeriodicShift
	// 2     Autoregressive(RationalQuadraticSpline 8 bins, MADE 2-16-50)                        1988
	// 3     PeriodicWrap
	// MADE 2-16-4
}

// A positive column beside two real ones: no Jacobian is written by hand.
func ExampleNewIndexed() {
	src := rand.NewPCG(1, 2)
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(3, nil), []nf.Flow{
		nf.NewLULinearPermute(3, nil, src),
		nf.NewIndexed(3, []int{2}, nf.NewExp(1)),
	})
	x := model.Sample(1000, src)
	least := x.At(0, 2)
	for i := range 1000 {
		least = min(least, x.At(i, 2))
	}
	fmt.Println("the last column is positive:", least > 0)
	// Output:
	// the last column is positive: true
}

// Columns in other units: the last layer of a model takes location and scale from data, and the flows before it see standard ones.
func ExampleNewStandardization() {
	data := mat.NewDense(4, 2, []float64{1000, 0.01, 1002, 0.02, 1004, 0.03, 1006, 0.04})
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewStandardization(data)})
	z, _ := model.Inverse(data)
	fmt.Printf("%.2f\n", mat.Formatted(z))
	// Output:
	// ⎡-1.16  -1.16⎤
	// ⎢-0.39  -0.39⎥
	// ⎢ 0.39   0.39⎥
	// ⎣ 1.16   1.16⎦
}

// A chain is a flow of several flows, in the order of Forward; Invert swaps the directions of a flow.
func ExampleNewChain() {
	src := rand.NewPCG(1, 2)
	block := nf.NewChain(nf.NewLULinearPermute(2, nil, src), nf.NewInvert(nf.NewRadial(2, src)))
	fmt.Println(block)
	// Output:
	// Chain(LULinearPermute, Invert(Radial))
}
