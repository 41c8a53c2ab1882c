package main

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// mnistMAF trains five autoregressive layers with networks of 512 units, and returns the mean log-density of the test images.
func mnistMAF(d digits, run mnistRun) (float64, error) {
	src := rand.NewPCG(run.seed, 1)
	steps, rows, hidden := run.or(4000), 400, 512
	if run.small {
		steps, rows, hidden = 4, 20, 16
	}
	data, err := d.train.dequantized(0)
	if err != nil {
		return 0, err
	}
	scale := logits{data}.Sample(min(10_000, data.Len()), src)
	var held [2]*mat.Dense
	for i, l := range []labelled{d.valid, d.test} {
		if held[i], err = l.logits(src); err != nil {
			return 0, err
		}
	}
	model := nf.NewMAF(mnistShape.Size(), &nf.ModelOptions{Layers: 5, Hidden: hidden, Depth: 1, Standardize: scale}, src).WithPrecision(ad.Float32)
	logProb := func(loss float64) float64 { return -loss }
	err = run.fit("maf", model, logits{data}, data.Rows(), logProb, nf.FitOptions{Steps: steps, BatchSize: rows, Schedule: nf.Cosine(1e-3, steps/20, steps),
		MaxGradNorm: 100, Validation: held[0], ValidateEvery: 200})
	if err != nil {
		return 0, err
	}
	return stat.Mean(model.LogProb(held[1]), nil), nil
}
