package nfkit_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// flowCase is a flow that nftest checks for each of flowDims, without and with a context.
type flowCase struct {
	// new builds the flow for a dimension and a number of columns of a context; nil where there is none.
	new  func(dim, context int, src rand.Source) nf.Flow
	opts func(dim int) *nftest.FlowOptions // nil for the defaults
}

// flowDims has dimensions that split evenly and unevenly, and fill vector registers or not.
var flowDims = []int{1, 2, 3, 5, 8}

// flowCases has each flow of the package under its name, and a slash and the variant where there are several.
var flowCases = map[string]flowCase{
	"Coupling/affine exp":              couplingCase(nf.ScaleExp, nf.SplitChannel),
	"Coupling/affine exp inv":          couplingCase(nf.ScaleExp, nf.SplitChannelInv),
	"Coupling/affine sigmoid":          couplingCase(nf.ScaleSigmoid, nf.SplitCheckerboard),
	"Coupling/affine sigmoid inverted": couplingCase(nf.ScaleSigmoidInv, nf.SplitCheckerboardInv),
	"Coupling/affine none":             couplingCase(nf.ScaleNone, nf.SplitCheckerboard),
	"Coupling/affine bounded":          couplingCase(nf.ScaleBounded, nf.SplitChannel),
	"LULinearPermute": {new: func(dim, context int, src rand.Source) nf.Flow {
		return unconditional(context, nf.NewLULinearPermute(dim, nil, src))
	}},
	"LULinearPermute/random": {new: func(dim, context int, src rand.Source) nf.Flow {
		return unconditional(context, nf.NewLULinearPermute(dim, &nf.LULinearPermuteOptions{RandomInit: true}, src))
	}},
	"Autoregressive/affine":              autoregressiveCase(nf.MADEOptions{Activation: nf.ActSiLU}, false),
	"Autoregressive/affine softplus":     autoregressiveCase(nf.MADEOptions{Activation: nf.ActTanh, Blocks: 1}, true),
	"Autoregressive/affine feed-forward": autoregressiveCase(nf.MADEOptions{FeedForward: true, Activation: nf.ActELU}, false),
	"Autoregressive/graph": {
		new: func(dim, context int, src rand.Source) nf.Flow {
			parents := make([][]int, dim) // each depends on the next
			for j := range dim - 1 {
				parents[j] = []int{j + 1}
			}
			net := nf.NewMADE(dim, 2, 16, &nf.MADEOptions{Adjacency: edges(dim, parents...), Context: context, Activation: nf.ActSiLU}, src)
			return nf.NewAutoregressive(nf.Affine{Scale: nf.ScaleBounded}, net, nil)
		},
		opts: deadInOneDimension("net.initial_layer.weight"),
	},
	"Permute/shuffle":                permuteCase(nf.PermuteShuffle),
	"Permute/swap":                   permuteCase(nf.PermuteSwap),
	"Permute/reverse":                permuteCase(nf.PermuteReverse),
	"Elementwise/spline":             elementwiseSplineCase(nf.SplineOptions{RandomInit: true}),
	"Elementwise/spline circular":    elementwiseSplineCase(nf.SplineOptions{Tail: ad.TailCircular, Bound: 2, Bins: 5}),
	"Elementwise/spline free":        elementwiseSplineCase(nf.SplineOptions{Tail: ad.TailFree, Bins: 4}),
	"Elementwise/spline asymmetric":  elementwiseSplineCase(nf.SplineOptions{Lo: -1, Hi: 4, Bins: 5, RandomInit: true}),
	"Coupling/spline asymmetric":     coupledSplineCase(false, nf.CoupledSplineOptions{SplineOptions: nf.SplineOptions{Lo: -4, Hi: 0.5, RandomInit: true}}),
	"Coupling/spline":                coupledSplineCase(false, nf.CoupledSplineOptions{}),
	"Coupling/spline reversed":       coupledSplineCase(false, nf.CoupledSplineOptions{ReverseMask: true, SplineOptions: nf.SplineOptions{Bins: 3, RandomInit: true}}),
	"Coupling/spline free":           coupledSplineCase(false, nf.CoupledSplineOptions{SplineOptions: nf.SplineOptions{Tail: ad.TailFree}}),
	"Coupling/spline angles":         coupledSplineCase(true, nf.CoupledSplineOptions{}),
	"Autoregressive/spline":          autoregressiveSplineCase(false, nf.AutoregressiveSplineOptions{}),
	"Autoregressive/spline circular": autoregressiveSplineCase(false, nf.AutoregressiveSplineOptions{SplineOptions: nf.SplineOptions{Tail: ad.TailCircular, RandomInit: true}}),
	"Autoregressive/spline angles":   autoregressiveSplineCase(true, nf.AutoregressiveSplineOptions{}),
	"PeriodicWrap":                   periodicCase(func(dim int, index []int) nf.Flow { return nf.NewPeriodicWrap(dim, index, 1.5) }),
	"PeriodicShift":                  periodicCase(func(dim int, index []int) nf.Flow { return nf.NewPeriodicShift(dim, index, 1.5, 0.4) }),

	"Indexed": {new: func(dim, context int, src rand.Source) nf.Flow {
		if dim < 3 {
			return nil
		}
		return nf.NewIndexed(dim, []int{dim - 1, 0}, newCoupling(nf.ScaleExp, nf.SplitChannel, 2, context, src))
	}},

	"Triangular": {
		new: func(dim, context int, _ rand.Source) nf.Flow { return unconditional(context, nf.NewTriangular(dim)) },
	},
	"Rotation": {
		new:  func(dim, context int, _ rand.Source) nf.Flow { return unconditional(context, nf.NewRotation(dim)) },
		opts: func(dim int) *nftest.FlowOptions { return &nftest.FlowOptions{Identity: dim == 1} },
	},
	"Householder":       householderCase(0),
	"Householder/three": householderCase(3),
	"Chain/QR": {
		new: func(dim, context int, src rand.Source) nf.Flow {
			return unconditional(context, nf.NewQRLinear(dim, nil, src))
		},
		opts: deadInOneDimension("_flows.0.q_vectors"),
	},
	"Chain/SVD": {
		new: func(dim, context int, src rand.Source) nf.Flow {
			return unconditional(context, nf.NewSVDLinear(dim, nil, src))
		},
		opts: deadInOneDimension("_flows.0.q_vectors", "_flows.2.q_vectors"),
	},

	"ActNorm":                actNormCase(),
	"AffineConstFlow":        affineConstCase(nf.AffineConstOptions{}),
	"AffineConstFlow/scale":  affineConstCase(nf.AffineConstOptions{NoShift: true}),
	"AffineConstFlow/shift":  affineConstCase(nf.AffineConstOptions{NoScale: true}),
	"BatchNorm":              batchNormCase(),
	"Exp":                    boundedCase(func(dim int) nf.Flow { return nf.NewExp(dim) }, nftest.Interval{Lo: 0, Hi: math.Inf(1)}),
	"InvertibleAffine":       invertibleAffineCase(false),
	"InvertibleAffine/plain": invertibleAffineCase(true),
	"MaskedAffineFlow":       maskedAffineCase(true, true),
	"MaskedAffineFlow/NICE":  maskedAffineCase(true, false),
	"MaskedAffineFlow/scale": maskedAffineCase(false, true),
	"Planar/tanh":            planarCase(false),
	"Planar/leaky ReLU":      planarCase(true),
	"Radial":                 radialCase(),
	"Sigmoid":                sigmoidCase(-3, 2),
	"Sigmoid/below 0":        sigmoidCase(-1, 0),
	"Sigmoid/logit":          boundedCase(func(dim int) nf.Flow { return nf.NewLogit(dim, 0.05) }, nftest.Interval{Lo: 0, Hi: 1}),
	"Softplus":               boundedCase(func(dim int) nf.Flow { return nf.NewSoftplus(dim) }, nftest.Interval{Lo: 0, Hi: math.Inf(1)}),
	"Tanh":                   boundedCase(func(dim int) nf.Flow { return nf.NewTanh(dim) }, nftest.Interval{Lo: -1, Hi: 1}),

	"BlockAutoregressive":          blockAutoregressiveCase(nf.BlockAutoregressiveOptions{Units: 4, Depth: 2}),
	"BlockAutoregressive/no depth": blockAutoregressiveCase(nf.BlockAutoregressiveOptions{Units: 3}),
	"ConditionalElementwise":       conditionalElementwiseCase(nf.Affine{}),
	"ConditionalElementwise/cubic": conditionalElementwiseCase(nf.CubicSpline{Bins: 3}),

	"Residual":                  residualCase(false),
	"Residual/explicit forward": residualCase(true),
	"Residual/own network": {new: func(dim, context int, src rand.Source) nf.Flow {
		return nf.NewResidual(newTanhNet(dim, context, src), nil)
	}},
	"Chain": {new: func(dim, context int, src rand.Source) nf.Flow {
		if dim < 2 {
			return unconditional(context, nf.NewChain(nf.NewLULinearPermute(dim, nil, src), nf.NewPermute(dim, nf.PermuteSwap, nil)))
		}
		return nf.NewChain(nf.NewLULinearPermute(dim, nil, src), newCoupling(nf.ScaleExp, nf.SplitChannel, dim, context, src),
			nf.NewPermute(dim, nf.PermuteReverse, nil), newCoupling(nf.ScaleSigmoid, nf.SplitChannel, dim, 0, src))
	}},
	"Invert": {new: func(dim, context int, src rand.Source) nf.Flow {
		if dim < 2 {
			return unconditional(context, nf.NewInvert(nf.NewLULinearPermute(dim, nil, src)))
		}
		return nf.NewInvert(newCoupling(nf.ScaleExp, nf.SplitChannel, dim, context, src))
	}},
}

