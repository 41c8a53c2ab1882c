package grids_test

import (
	"context"
	"fmt"
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
	model := grids.NewLatticeFlow(lattice, &grids.LatticeOptions{Layers: 2, Hidden: 4, Depth: 1}, src)
	net := grids.NewConvNet2d(lattice, []int{4, 2}, []int{3, 3}, nil, src)
	stripes := grids.NewLatticeCoupling(lattice, grids.Mask{Rows: 1, Period: 2}, net, nil)
	fmt.Println(model.Dim(), stripes.Dim())
	// Output: 16 16
}
