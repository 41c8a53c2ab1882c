package ad_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// Misuse panics with the name of the operation, what came and what was wanted.
func TestMisuse(t *testing.T) {
	tape, other := ad.NewTape(ad.Float64), ad.NewTape(ad.Float64)
	v := tape.Variable(2, 3, make([]float64, 6))
	w := other.Variable(2, 3, make([]float64, 6))
	p := func(rows, cols int) *ad.Param { return ad.NewParam(rows, cols, make([]float64, rows*cols)) }
	for want, f := range map[string]func(){
		"ad: Add: the operands are on two tapes":                                                    func() { v.Add(w) },
		"ad: MatMul: the operands are on two tapes":                                                 func() { v.MatMul(w) },
		"ad: Concat: the operands are on two tapes":                                                 func() { v.Concat(v, w) },
		"ad: Dense: the operands are on two tapes":                                                  func() { v.Linear(w, nil) },
		"ad: AffinePairs: the operands are on two tapes":                                            func() { v.AffinePairs(w, nil) },
		"ad: TriMul: the operands are on two tapes":                                                 func() { v.TriMul(ad.Lower, w, nil) },
		"ad: Tape.Backward: the operands are on two tapes":                                          func() { tape.Backward(w.Sum()) },
		"ad: Mul: got 2×3 and 2×2 values; sizes must be equal or 1":                                 func() { v.Mul(p(2, 2)) },
		"ad: Sub: got 2×3 and 3×3 values; sizes must be equal or 1":                                 func() { v.Sub(p(3, 3)) },
		"ad: MatMul: got 2×3 and 2×3 values, want as many rows on the right as columns on the left": func() { v.MatMul(v) },
		"ad: Dense: got a 2×3 value for 4×2 weights, want 2 columns":                                func() { v.Linear(p(4, 2), nil) },
		"ad: Dense: got a 1×3 bias for 4×3 weights, want 1×4":                                       func() { v.Linear(p(4, 3), p(1, 3)) },
		"ad: Slice: got columns 1 to 4 of a 2×3 value":                                              func() { v.Slice(1, 4) },
		"ad: Slice: got columns -1 to 2 of a 2×3 value":                                             func() { v.Slice(-1, 2) },
		"ad: Slice: got columns 2 to 1 of a 2×3 value":                                              func() { v.Slice(2, 1) },
		"ad: Columns: got column 3 of a 2×3 value":                                                  func() { v.Columns([]int{0, 3}) },
		"ad: Columns: got column -1 of a 2×3 value":                                                 func() { v.Columns([]int{-1}) },
		"ad: Scatter: got 2 column numbers for a 2×3 value":                                         func() { v.Scatter(5, []int{0, 1}) },
		"ad: Scatter: got column 5, want one below 5":                                               func() { v.Scatter(5, []int{0, 1, 5}) },
		"ad: Concat: got values with 2 and 3 rows":                                                  func() { v.Concat(p(3, 1)) },
		"ad: Repeat: got -1 copies, want 0 or more":                                                 func() { v.Repeat(-1) },
		"ad: Reshape: got 3×3 for a 2×3 value":                                                      func() { v.Reshape(3, 3) },
		"ad: AffinePairs: got 2×3 pairs for 3 columns of a 2×3 value, want 2×6":                     func() { v.AffinePairs(v, nil) },
		"ad: AffinePairsInverse: got 1×6 pairs for 3 columns of a 2×3 value, want 2×6":              func() { v.AffinePairsInverse(p(1, 6), nil) },
		"ad: TriMul: got 2 elements off the diagonal for a 2×3 value, want 3":                       func() { v.TriMul(ad.Lower, p(1, 2), nil) },
		"ad: TriSolve: got 2 diagonal elements for a 2×3 value, want 3":                             func() { v.TriSolve(ad.Upper, p(1, 3), p(1, 2)) },
		"ad: Cholesky: got a 2×3 value, want a square one":                                          func() { v.Cholesky() },
		"ad: LogIndicator: got the interval [1, 0]":                                                 func() { v.LogIndicator(1, 0) },
		"ad: Tape.Backward: got a 2×3 value, want 1×1; take its Sum or Mean first":                  func() { tape.Backward(v) },
		"ad: Tape.Backward: got a nil value":                                                        func() { tape.Backward(nil) },
		"ad: Tape.Const: got 5 numbers, want 2×3":                                                   func() { tape.Const(2, 3, make([]float64, 5)) },
		"ad: Tape.Rows: got rows 1 to 3 of a matrix with 2":                                         func() { tape.Rows(mat.NewDense(2, 2, nil), 1, 3) },
		"ad: NewParam: got 5 numbers, want 2×3":                                                     func() { ad.NewParam(2, 3, make([]float64, 5)) },
		"ad: Value.At: got element 2, 0 of a 2×3 value":                                             func() { v.At(2, 0) },
		"ad: Value.DataTo: got room for 5 numbers, want 2×3":                                        func() { v.DataTo(make([]float64, 5)) },
		"ad: Tape.Backward: the tape was made by NewEvalTape and records nothing; use NewTape": func() {
			e := ad.NewEvalTape(ad.Float64)
			e.Backward(e.Variable(1, 1, []float64{1}))
		},
	} {
		if got := testkit.Panic(f); got != want {
			t.Errorf("got panic %q, want %q", got, want)
		}
	}
}

