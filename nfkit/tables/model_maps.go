package tables

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Shape is what a [NewFlow] has to make: a flow of Dim components, all standardised, that takes a context of the given number of columns, 0 for
// none. The components in Circular are angles in [−π, π]: outside, the flow's density is 0, or that of the same point of the circle.
type Shape struct {
	Dim, Context int
	Circular     []int
}

// NewFlow makes the flow of a model, as it is before training. The same function that made a saved model has to be given to [Load]:
//
//	func newFlow(s tables.Shape, src rand.Source) *nf.NormalizingFlow {
//		return nf.NewMAF(s.Dim, &nf.ModelOptions{Layers: 5, Context: s.Context}, src)
//	}
type NewFlow func(s Shape, src rand.Source) *nf.NormalizingFlow

// Spline is the [NewFlow] of models that are not told another: four autoregressive layers of rational-quadratic splines with networks of 64
// hidden units, as [nf.NewNSF] has them; with angles, circular splines, turned between layers by 90°, in orders that alternate.
func Spline(s Shape, src rand.Source) *nf.NormalizingFlow {
	const layers, hidden, bound = 4, 64, 5
	if len(s.Circular) == 0 {
		return nf.NewNSF(s.Dim, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: layers, Hidden: hidden, Context: s.Context}, Bound: bound}, src)
	}
	bounds, scale := make([]float64, s.Dim), make([]float64, s.Dim)
	order, reverse := make([]int, s.Dim), make([]int, s.Dim)
	for j := range s.Dim {
		bounds[j], scale[j] = bound, 1
		order[j], reverse[j] = j, s.Dim-1-j
	}
	for _, j := range s.Circular {
		bounds[j], scale[j] = math.Pi, 2*math.Pi
	}
	var flows []nf.Flow
	for k := range layers {
		opts := nf.AutoregressiveSplineOptions{SplineOptions: nf.SplineOptions{Bounds: bounds}, Net: nf.MADEOptions{Order: order, Context: s.Context}}
		flows = append(flows, nf.NewCircularAutoregressiveRationalQuadraticSpline(s.Dim, hidden, s.Circular, &opts, src))
		if k < layers-1 {
			flows = append(flows, nf.NewPeriodicShift(s.Dim, s.Circular, math.Pi, math.Pi/2))
		}
		order, reverse = reverse, order
	}
	return nf.NewNormalizingFlow(nf.NewUniformGaussian(s.Dim, s.Circular, &nf.UniformGaussianOptions{Scale: scale}), flows)
}

// check panics unless the flow has the shape.
func (s Shape) check(flow *nf.NormalizingFlow) {
	if flow == nil || flow.Dim() != s.Dim || flow.ContextDim() != s.Context {
		got := "nil"
		if flow != nil {
			got = fmt.Sprintf("%d components and a context of %d columns", flow.Dim(), flow.ContextDim())
		}
		panic(fmt.Sprintf("tables: NewFlow made a flow of %s, want %d and %d", got, s.Dim, s.Context))
	}
	if s.Context > 0 {
		flow = flow.Given(mat.NewDense(1, s.Context, nil))
	}
	for _, j := range s.Circular {
		same := mat.NewDense(2, s.Dim, nil) // the same point of the circle twice
		same.Set(0, j, 4)
		same.Set(1, j, 4-2*math.Pi)
		l := flow.LogProb(same)
		if outside, inside := l[0], l[1]; !math.IsInf(outside, -1) && !(math.Abs(outside-inside) < 1e-6) {
			panic(fmt.Sprintf("tables: NewFlow made a flow with log-density %v where component %d is 4 and %v where it is 4 − 2π, but Shape.Circular has %v: that is an angle",
				outside, j, inside, s.Circular))
		}
	}
}

// The ways in which columns come of real numbers.

func (c Column) isCircular() bool { return c.Kind == "circular" }

func (c Column) hasLower() bool {
	return c.Kind == "positive" || c.Kind == "whole" && !math.IsInf(c.Lo, -1) && math.IsInf(c.Hi, 1)
}

func (c Column) hasBoth() bool {
	return c.Kind == "bounded" || c.Kind == "whole" && !math.IsInf(c.Hi, 1)
}

// upper returns the upper bound of numbers with noise.
func (c Column) upper() float64 {
	if c.Kind == "whole" {
		return c.Hi + 1
	}
	return c.Hi
}

// indices returns the numbers of the columns of a kind.
func indices(columns []Column, is func(Column) bool) []int {
	var index []int
	for j, c := range columns {
		if is(c) {
			index = append(index, j)
		}
	}
	return index
}

// maps returns the flows from standardised numbers to columns in their units.
func maps(columns []Column, mean, scale []float64) []nf.Flow {
	dim := len(columns)
	shift, factor := make([]float64, dim), make([]float64, dim)
	for j, c := range columns {
		factor[j] = 1
		switch {
		case c.hasLower():
			shift[j] = c.Lo
		case c.isCircular():
			shift[j], factor[j] = c.Lo+(c.Hi-c.Lo)/2, (c.Hi-c.Lo)/(2*math.Pi)
		}
	}
	flows := []nf.Flow{fixed(mean, scale)}
	if index := indices(columns, Column.hasLower); index != nil {
		flows = append(flows, nf.NewIndexed(dim, index, nf.NewExp(len(index))))
	}
	for _, j := range indices(columns, Column.hasBoth) {
		flows = append(flows, nf.NewIndexed(dim, []int{j}, nf.NewSigmoid(1, columns[j].Lo, columns[j].upper())))
	}
	if index := indices(columns, Column.isCircular); index != nil {
		flows = append(flows, nf.NewPeriodicWrap(dim, index, math.Pi))
	}
	return append(flows, fixed(shift, factor))
}

// fixed returns the map x = z⊙factor + shift, which training leaves as it is.
func fixed(shift, factor []float64) *nf.AffineConstFlow {
	f := nf.NewAffineConstFlow(len(shift), &nf.AffineConstOptions{NoScale: true, NoShift: true})
	s := f.State()
	for j := range shift {
		s[0].Param.Data[j], s[1].Param.Data[j] = math.Log(factor[j]), shift[j]
	}
	return f
}

// coordinate returns the real number that the maps bring to x, before it is standardised; that of the middle of the interval of a whole number;
// and of a point of a circle its angle.
func (c Column) coordinate(x float64) float64 {
	if c.Kind == "whole" {
		x += 0.5
	}
	switch {
	case c.hasLower():
		return math.Log(x - c.Lo)
	case c.hasBoth():
		return math.Log(x-c.Lo) - math.Log(c.upper()-x)
	case c.isCircular():
		return (c.wrap(x)-c.Lo)/(c.Hi-c.Lo)*2*math.Pi - math.Pi
	}
	return x
}

// contextDim returns the number of columns of what the flow gets of those that are given.
func (m *Model) contextDim() int {
	n := len(m.columns) - m.dim
	return n + len(indices(m.columns[m.dim:], Column.isCircular))
}

// encode returns what the flow gets of the columns that are given.
func (m *Model) encode(given *mat.Dense) *mat.Dense {
	n, _ := given.Dims()
	context := mat.NewDense(n, m.contextDim(), nil)
	for i := range n {
		row := context.RawRowView(i)[:0]
		for j, c := range m.columns[m.dim:] {
			v := c.coordinate(given.At(i, j))
			if c.isCircular() {
				sin, cos := math.Sincos(v)
				row = append(row, sin, cos)
			} else {
				row = append(row, (v-m.mean[j])/m.scale[j])
			}
		}
	}
	return context
}
