package nfkit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Far from all data, densities of ready-made models with couplings and autoregressive layers are finite numbers: a trained one, and ones whose
// parameters are anything, in both precisions.
func TestDensitiesFarOut(t *testing.T) {
	trained := nf.NewRealNVP(2, &nf.ModelOptions{Hidden: 32}, rand.NewPCG(1, 2))
	moons := targets.TwoMoons{}
	nf.Must(nf.Fit(t.Context(), trained.NLL(nil), moons, &nf.FitOptions{Steps: 500, BatchSize: 128}, rand.NewPCG(3, 4)))
	models := map[string]*nf.NormalizingFlow{"trained": trained}
	for _, name := range []string{"NewRealNVP", "NewNICE", "NewMAF", "NewIAF", "NewNSF", "NewNSF/coupling"} {
		m := presets[name].new(2, &nf.ModelOptions{Hidden: 16}, rand.NewPCG(1, 2))
		perturb(m.State(), 0.2, rand.NewPCG(7, 8))
		models[name] = m
	}
	near := [][]float64{{10, 10}, {-10, 0}, {0, 100}}
	far := append(near, [][]float64{{1e6, -1e6}, {-1e6, 3}, {1e9, 1e9}}...)
	for name, m := range models {
		for precision, points := range map[ad.Precision][][]float64{ad.Float64: far, ad.Float32: near} {
			for _, p := range points {
				if l := m.WithPrecision(precision).LogProb(mat.NewDense(1, 2, p))[0]; math.IsNaN(l) || math.IsInf(l, 0) {
					t.Errorf("%s in %v: the log-density of %v is %v, want a finite number", name, precision, p, l)
				}
			}
		}
	}
}

// studentRows draws n rows of independent Student-t numbers with two degrees of freedom, whose variance is infinite, and as many to validate, in units of
// the standard deviation of the former.
func studentRows(n, dim int, src rand.Source) (rows, validation *mat.Dense) {
	r, x := rand.New(src), mat.NewDense(2*n, dim, nil)
	for j := range dim {
		var sum float64
		for i := range 2 * n {
			v := r.NormFloat64() / math.Sqrt(r.ExpFloat64()) // χ² with 2 degrees of freedom is twice an exponential number
			x.Set(i, j, v)
			if i < n {
				sum += v * v
			}
		}
		for i := range 2 * n {
			x.Set(i, j, x.At(i, j)/math.Sqrt(sum/float64(n)))
		}
	}
	return x.Slice(0, n, 0, dim).(*mat.Dense), x.Slice(n, 2*n, 0, dim).(*mat.Dense)
}

// With heavy tails, the loss of points that training did not see stays finite, and falls below that of the base: an outlier costs what it costs the
// base, about.
func TestHeavyTails(t *testing.T) {
	for _, name := range []string{"NewRealNVP", "NewMAF", "NewNSF"} {
		for _, dim := range []int{2, 20} {
			opts := &nf.ModelOptions{Hidden: 24}
			if name == "NewNSF" {
				opts = &nf.ModelOptions{Hidden: 8, Layers: 1}
			}
			m := presets[name].new(dim, opts, rand.NewPCG(1, 2)).WithPrecision(ad.Float32)
			rows, validation := studentRows(2000, dim, rand.NewPCG(3, 4))
			history, err := nf.Fit(t.Context(), m.NLL(nil), nf.NewRows(rows), &nf.FitOptions{
				Steps: 100, BatchSize: 256, Adam: nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 4e-3}), Validation: validation, ValidateEvery: 50}, rand.NewPCG(7, 8))
			if err != nil || slices.ContainsFunc(history.Validation, func(l float64) bool { return math.IsNaN(l) || math.IsInf(l, 0) }) {
				t.Errorf("%s in %d dimensions: validation losses %v, error %v", name, dim, history.Validation, err)
			}
			if base, best := history.Validation[0], slices.Min(history.Validation); !(best < base-0.15*float64(dim)) {
				t.Errorf("%s in %d dimensions: the lowest validation loss is %v, want it well below %v, that of the base", name, dim, best, base)
			}
			t.Logf("%s in %d dimensions: validation losses %.5g", name, dim, history.Validation)
		}
	}
}

