package nfkit

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ClipGradNorm scales the gradients of params so that the norm of all of them together is at most limit, and returns
// the norm that they had. Its twin in PyTorch is clip_grad_norm_, which scales to a part in a million less. It panics
// unless limit is positive.
func ClipGradNorm(params []*ad.Param, limit float64) float64 {
	if !(limit > 0) {
		panic(fmt.Sprintf("nfkit: ClipGradNorm: got limit %v, want a positive one", limit))
	}
	var norm float64
	for _, p := range params {
		if len(p.Grad) > 0 {
			norm = math.Hypot(norm, floats.Norm(p.Grad, 2))
		}
	}
	if norm > limit {
		for _, p := range params {
			floats.Scale(limit/norm, p.Grad)
		}
	}
	return norm
}
