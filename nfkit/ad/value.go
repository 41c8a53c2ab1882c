package ad

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Value is an n×c matrix on a tape: an input, a parameter, or the result of an operation.
// It is valid until the Reset of its tape.
type Value struct {
	tape       *Tape
	id         int // position on the tape
	op         *op
	param      *Param // of a leaf
	reading    *reading
	generation uint64
	unset      bool // the elements of the leaf's gradient are undefined, and stand for 0
	args       []*Value
	rows, cols int
	needs      bool // a gradient is wanted

	f64 buffers[float64]
	f32 buffers[float32]

	// What single operations keep for their backward pass.
	c, c2       float64
	index       []int
	kind        uint8
	twin        *Value // a second result of the same operation
	packed      bool
	splines     *Spline
	polynomials [][]float64
	conv        window
	solved      func(*Value) *Value // what a fixed point or a root solves
	detached    *Value              // what a constant is a copy of
	calls       uint64              // of noise, before solved

	dot    *Value // the tangent, while tangents are computed
	wanted bool   // so is it needed
}

// buffers are a value's elements and their gradient (nil: zero) in one precision.
type buffers[T kernel.Float] struct{ data, grad, extra []T }

// of returns v's buffers of type T, which must be the type of its tape.
func of[T kernel.Float](v *Value) *buffers[T] {
	if b, ok := any(&v.f64).(*buffers[T]); ok {
		return b
	}
	return any(&v.f32).(*buffers[T])
}

// take returns n elements of the tape's memory with undefined contents.
func take[T kernel.Float](t *Tape, n int) []T {
	if a, ok := any(&t.f64).(*arena[T]); ok {
		return a.take(n)
	}
	return any(&t.f32).(*arena[T]).take(n)
}

// takeGradient is take for a gradient.
func takeGradient[T kernel.Float](t *Tape, n int) []T {
	if a, ok := any(&t.f64).(*arena[T]); ok {
		return a.again(n)
	}
	return any(&t.f32).(*arena[T]).again(n)
}

// Who owns a gradient. That of a value, nil for zero, is the value's own memory. The backward pass of an operation reads
// the gradient of its result and adds to those of its operands: gradient, or, where it can also set, freshGradient.
// It must not change the gradient of the result, which the user may read with Grad when Backward is done: unless the
// tape spends its gradients, as those of Shards do, where no user has a value after the loss. There an operation may
// overwrite it (spendGradient, which copies elsewhere) or hand it to an operand (passGradient, the same), and the memory
// serves again once the operation is done (Tape.reverse). Nobody needs it then: the users of a value come after it on
// the tape, so all has been added to its gradient when its operation reads it.
//
// A leaf has its gradient where the tape puts it: Backward adds it to Param.Grad and forgets it; on a tape of Shards it
// is a place in the sums of a lane, whose elements are undefined while unset. Whatever runs a part of the tape for
// itself (FixedPoint, innerGradient) makes all else constant for that time (silence) and leaves no gradient behind.

// gradient returns the gradient of v for an operation to add to, or nil if nobody wants it.
func gradient[T kernel.Float](v *Value) []T {
	if !v.needs {
		return nil
	}
	b := of[T](v)
	if b.grad == nil {
		b.grad = takeGradient[T](v.tape, len(b.data))
		clear(b.grad)
	} else if v.unset {
		clear(b.grad)
		v.unset = false
	}
	return b.grad
}

// freshGradient is gradient for an operation that can also set it, which it must when fresh is true: the elements are
// undefined then.
func freshGradient[T kernel.Float](v *Value) (grad []T, fresh bool) {
	b := of[T](v)
	switch {
	case !v.needs:
		return nil, false
	case v.unset:
		v.unset = false
		return b.grad, true
	case b.grad != nil:
		return b.grad, false
	}
	b.grad = takeGradient[T](v.tape, len(b.data))
	return b.grad, true
}

// spendGradient returns the gradient of v for its operation to overwrite.
func spendGradient[T kernel.Float](v *Value) []T {
	g := of[T](v).grad
	if v.tape.spends {
		return g
	}
	return append(take[T](v.tape, len(g))[:0], g...)
}

// Operand is what an operation takes beside its receiver: a *[Value] of the same tape or a *[Param].
type Operand interface {
	operand(t *Tape) *Value
}

func (v *Value) operand(t *Tape) *Value { return v }

// Tape returns the tape that v is on.
func (v *Value) Tape() *Tape { return v.tape }

// Dims returns the number of rows and columns.
func (v *Value) Dims() (rows, cols int) { return v.rows, v.cols }

// Rows returns the number of rows.
func (v *Value) Rows() int { return v.rows }

// Cols returns the number of columns.
func (v *Value) Cols() int { return v.cols }

// At returns the element in row i and column j.
func (v *Value) At(i, j int) float64 {
	if uint(i) >= uint(v.rows) || uint(j) >= uint(v.cols) {
		panic(fmt.Sprintf("ad: Value.At: got element %d, %d of a %d×%d value", i, j, v.rows, v.cols))
	}
	if v.tape.precision == Float32 {
		return float64(v.f32.data[i*v.cols+j])
	}
	return v.f64.data[i*v.cols+j]
}

// put sets element k of a constant that is being made.
func (v *Value) put(k int, x float64) {
	if v.tape.precision == Float32 {
		v.f32.data[k] = float32(x)
	} else {
		v.f64.data[k] = x
	}
}

// Data returns a copy of the elements, by rows.
func (v *Value) Data() []float64 { return v.DataTo(make([]float64, v.rows*v.cols)) }

// DataTo copies the elements, by rows, to dst and returns it. It panics when the lengths differ.
func (v *Value) DataTo(dst []float64) []float64 {
	if len(dst) != v.rows*v.cols {
		panic(fmt.Sprintf("ad: Value.DataTo: got room for %d numbers, want %d×%d", len(dst), v.rows, v.cols))
	}
	if v.tape.precision == Float32 {
		for i, x := range v.f32.data {
			dst[i] = float64(x)
		}
	} else {
		copy(dst, v.f64.data)
	}
	return dst
}

// Matrix returns a copy of the elements as a matrix. It panics when v has no elements.
func (v *Value) Matrix() *mat.Dense { return mat.NewDense(v.rows, v.cols, v.Data()) }

// Grad returns a copy of the gradient that Backward left, by rows; zeros when v had no part in the loss.
// For a parameter, see Param.Grad.
func (v *Value) Grad() []float64 {
	g := make([]float64, v.rows*v.cols)
	if v.tape.precision == Float32 {
		for i, x := range v.f32.grad {
			g[i] = float64(x)
		}
	} else {
		copy(g, v.f64.grad)
	}
	return g
}

// Finite reports whether no element is NaN or infinite.
func (v *Value) Finite() bool {
	if v.tape.precision == Float32 {
		return finite(v.f32.data)
	}
	return finite(v.f64.data)
}

func finite[T kernel.Float](s []T) bool {
	var sum T // x−x is 0 for a finite x, NaN otherwise
	for _, x := range s {
		sum += x - x
	}
	return sum == 0
}

// Detach returns v as a constant: the same elements, through which no gradient flows.
func (v *Value) Detach() *Value {
	d := v.tape.value(constOp, v.rows, v.cols)
	d.detached = v
	copy(d.f64.data, v.f64.data)
	copy(d.f32.data, v.f32.data)
	return d
}
