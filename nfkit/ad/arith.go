package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Add returns v + b.
func (v *Value) Add(b Operand) *Value { return v.binary(addOp, b) }

// Sub returns v − b.
func (v *Value) Sub(b Operand) *Value { return v.binary(subOp, b) }

// Mul returns v ⊙ b, element by element. For the matrix product see [Value.MatMul].
func (v *Value) Mul(b Operand) *Value { return v.binary(mulOp, b) }

// Div returns v / b, element by element.
func (v *Value) Div(b Operand) *Value { return v.binary(divOp, b) }

// Max returns the larger of v and b, element by element, NaN if one of them is. Where they are equal, the gradient goes to v.
func (v *Value) Max(b Operand) *Value { return v.binary(maxOp, b) }

// Min returns the smaller of v and b, element by element, NaN if one of them is. Where they are equal, the gradient goes to v.
func (v *Value) Min(b Operand) *Value { return v.binary(minOp, b) }

var (
	addOp = &op{name: "Add",
		forward64: addForward[float64], backward64: addBackward[float64],
		forward32: addForward[float32], backward32: addBackward[float32]}
	subOp = &op{name: "Sub",
		forward64: subForward[float64], backward64: subBackward[float64],
		forward32: subForward[float32], backward32: subBackward[float32]}
	mulOp = binaryOp("Mul", mul[float64], dMul[float64], mul[float32], dMul[float32])
	divOp = binaryOp("Div", div[float64], dDiv[float64], div[float32], dDiv[float32])
	maxOp = binaryOp("Max", larger[float64], dMax[float64], larger[float32], dMax[float32])
	minOp = binaryOp("Min", smaller[float64], dMin[float64], smaller[float32], dMin[float32])
)

func (v *Value) binary(o *op, b Operand) *Value {
	w := b.operand(v.tape)
	v.tape.check(o.name, v)
	v.tape.check(o.name, w)
	rows, ok1 := broadcast(v.rows, w.rows)
	cols, ok2 := broadcast(v.cols, w.cols)
	if !ok1 || !ok2 {
		panic(fmt.Sprintf("ad: %s: got %d×%d and %d×%d values; sizes must be equal or 1", o.name, v.rows, v.cols, w.rows, w.cols))
	}
	return v.tape.apply(o, rows, cols, v, w).run()
}

func broadcast(a, b int) (int, bool) {
	switch {
	case a == b || b == 1:
		return a, true
	case a == 1:
		return b, true
	}
	return 0, false
}

// row is a row of a broadcast operand: element j is at data[j·step].
type row[T kernel.Float] struct {
	data []T
	step int
}

// rowOf returns row i of data as an operand of v's size sees it; empty if data is nil.
func rowOf[T kernel.Float](data []T, v *Value, i int) row[T] {
	if data == nil {
		return row[T]{}
	}
	if v.rows == 1 {
		i = 0
	}
	r := row[T]{data: data[i*v.cols : (i+1)*v.cols], step: 1}
	if v.cols == 1 {
		r.step = 0
	}
	return r
}

// binaryOp makes an operation of the two functions of each precision: f computes a row of the result from a
// row of each operand, df adds g⊙∂f/∂a to da and g⊙∂f/∂b to db, each of which may be empty.
func binaryOp(name string,
	f64 func(dst []float64, a, b row[float64]), df64 func(g []float64, a, b, da, db row[float64]),
	f32 func(dst []float32, a, b row[float32]), df32 func(g []float32, a, b, da, db row[float32])) *op {
	return &op{
		name:       name,
		forward64:  func(v *Value) { binaryForward(v, f64) },
		backward64: func(v *Value) { binaryBackward(v, df64) },
		forward32:  func(v *Value) { binaryForward(v, f32) },
		backward32: func(v *Value) { binaryBackward(v, df32) },
	}
}

func binaryForward[T kernel.Float](v *Value, f func(dst []T, a, b row[T])) {
	a, b, dst := v.args[0], v.args[1], of[T](v).data
	if x, y := longRow[T](v, a), longRow[T](v, b); x.data != nil && y.data != nil {
		f(dst, x, y)
		return
	}
	x, y := of[T](a).data, of[T](b).data
	for i := range v.rows {
		f(dst[i*v.cols:(i+1)*v.cols], rowOf(x, a, i), rowOf(y, b, i))
	}
}

// longRow returns the operand a as a single row that goes with all elements of v, or nothing if it is better taken row by row.
func longRow[T kernel.Float](v, a *Value) row[T] {
	x, n := of[T](a).data, v.rows*v.cols
	switch {
	case len(x) == n:
		return row[T]{x, 1}
	case len(x) == 1:
		return row[T]{x, 0}
	case a.rows == 1 && a.cols == v.cols && v.cols <= 16: // calls for so short rows cost more than copies of them
		all := take[T](v.tape, n)
		for done := copy(all, x); done < n; {
			done += copy(all[done:], all[:done])
		}
		return row[T]{all, 1}
	}
	return row[T]{}
}

