package ad

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Neg returns −v.
func (v *Value) Neg() *Value { return v.Scale(-1) }

// Scale returns c·v.
func (v *Value) Scale(c float64) *Value { return v.scalar(scaleOp, c) }

// Shift returns v + c.
func (v *Value) Shift(c float64) *Value { return v.scalar(shiftOp, c) }

// Exp returns eᵛ.
func (v *Value) Exp() *Value { return v.unary(expOp) }

// Log returns ln v: −Inf at 0, NaN below.
func (v *Value) Log() *Value { return v.unary(logOp) }

// Log1p returns ln(1+v), accurate near 0.
func (v *Value) Log1p() *Value { return v.unary(log1pOp) }

// Expm1 returns eᵛ−1, accurate near 0.
func (v *Value) Expm1() *Value { return v.unary(expm1Op) }

// Sqrt returns √v. Its gradient at 0 is +Inf.
func (v *Value) Sqrt() *Value { return v.unary(sqrtOp) }

// Square returns v².
func (v *Value) Square() *Value { return v.unary(squareOp) }

// Reciprocal returns 1/v.
func (v *Value) Reciprocal() *Value { return v.unary(reciprocalOp) }

// Abs returns |v|. Its gradient at 0 is 0.
func (v *Value) Abs() *Value { return v.unary(absOp) }

// Sin returns sin v.
func (v *Value) Sin() *Value { return v.unary(sinOp) }

// Cos returns cos v.
func (v *Value) Cos() *Value { return v.unary(cosOp) }

// Tanh returns tanh v.
func (v *Value) Tanh() *Value { return v.unary(tanhOp) }

// Sigmoid returns 1/(1+e⁻ᵛ).
func (v *Value) Sigmoid() *Value { return v.unary(sigmoidOp) }

// LogSigmoid returns ln(1/(1+e⁻ᵛ)), which is finite for every finite v.
func (v *Value) LogSigmoid() *Value { return v.unary(logSigmoidOp) }

// Softplus returns ln(1+eᵛ), which does not overflow.
func (v *Value) Softplus() *Value { return v.unary(softplusOp) }

// ELU returns v where v > 0 and eᵛ−1 elsewhere.
func (v *Value) ELU() *Value { return v.unary(eluOp) }

// ReLU returns max(v, 0). Its gradient at 0 is 0.
func (v *Value) ReLU() *Value { return v.LeakyReLU(0) }

// LeakyReLU returns v where v > 0 and slope·v elsewhere.
func (v *Value) LeakyReLU(slope float64) *Value { return v.scalar(leakyOp, slope) }

func (v *Value) unary(o *op) *Value { return v.scalar(o, 0) }

// scalar applies an operation with one number, which it finds in c.
func (v *Value) scalar(o *op, c float64) *Value {
	v.tape.check(o.name, v)
	u := v.tape.apply(o, v.rows, v.cols, v)
	u.c = c
	return u.run()
}

var (
	scaleOp = &op{name: "Scale",
		forward64: scaleForward[float64], backward64: scaleBackward[float64],
		forward32: scaleForward[float32], backward32: scaleBackward[float32]}
	shiftOp = &op{name: "Shift",
		forward64: shiftForward[float64], backward64: shiftBackward[float64],
		forward32: shiftForward[float32], backward32: shiftBackward[float32]}
	leakyOp = &op{name: "LeakyReLU",
		forward64: leakyForward[float64], backward64: leakyBackward[float64],
		forward32: leakyForward[float32], backward32: leakyBackward[float32]}

	expOp    = slopesOp("Exp", kernel.Exp[float64], expSlopes[float64], kernel.Exp[float32], expSlopes[float32])
	logOp    = unaryOp("Log", kernel.Log[float64], dLog[float64], kernel.Log[float32], dLog[float32])
	log1pOp  = unaryOp("Log1p", kernel.Log1p[float64], dLog1p[float64], kernel.Log1p[float32], dLog1p[float32])
	expm1Op  = unaryOp("Expm1", each[float64](math.Expm1), dExpm1[float64], each[float32](math.Expm1), dExpm1[float32])
	sqrtOp   = unaryOp("Sqrt", each[float64](math.Sqrt), dSqrt[float64], each[float32](math.Sqrt), dSqrt[float32])
	squareOp = &op{name: "Square",
		forward64: squareForward[float64], backward64: squareBackward[float64],
		forward32: squareForward[float32], backward32: squareBackward[float32]}
	reciprocalOp = unaryOp("Reciprocal", reciprocal[float64], dReciprocal[float64], reciprocal[float32], dReciprocal[float32])
	absOp        = unaryOp("Abs", each[float64](math.Abs), dAbs[float64], each[float32](math.Abs), dAbs[float32])
	sinOp        = unaryOp("Sin", each[float64](math.Sin), dSin[float64], each[float32](math.Sin), dSin[float32])
	cosOp        = unaryOp("Cos", each[float64](math.Cos), dCos[float64], each[float32](math.Cos), dCos[float32])
	tanhOp       = slopesOp("Tanh", kernel.Tanh[float64], tanhSlopes[float64], kernel.Tanh[float32], tanhSlopes[float32])
	sigmoidOp    = slopesOp("Sigmoid", kernel.Sigmoid[float64], sigmoidSlopes[float64], kernel.Sigmoid[float32], sigmoidSlopes[float32])
	logSigmoidOp = slopesOp("LogSigmoid", kernel.LogSigmoid[float64], logSigmoidSlopes[float64], kernel.LogSigmoid[float32], logSigmoidSlopes[float32])
	softplusOp   = slopesOp("Softplus", kernel.Softplus[float64], softplusSlopes[float64], kernel.Softplus[float32], softplusSlopes[float32])
	eluOp        = unaryOp("ELU", kernel.ELU[float64], dELU[float64], kernel.ELU[float32], dELU[float32])
)

