package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Slice returns columns lo to hi (excluded).
func (v *Value) Slice(lo, hi int) *Value {
	v.tape.check("Slice", v)
	if lo < 0 || hi > v.cols || lo > hi {
		panic(fmt.Sprintf("ad: Slice: got columns %d to %d of a %d×%d value", lo, hi, v.rows, v.cols))
	}
	u := v.tape.apply(sliceOp, v.rows, hi-lo, v)
	u.c = float64(lo)
	return u.run()
}

// Columns returns the columns with the given numbers, in that order: column j of the result is column index[j].
// A number may occur more than once. index must not change while the value is in use.
func (v *Value) Columns(index []int) *Value {
	v.tape.check("Columns", v)
	for _, j := range index {
		if j < 0 || j >= v.cols {
			panic(fmt.Sprintf("ad: Columns: got column %d of a %d×%d value", j, v.rows, v.cols))
		}
	}
	u := v.tape.apply(columnsOp, v.rows, len(index), v)
	u.index = index
	return u.run()
}

// Scatter places column j of v at column index[j] of a value with the given number of columns; columns that
// are named twice are added up, others are 0. index must not change while the value is in use.
func (v *Value) Scatter(cols int, index []int) *Value {
	v.tape.check("Scatter", v)
	if len(index) != v.cols {
		panic(fmt.Sprintf("ad: Scatter: got %d column numbers for a %d×%d value", len(index), v.rows, v.cols))
	}
	for _, j := range index {
		if j < 0 || j >= cols {
			panic(fmt.Sprintf("ad: Scatter: got column %d, want one below %d", j, cols))
		}
	}
	u := v.tape.apply(scatterOp, v.rows, cols, v)
	u.index = index
	return u.run()
}

// Concat returns the columns of v followed by those of others, which must have as many rows.
func (v *Value) Concat(others ...Operand) *Value {
	t, cols := v.tape, v.cols
	t.check("Concat", v)
	parts := append(make([]*Value, 0, 8), v)
	for _, o := range others {
		w := o.operand(t)
		t.check("Concat", w)
		if w.rows != v.rows {
			panic(fmt.Sprintf("ad: Concat: got values with %d and %d rows", v.rows, w.rows))
		}
		parts = append(parts, w)
		cols += w.cols
	}
	return t.apply(concatOp, v.rows, cols, parts...).run()
}

// Repeat returns v with each row repeated n times: row i of v gives rows i·n to i·n+n−1.
func (v *Value) Repeat(n int) *Value {
	v.tape.check("Repeat", v)
	if n < 0 {
		panic(fmt.Sprintf("ad: Repeat: got %d copies, want 0 or more", n))
	}
	return v.tape.apply(repeatOp, v.rows*n, v.cols, v).run()
}

// Reshape returns the elements of v, by rows, as a rows×cols value. It takes no memory.
func (v *Value) Reshape(rows, cols int) *Value {
	v.tape.check("Reshape", v)
	if rows < 0 || cols < 0 || rows*cols != v.rows*v.cols {
		panic(fmt.Sprintf("ad: Reshape: got %d×%d for a %d×%d value", rows, cols, v.rows, v.cols))
	}
	u := v.tape.apply(reshapeOp, 0, 0, v)
	u.rows, u.cols, u.f64.data, u.f32.data = rows, cols, v.f64.data, v.f32.data
	return u
}

// Transpose returns the matrix with rows and columns exchanged. It mixes the rows of a batch: it is for parameters.
func (v *Value) Transpose() *Value {
	v.tape.check("Transpose", v)
	return v.tape.apply(transposeOp, v.cols, v.rows, v).run()
}

var (
	sliceOp = &op{name: "Slice",
		forward64: sliceForward[float64], backward64: sliceBackward[float64],
		forward32: sliceForward[float32], backward32: sliceBackward[float32]}
	columnsOp = &op{name: "Columns",
		forward64: columnsForward[float64], backward64: columnsBackward[float64],
		forward32: columnsForward[float32], backward32: columnsBackward[float32]}
	scatterOp = &op{name: "Scatter",
		forward64: scatterForward[float64], backward64: scatterBackward[float64],
		forward32: scatterForward[float32], backward32: scatterBackward[float32]}
	concatOp = &op{name: "Concat",
		forward64: concatForward[float64], backward64: concatBackward[float64],
		forward32: concatForward[float32], backward32: concatBackward[float32]}
	repeatOp = &op{name: "Repeat",
		forward64: repeatForward[float64], backward64: repeatBackward[float64],
		forward32: repeatForward[float32], backward32: repeatBackward[float32]}
	transposeOp = &op{name: "Transpose",
		forward64: transposeForward[float64], backward64: transposeBackward[float64],
		forward32: transposeForward[float32], backward32: transposeBackward[float32]}
	reshapeOp = &op{name: "Reshape", backward64: reshapeBackward[float64], backward32: reshapeBackward[float32]} // has the elements of its operand
)

func sliceForward[T kernel.Float](v *Value) {
	y, x, lo, c := of[T](v).data, of[T](v.args[0]).data, int(v.c), v.args[0].cols
	for i := range v.rows {
		copy(y[i*v.cols:(i+1)*v.cols], x[i*c+lo:])
	}
}

func sliceBackward[T kernel.Float](v *Value) {
	g, dx, lo, c := of[T](v).grad, gradient[T](v.args[0]), int(v.c), v.args[0].cols
	for i := range v.rows {
		row := dx[i*c+lo:][:v.cols]
		for j := range row {
			row[j] += g[i*v.cols+j]
		}
	}
}

