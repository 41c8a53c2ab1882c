package onnx

import (
	"math"
	"sync"
)

var inf = math.Inf(1)

// The tail of the normal distribution, Q = Φ(−x) for x ≥ 0, is
//
//	ln Q = −x²/2 + ln s + p(2s−1),  s = 1/(1 + x/√8),
//
// with a smooth function p on [−1, 1], for which normalTail has a polynomial.

// normalTailDegree is that of a polynomial with 15 digits.
const normalTailDegree = 26

// normalTail returns the coefficients of p, from the lowest: interpolation in Chebyshev nodes, as monomials. The coefficients fall so fast that
// these are as good.
var normalTail = sync.OnceValue(func() []float64 {
	const n = normalTailDegree + 1
	cos := func(k int) float64 { return math.Cos(math.Pi / (2 * n) * float64(k%(4*n))) } // small arguments are accurate
	values := make([]float64, n)
	for i := range values {
		s := (1 + cos(2*i+1)) / 2
		values[i] = logScaledTail(math.Sqrt(8)*(1/s-1)) - math.Log(s)
	}
	power, before, after := make([]float64, n), make([]float64, n), make([]float64, n)
	before[0], after[1] = 1, 1 // the Chebyshev polynomials T₀ and T₁
	for k := range n {
		var c float64
		for i, v := range values {
			c += v * cos(k*(2*i+1)) * 2 / n
		}
		if k == 0 {
			c /= 2
		}
		for i, x := range before {
			power[i] += c * x
		}
		next := make([]float64, n)
		for i := range n - 1 {
			next[i+1] = 2 * after[i]
		}
		for i := range n {
			next[i] -= before[i]
		}
		before, after = after, next
	}
	return power
})

// logScaledTail returns ln Φ(−x) + x²/2.
func logScaledTail(x float64) float64 {
	if x < 3 {
		return math.Log(math.Erfc(x/math.Sqrt2)/2) + x*x/2
	}
	h := x // φ(x)/Φ(−x) as a continued fraction
	for k := 200.0; k >= 1; k-- {
		h = x + k/h
	}
	return -math.Log(2*math.Pi)/2 - math.Log(h)
}

// logNormalTail returns ln Φ(−x) for x ≥ 0.
func (t *translation) logNormalTail(x string) string {
	one := t.number(1)
	s := t.op("Reciprocal", t.op("Add", one, t.op("Mul", x, t.number(1/math.Sqrt(8)))))
	u := t.op("Sub", t.op("Add", s, s), one)
	c := normalTail()
	n := len(c) - 1
	for ; math.Abs(c[n]) < t.epsilon()/64; n-- {
	}
	p := t.number(c[n])
	for k := n - 1; k >= 0; k-- {
		p = t.op("Add", t.op("Mul", p, u), t.number(c[k]))
	}
	return t.op("Sub", t.op("Add", t.op("Log", s), p), t.op("Mul", t.op("Mul", x, x), t.number(0.5)))
}

// bothTails returns ln Φ(x) and ln Φ(−x) for x ≥ 0.
func (t *translation) bothTails(x string) (above, below string) {
	below = t.logNormalTail(x)
	return t.log1p(t.op("Neg", t.op("Exp", below))), below
}

func (t *translation) logNormalCDF(x string) string {
	above, below := t.bothTails(t.op("Abs", x))
	return t.where(t.positive(x), above, below)
}

// normalHazard is φ/Φ.
func (t *translation) normalHazard(x string) string {
	logDensity := t.op("Mul", t.op("Mul", x, x), t.number(-0.5))
	logDensity = t.op("Sub", logDensity, t.number(math.Log(2*math.Pi)/2))
	return t.op("Exp", t.op("Sub", logDensity, t.logNormalCDF(x)))
}

// normalSteps of Newton's method are enough for the last digit.
const normalSteps = 6

// normalOfLogit solves G(y) = ln Φ(y) − ln Φ(−y) = |l| by Newton's method. G is convex for y > 0, so that it comes down to the root from a start above:
// G(y) ≥ G′(0)·y = 4φ(0)·y and G(y) ≥ y²/2.
func (t *translation) normalOfLogit(l string) string {
	a := t.op("Abs", l)
	line, root := t.op("Mul", a, t.number(math.Sqrt(2*math.Pi)/4)), t.op("Sqrt", t.op("Add", a, a))
	start := t.where(t.op("Less", line, root), line, root)
	y := t.loop(normalSteps, nil, []carried{{start, t.element, 2}}, func(now []string) ([]string, string) {
		y := now[0]
		above, below := t.bothTails(y)
		g := t.op("Sub", t.op("Sub", above, below), a)
		logDensity := t.op("Sub", t.op("Mul", t.op("Mul", y, y), t.number(-0.5)), t.number(math.Log(2*math.Pi)/2))
		slope := t.op("Add", t.op("Exp", t.op("Sub", logDensity, above)), t.op("Exp", t.op("Sub", logDensity, below)))
		return []string{t.op("Sub", y, t.op("Div", g, slope))}, ""
	})[0]
	y = t.where(t.op("Less", l, t.number(0)), t.op("Neg", y), y)
	return t.where(t.op("Equal", a, t.number(inf)), l, y)
}
