package inference

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

var marginals = map[string]Marginal{
	"uniform":     distuv.Uniform{Min: -3, Max: 11},
	"thin":        distuv.Uniform{Min: 1e6, Max: 1e6 + 1e-3},
	"normal":      distuv.Normal{Mu: 3, Sigma: 0.1},
	"lognormal":   distuv.LogNormal{Mu: -2, Sigma: 1.5},
	"gamma":       distuv.Gamma{Alpha: 2.5, Beta: 4},
	"beta":        distuv.Beta{Alpha: 0.7, Beta: 2},
	"student":     distuv.StudentsT{Mu: 1, Sigma: 2, Nu: 3},
	"exponential": distuv.Exponential{Rate: 0.2},
}

// Parameters and normal numbers are functions of each other, whose derivative is the ratio of the densities.
func TestNormalNumbers(t *testing.T) {
	for name, m := range marginals {
		p := NewPrior(m)
		for _, z := range []float64{-4, -1, -0.01, 0, 0.5, 2, 4} {
			x := p.parameter(0, z)
			if back := p.normal(0, x); !(math.Abs(back-z) <= 1e-6) && name != "thin" {
				t.Errorf("%s: z = %v is the parameter %v, and that z = %v", name, z, x, back)
			}
			if name == "thin" {
				continue // 1e-3 has 7 digits there, too few for z = 4
			}
			const h = 1e-4
			slope := (p.parameter(0, z+h) - p.parameter(0, z-h)) / (2 * h)
			_, logDet := p.toNormal(mat.NewDense(1, 1, []float64{x}))
			if !(math.Abs(math.Log(slope)+logDet[0]) <= 1e-4) {
				t.Errorf("%s: at z = %v the slope of the parameter is %v, ln|det| of its inverse %v", name, z, slope, logDet[0])
			}
		}
		for _, z := range []float64{-1e6, -40, -10, 10, 40, 1e6} {
			x := p.parameter(0, z)
			if !p.inside(0, x) || math.IsInf(x, 0) {
				t.Errorf("%s: z = %v is the parameter %v, which is not inside of the support", name, z, x)
			}
			if back := p.normal(0, x); math.IsNaN(back) || math.IsInf(back, 0) {
				t.Errorf("%s: the parameter %v of z = %v is the normal number %v", name, x, z, back)
			}
		}
	}
}

// Draws have the distribution: Kolmogorov-Smirnov.
func TestPriorSample(t *testing.T) {
	const n = 2000
	for name, m := range marginals {
		x := mat.Col(nil, 0, NewPrior(m).Sample(n, rand.NewPCG(1, 2)))
		slices.Sort(x)
		u := make([]float64, n)
		for i := range u {
			u[i] = m.Quantile((float64(i) + 0.5) / n)
		}
		if d := stat.KolmogorovSmirnov(x, nil, u, nil); !(d < 1.95/math.Sqrt(n)) { // p = 0.001
			t.Errorf("%s: the distribution of draws is off by %v", name, d)
		}
	}
}

func TestPriorLogProb(t *testing.T) {
	p := NewPrior(distuv.Uniform{Min: -1, Max: 3}, distuv.LogNormal{Mu: 0, Sigma: 1})
	got := p.LogProb(mat.NewDense(5, 2, []float64{0, 1, 3, 1, 0, 0, 0, -1, math.NaN(), 1}))
	if want := -math.Log(4) + (distuv.LogNormal{Sigma: 1}).LogProb(1); !(math.Abs(got[0]-want) <= 1e-12) {
		t.Errorf("inside, the log-density is %v, want %v", got[0], want)
	}
	for i, l := range got[1:4] {
		if !math.IsInf(l, -1) {
			t.Errorf("outside, row %d, the log-density is %v", i+1, l)
		}
	}
	if !math.IsNaN(got[4]) {
		t.Errorf("of NaN, the log-density is %v", got[4])
	}
	if got := p.LogProb(&mat.Dense{}); len(got) != 0 {
		t.Errorf("of no rows, the log-densities are %v", got)
	}
}
