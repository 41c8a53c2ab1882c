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

// DensePart returns outputs lo to hi (excluded) of [Value.Dense], to the last bit: n×(hi−lo). With alone, w and b are first cut to these outputs, to the last
// bit as well. It panics on a tape that keeps values. Cost O(nk(hi−lo)), more for fewer outputs than a vector has elements.
func (v *Value) DensePart(w, b *Param, lo, hi int, alone bool, act Activation, slope float64) *Value {
	t := v.tape
	weight, bias := t.Param(w), t.Param(b)
	t.check("DensePart", v)
	t.keepsNothing("DensePart")
	if v.cols != weight.cols || bias.rows != 1 || bias.cols != weight.rows {
		panic(fmt.Sprintf("ad: DensePart: got a %d×%d value and a %d×%d bias for %d×%d weights", v.rows, v.cols, bias.rows, bias.cols, weight.rows, weight.cols))
	}
	if lo < 0 || hi < lo || hi > weight.rows {
		panic(fmt.Sprintf("ad: DensePart: got outputs %d to %d of %d×%d weights", lo, hi, weight.rows, weight.cols))
	}
	if act == SiLU {
		return v.DensePart(w, b, lo, hi, alone, Identity, 0).SiLU()
	}
	if act == LeakyReLU && slope < 0 {
		return v.DensePart(w, b, lo, hi, alone, Identity, 0).LeakyReLU(slope)
	}
	u := t.value(constOp, v.rows, hi-lo)
	u.kind = uint8(act)
	if t.precision == Float32 {
		kernel.DensePart(u.f32.data, v.f32.data, packed[float32](weight), weight.f32.data, bias.f32.data, v.rows, lo, hi, alone, activation(u), float32(slope))
	} else {
		kernel.DensePart(u.f64.data, v.f64.data, packed[float64](weight), weight.f64.data, bias.f64.data, v.rows, lo, hi, alone, activation(u), slope)
	}
	return u
}