// unaryOp makes an operation of f, which computes y from x, and df, which returns dy/dx from x and y.
func unaryOp(name string,
	f64 func(dst, x []float64), df64 func(x, y float64) float64,
	f32 func(dst, x []float32), df32 func(x, y float32) float32) *op {
	return &op{
		name:       name,
		forward64:  func(v *Value) { f64(v.f64.data, v.args[0].f64.data) },
		backward64: func(v *Value) { unaryBackward(v, df64) },
		forward32:  func(v *Value) { f32(v.f32.data, v.args[0].f32.data) },
		backward32: func(v *Value) { unaryBackward(v, df32) },
	}
}

// slopesOp is unaryOp of a function whose derivatives are best computed of many elements at once: slopes stores them in dst, from x and y.
func slopesOp(name string,
	f64 func(dst, x []float64), slopes64 func(dst, x, y []float64),
	f32 func(dst, x []float32), slopes32 func(dst, x, y []float32)) *op {
	return &op{
		name:       name,
		forward64:  func(v *Value) { f64(v.f64.data, v.args[0].f64.data) },
		backward64: func(v *Value) { slopesBackward(v, slopes64) },
		forward32:  func(v *Value) { f32(v.f32.data, v.args[0].f32.data) },
		backward32: func(v *Value) { slopesBackward(v, slopes32) },
	}
}

// slopeChunk is how many slopes are computed at once: that many are in a near cache.
const slopeChunk = 1024

func slopesBackward[T kernel.Float](v *Value, slopes func(dst, x, y []T)) {
	x, y, g, dx := of[T](v.args[0]).data, of[T](v).data, of[T](v).grad, gradient[T](v.args[0])
	s := take[T](v.tape, min(len(g), slopeChunk))
	for lo := 0; lo < len(g); lo += len(s) {
		hi := min(lo+len(s), len(g))
		slopes(s[:hi-lo], x[lo:hi], y[lo:hi])
		kernel.MulAcc(dx[lo:hi], g[lo:hi], s)
	}
}

func unaryBackward[T kernel.Float](v *Value, df func(x, y T) T) {
	x, y, g, dx := of[T](v.args[0]).data, of[T](v).data, of[T](v).grad, gradient[T](v.args[0])
	x, y, dx = x[:len(g)], y[:len(g)], dx[:len(g)]
	for i, g := range g {
		dx[i] += g * df(x[i], y[i])
	}
}

// Squares are in every normal density: theirs is a loop without a call.
func squareForward[T kernel.Float](v *Value) {
	x := of[T](v.args[0]).data
	kernel.Mul(of[T](v).data, x, x)
}

func squareBackward[T kernel.Float](v *Value) {
	g, x, dx := of[T](v).grad, of[T](v.args[0]).data, gradient[T](v.args[0])
	x, dx = x[:len(g)], dx[:len(g)]
	for i, g := range g {
		dx[i] += g * (2 * x[i])
	}
}

func scaleForward[T kernel.Float](v *Value) {
	c, y := T(v.c), of[T](v).data
	for i, x := range of[T](v.args[0]).data {
		y[i] = c * x
	}
}

func scaleBackward[T kernel.Float](v *Value) { addGradient(v.args[0], T(v.c), v, of[T](v).grad) }

func shiftForward[T kernel.Float](v *Value) {
	c, y := T(v.c), of[T](v).data
	for i, x := range of[T](v.args[0]).data {
		y[i] = c + x
	}
}

