package nfkit_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

func blockAutoregressiveCase(o nf.BlockAutoregressiveOptions) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			o := o
			o.Context = context
			return nf.NewBlockAutoregressive(dim, &o, src)
		},
		opts: func(dim int) *nftest.FlowOptions {
			if dim > 1 {
				return nil
			}
			return &nftest.FlowOptions{Dead: []string{"layers.0.below", "layers.1.below", "layers.2.below"}} // a single component has none before it
		},
	}
}

func conditionalElementwiseCase(transformer nf.Transformer) flowCase {
	return flowCase{new: func(dim, context int, src rand.Source) nf.Flow {
		if context == 0 {
			return nf.NewElementwise(transformer, dim)
		}
		encoder := nf.NewMLP([]int{context, 6, dim * transformer.Params()}, &nf.MLPOptions{Activation: nf.ActTanh}, src)
		return nf.NewConditionalElementwise(transformer, encoder, dim)
	}}
}

// family is a ready-made model of presets_families.go.
type family struct {
	new    func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow
	plain  bool    // has no network without a context
	angles bool    // on a circle
	near   float64 // how far its log-density may be from that of its base at first
	most   float64 // the loss on TestFamiliesLearn's target that it reaches
}

var families = map[string]family{
	"NewNAF":                  {nf.NewNAF, false, false, 0.6, 1.75},
	"NewUNAF":                 {nf.NewUNAF, false, false, 1e-9, 1.6},
	"NewSOSPF":                {nf.NewSOSPF, false, false, 0.1, 1.6},
	"NewBPF":                  {nf.NewBPF, false, false, 1e-9, 1.6},
	"NewGF":                   {nf.NewGF, true, false, 0.6, 1.8},
	"NewBNAF":                 {nf.NewBNAF, false, false, 0.6, 1.9},
	"NewTriangularSplineFlow": {nf.NewTriangularSplineFlow, true, false, 1e-9, 1.8},
	"NewNCSF":                 {nf.NewNCSF, false, true, 1e-9, 1.6},
}

func (f family) options(context int) *nf.ModelOptions {
	o := &nf.ModelOptions{Layers: 2, Context: context, Hidden: 12, Depth: 1}
	if f.plain && context == 0 {
		o.Hidden, o.Depth = 0, 0
	}
	return o
}

func TestFamilies(t *testing.T) {
	for name, f := range families {
		for _, dim := range []int{1, 2, 5} {
			for _, context := range []int{0, 2} {
				t.Run(fmt.Sprintf("%s/%d/%d", name, dim, context), func(t *testing.T) {
					m := f.new(dim, f.options(context), rand.NewPCG(1, 2))
					checkPreset(t, m, dim, context)
				})
			}
		}
	}
}

// The density integrates to 1 in the plane, or on the torus. Those of the other models are transformers with layers that are checked elsewhere.
func TestFamilyDensities(t *testing.T) {
	torus := []nftest.Interval{{Lo: -math.Pi, Hi: math.Pi}, {Lo: -math.Pi, Hi: math.Pi}}
	for name, support := range map[string][]nftest.Interval{"NewBNAF": nil, "NewNCSF": torus} {
		m := families[name].new(2, families[name].options(0), rand.NewPCG(1, 2))
		perturb(m.State(), 0.05, rand.NewPCG(7, 8))
		if err := nftest.Density(m, &nftest.DensityOptions{Support: support}, rand.NewPCG(3, 4)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Data that are infinite, be it in float32 alone, have density 0.
func TestFamiliesOverflow(t *testing.T) {
	for name, f := range families {
		m := f.new(2, f.options(0), rand.NewPCG(1, 2)).WithPrecision(ad.Float32)
		got := m.LogProb(mat.NewDense(3, 2, []float64{1e300, 1, math.Inf(1), 1, 1, 1}))
		if !math.IsInf(got[0], -1) || !math.IsInf(got[1], -1) || math.IsNaN(got[2]) {
			t.Errorf("%s: the log-densities are %v, want −Inf twice and a number", name, got)
		}
	}
}

// Each starts as its base, or near it.
func TestFamiliesStart(t *testing.T) {
	x := testkit.NormalRows(20, 3, 1)
	base := nf.NewNormalizingFlow(nf.NewDiagGaussian(3, nil), nil).LogProb(x)
	for name, f := range families {
		for i, got := range f.new(3, nil, rand.NewPCG(1, 2)).LogProb(x) {
			want := base[i]
			if f.angles {
				want = -3 * math.Log(2*math.Pi)
			}
			if !(math.Abs(got-want) <= f.near) {
				t.Errorf("%s starts with log-density %v, want that of its base, %v, up to %v", name, got, want, f.near)
			}
		}
	}
}

// A short training brings each near the two moons, whose entropy is 1.008, and where a normal distribution reaches 2.1.
func TestFamiliesLearn(t *testing.T) {
	target := targets.Moons{}
	held := target.Sample(1000, rand.NewPCG(3, 4))
	for name, f := range families {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := f.options(0)
			if f.plain {
				o.Layers = 4
			}
			src := rand.NewPCG(1, 2)
			m := f.new(2, o, src)
			opts := &nf.FitOptions{Steps: 120, BatchSize: 128, Schedule: nf.Cosine(3e-2, 0, 120), MaxGradNorm: 5}
			if _, err := nf.Fit(context.Background(), m.NLL(nil), target, opts, src); err != nil {
				t.Fatal(err)
			}
			loss, err := m.NLL(nil).Loss(held, nil)
			if err != nil || !(loss < f.most) {
				t.Errorf("the loss ends at %v with error %v, want less than %v", loss, err, f.most)
			}
		})
	}
}

func TestFamilyMistakes(t *testing.T) {
	src := rand.NewPCG(1, 2)
	testkit.WantPanic(t, "NewNAF: got dimension 0, want 1 or more", func() { nf.NewNAF(0, nil, src) })
	testkit.WantPanic(t, "NewTriangularSplineFlow: got dimension -1, want 1 or more", func() { nf.NewTriangularSplineFlow(-1, nil, src) })
	testkit.WantPanic(t, "NewGF: got Hidden 5 and Depth 0 without a context", func() { nf.NewGF(2, &nf.ModelOptions{Hidden: 5}, src) })
	testkit.WantPanic(t, "NewTransformerFlow: got a nil transformer", func() { nf.NewTransformerFlow(nil, 2, nil, src) })
	testkit.WantPanic(t, "NewBlockAutoregressive: got dimension 0", func() { nf.NewBlockAutoregressive(0, nil, src) })
	testkit.WantPanic(t, "want 4", func() {
		nf.NewConditionalElementwise(nf.Affine{}, nf.NewMLP([]int{1, 3}, nil, src), 2)
	})
}
