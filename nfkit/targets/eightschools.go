package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// EightSchools is the posterior of the effect of coaching in eight schools, whose estimates y have the standard errors s:
//
//	yᵢ ~ Normal(θᵢ, sᵢ²),  θᵢ = μ + τηᵢ,  ηᵢ ~ Normal(0, 1),  μ ~ Normal(0, 5²),  τ ~ Cauchy⁺(0, 5).
//
// A point is (η₁ … η₈, μ, ln τ), the coordinates without bounds of the posterior eight_schools_noncentered in posteriordb;
// the density includes the Jacobian τ of the last one. It is not normalised: Z is the evidence of y, with ln Z = −31.311347,
// and the entropy is 14.897042 nats. The posterior means are 4.3968 for μ, 3.5977 for τ and 6.2119 for θ₁. Rubin 1981,
// Journal of Educational Statistics 6(4); Gelman et al., Bayesian Data Analysis, section 5.5.
type EightSchools struct{}

var _ Target = EightSchools{}

const (
	schools         = 8
	schoolsMeanSD   = 5 // of μ
	schoolsTauScale = 5 // of τ
)

// schoolsData returns the estimates and their standard errors.
func schoolsData() (y, s [schools]float64) {
	return [schools]float64{28, 8, -3, 7, -1, 1, 18, 12}, [schools]float64{15, 10, 16, 11, 9, 11, 10, 18}
}

// Dim returns 10.
func (EightSchools) Dim() int { return schools + 2 }

// LogDensity returns ln p̃ of each row of x.
func (t EightSchools) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	y, s := schoolsData()
	var precisions [schools]float64
	shift := -0.5*(2*schools+1)*log2Pi - math.Log(schoolsMeanSD) + math.Log(2/(math.Pi*schoolsTauScale))
	for i, s := range s {
		precisions[i] = 1 / s
		shift -= math.Log(s)
	}
	tape := x.Tape()
	η, μ, logτ := x.Slice(0, schools), x.Slice(schools, schools+1), x.Slice(schools+1, schools+2)
	θ := η.Mul(logτ.Min(tape.Full(1, 1, maxExponent(tape))).Exp()).Add(μ)
	residuals := θ.Sub(tape.Const(1, schools, y[:])).Mul(tape.Const(1, schools, precisions[:]))
	cauchy := logτ.Sub(logτ.Shift(-math.Log(schoolsTauScale)).Scale(2).Softplus()) // ln τ − ln(1 + τ²/5²)
	squares := residuals.Square().RowSum().Add(η.Square().RowSum()).Add(μ.Scale(1. / schoolsMeanSD).Square())
	return squares.Scale(-0.5).Add(cauchy).Shift(shift)
}

// Parameters returns (θ₁ … θ₈, μ, τ) of each row of x, n×10.
func (t EightSchools) Parameters(x mat.Matrix) *mat.Dense {
	p := mat.DenseCopyOf(x)
	n, c := p.Dims()
	checkColumns(t, "Parameters", n, c)
	for i := range n {
		row := p.RawRowView(i)
		row[schools+1] = math.Exp(row[schools+1])
		for j := range schools {
			row[j] = row[schools] + row[schools+1]*row[j]
		}
	}
	return p
}

// given is what is known in closed form once τ is: μ is normal, and η₁ … η₈ are normal and independent given μ.
type given struct {
	logEvidence        float64 // ln p(y | τ)
	mean, precision    float64 // of μ
	shrink, precisions [schools]float64
}

func givenTau(τ float64) given {
	g := given{precision: 1. / (schoolsMeanSD * schoolsMeanSD)}
	y, s := schoolsData()
	var weighted float64
	for i := range y {
		v := s[i]*s[i] + τ*τ // of yᵢ around μ
		g.precision += 1 / v
		weighted += y[i] / v
		g.logEvidence -= 0.5 * (log2Pi + math.Log(v) + y[i]*y[i]/v)
		g.precisions[i] = v / (s[i] * s[i]) // of ηᵢ
		g.shrink[i] = τ / v                 // its mean is this times yᵢ − μ
	}
	g.mean = weighted / g.precision
	g.logEvidence += 0.5*g.mean*weighted - 0.5*math.Log(schoolsMeanSD*schoolsMeanSD*g.precision)
	return g
}

// overTau calls f with Gauss-Legendre nodes in ln τ, and p(y, ln τ) times their weights. Beyond them lies a mass of 1e-17.
func overTau(f func(logτ, mass float64, g given)) {
	var edges []float64
	for e := -40.; e <= 24; e++ {
		edges = append(edges, e)
	}
	newRule(16).each(edges, func(logτ, w float64) {
		τ := math.Exp(logτ)
		g := givenTau(τ)
		u := τ / schoolsTauScale
		f(logτ, w*τ*math.Exp(g.logEvidence)*2/(math.Pi*schoolsTauScale*(1+u*u)), g)
	})
}

// LogNormalizer returns ln Z by quadrature over τ, with an error below 1e-12.
func (EightSchools) LogNormalizer() float64 {
	return remember(EightSchools{}, schoolsIntegrals).logZ
}

// Entropy returns H by quadrature over τ, with an error below 1e-12.
func (EightSchools) Entropy() float64 {
	return remember(EightSchools{}, schoolsIntegrals).entropy
}

func schoolsIntegrals() integrals {
	var z, h float64
	overTau(func(logτ, mass float64, g given) {
		if mass == 0 {
			return
		}
		τ := math.Exp(logτ)
		u := τ / schoolsTauScale
		z += mass
		h -= mass * (g.logEvidence + logτ + math.Log(2/(math.Pi*schoolsTauScale*(1+u*u)))) // of ln τ
		h += mass * 0.5 * (log2PiE - math.Log(g.precision))                                // of μ
		for _, p := range g.precisions {
			h += mass * 0.5 * (log2PiE - math.Log(p)) // of ηᵢ
		}
	})
	return integrals{math.Log(z), h/z + math.Log(z)}
}

// Means returns the posterior means of (θ₁ … θ₈, μ, τ), by quadrature over τ with an error below 1e-12.
func (EightSchools) Means() []float64 {
	y, _ := schoolsData()
	means, z := make([]float64, schools+2), 0.
	overTau(func(logτ, mass float64, g given) {
		τ := math.Exp(logτ)
		z += mass
		for i := range y {
			means[i] += mass * (g.mean + τ*g.shrink[i]*(y[i]-g.mean))
		}
		means[schools] += mass * g.mean
		means[schools+1] += mass * τ
	})
	for i := range means {
		means[i] /= z
	}
	return means
}

// LogProb returns ln p of each row of x.
func (t EightSchools) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly: τ from its prior, accepted by p(y | τ), which is largest at 0; then μ and η. It accepts 63
// of 100.
func (t EightSchools) Sample(n int, src rand.Source) *mat.Dense {
	y, _ := schoolsData()
	top := givenTau(0).logEvidence
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		for {
			τ := schoolsTauScale * math.Tan(math.Pi/2*r.Float64())
			g := givenTau(τ)
			if τ == 0 || r.Float64() >= math.Exp(g.logEvidence-top) {
				continue
			}
			μ := g.mean + r.NormFloat64()/math.Sqrt(g.precision)
			for i := range y {
				x[i] = g.shrink[i]*(y[i]-μ) + r.NormFloat64()/math.Sqrt(g.precisions[i])
			}
			x[schools], x[schools+1] = μ, math.Log(τ)
			return
		}
	})
}
