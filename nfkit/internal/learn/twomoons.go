package main

import (
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

var twoMoonsConstants = constants{"couplings": 32, "steps": 4000, "rows": 512, "held": heldOut}

// readmeTwoMoons trains the model of the reference's README: 32 couplings with an MLP 1-64-64-2, components swapped between
// them, and a base that is trained; 4000 steps of 512 fresh rows, Adam with learning rate 5e-4 and weight decay 1e-5.
func readmeTwoMoons() (float64, error) {
	_, numbers, err := twoMoonsTraining(0, twoMoonsConstants)
	return numbers["nll"], err
}

func twoMoonsTraining(seed uint64, c constants) (*nf.NormalizingFlow, map[string]float64, error) {
	src := rand.NewPCG(seed, 0)
	var flows []nf.Flow
	for range c["couplings"] {
		net := nf.NewMLP([]int{1, 64, 64, 2}, &nf.MLPOptions{InitZeros: true}, src)
		flows = append(flows, nf.NewAffineCouplingBlock(net, nil), nf.NewPermute(2, nf.PermuteSwap, nil))
	}
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), flows)
	target := targets.TwoMoons{}
	adam := nf.NewAdam(model.Params(), &nf.AdamOptions{LearningRate: 5e-4, WeightDecay: 1e-5})
	if err := fit(model, target, c["steps"], c["rows"], adam, nil, src); err != nil {
		return nil, nil, err
	}
	nll, err := model.NLL(nil).Loss(target.Sample(c["held"], rand.NewPCG(seed, 1)), nil)
	return model, map[string]float64{"nll": nll}, err
}
