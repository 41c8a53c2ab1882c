package main

import (
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

// mnistConv trains a class-conditional multiscale model with convolutional networks, and returns the bits per dimension of the test images.
func mnistConv(d digits, run mnistRun) (float64, error) {
	src := rand.NewPCG(run.seed, 1)
	steps, rows, hidden := run.or(10_000), 32, 48
	if run.small {
		steps, rows, hidden = 4, 8, 4
	}
	data, err := d.train.dequantized(10)
	if err != nil {
		return 0, err
	}
	held, err := d.valid.rows(0, min(1000, len(d.valid.digits))).dequantized(10)
	if err != nil {
		return 0, err
	}
	test, err := d.test.dequantized(10)
	if err != nil {
		return 0, err
	}
	model := grids.NewPixelFlow(mnistShape, &grids.PixelFlowOptions{Hidden: hidden, Classes: 10, Pixels: d.train.pixels, Levels: mnistLevels}, src).WithPrecision(ad.Float32)
	dim := mnistShape.Size()
	bits := func(loss float64) float64 { return grids.BitsPerDim([]float64{-loss}, dim, mnistLevels) }
	err = run.fit("conv", model, data, data.Rows(), bits, nf.FitOptions{Steps: steps, BatchSize: rows, Schedule: nf.Cosine(2e-3, steps/40, steps),
		MaxGradNorm: 100, Validation: held.Sample(held.Len(), src), ValidateEvery: 250})
	if err != nil {
		return 0, err
	}
	n := test.Len()
	x := test.Sample(n, src)
	logProb := model.Given(x.Slice(0, n, dim, dim+10)).LogProb(x.Slice(0, n, 0, dim))
	return grids.BitsPerDim(logProb, dim, mnistLevels), nil
}
