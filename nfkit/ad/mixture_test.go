package ad_test

import (
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// A mixture and its slope agree with their composition from simple operations; far out, where all parts are on one side, they are that of the nearest
// part, and a row of infinite numbers does not disturb others.
func TestLogisticMixture(t *testing.T) {
	o := opCases["LogisticMixture"].draw([]shape{{9, 8}, {9, 8}, {9, 8}}, newRand())
	composed := opCase{f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
		zero := v.Tape().Full(1, 1, 0)
		logits, a, r := v.LogSoftmax(), zero.Add(more[0]), zero.Add(more[1])
		below, above := a.LogSigmoid(), a.Neg().LogSigmoid()
		cdf, tail := logits.Add(below).LogSumExp(), logits.Add(above).LogSumExp()
		density := logits.Add(below).Add(above).Add(r).LogSumExp()
		return []*ad.Value{cdf.Sub(tail), density.Sub(cdf).Sub(tail), r}
	}}
	grads, results := opCases["LogisticMixture"].gradients(ad.NewTape(ad.Float64), o)
	wantGrads, wantResults := composed.gradients(ad.NewTape(ad.Float64), o)
	compare(t, "LogisticMixture", results, wantResults, 1e-13)
	compare(t, "the gradient of LogisticMixture", grads, wantGrads, 1e-12)

	tape := ad.NewTape(ad.Float64)
	logits := tape.Variable(5, 2, []float64{0, 0, 0, 0, 300, 300, 0, 0, 0, 0})
	a := tape.Variable(5, 2, []float64{400, 1000, -1000, -400, 400, 1000, inf, inf, -inf, -inf})
	y, s := logits.LogisticMixture(a, tape.Full(5, 2, 0))
	half := 400 + math.Ln2
	compare(t, "LogisticMixture far out", [][]float64{y.Data(), s.Data()[:3]}, [][]float64{{half, -half, half, inf, -inf}, {0, 0, 0}}, 1e-13)
	tape.Backward(y.Sum())
	compare(t, "its gradient", [][]float64{a.Grad()[:6]}, [][]float64{{1, 0, 0, 1, 1, 0}}, 1e-13)
}
