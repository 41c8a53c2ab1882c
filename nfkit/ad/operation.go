package ad

// Operation says how a [Value] was computed, for those who write a computation down in another language. [Value.Operation] returns it, on a tape
// that keeps values.
type Operation struct {
	// Name is that of the method of Value, or of the function: Add, Dense, Spline, RowGradient. It is Const and Param for what is not computed, alias
	// for a copy, and twin for the second result of Args[0].
	Name string

	// Args are the operands, in the order of the call with the receiver first; those of Where are then, otherwise and the receiver. FixedPoint and
	// Root have the argument x of their function, which stands for the solution and whose Detach is the start, the value f(x), and in the case of
	// Root the receiver.
	Args   []*Value
	Second *Value // the second result, nil if there is none

	Number, Upper float64    // slope, factor, bound or limit; the lower and the upper end for LogIndicator and Root; the layers and the limit of DeepSigmoid
	Index         []int      // columns; nil: all
	First         int        // the first column of a Slice
	Activation    Activation // of Dense
	Half          Triangle   // of TriMul and TriSolve
	Spline        *Spline    // of Spline and SplineInverse
}

// Operation returns how v was computed. What is in it must not be changed. It panics unless the tape of v keeps values, see [Tape.Keeps].
func (v *Value) Operation() Operation {
	v.tape.check("Operation", v)
	if !v.tape.Keeps() {
		panic("ad: Operation: the tape forgets values; use one of NewTape")
	}
	if v.detached != nil {
		return Operation{Name: "Detach", Args: []*Value{v.detached}}
	}
	o := Operation{Name: v.op.name, Args: v.args, Second: v.twin, Number: v.c, Upper: v.c2, Index: v.index, Spline: v.splines}
	switch v.op {
	case sliceOp:
		o.First = int(v.c)
	case denseOp:
		o.Activation = Activation(v.kind)
	case triMulOp, triSolveOp:
		o.Half = Triangle(v.kind)
	}
	return o
}
