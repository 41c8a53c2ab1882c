package nfkit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

func paritySpline(c parityConfig) nf.SplineOptions {
	return nf.SplineOptions{Bins: c.int("num_bins"), Bound: c.float("tail_bound")}
}

func parityCoupledSpline(c parityConfig) nf.Flow {
	o := &nf.CoupledSplineOptions{SplineOptions: paritySpline(c), ReverseMask: c.bool("reverse_mask"),
		Net: nf.ResidualNetOptions{Blocks: c.int("num_blocks"), Context: c.int("num_context_channels")}}
	dim, hidden := c.int("num_input_channels"), c.int("num_hidden_channels")
	if angles := c.ints("ind_circ"); angles != nil {
		return nf.NewCircularCoupledRationalQuadraticSpline(dim, hidden, angles, o, paritySource())
	}
	return nf.NewCoupledRationalQuadraticSpline(dim, hidden, o, paritySource())
}

func parityAutoregressiveSpline(c parityConfig) nf.Flow {
	o := &nf.AutoregressiveSplineOptions{SplineOptions: paritySpline(c),
		Net: nf.MADEOptions{Blocks: c.int("num_blocks"), Context: c.int("num_context_channels")}}
	dim, hidden := c.int("num_input_channels"), c.int("num_hidden_channels")
	if angles := c.ints("ind_circ"); angles != nil {
		return nf.NewCircularAutoregressiveRationalQuadraticSpline(dim, hidden, angles, o, paritySource())
	}
	return nf.NewAutoregressiveRationalQuadraticSpline(dim, hidden, o, paritySource())
}

func elementwiseSplineCase(o nf.SplineOptions) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			return unconditional(context, nf.NewElementwiseRationalQuadraticSpline(dim, &o, src))
		},
		opts: splineCaseOptions(o),
	}
}

// coupledSplineCase has, if asked for, the first component and every third after it as angles, and a bound for each
// component.
func coupledSplineCase(circular bool, o nf.CoupledSplineOptions) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			if dim < 2 {
				return nil
			}
			o := o
			o.Net = nf.ResidualNetOptions{Blocks: 1, Context: context, Activation: nf.ActTanh}
			if !circular {
				return nf.NewCoupledRationalQuadraticSpline(dim, 16, &o, src)
			}
			o.Bounds = splineCaseBounds(dim)
			return nf.NewCircularCoupledRationalQuadraticSpline(dim, 16, splineCaseAngles(dim), &o, src)
		},
		opts: splineCaseOptions(o.SplineOptions),
	}
}

// autoregressiveSplineCase has a small network and few bins: the components of a point amplify errors of those before
// them, and steep splines do so beyond any bound.
func autoregressiveSplineCase(circular bool, o nf.AutoregressiveSplineOptions) flowCase {
	options := splineCaseOptions(o.SplineOptions)
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			o := o
			o.Bins, o.Net = 4, nf.MADEOptions{Blocks: 1, Context: context, Activation: nf.ActTanh}
			if !circular {
				o.Net.Order = rand.New(src).Perm(dim)
				return nf.NewAutoregressiveRationalQuadraticSpline(dim, 4, &o, src)
			}
			o.Bounds = splineCaseBounds(dim)
			return nf.NewCircularAutoregressiveRationalQuadraticSpline(dim, 4, splineCaseAngles(dim), &o, src)
		},
		opts: func(dim int) *nftest.FlowOptions {
			f := options(dim)
			if dim == 1 {
				f.Dead = []string{"mprqat.autoregressive_net.initial_layer.weight"}
				if circular {
					f.Dead = append(f.Dead, "mprqat.autoregressive_net.preprocessing.weights")
				}
			}
			return f
		},
	}
}

func splineCaseAngles(dim int) (angles []int) {
	for j := 0; j < dim; j += 3 {
		angles = append(angles, j)
	}
	return angles
}

func splineCaseBounds(dim int) (bounds []float64) {
	for j := range dim {
		bounds = append(bounds, 2+float64(j)/4)
	}
	return bounds
}

// splineCaseOptions tries the ends of the intervals and points next to them.
func splineCaseOptions(o nf.SplineOptions) func(dim int) *nftest.FlowOptions {
	return func(dim int) *nftest.FlowOptions {
		f := &nftest.FlowOptions{}
		if o.Tail == ad.TailFree { // most points in [0, 1]
			f.Latent, f.Data = nftest.Interval{Lo: -0.1, Hi: 1.1}, nftest.Interval{Lo: -0.1, Hi: 1.1}
		}
		for _, end := range append(splineCaseBounds(dim), 1, 2, 3) {
			f.Extremes = append(f.Extremes, end, math.Nextafter(end, 0), math.Nextafter(end, 9), end*(1-1e-7))
		}
		return f
	}
}