// unconditional returns f if no context is asked for.
func unconditional(context int, f nf.Flow) nf.Flow {
	if context > 0 {
		return nil
	}
	return f
}

func householderCase(reflections int) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			return unconditional(context, nf.NewHouseholder(dim, &nf.HouseholderOptions{Reflections: reflections}, src))
		},
		opts: func(dim int) *nftest.FlowOptions {
			if dim == 1 { // all reflections are alike
				return &nftest.FlowOptions{Identity: reflections == 0, Dead: []string{"q_vectors"}}
			}
			return nil
		},
	}
}

func deadInOneDimension(names ...string) func(dim int) *nftest.FlowOptions {
	return func(dim int) *nftest.FlowOptions {
		if dim == 1 {
			return &nftest.FlowOptions{Dead: names}
		}
		return nil
	}
}

func couplingCase(scale nf.ScaleMap, split nf.Split) flowCase {
	return flowCase{new: func(dim, context int, src rand.Source) nf.Flow {
		if dim < 2 {
			return nil
		}
		return newCoupling(scale, split, dim, context, src)
	}}
}

func newCoupling(scale nf.ScaleMap, split nf.Split, dim, context int, src rand.Source) nf.Flow {
	kept := (dim + 1) / 2
	if split == nf.SplitChannelInv || split == nf.SplitCheckerboard {
		kept = dim / 2
	}
	out := 2 * (dim - kept)
	if scale == nf.ScaleNone {
		out = dim - kept
	}
	net := nf.NewMLP([]int{kept, 16, 16, out}, &nf.MLPOptions{Leaky: 0.1, Context: context, InitZeros: true}, src)
	return nf.NewAffineCouplingBlock(net, &nf.AffineCouplingOptions{Scale: scale, Split: split})
}

