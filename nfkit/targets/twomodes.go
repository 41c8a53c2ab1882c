package targets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// TwoModes is two crescents that face each other: a ring of radius m and width 2s, of which the parts near x₀ = ±m
// remain,
//
//	ln p̃(x) = −½((‖x‖−m)/2s)² + ln(exp(−½((x₀−m)/3s)²) + exp(−½((x₀+m)/3s)²)),
//
// with m = Loc and s = Scale, which differ by a factor of 10⁶ at most. It is not normalised. Rezende & Mohamed 2015, arXiv:1505.05770, table 1, U₁.
// Its twin in normflows is TwoModes.
type TwoModes struct {
	Loc   float64 // 0 means 2; at 10⁻⁶·Scale the crescents are one
	Scale float64 // 0 means 0.1
}

// TwoMoons is [TwoModes] with Loc 2 and Scale 0.1: ln Z = 0.804214, entropy 1.571062 nats. It is not normalised.
// Its twin in normflows is TwoMoons.
type TwoMoons struct{}

var (
	_ Target = TwoModes{}
	_ Target = TwoMoons{}
)

// parameters returns m and s. It panics unless they are positive and of sizes that float64 can hold together.
func (t TwoModes) parameters() (m, s float64) {
	m, s = orDefault(t.Loc, 2), orDefault(t.Scale, 0.1)
	if !(min(m, s) >= 1e-100 && max(m, s) <= 1e100 && m <= 1e6*s && s <= 1e6*m) {
		panic(fmt.Sprintf("targets: TwoModes: got Loc %v and Scale %v, want positive numbers from 1e-100 to 1e100 that differ by a factor of 1e6 at most", m, s))
	}
	return m, s
}

// Dim returns 2.
func (TwoModes) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (t TwoModes) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	m, s := t.parameters()
	a := x.Slice(0, 1).Abs() // with e^u + e^v = e^u·(1 + e^{v−u})
	modes := normal(a, m, 3*s).Add(a.Scale(-2 * m / (9 * s * s)).Softplus())
	return normal(x.RowNorm(), m, 2*s).Add(modes)
}

// LogNormalizer returns ln Z by quadrature, with an error below 1e-10. Its cost does not depend on m and s.
func (t TwoModes) LogNormalizer() float64 { return t.integrals().logZ }

// Entropy returns H by quadrature, with an error below 1e-10. Its cost does not depend on m and s.
func (t TwoModes) Entropy() float64 { return t.integrals().entropy }

// integrals integrates a quadrant, as far as ten deviations from the ring and from the mode.
func (t TwoModes) integrals() integrals {
	return remember(t, func() integrals {
		m, s := t.parameters()
		outer, end := m+20*s, math.Pi/2
		if m > 30*s {
			end = math.Acos((m - 30*s) / outer)
		}
		angles := []float64{0, end / 3, 2 * end / 3, end}
		return polar(t.LogDensity, []float64{max(m-20*s, 0), m, outer}, 60, func(float64) []float64 { return angles }, 60, 4)
	})
}

// LogProb returns ln p of each row of x.
func (t TwoModes) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws points of the ring and rejects those between the crescents: by the bound 1 + exp(−m²/18s²) on the sum of
// the two exponentials, it accepts 35 of 100 for the zero value.
func (t TwoModes) Sample(n int, src rand.Source) *mat.Dense {
	m, s := t.parameters()
	mode := func(x, at float64) float64 { return math.Exp(-0.5 * (x - at) * (x - at) / (9 * s * s)) }
	bound := 1 + mode(m, 0)
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		for {
			ring{m, 2 * s}.draw(x, r)
			if bound*r.Float64() < mode(x[0], m)+mode(x[0], -m) {
				return
			}
		}
	})
}

// Dim returns 2.
func (TwoMoons) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (TwoMoons) LogDensity(x *ad.Value) *ad.Value { return TwoModes{}.LogDensity(x) }

// LogNormalizer returns ln Z by quadrature.
func (TwoMoons) LogNormalizer() float64 { return TwoModes{}.LogNormalizer() }

// Entropy returns H by quadrature.
func (TwoMoons) Entropy() float64 { return TwoModes{}.Entropy() }

// LogProb returns ln p of each row of x.
func (TwoMoons) LogProb(x mat.Matrix) []float64 { return TwoModes{}.LogProb(x) }

// Sample draws points as [TwoModes.Sample] does.
func (TwoMoons) Sample(n int, src rand.Source) *mat.Dense { return TwoModes{}.Sample(n, src) }
