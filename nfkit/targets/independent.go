package targets

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// TwoIndependent is the density of two independent parts of a point: p(x) = p₁(x₁)·p₂(x₂), where x₁ is the first
// First.Dim() columns and x₂ the rest. It is normalised if both are. Both must be set. Its twin in normflows is
// TwoIndependent.
type TwoIndependent struct{ First, Second Target }

var _ Target = TwoIndependent{}

// Dim returns the sum of the two dimensions.
func (t TwoIndependent) Dim() int {
	if t.First == nil || t.Second == nil {
		panic("targets: TwoIndependent: got a nil target, want First and Second")
	}
	return t.First.Dim() + t.Second.Dim()
}

// LogDensity returns the sum of the two log-densities of each row of x.
func (t TwoIndependent) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	d := t.First.Dim()
	return t.First.LogDensity(x.Slice(0, d)).Add(t.Second.LogDensity(x.Slice(d, x.Cols())))
}

// LogNormalizer returns the sum of the two logarithms.
func (t TwoIndependent) LogNormalizer() float64 {
	return t.First.LogNormalizer() + t.Second.LogNormalizer()
}

// Entropy returns the sum of the two entropies.
func (t TwoIndependent) Entropy() float64 { return t.First.Entropy() + t.Second.Entropy() }

// LogProb returns ln p of each row of x.
func (t TwoIndependent) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points of the first target, then n of the second.
func (t TwoIndependent) Sample(n int, src rand.Source) *mat.Dense {
	d := t.Dim()
	checkSample(t, n, src)
	x, y := t.First.Sample(n, src), t.Second.Sample(n, src)
	joined := mat.NewDense(n, d, nil)
	joined.Augment(x, y)
	return joined
}
