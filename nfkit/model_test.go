package nfkit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// testModel is a small model of couplings and LU permutations with random parameters.
func testModel(dim, context int) *nf.NormalizingFlow {
	src := rand.NewPCG(5, 6)
	var flows []nf.Flow
	for _, split := range []nf.Split{nf.SplitChannel, nf.SplitCheckerboardInv} {
		flows = append(flows, newCoupling(nf.ScaleExp, split, dim, context, src), nf.NewLULinearPermute(dim, nil, src))
	}
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(dim, nil), flows)
	perturb(m.State(), 0.15, rand.NewPCG(7, 8))
	return m
}

// The density of a model with random parameters integrates to 1, and is that of its samples.
func TestModelDensity(t *testing.T) {
	for name, m := range map[string]*nf.NormalizingFlow{
		"couplings":      testModel(2, 0),
		"with a context": testModel(2, 3).Given(testkit.NormalRows(1, 3, 9)),
		"no flows":       nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil),
		"one dimension": nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil),
			[]nf.Flow{nf.NewLULinearPermute(1, &nf.LULinearPermuteOptions{RandomInit: true}, rand.NewPCG(1, 2))}),
	} {
		if err := nftest.Density(m, nil, rand.NewPCG(3, 4)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a model's methods say of the same points agrees.
func TestModelMethodsAgree(t *testing.T) {
	m := testModel(3, 2)
	const n = 150
	g := m.Given(testkit.NormalRows(n, 2, 1))
	x, logProb := g.SampleLogProb(n, rand.NewPCG(1, 2))
	compareSlices(t, "LogProb of samples", g.LogProb(x), logProb, 1e-9)
	if !mat.Equal(g.Sample(n, rand.NewPCG(1, 2)), x) {
		t.Error("Sample and SampleLogProb draw different points from the same source")
	}
	z, logDet := g.Inverse(x)
	back, logBack := g.Forward(z)
	if !mat.EqualApprox(back, x, 1e-9) {
		t.Error("Forward does not undo Inverse")
	}
	for i := range n {
		logBack[i] *= -1
	}
	compareSlices(t, "log-determinants", logBack, logDet, 1e-9)

	nll, err := g.NLL(nil).Loss(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, l := range logProb {
		sum -= l / n
	}
	compareSlices(t, "NLL", []float64{nll}, []float64{sum}, 1e-9)
	withGrad, err := g.NLL(nil).LossGrad(x, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	compareSlices(t, "the loss of LossGrad", []float64{withGrad}, []float64{nll}, 1e-12)

	one := m.Given(testkit.NormalRows(1, 2, 1)) // one row of context is as good as n equal ones
	rows := mat.NewDense(n, 2, nil)
	for i := range n {
		rows.SetRow(i, testkit.NormalRows(1, 2, 1).RawRowView(0))
	}
	if !slices.Equal(one.LogProb(x), m.Given(rows).LogProb(x)) {
		t.Error("one row of context for all points gives another density than the same row for each")
	}
	u := testModel(3, 0)
	point := u.Distribution(rand.NewPCG(1, 2)).Rand(nil)
	compareSlices(t, "Distribution.Rand", u.Distribution(rand.NewPCG(1, 2)).Rand(make([]float64, 3)), point, 0)
	compareSlices(t, "Distribution.LogProb", []float64{u.Distribution(nil).LogProb(point)}, u.LogProb(mat.NewDense(1, 3, point)), 0)
	if !mat.Equal(x, mat.DenseCopyOf(x)) {
		t.Error("a method changes its argument")
	}
}

func compareSlices(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if err := near(what, got, want, tol, tol); err != nil {
		t.Error(err)
	}
}

// A batch that is part of a larger matrix, transposed, or of another type gives the same bytes.
func TestModelTakesAnyMatrix(t *testing.T) {
	m, x := testModel(3, 0), testkit.NormalRows(100, 3, 2)
	want := m.LogProb(x)
	large := mat.NewDense(120, 5, nil)
	large.Slice(7, 107, 1, 4).(*mat.Dense).Copy(x)
	for name, y := range map[string]mat.Matrix{
		"a part":     large.Slice(7, 107, 1, 4),
		"transposed": mat.DenseCopyOf(x.T()).T(),
	} {
		if !slices.Equal(m.LogProb(y), want) {
			t.Errorf("%s: the density is another", name)
		}
		a, err1 := m.NLL(nil).LossGrad(y, rand.NewPCG(1, 2))
		b, err2 := m.NLL(nil).LossGrad(x, rand.NewPCG(1, 2))
		if a != b || err1 != nil || err2 != nil {
			t.Errorf("%s: the loss is %v, want %v (%v, %v)", name, a, b, err1, err2)
		}
	}
}

// The gradient of the mean negative log-likelihood against central differences, for every parameter along random
// directions.
func TestNLLGradient(t *testing.T) {
	m := testModel(3, 2).Given(testkit.NormalRows(90, 2, 1))
	x, r := testkit.NormalRows(90, 3, 2), rand.New(rand.NewPCG(3, 4))
	if _, err := m.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	for i, p := range m.Params() {
		at, u, got := slices.Clone(p.Data), make([]float64, len(p.Data)), 0.0
		for j := range u {
			u[j] = r.NormFloat64() / float64(len(u))
			got += u[j] * p.Grad[j]
		}
		want := fd.Derivative(func(h float64) float64 {
			for j := range u {
				p.Data[j] = at[j] + h*u[j]
			}
			loss, err := m.NLL(nil).Loss(x, nil)
			if err != nil {
				t.Fatal(err)
			}
			return loss
		}, 0, &fd.Settings{Formula: fd.Central, Step: 1e-5})
		copy(p.Data, at)
		if math.Abs(got-want) > 1e-8 {
			t.Errorf("parameter %d: got derivative %v, want %v", i, got, want)
		}
	}
}

// Results and training steps have the same bytes for any number of cores.
func TestModelIsDeterministic(t *testing.T) {
	for _, p := range precisions {
		var want []float64
		testkit.OnCores(func(cores int) {
			m := testModel(2, 0).WithPrecision(p)
			adam, x := nf.NewAdam(m.Params(), nil), testkit.NormalRows(500, 2, 3)
			var got []float64
			for range 5 {
				loss, err := m.NLL(nil).LossGrad(x, rand.NewPCG(1, 2))
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, loss)
				adam.Step()
			}
			for _, q := range m.Params() {
				got = append(got, q.Data...)
			}
			y, logProb := m.SampleLogProb(300, rand.NewPCG(1, 2))
			got = append(append(got, y.RawMatrix().Data...), logProb...)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v: %d cores give other bytes than one", p, cores)
			}
		})
	}
}

// Goroutines may share a model.
func TestModelIsSafe(t *testing.T) {
	m, x := testModel(2, 0), testkit.NormalRows(200, 2, 3)
	want := m.LogProb(x)
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			if i%2 == 0 && !slices.Equal(m.LogProb(x), want) {
				t.Error("another goroutine changes the density")
			}
			if _, err := m.WithPrecision(ad.Float32).NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err != nil {
				t.Error(err)
			}
			m.Sample(100, rand.NewPCG(uint64(i), 1))
		})
	}
	wait.Wait()
}

