package targets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// CircularGaussianMixture is k normal distributions on a circle of radius 2, with means 2·(sin 2πi/k, cos 2πi/k) and
// the standard deviation ⅔·sin(π/k). It is normalised; the entropy is 2.177596 nats for eight. Its twin in normflows is
// CircularGaussianMixture, which rounds the deviation to float32.
type CircularGaussianMixture struct {
	Modes int // 0 means 8
}

var _ Target = CircularGaussianMixture{}

// modes returns the mixture. It panics on fewer than two modes, for which the deviation is 0.
func (t CircularGaussianMixture) modes() gaussians {
	k := t.Modes
	if k == 0 {
		k = 8
	}
	if k < 2 {
		panic(fmt.Sprintf("targets: CircularGaussianMixture: got %d modes, want 2 or more", k))
	}
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

// Entropy returns H by quadrature. Cost O(k³).
func (t CircularGaussianMixture) Entropy() float64 {
	g := t.modes()
	return g.entropy(t, g.sd/4) // ln p bends sharply between two modes
}

// LogProb returns ln p of each row of x.
func (t CircularGaussianMixture) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t CircularGaussianMixture) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, t.modes().draw)
}
