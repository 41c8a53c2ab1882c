package targets_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// action is Phi4's, from its definition.
func action(t targets.Phi4, φ []float64) float64 {
	var s float64
	for i := range φ {
		s += φ[i]*(4*φ[i]-neighbours(t.L, φ, i)) + t.M2*φ[i]*φ[i] + t.Lambda*φ[i]*φ[i]*φ[i]*φ[i]
	}
	return s
}

func neighbours(l int, φ []float64, at int) float64 {
	i, j := at/l, at%l
	return φ[(i+1)%l*l+j] + φ[(i+l-1)%l*l+j] + φ[i*l+(j+1)%l] + φ[i*l+(j+l-1)%l]
}

func TestPhi4Action(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, p := range []targets.Phi4{{L: 1, M2: 1, Lambda: 2}, {L: 2, M2: -1, Lambda: 3}, {L: 3, M2: 0.5}, {L: 8, M2: -4, Lambda: 8}} {
		x := mat.NewDense(3, p.Dim(), nil)
		for i := range 3 {
			for j := range p.Dim() {
				x.Set(i, j, r.NormFloat64())
			}
		}
		for i, got := range p.LogDensity(ad.NewEvalTape(ad.Float64).Matrix(x)).Data() {
			if want := -action(p, x.RawRowView(i)); !(math.Abs(got-want) <= 1e-12*math.Abs(want)) {
				t.Errorf("%+v: LogDensity of row %d = %v, want %v", p, i, got, want)
			}
		}
		checkGradient(t, p, x)
	}
}

// A free field is normal: its normaliser is that of the Hessian.
func TestPhi4FreeField(t *testing.T) {
	for _, p := range []targets.Phi4{{L: 1, M2: 1}, {L: 2, M2: 0.3}, {L: 4, M2: 1.5}} {
		d := p.Dim()
		h := mat.NewSymDense(d, nil)
		fd.Hessian(h, func(φ []float64) float64 { return action(p, φ) }, make([]float64, d), &fd.Settings{Step: 0.1}) // exact: a square
		var c mat.Cholesky
		if !c.Factorize(h) {
			t.Fatalf("%+v: the action has no minimum", p)
		}
		want := 0.5*float64(d)*math.Log(2*math.Pi) - 0.5*c.LogDet()
		if got := p.FreeLogNormalizer(); !(math.Abs(got-want) <= 1e-9) {
			t.Errorf("%+v: FreeLogNormalizer() = %v, want %v", p, got, want)
		}
	}
}

// The reference numbers of the documentation, by Metropolis's algorithm with single sites and the action from its
// definition; and the identity E[φ·∂S/∂φ] = L² of any density exp(−S), with the gradient of LogDensity.
func TestPhi4ReferenceNumbers(t *testing.T) {
	const chains, sweeps, warm = 48, 1500, 150
	p := targets.Phi4{L: 8, M2: -4, Lambda: 8}
	r := rand.New(rand.NewPCG(1, 2))
	squares, susceptibilities, virials := make([]float64, chains), make([]float64, chains), make([]float64, chains)
	for c := range chains {
		φ := make([]float64, p.Dim())
		states := mat.NewDense(sweeps/10, p.Dim(), nil)
		for s := range warm + sweeps {
			for i := range φ {
				old, next := φ[i], φ[i]+0.8*(r.Float64()-0.5)
				local := func(v float64) float64 {
					return v*(4*v-2*neighbours(p.L, φ, i)) + p.M2*v*v + p.Lambda*v*v*v*v
				}
				if r.Float64() < math.Exp(local(old)-local(next)) {
					φ[i] = next
				}
			}
			if s < warm {
				continue
			}
			var m, sq float64
			for _, v := range φ {
				m += v
				sq += v * v
			}
			squares[c] += sq / 64 / sweeps
			susceptibilities[c] += m * m / 64 / sweeps
			if s -= warm; s%10 == 0 {
				states.SetRow(s/10, φ)
			}
		}
		tape := ad.NewTape(ad.Float64)
		v := tape.Variable(sweeps/10, p.Dim(), states.RawMatrix().Data)
		tape.Backward(p.LogDensity(v).Sum())
		for i, g := range v.Grad() {
			virials[c] -= g * states.RawMatrix().Data[i] / (sweeps / 10)
		}
	}
	for _, q := range []struct {
		what      string
		values    []float64
		want, err float64
	}{
		{"⟨φ²⟩", squares, 0.14347, 0.00002},
		{"⟨(Σφ)²⟩/L²", susceptibilities, 0.744, 0.001},
		{"E[φ·∂S/∂φ]", virials, 64, 0},
	} {
		mean, sd := stat.MeanStdDev(q.values, nil) // of independent chains
		if z := (mean - q.want) / math.Hypot(sd/math.Sqrt(chains), q.err); !(math.Abs(z) <= 4) {
			t.Errorf("%s = %v, want %v: %.1f standard errors", q.what, mean, q.want, z)
		}
	}
}
