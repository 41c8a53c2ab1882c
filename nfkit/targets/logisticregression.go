package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// LogisticRegression is the posterior of a Bayesian logistic regression in the plane: whether an O-ring of the booster
// rockets was damaged, in 23 flights of the Space Shuttle before the last of Challenger, by the temperature u at the
// launch, scaled to mean 0 and standard deviation 1,
//
//	P(damage) = sigmoid(x₀ + x₁u),  x₀, x₁ ~ Normal(0, 2.5²).
//
// It is not normalised: Z is the evidence of the data, with ln Z = −13.236973, and the entropy is 1.940598 nats. Dalal,
// Fowlkes & Hoadley 1989, Journal of the American Statistical Association 84(408).
type LogisticRegression struct{}

var _ Target = LogisticRegression{}

const (
	flights         = 23
	logisticPriorSD = 2.5
)

// oRings returns the scaled temperature of each flight, and 1 where there was damage, −1 elsewhere.
func oRings() (u, damage []float64) {
	u = []float64{66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58} // °F
	damage = []float64{-1, 1, -1, -1, -1, -1, -1, -1, 1, 1, 1, -1, -1, 1, -1, -1, -1, -1, -1, -1, 1, -1, 1}
	mean, sd := stat.MeanStdDev(u, nil)
	for i := range u {
		u[i] = (u[i] - mean) / sd
	}
	return u, damage
}

// Dim returns 2.
func (LogisticRegression) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (t LogisticRegression) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	tape := x.Tape()
	u, damage := oRings()
	logits := x.Slice(1, 2).Mul(tape.Const(1, flights, u)).Add(x.Slice(0, 1)) // n×23
	likelihood := logits.Mul(tape.Const(1, flights, damage)).LogSigmoid().RowSum()
	return likelihood.Add(normal(x, 0, logisticPriorSD).RowSum()).Shift(-log2Pi - 2*math.Log(logisticPriorSD))
}

func (t LogisticRegression) integrals() integrals {
	return remember(t, func() integrals {
		// The prior is 1e-43 of its maximum outside, and the posterior far less.
		return grid(t.LogDensity, [2]float64{-35, -35}, [2]float64{35, 35}, 0.2)
	})
}

// LogNormalizer returns ln Z by quadrature, with an error below 1e-10.
func (t LogisticRegression) LogNormalizer() float64 { return t.integrals().logZ }

// Entropy returns H by quadrature, with an error below 1e-10.
func (t LogisticRegression) Entropy() float64 { return t.integrals().entropy }

// LogProb returns ln p of each row of x.
func (t LogisticRegression) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws points of the prior and accepts them by their likelihood, relative to its maximum: it accepts 5 of 100.
func (t LogisticRegression) Sample(n int, src rand.Source) *mat.Dense {
	u, damage := oRings()
	const top = -10.1575 // the largest log-likelihood is −10.157596
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		for {
			x[0], x[1] = logisticPriorSD*r.NormFloat64(), logisticPriorSD*r.NormFloat64()
			var likelihood float64
			for i := range u {
				likelihood -= math.Log1p(math.Exp(-damage[i] * (x[0] + x[1]*u[i])))
			}
			if r.Float64() < math.Exp(likelihood-top) {
				return
			}
		}
	})
}