// A value from before a Reset is refused by every operation, by its name.
func TestReset(t *testing.T) {
	for name, c := range opCases {
		tape := ad.NewTape(ad.Float64)
		o := c.draw(c.shapes[0], newRand())
		for range 100 { // more values than a case makes before it comes to its operation
			tape.Full(1, 1, 0)
		}
		in, _ := c.run(tape, o)
		tape.Reset()
		var more []ad.Operand
		for _, v := range in[1:] {
			more = append(more, v)
		}
		if got := testkit.Panic(func() { c.f(in[0], more) }); !strings.HasPrefix(got, "ad: ") || !strings.HasSuffix(got, ": an operand is from before the tape's Reset") {
			t.Errorf("%s: got panic %q, want one about the Reset", name, got)
		}
	}
}

// A parameter's value is one of the tape's as well.
func TestResetOfParam(t *testing.T) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		tape, param := ad.NewTape(p), ad.NewParam(1, 1, []float64{2})
		v := tape.Param(param)
		if tape.Param(param) != v {
			t.Error("Param returns two values of one parameter")
		}
		tape.Reset()
		if got, want := testkit.Panic(func() { v.Exp() }), "ad: Exp: an operand is from before the tape's Reset"; got != want {
			t.Errorf("got panic %q, want %q", got, want)
		}
		param.Data[0] = 3
		if got := tape.Param(param).At(0, 0); got != 3 {
			t.Errorf("after a Reset the parameter is %v, want its new value 3", got)
		}
	}
}

// Backward adds to the gradients of parameters; those of values are of the last loss alone.
func TestBackwardTwice(t *testing.T) {
	tape, p := ad.NewTape(ad.Float64), ad.NewParam(1, 1, []float64{3})
	x := tape.Variable(1, 1, []float64{2})
	square, product := x.Square().Mul(p), x.Mul(p)
	for i, c := range []struct {
		loss         *ad.Value
		dx, dp       float64
		intermediate float64 // gradient of product
	}{
		{square, 12, 4, 0},
		{product, 3, 4 + 2, 1},
		{square.Add(product), 15, 6 + 4 + 2, 1},
		{product, 3, 12 + 2, 1},
	} {
		tape.Backward(c.loss)
		if x.Grad()[0] != c.dx || p.Grad[0] != c.dp || product.Grad()[0] != c.intermediate {
			t.Errorf("loss %d: got gradients %v of x, %v of p and %v of the product, want %v, %v and %v",
				i, x.Grad()[0], p.Grad[0], product.Grad()[0], c.dx, c.dp, c.intermediate)
		}
	}
}

// The gradient of a result of an operation is that of the loss, not what the operation made of it.
func TestGradOfResults(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		if strings.Contains(t.Name(), "LogIndicator") { // its result is a constant
			return
		}
		tape := ad.NewTape(ad.Float64)
		_, out := c.run(tape, o)
		var want [][]float64
		loss := tape.Full(1, 1, 0)
		for _, v := range out {
			w := make([]float64, v.Rows()*v.Cols())
			for k := range w {
				w[k] = float64(k + 1)
			}
			want = append(want, w)
			loss = loss.Add(v.Mul(tape.Const(v.Rows(), v.Cols(), w)).Sum())
		}
		tape.Backward(loss)
		compare(t, "the gradient of a result", grad(out), want, 0)
	})
}

func TestBackwardOfLeaf(t *testing.T) {
	for _, precision := range []ad.Precision{ad.Float64, ad.Float32} {
		tape, p := ad.NewTape(precision), ad.NewParam(1, 1, []float64{3})
		tape.Backward(tape.Param(p))
		x := tape.Variable(1, 1, []float64{2})
		tape.Backward(x)
		tape.Backward(tape.Const(1, 1, []float64{2})) // depends on nothing
		if p.Grad[0] != 1 || x.Grad()[0] != 0 {
			t.Errorf("got gradients %v and %v, want 1 and, after the loss of a constant, 0", p.Grad[0], x.Grad()[0])
		}
	}
}

