package ad

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// LogNormalCDF returns ln Φ(v), with Φ the distribution function of the standard normal distribution. It is finite for
// every v above −10¹⁵⁴.
func (v *Value) LogNormalCDF() *Value { return v.unary(logNormalCDFOp) }

// NormalOfLogit returns the y with Φ(y) = σ(v), the quantile of the standard normal distribution at 1/(1+e⁻ᵛ). It takes
// a logistic variable to a normal one, far into both tails, where it is about ±√(2|v|).
func (v *Value) NormalOfLogit() *Value { return v.unary(normalOfLogitOp) }

// normalHazard returns φ(v)/Φ(v), the derivative of ln Φ.
func (v *Value) normalHazard() *Value { return v.unary(normalHazardOp) }

var (
	logNormalCDFOp  = unaryOp("LogNormalCDF", each[float64](logNormalCDF), dLogNormalCDF[float64], each[float32](logNormalCDF), dLogNormalCDF[float32])
	normalOfLogitOp = unaryOp("NormalOfLogit", each[float64](normalOfLogit), dNormalOfLogit[float64], each[float32](normalOfLogit), dNormalOfLogit[float32])
	normalHazardOp  = unaryOp("NormalHazard", each[float64](normalHazard), dNormalHazard[float64], each[float32](normalHazard), dNormalHazard[float32])
)

func dLogNormalCDF[T float32 | float64](x, _ T) T { return T(normalHazard(float64(x))) }

func dNormalHazard[T float32 | float64](x, _ T) T { return T(normalHazardSlope(float64(x))) }

func dNormalOfLogit[T float32 | float64](_, y T) T {
	t := math.Abs(float64(y))
	return T(math.Exp(logNormalCDF(t)) / normalHazard(-t))
}

func init() {
	logNormalCDFOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.normalHazard() })
	normalHazardOp.tangent = slopeTangent(func(x, y *Value) *Value { return x.Add(y).Mul(y).Neg() })
	normalOfLogitOp.tangent = slopeTangent(func(_, y *Value) *Value { // Φ(y)·Φ(−y)/φ(y), which is even
		t := y.Abs()
		return t.LogNormalCDF().Exp().Div(t.Neg().normalHazard())
	})
}

const (
	logSqrt2Pi = 0.91893853320467274178
	// farTail is where the continued fraction of the normal tail takes over from erfc.
	farTail = 6.0
)

// normalHazard is φ(x)/Φ(x). In the tail it is the continued fraction t + 1/(t + 2/(t + 3/(t + …))) of Laplace, t = −x.
func normalHazard(x float64) float64 {
	t := -x
	if !(t > farTail) {
		return math.Exp(-x*x/2-logSqrt2Pi) / (math.Erfc(t/math.Sqrt2) / 2)
	}
	h := t
	for k := 40.0; k >= 1; k-- {
		h = t + k/h
	}
	return h
}

// normalHazardSlope is −h·(x + h) with h the hazard: in the tail, x + h is the rest of the continued fraction.
func normalHazardSlope(x float64) float64 {
	t := -x
	if !(t > farTail) {
		h := normalHazard(x)
		return -h * (x + h)
	}
	rest := t
	for k := 40.0; k >= 2; k-- {
		rest = t + k/rest
	}
	return -(t/rest + 1/(rest*rest)) // h = t + 1/rest
}

func logNormalCDF(x float64) float64 {
	switch {
	case x > 0:
		return math.Log1p(-math.Erfc(x/math.Sqrt2) / 2)
	case x >= -farTail:
		return math.Log(math.Erfc(-x/math.Sqrt2) / 2)
	}
	return -x*x/2 - logSqrt2Pi - math.Log(normalHazard(x))
}

// normalOfLogit solves ln Φ(t) − ln Φ(−t) = |l| by Newton's method, whose start is near.
func normalOfLogit(l float64) float64 {
	a := math.Abs(l)
	if a == 0 || a-a != 0 {
		return l
	}
	var t float64
	if a < 700 {
		t = -mathext.NormalQuantile(1 / (1 + math.Exp(a)))
	} else {
		t = math.Sqrt(2*a - math.Log(4*math.Pi*a))
	}
	for range 4 {
		step := (logNormalCDF(t) - logNormalCDF(-t) - a) / (normalHazard(t) + normalHazard(-t))
		t -= step
		if math.Abs(step) <= 1e-15*t {
			break
		}
	}
	return math.Copysign(t, l)
}