// periodicCase has points on the circle alone: outside of [−1.5, 1.5) numbers do not come back.
func periodicCase(build func(dim int, index []int) nf.Flow) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			return unconditional(context, build(dim, splineCaseAngles(dim)))
		},
		opts: func(int) *nftest.FlowOptions {
			turn := nftest.Interval{Lo: -1.5, Hi: 1.5}
			return &nftest.FlowOptions{Latent: turn, Data: turn, Identity: true}
		},
	}
}

func TestSplineFlowMisuse(t *testing.T) {
	src := rand.NewPCG(1, 2)
	coupled := func(dim, hidden int, o nf.CoupledSplineOptions) func() {
		return func() { nf.NewCoupledRationalQuadraticSpline(dim, hidden, &o, src) }
	}
	splines := func(o nf.SplineOptions) func() {
		return func() { nf.NewElementwiseRationalQuadraticSpline(2, &o, src) }
	}
	for want, f := range map[string]func(){
		"got dimension 1; a coupling splits a point in two": coupled(1, 8, nf.CoupledSplineOptions{}),
		"want 1 or more":                                               coupled(2, 0, nf.CoupledSplineOptions{}),
		"got 1000 bins, want 2 to 999":                                 splines(nf.SplineOptions{Bins: 1000}),
		"got 1 bins, want 2 to 999":                                    splines(nf.SplineOptions{Bins: 1}),
		"got tail 3":                                                   splines(nf.SplineOptions{Tail: 3}),
		"bounds [-1]":                                                  splines(nf.SplineOptions{Bound: -1}),
		"got the interval [2, -1], want finite ends":                   splines(nf.SplineOptions{Lo: 2, Hi: -1}),
		"got the interval [0, +Inf]":                                   splines(nf.SplineOptions{Hi: math.Inf(1)}),
		"got the interval [-1, 2] with Bound 3":                        splines(nf.SplineOptions{Lo: -1, Hi: 2, Bound: 3}),
		"bounds [1 NaN]":                                               splines(nf.SplineOptions{Bounds: []float64{1, math.NaN()}}),
		"got 3 Bounds, want 2":                                         splines(nf.SplineOptions{Bounds: []float64{1, 2, 3}}),
		"want one of them":                                             splines(nf.SplineOptions{Bound: 1, Bounds: []float64{1, 2}}),
		"whose interval is [0, 1]":                                     splines(nf.SplineOptions{Bound: 1, Tail: ad.TailFree}),
		"NewElementwiseRationalQuadraticSpline: got dimension 0":       func() { nf.NewElementwiseRationalQuadraticSpline(0, nil, src) },
		"NewAutoregressiveRationalQuadraticSpline: got dimension 0":    func() { nf.NewAutoregressiveRationalQuadraticSpline(0, 8, nil, src) },
		"NewCircularCoupledRationalQuadraticSpline: got no components": func() { nf.NewCircularCoupledRationalQuadraticSpline(2, 8, nil, nil, src) },
		"got components [0 2], want different numbers from 0 to 1":     func() { nf.NewCircularAutoregressiveRationalQuadraticSpline(2, 8, []int{0, 2}, nil, src) },
		"got components [1 1]":                                         func() { nf.NewPeriodicFeaturesElementwise(3, []int{1, 1}, nil) },
		"got tail 2; components that are not circular": func() {
			nf.NewCircularCoupledRationalQuadraticSpline(2, 8, []int{0}, &nf.CoupledSplineOptions{SplineOptions: nf.SplineOptions{Tail: ad.TailFree}}, src)
		},
		"got Net.Preprocess": func() {
			nf.NewCircularCoupledRationalQuadraticSpline(2, 8, []int{0}, &nf.CoupledSplineOptions{Net: nf.ResidualNetOptions{Preprocess: nf.NewPeriodicFeaturesElementwise(1, []int{0}, nil)}}, src)
		},
		"NewPeriodicWrap: got bound 0":          func() { nf.NewPeriodicWrap(2, []int{0}, 0) },
		"NewPeriodicShift: got components [-1]": func() { nf.NewPeriodicShift(2, []int{-1}, 1, 0) },
	} {
		if got := testkit.Panic(f); !strings.HasPrefix(got, "nfkit: New") || !strings.Contains(got, want) {
			t.Errorf("panic %q, want one with %q", got, want)
		}
	}
}

