package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// CircularGaussianMixture is k normal distributions on a circle of radius 2, with means 2·(sin 2πi/k, cos 2πi/k) and
// the standard deviation ⅔·sin(π/k). It is normalised; the entropy is 2.177596 nats for eight. Its twin in normflows is
// CircularGaussianMixture, which rounds the deviation to float32.
type CircularGaussianMixture struct {
	Modes int // 0 means 8; from 2 to 200
}

var _ Target = CircularGaussianMixture{}

// modes returns the mixture. It panics unless it has 2 to 200 modes: a single one would have the deviation 0.
func (t CircularGaussianMixture) modes() gaussians {
	k := components("CircularGaussianMixture", "modes", t.Modes, 8, 2)
	g := gaussians{x: make([]float64, k), y: make([]float64, k), sd: 2. / 3 * math.Sin(math.Pi/float64(k))}
	for i := range k {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(k))
		g.x[i], g.y[i] = 2*sin, 2*cos
	}
	return g
}

// Dim returns 2.
func (CircularGaussianMixture) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. Cost O(nk).
func (t CircularGaussianMixture) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.modes().logDensity(x)
}

// LogNormalizer returns 0.
func (CircularGaussianMixture) LogNormalizer() float64 { return 0 }

// Entropy returns H by quadrature over the sector of one mode. Cost O(k).
func (t CircularGaussianMixture) Entropy() float64 {
	return remember(t, func() integrals {
		g := t.modes()
		k := float64(len(g.x))
		radii := []float64{max(2-12*g.sd, 0), 2, 2 + 12*g.sd}
		sector := []float64{math.Pi/2 - math.Pi/k, math.Pi / 2, math.Pi/2 + math.Pi/k} // of (0, 2)
		return polar(t.LogDensity, radii, 48, func(float64) []float64 { return sector }, 48, k)
	}).entropy
}

// LogProb returns ln p of each row of x.
func (t CircularGaussianMixture) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t CircularGaussianMixture) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, t.modes().draw)
}
