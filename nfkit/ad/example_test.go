package ad_test

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// The gradient of Σ scale·x² with respect to a variable and a parameter.
func Example() {
	scale := ad.NewParam(1, 1, []float64{2})
	t := ad.NewTape(ad.Float64)
	x := t.Variable(2, 1, []float64{3, 4})
	y := x.Square().Mul(scale).Sum()
	t.Backward(y)
	fmt.Println(y.Data(), x.Grad(), scale.Grad)
	// Output: [50] [12 16] [25]
}

// A parameter begins an expression on the tape of a value.
func ExampleParam_On() {
	logScale := ad.NewParam(1, 2, []float64{0, 1})
	z := ad.NewTape(ad.Float64).Const(1, 2, []float64{1, 1})
	fmt.Printf("%.3f\n", logScale.On(z).Exp().Mul(z).Data())
	// Output: [1.000 2.718]
}

// A mask takes elements out of a matrix: out of its values, and out of its gradient.
func ExampleNewMaskedParam() {
	w := ad.NewMaskedParam(2, 2, []float64{1, 2, 3, 4}, []float64{1, 0, 1, 1}) // lower triangular
	t := ad.NewTape(ad.Float64)
	t.Backward(t.Param(w).Square().Sum())
	fmt.Println(t.Param(w).Data(), w.Grad)
	// Output: [1 0 3 4] [2 0 6 8]
}

// Whoever changes parameters by hand, while others evaluate them, takes their guard; a model and an optimiser of them find the same one.
func ExampleNewGuard() {
	w := ad.NewParam(1, 1, []float64{1})
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			guard := ad.NewGuard([]*ad.Param{w})
			guard.Lock()
			defer guard.Unlock()
			w.Data[0]++
		})
	}
	wait.Wait()
	fmt.Println(w.Data)
	// Output: [11]
}

// A condition, what holds where it is positive, and what holds elsewhere.
func ExampleValue_Where() {
	x := ad.NewTape(ad.Float64).Const(1, 4, []float64{-2, -1, 1, 4})
	fmt.Println(x.Where(x.Sqrt(), x.Neg()).Data())
	// Output: [2 1 1 2]
}

// Least squares by gradient descent, in shards of rows on all cores.
func ExampleShards_Gradient() {
	x := mat.NewDense(4, 1, []float64{0, 1, 2, 3})
	y := mat.NewDense(4, 1, []float64{1, 3, 5, 7})
	slope, offset := ad.NewParam(1, 1, []float64{0}), ad.NewParam(1, 1, []float64{0})
	params := []*ad.Param{slope, offset}
	shards := ad.NewShards(ad.Float64, 1)
	for range 500 {
		shards.Gradient(4, params, 0.25, func(t *ad.Tape, lo, hi int) *ad.Value {
			return t.Rows(x, lo, hi).Linear(slope, offset).Sub(t.Rows(y, lo, hi)).Square().Sum()
		})
		for _, p := range params {
			p.Data[0] -= 0.1 * p.Grad[0]
		}
	}
	fmt.Printf("%.3f %.3f\n", slope.Data[0], offset.Data[0])
	// Output: 2.000 1.000
}

// The derivative of a vector field along a direction, row by row.
func ExampleJVP() {
	field := func(x *ad.Value) *ad.Value { // (x₁², x₀·x₁)
		a, b := x.Slice(0, 1), x.Slice(1, 2)
		return b.Square().Concat(a.Mul(b))
	}
	x := ad.NewEvalTape(ad.Float64).Const(1, 2, []float64{3, 5})
	v := x.Tape().Const(1, 2, []float64{0, 1})
	y, dy := ad.JVP(field, x, v)
	fmt.Println(y.Data(), dy.Data())
	// Output: [25 15] [10 3]
}

// Hutchinson's estimate of the trace of a Jacobian: the mean of vᵀ·J·v over random signs v.
func ExampleLinearize() {
	a := ad.NewParam(3, 3, []float64{1, 2, 0, 2, 3, 1, 0, 1, 5}) // of trace 9
	t := ad.NewEvalTape(ad.Float64)
	field := ad.Linearize(func(x *ad.Value) *ad.Value { return x.Linear(a, nil) }, t.Full(1000, 3, 1))
	v := t.Rademacher(1000, 3)
	fmt.Printf("%.0f\n", v.Mul(field.JVP(v)).RowSum().Mean().Data())
	// Output: [9]
}

// The score of a normal distribution with standard deviation 2.
func ExampleRowGradient() {
	logProb := func(x *ad.Value) *ad.Value { return x.Scale(0.5).Square().RowSum().Scale(-0.5) }
	x := ad.NewEvalTape(ad.Float64).Const(2, 2, []float64{2, 4, -8, 0})
	_, score := ad.RowGradient(logProb, x)
	fmt.Println(score.Data())
	// Output: [-0.5 -1 2 0]
}

// The inverse of x + eˣ, and its derivative.
func ExampleValue_Root() {
	t := ad.NewTape(ad.Float64)
	y := t.Variable(1, 2, []float64{1, 1 + math.E})
	x := y.Root(func(x *ad.Value) *ad.Value { return x.Exp().Add(x) }, math.Inf(-1), math.Inf(1))
	t.Backward(x.Sum())
	fmt.Printf("%.4f %.4f\n", x.Data(), y.Grad())
	// Output: [0.0000 1.0000] [0.5000 0.2689]
}

// The solution of x = cos(x)/2 + c, and its derivative by c.
func ExampleValue_FixedPoint() {
	t := ad.NewTape(ad.Float64)
	c := t.Variable(1, 1, []float64{0.25})
	x := c.FixedPoint(func(x *ad.Value) *ad.Value { return x.Cos().Scale(0.5).Add(c) })
	t.Backward(x)
	fmt.Printf("%.4f %.4f\n", x.Data(), c.Grad())
	// Output: [0.6485] [0.7681]
}

// The noise of a row follows from the seed and the number of the row.
func ExampleTape_Seed() {
	t := ad.NewEvalTape(ad.Float64)
	t.Seed([2]uint64{1, 2}, 0, 3) // rows 0 to 2 of a batch
	all := t.Normal(3, 1)
	t.Seed([2]uint64{1, 2}, 2, 3) // row 2
	last := t.Normal(1, 1)
	fmt.Println(all.At(2, 0) == last.At(0, 0))
	// Output: true
}

// Evaluators of a cache read a parameter once, until they are told that it has changed.
func ExampleNewCache() {
	w := ad.NewParam(1, 1, []float64{2})
	s := ad.NewCache(ad.Float32).Shards(1)
	show := func() {
		s.Each(1, func(t *ad.Tape, _, _ int) { fmt.Println(t.Full(1, 1, 10).Linear(w, nil).At(0, 0)) })
	}
	show()
	w.Data[0] = 3
	w.Changed()
	show()
	// Output:
	// 20
	// 30
}
