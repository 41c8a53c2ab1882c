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

// rows returns the parts of rows lo to hi, of m elements each.
func (p mixtureParts[T]) rows(lo, hi, m int) mixtureParts[T] {
	return mixtureParts[T]{p.below[lo*m : hi*m], p.above[lo*m : hi*m], p.density[lo*m : hi*m], p.sigma[lo*m : hi*m]}
}

func logisticMixtureForward[T kernel.Float](v *Value) {
	logits, a, r, m := of[T](v.args[0]).data, of[T](v.args[1]).data, of[T](v.args[2]).data, v.args[0].cols
	extra := take[T](v.tape, 4*len(a))
	of[T](v).extra = extra
	rate := take[T](v.tape, len(r))
	kernel.Exp(rate, r)
	mixtureRows(of[T](v).data, of[T](v.twin).data, partsOf(extra), logits, a, r, rate, m)
}

// mixtureRows computes the mixtures of rows, given r and e^r, and what the backward pass needs. With the weights w = e^v,
//
//	y = ln(Σ w·σ(a) / Σ w·σ(−a)),  the slope is Σ w·σ(a)·σ(−a)·e^r · Σ w / (Σ w·σ(a) · Σ w·σ(−a)).
//
// Each rounding on the way to y keeps the order of two numbers, so y never falls where a rises. A row where one of these sums is too small or too large is
// computed by logarithms.
func mixtureRows[T kernel.Float](y, slope []T, p mixtureParts[T], logits, a, r, rate []T, m int) {
	least, most := sumRange[T]()
	kernel.Exp(p.below, logits)
	kernel.Scale(p.sigma, -1, a)
	kernel.Exp(p.sigma, p.sigma)
	for i := range y {
		below, above, density, sigma, rate := p.below[i*m:][:m], p.above[i*m:][:m], p.density[i*m:][:m], p.sigma[i*m:][:m], rate[i*m:][:m]
		var all, cdf, tail, sum T
		for j, w := range below {
			e := sigma[j]
			s, t := 1/(1+e), 1/(1+1/e)
			part, rest := w*s, w*t
			d := part * t * rate[j]
			sigma[j], below[j], above[j], density[j] = s, part, rest, d
			all, cdf, tail, sum = all+w, cdf+part, tail+rest, sum+d
		}
		if !(cdf > least && tail > least && sum > least && all < most && sum < most) {
			y[i], slope[i] = 1, 0
			continue
		}
		inCDF, inTail, inSum := 1/cdf, 1/tail, 1/sum
		for j := range below {
			below[j], above[j], density[j] = below[j]*inCDF, above[j]*inTail, density[j]*inSum
		}
		y[i], slope[i] = cdf*inTail, sum*inTail*(all*inCDF)
	}
	kernel.Log(y, y)
	kernel.Log(slope, slope)
	for i, s := range slope {
		if !(s > T(math.Inf(-1))) {
			lo, hi := i*m, (i+1)*m
			mixtureByLogarithms(&y[i], &slope[i], p.rows(i, i+1, m), logits[lo:hi], a[lo:hi], r[lo:hi])
		}
	}
}

// sumRange returns between what a sum of exponentials has all its digits, as have quotients of two.
func sumRange[T kernel.Float]() (least, most T) {
	if _, single := any(least).(float32); single {
		return 1e-30, 1e7
	}
	return 1e-290, 1e17
}

// mixtureByLogarithms computes a mixture from the logarithms of its parts, however far out.
func mixtureByLogarithms[T kernel.Float](y, slope *T, p mixtureParts[T], logits, a, r []T) {
	kernel.LogSigmoid(p.below, a)
	kernel.Scale(p.above, -1, a)
	kernel.LogSigmoid(p.above, p.above)
	kernel.Sigmoid(p.sigma, a)
	kernel.Add(p.density, p.below, p.above)
	kernel.Add(p.density, p.density, r)
	for _, part := range [...][]T{p.below, p.above, p.density} {
		kernel.Add(part, part, logits)
	}
	cdf, tail, density := softmax(p.below), softmax(p.above), softmax(p.density)
	top, low := max(cdf, tail), min(cdf, tail)
	all := top + T(math.Log1p(math.Exp(float64(low-top)))) // of the weights
	*y, *slope = cdf-tail, density-cdf-tail+all
}

// softmax makes x its softmax, 0 where the logarithm of the sum of exponentials, which it returns, is −Inf.
func softmax[T kernel.Float](x []T) (logSum T) {
	top := T(math.Inf(-1))
	for _, x := range x {
		top = max(top, x)
	}
	if top-top != 0 {
		top = 0
	}
	for j := range x {
		x[j] -= top
	}
	kernel.Exp(x, x)
	var s T
	for _, e := range x {
		s += e
	}
	if s != 0 {
		kernel.Scale(x, 1/s, x)
	}
	return top + T(math.Log(float64(s)))
}

// With the shares p, q and d of a part in F, 1 − F and the density, by its logit: ∂y = p − q, ∂ln slope = d − p − q + π; by a, for which
// σ(−a) = 1 − σ: ∂y = p·(1−σ) + q·σ, ∂ln slope = d·(1 − 2σ) − p·(1−σ) + q·σ; by r: ∂ln slope = d. π = F·p + (1−F)·q.
func logisticMixtureBackward[T kernel.Float](v *Value) {
	m, p := v.args[0].cols, partsOf(of[T](v).extra)
	dLogits, da, dr := gradient[T](v.args[0]), gradient[T](v.args[1]), gradient[T](v.args[2])
	gy, gs := of[T](v).grad, twinGradient[T](v)
	cdf := take[T](v.tape, v.rows)
	kernel.Sigmoid(cdf, of[T](v).data)
	for i, f := range cdf {
		var byY, bySlope T
		if gy != nil {
			byY = gy[i]
		}
		if gs != nil {
			bySlope = gs[i]
		}
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
