package kernel

import "math"

// The functions of this file apply a function to each element of x and store the results in dst, which may be x
// itself but must not overlap it in another way. x is at least as long as dst. Special values are those of package
// math: NaN stays NaN. The result differs from the exact one by at most 2 ulp in float64; float32 is computed in
// float64 and rounded, so there by at most 1 ulp.

// Exp stores e^x in dst.
func Exp[T Float](dst, x []T) { each(dst, x, math.Exp) }

// Log stores ln x in dst.
func Log[T Float](dst, x []T) { each(dst, x, math.Log) }

// Log1p stores ln(1 + x) in dst.
func Log1p[T Float](dst, x []T) { each(dst, x, math.Log1p) }

// Tanh stores tanh x in dst.
func Tanh[T Float](dst, x []T) { each(dst, x, tanh) }

// Sigmoid stores σ(x) = 1/(1 + e^−x) in dst.
func Sigmoid[T Float](dst, x []T) { each(dst, x, sigmoid) }

// Softplus stores ln(1 + e^x) in dst.
func Softplus[T Float](dst, x []T) { each(dst, x, softplus) }

// LogSigmoid stores ln σ(x) = −ln(1 + e^−x) in dst.
func LogSigmoid[T Float](dst, x []T) { each(dst, x, logSigmoid) }

// ELU stores x in dst where x > 0, and e^x − 1 elsewhere.
func ELU[T Float](dst, x []T) { each(dst, x, elu) }

func each[T Float](dst, x []T, f func(float64) float64) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(f(float64(v)))
	}
}

// tanh uses t = e^−2|x| − 1, which loses nothing near 0: tanh |x| = −t/(2 + t).
func tanh(x float64) float64 {
	t := math.Expm1(-2 * math.Abs(x))
	return math.Copysign(t/(2+t), x)
}

func sigmoid(x float64) float64 {
	t := math.Exp(-math.Abs(x))
	if x < 0 {
		return t / (1 + t)
	}
	return 1 / (1 + t)
}

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func logSigmoid(x float64) float64 { return min(x, 0) - math.Log1p(math.Exp(-math.Abs(x))) }

func elu(x float64) float64 {
	if x > 0 {
		return x
	}
	return math.Expm1(x)
}

// expm1Neg returns 1 − e^−y.
func expm1Neg[T Float](y T) T { return T(-math.Expm1(-float64(y))) }
