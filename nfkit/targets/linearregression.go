package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// LinearRegression is the posterior of a Bayesian linear regression with an exact evidence: the heat y that thirteen
// cements give off while they harden, by their contents X of four compounds, all five columns scaled to mean 0 and
// standard deviation 1,
//
//	y | β, σ ~ Normal(Xβ, σ²),  β | σ ~ Normal(0, 10²σ²),  σ² ~ InverseGamma(1, 0.1).
//
// A point is (β₁ … β₄, ln σ); the density includes the Jacobian 2σ² of the last one. The contents add up to nearly 100 %, so
// that all the coefficients are correlated by 0.93 or more. It is not normalised: Z is the evidence of y, with ln Z =
// −5.937461, and the entropy is −3.367897 nats. Data: Hald 1952, Statistical Theory with Engineering Applications. Posterior:
// Gelman et al., Bayesian Data Analysis, section 14.2.
type LinearRegression struct{}

var _ Target = LinearRegression{}

const (
	regressionSD    = 10  // of β, in units of σ
	regressionShape = 1   // of the prior of σ²
	regressionScale = 0.1 // the same
	cements         = 13
	compounds       = 4
)

// cement returns X and y.
func cement() (x, y *mat.Dense) {
	table := mat.NewDense(cements, compounds+1, []float64{
		7, 26, 6, 60, 78.5,
		1, 29, 15, 52, 74.3,
		11, 56, 8, 20, 104.3,
		11, 31, 8, 47, 87.6,
		7, 52, 6, 33, 95.9,
		11, 55, 9, 22, 109.2,
		3, 71, 17, 6, 102.7,
		1, 31, 22, 44, 72.5,
		2, 54, 18, 22, 93.1,
		21, 47, 4, 26, 115.9,
		1, 40, 23, 34, 83.8,
		11, 66, 9, 12, 113.3,
		10, 68, 8, 12, 109.4,
	})
	for j := range compounds + 1 {
		column := mat.Col(nil, j, table)
		mean, sd := stat.MeanStdDev(column, nil)
		for i, v := range column {
			table.Set(i, j, (v-mean)/sd)
		}
	}
	return mat.DenseCopyOf(table.Slice(0, cements, 0, compounds)), mat.DenseCopyOf(table.Slice(0, cements, compounds, compounds+1))
}

// regression is the posterior: σ² ~ InverseGamma(shape, scale), β | σ ~ Normal(mean, σ²·precision⁻¹).
type regression struct {
	mean         *mat.VecDense
	precision    mat.Cholesky
	shape, scale float64
}

func newRegression() regression {
	x, y := cement()
	r := regression{mean: new(mat.VecDense), shape: regressionShape + 0.5*cements}
	gram := mat.NewSymDense(compounds, nil)
	gram.SymOuterK(1, x.T())
	for j := range compounds {
		gram.SetSym(j, j, gram.At(j, j)+1./(regressionSD*regressionSD))
	}
	if !r.precision.Factorize(gram) {
		panic("targets: LinearRegression: the precision is not positive definite") // cannot be: X'X + I/100
	}
	var moments mat.VecDense
	moments.MulVec(x.T(), y.ColView(0))
	if err := r.precision.SolveVecTo(r.mean, &moments); err != nil {
		panic("targets: LinearRegression: " + err.Error()) // cannot be: the condition number is below 1e4
	}
	r.scale = regressionScale + 0.5*(mat.Dot(y.ColView(0), y.ColView(0))-mat.Dot(r.mean, &moments))
	return r
}

// Dim returns 5.
func (LinearRegression) Dim() int { return compounds + 1 }

// LogDensity returns ln p̃ of each row of x.
func (t LinearRegression) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	tape := x.Tape()
	design, y := cement()
	β, logσ := x.Slice(0, compounds), x.Slice(compounds, compounds+1)
	residuals := β.MatMul(tape.Matrix(design.T())).Sub(tape.Matrix(y.T())) // n×13
	squares := residuals.Square().RowSum().Add(β.Scale(1. / regressionSD).Square().RowSum()).Shift(2 * regressionScale)
	logs := squares.Mul(logσ.Scale(-2).Exp()).Scale(-0.5).Sub(logσ.Scale(cements + compounds + 2*regressionShape))
	gamma, _ := math.Lgamma(regressionShape)
	return logs.Shift(-0.5*(cements+compounds)*log2Pi - compounds*math.Log(regressionSD) +
		regressionShape*math.Log(regressionScale) - gamma + math.Ln2)
}

// LogNormalizer returns ln Z in closed form.
func (LinearRegression) LogNormalizer() float64 {
	r := newRegression()
	before, _ := math.Lgamma(regressionShape)
	after, _ := math.Lgamma(r.shape)
	return -0.5*cements*log2Pi - compounds*math.Log(regressionSD) - 0.5*r.precision.LogDet() +
		regressionShape*math.Log(regressionScale) - before - r.shape*math.Log(r.scale) + after
}

// Entropy returns H in closed form.
func (LinearRegression) Entropy() float64 {
	r := newRegression()
	gamma, _ := math.Lgamma(r.shape)
	logσ := 0.5 * (math.Log(r.scale) - mathext.Digamma(r.shape))
	// That of σ² less E[ln 2σ²] is that of ln σ.
	h := r.shape + math.Log(r.scale) + gamma - (1+r.shape)*mathext.Digamma(r.shape) - math.Ln2 - 2*logσ
	return h + compounds*(0.5*log2PiE+logσ) - 0.5*r.precision.LogDet()
}

// Means returns the posterior means of (β₁ … β₄, ln σ) in closed form.
func (LinearRegression) Means() []float64 {
	r := newRegression()
	return append(mat.Col(nil, 0, r.mean), 0.5*(math.Log(r.scale)-mathext.Digamma(r.shape)))
}

// LogProb returns ln p of each row of x.
func (t LinearRegression) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t LinearRegression) Sample(n int, src rand.Source) *mat.Dense {
	post := newRegression()
	var u mat.TriDense
	post.precision.UTo(&u) // precision = UᵀU
	gamma := distuv.Gamma{Alpha: post.shape, Beta: post.scale, Src: src}
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		σ := 1 / math.Sqrt(gamma.Rand())
		for j := compounds - 1; j >= 0; j-- { // σ·U⁻¹z
			v := σ * r.NormFloat64()
			for k := j + 1; k < compounds; k++ {
				v -= u.At(j, k) * x[k]
			}
			x[j] = v / u.At(j, j)
		}
		for j := range compounds {
			x[j] += post.mean.AtVec(j)
		}
		x[compounds] = math.Log(σ)
	})
}
