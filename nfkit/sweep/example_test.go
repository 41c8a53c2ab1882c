package sweep_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/sweep"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Three seeds are trained and gathered, and their mixture is one density.
func Example() {
	folder := nf.Must(os.MkdirTemp("", "sweep"))
	defer os.RemoveAll(folder)
	newModel := func(seed uint64) *nf.NormalizingFlow {
		return nf.NewRealNVP(2, &nf.ModelOptions{Layers: 4, Hidden: 16}, rand.NewPCG(seed, 0))
	}
	held := targets.TwoMoons{}.Sample(1000, rand.NewPCG(5, 6))

	const steps = 100
	for seed := range uint64(3) { // each may be a process of its own, on a machine of its own
		model := newModel(seed)
		nf.Must(nf.Fit(nf.UntilInterrupt(), model.NLL(nil), targets.TwoMoons{}, &nf.FitOptions{Steps: steps, BatchSize: 64}, rand.NewPCG(seed, 1)))
		r := sweep.Result{Name: "moons", Seed: seed, Constants: map[string]any{"steps": steps},
			Numbers: map[string]float64{"nll": nf.Must(model.NLL(nil).Loss(held, nil))}}
		nf.Check(r.Save(filepath.Join(folder, fmt.Sprint(seed)), model))
	}

	settings, leftOut, err := sweep.Gather(folder, 3)
	nf.Check(err)
	runs := settings[0]
	mean, _ := runs.Mean("nll")
	fmt.Println(len(runs.Runs), "runs of", runs.Name, leftOut)

	nf.Check(runs.SaveEnsemble(filepath.Join(folder, "ensemble.safetensors")))
	ensemble := nf.NewEnsemble([]*nf.NormalizingFlow{newModel(0), newModel(0), newModel(0)})
	nf.Check(nf.Load(filepath.Join(folder, "ensemble.safetensors"), ensemble))
	fmt.Println("the mixture is better than the mean:", nf.Must(ensemble.NLL(nil).Loss(held, nil)) < mean)
	// Output:
	// 3 runs of moons []
	// the mixture is better than the mean: true
}