// autoregressiveCase has components in random order. One component depends on nothing but the context.
func autoregressiveCase(o nf.MADEOptions, softplus bool) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			o := o
			o.Order, o.Context = rand.New(src).Perm(dim), context
			return nf.NewMaskedAffineAutoregressive(nf.NewMADE(dim, 2, 16, &o, src), &nf.MaskedAffineAutoregressiveOptions{Softplus: softplus})
		},
		opts: func(dim int) *nftest.FlowOptions {
			if dim == 1 {
				return &nftest.FlowOptions{Dead: []string{"autoregressive_net.initial_layer.weight"}}
			}
			return nil
		},
	}
}

func permuteCase(mode nf.PermuteMode) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			return unconditional(context, nf.NewPermute(dim, mode, src))
		},
		opts: func(dim int) *nftest.FlowOptions { return &nftest.FlowOptions{Identity: dim <= 2} },
	}
}

func TestFlows(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(flowCases)) {
		c := flowCases[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built := 0
			for _, dim := range flowDims {
				for _, context := range []int{0, 2} {
					f := c.new(dim, context, rand.NewPCG(uint64(dim), 1))
					if f == nil {
						continue
					}
					built++
					if f.Dim() != dim {
						t.Errorf("the case for dimension %d has dimension %d", dim, f.Dim())
					}
					var opts *nftest.FlowOptions
					if c.opts != nil {
						opts = c.opts(dim)
					}
					if err := nftest.Flow(f, opts, rand.NewPCG(uint64(dim), 2)); err != nil {
						t.Errorf("context of %d columns: %v", context, err)
					}
				}
			}
			if built == 0 {
				t.Errorf("the case builds no flow of any of the dimensions %v", flowDims)
			}
		})
	}
}

