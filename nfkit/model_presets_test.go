package nfkit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// preset is a ready-made model.
type preset struct {
	new   func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow
	least int // dimension
}

func nsf(coupling bool) func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
	return func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		n := &nf.NSFOptions{Coupling: coupling}
		if opts != nil {
			n.ModelOptions = *opts
		}
		return nf.NewNSF(dim, n, src)
	}
}

var presets = map[string]preset{
	"NewRealNVP":      {nf.NewRealNVP, 2},
	"NewNICE":         {nf.NewNICE, 2},
	"NewMAF":          {nf.NewMAF, 1},
	"NewIAF":          {nf.NewIAF, 1},
	"NewNSF":          {nsf(false), 1},
	"NewNSF/coupling": {nsf(true), 2},
	"NewPlanarFlow":   {nf.NewPlanarFlow, 1},
	"NewResidualFlow": {nf.NewResidualFlow, 1},
}

// Every ready-made model takes any dimension, with and without a context; its samples have the density that it says,
// each component can be changed by training and, if there is a context, depends on it.
func TestPresets(t *testing.T) {
	for name, p := range presets {
		for dim := 1; dim <= 5; dim++ {
			for _, context := range []int{0, 2} {
				t.Run(fmt.Sprintf("%s/%d/%d", name, dim, context), func(t *testing.T) {
					opts := &nf.ModelOptions{Layers: 3, Context: context, Hidden: 12, Depth: 1}
					if name == "NewPlanarFlow" && context == 0 {
						opts.Hidden, opts.Depth = 0, 0
					}
					build := func() *nf.NormalizingFlow { return p.new(dim, opts, rand.NewPCG(1, 2)) }
					if dim < p.least {
						testkit.WantPanic(t, "got dimension 1; a coupling splits a point in two", func() { build() })
						return
					}
					checkPreset(t, build(), dim, context)
				})
			}
		}
	}
}

// No layers and networks without hidden layers are asked for by −1, as 0 means the defaults.
func TestModelsWithoutLayers(t *testing.T) {
	build := map[string]func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow{}
	for name, p := range presets {
		build[name] = p.new
	}
	for name, f := range families {
		build[name] = f.new
	}
	for name, build := range build {
		t.Run(name, func(t *testing.T) {
			base, x := nf.NewGaussianMixture(2, 3, nil, rand.NewPCG(3, 4)), testkit.NormalRows(5, 3, 1)
			m := build(3, &nf.ModelOptions{Layers: -1, Base: base}, rand.NewPCG(1, 2))
			compareSlices(t, "the density without layers", m.LogProb(x), nf.NewNormalizingFlow(base, nil).LogProb(x), 1e-12)

			for _, context := range []int{0, 2} {
				opts := &nf.ModelOptions{Layers: 2, Hidden: 12, Depth: -1, Context: context}
				if families[name].plain && context == 0 || name == "NewPlanarFlow" && context == 0 {
					continue // there are no networks
				}
				linear := build(3, opts, rand.NewPCG(1, 2))
				opts.Depth = 1
				if deep := build(3, opts, rand.NewPCG(1, 2)); size(linear) >= size(deep) {
					t.Errorf("a model has %d parameters with linear networks, %d with a hidden layer", size(linear), size(deep))
				}
				checkPreset(t, linear, 3, context)
			}
		})
	}
}

// size returns the number of parameters of m.
func size(m *nf.NormalizingFlow) (n int) {
	for _, p := range m.Params() {
		n += len(p.Data)
	}
	return n
}

func checkPreset(t *testing.T, m *nf.NormalizingFlow, dim, context int) {
	if m.Dim() != dim || m.ContextDim() != context {
		t.Fatalf("the model has dimension %d and a context of %d columns, want %d and %d", m.Dim(), m.ContextDim(), dim, context)
	}
	perturb(m.State(), 0.1, rand.NewPCG(7, 8))
	const n = 40
	given, other := m, m
	if context > 0 {
		given, other = m.Given(testkit.NormalRows(n, context, 3)), m.Given(testkit.NormalRows(n, context, 4))
	}
	x, logProb := given.SampleLogProb(n, rand.NewPCG(5, 6))
	compareSlices(t, "LogProb of samples", given.LogProb(x), logProb, 1e-6)
	z := testkit.NormalRows(n, dim, 7)
	y, _ := given.Forward(z)
	for j := range dim {
		if mat.Equal(mat.NewVecDense(n, mat.Col(nil, j, z)), mat.NewVecDense(n, mat.Col(nil, j, y))) {
			t.Errorf("no layer changes component %d", j)
		}
	}
	if context > 0 {
		a, b := given.Sample(n, rand.NewPCG(5, 6)), other.Sample(n, rand.NewPCG(5, 6))
		for j := range dim {
			if a.At(0, j) == b.At(0, j) {
				t.Errorf("component %d does not depend on the context", j)
			}
		}
	}
	if _, err := given.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
}