// What keeps densities finite far out, bounded scales and clipped inputs of networks, costs nothing where the data are: held-out losses of a
// model that has neither, after the same training.
func TestBoundsCostNothing(t *testing.T) {
	plain := func(scale nf.ScaleMap, src rand.Source) *nf.NormalizingFlow {
		var flows []nf.Flow
		for k := range 6 {
			split := []nf.Split{nf.SplitChannel, nf.SplitChannelInv}[k%2]
			net := nf.NewMLP([]int{1, 32, 32, 2}, &nf.MLPOptions{InitZeros: true}, src)
			flows = append(flows, nf.NewAffineCouplingBlock(net, &nf.AffineCouplingOptions{Split: split, Scale: scale}))
		}
		return nf.NewNormalizingFlow(nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true}), flows)
	}
	target := targets.Moons{}
	held := target.Sample(10_000, rand.NewPCG(9, 9))
	loss := func(m *nf.NormalizingFlow) float64 {
		m = m.WithPrecision(ad.Float32)
		nf.Must(nf.Fit(t.Context(), m.NLL(nil), target, &nf.FitOptions{Steps: 400, BatchSize: 128, Schedule: nf.Cosine(3e-3, 20, 400)}, rand.NewPCG(5, 6)))
		return nf.Must(m.NLL(nil).Loss(held, nil))
	}
	neither, bounded := loss(plain(nf.ScaleExp, rand.NewPCG(1, 2))), loss(plain(nf.ScaleBounded, rand.NewPCG(1, 2)))
	both := loss(nf.NewRealNVP(2, &nf.ModelOptions{Layers: 6, Hidden: 32}, rand.NewPCG(1, 2)))
	t.Logf("held-out losses: %.4f with neither, %.4f with bounded scales, %.4f with both; the entropy is %.4f", neither, bounded, both, target.Entropy())
	if both > neither+0.01 || bounded > neither+0.01 {
		t.Errorf("held-out losses: %.4f with neither, %.4f with bounded scales, %.4f with both", neither, bounded, both)
	}
}

// A map onto an interval that is used the wrong way round on a base that leaves the interval has no density there: NaN, and never +Inf. As a
// density, it is 0 outside of the interval.
func TestMapsOutsideTheirDomain(t *testing.T) {
	for name, f := range map[string]nf.Flow{
		"exp": nf.NewExp(2), "softplus": nf.NewSoftplus(2), "sigmoid": nf.NewSigmoid(2, 0, 1), "logit": nf.NewLogit(2, 0.05), "tanh": nf.NewTanh(2),
		"free splines": nf.NewInvert(nf.NewElementwiseRationalQuadraticSpline(2, &nf.SplineOptions{Tail: ad.TailFree, RandomInit: true}, rand.NewPCG(1, 2))),
		"chain":        nf.NewChain(nf.NewLULinearPermute(2, nil, rand.NewPCG(1, 2)), nf.NewExp(2)),
	} {
		for direction, flow := range map[string]nf.Flow{"": f, " inverted": nf.NewInvert(f), " inverted twice": nf.NewInvert(nf.NewInvert(f))} {
			for _, precision := range []ad.Precision{ad.Float64, ad.Float32} {
				m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{flow}).WithPrecision(precision)
				_, logProb := m.SampleLogProb(200, rand.NewPCG(1, 2))
				logProb = append(logProb, m.LogProb(testkit.NormalRows(200, 2, 3))...)
				logProb = append(logProb, m.LogProb(mat.NewDense(4, 2, []float64{0, 0, 1, 1, -1, 1, 1e30, -1e30}))...)
				if slices.ContainsFunc(logProb, func(l float64) bool { return math.IsInf(l, 1) }) {
					t.Errorf("%s%s in %v: a log-density is +Inf", name, direction, precision)
				}
			}
		}
	}
	x, logProb := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), []nf.Flow{nf.NewInvert(nf.NewExp(1))}).SampleLogProb(200, rand.NewPCG(1, 2))
	outside := 0
	for i, l := range logProb {
		if math.IsNaN(l) != math.IsNaN(x.At(i, 0)) {
			t.Errorf("sample %v has log-density %v, want both NaN or none", x.At(i, 0), l)
		}
		if math.IsNaN(l) {
			outside++
		}
	}
	if outside < 60 || outside > 140 {
		t.Errorf("%d of 200 logarithms of normal numbers are NaN, want about half", outside)
	}
}

