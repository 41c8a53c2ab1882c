package targets

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// RingMixture is k rings around the origin,
//
//	ln p̃(x) = ln Σᵢ exp(−½((‖x‖−2i/k)/s)²),  i = 1 … k,  s = 1/4k.
//
// It is not normalised: ln Z is 1.775986 for two rings, with entropy 2.275893 nats. Its twin in normflows is
// RingMixture.
type RingMixture struct {
	Rings int // 0 means 2
}

var _ Target = RingMixture{}

// rings returns the rings. It panics unless there is at least one.
func (t RingMixture) rings() []ring {
	k := t.Rings
	if k == 0 {
		k = 2
	}
	if k < 1 {
		panic(fmt.Sprintf("targets: RingMixture: got %d rings, want 1 or more", k))
	}
	g := make([]ring, k)
	for i := range g {
		g[i] = ring{radius: 2 * float64(i+1) / float64(k), sd: 0.25 / float64(k)}
	}
	return g
}

// Dim returns 2.
func (RingMixture) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x. Cost O(nk).
func (t RingMixture) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	rings := t.rings()
	radii := make([]float64, len(rings))
	for i, g := range rings {
		radii[i] = g.radius
	}
	r := x.RowNorm().Sub(x.Tape().Const(1, len(radii), radii)) // n×k
	return normal(r, 0, rings[0].sd).LogSumExp()
}

// LogNormalizer returns ln Z by quadrature. Cost O(k³).
func (t RingMixture) LogNormalizer() float64 { logZ, _ := t.quadrature(); return logZ }

// Entropy returns H by quadrature. Cost O(k³).
func (t RingMixture) Entropy() float64 { _, h := t.quadrature(); return h }

func (t RingMixture) quadrature() (logZ, entropy float64) {
	s := t.rings()[0].sd
	r := 2 + 10*s
	return quadrature(t, [2]float64{-r, -r}, [2]float64{r, r}, s/2)
}

// LogProb returns ln p of each row of x.
func (t RingMixture) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws a ring according to its mass, then a point of it, which rejects 1 of 100 or fewer.
func (t RingMixture) Sample(n int, src rand.Source) *mat.Dense {
	rings := t.rings()
	mass := make([]float64, len(rings))
	for i, g := range rings {
		mass[i] = g.mass()
	}
	pick := distuv.NewCategorical(mass, src)
	return sample(t, n, src, func(x []float64, r *rand.Rand) { rings[int(pick.Rand())].draw(x, r) })
}
