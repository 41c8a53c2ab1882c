package nfkit_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Training that can be interrupted and goes on later: the second run starts from the checkpoint of the first.
func ExampleFit() {
	folder := nf.Must(os.MkdirTemp("", "example"))
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "training.safetensors")

	for _, epochs := range []int{10, 20} { // in all
		src := rand.NewPCG(1, 2)
		model := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 16}, src)
		adam := nf.NewAdam(model.Params(), &nf.AdamOptions{LearningRate: 0.01})
		training := nf.Checkpoint{Model: model, Adam: adam, Source: src, Data: nf.NewRows(tutorialRows(1000, rand.NewPCG(3, 4)))}
		if _, err := os.Stat(path); err == nil {
			nf.Check(training.Load(path))
		}
		history := nf.Must(nf.Fit(nf.UntilInterrupt(), model.NLL(nil), training.Data, &nf.FitOptions{Epochs: epochs, BatchSize: 100, Adam: adam}, src))
		nf.Check(training.Save(path))
		fmt.Println(len(history.Loss), "steps,", adam.Steps(), "in all")
	}
	// Output:
	// 100 steps, 100 in all
	// 100 steps, 200 in all
}
