package nfkit_test

import (
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
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

// coupledSplineCase has, if asked for, the first component and every third after it as angles, and a bound for each component.
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

// autoregressiveSplineCase has a small network: the components of a point amplify errors of those before them, and steep
// splines do so beyond any bound.
func autoregressiveSplineCase(circular bool, o nf.AutoregressiveSplineOptions) flowCase {
	options := splineCaseOptions(o.SplineOptions)
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			o := o
			o.Net = nf.MADEOptions{Blocks: 1, Context: context, Activation: nf.ActTanh}
			if !circular {
				o.Net.Order = rand.New(src).Perm(dim)
				return nf.NewAutoregressiveRationalQuadraticSpline(dim, 6, &o, src)
			}
			o.Bounds = splineCaseBounds(dim)
			return nf.NewCircularAutoregressiveRationalQuadraticSpline(dim, 6, splineCaseAngles(dim), &o, src)
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
