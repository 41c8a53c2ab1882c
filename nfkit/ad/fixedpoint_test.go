package ad_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// x = v − a·x has the solution v/(1+a), with the gradients 1/(1+a) and −v/(1+a)².
func TestFixedPoint(t *testing.T) {
	for _, a := range []float64{0.5, -0.9, 0.97} {
		tape := ad.NewTape(ad.Float64)
		v, b := tape.Variable(2, 2, []float64{1, -20, 0, 3e5}), tape.Variable(1, 1, []float64{a})
		steps := 0
		x := v.FixedPoint(func(x *ad.Value) *ad.Value {
			steps++
			return v.Sub(x.Mul(b))
		})
		tape.Backward(x.Sum())
		var want float64
		for k, y := range v.Data() {
			if w := y / (1 + a); !close(x.Data()[k], w, 1e-10*max(1, math.Abs(w))) {
				t.Errorf("a = %v: x = %v, want %v", a, x.Data()[k], w)
			}
			if g, w := v.Grad()[k], 1/(1+a); !close(g, w, 1e-10*max(1, w)) {
				t.Errorf("a = %v: gradient %v of v, want %v", a, g, w)
			}
			want -= y / (1 + a) / (1 + a)
		}
		if g := b.Grad()[0]; math.Abs(g-want) > 1e-10*math.Abs(want) {
			t.Errorf("a = %v: gradient %v of a, want %v", a, g, want)
		}
		if steps > 1001 {
			t.Errorf("a = %v: %d steps", a, steps)
		}
	}
}

// A row without a solution is NaN, and so are the gradients of a solution that the iteration of the gradient cannot
// reach; other rows are what they are alone.
func TestFixedPointDiverges(t *testing.T) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		tape := ad.NewTape(p)
		v := tape.Variable(4, 1, []float64{1, 2, 3, math.Inf(1)})
		a := tape.Const(4, 1, []float64{0.5, 1, -4, 0.5})
		x := v.FixedPoint(func(x *ad.Value) *ad.Value { return v.Sub(x.Mul(a)) }).Data()
		if !close(x[0], 2./3, 1e-5) || !math.IsNaN(x[1]) || !math.IsNaN(x[2]) || !math.IsNaN(x[3]) {
			t.Errorf("%v: got %v, want 2/3 and NaN", p, x)
		}

		tape.Reset()
		v = tape.Variable(1, 1, []float64{0}) // a solution that is there from the start, and repels
		y := v.FixedPoint(func(x *ad.Value) *ad.Value { return v.Sub(x.Scale(2)) })
		tape.Backward(y)
		if y.At(0, 0) != 0 || !math.IsNaN(v.Grad()[0]) {
			t.Errorf("%v: got %v with gradient %v, want 0 with NaN", p, y.At(0, 0), v.Grad()[0])
		}
	}
}

// A function that does not depend on its argument is its own fixed point.
func TestFixedPointOfConstant(t *testing.T) {
	tape := ad.NewTape(ad.Float64)
	v, c, p := tape.Variable(1, 2, []float64{1, 2}), tape.Variable(1, 2, []float64{3, 4}), ad.NewParam(1, 2, []float64{5, 6})
	before := v.FixedPoint(func(*ad.Value) *ad.Value { return c })
	inside := v.FixedPoint(func(*ad.Value) *ad.Value { return c.Scale(2) })
	param := v.FixedPoint(func(*ad.Value) *ad.Value { return tape.Param(p) })
	tape.Backward(before.Add(inside).Add(param).Sum())
	compare(t, "the fixed points", data([]*ad.Value{before, inside, param}), [][]float64{{3, 4}, {6, 8}, {5, 6}}, 0)
	compare(t, "the gradients", [][]float64{c.Grad(), p.Grad, v.Grad()}, [][]float64{{3, 3}, {1, 1}, {0, 0}}, 0)
}

