package montecarlo_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// chained is a stochastic layer made of several, one after the other.
type chained []montecarlo.Reversible

func (c chained) Dim() int { return c[0].Dim() }
func (c chained) NoiseDim() (n int) {
	for _, l := range c {
		n += l.NoiseDim()
	}
	return n
}
func (c chained) Noise(dst []float64, r *rand.Rand) {
	for len(dst) > 0 {
		for _, l := range c {
			l.Noise(dst[:l.NoiseDim()], r)
			dst = dst[l.NoiseDim():]
		}
	}
}
func (c chained) Forward(z, noise, context *ad.Value) (x, logWeight *ad.Value) {
	at, sum := 0, z.Tape().Full(z.Rows(), 1, 0)
	for _, l := range c {
		var of, w *ad.Value
		if k := l.NoiseDim(); k > 0 {
			of = noise.Slice(at, at+k)
			at += k
		}
		z, w = l.Forward(z, of, context)
		sum = sum.Add(w)
	}
	return z, sum
}
func (c chained) State() (s nf.State) {
	for i, l := range c {
		s = append(s, l.State().Under(string(rune('a'+i)))...)
	}
	return s
}

// wide is the normal distribution of standard deviation 1.1 in two dimensions, as a base without parameters.
type wide struct{}

func (wide) Dim() int      { return 2 }
func (wide) NoiseDim() int { return 2 }
func (wide) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.NormFloat64()
	}
}
func (wide) LogProb(z, _ *ad.Value) *ad.Value {
	return z.Square().RowSum().Scale(-0.5 / 1.21).Shift(-math.Log(2 * math.Pi * 1.21))
}
func (w wide) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	z = noise.Scale(1.1)
	return z, w.LogProb(z, nil)
}
func (wide) State() nf.State { return nil }

// layers are all layers of the package, and chains of them.
func layers() map[string]nf.StochasticLayer {
	half := montecarlo.NewLinearInterpolation(broad, wide{}, 0.5)
	flow := montecarlo.Deterministic(nf.NewPlanar(2, nil, rand.NewPCG(1, 2))).(montecarlo.Reversible)
	return map[string]nf.StochasticLayer{
		"MetropolisHastings":             montecarlo.NewMetropolisHastings(broad, 2, 0.8, 1),
		"MetropolisHastings, 4 steps":    montecarlo.NewMetropolisHastings(broad, 2, 0.8, 4),
		"HamiltonianMonteCarlo":          montecarlo.NewHamiltonianMonteCarlo(broad, 2, 0.5, 1),
		"HamiltonianMonteCarlo, 5 steps": montecarlo.NewHamiltonianMonteCarlo(broad, 2, 0.9, 5),
		"Langevin":                       montecarlo.NewLangevin(broad, 2, 0.1, 1),
		"Langevin, 3 steps":              montecarlo.NewLangevin(broad, 2, 0.3, 3),
		"interpolation":                  montecarlo.NewHamiltonianMonteCarlo(half, 2, 0.9, 2),
		"Deterministic":                  flow,
		"a chain": chained{montecarlo.NewMetropolisHastings(half, 2, 0.8, 2), flow,
			montecarlo.NewHamiltonianMonteCarlo(broad, 2, 0.9, 2), montecarlo.NewLangevin(broad, 2, 0.2, 1)},
	}
}