// A standardized model has the density of the data in their units: that of the model of scaled data, less the logarithm of the scales. It is
// saved with the model, and training leaves it alone.
func TestStandardize(t *testing.T) {
	x := testkit.NormalRows(500, 3, 1)
	scale, shift := []float64{1e6, 1e-4, 3}, []float64{-2e7, 5, 0}
	x.Apply(func(_, j int, v float64) float64 { return v*scale[j] + shift[j] }, x)
	for name, p := range presets {
		opts := *small(name)
		plain := p.new(3, &opts, rand.NewPCG(1, 2))
		opts.Standardize = x
		m := p.new(3, &opts, rand.NewPCG(1, 2))
		standard := m.Flows()[len(m.Flows())-1].(*nf.AffineConstFlow)
		before, scales := nf.StateText(standard.State()), standard.State().Params()
		s, shifts := slices.Clone(scales[0].Data), slices.Clone(scales[1].Data)
		perturb(plain.State(), 0.1, rand.NewPCG(7, 8))
		perturb(m.State(), 0.1, rand.NewPCG(7, 8)) // with the same numbers, as those of the scales are the last ones
		copy(scales[0].Data, s)
		copy(scales[1].Data, shifts)
		z, logDet := nf.NewNormalizingFlow(nf.NewDiagGaussian(3, nil), []nf.Flow{standard}).Inverse(x)
		for j := range 3 {
			c := mat.Col(nil, j, z)
			var mean, square float64
			for _, v := range c {
				mean += v / 500
				square += v * v / 499
			}
			if math.Abs(mean) > 1e-9 || math.Abs(square-1) > 1e-6 { // rounding relative to the shift
				t.Errorf("%s: the standardized column %d has mean %v and mean square %v, want 0 and 1", name, j, mean, square)
			}
		}
		want := plain.LogProb(z)
		for i := range want {
			want[i] += logDet[i]
		}
		compareSlices(t, name, m.LogProb(x), want, 1e-9)
		if _, err := m.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		nf.NewAdam(m.Params(), nil).Step()
		if got := nf.StateText(standard.State()); got != before {
			t.Errorf("%s: a training step changes the scale to %s", name, got)
		}
		path := filepath.Join(t.TempDir(), "model.safetensors")
		nf.Check(nf.Save(path, m))
		opts.Standardize = &mat.Dense{}
		loaded := p.new(3, &opts, rand.NewPCG(9, 9))
		nf.Check(nf.Load(path, loaded))
		if !slices.Equal(loaded.LogProb(x), m.LogProb(x)) {
			t.Errorf("%s: the loaded model has other densities", name)
		}
	}
	fixed := mat.DenseCopyOf(x)
	for i := range 500 {
		fixed.Set(i, 1, 7)
	}
	huge := mat.DenseCopyOf(x)
	huge.Set(3, 2, 1e200)
	infinite := mat.DenseCopyOf(x)
	infinite.Set(3, 0, math.Inf(1))
	for want, x := range map[string]mat.Matrix{
		"column 1 of the matrix to standardize by is 7 in all 500 rows": fixed,
		"column 2 of the matrix to standardize by has mean 2e+197":      huge,
		"column 0 of the matrix to standardize by has mean +Inf":        infinite,
		"got a 1×3 matrix to standardize by":                            x.Slice(0, 1, 0, 3),
		"got a 500×2 matrix to standardize by":                          x.Slice(0, 500, 0, 2),
	} {
		testkit.WantPanic(t, want, func() { nf.NewMAF(3, &nf.ModelOptions{Standardize: x}, rand.NewPCG(1, 2)) })
	}
	testkit.WantPanic(t, "NewStandardization: got a nil matrix", func() { nf.NewStandardization(nil) })
}

