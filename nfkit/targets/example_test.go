package targets_test

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/targets"
)

func Example() {
	var target targets.UniformNormal
	x := target.Sample(10_000, rand.NewPCG(1, 2)) // 10000×2

	var nll float64
	for _, l := range target.LogProb(x) {
		nll -= l / 10_000
	}
	fmt.Printf("negative log-likelihood of its own samples: %.2f\n", nll)
	fmt.Printf("entropy: %.2f\n", target.Entropy())
	// Output:
	// negative log-likelihood of its own samples: 1.61
	// entropy: 1.61
}

// A picture is a density: of four pixels, one is white and one grey.
func ExampleNewImagePrior() {
	picture := image.NewGray(image.Rect(0, 0, 2, 2))
	picture.SetGray(0, 0, color.Gray{Y: 255})
	picture.SetGray(1, 0, color.Gray{Y: 85})
	prior, err := targets.NewImagePrior(picture, &targets.ImagePriorOptions{X: [2]float64{0, 2}, Y: [2]float64{0, 2}})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := mat.NewDense(3, 2, []float64{0.5, 1.5, 1.5, 1.5, 0.5, 0.5}) // upper left, upper right, lower left
	for _, l := range prior.LogProb(x) {
		fmt.Printf("%.2f\n", math.Exp(l))
	}
	// Output:
	// 0.75
	// 0.25
	// 0.00
}

// A sample of the target has all of its modes; a model that has collapsed to three of them has three.
func ExampleGMM40_ModesFound() {
	var target targets.GMM40
	x := target.Sample(10_000, rand.NewPCG(1, 2))
	collapsed := target.Means().Slice(0, 3, 0, 2)
	fmt.Println(target.ModesFound(x), target.ModesFound(collapsed))
	// Output: 40 3
}
