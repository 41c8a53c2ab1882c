package nfkit

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// ClipGradNorm scales the gradients of params so that the norm of all of them together is at most limit, and returns
// the norm that they had. Its twin in PyTorch is clip_grad_norm_, which scales to a part in a million less. It panics
// unless limit is positive.
func ClipGradNorm(params []*ad.Param, limit float64) float64 {
	if !(limit > 0) {
		panic(fmt.Sprintf("nfkit: ClipGradNorm: got limit %v, want a positive one", limit))
	}
	norm := gradNorm(params)
	if norm > limit {
		for _, p := range params {
			floats.Scale(limit/norm, p.Grad)
		}
	}
	return norm
}

// gradNorm returns the norm of the gradients of params, all together.
func gradNorm(params []*ad.Param) float64 {
	var squares float64
	for _, p := range params {
		squares += kernel.Dot(p.Grad, p.Grad)
	}
	if squares > 1e-200 && squares < 1e200 { // no square that counts was rounded to 0, and none was too large
		return math.Sqrt(squares)
	}
	var norm float64
	for _, p := range params {
		if len(p.Grad) > 0 {
			norm = math.Hypot(norm, floats.Norm(p.Grad, 2))
		}
	}
	return norm
}