// small are options with which a model is quickly evaluated. Without a context, planar layers have no network to be
// small.
func small(name string) *nf.ModelOptions {
	if name == "NewPlanarFlow" {
		return &nf.ModelOptions{Layers: 4}
	}
	return &nf.ModelOptions{Layers: 3, Hidden: 16, Depth: 1}
}

// The density of each integrates to 1 in the plane.
func TestPresetDensities(t *testing.T) {
	for name, p := range presets {
		m := p.new(2, small(name), rand.NewPCG(1, 2))
		perturb(m.State(), 0.05, rand.NewPCG(7, 8))
		if err := nftest.Density(m, nil, rand.NewPCG(3, 4)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A few steps of training bring each model nearer to data that its base does not fit.
func TestPresetsLearn(t *testing.T) {
	data := testkit.NormalRows(256, 2, 1)
	for i := range 256 {
		data.Set(i, 0, 1.5+0.6*data.At(i, 0))
		data.Set(i, 1, 0.5*data.At(i, 0)*data.At(i, 0)+0.5*data.At(i, 1))
	}
	for name, p := range presets {
		m := p.new(2, small(name), rand.NewPCG(1, 2))
		if _, err := m.NLL(nil).LossGrad(data, rand.NewPCG(1, 2)); err != nil { // shows ActNorm its batch
			t.Fatalf("%s: %v", name, err)
		}
		first, err := m.NLL(nil).Loss(data, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		adam := nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 5e-3})
		for range 40 {
			if _, err := m.NLL(nil).LossGrad(data, rand.NewPCG(1, 2)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			adam.Step()
		}
		if last, err := m.NLL(nil).Loss(data, nil); err != nil || !(last < first-0.1) {
			t.Errorf("%s: the loss went from %v to %v, with error %v", name, first, last, err)
		}
	}
}

// Models start as their base where the constructor says so, whatever the context and the number of layers.
func TestPresetsStart(t *testing.T) {
	x := testkit.NormalRows(10, 3, 1)
	x.Scale(10, x)
	want := nf.NewNormalizingFlow(nf.NewDiagGaussian(3, nil), nil).LogProb(x)
	contexts := testkit.NormalRows(10, 2, 2)
	contexts.Scale(1e4, contexts)
	for _, name := range []string{"NewRealNVP", "NewNICE", "NewMAF", "NewIAF", "NewNSF", "NewNSF/coupling"} {
		compareSlices(t, name, presets[name].new(3, nil, rand.NewPCG(1, 2)).LogProb(x), want, 1e-9)
		given := presets[name].new(3, &nf.ModelOptions{Layers: 12, Context: 2}, rand.NewPCG(1, 2)).Given(contexts)
		compareSlices(t, name+" with a context", given.LogProb(x), want, 1e-9)
		samples, logProb := given.SampleLogProb(10, rand.NewPCG(3, 4))
		compareSlices(t, name+" with a context, its samples", logProb, nf.NewNormalizingFlow(nf.NewDiagGaussian(3, nil), nil).LogProb(samples), 1e-9)
	}
}

func TestPresetMistakes(t *testing.T) {
	src := rand.NewPCG(1, 2)
	base := nf.NewGaussianMixture(3, 2, nil, src)
	if m := nf.NewMAF(2, &nf.ModelOptions{Base: base}, src); len(m.State()) == 0 || m.State()[0].Name != "q0."+base.State()[0].Name {
		t.Errorf("the base of a model is not the one asked for: its first tensor is %q", m.State()[0].Name)
	}
	if got := nf.NewNSF(2, &nf.NSFOptions{Bins: 3, Bound: 1}, src).LogProb(mat.NewDense(1, 2, []float64{2, 2}))[0]; math.IsNaN(got) {
		t.Error("a density is NaN outside the bound of the splines")
	}
	testkit.WantPanic(t, "NewMAF: got dimension 0, want 1 or more", func() { nf.NewMAF(0, nil, src) })
	testkit.WantPanic(t, "NewRealNVP: got dimension -1, want 2 or more", func() { nf.NewRealNVP(-1, nil, src) })
	testkit.WantPanic(t, "NewNICE: got -2 layers", func() { nf.NewNICE(2, &nf.ModelOptions{Layers: -2}, src) })
	testkit.WantPanic(t, "NewPlanarFlow: got Hidden 5", func() { nf.NewPlanarFlow(2, &nf.ModelOptions{Hidden: 5}, src) })
	testkit.WantPanic(t, "NewPlanarFlow: got a base and a context of 1 columns", func() {
		nf.NewPlanarFlow(2, &nf.ModelOptions{Context: 1, Base: base}, src)
	})
	testkit.WantPanic(t, "flow", func() { nf.NewIAF(3, &nf.ModelOptions{Base: base}, src) })
}
