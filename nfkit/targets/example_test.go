package targets_test

import (
	"fmt"
	"math/rand/v2"

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
