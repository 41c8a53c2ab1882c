package nfkit_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// seedOfDraw gives each evaluation of a loss the same noise.
func seedOfDraw() rand.Source { return rand.NewPCG(21, 22) }

// checkLossGradient compares the gradient of a loss, which loss has just set, with central differences of value.
func checkLossGradient(t *testing.T, m *nf.NormalizingFlow, value func() float64) {
	t.Helper()
	for k, p := range m.Params() {
		got := slices.Clone(p.Grad)
		origin := slices.Clone(p.Data)
		want := fd.Gradient(nil, func(x []float64) float64 {
			copy(p.Data, x)
			p.Changed()
			return value()
		}, origin, &fd.Settings{Formula: fd.Central, Step: 1e-5})
		copy(p.Data, origin)
		p.Changed()
		for i := range want { // error ~ h²·f‴, of targets with standard deviation 0.1 as well
			if d := math.Abs(got[i] - want[i]); !(d <= 1e-5*max(1, math.Abs(want[i]))) {
				t.Errorf("∂/∂param %d[%d] = %v, finite differences give %v", k, i, got[i], want[i])
			}
		}
	}
}

func constant(beta float64) func(int) float64 { return func(int) float64 { return beta } }

func value(t *testing.T, loss float64, err error) float64 {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return loss
}

func TestReverseKLGradient(t *testing.T) {
	const n = 70 // more than a shard
	m, target := testModel(2, 0), targets.TwoModes{Scale: 0.4}
	for _, beta := range []float64{1, 0.3} {
		opts := &nf.ReverseKLOptions{Beta: constant(beta)}
		loss, err := m.ReverseKL(target, n, opts).LossGrad(nil, seedOfDraw())
		logZ := target.LogNormalizer()
		reverseKL := func() float64 {
			x, logQ := m.SampleLogProb(n, seedOfDraw())
			var sum float64
			for i, logP := range target.LogProb(x) {
				sum += logQ[i] - beta*(logP+logZ)
			}
			return sum / n
		}
		if l, err := m.ReverseKL(target, n, opts).Loss(nil, seedOfDraw()); beta == 1 && math.Abs(value(t, l, err)-reverseKL()) > 1e-12*math.Abs(l) {
			t.Errorf("Loss = %v, want %v", l, reverseKL())
		}
		if got, want := value(t, loss, err), reverseKL(); math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("LossGrad gives %v, Loss %v", got, want)
		}
		checkLossGradient(t, m, reverseKL)
		single, err := m.WithPrecision(ad.Float32).ReverseKL(target, n, opts).LossGrad(nil, seedOfDraw())
		if got := value(t, single, err); math.Abs(got-loss) > 1e-5*math.Abs(loss) {
			t.Errorf("in float32 the loss is %v, in float64 %v", got, loss)
		}
	}
}

// The path gradient is that of a loss whose ln q has parameters of its own.
func TestPathGradient(t *testing.T) {
	const n, beta = 70, 0.7
	m, q, target := testModel(2, 0), testModel(2, 0), targets.TwoModes{Scale: 0.4}
	total, err := m.ReverseKL(target, n, &nf.ReverseKLOptions{Beta: constant(beta)}).LossGrad(nil, seedOfDraw())
	value(t, total, err)
	first := slices.Clone(m.Params()[0].Grad)
	loss, err := m.ReverseKL(target, n, &nf.ReverseKLOptions{Beta: constant(beta), PathGradient: true}).LossGrad(nil, seedOfDraw())
	if got := value(t, loss, err); math.Abs(got-total) > 1e-12*math.Abs(total) {
		t.Errorf("the loss with a path gradient is %v, without %v", got, total)
	}
	if slices.Equal(first, m.Params()[0].Grad) {
		t.Error("the path gradient is the total gradient")
	}
	logZ := target.LogNormalizer()
	checkLossGradient(t, m, func() float64 {
		x := m.Sample(n, seedOfDraw())
		logQ, logP := q.LogProb(x), target.LogProb(x)
		var sum float64
		for i := range n {
			sum += logQ[i] - beta*(logP[i]+logZ)
		}
		return sum / n
	})
}

// At the target, each point's path gradient is 0; the total one is 0 in the mean alone.
func TestPathGradientVanishesAtTheTarget(t *testing.T) {
	m := testModel(3, 0)
	twin := nf.NewModelBase(testModel(3, 0))
	target := nf.TargetFunc(twin.LogProb)
	norm := func(path bool) float64 {
		_, err := m.ReverseKL(target, 10, &nf.ReverseKLOptions{PathGradient: path}).LossGrad(nil, seedOfDraw())
		if err != nil {
			t.Fatal(err)
		}
		return nf.ClipGradNorm(m.Params(), math.Inf(1))
	}
	if total, path := norm(false), norm(true); !(total > 0.1) || !(path < 1e-10) {
		t.Errorf("at the target the norms of total and path gradient are %v and %v, want one that is not 0 and 0", total, path)
	}
}

