package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Activation is the function that [Value.Dense] applies to the result of a linear map.
type Activation uint8

const (
	Identity  Activation = iota // x
	LeakyReLU                   // x where x > 0, slope·x elsewhere; ReLU has slope 0
	Tanh                        // tanh x
	Sigmoid                     // 1/(1+e⁻ˣ)
	ELU                         // x where x > 0, eˣ−1 elsewhere
	SiLU                        // x·sigmoid(x)
	Softplus                    // ln(1+eˣ)
)

// Linear returns v·wᵀ + b for v n×k, w m×k and b 1×m or nil: n×m. Cost O(nkm).
func (v *Value) Linear(w, b Operand) *Value { return v.Dense(w, b, Identity, 0) }

// Dense returns act(v·wᵀ + b) for v n×k, w m×k and b 1×m or nil: n×m. slope belongs to [LeakyReLU] and is ignored
// otherwise. Cost O(nkm).
func (v *Value) Dense(w, b Operand, act Activation, slope float64) *Value {
	if act == SiLU { // its derivative needs the argument
		return v.Linear(w, b).SiLU()
	}
	if act == LeakyReLU && slope < 0 { // the sign of the result does not tell the sign of the argument
		return v.Linear(w, b).LeakyReLU(slope)
	}
	t := v.tape
	weight := w.operand(t)
	t.check("Dense", v)
	t.check("Dense", weight)
	if v.cols != weight.cols {
		panic(fmt.Sprintf("ad: Dense: got a %d×%d value for %d×%d weights, want %d columns", v.rows, v.cols, weight.rows, weight.cols, weight.cols))
	}
	var u *Value
	if b == nil {
		u = t.apply(denseOp, v.rows, weight.rows, v, weight)
	} else {
		bias := b.operand(t)
		t.check("Dense", bias)
		if bias.rows != 1 || bias.cols != weight.rows {
			panic(fmt.Sprintf("ad: Dense: got a %d×%d bias for %d×%d weights, want 1×%d", bias.rows, bias.cols, weight.rows, weight.cols, weight.rows))
		}
		u = t.apply(denseOp, v.rows, weight.rows, v, weight, bias)
	}
	u.kind, u.c = uint8(act), slope
	return u.run()
}

// MatMul returns the matrix product v·b for v n×k and b k×m: n×m. Cost O(nkm).
func (v *Value) MatMul(b Operand) *Value {
	t := v.tape
	w := b.operand(t)
	t.check("MatMul", v)
	t.check("MatMul", w)
	if v.cols != w.rows {
		panic(fmt.Sprintf("ad: MatMul: got %d×%d and %d×%d values, want as many rows on the right as columns on the left", v.rows, v.cols, w.rows, w.cols))
	}
	return t.apply(matMulOp, v.rows, w.cols, v, w).run()
}

var (
	denseOp = &op{name: "Dense",
		forward64: denseForward[float64], backward64: denseBackward[float64],
		forward32: denseForward[float32], backward32: denseBackward[float32]}
	matMulOp = &op{name: "MatMul",
		forward64: matMulForward[float64], backward64: matMulBackward[float64],
		forward32: matMulForward[float32], backward32: matMulBackward[float32]}
)

func denseForward[T kernel.Float](v *Value) {
	x, w := v.args[0], v.args[1]
	var b []T
	if len(v.args) > 2 {
		b = of[T](v.args[2]).data
	}
	kernel.Dense(of[T](v).data, of[T](x).data, packed[T](w), b, v.rows, activation(v), T(v.c))
}

func denseBackward[T kernel.Float](v *Value) { denseBackwardRows[T](v, v.rows) }

