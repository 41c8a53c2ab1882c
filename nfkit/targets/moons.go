package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Moons is two half circles that reach into each other, blurred by normal noise with standard deviation s = Noise:
//
//	(cos t, sin t)  and  (1 − cos t, ½ − sin t),  t from 0 to π.
//
// It is normalised; the entropy is 1.007585 nats for the zero value. The density is an integral over t, by a Gauss-Legendre
// rule with a relative error below 1e-9. It is scikit-learn's make_moons(noise=0.1), with t drawn and not evenly spaced. [TwoMoons]
// is another density.
type Moons struct {
	Noise float64 // 0 means 0.1; from 0.03 to 10
}

var _ Target = Moons{}

func (t Moons) noise() float64 { return within("Moons", "Noise", orDefault(t.Noise, 0.1), 0.03, 10) }

func (t Moons) arcs() gaussians {
	k := max(int(4*math.Pi/t.noise()), 32) // on average a quarter of a deviation apart
	g := along(func(t float64) (x, y float64) { return math.Cos(t), math.Sin(t) }, 0, math.Pi, k, t.noise())
	for i := range k {
		g.x, g.y = append(g.x, 1-g.x[i]), append(g.y, 0.5-g.y[i])
		g.logWeights[i] -= math.Ln2
	}
	g.logWeights = append(g.logWeights, g.logWeights...)
	return g
}

// Dim returns 2.
func (Moons) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. Cost O(n/s).
func (t Moons) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.arcs().logDensity(x)
}

// LogNormalizer returns 0.
func (Moons) LogNormalizer() float64 { return 0 }

// Entropy returns H by quadrature. Cost O(1/s³).
func (t Moons) Entropy() float64 { g := t.arcs(); return g.entropy(t, g.sd/2) }

// LogProb returns ln p of each row of x.
func (t Moons) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t Moons) Sample(n int, src rand.Source) *mat.Dense {
	sd := t.noise()
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		sin, cos := math.Sincos(math.Pi * r.Float64())
		if r.Uint64()&1 != 0 {
			cos, sin = 1-cos, 0.5-sin
		}
		x[0], x[1] = cos+sd*r.NormFloat64(), sin+sd*r.NormFloat64()
	})
}
