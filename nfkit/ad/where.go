package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Where returns then where v > 0 and otherwise where it is not, element by element; NaN where v is NaN. The three
// broadcast. An element that is not chosen has no influence, whatever it is, and gradient 0; v has none.
func (v *Value) Where(then, otherwise Operand) *Value {
	t := v.tape
	a, b := then.operand(t), otherwise.operand(t)
	rows, cols := v.rows, v.cols
	for _, o := range [...]*Value{v, a, b} {
		t.check("Where", o)
		var ok1, ok2 bool
		rows, ok1 = broadcast(rows, o.rows)
		cols, ok2 = broadcast(cols, o.cols)
		if !ok1 || !ok2 {
			panic(fmt.Sprintf("ad: Where: got %d×%d and %d×%d values under a %d×%d condition; sizes must be equal or 1", a.rows, a.cols, b.rows, b.cols, v.rows, v.cols))
		}
	}
	u := t.apply(whereOp, rows, cols, a, b, v)
	u.needs = a.needs || b.needs
	return u.run()
}

var whereOp = &op{name: "Where",
	forward64: whereForward[float64], backward64: whereBackward[float64],
	forward32: whereForward[float32], backward32: whereBackward[float32]}

func whereForward[T kernel.Float](v *Value) {
	y := of[T](v).data
	a, b, c := of[T](v.args[0]).data, of[T](v.args[1]).data, of[T](v.args[2]).data
	for i := range v.rows {
		yes, no, cond := rowOf(a, v.args[0], i), rowOf(b, v.args[1], i), rowOf(c, v.args[2], i)
		for j := range v.cols {
			switch c := cond.data[j*cond.step]; {
			case c > 0:
				y[i*v.cols+j] = yes.data[j*yes.step]
			case c <= 0:
				y[i*v.cols+j] = no.data[j*no.step]
			default:
				y[i*v.cols+j] = c // NaN
			}
		}
	}
}

func whereBackward[T kernel.Float](v *Value) {
	g, c := of[T](v).grad, of[T](v.args[2]).data
	da, db := gradient[T](v.args[0]), gradient[T](v.args[1])
	for i := range v.rows {
		yes, no, cond := rowOf(da, v.args[0], i), rowOf(db, v.args[1], i), rowOf(c, v.args[2], i)
		for j := range v.cols {
			switch c := cond.data[j*cond.step]; {
			case c > 0 && yes.data != nil:
				yes.data[j*yes.step] += g[i*v.cols+j]
			case c <= 0 && no.data != nil:
				no.data[j*no.step] += g[i*v.cols+j]
			}
		}
	}
}

func init() {
	whereOp.tangent = func(v *Value) (dy, _ *Value) {
		da, db := v.tangents()
		return v.args[2].Where(da.orZeros(v.args[0]), db.orZeros(v.args[1])), nil
	}
}