// A fixed point within the function of another one: x = v − a·y(x), y = x − b·y, so x = v/(1 + a/(1+b)).
func TestFixedPointNested(t *testing.T) {
	tape := ad.NewTape(ad.Float64)
	v := tape.Variable(1, 1, []float64{2})
	a, b := tape.Variable(1, 1, []float64{0.5}), tape.Variable(1, 1, []float64{0.25})
	x := v.FixedPoint(func(x *ad.Value) *ad.Value {
		y := x.FixedPoint(func(y *ad.Value) *ad.Value { return x.Sub(y.Mul(b)) })
		return v.Sub(y.Mul(a))
	})
	tape.Backward(x)
	s := 1 + 0.5/1.25
	compare(t, "nested", [][]float64{x.Data(), v.Grad(), a.Grad(), b.Grad()},
		[][]float64{{2 / s}, {1 / s}, {-2 / s / s / 1.25}, {2 / s / s * 0.5 / 1.25 / 1.25}}, 1e-11)
}

// Steps leave no memory behind, and a tape that is used again allocates nothing.
func TestFixedPointMemory(t *testing.T) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		w := ad.NewParam(16, 16, make([]float64, 256))
		for i := range w.Data {
			w.Data[i] = 0.2 * math.Sin(float64(i))
		}
		input := make([]float64, 64*16)
		for i := range input {
			input[i] = math.Cos(float64(i))
		}
		shards := ad.NewShards(p, 1)
		var x *ad.Value
		loss := func(t *ad.Tape, lo, hi int) *ad.Value {
			y := t.Const(hi-lo, 16, input[:(hi-lo)*16])
			x = y.FixedPoint(func(x *ad.Value) *ad.Value { return y.Sub(x.Dense(w, nil, ad.Tanh, 0).Linear(w, nil)) })
			return x.Square().Sum()
		}
		params := []*ad.Param{w}
		if n := testing.AllocsPerRun(20, func() { shards.Gradient(64, params, 1, loss) }); n > 2 { // y, which the function captures here
			t.Errorf("%v: a step allocates %v times, want 2 at most", p, n)
		}
		tape := ad.NewTape(p)
		x = nil
		l := loss(tape, 0, 64)
		clear(w.Grad)
		tape.Backward(l)
		want := append([]float64(nil), w.Grad...)
		shards.Gradient(64, params, 1, loss)
		compare(t, "the gradient by shards", [][]float64{w.Grad}, [][]float64{want}, 0)
	}
}

// ScratchPair returns what its function does, wherever the two results have been in memory, and frees the rest.
func TestScratchPair(t *testing.T) {
	for name, f := range map[string]func(x *ad.Value) (a, b *ad.Value){
		"large, small":  func(x *ad.Value) (a, b *ad.Value) { a = x.Exp().Shift(1); return a, a.RowSum() },
		"small, large":  func(x *ad.Value) (a, b *ad.Value) { b = x.Exp().Shift(1); return b.RowSum(), b },
		"second first":  func(x *ad.Value) (a, b *ad.Value) { b = x.Scale(3); return x.Sin().Cos(), b },
		"one value":     func(x *ad.Value) (a, b *ad.Value) { a = x.Exp().Shift(1); return a, a },
		"first before":  func(x *ad.Value) (a, b *ad.Value) { return x, x.Exp().Shift(1) },
		"second before": func(x *ad.Value) (a, b *ad.Value) { return x.Exp().Shift(1), x },
		"both before":   func(x *ad.Value) (a, b *ad.Value) { _ = x.Exp(); return x, x },
	} {
		for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
			results := func(tape *ad.Tape) string {
				x := tape.Full(50, 7, 0.5).Add(tape.Const(1, 7, []float64{1, 2, 3, 4, 5, 6, 7}))
				a, b := tape.ScratchPair(func() (a, b *ad.Value) { return f(x) })
				after := tape.Full(50, 7, -1)
				return fmt.Sprint(a.Data(), b.Data(), x.Data(), after.Data())
			}
			if got, want := results(ad.NewEvalTape(p)), results(ad.NewTape(p)); got != want {
				t.Errorf("%s in %v: got\n%s\nwant\n%s", name, p, got, want)
			}
		}
	}
	eval := ad.NewEvalTape(ad.Float64)
	step := func() {
		eval.Reset()
		x := eval.Full(100, 100, 1)
		for range 100 {
			x, _ = eval.ScratchPair(func() (a, b *ad.Value) { a = x.Sin().Cos(); return a, a.RowSum() })
		}
	}
	step()
	if n := testing.AllocsPerRun(3, step); n > 0 {
		t.Errorf("ScratchPair allocates %v times, want none", n)
	}
}