// Losses change no parameter, frozen ones stay so and get no gradient, and parameters of the target are constants.
func TestReverseLossesLeaveParametersAlone(t *testing.T) {
	m := testModel(2, 0)
	other := testModel(2, 0)
	target := nf.TargetFunc(nf.NewModelBase(other).LogProb)
	perturb(other.State(), 0.1, rand.NewPCG(7, 8))
	frozen := m.Params()[0]
	frozen.Frozen = true
	for i := range other.Params()[0].Grad {
		other.Params()[0].Grad[i] = 7
	}
	before := allNumbers(m, other)
	for name, loss := range map[string]func() (float64, error){
		"reverse KL": func() (float64, error) { return m.ReverseKL(target, 20, nil).LossGrad(nil, seedOfDraw()) },
		"path gradient": func() (float64, error) {
			return m.ReverseKL(target, 20, &nf.ReverseKLOptions{PathGradient: true}).LossGrad(nil, seedOfDraw())
		},
		"alpha": func() (float64, error) { return m.AlphaDivergence(target, 20, 2, nil).LossGrad(nil, seedOfDraw()) },
		"DReG": func() (float64, error) {
			return m.AlphaDivergence(target, 20, 2, &nf.AlphaDivergenceOptions{DReG: true}).LossGrad(nil, seedOfDraw())
		},
	} {
		for i := range frozen.Grad {
			frozen.Grad[i] = 1
		}
		if _, err := loss(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(allNumbers(m, other), before) {
			t.Errorf("%s changed a parameter", name)
		}
		for k, p := range m.Params() {
			switch zero := slices.Max(p.Grad) == 0 && slices.Min(p.Grad) == 0; {
			case p.Frozen != (p == frozen):
				t.Errorf("%s: parameter %d: Frozen is %v", name, k, p.Frozen)
			case zero != p.Frozen:
				t.Errorf("%s: parameter %d: gradient %v with Frozen %v", name, k, p.Grad, p.Frozen)
			}
		}
		if g := other.Params()[0].Grad; slices.Min(g) != 7 || slices.Max(g) != 7 {
			t.Errorf("%s wrote a gradient of the target: %v", name, g)
		}
	}
}

func allNumbers(models ...*nf.NormalizingFlow) []float64 {
	var all []float64
	for _, m := range models {
		for _, p := range m.Params() {
			all = append(all, p.Data...)
		}
	}
	return all
}

// The same source gives the same loss and gradient to the last bit on any number of cores.
func TestReverseLossesOnCores(t *testing.T) {
	var want []float64
	testkit.OnCores(func(cores int) {
		m := testModel(2, 0)
		var got []float64
		for _, path := range []bool{false, true} {
			loss, err := m.ReverseKL(targets.TwoModes{}, 500, &nf.ReverseKLOptions{PathGradient: path}).LossGrad(nil, seedOfDraw())
			got = append(got, value(t, loss, err))
			for _, p := range m.Params() {
				got = append(got, p.Grad...)
			}
			loss, err = m.AlphaDivergence(targets.TwoModes{}, 500, 0.5, &nf.AlphaDivergenceOptions{DReG: path}).LossGrad(nil, seedOfDraw())
			got = append(got, value(t, loss, err))
			for _, p := range m.Params() {
				got = append(got, p.Grad...)
			}
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("on %d cores losses or gradients are others than on one", cores)
		}
	})
}

// A conditional model is held against a target that sees the same context.
func TestReverseKLWithContext(t *testing.T) {
	const n = 50_000
	m := nf.NewNormalizingFlow(nf.NewConditionalDiagGaussian(nf.NewMLP([]int{4, 4}, nil, rand.NewPCG(1, 2))), nil)
	w := m.Params()[0] // the mean of the model is that of the target, its standard deviation 1
	clear(w.Data)
	w.Data[0], w.Data[5] = 1, 1
	clear(m.Params()[1].Data)
	context, r := mat.NewDense(n, 4, nil), rand.New(rand.NewPCG(3, 4))
	var want float64
	for i := range n {
		context.SetRow(i, []float64{r.NormFloat64(), r.NormFloat64(), 0.5 + r.Float64(), 0.5 + r.Float64()})
		for j := 2; j < 4; j++ { // KL(N(μ, 1) ‖ N(μ, s²)) = ln s + 1/2s² − 1/2
			s := context.At(i, j)
			want += (math.Log(s) + 0.5/(s*s) - 0.5) / n
		}
	}
	target := nf.TargetFunc(targets.ConditionalDiagGaussian{}.LogDensity)
	got, err := m.Given(context).ReverseKL(target, n, nil).Loss(nil, seedOfDraw())
	if value(t, got, err); math.Abs(got-want) > 4*2/math.Sqrt(n) { // the terms have a standard deviation below 2
		t.Errorf("ReverseKL = %v, want %v", got, want)
	}
}

// The first batch of samples reaches an ActNorm in the direction of Forward.
func TestReverseKLObserves(t *testing.T) {
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewAffineConstFlow(2, nil), nf.NewActNorm(2)})
	m.Params()[3].Data[0] = 5 // t of the first flow
	const n = 100
	x0 := m.Sample(n, seedOfDraw())
	if _, err := m.ReverseKL(targets.TwoModes{}, n, nil).LossGrad(nil, seedOfDraw()); err != nil {
		t.Fatal(err)
	}
	x := m.Sample(n, seedOfDraw())
	for j := range 2 {
		if c, c0 := stat.Mean(mat.Col(nil, j, x), nil), stat.Mean(mat.Col(nil, j, x0), nil); math.Abs(c) > 1e-4 || math.Abs(c0) < 1e-3 {
			t.Errorf("column %d of the samples has mean %v after the first batch and %v before, want 0 and something else", j, c, c0)
		}
	}
	if _, err := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewActNorm(2)}).ReverseKL(targets.TwoModes{}, 1, nil).LossGrad(nil, seedOfDraw()); err == nil {
		t.Error("an ActNorm accepted a first batch of one sample")
	}
}