// A density that is below the smallest number is −Inf, also where layers overflow on the way, in one component after the other too. What is NaN for
// another reason stays NaN.
func TestDensitiesThatUnderflow(t *testing.T) {
	for name, p := range presets {
		if name == "NewResidualFlow" { // its density is a series, which has its own limits
			continue
		}
		m := p.new(5, small(name), rand.NewPCG(1, 2))
		perturb(m.State(), 0.3, rand.NewPCG(7, 8))
		for precision, sizes := range map[ad.Precision][]float64{ad.Float64: {1e300, -1e308, 1e160}, ad.Float32: {1e30, -1e38, 1e300}} {
			for _, size := range sizes {
				for j := range 5 {
					x := testkit.NormalRows(3, 5, 1)
					want := m.WithPrecision(precision).LogProb(x)
					x.Set(1, j, size)
					got := m.WithPrecision(precision).LogProb(x)
					if !math.IsInf(got[1], -1) || got[0] != want[0] || got[2] != want[2] {
						t.Errorf("%s in %v with %v in column %d: log-densities %v, want −Inf between %v and %v", name, precision, size, j, got, want[0], want[2])
					}
				}
			}
		}
		x := testkit.NormalRows(2, 5, 1)
		x.Set(1, 2, math.NaN())
		if got := m.LogProb(x); math.IsNaN(got[0]) || !math.IsNaN(got[1]) {
			t.Errorf("%s: log-densities %v, want NaN for the point with NaN alone", name, got)
		}
		x.Set(1, 2, 1e300)
		last := m.Params()[len(m.Params())-1]
		last.Data[0] = math.NaN()
		last.Changed()
		if got := m.LogProb(x); !math.IsNaN(got[0]) || !math.IsNaN(got[1]) {
			t.Errorf("%s with NaN for a parameter: log-densities %v, want NaN", name, got)
		}
	}
}

// The memory of solves one component after the other grows as rows times dimension, not as its square: networks' outputs are not kept.
func TestMemoryOfSolves(t *testing.T) {
	allocated := func(m *nf.NormalizingFlow, solve func(m *nf.NormalizingFlow)) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		solve(m)
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	sample := func(m *nf.NormalizingFlow) { m.Sample(256, rand.NewPCG(1, 2)) }
	density := func(m *nf.NormalizingFlow) { m.LogProb(mat.NewDense(256, m.Dim(), nil)) }
	for name, solve := range map[string]func(m *nf.NormalizingFlow){"NewMAF": sample, "NewNSF": sample, "NewIAF": density} {
		model := func(dim int) *nf.NormalizingFlow {
			return presets[name].new(dim, &nf.ModelOptions{Layers: 1, Hidden: 16}, rand.NewPCG(1, 2))
		}
		few, many := allocated(model(24), solve), allocated(model(96), solve)
		if many > 8*few { // 4 times the numbers; blocks of memory are rounded up
			t.Errorf("%s: 24 components take %v bytes, 96 take %v", name, few, many)
		}
	}
}

// selfish is a target that evaluates the model that is being trained.
type selfish struct{ model *nf.NormalizingFlow }

func (s selfish) LogDensity(x *ad.Value) *ad.Value {
	n, _ := x.Dims()
	return x.Square().RowSum().Scale(-0.5).Add(x.Tape().Const(n, 1, s.model.LogProb(x.Matrix())))
}

