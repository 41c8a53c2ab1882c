package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// What solves for one component after the other computes a network in parts: of each layer the units that depend on what has just been found. Values
// then grow column by column, which is for tapes that keep nothing alone.

// Keeps reports whether values are kept for Backward, or for derivatives that are being computed. Where it is false, [Value.DensePart] and
// [Value.SetColumns] work.
func (t *Tape) Keeps() bool { return t.gradients || t.recording > 0 }

// SetColumns replaces the columns of v from number lo on by those of u. It changes v itself, and panics on a tape that keeps values.
func (v *Value) SetColumns(lo int, u *Value) {
	v.tape.check("SetColumns", v)
	v.tape.check("SetColumns", u)
	v.tape.keepsNothing("SetColumns")
	if lo < 0 || lo+u.cols > v.cols || u.rows != v.rows || v.param != nil {
		panic(fmt.Sprintf("ad: SetColumns: got a %d×%d value for column %d of a %d×%d one", u.rows, u.cols, lo, v.rows, v.cols))
	}
	if v.tape.precision == Float32 {
		setColumns(v.f32.data, u.f32.data, lo, v.rows)
	} else {
		setColumns(v.f64.data, u.f64.data, lo, v.rows)
	}
}

func setColumns[T kernel.Float](dst, src []T, lo, rows int) {
	if rows == 0 {
		return
	}
	d, c := len(dst)/rows, len(src)/rows
	for i := range rows {
		copy(dst[i*d+lo:], src[i*c:(i+1)*c])
	}
}

func (t *Tape) keepsNothing(op string) {
	if t.Keeps() {
		panic(fmt.Sprintf("ad: %s: the tape keeps values for derivatives; use one of NewEvalTape", op))
	}
}

// DensePart returns outputs lo to hi (excluded) of [Value.Dense], where all but the first inputs, of the given number, are 0 or have weights 0: n×(hi−lo).
// w is not packed for it: it is for few outputs. It panics on a tape that keeps values. Cost O(n·inputs·(hi−lo)).
func (v *Value) DensePart(w, b Operand, lo, hi, inputs int, act Activation, slope float64) *Value {
	t := v.tape
	weight, bias := w.operand(t), b.operand(t)
	t.check("DensePart", v)
	t.check("DensePart", weight)
	t.check("DensePart", bias)
	t.keepsNothing("DensePart")
	if v.cols != weight.cols || bias.rows != 1 || bias.cols != weight.rows {
		panic(fmt.Sprintf("ad: DensePart: got a %d×%d value and a %d×%d bias for %d×%d weights", v.rows, v.cols, bias.rows, bias.cols, weight.rows, weight.cols))
	}
	if lo < 0 || hi < lo || hi > weight.rows || inputs < 0 || inputs > v.cols {
		panic(fmt.Sprintf("ad: DensePart: got outputs %d to %d and %d inputs of %d×%d weights", lo, hi, inputs, weight.rows, weight.cols))
	}
	if act == SiLU {
		return v.DensePart(w, b, lo, hi, inputs, Identity, 0).SiLU()
	}
	if act == LeakyReLU && slope < 0 {
		return v.DensePart(w, b, lo, hi, inputs, Identity, 0).LeakyReLU(slope)
	}
	u := t.value(constOp, v.rows, hi-lo)
	u.kind = uint8(act)
	if t.precision == Float32 {
		densePart(u, v.f32.data, weight.f32.data, bias.f32.data, lo, hi, inputs, float32(slope))
	} else {
		densePart(u, v.f64.data, weight.f64.data, bias.f64.data, lo, hi, inputs, slope)
	}
	return u
}

func densePart[T kernel.Float](u *Value, x, w, b []T, lo, hi, inputs int, slope T) {
	if u.rows == 0 || lo == hi {
		return
	}
	ldx := len(x) / u.rows
	kernel.DensePart(of[T](u).data, x, ldx, w[lo*ldx:], ldx, b[lo:hi], u.rows, inputs, hi-lo, activation(u), slope)
}
