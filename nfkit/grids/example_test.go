package grids_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

// A class-conditional model of small images: bright rows for class 0, bright columns for class 1.
func ExampleNewGlow() {
	pixels := mat.NewDense(2, 16, []float64{
		0, 0, 0, 0, 3, 3, 3, 3, 0, 0, 0, 0, 3, 3, 3, 3,
		0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3})
	src := rand.NewPCG(1, 2)
	model := grids.NewGlow(grids.Shape{Height: 4, Width: 4, Channels: 1}, &grids.GlowOptions{Classes: 2, Blocks: 1, Hidden: 8}, src)
	images := nf.Must(grids.NewDequantized(pixels, 4, grids.OneHot([]int{0, 1}, 2)))
	nf.Must(nf.Fit(context.Background(), model.NLL(nil), images, &nf.FitOptions{Steps: 150, BatchSize: 32, Schedule: nf.Cosine(2e-2, 10, 150)}, src))

	x := model.Given(grids.OneHot([]int{1}, 2)).Sample(100, src)
	for y := range 4 {
		for column := range 4 {
			mark := "·"
			if stat.Mean(mat.Col(nil, 4*y+column, x), nil) > 0.5 {
				mark = "█"
			}
			fmt.Print(mark)
		}
		fmt.Println()
	}
	// Output:
	// ·█·█
	// ·█·█
	// ·█·█
	// ·█·█
}

// A model of images with four grey levels, most of which are 0: bright rows for class 0, bright columns for class 1.
func ExampleNewPixelFlow() {
	pixels := mat.NewDense(2, 16, []float64{
		0, 0, 0, 0, 1, 2, 3, 2, 0, 0, 0, 0, 1, 2, 3, 2,
		0, 1, 0, 1, 0, 2, 0, 2, 0, 3, 0, 3, 0, 2, 0, 2})
	src := rand.NewPCG(1, 2)
	opts := &grids.PixelFlowOptions{Hidden: 8, Blocks: 1, Bins: 4, Classes: 2, Pixels: pixels, Levels: 4}
	model := grids.NewPixelFlow(grids.Shape{Height: 4, Width: 4, Channels: 1}, opts, src)
	images := nf.Must(grids.NewDequantized(pixels, 4, grids.OneHot([]int{0, 1}, 2)))
	nf.Must(nf.Fit(context.Background(), model.NLL(nil), images, &nf.FitOptions{Steps: 150, BatchSize: 32, Schedule: nf.Cosine(2e-2, 10, 150)}, src))

	x := model.Given(grids.OneHot([]int{0, 1}, 2)).Sample(2, src)
	for i := range 2 {
		for y := range 4 {
			for column := range 4 {
				fmt.Printf("%.0f", math.Floor(4*x.At(i, 4*y+column)))
			}
			fmt.Println()
		}
	}
	// Output:
	// 0000
	// 1232
	// 0000
	// 1232
	// 0101
	// 0202
	// 0303
	// 0202
}

// A model of two levels from its parts: half of the numbers of a 4×4 image pass through the last layers alone.
func ExampleNewMultiscaleFlow() {
	src := rand.NewPCG(1, 2)
	image := grids.Shape{Height: 4, Width: 4, Channels: 1}
	squeezed, half := grids.Shape{Height: 2, Width: 2, Channels: 4}, grids.Shape{Height: 2, Width: 2, Channels: 2}
	model := grids.NewMultiscaleFlow(
		[]nf.Base{grids.NewGlowBase(half, 0), grids.NewClassCondDiagGaussian(half, 3)},
		[][]nf.Flow{
			{grids.NewGlowBlock(half, 8, nil, src)},
			{grids.NewInvertible1x1Conv(squeezed, nil, src), grids.NewActNorm(squeezed), grids.NewSqueeze(image)},
		},
		[]nf.Flow{grids.NewMerge(squeezed, nf.SplitChannel)}, nil)
	fmt.Println(model.Dim(), "numbers, a context of", model.ContextDim(), "classes")
	// Output: 16 numbers, a context of 3 classes
}

// A coupling of the two halves of the channels, by a convolutional network.
func ExampleNewAffineCouplingBlock() {
	shape := grids.Shape{Height: 4, Width: 4, Channels: 4}
	half := grids.Shape{Height: 4, Width: 4, Channels: 2}
	net := grids.NewConvNet2d(half, []int{8, 4}, []int{3, 3}, nil, rand.NewPCG(1, 2))
	f := grids.NewAffineCouplingBlock(shape, net, nil)
	fmt.Println(f.Dim())
	// Output: 64
}

