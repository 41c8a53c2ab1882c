package continuous

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

func newField(dim, frequencies, context int, src rand.Source) *Field {
	return NewField(nf.NewMLP([]int{dim + 1 + 2*frequencies, 6, dim}, &nf.MLPOptions{Activation: nf.ActTanh, Context: context}, src), dim)
}

// The tolerance is the error of the solver for fields with perturbed parameters.
func TestFlow(t *testing.T) {
	for _, dim := range []int{1, 2, 3} {
		for _, columns := range []int{0, 2} {
			t.Run(fmt.Sprintf("%d/%d", dim, columns), func(t *testing.T) {
				t.Parallel()
				f := NewFlow(newField(dim, dim-1, columns, rand.NewPCG(1, 2)), &FlowOptions{Steps: 20, Method: DormandPrince})
				if err := nftest.Flow(f, &nftest.FlowOptions{Tolerance: 1e-6}, rand.NewPCG(3, 4)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// swirl is the field v = A·x + b·cos πt, as a network without parameters, whose solution is known.
type swirl struct{}

func (swirl) In() int         { return 5 }
func (swirl) Out() int        { return 2 }
func (swirl) State() nf.State { return nil }
func (swirl) Apply(x, _ *ad.Value) *ad.Value {
	t := x.Tape()
	return x.Slice(0, 2).Linear(t.Const(2, 2, []float64{0.5, -2, 2, 0.5}), nil).Add(x.Slice(3, 4).Mul(t.Const(1, 2, []float64{1, 0})))
}

// exact returns x(1): with z and v as complex numbers, dz/dt = λz + cos πt, λ = 0.5 + 2i.
func exact(z0 complex128) complex128 {
	lambda, e := complex(0.5, 2), complex(math.Exp(0.5), 0)*complex(math.Cos(2), math.Sin(2))
	particular := func(cos float64) complex128 { return -lambda * complex(cos, 0) / (lambda*lambda + math.Pi*math.Pi) } // where sin πt is 0
	return e*(z0-particular(1)) + particular(-1)
}

// Errors fall with the order of the method, log-determinants have theirs, and estimates of errors are near them.
func TestSolver(t *testing.T) {
	z := mat.NewDense(3, 2, []float64{0.3, -1, 2, 0.5, -0.2, 0.1})
	for method, tab := range tableaux {
		worst := func(steps int) (most float64) {
			f := NewFlow(NewField(swirl{}, 2), &FlowOptions{Steps: steps, Method: Method(method)})
			if got, want := f.Evaluations(), steps*len(tab.weights); got != want {
				t.Errorf("%v: %d evaluations, want %d", f, got, want)
			}
			tape := ad.NewEvalTape(ad.Float64)
			x, logDet := f.Forward(tape.Matrix(z), nil)
			estimates := f.Error(z, nil)
			for i := range 3 {
				want := exact(complex(z.At(i, 0), z.At(i, 1)))
				d := math.Hypot(x.At(i, 0)-real(want), x.At(i, 1)-imag(want))
				if steps == 16 && !(estimates[i] > d/2 && estimates[i] < 2*d) {
					t.Errorf("%v: estimated error %v, want %v up to a factor of 2", f, estimates[i], d)
				}
				if math.Abs(logDet.At(i, 0)-1) > 1e-13 { // the trace is 1 everywhere
					t.Errorf("%v: log-determinant %v, want 1", f, logDet.At(i, 0))
				}
				most = max(most, d)
			}
			return most
		}
		if order := math.Log2(worst(16) / worst(32)); math.Abs(order-float64(tab.order)) > 0.3 {
			t.Errorf("%s: errors fall like h to the power of %v, want %d", tab.name, order, tab.order)
		}
	}
}

// Above 8 dimensions training estimates the trace without bias, and evaluation computes it.
func TestHutchinson(t *testing.T) {
	const d, n = 10, 4000
	src := rand.NewPCG(1, 2)
	f := NewFlow(newField(d, 0, 0, src), &FlowOptions{Steps: 2, Method: Midpoint})
	x := mat.NewDense(1, d, nil)
	for j := range d {
		x.Set(0, j, rand.New(src).NormFloat64())
	}
	tape := ad.NewEvalTape(ad.Float64)
	at := tape.Matrix(x).Repeat(n)
	_, logDet := f.Forward(at, nil)
	if again := logDet.At(n-1, 0); logDet.At(0, 0) != again {
		t.Errorf("an evaluation has log-determinants %v and %v of one point", logDet.At(0, 0), again)
	}
	tape.SetTraining(true)
	_, estimates := f.Forward(at, nil)
	var mean, square float64
	for _, e := range estimates.Data() {
		mean += e / n
		square += e * e / n
	}
	deviation := math.Sqrt((square - mean*mean) / n)
	if math.Abs(mean-logDet.At(0, 0)) > 4*deviation || deviation == 0 {
		t.Errorf("estimates are %v ± %v in the mean, want %v", mean, deviation, logDet.At(0, 0))
	}
}

// The penalty on the way is taken from log-determinants in training alone, in both directions: for the field v = a·x, whose points are x·e^{at}, it is
// (λa²x²·(e^{2a} − 1)/2a + μa²) of a point x at time 0.
func TestPenalty(t *testing.T) {
	const a, lambda, mu = 0.7, 0.3, 0.2
	f := NewFlow(NewField(growth(a), 1), &FlowOptions{Kinetic: lambda, Jacobian: mu})
	z := []float64{-1, 0.5, 2}
	for _, training := range []bool{false, true} {
		tape := ad.NewTape(ad.Float64)
		tape.SetTraining(training)
		x, forward := f.Forward(tape.Const(3, 1, z), nil)
		_, inverse := f.Inverse(x, nil)
		for i, z := range z {
			penalty := 0.0
			if training {
				penalty = lambda*a*a*z*z*(math.Exp(2*a)-1)/(2*a) + mu*a*a
			}
			if got, want := forward.At(i, 0), a-penalty; math.Abs(got-want) > 1e-6 {
				t.Errorf("training %t: the log-determinant of Forward is %v, want %v", training, got, want)
			}
			if got, want := inverse.At(i, 0), -a-penalty; math.Abs(got-want) > 1e-6 {
				t.Errorf("training %t: the log-determinant of Inverse is %v, want %v", training, got, want)
			}
		}
	}
	// Above 8 dimensions, it is estimated without bias: of v = a·x, with ‖J‖² = 9a², exactly.
	wide := NewFlow(NewField(growth9(a), 9), &FlowOptions{Jacobian: mu})
	tape := ad.NewTape(ad.Float64)
	tape.SetTraining(true)
	if _, l := wide.Forward(tape.Full(2, 9, 0.1), nil); math.Abs(l.At(0, 0)-9*(a-mu*a*a)) > 1e-9 {
		t.Errorf("the log-determinant in 9 dimensions is %v, want %v", l.At(0, 0), 9*(a-mu*a*a))
	}
}

// growth is the field a·x in one dimension, growth9 in nine.
type (
	growth  float64
	growth9 float64
)

func (growth) In() int                           { return 2 }
func (growth) Out() int                          { return 1 }
func (growth) State() nf.State                   { return nil }
func (a growth) Apply(x, _ *ad.Value) *ad.Value  { return x.Slice(0, 1).Scale(float64(a)) }
func (growth9) In() int                          { return 10 }
func (growth9) Out() int                         { return 9 }
func (growth9) State() nf.State                  { return nil }
func (a growth9) Apply(x, _ *ad.Value) *ad.Value { return x.Slice(0, 9).Scale(float64(a)) }

// normal is the standard normal distribution in two dimensions.
func normal() nf.Sampler { return nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil) }

func TestFlowMatchingObjective(t *testing.T) {
	for _, path := range []Path{Linear, VariancePreserving} {
		for _, columns := range []int{0, 2} {
			src := rand.NewPCG(1, 2)
			rows := mat.NewDense(20, 4+columns, nil)
			for i := range rows.RawMatrix().Data {
				rows.RawMatrix().Data[i] = rand.New(src).NormFloat64()
			}
			if err := nftest.Objective(FlowMatching(newField(2, 1, columns, src), &MatchingOptions{path}), rows, src); err != nil {
				t.Errorf("path %d, %d columns of context: %v", path, columns, err)
			}
		}
	}
}

// Paths go from x₀ to x₁, with the derivative that they say; the second keeps the variance.
func TestPaths(t *testing.T) {
	tape := ad.NewEvalTape(ad.Float64)
	x0, x1 := tape.Const(1, 1, []float64{0.7}), tape.Const(1, 1, []float64{-1.2})
	for _, p := range []Path{Linear, VariancePreserving} {
		at := func(time float64) float64 { x, _ := p.at(x0, x1, tape.Full(1, 1, time)); return x.At(0, 0) }
		_, dx := p.at(x0, x1, tape.Full(1, 1, 0.3))
		if h := 1e-5; math.Abs(at(0)-0.7)+math.Abs(at(1)+1.2) > 1e-14 || math.Abs((at(0.3+h)-at(0.3-h))/(2*h)-dx.At(0, 0)) > 1e-9 {
			t.Errorf("path %d goes from %v to %v, with derivative %v", p, at(0), at(1), dx.At(0, 0))
		}
	}
	x, _ := VariancePreserving.at(tape.Const(1, 2, []float64{1, 0}), tape.Const(1, 2, []float64{0, 1}), tape.Full(1, 1, 0.3))
	if v := x.At(0, 0)*x.At(0, 0) + x.At(0, 1)*x.At(0, 1); math.Abs(v-1) > 1e-14 {
		t.Errorf("the variance on the way is %v, want 1", v)
	}
}

// A field learned by flow matching carries the normal distribution to two moons, whose entropy is 1.008; with pairs by optimal transport its ways are
// straighter, so that two steps are nearer to the solution.
func TestFlowMatchingLearns(t *testing.T) {
	held := targets.Moons{}.Sample(300, rand.NewPCG(5, 6))
	noise := normal().Sample(300, rand.NewPCG(7, 8))
	errors := map[bool]float64{}
	for _, transport := range []bool{false, true} {
		src := rand.NewPCG(1, 2)
		m, field := NewCNF(2, &CNFOptions{Hidden: 48}, src)
		pairs := NewPairs(normal(), targets.Moons{}, 2, &PairsOptions{Transport: transport})
		opts := &nf.FitOptions{Steps: 1000, BatchSize: 64, Schedule: nf.Cosine(2e-2, 0, 1000), MaxGradNorm: 5}
		if _, err := nf.Fit(context.Background(), FlowMatching(field, nil), pairs, opts, src); err != nil {
			t.Fatal(err)
		}
		loss, err := m.NLL(nil).Loss(held, nil)
		if err != nil || !(loss < 1.6) {
			t.Errorf("transport %t: the negative log-likelihood is %v with error %v, want less than 1.6", transport, loss, err)
		}
		for _, e := range NewFlow(field, &FlowOptions{Steps: 2, Method: Midpoint}).Error(noise, nil) {
			errors[transport] += e / 300
		}
	}
	if !(errors[true] < 0.7*errors[false]) {
		t.Errorf("the error of two steps is %v with transport and %v without", errors[true], errors[false])
	}
}

// A CNF starts as its base, and learns by likelihood.
func TestCNF(t *testing.T) {
	src := rand.NewPCG(1, 2)
	m, _ := NewCNF(2, &CNFOptions{FlowOptions: FlowOptions{Steps: 4}, Hidden: 24}, src)
	x := targets.Moons{}.Sample(300, src)
	base := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	first, want := m.LogProb(x), base.LogProb(x)
	for i := range first {
		if math.Abs(first[i]-want[i]) > 1e-12 {
			t.Fatalf("the model starts with log-density %v, want %v, that of its base", first[i], want[i])
		}
	}
	history, err := nf.Fit(context.Background(), m.NLL(nil), nf.NewRows(x), &nf.FitOptions{Steps: 100, BatchSize: 100, Schedule: nf.Cosine(4e-2, 0, 100)}, src)
	if last := history.Loss[len(history.Loss)-1]; err != nil || !(last < 1.9) {
		t.Errorf("the loss ends at %v with error %v, want less than 1.9; a normal distribution has 2.1", last, err)
	}
}

// A network without hidden layers is asked for by −1, as 0 means the default.
func TestCNFWithoutHiddenLayers(t *testing.T) {
	m, _ := NewCNF(2, &CNFOptions{Depth: -1}, rand.NewPCG(1, 2))
	if p := m.Params()[2:]; len(p) != 2 || len(p[0].Data) != 2*(2+1+2*frequencies) { // after those of the base, a weight and a bias
		t.Errorf("a field without hidden layers has %d parameters", len(p))
	}
	if l := m.LogProb(mat.NewDense(1, 2, nil))[0]; math.Abs(l+math.Log(2*math.Pi)) > 1e-12 {
		t.Errorf("the model starts with log-density %v, want that of its base", l)
	}
}

// labelled is two normal distributions, with means −2 and 2 by the sign of the context.
type labelled struct{}

func (labelled) Sample(n int, src rand.Source) *mat.Dense {
	r, x := rand.New(src), mat.NewDense(n, 2, nil)
	for i := range n {
		c := float64(2*r.IntN(2) - 1)
		x.SetRow(i, []float64{2*c + 0.5*r.NormFloat64(), c})
	}
	return x
}

// Flow matching learns what depends on a context.
func TestConditional(t *testing.T) {
	src := rand.NewPCG(1, 2)
	m, field := NewCNF(1, &CNFOptions{Hidden: 16, Context: 1}, src)
	noise := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), nil)
	opts := &nf.FitOptions{Steps: 400, BatchSize: 128, Schedule: nf.Cosine(2e-2, 0, 400)}
	if _, err := nf.Fit(context.Background(), FlowMatching(field, nil), NewPairs(noise, labelled{}, 1, nil), opts, src); err != nil {
		t.Fatal(err)
	}
	for _, c := range []float64{-1, 1} {
		x := m.Given(mat.NewDense(1, 1, []float64{c})).Sample(2000, src)
		mean := mat.Sum(x) / 2000
		var variance float64
		for _, x := range x.RawMatrix().Data {
			variance += (x - mean) * (x - mean) / 2000
		}
		if math.Abs(mean-2*c) > 0.15 || math.Abs(math.Sqrt(variance)-0.5) > 0.15 {
			t.Errorf("given %v: mean %v and deviation %v, want %v and 0.5", c, mean, math.Sqrt(variance), 2*c)
		}
	}
	z := mat.NewDense(2, 1, []float64{0, 1})
	if e := NewFlow(field, nil).Error(z, mat.NewDense(2, 1, []float64{1, -1})); !(e[0] < 1e-3) || !(e[1] < 1e-3) {
		t.Errorf("errors %v of 16 steps", e)
	}
}

func TestMistakes(t *testing.T) {
	src := rand.NewPCG(1, 2)
	field := newField(2, 0, 0, src)
	for want, f := range map[string]func(){
		"NewField: got a network from 4 to 2 columns, want 2, 1 and two for each frequency, to 2": func() { NewField(nf.NewMLP([]int{4, 2}, nil, src), 2) },
		"NewField: got network <nil>":                             func() { NewField(nil, 2) },
		"NewFlow: got weights -1 and 0":                           func() { NewFlow(field, &FlowOptions{Kinetic: -1}) },
		"NewFlow: got field":                                      func() { NewFlow(field, &FlowOptions{Steps: 3}) },
		"FlowMatching: got field":                                 func() { FlowMatching(field, &MatchingOptions{7}) },
		"Flow.Forward: got a 1×3 batch, want 2 columns":           func() { NewFlow(field, nil).Forward(ad.NewTape(ad.Float64).Full(1, 3, 0), nil) },
		"Flow.Error: got a 1×2 batch and 1 rows of context":       func() { NewFlow(field, nil).Error(mat.NewDense(1, 2, nil), mat.NewDense(1, 1, nil)) },
		"Pairs.Sample: the samplers draw 2 and 2 columns, want 3": func() { NewPairs(normal(), targets.Moons{}, 3, nil).Sample(1, src) },
		"NewPairs: got samplers <nil>":                            func() { NewPairs(nil, normal(), 2, nil) },
		"NewCNF: got dimension 0":                                 func() { NewCNF(0, nil, src) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("got the panic %q, want one with %q", got, want)
				}
			}()
			f()
		}()
	}
}