func binaryBackward[T kernel.Float](v *Value, df func(g []T, a, b, da, db row[T])) {
	a, b, g := v.args[0], v.args[1], of[T](v).grad
	x, y, dx, dy := of[T](a).data, of[T](b).data, gradient[T](a), gradient[T](b)
	if len(x) == len(g) && len(y) == len(g) {
		df(g, row[T]{x, 1}, row[T]{y, 1}, row[T]{dx, 1}, row[T]{dy, 1})
		return
	}
	for i := range v.rows {
		df(g[i*v.cols:(i+1)*v.cols], rowOf(x, a, i), rowOf(y, b, i), rowOf(dx, a, i), rowOf(dy, b, i))
	}
}

// whole reports whether the operands are rows of n elements each, long enough for a kernel to be worth its call.
func whole[T kernel.Float](n int, rows ...row[T]) bool {
	for _, r := range rows {
		if r.step != 1 {
			return false
		}
	}
	return n >= 8
}

// withNumber reports whether a is a row as whole wants it, and b one number for all of it.
func withNumber[T kernel.Float](n int, a, b row[T]) bool { return b.step == 0 && whole(n, a) }

func add[T kernel.Float](dst []T, a, b row[T]) {
	switch {
	case whole(len(dst), a, b):
		kernel.Add(dst, a.data, b.data)
		return
	case withNumber(len(dst), a, b):
		b := b.data[0]
		for j, a := range a.data[:len(dst)] {
			dst[j] = a + b
		}
		return
	}
	for j := range dst {
		dst[j] = a.data[j*a.step] + b.data[j*b.step]
	}
}

func addForward[T kernel.Float](v *Value) { binaryForward(v, add[T]) }

func addBackward[T kernel.Float](v *Value) {
	addGradient(v.args[1], 1, v, of[T](v).grad)
	passGradient(v.args[0], v, of[T](v).grad)
}

// passGradient is addGradient for a g of which v has no more use: a may take it over.
func passGradient[T kernel.Float](a, v *Value, g []T) {
	b := of[T](a)
	if v.tape.spends && a.needs && b.grad == nil && a.rows == v.rows && a.cols == v.cols {
		b.grad, of[T](v).grad = g, nil
		return
	}
	addGradient(a, 1, v, g)
}

// addGradient adds c·g, the gradient of v times c, to that of its operand a.
func addGradient[T kernel.Float](a *Value, c T, v *Value, g []T) {
	if a.rows != v.rows || a.cols != v.cols {
		dst := gradient[T](a)
		for i := 0; i < v.rows && dst != nil; i++ {
			addTo(rowOf(dst, a, i), c, g[i*v.cols:(i+1)*v.cols])
		}
		return
	}
	switch dst, fresh := freshGradient[T](a); {
	case !fresh:
		addTo(row[T]{dst, 1}, c, g)
	case c == 1:
		copy(dst, g)
	default:
		kernel.Scale(dst, c, g)
	}
}

// addTo adds c·g to dst, if there is one.
func addTo[T kernel.Float](dst row[T], c T, g []T) {
	switch {
	case dst.data == nil:
	case whole(len(g), dst):
		kernel.Axpy(dst.data, c, g)
	case dst.step == 0 && len(g) >= 8:
		dst.data[0] += c * kernel.Sum(g)
	default:
		for j, g := range g {
			dst.data[j*dst.step] += c * g
		}
	}
}

func sub[T kernel.Float](dst []T, a, b row[T]) {
	if whole(len(dst), a, b) {
		kernel.Sub(dst, a.data, b.data)
		return
	}
	for j := range dst {
		dst[j] = a.data[j*a.step] - b.data[j*b.step]
	}
}

func subForward[T kernel.Float](v *Value) { binaryForward(v, sub[T]) }

func subBackward[T kernel.Float](v *Value) {
	addGradient(v.args[1], -1, v, of[T](v).grad)
	passGradient(v.args[0], v, of[T](v).grad)
}

func mul[T kernel.Float](dst []T, a, b row[T]) {
	switch {
	case whole(len(dst), a, b):
		kernel.Mul(dst, a.data, b.data)
		return
	case withNumber(len(dst), a, b):
		kernel.Scale(dst, b.data[0], a.data[:len(dst)])
		return
	case withNumber(len(dst), b, a):
		kernel.Scale(dst, a.data[0], b.data[:len(dst)])
		return
	}
	for j := range dst {
		dst[j] = a.data[j*a.step] * b.data[j*b.step]
	}
}

