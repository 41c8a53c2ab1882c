package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Where returns v where cond > 0 and other where it is not, element by element; NaN where cond is NaN. The three
// broadcast. An element that is not chosen has no influence, whatever it is, and gradient 0; cond has none.
func (v *Value) Where(cond, other Operand) *Value {
	t := v.tape
	c, w := cond.operand(t), other.operand(t)
	rows, cols := v.rows, v.cols
	for _, a := range [...]*Value{v, c, w} {
		t.check("Where", a)
		var ok1, ok2 bool
		rows, ok1 = broadcast(rows, a.rows)
		cols, ok2 = broadcast(cols, a.cols)
		if !ok1 || !ok2 {
			panic(fmt.Sprintf("ad: Where: got %d×%d and %d×%d values under a %d×%d condition; sizes must be equal or 1", v.rows, v.cols, w.rows, w.cols, c.rows, c.cols))
		}
	}
	u := t.apply(whereOp, rows, cols, v, w, c)
	u.needs = v.needs || w.needs
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
