package main

import (
	"context"
	"math/rand/v2"
	"os"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

const columns = 8

// newModel returns the model before training. A file has parameters alone, so what serves it has to know the architecture that was trained.
func newModel() *nf.NormalizingFlow {
	opts := &nf.NSFOptions{Coupling: true, Bound: 3, ModelOptions: nf.ModelOptions{Layers: 6}}
	return nf.NewNSF(columns, opts, rand.NewPCG(1, 2))
}

// train trains the model on points around the sixteen modes of a density in eight dimensions, and writes it to a file.
func train(ctx context.Context, file string, steps int) error {
	model := newModel()
	opts := &nf.FitOptions{Steps: steps, Progress: nf.ProgressLine(os.Stderr)}
	if _, err := nf.Fit(ctx, model.NLL(nil), targets.ManyWell{Dims: columns}, opts, rand.NewPCG(3, 4)); err != nil {
		return err
	}
	return nf.Save(file, model)
}
