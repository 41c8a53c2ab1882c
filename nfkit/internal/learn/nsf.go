package main

import (
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// nsfTutorial trains a ready-made neural spline flow on the density of the first notebook, whose edges affine layers cannot
// follow: 3000 steps of 512 fresh rows, Adam with a learning rate that falls from 2e-3 to 0.
func nsfTutorial() (float64, error) {
	const steps = 3000
	src := rand.NewPCG(0, 0)
	model := nf.NewNSF(2, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: 4}, Bins: 16, Coupling: true}, src)
	target := targets.UniformNormal{}
	if err := fit(model, target, steps, 512, nf.NewAdam(model.Params(), nil), nf.Cosine(2e-3, 0, steps), src); err != nil {
		return 0, err
	}
	return model.NLL(nil).Loss(target.Sample(heldOut, rand.NewPCG(0, 1)), nil)
}