// newSplineFlows has each spline flow at its defaults, in three dimensions.
var newSplineFlows = map[string]func(src rand.Source) nf.Flow{
	"elementwise":    func(src rand.Source) nf.Flow { return nf.NewElementwiseRationalQuadraticSpline(3, nil, nil) },
	"coupled":        func(src rand.Source) nf.Flow { return nf.NewCoupledRationalQuadraticSpline(3, 16, nil, src) },
	"autoregressive": func(src rand.Source) nf.Flow { return nf.NewAutoregressiveRationalQuadraticSpline(3, 16, nil, src) },
	"circular coupled": func(src rand.Source) nf.Flow {
		return nf.NewCircularCoupledRationalQuadraticSpline(3, 16, []int{0, 1}, nil, src)
	},
	"circular autoregressive": func(src rand.Source) nf.Flow {
		return nf.NewCircularAutoregressiveRationalQuadraticSpline(3, 16, []int{2}, nil, src)
	},
}

// Without RandomInit a spline flow starts as the identity.
func TestSplineFlowsStartAsIdentity(t *testing.T) {
	for name, build := range newSplineFlows {
		f := build(rand.NewPCG(1, 2))
		tape := ad.NewEvalTape(ad.Float64)
		x := []float64{-2.9, 0.4, 1.7, 3, -3, 0, 5, -7, 2}
		for _, apply := range []func(x, c *ad.Value) (y, l *ad.Value){f.Forward, f.Inverse} {
			y, logDet := apply(tape.Const(3, 3, x), nil)
			for i, got := range append(y.Data(), logDet.Data()...) {
				want := 0.0
				if i < len(x) {
					want = x[i]
				}
				if math.Abs(got-want) > 1e-14 {
					t.Errorf("%s: element %d is %v, want %v", name, i, got, want)
				}
			}
		}
	}
}

// Outside of the interval a component keeps its value: the reference's circular flows send a linear one to 0.
func TestSplineFlowsKeepWhatIsOutside(t *testing.T) {
	for name, build := range newSplineFlows {
		f := build(rand.NewPCG(1, 2))
		r := rand.New(rand.NewPCG(3, 4))
		for _, p := range f.State().Params() {
			for i := range p.Data {
				p.Data[i] += r.NormFloat64()
			}
		}
		tape := ad.NewEvalTape(ad.Float64)
		x := []float64{-3.01, 6, 1e9}
		for _, apply := range []func(x, c *ad.Value) (y, l *ad.Value){f.Forward, f.Inverse} {
			if y, logDet := apply(tape.Const(1, 3, x), nil); !slices.Equal(y.Data(), x) || logDet.At(0, 0) != 0 {
				t.Errorf("%s: %v went to %v with log-determinant %v, want it to stay", name, x, y.Data(), logDet.At(0, 0))
			}
		}
	}
}

// A bound for each component is kept with the weights, under the names of the reference, and is what a loaded one says.
func TestSplineBoundsAreState(t *testing.T) {
	bounds := []float64{2, 3, 4}
	o := nf.SplineOptions{Bounds: bounds}
	for _, c := range []struct {
		flow nf.Flow
		want map[string][]float64
	}{
		{nf.NewElementwiseRationalQuadraticSpline(3, &o, nil), map[string][]float64{"tail_bound": bounds}},
		{nf.NewCircularCoupledRationalQuadraticSpline(3, 8, []int{2}, &nf.CoupledSplineOptions{SplineOptions: o}, rand.NewPCG(1, 2)), map[string][]float64{
			"prqct.tail_bound": {3}, "prqct.unconditional_transform.tail_bound": {2, 4}, "prqct.transform_net.preprocessing.scale": {math.Pi / 4}}},
		{nf.NewCircularAutoregressiveRationalQuadraticSpline(3, 8, []int{0, 2}, &nf.AutoregressiveSplineOptions{SplineOptions: o}, rand.NewPCG(1, 2)), map[string][]float64{
			"mprqat.tail_bound": bounds, "mprqat.autoregressive_net.preprocessing.scale": {math.Pi / 2, math.Pi / 4}}},
	} {
		found := 0
		for _, s := range c.flow.State() {
			want, ok := c.want[s.Name]
			if !ok {
				continue
			}
			found++
			if !slices.Equal(s.Floats, want) {
				t.Errorf("%T: %s is %v, want %v", c.flow, s.Name, s.Floats, want)
			}
			bad := s
			bad.Floats = slices.Clone(s.Floats)
			bad.Floats[0] = 0
			if s.Check(s) != nil || s.Check(bad) == nil {
				t.Errorf("%T: the check of %s accepts %v or refuses %v", c.flow, s.Name, bad.Floats, s.Floats)
			}
			for i := range s.Floats {
				s.Floats[i] = 1
			}
		}
		if found != len(c.want) {
			t.Errorf("%T has %d of the buffers %v", c.flow, found, c.want)
		}
		for _, p := range c.flow.State().Params() {
			for i := range p.Data {
				p.Data[i] += math.Sin(float64(i))
			}
		}
		tape := ad.NewEvalTape(ad.Float64)
		x := tape.Const(2, 3, []float64{1.5, -1.5, 1.5, 0.5, 0.5, -0.5})
		y, _ := c.flow.Inverse(x, nil)
		if got := y.Data(); !slices.Equal(got[:3], x.Data()[:3]) || slices.Equal(got[3:], x.Data()[3:]) {
			t.Errorf("%T with bounds 1: %v went to %v, want the first row to stay", c.flow, x.Data(), got)
		}
	}
}

