package eval_test

import (
	"gonum.org/v1/gonum/mat"
)

// shifted returns x with a number added to each column.
func shifted(x *mat.Dense, by ...float64) *mat.Dense {
	y := mat.DenseCopyOf(x)
	y.Apply(func(_, j int, v float64) float64 { return v + by[j] }, y)
	return y
}