// Scratch gives the same bytes with and without a record, and frees memory without one.
func TestScratch(t *testing.T) {
	w := ad.NewParam(3, 3, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9})
	run := func(t *ad.Tape) *ad.Value {
		x := t.Const(2, 3, []float64{1, 2, 3, 4, 5, 6})
		m := t.Param(w).Scale(0.1) // not packed before, packed in each scratch, and used after it
		for range 3 {
			x = t.Scratch(func() *ad.Value { return x.Linear(m, nil).Tanh().Shift(1) })
		}
		if y := t.Scratch(func() *ad.Value { return m }); y != m {
			panic("Scratch of a value from before is another one")
		}
		t.Full(100, 100, math.NaN())
		return x.Linear(m, nil)
	}
	tape := ad.NewTape(ad.Float64)
	y := run(tape)
	compare(t, "without a record", data([]*ad.Value{run(ad.NewEvalTape(ad.Float64))}), data([]*ad.Value{y}), 0)
	tape.Backward(y.Sum())
	if w.Grad[0] == 0 {
		t.Error("no gradient flows through Scratch")
	}
	eval := ad.NewEvalTape(ad.Float64)
	if n := testing.AllocsPerRun(50, func() {
		eval.Scratch(func() *ad.Value { return eval.Full(100, 100, 1).Exp().Sum() })
	}); n != 0 { // 160 kB in a step, if it were kept
		t.Errorf("a scratch allocates %v times", n)
	}
}

// LogAbsDet of each row is that of Inverse.
func TestLogAbsDet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for d := 1; d <= 9; d++ {
		a := make([]float64, 3*d*d)
		for k := range a {
			a[k] = r.NormFloat64()
		}
		tape := ad.NewTape(ad.Float64)
		v := tape.Variable(3, d*d, a)
		l := v.LogAbsDet()
		for i := range 3 {
			row := a[i*d*d : (i+1)*d*d]
			m := tape.Variable(d, d, row)
			_, want := m.Inverse()
			if got := l.At(i, 0); got != want.At(0, 0) {
				t.Errorf("ln|det| of %v is %v, want %v", row, got, want.At(0, 0))
			}
			tape.Backward(l.Sum())
			grad := v.Grad()[i*d*d : (i+1)*d*d]
			tape.Backward(want)
			compare(t, "the gradient", [][]float64{grad}, [][]float64{m.Grad()}, 1e-12)
		}
	}
	if got := testkit.Panic(func() { ad.NewEvalTape(ad.Float64).Full(2, 5, 1).LogAbsDet() }); got != "ad: LogAbsDet: got a 2×5 value, want a square number of columns" {
		t.Errorf("got panic %q", got)
	}
}

// Swish and its slope agree with their composition from simple operations.
func TestSwish(t *testing.T) {
	o := opCases["Swish"].draw([]shape{{9, 7}, {1, 1}, {1, 1}}, newRand())
	composed := opCase{f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
		gain := more[1]
		z := v.Mul(more[0])
		q := z.Sigmoid()
		return []*ad.Value{v.Mul(q).Mul(gain), q.Add(z.Mul(q).Mul(q.Neg().Shift(1))).Mul(gain)}
	}}
	grads, results := opCases["Swish"].gradients(ad.NewTape(ad.Float64), o)
	wantGrads, wantResults := composed.gradients(ad.NewTape(ad.Float64), o)
	compare(t, "Swish", results, wantResults, 1e-14)
	compare(t, "the gradient of Swish", grads, wantGrads, 1e-12)

	tape := ad.NewTape(ad.Float64)
	x := tape.Variable(1, 6, []float64{-math.MaxFloat64, -1e4, 1e4, math.MaxFloat64, math.Inf(1), math.Inf(-1)})
	y, s := x.Swish(tape.Full(1, 1, 2), tape.Full(1, 1, 0.5))
	tape.Backward(y.Slice(0, 4).Sum().Add(s.Sum()))
	compare(t, "Swish far out", [][]float64{y.Data(), s.Data(), x.Grad()},
		[][]float64{{0, 0, 5e3, math.MaxFloat64 / 2, inf, 0}, {0, 0, 0.5, 0.5, 0.5, 0}, {0, 0, 0.5, 0.5, 0, 0}}, 0)
}
