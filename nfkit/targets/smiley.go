package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Smiley is a ring of radius 2, of which a mouth near x₁ = −2 and two eyes near x₁ = 0.4 remain,
//
//	ln p̃(x) = −½((‖x‖−2)/2s)² − ½((|x₁+0.8|−1.2)/2s)²,
//
// with s = Scale, from 10⁻⁶ to 10⁶. It is not normalised: ln Z is 1.008909 for the zero value, with entropy 1.889067 nats.
// Its twin in normflows is Smiley.
type Smiley struct {
	Scale float64 // 0 means 0.15
}

var _ Target = Smiley{}

// scale returns s. It panics unless it is from 1e-6 to 1e6.
func (t Smiley) scale() float64 {
	return within("Smiley", "Scale", orDefault(t.Scale, 0.15), 1e-6, 1e6)
}

// Dim returns 2.
func (Smiley) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (t Smiley) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	s := t.scale()
	return normal(x.RowNorm(), 2, 2*s).Add(normal(x.Slice(1, 2).Shift(0.8).Abs(), 1.2, 2*s))
}

// LogNormalizer returns ln Z by quadrature, with an error below 1e-10. Its cost does not depend on s.
func (t Smiley) LogNormalizer() float64 { return t.integrals().logZ }

// Entropy returns H by quadrature, with an error below 1e-10. Its cost does not depend on s.
func (t Smiley) Entropy() float64 { return t.integrals().entropy }

// integrals integrates the right half, as far as ten deviations from the ring, the mouth and the eyes. The kink at x₁ =
// −0.8 is between two intervals.
func (t Smiley) integrals() integrals {
	return remember(t, func() integrals {
		s := t.scale()
		inner := max(2-20*s, 0)
		heights := []float64{-2 - 20*s, min(-2+20*s, -0.8), max(0.4-20*s, -0.8), 0.4 + 20*s}
		angles := make([]float64, len(heights))
		return polar(t.LogDensity, []float64{inner, max(inner, 0.8), 2, 2 + 20*s}, 60, func(r float64) []float64 {
			for i, y := range heights {
				angles[i] = math.Asin(min(max(y/r, -1), 1))
			}
			return angles
		}, 60, 2)
	})
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