// A loss or a target may evaluate the model being trained, and draw from it, while others train it and evaluate it: also where layers first
// observe the batch, or do so in each step.
func TestObjectivesThatEvaluateTheModel(t *testing.T) {
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{
		nf.NewActNorm(2), newCoupling(nf.ScaleBounded, nf.SplitChannel, 2, 0, rand.NewPCG(1, 2)), nf.NewInvert(nf.NewBatchNorm(2, nil))})
	target := selfish{m}
	nested := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value {
		m.ImportanceSample(target, 64, rand.NewPCG(3, 4))
		return target.LogDensity(x)
	})
	own := nf.NewObjective(m.State(), 2, func(x *ad.Value) *ad.Value {
		z, logDet := x, x.Tape().Full(x.Rows(), 1, 0)
		for _, f := range slices.Backward(m.Flows()) {
			var l *ad.Value
			z, l = f.Inverse(z, nil)
			logDet = logDet.Add(l)
		}
		if l := m.LogProb(x.Matrix()); len(l) != x.Rows() {
			t.Errorf("got %d log-densities of %d rows", len(l), x.Rows())
		}
		m.Sample(10, rand.NewPCG(5, 6))
		m.Clone()
		return nested(z, nil).Add(logDet).Neg()
	})
	rows := testkit.NormalRows(300, 2, 1)
	done := make(chan error)
	work := []func() error{
		func() error {
			_, err := nf.Fit(t.Context(), own, nf.NewRows(rows), &nf.FitOptions{Steps: 20, BatchSize: 100}, rand.NewPCG(1, 2))
			return err
		},
		func() error {
			_, err := nf.Fit(t.Context(), m.ReverseKL(nested, 300, nil), nil, &nf.FitOptions{Steps: 20}, rand.NewPCG(1, 2))
			return err
		},
		func() error {
			adam := nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 1e-6})
			for range 100 {
				adam.Step()
			}
			return nil
		},
		func() error {
			for range 20 {
				m.ImportanceSample(nested, 300, rand.NewPCG(3, 4))
			}
			return nil
		},
		func() error {
			for range 100 {
				m.LogProb(rows)
			}
			return nil
		},
	}
	for _, f := range work {
		go func() { done <- f() }()
	}
	for range work {
		if err := <-done; err != nil { // never comes, if they wait for each other
			t.Error(err)
		}
	}
}

// Several points for each row of a context are rows side by side of the result.
func TestRepeatRows(t *testing.T) {
	m := testModel(2, 3)
	context := testkit.NormalRows(4, 3, 5)
	x := m.Given(nf.RepeatRows(context, 5)).Sample(20, rand.NewPCG(1, 2))
	logProb := m.Given(nf.RepeatRows(context, 5)).LogProb(x)
	for i := range 4 {
		one := m.Given(context.Slice(i, i+1, 0, 3)).LogProb(x.Slice(5*i, 5*i+5, 0, 2))
		compareSlices(t, fmt.Sprintf("the points of context %d", i), one, logProb[5*i:5*i+5], 0)
	}
	testkit.WantPanic(t, "got a context of 4 rows for 20 points, want 1 or 20; for 5 points of each row, give RepeatRows(context, 5)", func() {
		m.Given(context).Sample(20, rand.NewPCG(1, 2))
	})
	testkit.WantPanic(t, "RepeatRows: got 0 copies of the rows of a 4×3 matrix", func() { nf.RepeatRows(context, 0) })
	if r, c := nf.RepeatRows(&mat.Dense{}, 3).Dims(); r != 0 || c != 0 {
		t.Errorf("no rows, repeated, are %d×%d", r, c)
	}
}

