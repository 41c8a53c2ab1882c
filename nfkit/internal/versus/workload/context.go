package workload

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// contextDim is the number of columns of a context: two means, and two standard deviations.
const contextDim = 4

// Context returns a context for each row, nil for a model that takes none.
func (r Row) Context() *mat.Dense {
	if r.Kind != ContextSpline {
		return nil
	}
	draw := rand.New(rand.NewPCG(7, 8))
	c := mat.NewDense(r.N, contextDim, nil)
	for i := range r.N {
		c.SetRow(i, []float64{draw.NormFloat64(), draw.NormFloat64(), 0.5 + 0.5*draw.Float64(), 0.5 + 0.5*draw.Float64()})
	}
	return c
}
