package nfkit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Training that can be interrupted and goes on later: the second run starts from the checkpoint of the first.
func ExampleFit() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	folder, err := os.MkdirTemp("", "example")
	nf.Must(err)
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "training.safetensors")

	for range 2 {
		src := rand.NewPCG(1, 2)
		net := nf.NewMLP([]int{1, 16, 2}, &nf.MLPOptions{InitZeros: true}, src)
		model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewAffineCouplingBlock(net, nil)})
		adam := nf.NewAdam(model.Params(), &nf.AdamOptions{LearningRate: 0.01})
		training := nf.Checkpoint{Model: model, Adam: adam, Source: src, Data: nf.NewRows(tutorialRows(1000, rand.NewPCG(3, 4)))}
		if _, err := os.Stat(path); err == nil {
			nf.Must(training.Load(path))
		}
		history, err := nf.Fit(ctx, model, training.Data, &nf.FitOptions{Epochs: 10, BatchSize: 100, Adam: adam}, src)
		nf.Must(err)
		nf.Must(training.Save(path))
		fmt.Println(len(history.Loss), "steps,", adam.Steps(), "in all")
	}
	// Output:
	// 100 steps, 100 in all
	// 100 steps, 200 in all
}