// What is nil is said by name.
func TestNilArguments(t *testing.T) {
	src := rand.NewPCG(1, 2)
	m, conditional := testModel(2, 0), testModel(2, 3)
	var none *mat.Dense
	target := targets.TwoModes{}
	for _, c := range []struct {
		want string
		call func()
	}{
		{"LogProb: got a nil matrix", func() { m.LogProb(nil) }},
		{"LogProb: got a nil matrix", func() { m.LogProb(none) }},
		{"Forward: got a nil matrix", func() { m.Forward(nil) }},
		{"Inverse: got a nil matrix", func() { m.Inverse(none) }},
		{"Given: got a nil context", func() { conditional.Given(nil) }},
		{"Given: got a nil context", func() { conditional.Given(none) }},
		{"NewRows: got a nil matrix", func() { nf.NewRows(nil) }},
		{"JoinColumns: got a nil part 1", func() { nf.JoinColumns(mat.NewDense(1, 1, nil), nil) }},
		{"Rows.Sample: got a nil source", func() { nf.NewRows(mat.NewDense(1, 1, nil)).Sample(1, nil) }},
		{"Sample: got a nil source", func() { m.Sample(3, nil) }},
		{"ImportanceSample: got a nil source", func() { m.ImportanceSample(target, 3, nil) }},
		{"ImportanceSample: got a nil target", func() { m.ImportanceSample(nil, 3, src) }},
		{"ReverseKL: got a nil target", func() { m.ReverseKL(nil, 3, nil) }},
		{"NLL: LossGrad: got nil rows", func() { m.NLL(nil).LossGrad(nil, src) }},
		{"NLL: Loss: got nil rows", func() { m.NLL(nil).Loss(nil, nil) }},
		{"NLL: LossGrad: got nil rows", func() { m.NLL(nil).LossGrad(none, src) }},
		{"NLL: LossGrad: got a nil source", func() { m.NLL(nil).LossGrad(testkit.NormalRows(3, 2, 1), nil) }},
		{"Fit: got a nil context", func() { nf.Fit(nil, m.NLL(nil), target, nil, src) }}, //lint:ignore SA1012 this is what is tested
		{"Fit: got a nil objective", func() { nf.Fit(t.Context(), nil, target, nil, src) }},
		{"Fit: got nil data", func() { nf.Fit(t.Context(), m.NLL(nil), nil, nil, src) }},
		{"Fit: got a nil source", func() { nf.Fit(t.Context(), m.NLL(nil), target, nil, nil) }},
		{"NewNormalizingFlow: got a nil base", func() { nf.NewNormalizingFlow(nil, nil) }},
		{"flow 0 is nil", func() { nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nil}) }},
		{"NewMLP: got a nil source", func() { nf.NewMLP([]int{1, 2}, nil, nil) }},
		{"NewMADE: got a nil source", func() { nf.NewMADE(2, 2, 3, nil, nil) }},
		{"NewResidualNet: got a nil source", func() { nf.NewResidualNet(2, 2, 3, nil, nil) }},
		{"NewLipschitzMLP: got a nil source", func() { nf.NewLipschitzMLP([]int{2, 3, 2}, nil, nil) }},
		{"NewLULinearPermute: got a nil source", func() { nf.NewLULinearPermute(2, nil, nil) }},
		{"NewPermute: got a nil source", func() { nf.NewPermute(3, nf.PermuteShuffle, nil) }},
		{"NewPlanar: got a nil source", func() { nf.NewPlanar(2, nil, nil) }},
		{"NewRadial: got a nil source", func() { nf.NewRadial(2, nil) }},
		{"NewInvertibleAffine: got a nil source", func() { nf.NewInvertibleAffine(2, nil, nil) }},
		{"NewGaussianMixture: got a nil source", func() { nf.NewGaussianMixture(2, 2, nil, nil) }},
		{"NewGaussianPCA: got a nil source", func() { nf.NewGaussianPCA(2, nil, nil) }},
	} {
		if got := testkit.Panic(c.call); !strings.Contains(got, c.want) {
			t.Errorf("got panic %.200q, want %q", got, c.want)
		}
	}
	for name, p := range presets {
		testkit.WantPanic(t, strings.Split(name, "/")[0]+": got a nil source", func() { p.new(2, nil, nil) })
	}
}
