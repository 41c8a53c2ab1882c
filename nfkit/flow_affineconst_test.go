package nfkit_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func affineConstCase(o nf.AffineConstOptions) flowCase {
	return flowCase{new: func(dim, context int, _ rand.Source) nf.Flow {
		return unconditional(context, nf.NewAffineConstFlow(dim, &o))
	}}
}

func actNormCase() flowCase {
	return flowCase{new: func(dim, context int, _ rand.Source) nf.Flow { return unconditional(context, nf.NewActNorm(dim)) }}
}

// A frozen part does nothing: its gradient is 0, as [nftest] sees, and the other part is all there is.
func TestAffineConstParts(t *testing.T) {
	for name, o := range map[string]nf.AffineConstOptions{"s": {NoScale: true}, "t": {NoShift: true}} {
		for _, s := range nf.NewAffineConstFlow(3, &o).State() {
			if s.Param.Frozen != (s.Name == name) {
				t.Errorf("without %s: %s is frozen: %v", name, s.Name, s.Param.Frozen)
			}
		}
	}
}

// normed is a batch and what [nf.ActNorm] makes of it in normflows.
var normed = mat.NewDense(3, 2, []float64{1, 2, 3, 5, 5, 11})

// stateOf returns the numbers of a parameter or buffer, which are its memory; nil if there is none of that name.
func stateOf(f nf.Stateful, name string) []float64 {
	for _, s := range f.State() {
		if s.Name == name {
			if s.Param != nil {
				return s.Param.Data
			}
			return s.Floats
		}
	}
	return nil
}

func paramData(s nf.Tensor) []float64 {
	if s.Param == nil {
		return nil
	}
	return s.Param.Data
}

// observe shows a flow a training batch.
func observe(f nf.Flow, x *mat.Dense, inverse bool) error {
	t := ad.NewEvalTape(ad.Float64)
	t.BeginObserving()
	if inverse {
		f.Inverse(t.Matrix(x), nil)
	} else {
		f.Forward(t.Matrix(x), nil)
	}
	return t.EndObserving()
}

// The numbers are those of normflows. Forward after a first batch of Inverse, and the other way round, use what it set.
func TestActNormGolden(t *testing.T) {
	for _, inverse := range []bool{false, true} {
		a := nf.NewActNorm(2)
		if err := observe(a, normed, inverse); err != nil {
			t.Fatal(err)
		}
		s, shift := []float64{-0.6931476805598203, -1.522261437079578}, []float64{-1.499999250000375, -1.3093070557017308}
		if inverse {
			s, shift = []float64{0.6931476805598203, 1.522261437079578}, []float64{3, 6}
		}
		for name, want := range map[string][]float64{"s": s, "t": shift, "data_dep_init_done": {1}} {
			if err := near(name, stateOf(a, name), want, 1e-15, 1e-15); err != nil {
				t.Errorf("inverse %v: %v", inverse, err)
			}
		}
		direction := a.Forward
		if inverse {
			direction = a.Inverse
		}
		y, logDet := direction(ad.NewEvalTape(ad.Float64).Matrix(normed), nil)
		if err := near("the log-determinant", logDet.Data(), slices.Repeat([]float64{-2.2154091176393984}, 3), 1e-15, 0); err != nil {
			t.Errorf("inverse %v: %v", inverse, err)
		}
		for j := range 2 {
			column := mat.Col(nil, j, y.Matrix())
			var mean, square float64
			for _, v := range column {
				mean, square = mean+v/3, square+v*v/2
			}
			if math.Abs(mean) > 1e-12 || math.Abs(square-1) > 2e-6 { // 10⁻⁶ is added to standard deviations
				t.Errorf("inverse %v: column %d has mean %v and variance %v, want 0 and 1", inverse, j, mean, square)
			}
		}
		if a.Observing() {
			t.Errorf("inverse %v: the flow still observes after its first batch", inverse)
		}
	}
}

func actNormModel() *nf.NormalizingFlow {
	src := rand.NewPCG(1, 2)
	return nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{
		nf.NewActNorm(2), nf.NewLULinearPermute(2, &nf.LULinearPermuteOptions{RandomInit: true}, src), nf.NewInvert(nf.NewActNorm(2)), nf.NewPlanar(2, nil, src)})
}