func columnsForward[T kernel.Float](v *Value) {
	y, x, c := of[T](v).data, of[T](v.args[0]).data, v.args[0].cols
	if v.cols >= manyColumns {
		for i := range v.rows {
			from, to := x[i*c:(i+1)*c], y[i*v.cols:(i+1)*v.cols]
			for j, k := range v.index {
				to[j] = from[k]
			}
		}
		return
	}
	for j, k := range v.index {
		copyColumn(y, j, v.cols, x, k, c, v.rows)
	}
}

// manyColumns is the number of columns from which on they are taken row by row.
const manyColumns = 16

func columnsBackward[T kernel.Float](v *Value) {
	g, dx, c := of[T](v).grad, gradient[T](v.args[0]), v.args[0].cols
	if v.cols >= manyColumns {
		for i := range v.rows {
			from, to := g[i*v.cols:(i+1)*v.cols], dx[i*c:(i+1)*c]
			for j, k := range v.index {
				to[k] += from[j]
			}
		}
		return
	}
	for j, k := range v.index {
		addColumn(dx, k, c, g, j, v.cols, v.rows)
	}
}

func scatterForward[T kernel.Float](v *Value) {
	y, x, c := of[T](v).data, of[T](v.args[0]).data, v.args[0].cols
	clear(y)
	for j, k := range v.index {
		addColumn(y, k, v.cols, x, j, c, v.rows)
	}
}

func scatterBackward[T kernel.Float](v *Value) {
	g, dx, c := of[T](v).grad, gradient[T](v.args[0]), v.args[0].cols
	for j, k := range v.index {
		addColumn(dx, j, c, g, k, v.cols, v.rows)
	}
}

// copyColumn stores column k of x, of which a row has c elements, in column j of y, of which a row has m.
func copyColumn[T kernel.Float](y []T, j, m int, x []T, k, c, rows int) {
	for range rows {
		y[j] = x[k]
		j, k = j+m, k+c
	}
}

// addColumn is copyColumn that adds.
func addColumn[T kernel.Float](y []T, j, m int, x []T, k, c, rows int) {
	for range rows {
		y[j] += x[k]
		j, k = j+m, k+c
	}
}

func concatForward[T kernel.Float](v *Value) {
	y, lo := of[T](v).data, 0
	for _, a := range v.args {
		x := of[T](a).data
		for i := range v.rows {
			copy(y[i*v.cols+lo:], x[i*a.cols:(i+1)*a.cols])
		}
		lo += a.cols
	}
}

func concatBackward[T kernel.Float](v *Value) {
	g, lo := of[T](v).grad, 0
	for _, a := range v.args {
		if dx := gradient[T](a); dx != nil {
			for i := range v.rows {
				row := dx[i*a.cols : (i+1)*a.cols]
				for j := range row {
					row[j] += g[i*v.cols+lo+j]
				}
			}
		}
		lo += a.cols
	}
}

func repeatForward[T kernel.Float](v *Value) {
	y, x, c := of[T](v).data, of[T](v.args[0]).data, v.cols
	n := v.rows / max(v.args[0].rows, 1)
	for ; c > 0 && len(x) > 0; x = x[c:] {
		rows := y[:n*c]
		for done := copy(rows, x[:c]); done < len(rows); {
			done += copy(rows[done:], rows[:done])
		}
		y = y[n*c:]
	}
}

func repeatBackward[T kernel.Float](v *Value) {
	g, dx := of[T](v).grad, gradient[T](v.args[0])
	n := v.rows / max(v.args[0].rows, 1)
	for i := 0; i < len(dx) && n > 0; i += v.cols {
		for j := range v.cols {
			var sum T
			for k := range n {
				sum += g[(i*n)+k*v.cols+j]
			}
			dx[i+j] += sum
		}
	}
}

func reshapeBackward[T kernel.Float](v *Value) {
	g, a := of[T](v), of[T](v.args[0])
	if v.tape.spends && v.args[0].needs && a.grad == nil {
		a.grad, g.grad = g.grad, nil
		return
	}
	switch dx, fresh := freshGradient[T](v.args[0]); {
	case fresh:
		copy(dx, g.grad)
	case dx != nil:
		kernel.Add(dx, dx, g.grad)
	}
}

func transposeForward[T kernel.Float](v *Value) {
	y, x := of[T](v).data, of[T](v.args[0]).data
	for i := range v.rows {
		for j := range v.cols {
			y[i*v.cols+j] = x[j*v.rows+i]
		}
	}
}

func transposeBackward[T kernel.Float](v *Value) {
	g, dx := of[T](v).grad, gradient[T](v.args[0])
	for i := range v.rows {
		for j := range v.cols {
			dx[j*v.rows+i] += g[i*v.cols+j]
		}
	}
}

func init() {
	sliceOp.tangent = mapTangent(func(v, dx *Value) *Value { return dx.Slice(int(v.c), int(v.c)+v.cols) })
	columnsOp.tangent = mapTangent(func(v, dx *Value) *Value { return dx.Columns(v.index) })
	scatterOp.tangent = mapTangent(func(v, dx *Value) *Value { return dx.Scatter(v.cols, v.index) })
	repeatOp.tangent = mapTangent(func(v, dx *Value) *Value { return dx.Repeat(v.rows / max(dx.rows, 1)) })
	reshapeOp.tangent = mapTangent(func(v, dx *Value) *Value { return dx.Reshape(v.rows, v.cols) })
	transposeOp.tangent = mapTangent(func(_, dx *Value) *Value { return dx.Transpose() })
	concatOp.tangent = concatTangent
}

func concatTangent(v *Value) (dy, _ *Value) {
	parts := make([]*Value, 0, 8)
	for _, a := range v.args {
		parts = append(parts, a.tangent().orZeros(a))
	}
	return v.tape.apply(concatOp, v.rows, v.cols, parts...).run(), nil
}
