package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Funnel is Neal's funnel: the first component v is the logarithm of the variance of all the others,
//
//	v ~ Normal(0, 3²),  xⱼ | v ~ Normal(0, eᵛ),  j = 1 … d−1.
//
// It is normalised. Neal 2003, Slice sampling, Annals of Statistics 31(3), section 8, with d = 10.
type Funnel struct {
	Dims int // d; 0 means 2
}

var _ Target = Funnel{}

const funnelSD = 3 // of v

// Dim returns d. It panics unless there are two or more dimensions.
func (t Funnel) Dim() int { return dims("Funnel", t.Dims, 2, 2) }

// LogDensity returns ln p of each row of x. Cost O(nd).
func (t Funnel) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	d := t.Dim()
	v := x.Slice(0, 1)
	scale := v.Scale(-0.5).Min(x.Tape().Full(1, 1, maxExponent(x.Tape()))).Exp()
	rest := x.Slice(1, d).Mul(scale).Square().RowSum()
	first := v.Mul(v.Scale(1. / (funnelSD * funnelSD)).Shift(float64(d - 1))) // v²/3² + (d−1)·v
	return first.Add(rest).Scale(-0.5).Shift(-0.5*float64(d)*log2Pi - math.Log(funnelSD))
}

// LogNormalizer returns 0.
func (Funnel) LogNormalizer() float64 { return 0 }

// Entropy returns d/2·ln 2πe + ln 3.
func (t Funnel) Entropy() float64 { return 0.5*float64(t.Dim())*log2PiE + math.Log(funnelSD) }

// LogProb returns ln p of each row of x.
func (t Funnel) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t Funnel) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		x[0] = funnelSD * r.NormFloat64()
		sd := math.Exp(0.5 * x[0])
		for j := range x[1:] {
			x[1+j] = sd * r.NormFloat64()
		}
	})
}