func actNormBatch(n int, seed uint64) *mat.Dense {
	x, r := mat.NewDense(n, 2, nil), rand.New(rand.NewPCG(seed, 3))
	x.Apply(func(_, j int, _ float64) float64 { return float64(5*j) + float64(1+3*j)*r.NormFloat64() }, x)
	return x
}

// Evaluation and sampling set nothing; the first training batch sets each layer so that what leaves it is standardised;
// later ones, and those after a save and a load, set nothing.
func TestActNormInModel(t *testing.T) {
	m, x := actNormModel(), actNormBatch(300, 1)
	before := nf.StateText(m.State())
	m.LogProb(x)
	m.Sample(10, rand.NewPCG(1, 2))
	if _, err := m.NLL(nil).Loss(x, nil); err != nil {
		t.Fatal(err)
	}
	if nf.StateText(m.State()) != before {
		t.Fatal("an evaluation has changed the state")
	}
	if _, err := m.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	v := ad.NewEvalTape(ad.Float64).Matrix(x)
	for k := 3; k >= 0; k-- {
		f := m.Flows()[k]
		v, _ = f.Inverse(v, nil)
		if k%2 == 1 {
			continue
		}
		for j := range 2 {
			mean, std := stat.MeanStdDev(mat.Col(nil, j, v.Matrix()), nil)
			if math.Abs(mean) > 1e-12 || math.Abs(std-1) > 1e-5 {
				t.Errorf("after flow %d, column %d has mean %v and standard deviation %v, want 0 and 1", k, j, mean, std)
			}
		}
	}

	after := nf.StateText(m.State())
	if after == before {
		t.Fatal("the first batch has changed nothing")
	}
	if _, err := m.NLL(nil).LossGrad(actNormBatch(100, 2), rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	if nf.StateText(m.State()) != after {
		t.Error("the second batch has changed the state")
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := nf.Save(path, m); err != nil {
		t.Fatal(err)
	}
	loaded := actNormModel()
	if err := nf.Load(path, loaded); err != nil {
		t.Fatal(err)
	}
	if _, err := loaded.NLL(nil).LossGrad(actNormBatch(100, 3), rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	if nf.StateText(loaded.State()) != after {
		t.Error("a batch after loading has changed the state")
	}
}

// A batch that has no standard deviation is refused, and the next one sets the layer.
func TestActNormRefusesBatches(t *testing.T) {
	for want, x := range map[string]*mat.Dense{
		"ActNorm: the training batch has 1 row":                          actNormBatch(1, 1),
		"ActNorm: component 1 of the training batch is 0.1 in all 3 row": mat.NewDense(3, 2, []float64{1, 0.1, 2, 0.1, 3, 0.1}),
		"ActNorm: component 0 of the training batch is 1e+20 in all 3":   mat.NewDense(3, 2, []float64{1e20, 1, 1e20, 2, 1e20, 3}),
		"what ActNorm observes, component 1, with mean NaN":              mat.NewDense(3, 2, []float64{1, 1, 2, math.NaN(), 3, 4}),
		"what ActNorm observes, component 0, with mean +Inf":             mat.NewDense(3, 2, []float64{1, 1, math.Inf(1), 2, 3, 4}),
	} {
		for _, inverse := range []bool{false, true} {
			a := nf.NewActNorm(2)
			before := nf.StateText(a.State())
			if err := observe(a, x, inverse); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want one with %q", err, want)
			}
			if nf.StateText(a.State()) != before || !a.Observing() {
				t.Errorf("after %q the state has changed", want)
			}
			if err := observe(a, normed, inverse); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAffineConstMisuse(t *testing.T) {
	testkit.WantPanic(t, "nfkit: NewAffineConstFlow: got dimension 0, want 1 or more", func() { nf.NewAffineConstFlow(0, nil) })
	testkit.WantPanic(t, "nfkit: NewActNorm: got dimension -1, want 1 or more", func() { nf.NewActNorm(-1) })
	testkit.WantPanic(t, "got a 1×3 batch, want 2 columns", func() { nf.NewActNorm(2).Inverse(ad.NewTape(ad.Float64).Full(1, 3, 0), nil) })
}
