package targets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Smiley is a ring of radius 2, of which a mouth near x₁ = −2 and two eyes near x₁ = 0.4 remain,
//
//	ln p̃(x) = −½((‖x‖−2)/2s)² − ½((|x₁+0.8|−1.2)/2s)²,
//
// with s = Scale. It is not normalised: ln Z is 1.008909 for the zero value, with entropy 1.889067 nats.
// Its twin in normflows is Smiley.
type Smiley struct {
	Scale float64 // 0 means 0.15
}

var _ Target = Smiley{}

// scale returns s. It panics unless it is positive.
func (t Smiley) scale() float64 {
	s := orDefault(t.Scale, 0.15)
	if !(s > 0) {
		panic(fmt.Sprintf("targets: Smiley: got Scale %v, want a positive number", s))
	}
	return s
}

// Dim returns 2.
func (Smiley) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (t Smiley) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	s := t.scale()
	return normal(x.RowNorm(), 2, 2*s).Add(normal(x.Slice(1, 2).Shift(0.8).Abs(), 1.2, 2*s))
}

// LogNormalizer returns ln Z by quadrature, with an error below 1e-6 that stems from the kink at x₁ = −0.8. Cost
// O(1/s²).
func (t Smiley) LogNormalizer() float64 { logZ, _ := t.quadrature(); return logZ }

// Entropy returns H by quadrature, with an error below 1e-6. Cost O(1/s²).
func (t Smiley) Entropy() float64 { _, h := t.quadrature(); return h }

func (t Smiley) quadrature() (logZ, entropy float64) {
	s := t.scale()
	r := 2 + 20*s
	return quadrature(t, [2]float64{-r, -r}, [2]float64{r, r}, s/8)
}

// LogProb returns ln p of each row of x.
func (t Smiley) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws points of the ring and rejects those outside mouth and eyes, by the bound 1 on their factor: it accepts
// 29 of 100 for the zero value.
func (t Smiley) Sample(n int, src rand.Source) *mat.Dense {
	s := t.scale()
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		for {
			ring{2, 2 * s}.draw(x, r)
			if u := (math.Abs(x[1]+0.8) - 1.2) / (2 * s); r.Float64() < math.Exp(-0.5*u*u) {
				return
			}
		}
	})
}