// The checks give no false alarm in many dimensions, or with many bins.
func TestFlowsOfManyDimensions(t *testing.T) {
	src := rand.NewPCG(1, 2)
	maf := func(dim int) nf.Flow {
		return nf.NewAutoregressive(nf.Affine{Scale: nf.ScaleBounded}, nf.NewMADE(dim, 2, 16, nil, src), nil)
	}
	chain := func(dim int) nf.Flow {
		return nf.NewChain(nf.NewLULinearPermute(dim, &nf.LULinearPermuteOptions{RandomInit: true}, src), nf.NewPlanar(dim, nil, src), nf.NewAffineConstFlow(dim, nil))
	}
	for name, f := range map[string]nf.Flow{
		"chain/10": chain(10), "chain/32": chain(32), "autoregressive/10": maf(10), "autoregressive/15": maf(15), "softplus/14": nf.NewSoftplus(14),
		"spline/30": nf.NewElementwiseRationalQuadraticSpline(30, &nf.SplineOptions{Bins: 32, RandomInit: true}, src),
	} {
		var opts *nftest.FlowOptions
		if name == "softplus/14" {
			opts = &nftest.FlowOptions{Data: nftest.Interval{Lo: 0, Hi: math.Inf(1)}}
		}
		if err := nftest.Flow(f, opts, rand.NewPCG(3, 2)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stirred returns the flow of a case with parameters that are not the first ones; nil if there is none of that
// dimension.
func (c flowCase) stirred(dim, context int, seed uint64) nf.Flow {
	f := c.new(dim, context, rand.NewPCG(seed, 1))
	if f == nil {
		return nil
	}
	r := rand.New(rand.NewPCG(seed, 2))
	for _, p := range f.State().Params() {
		for i := range p.Data {
			p.Data[i] += 0.2 * r.NormFloat64()
		}
	}
	if p, ok := f.(nf.Preparer); ok {
		p.Prepare()
	}
	return f
}

func (c flowCase) options(dim int) nftest.FlowOptions {
	if c.opts == nil {
		return nftest.FlowOptions{}
	}
	if o := c.opts(dim); o != nil {
		return *o
	}
	return nftest.FlowOptions{}
}

// The density that a flow makes of a base integrates to 1 in the plane, and is that of its samples.
func TestFlowDensities(t *testing.T) {
	for name, c := range flowCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, o := c.stirred(2, 0, 3), c.options(2)
			if f == nil { // it needs more components
				return
			}
			var base nf.Base = nf.NewGaussian(2, &nf.GaussianOptions{Covariance: mat.NewSymDense(2, []float64{0.5, 0.1, 0.1, 0.3})})
			if o.Latent == o.Data && o.Data != (nftest.Interval{}) { // a map of this interval to itself
				base = nf.NewUniform(2, &nf.UniformOptions{Low: o.Latent.Lo, High: o.Latent.Hi})
			}
			m := nf.NewNormalizingFlow(base, []nf.Flow{f})
			if err := nftest.Density(m, &nftest.DensityOptions{Support: []nftest.Interval{o.Data, o.Data}}, rand.NewPCG(5, 6)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A flow that loads the state of another one is that flow, to the last bit, in both directions: permutations, masks and
// other buffers included.
func TestFlowsLoad(t *testing.T) {
	for name, c := range flowCases {
		for _, context := range []int{0, 2} {
			saved, loaded := c.stirred(5, context, 1), c.stirred(5, context, 2)
			if saved == nil {
				continue
			}
			path := filepath.Join(t.TempDir(), "flow.safetensors")
			if err := errors.Join(nf.Save(path, saved), nf.Load(path, loaded)); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			images := func(f nf.Flow) []float64 {
				tape := ad.NewEvalTape(ad.Float64)
				x := tape.Matrix(testkit.NormalRows(4, 5, 3)).Sigmoid() // in the domain of all
				q := tape.Matrix(testkit.NormalRows(4, 2, 4))
				y, l := f.Forward(x, q)
				z, k := f.Inverse(x, q)
				return slices.Concat(y.Data(), l.Data(), z.Data(), k.Data())
			}
			if got, want := images(loaded), images(saved); !slices.Equal(got, want) {
				t.Errorf("%s with a context of %d columns maps points to %v after loading, want %v", name, context, got, want)
			}
		}
	}
}

// Every flow of the package has a case, and says that it is one.
func TestFlowsAreComplete(t *testing.T) {
	checkComplete(t, "Flow", slices.Collect(maps.Keys(flowCases)), (*sourceType).isFlow)
}

// checkComplete checks that the exported types that implement an interface are those that the names of cases begin
// with.
func checkComplete(t *testing.T, contract string, names []string, implements func(*sourceType) bool) {
	t.Helper()
	cases := map[string]bool{}
	for _, name := range names {
		name, _, _ = strings.Cut(name, "/")
		cases[name] = true
	}
	for name, s := range sourceTypes(t, ".") {
		switch found := implements(s); {
		case found && !cases[name]:
			t.Errorf("%s is a %s, and has no case here", name, contract)
		case found && !s.asserts[contract]:
			t.Errorf("%s is a %s, want the line: %s", name, contract, fmt.Sprintf("var _ %s = (*%s)(nil)", contract, name))
		case !found && cases[name]:
			t.Errorf("%s has a case, but is no %s", name, contract)
		}
		delete(cases, name)
	}
	for name := range cases {
		t.Errorf("the case %s belongs to no exported type", name)
	}
}
