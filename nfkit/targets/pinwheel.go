package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Pinwheel is k bent arms. A point f of a normal distribution with mean (1, 0) and standard deviations (0.3, 0.1) is
// doubled and turned about the origin, by the angle of one of the arms and further the farther out it is:
//
//	x = 2·R(2πi/k + ¼·e^{min(‖f‖, 5)})·f,  i = 0 … k−1,
//
// where R(φ) is the rotation by φ. It is normalised; the entropy is 2.321 nats for five arms. Johnson et al. 2016,
// arXiv:1603.06277, turn by f₀ in place of ‖f‖, which differs by less than the width of an arm; with ‖f‖ the map
// keeps areas and can be undone, so that the density has a closed form.
type Pinwheel struct {
	Arms int // 0 means 5; at most 200
}

var _ Target = Pinwheel{}

const (
	pinwheelLength = 0.3  // standard deviation along an arm
	pinwheelWidth  = 0.1  // and across
	pinwheelTwist  = 0.25 // radians at the origin
	pinwheelReach  = 5    // ‖f‖ from where the twist stays the same: 13 deviations away
)

// arms returns k. It panics unless it is from 1 to 200.
func (t Pinwheel) arms() int { return components("Pinwheel", "arms", t.Arms, 5, 1) }

// Dim returns 2.
func (Pinwheel) Dim() int { return 2 }

// LogDensity returns ln p of each row of x: the mixture of the normal distributions of R(−φ)·x/2. Cost O(nk).
func (t Pinwheel) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	k, tape := t.arms(), x.Tape()
	sin, cos := make([]float64, k), make([]float64, k)
	for i := range k {
		sin[i], cos[i] = math.Sincos(2 * math.Pi * float64(i) / float64(k))
	}
	half := x.Scale(0.5)
	twist := half.RowNorm().Min(tape.Full(1, 1, pinwheelReach)).Exp().Scale(pinwheelTwist)
	f0, f1 := unturn(half.Slice(0, 1), half.Slice(1, 2), twist.Sin(), twist.Cos()) // n×1
	f0, f1 = unturn(f0, f1, tape.Const(1, k, sin), tape.Const(1, k, cos))          // n×k
	logs := normal(f0, 1, pinwheelLength).Add(normal(f1, 0, pinwheelWidth))        // n×k
	return logs.LogSumExp().Shift(-log2Pi - math.Log(4*pinwheelLength*pinwheelWidth*float64(k)))
}

// unturn rotates (x, y) by minus the angle with the given sine and cosine.
func unturn(x, y, sin, cos *ad.Value) (u, v *ad.Value) {
	return x.Mul(cos).Add(y.Mul(sin)), y.Mul(cos).Sub(x.Mul(sin))
}

// LogNormalizer returns 0.
func (Pinwheel) LogNormalizer() float64 { return 0 }

// Entropy returns H by quadrature over one sector of k. Cost O(k).
func (t Pinwheel) Entropy() float64 {
	return remember(t, func() integrals {
		k := t.arms()
		intervals := (24 + k - 1) / k // an arm is about 0.05 radians wide
		sector := make([]float64, intervals+1)
		for i := range sector {
			sector[i] = 2 * math.Pi / float64(k) * float64(i) / float64(intervals)
		}
		radii := []float64{0, 2, 2 * (1 + 12*pinwheelLength)}
		return polar(t.LogDensity, radii, 80, func(float64) []float64 { return sector }, 24, float64(k))
	}).entropy
}

// LogProb returns ln p of each row of x.
func (t Pinwheel) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t Pinwheel) Sample(n int, src rand.Source) *mat.Dense {
	k := t.arms()
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		f0, f1 := 1+pinwheelLength*r.NormFloat64(), pinwheelWidth*r.NormFloat64()
		twist := pinwheelTwist * math.Exp(min(math.Hypot(f0, f1), pinwheelReach))
		sin, cos := math.Sincos(2*math.Pi*float64(r.IntN(k))/float64(k) + twist)
		x[0], x[1] = 2*(f0*cos-f1*sin), 2*(f0*sin+f1*cos)
	})
}
