package main

import (
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

var nsfConstants = constants{"layers": 4, "bins": 16, "steps": 3000, "rows": 512, "held": heldOut}

// nsfTutorial trains a ready-made neural spline flow on the density of the first notebook, whose edges affine layers cannot
// follow: 3000 steps of 512 fresh rows, Adam with a learning rate that falls from 2e-3 to 0.
func nsfTutorial() (float64, error) {
	_, numbers, err := nsfTraining(0, nsfConstants)
	return numbers["nll"], err
}

func nsfTraining(seed uint64, c constants) (*nf.NormalizingFlow, map[string]float64, error) {
	src := rand.NewPCG(seed, 0)
	model := nf.NewNSF(2, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: c["layers"]}, Bins: c["bins"], Coupling: true}, src)
	target := targets.UniformNormal{}
	if err := fit(model, target, c["steps"], c["rows"], nf.NewAdam(model.Params(), nil), nf.Cosine(2e-3, 0, c["steps"]), src); err != nil {
		return nil, nil, err
	}
	nll, err := model.NLL(nil).Loss(target.Sample(c["held"], rand.NewPCG(seed, 1)), nil)
	return model, map[string]float64{"nll": nll}, err
}