// denseBackwardRows is denseBackward for a layer that takes n rows.
func denseBackwardRows[T kernel.Float](v *Value, n int) {
	x, w := v.args[0], v.args[1]
	var db []T
	if len(v.args) > 2 {
		db = gradient[T](v.args[2])
	}
	var set kernel.Set
	dw, fresh := freshGradient[T](w) // before that of x, which may be the same value
	if fresh {
		set |= kernel.SetW
	}
	dx, fresh := freshGradient[T](x)
	if fresh {
		set |= kernel.SetX
	}
	kernel.DenseBackward(dx, dw, db, spendGradient[T](v), of[T](v).data, of[T](x).data, packed[T](w), n, activation(v), T(v.c), set)
}

// packed returns the weights w in the order in which the kernels read them, which it makes at their first use.
func packed[T kernel.Float](w *Value) kernel.Weights[T] {
	if w.param != nil {
		w.tape.readings.ensurePacked(w.reading, ofWeights)
		return contentsOf[T](w.reading).weights
	}
	b := of[T](w)
	if !w.packed {
		b.extra = take[T](w.tape, kernel.PackedLen[T](w.rows, w.cols))
		w.packed, w.tape.packed = true, true
		p := kernel.Weights[T]{Packed: b.extra}
		p.Pack(b.data, w.rows, w.cols, nil)
		return p
	}
	return kernel.Weights[T]{M: w.rows, K: w.cols, Packed: b.extra}
}

func activation(v *Value) kernel.Activation {
	switch Activation(v.kind) {
	case LeakyReLU:
		return kernel.ActLeakyReLU
	case Tanh:
		return kernel.ActTanh
	case Sigmoid:
		return kernel.ActSigmoid
	case ELU:
		return kernel.ActELU
	case Softplus:
		return kernel.ActSoftplus
	}
	return kernel.ActIdentity
}

func matMulForward[T kernel.Float](v *Value) {
	a, b, y := v.args[0], v.args[1], of[T](v).data
	clear(y)
	kernel.MulAdd(y, of[T](a).data, of[T](b).data, v.rows, a.cols, v.cols)
}

// For y = a·b: da += g·bᵀ, db += aᵀ·g.
func matMulBackward[T kernel.Float](v *Value) {
	a, b, g := v.args[0], v.args[1], of[T](v).grad
	if da := gradient[T](a); da != nil {
		kernel.MulAddT(da, g, of[T](b).data, v.rows, v.cols, a.cols)
	}
	if db := gradient[T](b); db != nil {
		kernel.MulTAdd(db, of[T](a).data, g, v.rows, a.cols, v.cols)
	}
}

func init() { denseOp.tangent, matMulOp.tangent = denseTangent, matMulTangent }

// y = act(z), z = x·wᵀ + b: dy = act′(z)⊙(dx·wᵀ + x·dwᵀ + db), by the products that compute z.
func denseTangent(v *Value) (dy, _ *Value) {
	x, w := v.args[0], v.args[1]
	dx, dw := v.tangents()
	var db *Value
	if len(v.args) > 2 {
		db = v.args[2].tangent()
	}
	if dx != nil {
		dx = dx.Linear(w, nil)
	}
	if dw != nil {
		dw = x.Linear(dw, nil)
	}
	return activationTangent(v, plus(plus(dx, dw), db).spread(v)), nil
}

// activationTangent returns act′(z)⊙dz for v = act(z).
func activationTangent(v, dz *Value) *Value {
	switch Activation(v.kind) {
	case LeakyReLU:
		return dz.Mul(leakySlope(v, v.c))
	case Tanh:
		return dz.Mul(tanhSlopeOf(v))
	case Sigmoid:
		return dz.Mul(sigmoidSlope(v))
	case ELU:
		return dz.Mul(eluSlope(v))
	case Softplus:
		return dz.Mul(v.Neg().Expm1().Neg()) // sigmoid(z) = 1 − e⁻ʸ
	}
	return dz
}

func matMulTangent(v *Value) (dy, _ *Value) {
	da, db := v.tangents()
	if da != nil {
		da = da.MatMul(v.args[1])
	}
	if db != nil {
		db = v.args[0].MatMul(db)
	}
	return plus(da, db), nil
}
