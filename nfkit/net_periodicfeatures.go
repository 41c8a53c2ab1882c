package nfkit

import (
	"fmt"
	"math"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// PeriodicFeaturesOptions are the options of [NewPeriodicFeaturesElementwise].
type PeriodicFeaturesOptions struct {
	Scale  float64   // factor of the angles; 0 means 1
	Scales []float64 // the factor of each angle, instead of one for all; kept with the weights as scale
}

// PeriodicFeaturesElementwise is the network that makes angles fit for another one: with the weights u and v of each
// angle,
//
//	x_j ↦ u·sin(s·x_j) + v·cos(s·x_j)
//
// for the angles among the columns of x, and x_j ↦ x_j for the others, so that the result has period 2π/s. It is made
// for the Preprocess option of [NewResidualNet] and [NewMADE]. One number for each angle keeps components apart, which
// a MADE needs; two different angles can look the same. Weights start at 1. Its twin in normflows is
// utils.nn.PeriodicFeaturesElementwise.
type PeriodicFeaturesElementwise struct {
	angles, others []int
	merge          []int     // column of (angles, others) where each component is
	scale          []float64 // of each angle, or one for all
	buffer         bool      // scale is one of the tensors
	weights        *ad.Param // u and v of each angle
}

var _ Net = (*PeriodicFeaturesElementwise)(nil)

// NewPeriodicFeaturesElementwise returns the network for dim columns, of which those with the given numbers are angles.
// A nil opts means the defaults. It panics when there are no angles, one is named twice or out of range, or an option
// is.
func NewPeriodicFeaturesElementwise(dim int, angles []int, opts *PeriodicFeaturesOptions) *PeriodicFeaturesElementwise {
	const caller = "NewPeriodicFeaturesElementwise"
	f := &PeriodicFeaturesElementwise{angles: slices.Clone(angles), others: otherComponents(caller, "components on a circle", dim, angles), scale: []float64{1}}
	if opts != nil {
		switch {
		case opts.Scale != 0 && opts.Scales != nil:
			panic(fmt.Sprintf("nfkit: %s: got Scale %v and Scales %v, want one of them", caller, opts.Scale, opts.Scales))
		case opts.Scales != nil && len(opts.Scales) != len(angles):
			panic(fmt.Sprintf("nfkit: %s: got %d Scales, want %d", caller, len(opts.Scales), len(angles)))
		case opts.Scales != nil:
			f.scale, f.buffer = slices.Clone(opts.Scales), true
		case opts.Scale != 0:
			f.scale = []float64{opts.Scale}
		}
		if err := checkPositive(f.scale); err != nil {
			panic(fmt.Sprintf("nfkit: %s: got scales %v, want positive numbers", caller, f.scale))
		}
	}
	f.merge = mergeOrder(f.angles, f.others)
	weights := make([]float64, 2*len(angles))
	for i := range weights {
		weights[i] = 1
	}
	f.weights = ad.NewParam(len(angles), 2, weights)
	return f
}

// In returns the number of columns.
func (f *PeriodicFeaturesElementwise) In() int { return len(f.merge) }

// Out returns the number of columns.
func (f *PeriodicFeaturesElementwise) Out() int { return len(f.merge) }

// Apply returns the features.
func (f *PeriodicFeaturesElementwise) Apply(x, _ *ad.Value) *ad.Value {
	checkBatch("PeriodicFeaturesElementwise.Apply", x, f.In())
	t := x.Tape()
	a := x.Columns(f.angles).Mul(t.Const(1, len(f.scale), f.scale))
	w := t.Param(f.weights)
	sin, cos := w.Slice(0, 1).Reshape(1, len(f.angles)), w.Slice(1, 2).Reshape(1, len(f.angles))
	y := a.Sin().Mul(sin).Add(a.Cos().Mul(cos))
	return y.Concat(x.Columns(f.others)).Columns(f.merge)
}

// State lists the weights, which columns are angles, and scale if each angle has one of its own.
func (f *PeriodicFeaturesElementwise) State() State {
	s := State{
		ParamTensor("weights", f.weights, len(f.angles), 2),
		fixedTensor("ind", f.angles),
		fixedTensor("ind_", f.others),
		fixedTensor("inv_perm", f.merge),
	}
	if f.buffer {
		s = append(s, Tensor{Name: "scale", Shape: []int{len(f.scale)}, Floats: f.scale, Check: func(t Tensor) error { return checkPositive(t.Floats) }})
	}
	return s
}

// otherComponents returns the numbers below dim that are not in index, in order. It panics when index is empty, or a
// number in it is named twice or out of range.
func otherComponents(caller, what string, dim int, index []int) []int {
	if len(index) == 0 {
		panic(fmt.Sprintf("nfkit: %s: got no %s, want at least one of %d", caller, what, dim))
	}
	named := make([]bool, max(dim, 0))
	for _, j := range index {
		if j < 0 || j >= dim || named[j] {
			panic(fmt.Sprintf("nfkit: %s: got components %v, want different numbers from 0 to %d", caller, index, dim-1))
		}
		named[j] = true
	}
	others := []int{}
	for j, n := range named {
		if !n {
			others = append(others, j)
		}
	}
	return others
}

// mergeOrder returns in which column of the concatenation of a and b each component is.
func mergeOrder(a, b []int) []int {
	merge := make([]int, len(a)+len(b))
	for at, j := range slices.Concat(a, b) {
		merge[j] = at
	}
	return merge
}

// anglesTo returns the numbers in part, from 0, of the components of part that are among the angles.
func anglesTo(part, angles []int) []int {
	var at []int
	for i, j := range part {
		if slices.Contains(angles, j) {
			at = append(at, i)
		}
	}
	return at
}

// periodicFeatures returns the network that makes the angles of a spline flow fit for its conditioner, nil if there are
// none.
func (s *RationalQuadraticSpline) periodicFeatures(dim int, angles []int) Net {
	if len(angles) == 0 {
		return nil
	}
	o := &PeriodicFeaturesOptions{}
	if s.buffer {
		for _, j := range angles {
			o.Scales = append(o.Scales, math.Pi/s.Upper[j])
		}
	} else if s.Lower != nil {
		o.Scale = 2 * math.Pi / (s.Upper[0] - s.Lower[0])
	} else {
		o.Scale = math.Pi / s.Upper[0]
	}
	return NewPeriodicFeaturesElementwise(dim, angles, o)
}
