package onnx_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/onnx"
)

// A spline flow with a context, for a runtime that computes in float32. In a program, the two go to files.
func Example() {
	model := nf.NewNSF(2, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Context: 3}}, rand.NewPCG(1, 2))
	opts := &onnx.Options{Precision: ad.Float32}
	var density, sampling bytes.Buffer
	if err := onnx.Density(&density, model, opts); err != nil {
		fmt.Println(err)
	}
	if err := onnx.Sampling(&sampling, model, opts); err != nil {
		fmt.Println(err)
	}
	fmt.Println(density.Len() > 1000, sampling.Len() > 1000)

	// In Python: onnxruntime.InferenceSession("density.onnx").run(None, {"x": x, "context": context})
	// Output: true true
}

func ExampleNoise() {
	model := nf.NewRealNVP(2, nil, rand.NewPCG(1, 2))
	noise := onnx.Noise(model, 1000, rand.NewPCG(3, 4)) // standard normal numbers, 1000×2
	fmt.Println(len(noise))
	// Output: 2000
}