func shiftBackward[T kernel.Float](v *Value) { passGradient(v.args[0], v, of[T](v).grad) }

func leakyForward[T kernel.Float](v *Value) {
	kernel.LeakyReLU(of[T](v).data, of[T](v.args[0]).data, T(v.c))
}

func leakyBackward[T kernel.Float](v *Value) {
	g := spendGradient[T](v)
	kernel.LeakyGrad(g, of[T](v.args[0]).data, T(v.c))
	passGradient(v.args[0], v, g)
}

// each makes a function of slices of a function of one number.
func each[T kernel.Float](f func(float64) float64) func(dst, x []T) {
	return func(dst, x []T) {
		dst = dst[:len(x)]
		for i, x := range x {
			dst[i] = T(f(float64(x)))
		}
	}
}

func reciprocal[T kernel.Float](dst, x []T) {
	for i, x := range x {
		dst[i] = 1 / x
	}
}

func dLog[T kernel.Float](x, _ T) T        { return 1 / x }
func dLog1p[T kernel.Float](x, _ T) T      { return 1 / (1 + x) }
func dExpm1[T kernel.Float](_, y T) T      { return y + 1 }
func dSqrt[T kernel.Float](_, y T) T       { return 1 / (2 * y) }
func dReciprocal[T kernel.Float](_, y T) T { return -y * y }
func dSin[T kernel.Float](x, _ T) T        { return T(math.Cos(float64(x))) }
func dCos[T kernel.Float](x, _ T) T        { return -T(math.Sin(float64(x))) }

func dAbs[T kernel.Float](x, _ T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0 or NaN
}

func expSlopes[T kernel.Float](dst, _, y []T) { copy(dst, y) }

func tanhSlopes[T kernel.Float](dst, _, y []T) {
	for i, y := range y {
		dst[i] = 1 - y*y
	}
}

func sigmoidSlopes[T kernel.Float](dst, _, y []T) {
	for i, y := range y {
		dst[i] = y * (1 - y)
	}
}

func logSigmoidSlopes[T kernel.Float](dst, x, _ []T) {
	kernel.Scale(dst, -1, x)
	kernel.Sigmoid(dst, dst)
}

func softplusSlopes[T kernel.Float](dst, x, _ []T) { kernel.Sigmoid(dst, x) }

func dELU[T kernel.Float](x, y T) T {
	if x > 0 {
		return 1
	}
	return y + 1
}

func init() {
	scaleOp.tangent = mapTangent(func(v, dx *Value) *Value { return dx.Scale(v.c) })
	shiftOp.tangent = sameTangent
	leakyOp.tangent = slopeTangent(func(x, y *Value) *Value { return leakySlope(x, y.c) })
	expOp.tangent = slopeTangent(func(_, y *Value) *Value { return y })
	logOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.Reciprocal() })
	log1pOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.Shift(1).Reciprocal() })
	expm1Op.tangent = slopeTangent(func(_, y *Value) *Value { return y.Shift(1) })
	sqrtOp.tangent = slopeTangent(func(_, y *Value) *Value { return y.Scale(2).Reciprocal() })
	squareOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.Scale(2) })
	reciprocalOp.tangent = slopeTangent(func(_, y *Value) *Value { return y.Square().Neg() })
	absOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.pattern(func(x float64) float64 { return dAbs(x, 0) }) })
	sinOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.Cos() })
	cosOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.Sin().Neg() })
	tanhOp.tangent = slopeTangent(func(_, y *Value) *Value { return tanhSlopeOf(y) })
	sigmoidOp.tangent = slopeTangent(func(_, y *Value) *Value { return sigmoidSlope(y) })
	logSigmoidOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.Neg().Sigmoid() })
	softplusOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.Sigmoid() })
	eluOp.tangent = slopeTangent(func(_, y *Value) *Value { return eluSlope(y) })
}

// Derivatives as values: of leaky ReLU, from x or y, which have one sign; and of others from y.

func leakySlope(x *Value, slope float64) *Value {
	u := x.tape.Full(x.rows, x.cols, 1)
	if x.tape.precision == Float32 {
		kernel.LeakyGrad(u.f32.data, x.f32.data, float32(slope))
	} else {
		kernel.LeakyGrad(u.f64.data, x.f64.data, slope)
	}
	return u
}

func tanhSlopeOf(y *Value) *Value  { return y.Square().Neg().Shift(1) }
func sigmoidSlope(y *Value) *Value { return y.Mul(y.Neg().Shift(1)) }
func eluSlope(y *Value) *Value     { return y.Where(y.tape.Full(1, 1, 1), y.Shift(1)) }