// A loss that is not finite is an error that says where it began.
func TestReverseLossesNameWhatIsNotFinite(t *testing.T) {
	overflow := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewPermute(2, nf.PermuteSwap, nil), nf.NewAffineConstFlow(2, nil)})
	overflow.Params()[2].Data[1] = 1000
	for _, c := range []struct {
		model  *nf.NormalizingFlow
		target nf.Target
		where  string
	}{
		{testModel(2, 0), targets.Checkerboard{}, "the log-density of the target (targets.Checkerboard)"},
		{overflow, targets.TwoModes{}, "flow 1 (*nfkit.AffineConstFlow)"},
	} {
		for name, loss := range map[string]func() (float64, error){
			"ReverseKL":           func() (float64, error) { return c.model.ReverseKL(c.target, 300, nil).Loss(nil, seedOfDraw()) },
			"ReverseKL: LossGrad": func() (float64, error) { return c.model.ReverseKL(c.target, 300, nil).LossGrad(nil, seedOfDraw()) },
			"AlphaDivergence: LossGrad": func() (float64, error) {
				return c.model.AlphaDivergence(c.target, 300, -1, nil).LossGrad(nil, seedOfDraw())
			},
		} {
			_, err := loss()
			var e *nf.NonFiniteError
			if !errors.As(err, &e) || e.Where != c.where || e.Row < 0 {
				t.Errorf("%s: got error %v, want one in %s", name, err, c.where)
			}
		}
	}
}

func TestReverseLossesRefuse(t *testing.T) {
	m := testModel(2, 0)
	for what, call := range map[string]func(){
		"got 0 points":     func() { m.ReverseKL(targets.TwoModes{}, 0, nil).Loss(nil, seedOfDraw()) },
		"got a nil target": func() { m.ReverseKL(nil, 5, nil).LossGrad(nil, seedOfDraw()) },
		"got β = -1 in step 0": func() {
			m.ReverseKL(targets.TwoModes{}, 5, &nf.ReverseKLOptions{Beta: constant(-1)}).LossGrad(nil, seedOfDraw())
		},
		"got α = 1":   func() { m.AlphaDivergence(targets.TwoModes{}, 5, 1, nil).LossGrad(nil, seedOfDraw()) },
		"got α = 0":   func() { m.AlphaDivergence(targets.TwoModes{}, 5, 0, nil).Loss(nil, seedOfDraw()) },
		"got α = NaN": func() { m.AlphaDivergence(targets.TwoModes{}, 5, math.NaN(), nil).Loss(nil, seedOfDraw()) },
		"for 5 points, want 5×1": func() {
			m.ReverseKL(nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x }), 5, nil).Loss(nil, seedOfDraw())
		},
	} {
		testkit.WantPanic(t, what, call)
	}
}
