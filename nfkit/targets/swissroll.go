package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// SwissRoll is the spiral (cos t, sin t)·t/5 with t from 3π/2 to 9π/2, blurred by normal noise with standard deviation s =
// Noise. It is normalised; the entropy is 2.669646 nats for the zero value. The density is an integral over t, by a
// Gauss-Legendre rule with a relative error below 1e-9. It is scikit-learn's make_swiss_roll(noise=1) with the first and the third
// column divided by 5, as in Grathwohl et al. 2019, arXiv:1810.01367.
type SwissRoll struct {
	Noise float64 // 0 means 0.2; from 0.1 to 10
}

var _ Target = SwissRoll{}

const rollFrom, rollTo = 1.5 * math.Pi, 4.5 * math.Pi

func (t SwissRoll) noise() float64 {
	return within("SwissRoll", "Noise", orDefault(t.Noise, 0.2), 0.1, 10)
}

// roll returns the point of the spiral at t.
func roll(t float64) (x, y float64) {
	sin, cos := math.Sincos(t)
	return cos * t / 5, sin * t / 5
}

func (t SwissRoll) spiral() gaussians {
	const length = (rollTo*rollTo - rollFrom*rollFrom) / 10 // nearly
	k := max(int(4*length/t.noise()), 48)                   // on average a quarter of a deviation apart
	return along(roll, rollFrom, rollTo, k, t.noise())
}

// Dim returns 2.
func (SwissRoll) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. Cost O(n/s).
func (t SwissRoll) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.spiral().logDensity(x)
}

// LogNormalizer returns 0.
func (SwissRoll) LogNormalizer() float64 { return 0 }

// Entropy returns H by quadrature. Cost O(1/s³).
func (t SwissRoll) Entropy() float64 { g := t.spiral(); return g.entropy(t, g.sd/2) }

// LogProb returns ln p of each row of x.
func (t SwissRoll) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t SwissRoll) Sample(n int, src rand.Source) *mat.Dense {
	sd := t.noise()
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		u, v := roll(rollFrom + (rollTo-rollFrom)*r.Float64())
		x[0], x[1] = u+sd*r.NormFloat64(), v+sd*r.NormFloat64()
	})
}