// A training step on a batch of a size that has been seen allocates nothing.
func TestTrainingStepAllocations(t *testing.T) {
	for _, p := range precisions {
		m := tutorialModel(rand.NewPCG(1, 2)).WithPrecision(p)
		adam, x := nf.NewAdam(m.Params(), nil), tutorialRows(512, rand.NewPCG(3, 4))
		likelihood, src := m.NLL(nil), rand.NewPCG(1, 2)
		step := func() {
			if _, err := likelihood.LossGrad(x, src); err != nil {
				t.Fatal(err)
			}
			adam.Step()
		}
		for range 5 {
			step()
		}
		if n := testing.AllocsPerRun(10, step); n >= 1 {
			t.Errorf("%v: a step allocates %v times, want 0", p, n)
		}
	}
}

// Data that a model cannot use is an error that says where and what.
func TestDataMistakes(t *testing.T) {
	m := testModel(2, 0)
	for name, c := range map[string]struct {
		x    *mat.Dense
		want string
		row  int
	}{
		"NaN":       {with(testkit.NormalRows(100, 2, 1), 70, 1, math.NaN()), "the loss is NaN: it begins in column 1 of the data, which is NaN, row 70 of the batch", 70},
		"infinite":  {with(testkit.NormalRows(100, 2, 1), 3, 0, math.Inf(1)), "it begins in column 0 of the data, which is +Inf, row 3 of the batch", 3},
		"too large": {with(testkit.NormalRows(100, 2, 1), 99, 0, 1e300), "row 99 of the batch", 99},
	} {
		before := allNumbers(m)
		for method, f := range map[string]func(x mat.Matrix, src rand.Source) (float64, error){"Loss": m.NLL(nil).Loss, "LossGrad": m.NLL(nil).LossGrad} {
			loss, err := f(c.x, rand.NewPCG(1, 2))
			e, ok := err.(*nf.NonFiniteError)
			if !ok || !strings.Contains(err.Error(), c.want) || e.Row != c.row || !math.IsNaN(loss) && !math.IsInf(loss, 0) {
				t.Errorf("%s: %s: got %v, %v, want a NonFiniteError with %q", name, method, loss, err, c.want)
			}
		}
		if !slices.Equal(before, allNumbers(m)) {
			t.Errorf("%s: the parameters have changed", name)
		}
	}
	for method, f := range map[string]func(x mat.Matrix, src rand.Source) (float64, error){"Loss": m.NLL(nil).Loss, "LossGrad": m.NLL(nil).LossGrad} {
		loss, err := f(&mat.Dense{}, rand.NewPCG(1, 2))
		if err == nil || !strings.Contains(err.Error(), "NormalizingFlow.NLL: "+method+": the batch has no rows; it needs at least one") || !math.IsNaN(loss) {
			t.Errorf("%s of an empty batch: got %v, %v", method, loss, err)
		}
	}
	for i, l := range m.LogProb(with(testkit.NormalRows(100, 2, 1), 70, 1, math.NaN())) {
		if math.IsNaN(l) != (i == 70) {
			t.Errorf("row %d of a batch with NaN in row 70 has log-density %v", i, l)
		}
	}
}

