// Package ad differentiates functions of batches in reverse mode.
//
// A [Value] is an n×c matrix, stored by rows, that some operation computed on a [Tape]. A row is a point
// of the batch; operations treat rows independently unless they say otherwise. Operations run at once; the
// tape remembers them, and [Tape.Backward] walks them in reverse and adds up gradients.
//
//	t := ad.NewTape(ad.Float64)
//	x := t.Variable(2, 1, []float64{3, 4})
//	y := x.Square().Mul(scale).Sum() // scale is an *ad.Param
//	t.Backward(y)
//	fmt.Println(x.Grad(), scale.Grad)
//
// # Operands
//
// An operation takes its further arguments as [Operand]: a *[Value] of the same tape, or a *[Param]. A flow
// keeps its parameters as Params and writes z.Mul(f.scale); no tape is passed around. Sizes broadcast as in
// NumPy: a dimension of 1 is repeated, so an n×c value can be added to a 1×c row, an n×1 column or a 1×1 number.
//
// # Memory
//
// A tape owns the buffers of its values and reuses them after [Tape.Reset], so that a training step that has run
// once allocates nothing. A Value is valid until the Reset of its tape. The slices that [Value.Data] and [Value.Grad]
// return are copies.
//
// # Precision
//
// Precision belongs to the tape. The same code runs in float64 or float32; parameters and their gradients
// are float64 outside of the tape in either case.
//
// # Batches on all cores
//
// A tape belongs to one goroutine. [Shards] cuts a batch into pieces of fixed size, evaluates them on all cores,
// each core with a tape of its own, and adds up in an order that depends on the number of rows alone: the
// result is the same to the last bit for any GOMAXPROCS.
//
// # Misuse
//
// Wrong sizes, values of two tapes, or values from before a Reset panic with the operation's name and the sizes.
// Arithmetic never panics: NaN and infinities travel on, and the caller decides.
package ad
