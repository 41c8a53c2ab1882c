package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// LogisticMixture returns the logit of the distribution function of a mixture of logistic distributions, n×1, with weights π = softmax(v),
//
//	y = logit F,  F = Σⱼ πⱼ·σ(aⱼ),
//
// and the logarithm of its derivative by what the aⱼ have derivatives e^{rⱼ} by, n×1,
//
//	ln Σⱼ πⱼ·σ(aⱼ)·σ(−aⱼ)·e^{rⱼ} − ln F − ln(1 − F),
//
// of each row of v, a and logRate r, all n×m. Both are computed from logarithms of both tails: there is no cancellation, however far out. Cost O(nm).
// It panics when sizes differ. Ho et al. 2019, arXiv:1902.00275, eq. 13; it is a layer of Huang et al. 2018, arXiv:1804.00779, eq. 8, as well.
func (v *Value) LogisticMixture(a, logRate *Value) (y, logSlope *Value) {
	t := v.tape
	t.check("LogisticMixture", v)
	t.check("LogisticMixture", a)
	t.check("LogisticMixture", logRate)
	if a.rows != v.rows || a.cols != v.cols || logRate.rows != v.rows || logRate.cols != v.cols {
		panic(fmt.Sprintf("ad: LogisticMixture: got %d×%d logits, %d×%d numbers and %d×%d rates, want one size", v.rows, v.cols, a.rows, a.cols, logRate.rows, logRate.cols))
	}
	y = t.apply(logisticMixtureOp, v.rows, 1, v, a, logRate)
	logSlope = t.apply(twinOp, v.rows, 1, y)
	y.twin = logSlope
	y.run()
	return y, logSlope
}

var logisticMixtureOp = &op{name: "LogisticMixture",
	forward64: logisticMixtureForward[float64], backward64: logisticMixtureBackward[float64],
	forward32: logisticMixtureForward[float32], backward32: logisticMixtureBackward[float32]}

// mixtureParts are the shares of the parts of each row in F, in 1 − F and in the density, and σ(a), all n×m.
type mixtureParts[T kernel.Float] struct{ below, above, density, sigma []T }

// partsOf returns those that the forward pass keeps.
func partsOf[T kernel.Float](extra []T) mixtureParts[T] {
	n := len(extra) / 4
	return mixtureParts[T]{extra[:n], extra[n : 2*n], extra[2*n : 3*n], extra[3*n:]}
}

func logisticMixtureForward[T kernel.Float](v *Value) {
	logits, a, r, m := of[T](v.args[0]).data, of[T](v.args[1]).data, of[T](v.args[2]).data, v.args[0].cols
	y, slope := of[T](v).data, of[T](v.twin).data
	extra := take[T](v.tape, 4*len(a))
	of[T](v).extra = extra
	p := partsOf(extra)
	kernel.LogSigmoid(p.below, a)
	kernel.Scale(p.above, -1, a)
	kernel.LogSigmoid(p.above, p.above)
	kernel.Sigmoid(p.sigma, a)
	kernel.Add(p.density, p.below, p.above)
	kernel.Add(p.density, p.density, r)
	for _, part := range [...][]T{p.below, p.above, p.density} {
		kernel.Add(part, part, logits)
	}
	sums := take[T](v.tape, 3*len(y))
	cdf, tail, density := sums[:len(y)], sums[len(y):2*len(y)], sums[2*len(y):]
	softmaxRows(cdf, p.below, m)
	softmaxRows(tail, p.above, m)
	softmaxRows(density, p.density, m)
	for i := range y {
		top, low := max(cdf[i], tail[i]), min(cdf[i], tail[i])
		all := top + T(math.Log1p(math.Exp(float64(low-top)))) // of the weights
		y[i] = cdf[i] - tail[i]
		slope[i] = density[i] - cdf[i] - tail[i] + all
	}
}

// softmaxRows makes each row of x, of m elements, its softmax, and stores the logarithms of the sums of exponentials; the softmax is 0 where that is −Inf.
func softmaxRows[T kernel.Float](logSum, x []T, m int) {
	for i := range logSum {
		row := x[i*m : (i+1)*m]
		top := T(math.Inf(-1))
		for _, x := range row {
			top = max(top, x)
		}
		if top-top != 0 {
			top = 0
		}
		for j := range row {
			row[j] -= top
		}
		logSum[i] = top
	}
	kernel.Exp(x, x)
	for i := range logSum {
		row := x[i*m : (i+1)*m]
		var s T
		for _, e := range row {
			s += e
		}
		logSum[i] += T(math.Log(float64(s)))
		if s != 0 {
			kernel.Scale(row, 1/s, row)
		}
	}
}

// With the shares p, q and d of a part in F, 1 − F and the density, by its logit: ∂y = p − q, ∂ln slope = d − p − q + π; by a, for which
// σ(−a) = 1 − σ: ∂y = p·(1−σ) + q·σ, ∂ln slope = d·(1 − 2σ) − p·(1−σ) + q·σ; by r: ∂ln slope = d. π = F·p + (1−F)·q.
func logisticMixtureBackward[T kernel.Float](v *Value) {
	m, p := v.args[0].cols, partsOf(of[T](v).extra)
	dLogits, da, dr := gradient[T](v.args[0]), gradient[T](v.args[1]), gradient[T](v.args[2])
	y, gy, gs := of[T](v).data, of[T](v).grad, twinGradient[T](v)
	for i, y := range y {
		var byY, bySlope T
		if gy != nil {
			byY = gy[i]
		}
		if gs != nil {
			bySlope = gs[i]
		}
		f := T(sigmoid(y))
		row := func(x []T) []T { return x[i*m : (i+1)*m] }
		below, above, density, sigma := row(p.below), row(p.above), row(p.density), row(p.sigma)
		if dLogits != nil {
			d, b, a := row(dLogits), byY+bySlope*(f-1), -byY-bySlope*f
			for j := range d {
				d[j] += b*below[j] + a*above[j] + bySlope*density[j]
			}
		}
		if da != nil {
			d := row(da)
			for j := range d {
				s := sigma[j]
				d[j] += (byY-bySlope)*below[j]*(1-s) + (byY+bySlope)*above[j]*s + bySlope*density[j]*(1-2*s)
			}
		}
		if dr != nil {
			d := row(dr)
			for j := range d {
				d[j] += bySlope * density[j]
			}
		}
	}
}

func init() {
	logisticMixtureOp.tangent = partsTangent(func(v *Value) (y, logSlope *Value) {
		logits, a, r := v.args[0], v.args[1], v.args[2]
		below, above := logits.Add(a.LogSigmoid()), a.Neg().LogSigmoid()
		cdf, tail := below.LogSumExp(), logits.Add(above).LogSumExp()
		density := below.Add(above).Add(r).LogSumExp()
		return cdf.Sub(tail), density.Sub(cdf).Sub(tail).Add(logits.LogSumExp())
	})
}
