package main

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// The models of conditional_flow.ipynb learn normal distributions whose mean and standard deviation are their context: 4 layers
// with LU permutations, 5000 steps of 128 fresh rows, Adam with weight decay 1e-5. The notebook keeps the learning rate at
// 3e-4, for the last model at 1e-3; here it falls from 1e-3 to 0.

func conditionalNSF() (float64, error) {
	return conditional(func(src rand.Source) nf.Flow {
		return nf.NewAutoregressiveRationalQuadraticSpline(2, 128, &nf.AutoregressiveSplineOptions{Net: nf.MADEOptions{Context: 4}}, src)
	})
}

func conditionalCoupledNSF() (float64, error) {
	return conditional(func(src rand.Source) nf.Flow {
		return nf.NewCoupledRationalQuadraticSpline(2, 128, &nf.CoupledSplineOptions{Net: nf.ResidualNetOptions{Context: 4}}, src)
	})
}

func conditionalMAF() (float64, error) {
	return conditional(func(src rand.Source) nf.Flow {
		return nf.NewMaskedAffineAutoregressive(nf.NewMADE(2, 2, 128, &nf.MADEOptions{Context: 4}, src), nil)
	})
}

func conditional(layer func(src rand.Source) nf.Flow) (float64, error) {
	const steps = 5000
	src := rand.NewPCG(0, 0)
	var flows []nf.Flow
	for range 4 {
		flows = append(flows, layer(src), nf.NewLULinearPermute(2, nil, src))
	}
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true}), flows)
	adam := nf.NewAdam(model.Params(), &nf.AdamOptions{WeightDecay: 1e-5})
	if err := fit(model, normals{}, steps, 128, adam, nf.Cosine(1e-3, 0, steps), src); err != nil {
		return 0, err
	}
	rows := normals{}.Sample(heldOut, rand.NewPCG(0, 1))
	return model.Given(rows.Slice(0, heldOut, 2, 6)).NLL(nil).Loss(rows.Slice(0, heldOut, 0, 2), nil)
}

// normals draws points, and after them their contexts: means from the standard normal distribution and standard deviations from
// [½, 1).
type normals struct{}

func (normals) Sample(n int, src rand.Source) *mat.Dense {
	r, context := rand.New(src), mat.NewDense(n, 4, nil)
	for i := range n {
		context.SetRow(i, []float64{r.NormFloat64(), r.NormFloat64(), 0.5 + 0.5*r.Float64(), 0.5 + 0.5*r.Float64()})
	}
	var rows mat.Dense
	rows.Augment(targets.ConditionalDiagGaussian{}.Sample(context, src), context)
	return &rows
}
