package ad_test

import (
	"fmt"
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

// The layers of a deep sigmoidal network agree with their composition in float64, near 0 and where sums of exponentials leave the range of their numbers,
// with gradients, in both precisions. A row of infinite numbers does not disturb others.
func TestDeepSigmoidFarOut(t *testing.T) {
	const n, m, layers, clip = 70, 5, 2, 3
	rng := newRand()
	for precision, tol := range map[ad.Precision]float64{ad.Float64: 1e-11, ad.Float32: 2e-4} {
		for _, scale := range []float64{1, 8, 30, 100, 1000} {
			x, p := make([]float64, n), make([]float64, n*3*m*layers)
			for i := range x {
				x[i] = float64(float32(scale * rng.NormFloat64()))
			}
			for i := range p {
				p[i] = float64(float32(rng.NormFloat64()))
				if i/m%3 != 1 {
					p[i] = float64(float32(scale * p[i]))
				}
			}
			run := func(tape *ad.Tape, f func(x, p *ad.Value) (y, s *ad.Value)) [][]float64 {
				xv, pv := tape.Variable(n, 1, x), tape.Variable(n, 3*m*layers, p)
				y, s := f(xv, pv)
				tape.Backward(y.Add(s.Scale(0.5)).Sum())
				return [][]float64{y.Data(), s.Data(), xv.Grad(), pv.Grad()}
			}
			got := run(ad.NewTape(precision), func(x, p *ad.Value) (y, s *ad.Value) { return x.DeepSigmoid(p, layers, clip) })
			want := run(ad.NewTape(ad.Float64), func(x, p *ad.Value) (y, s *ad.Value) {
				s = x.Tape().Full(n, 1, 0)
				for l := range layers {
					part := func(k int) *ad.Value { return p.Slice((3*l+k)*m, (3*l+k+1)*m) }
					r := part(1).SoftClip(clip)
					a := r.Exp().Mul(x).Add(part(2))
					below, above := part(0).Add(a.LogSigmoid()), part(0).Add(a.Neg().LogSigmoid())
					cdf, tail := below.LogSumExp(), above.LogSumExp()
					density := below.Add(a.Neg().LogSigmoid()).Add(r).LogSumExp()
					x, s = cdf.Sub(tail), s.Add(density).Sub(cdf).Sub(tail).Add(part(0).LogSumExp())
				}
				return x, s
			})
			compare(t, fmt.Sprintf("DeepSigmoid in %v at %v", precision, scale), got, want, tol*max(1, scale/10))
		}
	}
	tape := ad.NewTape(ad.Float64)
	p := make([]float64, 3*6)
	y, _ := tape.Variable(3, 1, []float64{inf, 0.5, -inf}).DeepSigmoid(tape.Variable(3, 6, p), 1, clip)
	compare(t, "DeepSigmoid of infinite numbers", [][]float64{y.Data()}, [][]float64{{inf, 0.5, -inf}}, 1e-14)
}