// A model of fields on a periodic lattice, and one of its couplings on stripes.
func ExampleNewLatticeFlow() {
	src := rand.NewPCG(1, 2)
	lattice := grids.Shape{Height: 4, Width: 4, Channels: 1}
	model := grids.NewLatticeFlow(lattice, &grids.LatticeOptions{Blocks: 2, Hidden: 4}, src)
	net := grids.NewConvNet2d(lattice, []int{4, 2}, []int{3, 3}, nil, src)
	stripes := grids.NewLatticeCoupling(lattice, grids.Mask{Rows: 1, Period: 2}, net, nil)
	fmt.Println(model.Dim(), stripes.Dim())
	// Output: 16 16
}

// A coupling of splines: of each square of four pixels, two that touch at a corner are kept, and the others are mapped by what a residual network makes
// of the kept ones around them.
func ExampleNewCoupling() {
	src := rand.NewPCG(1, 2)
	squeeze := grids.NewDiagonalSqueeze(grids.Shape{Height: 8, Width: 8, Channels: 1})
	four := squeeze.Latent()
	_, _, kept, changed := grids.Parts(four, nf.SplitChannel)
	spline := nf.LinearSpline{Bins: 16, Hi: 1}
	net := grids.NewConvResidualNet(kept, changed.Channels*spline.Params(), 8, nil, src)
	coupling := grids.NewCoupling(four, spline, net, nf.SplitChannel)
	model := nf.NewNormalizingFlow(nf.NewUniform(64, &nf.UniformOptions{High: 1}), []nf.Flow{coupling, squeeze})
	fmt.Println(four, model.Dim())
	// Output: 4×4×4 64
}

// All pixels are bent by the same spline.
func ExampleNewSitewise() {
	shape := grids.Shape{Height: 28, Width: 28, Channels: 1}
	f := grids.NewSitewise(shape, nf.NewElementwise(nf.LinearSpline{Bins: 256, Hi: 1}, 1))
	fmt.Println(f.Dim(), "pixels,", len(f.State().Params()[0].Data), "parameters")
	// Output: 784 pixels, 256 parameters
}

// A distribution of images whose brightness belongs to their class.
func ExampleNewAffineGaussian() {
	image := grids.Shape{Height: 4, Width: 4, Channels: 3}
	colour := grids.Shape{Height: 1, Width: 1, Channels: 3}
	base := grids.NewAffineGaussian(image, colour, 10)
	fmt.Println(base.Dim(), base.ContextDim())
	// Output: 48 10
}

// Scales and shifts of each row of pixels, by class.
func ExampleNewCCAffineConst() {
	image, row := grids.Shape{Height: 4, Width: 4, Channels: 1}, grids.Shape{Height: 4, Width: 1, Channels: 1}
	f := grids.NewCCAffineConst(image, row, 2)
	for _, t := range f.State() {
		fmt.Println(t.Name, t.Shape)
	}
	// Output:
	// s [1 1 4 1]
	// t [1 1 4 1]
	// s_cc [2 4]
	// t_cc [2 4]
}

// The layers of a lattice model, put together by hand: a Gaussian field that is bent at each site, and a coupling of either colour of a checkerboard.
func ExampleNewKernelCoupling() {
	src := rand.NewPCG(1, 2)
	lattice := grids.Shape{Height: 4, Width: 4, Channels: 1}
	flows := []nf.Flow{grids.NewCirculant(lattice), grids.NewSiteSpline(lattice, &grids.SiteSplineOptions{Odd: true})}
	for phase := range 2 {
		mask := grids.Mask{Rows: 1, Columns: 1, Period: 2, Phase: phase}
		flows = append(flows, grids.NewKernelCoupling(lattice, mask, &grids.KernelCouplingOptions{Symmetric: true}, src))
	}
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(lattice.Size(), &nf.DiagGaussianOptions{Fixed: true}), flows)
	field := model.Sample(1, src)
	other := mat.NewDense(1, lattice.Size(), nil)
	other.Scale(-1, field)
	fmt.Println(math.Abs(model.LogProb(field)[0]-model.LogProb(other)[0]) < 1e-9)
	// Output: true
}
