package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Circles is two circles around the origin, of radius 1 and Factor, blurred by normal noise with standard deviation s =
// Noise. It is a mixture of normal distributions on each circle, s/2 apart: their sum is the convolution of circle and noise
// to the precision of float64. It is normalised; the entropy is 0.606076 nats for the zero value. It is scikit-learn's make_circles(factor=0.5, noise=0.05), with angles drawn and not evenly spaced.
// [RingMixture] is another density.
type Circles struct {
	Factor float64 // 0 means 0.5; from 0.01 to 0.99
	Noise  float64 // 0 means 0.05; from 0.01 to 10
}

var _ Target = Circles{}

func (t Circles) circles() gaussians {
	factor := within("Circles", "Factor", orDefault(t.Factor, 0.5), 0.01, 0.99)
	g := gaussians{sd: within("Circles", "Noise", orDefault(t.Noise, 0.05), 0.01, 10)}
	k := max(int(4*math.Pi/g.sd), 32)
	for _, radius := range []float64{1, factor} {
		for i := range k {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(k))
			g.x, g.y = append(g.x, radius*cos), append(g.y, radius*sin)
		}
	}
	return g
}

// Dim returns 2.
func (Circles) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. Cost O(n/s).
func (t Circles) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.circles().logDensity(x)
}

// LogNormalizer returns 0.
func (Circles) LogNormalizer() float64 { return 0 }

// Entropy returns H by quadrature over the radius. Cost O(1/s²).
func (t Circles) Entropy() float64 {
	return remember(t, func() integrals {
		g := t.circles()
		outer := 1 + 12*g.sd
		n := math.Ceil(outer / (2 * g.sd)) // intervals of two deviations
		var radii []float64
		for i := range int(n) + 1 {
			radii = append(radii, outer*float64(i)/n)
		}
		circle := []float64{0, 2 * math.Pi}
		return polar(t.LogDensity, radii, 16, func(float64) []float64 { return circle }, 1, 1)
	}).entropy
}

// LogProb returns ln p of each row of x.
func (t Circles) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t Circles) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, t.circles().draw)
}