func dMul[T kernel.Float](g []T, a, b, da, db row[T]) {
	addProductTo(da, g, b)
	addProductTo(db, g, a)
}

// addProductTo adds g⊙x to dst, if there is one.
func addProductTo[T kernel.Float](dst row[T], g []T, x row[T]) {
	switch {
	case dst.data == nil:
	case whole(len(g), dst, x):
		kernel.MulAcc(dst.data, g, x.data)
	case withNumber(len(g), dst, x):
		kernel.Axpy(dst.data, x.data[0], g)
	case withNumber(len(g), x, dst):
		dst.data[0] += kernel.Dot(g, x.data)
	default:
		for j, g := range g {
			dst.data[j*dst.step] += g * x.data[j*x.step]
		}
	}
}

func div[T kernel.Float](dst []T, a, b row[T]) {
	if whole(len(dst), a, b) {
		kernel.Div(dst, a.data, b.data)
		return
	}
	for j := range dst {
		dst[j] = a.data[j*a.step] / b.data[j*b.step]
	}
}

func dDiv[T kernel.Float](g []T, a, b, da, db row[T]) {
	for j, g := range g {
		d := b.data[j*b.step]
		if da.data != nil {
			da.data[j*da.step] += g / d
		}
		if db.data != nil {
			db.data[j*db.step] -= g * (a.data[j*a.step] / d) / d // d² may underflow
		}
	}
}

func larger[T kernel.Float](dst []T, a, b row[T]) {
	for j := range dst {
		dst[j] = max(a.data[j*a.step], b.data[j*b.step])
	}
}

func dMax[T kernel.Float](g []T, a, b, da, db row[T]) {
	for j, g := range g {
		switch first := a.data[j*a.step] >= b.data[j*b.step]; {
		case first && da.data != nil:
			da.data[j*da.step] += g
		case !first && db.data != nil:
			db.data[j*db.step] += g
		}
	}
}

func smaller[T kernel.Float](dst []T, a, b row[T]) {
	for j := range dst {
		dst[j] = min(a.data[j*a.step], b.data[j*b.step])
	}
}

func dMin[T kernel.Float](g []T, a, b, da, db row[T]) {
	for j, g := range g {
		switch first := a.data[j*a.step] <= b.data[j*b.step]; {
		case first && da.data != nil:
			da.data[j*da.step] += g
		case !first && db.data != nil:
			db.data[j*db.step] += g
		}
	}
}

func init() {
	addOp.tangent, subOp.tangent, mulOp.tangent, divOp.tangent = addTangent, subTangent, mulTangent, divTangent
	maxOp.tangent = chooseTangent(func(a, b float64) bool { return a >= b })
	minOp.tangent = chooseTangent(func(a, b float64) bool { return a <= b })
}

func addTangent(v *Value) (dy, _ *Value) {
	da, db := v.tangents()
	return plus(da, db).spread(v), nil
}

func subTangent(v *Value) (dy, _ *Value) {
	da, db := v.tangents()
	if db != nil {
		db = db.Neg()
	}
	return plus(da, db).spread(v), nil
}

func mulTangent(v *Value) (dy, _ *Value) {
	da, db := v.tangents()
	if da != nil {
		da = da.Mul(v.args[1])
	}
	if db != nil {
		db = db.Mul(v.args[0])
	}
	return plus(da, db), nil
}

// y = a/b: dy = (da − y·db)/b.
func divTangent(v *Value) (dy, _ *Value) {
	da, db := v.tangents()
	if db != nil {
		db = db.Mul(v).Neg()
	}
	return plus(da, db).Div(v.args[1]), nil
}

// chooseTangent is that of an operation whose result is its first operand where first(a, b), and else the second.
func chooseTangent(first func(a, b float64) bool) func(*Value) (dy, dtwin *Value) {
	return func(v *Value) (dy, _ *Value) {
		if v.tape.precision == Float32 {
			dy = chosen[float32](v, first)
		} else {
			dy = chosen[float64](v, first)
		}
		da, db := v.tangents()
		return dy.Where(da.orZeros(v.args[0]), db.orZeros(v.args[1])), nil
	}
}

// chosen returns 1 where first(a, b) of the operands of v, and 0 elsewhere.
func chosen[T kernel.Float](v *Value, first func(a, b float64) bool) *Value {
	data := take[T](v.tape, v.rows*v.cols)
	clear(data)
	a, b := of[T](v.args[0]).data, of[T](v.args[1]).data
	for i := range v.rows {
		x, y := rowOf(a, v.args[0], i), rowOf(b, v.args[1], i)
		for j := range v.cols {
			if first(float64(x.data[j*x.step]), float64(y.data[j*y.step])) {
				data[i*v.cols+j] = 1
			}
		}
	}
	return constant(v.tape, v.rows, v.cols, data)
}
