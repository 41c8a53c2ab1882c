package targets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// DoubleWell is a particle in two wells of unequal depth, at the temperature 1: ln p̃(x) = −E(x),
//
//	E(x) = −½x₀ − 6x₀² + x₀⁴ + ½x₁².
//
// It is not normalised: ln Z is 10.293480, with entropy 1.718576 nats, and the well on the right has the mass 0.844307.
// Wu, Köhler & Noé 2020, arXiv:2002.06707.
type DoubleWell struct{}

// ManyWell is d/2 independent copies of [DoubleWell], in the columns (0, 1), (2, 3), …: it has 2^{d/2} modes. It is not
// normalised: ln Z is d/2 times 10.293480, 164.695680 for the zero value. Midgley et al. 2023, arXiv:2208.01893, many-well
// with d = 32.
type ManyWell struct {
	Dims int // d, even; 0 means 32
}

var (
	_ Target = DoubleWell{}
	_ Target = ManyWell{}
)

// Dim returns d. It panics unless it is even and positive.
func (t ManyWell) Dim() int {
	d := dims("ManyWell", t.Dims, 32, 2)
	if d%2 != 0 {
		panic(fmt.Sprintf("targets: ManyWell: got %d dimensions, want an even number", d))
	}
	return d
}

// LogDensity returns ln p̃ of each row of x. Cost O(nd).
func (t ManyWell) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return x.RowPolynomial(wells)
}

// wells are −E of the components of a pair, by powers: ½a + 6a² − a⁴ and −½b².
var wells = [][]float64{{0, 0.5, 6, 0, -1}, {0, 0, -0.5}}

// doubleWell holds what is known of the distribution of x₀ by quadrature, with an error below 1e-12.
type doubleWell struct{ logZ, right, energy float64 }

// integrateDoubleWell integrates exp(½a + 6a² − a⁴), which is below 1e-200 of its maximum outside [−5, 5].
func integrateDoubleWell() doubleWell {
	var z, right, energy float64
	newRule(80).each([]float64{-5, -2, 0, 2, 5}, func(a, da float64) {
		l := 0.5*a + 6*a*a - a*a*a*a
		p := da * math.Exp(l)
		z += p
		energy -= p * l
		if a > 0 {
			right += p
		}
	})
	return doubleWell{logZ: math.Log(z), right: right / z, energy: energy / z}
}

// LogNormalizer returns ln Z by quadrature in one dimension, with an error below 1e-12·d.
func (t ManyWell) LogNormalizer() float64 {
	return float64(t.Dim()/2) * (integrateDoubleWell().logZ + 0.5*log2Pi)
}

// Entropy returns ln Z + E[E(x)] by quadrature in one dimension, with an error below 1e-12·d.
func (t ManyWell) Entropy() float64 {
	w := integrateDoubleWell()
	return float64(t.Dim()/2) * (w.logZ + w.energy + 0.5*log2PiE)
}

// LogProb returns ln p of each row of x.
func (t ManyWell) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points by rejection, which accepts 29 of 100 in each pair of columns.
//
// With b = |x₀|, the density is proportional to exp(−(b²−3)²)·exp(±b/2), and (b²−3)² = (b−√3)²·(b+√3)² ≥ 3(b−√3)². So b
// is drawn from the normal density proportional to exp(−3(b−√3)² + b/2), then accepted and given a sign.
func (t ManyWell) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		for j := 0; j < len(x); j += 2 {
			x[j], x[j+1] = drawWell(r), r.NormFloat64()
		}
	})
}

func drawWell(r *rand.Rand) float64 {
	const root3 = 1.7320508075688773
	for {
		b := root3 + 1./12 + r.NormFloat64()/math.Sqrt(6)
		u, v := b-root3, b+root3
		left := math.Exp(-b) // the density at −b over that at b
		if b > 0 && 2*r.Float64() < (1+left)*math.Exp(-u*u*(v*v-3)) {
			if (1+left)*r.Float64() < left {
				return -b
			}
			return b
		}
	}
}

// Dim returns 2.
func (DoubleWell) Dim() int { return 2 }

// LogDensity returns −E of each row of x.
func (t DoubleWell) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return ManyWell{Dims: 2}.LogDensity(x)
}

// LogNormalizer returns ln Z by quadrature, with an error below 1e-12.
func (DoubleWell) LogNormalizer() float64 { return ManyWell{Dims: 2}.LogNormalizer() }

// Entropy returns H by quadrature, with an error below 1e-12.
func (DoubleWell) Entropy() float64 { return ManyWell{Dims: 2}.Entropy() }

// FreeEnergyDifference returns −ln P(x₀ > 0) + ln P(x₀ < 0) = −1.690638, by quadrature with an error below 1e-12: the free
// energy of the well on the right less that of the well on the left.
func (DoubleWell) FreeEnergyDifference() float64 {
	right := integrateDoubleWell().right
	return math.Log((1 - right) / right)
}

// LogProb returns ln p of each row of x.
func (t DoubleWell) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws points as [ManyWell.Sample] does.
func (t DoubleWell) Sample(n int, src rand.Source) *mat.Dense {
	checkSample(t, n, src)
	return ManyWell{Dims: 2}.Sample(n, src)
}