func TestTapeValues(t *testing.T) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		tape := ad.NewTape(p)
		m := mat.NewDense(4, 2, []float64{1, 2, 3, 4, 5, 6, 7, 8})
		for name, c := range map[string]struct {
			got  *ad.Value
			want *mat.Dense
		}{
			"Const":               {tape.Const(2, 1, []float64{1, 2}), mat.NewDense(2, 1, []float64{1, 2})},
			"Full":                {tape.Full(2, 2, 7), mat.NewDense(2, 2, []float64{7, 7, 7, 7})},
			"Rows":                {tape.Rows(m, 1, 3), mat.NewDense(2, 2, []float64{3, 4, 5, 6})},
			"Rows of a part":      {tape.Rows(m.Slice(0, 4, 1, 2).(*mat.Dense), 1, 3), mat.NewDense(2, 1, []float64{4, 6})},
			"Matrix":              {tape.Matrix(m), m},
			"Matrix of a part":    {tape.Matrix(m.Slice(1, 3, 0, 1)), mat.NewDense(2, 1, []float64{3, 5})},
			"Matrix, not a Dense": {tape.Matrix(m.T()), mat.DenseCopyOf(m.T())},
		} {
			if !mat.Equal(c.got.Matrix(), c.want) {
				t.Errorf("%s: got %v, want %v", name, c.got.Matrix(), c.want)
			}
		}
		v := tape.Rows(m, 0, 4)
		if m.Set(0, 0, 100); v.At(0, 0) != 1 {
			t.Error("Rows shares the memory of the matrix, want a copy")
		}
		if r, c := v.Dims(); r != 4 || c != 2 || v.Rows() != 4 || v.Cols() != 2 || v.Tape() != tape || tape.Precision() != p {
			t.Error("a value does not tell its size and tape")
		}
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			if tape.Const(1, 2, []float64{0, x}).Finite() {
				t.Errorf("Finite of (0, %v) is true", x)
			}
		}
		if !v.Finite() || !tape.Const(0, 2, nil).Finite() {
			t.Error("Finite of finite numbers is false")
		}
	}
}

// A step on a tape that has seen one like it allocates nothing.
func TestTapeAllocations(t *testing.T) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		tape := ad.NewTape(p)
		x := mat.NewDense(64, 2, nil)
		w, b := ad.NewParam(8, 2, make([]float64, 16)), ad.NewParam(1, 8, make([]float64, 8))
		strict, diag := ad.NewParam(1, 28, make([]float64, 28)), ad.NewParam(1, 8, []float64{1, 1, 1, 1, 1, 1, 1, 1})
		index, ends := []int{3, 1, 2, 0}, []int{0, 3}
		if n := testing.AllocsPerRun(100, func() {
			tape.Reset()
			v := tape.Rows(x, 0, 64)
			h := v.Dense(w, b, ad.LeakyReLU, 0.1).TriMul(ad.Lower, strict, diag).TriSolve(ad.Upper, strict, nil)
			y, l := h.Columns(index).AffinePairs(h, nil)
			l = l.Add(y.Concat(v).Square().Exp().Sin().LogSumExp()).Sub(y.Slice(0, 2).Scatter(4, ends).RowSum())
			tape.Backward(l.Mean())
		}); n != 0 {
			t.Errorf("%v: a step allocates %v times, want 0", p, n)
		}
	}
}

// Values that grow are for tapes that keep nothing.
func TestPartsKeepNothing(t *testing.T) {
	w, b := ad.NewParam(2, 3, make([]float64, 6)), ad.NewParam(1, 2, make([]float64, 2))
	for want, f := range map[string]func(v *ad.Value){
		"ad: SetColumns: got a 4×3 value for column 1 of a 4×3 one":     func(v *ad.Value) { v.SetColumns(1, v) },
		"ad: DensePart: got outputs 1 to 3 of 2×3 weights":              func(v *ad.Value) { v.DensePart(w, b, 1, 3, false, ad.Identity, 0) },
		"ad: DensePart: got a 4×2 value and a 1×2 bias for 2×3 weights": func(v *ad.Value) { v.Slice(0, 2).DensePart(w, b, 0, 1, false, ad.Identity, 0) },
		"ad: SetColumns: the tape keeps values for derivatives; use one of NewEvalTape": func(*ad.Value) {
			v := ad.NewTape(ad.Float64).Full(4, 3, 1)
			v.SetColumns(0, v)
		},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("got the panic %v, want %q", got, want)
				}
			}()
			f(ad.NewEvalTape(ad.Float32).Full(4, 3, 1))
		}()
	}
	tape := ad.NewEvalTape(ad.Float32)
	v := tape.Full(2, 3, 1)
	v.SetColumns(1, tape.Const(2, 2, []float64{2, 3, 4, 5}))
	if got, want := v.Data(), []float64{1, 2, 3, 1, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("SetColumns gives %v, want %v", got, want)
	}
}