// Which components are transformed is decided when a layer is built: weights of another layout are refused.
func TestSplineLayoutIsFixed(t *testing.T) {
	f := nf.NewCoupledRationalQuadraticSpline(4, 8, nil, rand.NewPCG(1, 2))
	for _, s := range f.State() {
		if s.Name == "prqct.transform_features" {
			if !slices.Equal(s.Ints, []int{1, 3}) {
				t.Errorf("transformed components are %v, want [1 3]", s.Ints)
			}
			s.Ints = []int{0, 2}
			if s.Check(s) == nil {
				t.Error("other transformed components are accepted, want an error")
			}
			return
		}
	}
	t.Error("the state has no prqct.transform_features")
}

// The features have the period of the circle and leave the others alone.
func TestPeriodicFeatures(t *testing.T) {
	f := nf.NewPeriodicFeaturesElementwise(3, []int{2, 0}, &nf.PeriodicFeaturesOptions{Scales: []float64{math.Pi / 2, math.Pi}})
	copy(f.State()[0].Param.Data, []float64{2, 3, 5, 7}) // of component 2, then of component 0
	tape := ad.NewEvalTape(ad.Float64)
	y := f.Apply(tape.Const(2, 3, []float64{0.25, 9, 0.5, 2.25, 9, -3.5}), nil)
	a, b := math.Sin(math.Pi/4), math.Cos(math.Pi/4)
	want := []float64{5*a + 7*b, 9, 2*a + 3*b}
	for i, got := range y.Data() {
		if w := want[i%3]; math.Abs(got-w) > 1e-14 {
			t.Errorf("feature %d is %v, want %v", i, got, w)
		}
	}
}

// A spline flow on a circle and the line: a density that integrates to 1 over one turn and the line.
func TestCircularSplineDensity(t *testing.T) {
	f := nf.NewCircularCoupledRationalQuadraticSpline(2, 16, []int{1}, &nf.CoupledSplineOptions{SplineOptions: nf.SplineOptions{Bound: math.Pi, RandomInit: true}}, rand.NewPCG(1, 2))
	const n = 400
	var data []float64
	for i := range n {
		for j := range n {
			data = append(data, -math.Pi+(float64(i)+0.5)*2*math.Pi/n, -math.Pi+(float64(j)+0.5)*2*math.Pi/n)
		}
	}
	tape := ad.NewEvalTape(ad.Float64)
	z, logDet := f.Inverse(tape.Const(n*n, 2, data), nil)
	mass := 0.0
	for i, l := range logDet.Data() {
		for j := range 2 {
			if math.Abs(z.At(i, j)) > math.Pi {
				t.Fatalf("%v went to %v, outside of the circle", data[2*i:2*i+2], z.At(i, j))
			}
		}
		mass += math.Exp(l) / (n * n) // uniform on the square
	}
	if math.Abs(mass-1) > 1e-3 {
		t.Errorf("the density integrates to %v, want 1", mass)
	}
}

func TestPeriodicShift(t *testing.T) {
	f := nf.NewPeriodicShift(2, []int{1}, 1, 0.5)
	tape := ad.NewEvalTape(ad.Float64)
	y, _ := f.Forward(tape.Const(2, 2, []float64{0.75, 0.75, -3, -0.25}), nil)
	if want := []float64{0.75, -0.75, -3, 0.25}; !slices.Equal(y.Data(), want) {
		t.Errorf("Forward gives %v, want %v", y.Data(), want)
	}
	z, _ := f.Inverse(y, nil)
	if want := []float64{0.75, 0.75, -3, -0.25}; !slices.Equal(z.Data(), want) {
		t.Errorf("Inverse gives %v, want %v", z.Data(), want)
	}
	wrapped, _ := nf.NewPeriodicWrap(2, []int{1}, 1).Inverse(tape.Const(1, 2, []float64{5, 5}), nil)
	if want := []float64{5, -1}; !slices.Equal(wrapped.Data(), want) {
		t.Errorf("PeriodicWrap.Inverse gives %v, want %v", wrapped.Data(), want)
	}
}
