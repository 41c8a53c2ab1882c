package eval

import (
	"gonum.org/v1/gonum/mat"
)

// PIT returns the probability integral transform F(x) of each number of x: uniform on [0, 1], and in columns independent
// of one another, if F is the distribution function of x. [KolmogorovSmirnovUniform] tests a column.
//
// The latent variables of a flow, with the distribution function of its base, are the multivariate transform of Rosenblatt
// 1952: for a normal base,
//
//	z, _ := model.Inverse(x)
//	u := eval.PIT(z, distuv.UnitNormal.CDF)
func PIT(x mat.Matrix, cdf func(float64) float64) *mat.Dense {
	var u mat.Dense
	u.Apply(func(_, _ int, v float64) float64 { return cdf(v) }, x)
	return &u
}