func TestStochasticLayers(t *testing.T) {
	for name, l := range layers() {
		if err := nftest.Stochastic(l, nil, rand.NewPCG(1, 2)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every layer that accepts or rejects leaves its target as it is, in balance: with z drawn from the target, (z, x) and (x, z) have one distribution.
// Means of antisymmetric functions of the pair are 0 then, and x has the moments of z; a z-score is above 5 for one seed of two million.
func TestDetailedBalance(t *testing.T) {
	const n = 40_000
	for name, l := range map[string]nf.StochasticLayer{
		"MetropolisHastings":             montecarlo.NewMetropolisHastings(targets.DoubleWell{}, 2, 0.7, 1),
		"MetropolisHastings, 3 steps":    montecarlo.NewMetropolisHastings(targets.DoubleWell{}, 2, 0.7, 3),
		"HamiltonianMonteCarlo":          montecarlo.NewHamiltonianMonteCarlo(targets.DoubleWell{}, 2, 0.25, 1),
		"HamiltonianMonteCarlo, 7 steps": montecarlo.NewHamiltonianMonteCarlo(targets.DoubleWell{}, 2, 0.3, 7),
		"a rough trajectory":             montecarlo.NewHamiltonianMonteCarlo(targets.DoubleWell{}, 2, 0.42, 3),
		"Funnel":                         montecarlo.NewHamiltonianMonteCarlo(targets.Funnel{}, 2, 0.5, 4),
		"interpolation":                  montecarlo.NewHamiltonianMonteCarlo(montecarlo.NewLinearInterpolation(broad, wide{}, 0.25), 2, 1.2, 2),
	} {
		src := rand.NewPCG(3, 4)
		var z *mat.Dense
		switch name {
		case "Funnel":
			z = targets.Funnel{}.Sample(n, src)
		case "interpolation":
			z = mat.NewDense(n, 2, nil)
			wide{}.Noise(z.RawMatrix().Data, rand.New(src))
			z.Scale(1/math.Sqrt(0.25/1.44+0.75/1.21), z)
		default:
			z = targets.DoubleWell{}.Sample(n, src)
		}
		noise := make([]float64, n*l.NoiseDim())
		l.Noise(noise, rand.New(src))
		tape := ad.NewEvalTape(ad.Float64)
		v, _ := l.Forward(tape.Matrix(z), tape.Const(n, l.NoiseDim(), noise), nil)
		x := v.Matrix()
		moved := 0
		for i := range n {
			if x.At(i, 0) != z.At(i, 0) {
				moved++
			}
		}
		if moved < n/10 || moved > n*99/100 {
			t.Errorf("%s: %d of %d points move, want some to be rejected and some not", name, moved, n)
		}
		for what, f := range map[string]func(a, b []float64) float64{
			"mean":             func(a, b []float64) float64 { return b[0] - a[0] },
			"square":           func(a, b []float64) float64 { return b[0]*b[0] - a[0]*a[0] },
			"second component": func(a, b []float64) float64 { return b[1]*b[1] - a[1]*a[1] },
			"crossing":         func(a, b []float64) float64 { return a[0]*b[0]*b[0] - b[0]*a[0]*a[0] },
			"sine":             func(a, b []float64) float64 { return math.Sin(2*a[0]+b[0]) - math.Sin(2*b[0]+a[0]) },
		} {
			var sum, squares float64
			for i := range n {
				d := f(z.RawRowView(i), x.RawRowView(i))
				sum += d
				squares += d * d
			}
			if score := sum / math.Sqrt(squares); !(math.Abs(score) < 5) {
				t.Errorf("%s: the mean of %s is off by %.1f standard errors", name, what, score)
			}
		}
	}
}

// Trajectories that fly off to infinity, or leave the support, are rejected, and rows that do not are none the wiser.
func TestExplodingTrajectory(t *testing.T) {
	for _, precision := range []ad.Precision{ad.Float64, ad.Float32} {
		tape := ad.NewTape(precision)
		z := tape.Variable(3, 2, []float64{0.5, 0, 1e6, 0, -1.7, 1})
		noise := tape.Const(3, 3, []float64{0.1, 0.2, -1e9, 0.1, 0.2, -1e9, 0.3, 0.1, -1e9})
		l := montecarlo.NewHamiltonianMonteCarlo(targets.DoubleWell{}, 2, 0.05, 30)
		x, w := l.Forward(z, noise, nil)
		tape.Backward(x.Sum().Add(w.Sum()))
		got := x.Data()
		if got[2] != 1e6 || got[0] == 0.5 || got[4] == float64(float32(-1.7)) && precision == ad.Float32 || !x.Finite() || w.At(1, 0) != 0 {
			t.Errorf("%v: got points %v and log-weights %v, want the second to stay, and the others to move", precision, got, w.Data())
		}
		for i, g := range z.Grad() {
			if math.IsNaN(g) {
				t.Errorf("%v: the gradient of element %d is NaN", precision, i)
			}
		}
	}
	inside := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.LogIndicator(0, 1).RowSum() })
	tape := ad.NewEvalTape(ad.Float64)
	x, w := montecarlo.NewHamiltonianMonteCarlo(inside, 1, 0.5, 2).Forward(tape.Const(2, 1, []float64{0.9, 0.1}), tape.Const(2, 2, []float64{0.3, -1, 0.3, -1}), nil)
	if got := x.Data(); got[0] != 0.9 || math.Abs(got[1]-0.4) > 1e-15 || w.At(0, 0) != 0 {
		t.Errorf("got points %v and log-weights %v, want the first to stay and the second at 0.4", got, w.Data())
	}
}

// NaN of a target is passed on.
func TestTargetNaN(t *testing.T) {
	holed := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Shift(1).Log().RowSum() }) // NaN below −1
	for name, l := range map[string]nf.StochasticLayer{
		"MetropolisHastings":    montecarlo.NewMetropolisHastings(holed, 1, 1, 1),
		"HamiltonianMonteCarlo": montecarlo.NewHamiltonianMonteCarlo(holed, 1, 1, 2),
	} {
		tape := ad.NewEvalTape(ad.Float64)
		_, w := l.Forward(tape.Const(2, 1, []float64{0.5, 0.5}), tape.Const(2, l.NoiseDim(), []float64{-9, -1, 0.1, -1}), nil)
		if got := w.Data(); !math.IsNaN(got[0]) || math.IsNaN(got[1]) {
			t.Errorf("%s: got log-weights %v, want NaN for the first row alone", name, got)
		}
	}
}

