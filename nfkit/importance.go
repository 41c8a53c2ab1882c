package nfkit

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ImportanceSample returns n points drawn from the model, n×d, and the logarithms of their weights w = p̃(x)/q(x): with
// them, they stand for the target,
//
//	E_p[f] ≈ Σ wᵢ·f(xᵢ) / Σ wᵢ.
//
// Package eval says how many points that is worth, estimates ln ∫p̃ and expectations, and makes the weights safer. A
// point outside the support of the target has a log-weight of −Inf. It panics when n is not positive.
func (m *NormalizingFlow) ImportanceSample(target Target, n int, src rand.Source) (x *mat.Dense, logWeights []float64) {
	return m.draw("ImportanceSample", target, n, src).weights()
}

// weights returns the points and ln p̃ − ln q of each.
func (d *draw) weights() (x *mat.Dense, logWeights []float64) {
	n, _ := d.noise.Dims()
	x, logWeights = mat.NewDense(n, d.m.Dim(), nil), make([]float64, n)
	d.m.each(n, func(t *ad.Tape, lo, hi int) {
		v, logQ, logP := d.rows(t, lo, hi)
		v.DataTo(rows(x, lo, hi))
		logP.Sub(logQ).DataTo(logWeights[lo:hi])
	})
	return x, logWeights
}

// logSumExp is that of gonum, but NaN if there is a NaN beside an infinite number, and −Inf for no numbers.
func logSumExp(s []float64) float64 {
	switch {
	case len(s) == 0:
		return math.Inf(-1)
	case floats.HasNaN(s):
		return math.NaN()
	}
	return floats.LogSumExp(s)
}
