package inference

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Marginal is the prior distribution of one parameter, with a density: distuv.Uniform, Normal, LogNormal, Gamma, Beta and others of gonum's.
// Quantile(0) and Quantile(1) are the ends of its support.
type Marginal = interface {
	CDF(x float64) float64
	LogProb(x float64) float64
	Quantile(p float64) float64
}

// Prior is a distribution of independent parameters θ. Each of them is an increasing function of a standard normal number,
//
//	θⱼ = Fⱼ⁻¹(Φ(zⱼ)),
//
// with its distribution function Fⱼ. A density that is learned for z ∈ Rᵈ is one for θ that ends where the prior does: nothing leaks out of it,
// and no sample has to be rejected.
type Prior struct {
	marginals []Marginal
	lo, hi    []float64
}

// NewPrior returns the prior with the given distributions of parameters. It panics when there are none, one is nil, or the ends of one are not in
// order.
func NewPrior(marginals ...Marginal) *Prior {
	if len(marginals) == 0 {
		panic("inference: NewPrior: got no distributions, want one for each parameter")
	}
	p := &Prior{marginals: marginals}
	for j, m := range marginals {
		if m == nil {
			panic(fmt.Sprintf("inference: NewPrior: got a nil distribution of parameter %d", j))
		}
		lo, hi := m.Quantile(0), m.Quantile(1)
		if !(lo < hi) {
			panic(fmt.Sprintf("inference: NewPrior: got a distribution (%T) of parameter %d on the interval from %v to %v, want ends in order", m, j, lo, hi))
		}
		p.lo, p.hi = append(p.lo, lo), append(p.hi, hi)
	}
	return p
}

// Dim returns the number of parameters d.
func (p *Prior) Dim() int { return len(p.marginals) }

// Bounds returns the ends of the support of each parameter: infinite ones where there is none.
func (p *Prior) Bounds() (lo, hi []float64) {
	return append([]float64(nil), p.lo...), append([]float64(nil), p.hi...)
}

// Sample returns n independent draws, n×d, none of them on a bound. It panics when n is not positive or src is nil.
func (p *Prior) Sample(n int, src rand.Source) *mat.Dense {
	checkDraw("Prior.Sample", n, src)
	r, theta := rand.New(src), mat.NewDense(n, p.Dim(), nil)
	theta.Apply(func(_, j int, _ float64) float64 { return p.parameter(j, r.NormFloat64()) }, theta)
	return theta
}

// LogProb returns ln p(θ) of each row of theta, n×d: −Inf outside the support, NaN where theta is NaN. It panics on another number of columns.
func (p *Prior) LogProb(theta mat.Matrix) []float64 {
	n := checkRows("Prior.LogProb", "parameters", theta, p.Dim())
	logs := make([]float64, n)
	for i := range logs {
		for j := range p.marginals {
			logs[i] += p.logProb(j, theta.At(i, j))
		}
	}
	return logs
}

func (p *Prior) logProb(j int, x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case !p.inside(j, x):
		return math.Inf(-1)
	}
	return p.marginals[j].LogProb(x)
}

// inside reports whether x is between the ends of the support of parameter j.
func (p *Prior) inside(j int, x float64) bool { return x > p.lo[j] && x < p.hi[j] }

// parameter returns θⱼ = Fⱼ⁻¹(Φ(z)), next to a bound where rounding would bring it there.
func (p *Prior) parameter(j int, z float64) float64 {
	var x float64
	switch m := p.marginals[j].(type) {
	case distuv.Normal:
		x = m.Mu + m.Sigma*z
	case distuv.LogNormal:
		x = math.Exp(m.Mu + m.Sigma*z)
	case distuv.Uniform: // from the nearer end, which leaves more digits
		if x = m.Min + (m.Max-m.Min)*distuv.UnitNormal.CDF(z); z > 0 {
			x = m.Max - (m.Max-m.Min)*distuv.UnitNormal.CDF(-z)
		}
	default:
		x = m.Quantile(min(max(distuv.UnitNormal.CDF(z), 1e-15), 1-0x1p-53)) // gonum's iterations do not end beyond
	}
	return min(max(x, math.Nextafter(p.lo[j], math.Inf(1))), math.Nextafter(p.hi[j], math.Inf(-1)))
}

// normal returns zⱼ = Φ⁻¹(Fⱼ(x)) for x in the support.
func (p *Prior) normal(j int, x float64) float64 {
	quantile := func(p float64) float64 { return distuv.UnitNormal.Quantile(min(max(p, 1e-300), 1-0x1p-53)) }
	switch m := p.marginals[j].(type) {
	case distuv.Normal:
		return (x - m.Mu) / m.Sigma
	case distuv.LogNormal:
		return (math.Log(x) - m.Mu) / m.Sigma
	case distuv.Uniform:
		if x-m.Min > m.Max-x {
			return -quantile((m.Max - x) / (m.Max - m.Min))
		}
		return quantile((x - m.Min) / (m.Max - m.Min))
	case interface{ Survival(x float64) float64 }:
		if s := m.Survival(x); s < 0.5 {
			return -quantile(s)
		}
	}
	return quantile(p.marginals[j].CDF(x))
}

// fromNormal replaces rows z by parameters.
func (p *Prior) fromNormal(z *mat.Dense) {
	z.Apply(func(_, j int, z float64) float64 { return p.parameter(j, z) }, z)
}

// toNormal returns z for each row of theta, and ln|det ∂z/∂θ| = Σ ln p(θⱼ) − ln φ(zⱼ): −Inf outside the support, where z is 0.
func (p *Prior) toNormal(theta mat.Matrix) (z *mat.Dense, logDet []float64) {
	n, d := theta.Dims()
	z, logDet = mat.NewDense(n, d, nil), make([]float64, n)
	for i := range n {
		for j := range d {
			x := theta.At(i, j)
			logDet[i] += p.logProb(j, x)
			if p.inside(j, x) {
				v := p.normal(j, x)
				z.Set(i, j, v)
				logDet[i] -= distuv.UnitNormal.LogProb(v)
			}
		}
	}
	return z, logDet
}