func with(x *mat.Dense, i, j int, value float64) *mat.Dense {
	x.Set(i, j, value)
	return x
}

// Data that are infinite, be it in float32 alone, have density 0, in every model.
func TestOverflowOfFloat32(t *testing.T) {
	for name, p := range presets {
		m := p.new(2, small(name), rand.NewPCG(1, 2)).WithPrecision(ad.Float32)
		x := mat.NewDense(3, 2, []float64{1e300, 1, math.Inf(1), 1, 1, 1})
		got := m.LogProb(x)
		if !math.IsInf(got[0], -1) || !math.IsInf(got[1], -1) || math.IsNaN(got[2]) {
			t.Errorf("%s: the log-densities of %v are %v, want −Inf, −Inf for infinite data as well, and a number", name, x.RawMatrix().Data, got)
		}
		_, err := m.NLL(nil).Loss(x.Slice(0, 1, 0, 2), nil)
		if err == nil || !strings.Contains(err.Error(), "the data, which are too large for float32, row 0") {
			t.Errorf("%s: got error %v, want one that names the data", name, err)
		}
	}
}

// A layer that overflows is named, and so is one with a parameter that is NaN.
func TestOverflowIsNamed(t *testing.T) {
	src := rand.NewPCG(1, 2)
	bad := newCoupling(nf.ScaleExp, nf.SplitChannel, 2, 0, src)
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{
		nf.NewLULinearPermute(2, nil, src), bad, nf.NewLULinearPermute(2, nil, src)})
	x := testkit.NormalRows(100, 2, 1)
	if _, err := m.NLL(nil).Loss(x, nil); err != nil {
		t.Fatal(err)
	}
	bias := bad.State().Params()[5]
	for _, c := range []struct {
		value float64
		want  string
	}{
		{-1e4, "it begins in the inverse of flow 1 (*nfkit.Coupling), row 0 of the batch"}, // e^10000
		{math.NaN(), "it begins in the inverse of flow 1 (*nfkit.Coupling), row 0 of the batch"},
	} {
		bias.Data[1] = c.value
		if _, err := m.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("a bias of %v gives %v, want an error with %q", c.value, err, c.want)
		}
	}
}

// spoil changes what the Inverse of a flow returns, by the first component of each row.
type spoil func(z, logDet, first *ad.Value) (*ad.Value, *ad.Value)

// hole is a flow that is spoiled where the first component is negative; nothing overflows there.
type hole struct {
	*nf.AffineConstFlow
	spoil spoil
}

func (h hole) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	z, logDet = h.AffineConstFlow.Inverse(x, context)
	return h.spoil(z, logDet, x.Slice(0, 1))
}

// NaN that is no overflow of a latent point stays NaN, whether it begins in a point or in a log-determinant.
func TestNaNIsNotHidden(t *testing.T) {
	infinite := func(sign int) spoil {
		return func(z, logDet, first *ad.Value) (*ad.Value, *ad.Value) {
			return z, first.Where(logDet, first.Tape().Full(1, 1, math.Inf(sign)))
		}
	}
	for name, spoils := range map[string][]spoil{
		"point": {func(z, logDet, first *ad.Value) (*ad.Value, *ad.Value) { return z.Add(first.Sqrt().Scale(0)), logDet }},
		"log-determinant": {func(z, logDet, first *ad.Value) (*ad.Value, *ad.Value) {
			return z, logDet.Add(first.Sqrt().Scale(0))
		}},
		"infinite log-determinants": {infinite(1), infinite(-1)}, // their sum is NaN
	} {
		var flows []nf.Flow
		for _, s := range spoils {
			flows = append(flows, hole{nf.NewAffineConstFlow(2, nil), s})
		}
		m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), flows)
		for i, l := range m.LogProb(mat.NewDense(2, 2, []float64{-1, 0, 1, 0})) {
			if math.IsNaN(l) != (i == 0) {
				t.Errorf("%s: row %d has log-density %v, want NaN in row 0 alone", name, i, l)
			}
		}
	}
}
