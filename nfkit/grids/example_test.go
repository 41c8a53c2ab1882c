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
