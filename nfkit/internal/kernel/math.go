package kernel

import "math"

// The functions of this file apply a function to each element of x and store the results in dst, which may be x
// itself but must not overlap it in another way. x is at least as long as dst. Special values are those of package
// math: NaN stays NaN. The result differs from the exact one by at most 2 ulp in float64; float32 is computed in
// float64, where vectors have 35 bits, and rounded, so there by at most 1 ulp.

// Exp stores e^x in dst.
func Exp[T Float](dst, x []T) { each(expOp, dst, x, exp) }

// Log stores ln x in dst.
func Log[T Float](dst, x []T) { each(logOp, dst, x, log) }

// Log1p stores ln(1 + x) in dst.
func Log1p[T Float](dst, x []T) { each(log1pOp, dst, x, math.Log1p) }

// Tanh stores tanh x in dst.
func Tanh[T Float](dst, x []T) { each(tanhOp, dst, x, tanh) }

// Sigmoid stores σ(x) = 1/(1 + e^−x) in dst.
func Sigmoid[T Float](dst, x []T) { each(sigmoidOp, dst, x, sigmoid) }

// Softplus stores ln(1 + e^x) in dst.
func Softplus[T Float](dst, x []T) { each(softplusOp, dst, x, softplus) }

// LogSigmoid stores ln σ(x) = −ln(1 + e^−x) in dst.
func LogSigmoid[T Float](dst, x []T) { each(logSigmoidOp, dst, x, logSigmoid) }

// ELU stores x in dst where x > 0, and e^x − 1 elsewhere.
func ELU[T Float](dst, x []T) { each(eluOp, dst, x, elu) }

// mathOp names a function that has assembly.
type mathOp uint8

const (
	expOp mathOp = iota
	logOp
	log1pOp
	tanhOp
	sigmoidOp
	softplusOp
	logSigmoidOp
	eluOp
)

// each runs the assembly of op, or f where there is none.
func each[T Float](op mathOp, dst, x []T, f func(float64) float64) {
	x = x[:len(dst)]
	if mathAsm(op, dst, x) {
		return
	}
	for i, v := range x {
		dst[i] = T(f(float64(v)))
	}
}

// exp is math.Exp, which on amd64 returns +Inf from 709.44 on, too early by a third.
func exp(x float64) float64 {
	if x > 709 {
		return math.E * math.Exp(x-1)
	}
	return math.Exp(x)
}

// log is math.Log, which on amd64 takes subnormal numbers for normal ones.
func log(x float64) float64 {
	if 0 < x && x < 0x1p-1022 {
		return math.Log(x*0x1p54) - 54*math.Ln2
	}
	return math.Log(x)
}

// tanh is −t/(2 + t) near 0 and 1 − 2e/(1 + e) further out, with e = e^−2|x| and t = e − 1: the form whose rounding
// errors shrink.
func tanh(x float64) float64 {
	y := -2 * math.Abs(x)
	if e := math.Exp(y); e < 0.25 {
		return math.Copysign(1-2*e/(1+e), x)
	}
	t := math.Expm1(y)
	return math.Copysign(divSum(t, 2, t), x)
}

func sigmoid(x float64) float64 {
	t := math.Exp(-math.Abs(x))
	if x < 0 {
		return divSum(t, 1, t)
	}
	return divSum(1, 1, t)
}

// divSum returns x/(a+b) for |b| ≤ a. It corrects the quotient for what the sum and the division rounded off.
func divSum(x, a, b float64) float64 {
	sum := a + b
	low := b - (sum - a)
	q := x / sum
	return q + math.FMA(-q, low, math.FMA(-q, sum, x))/sum
}

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func logSigmoid(x float64) float64 { return min(x, 0) - math.Log1p(math.Exp(-math.Abs(x))) }

func elu(x float64) float64 {
	if x > 0 {
		return x
	}
	return math.Expm1(x)
}