// Flows and step sizes are trained through stochastic layers by both losses, whose gradients agree with differences.
func TestStochasticObjectives(t *testing.T) {
	model := func() *montecarlo.StochasticFlow {
		src := rand.NewPCG(5, 6)
		target := targets.TwoModes{Scale: 0.5}
		return montecarlo.NewStochasticFlow(nf.NewDiagGaussian(2, nil), montecarlo.Deterministic(nf.NewPlanar(2, nil, src)),
			montecarlo.NewMetropolisHastings(target, 2, 0.3, 2), montecarlo.NewHamiltonianMonteCarlo(target, 2, 0.2, 2),
			montecarlo.Deterministic(nf.NewPlanar(2, nil, src)), montecarlo.NewLangevin(target, 2, 0.01, 2))
	}
	if err := nftest.Objective(model().ReverseKL(targets.TwoModes{Scale: 0.5}, 150), nil, rand.NewPCG(1, 2)); err != nil {
		t.Errorf("ReverseKL: %v", err)
	}
	if err := nftest.Objective(model().NLL(), testkit.NormalRows(150, 2, 1), rand.NewPCG(1, 2)); err != nil {
		t.Errorf("NLL: %v", err)
	}
}

// The loss of a model without stochastic layers is that of the flow; moves in between base and target lower it.
func TestStochasticLosses(t *testing.T) {
	base, flow := nf.NewDiagGaussian(2, nil), nf.NewPlanar(2, nil, rand.NewPCG(1, 2))
	plain, x := nf.NewNormalizingFlow(base, []nf.Flow{flow}), testkit.NormalRows(60, 2, 1)
	want, err1 := plain.NLL(nil).Loss(x, nil)
	got, err2 := montecarlo.NewStochasticFlow(base, montecarlo.Deterministic(flow)).NLL().Loss(x, nil)
	if err1 != nil || err2 != nil || math.Abs(got-want) > 1e-12 {
		t.Errorf("got the loss %v, want %v (%v, %v)", got, want, err1, err2)
	}
	const n = 20_000
	bare, err1 := montecarlo.NewStochasticFlow(base).ReverseKL(targets.DoubleWell{}, n).Loss(nil, rand.NewPCG(1, 2))
	moved, err2 := montecarlo.NewStochasticFlow(base, montecarlo.NewHamiltonianMonteCarlo(montecarlo.NewLinearInterpolation(targets.DoubleWell{}, base, 0.5), 2, 0.2, 5)).ReverseKL(targets.DoubleWell{}, n).Loss(nil, rand.NewPCG(1, 2))
	floor := -targets.DoubleWell{}.LogNormalizer()
	if err1 != nil || err2 != nil || !(floor < moved && moved < bare-1) {
		t.Errorf("got losses %v without and %v with moves, above %v (%v, %v)", bare, moved, floor, err1, err2)
	}
}

// Trajectories are those of leapfrog steps as the books have them, with step sizes and masses of each component; and are accepted for a uniform number just
// below e^{−ΔH}, and not for one just above.
func TestLeapfrog(t *testing.T) {
	const d = 4
	target := targets.ManyWell{Dims: d}
	r := rand.New(rand.NewPCG(1, 2))
	for steps := 1; steps < 5; steps++ {
		l := montecarlo.NewHamiltonianMonteCarlo(target, d, 0.1, steps)
		size, mass := l.State().Params()[0].Data, l.State().Params()[1].Data
		x, p, noise := make([]float64, d), make([]float64, d), make([]float64, d+1)
		l.Noise(noise, r)
		for j := range d {
			size[j], mass[j] = math.Log(0.05+0.1*r.Float64()), r.NormFloat64()
			x[j], p[j] = r.NormFloat64(), math.Exp(mass[j]/2)*noise[j]
		}
		start := append([]float64(nil), x...)
		energy := func() (h float64) {
			for j := range d {
				h += p[j] * p[j] / math.Exp(mass[j]) / 2
				if j%2 == 0 {
					h -= 0.5*x[j] + 6*x[j]*x[j] - math.Pow(x[j], 4)
				} else {
					h += x[j] * x[j] / 2
				}
			}
			return h
		}
		kick := func() {
			for j := range d {
				g := -x[j]
				if j%2 == 0 {
					g = 0.5 + 12*x[j] - 4*math.Pow(x[j], 3)
				}
				p[j] += math.Exp(size[j]) / 2 * g
			}
		}
		before := energy()
		for range steps {
			kick()
			for j := range d {
				x[j] += math.Exp(size[j]-mass[j]) * p[j]
			}
			kick()
		}
		ratio := before - energy()
		for _, c := range []struct {
			logU float64
			want []float64
		}{{ratio - 1e-9, x}, {ratio + 1e-9, start}} {
			tape := ad.NewEvalTape(ad.Float64)
			noise[d] = c.logU
			got, _ := l.Forward(tape.Const(1, d, start), tape.Const(1, d+1, noise), nil)
			if !floats.EqualApprox(got.Data(), c.want, 1e-12) {
				t.Errorf("%d steps with ln u = %v: from %v to %v, want %v; ln of the ratio is %v", steps, c.logU, start, got.Data(), c.want, ratio)
			}
		}
	}
}
