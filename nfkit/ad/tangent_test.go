package ad_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// flat returns the operation as a function of a single row, in which the elements of all its operands follow each other,
// and the row itself. Results are a row as well.
func (c opCase) flat(o operands) (f func(x *ad.Value) *ad.Value, x []float64) {
	for _, d := range o.data {
		x = append(x, d...)
	}
	return func(x *ad.Value) *ad.Value {
		var in []*ad.Value
		var more []ad.Operand
		at := 0
		for i, s := range o.shapes {
			v := x.Slice(at, at+s[0]*s[1]).Reshape(s[0], s[1])
			at += s[0] * s[1]
			in = append(in, v)
			if i > 0 {
				more = append(more, v)
			}
		}
		y := x.Slice(0, 0)
		for _, v := range c.f(in[0], more) {
			y = y.Concat(v.Reshape(1, v.Rows()*v.Cols()))
		}
		return y
	}, x
}

// directions are those in which each operand moves alone, and one in which all do.
func (o operands) directions() (all [][]float64) {
	r, n := rand.New(rand.NewPCG(5, 6)), 0
	for _, d := range o.data {
		n += len(d)
	}
	v, at := make([]float64, n), 0
	for i := range v {
		v[i] = r.NormFloat64()
	}
	for _, d := range o.data {
		alone := make([]float64, n)
		copy(alone[at:at+len(d)], v[at:])
		at += len(d)
		all = append(all, alone)
	}
	return append(all, v)
}

// along returns the derivative of f at x in the direction v by central differences.
func along(f func(x []float64) []float64, x, v []float64) []float64 {
	var sum []float64
	for _, p := range fivePoint.Formula.Stencil {
		at := slices.Clone(x)
		floats.AddScaled(at, p.Loc*fivePoint.Step, v)
		y := f(at)
		if sum == nil {
			sum = make([]float64, len(y))
		}
		floats.AddScaled(sum, p.Coeff/fivePoint.Step, y)
	}
	return sum
}

// evaluated makes a function of slices of one of values.
func evaluated(f func(x *ad.Value) *ad.Value) func(x []float64) []float64 {
	t := ad.NewEvalTape(ad.Float64)
	return func(x []float64) []float64 {
		t.Reset()
		return f(t.Const(1, len(x), x)).Data()
	}
}

// The tangent of each operation is the derivative of its results, on either kind of tape, and leaves the results as they
// are. An operation without a tangent panics here.
func TestOpTangents(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		f, x := c.flat(o)
		for _, v := range o.directions() {
			want := [][]float64{evaluated(f)(x), along(evaluated(f), x, v)}
			for _, tape := range []*ad.Tape{ad.NewTape(ad.Float64), ad.NewEvalTape(ad.Float64)} {
				y, dy := ad.JVP(f, tape.Variable(1, len(x), x), tape.Const(1, len(v), v))
				compare(t, "the result", [][]float64{y.Data()}, want[:1], 0)
				compare(t, "the tangent", [][]float64{dy.Data()}, want[1:], 1e-8)
			}
		}
	})
}

func TestOpTangentsPrecision(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		for i := range o.data {
			for k, x := range o.data[i] {
				o.data[i][k] = float64(float32(x))
			}
		}
		f, x := c.flat(o)
		v := o.directions()[len(o.shapes)]
		tangent := func(p ad.Precision) [][]float64 {
			tape := ad.NewEvalTape(p)
			_, dy := ad.JVP(f, tape.Const(1, len(x), x), tape.Const(1, len(v), v))
			return [][]float64{dy.Data()}
		}
		compare(t, "the tangent", tangent(ad.Float32), tangent(ad.Float64), 2e-4)
	})
}

// A tangent has gradients and tangents: those of differences of tangents.
func TestOpTangentsOfTangents(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		f, x := c.flat(o)
		all := o.directions()
		v, w := all[len(all)-1], slices.Clone(all[0])
		floats.AddScaled(w, 0.5, v)
		once := func(x *ad.Value) *ad.Value {
			_, dy := ad.JVP(f, x, x.Tape().Const(1, len(v), v))
			return dy
		}
		want := along(evaluated(once), x, w)
		tape := ad.NewTape(ad.Float64)
		_, twice := ad.JVP(once, tape.Variable(1, len(x), x), tape.Const(1, len(w), w))
		compare(t, "the second tangent", [][]float64{twice.Data()}, [][]float64{want}, 1e-7)

		in := tape.Variable(1, len(x), x)
		weights := func(x *ad.Value) *ad.Value { return weighted(x.Tape(), []*ad.Value{once(x)}) }
		tape.Backward(weights(in))
		for _, w := range all {
			compare(t, "the gradient of the tangent", [][]float64{{floats.Dot(in.Grad(), w)}}, [][]float64{along(evaluated(weights), x, w)}, 1e-7)
		}
	})
}

// RowGradient of a row is the gradient of Backward, to the last bit, and as a function it has the gradient and the
// tangent of one.
func TestOpRowGradients(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		f, x := c.flat(o)
		scalar := func(x *ad.Value) *ad.Value { return weighted(x.Tape(), []*ad.Value{f(x)}) }
		row := func(x *ad.Value) *ad.Value {
			_, g := ad.RowGradient(scalar, x)
			return g
		}
		tape := ad.NewTape(ad.Float64)
		in := tape.Variable(1, len(x), x)
		y := scalar(in)
		tape.Backward(y)
		want := [][]float64{y.Data(), in.Grad()}
		for _, tape := range []*ad.Tape{ad.NewTape(ad.Float64), ad.NewEvalTape(ad.Float64)} {
			y, g := ad.RowGradient(scalar, tape.Const(1, len(x), x))
			compare(t, "RowGradient", data([]*ad.Value{y, g}), want, 0)
		}

		all := o.directions()
		v := all[len(all)-1]
		hv := along(evaluated(row), x, v)
		for _, tape := range []*ad.Tape{ad.NewTape(ad.Float64), ad.NewEvalTape(ad.Float64)} {
			_, dg := ad.JVP(row, tape.Variable(1, len(x), x), tape.Const(1, len(v), v))
			compare(t, "the tangent of the gradient", [][]float64{dg.Data()}, [][]float64{hv}, 1e-7)
		}
		tape.Reset()
		in = tape.Variable(1, len(x), x)
		tape.Backward(row(in).Mul(tape.Const(1, len(v), v)).Sum())
		compare(t, "the gradient of the gradient", [][]float64{in.Grad()}, [][]float64{hv}, 1e-7) // the matrix is symmetric
	})
}

// At the extremes, the tangent is the derivative that Backward finds.
func TestTangentsAtExtremes(t *testing.T) {
	for _, c := range extremes {
		for _, p := range precisions {
			tape := ad.NewTape(p)
			x := tape.Variable(1, len(c.x), c.x)
			v := make([]float64, len(c.x))
			if len(v) > 0 {
				v[0] = 1
			}
			_, dy := ad.JVP(c.f, x, tape.Const(1, len(v), v))
			if got := dy.At(0, 0); !same(got, c.dy) {
				t.Errorf("%s of %v in %v: got the tangent %v, want %v", c.name, c.x, p, got, c.dy)
			}
		}
	}
}

// What a function uses beside its argument is constant, also what the argument was computed from.
func TestJVPOfCaptured(t *testing.T) {
	for _, tape := range []*ad.Tape{ad.NewTape(ad.Float64), ad.NewEvalTape(ad.Float32)} {
		x := tape.Variable(1, 2, []float64{3, 4})
		z := x.Square()
		v := tape.Const(1, 2, []float64{1, 10})
		for _, c := range []struct {
			name string
			f    func(u *ad.Value) *ad.Value
			y, d []float64
		}{
			{"u⊙x", func(u *ad.Value) *ad.Value { return u.Mul(x) }, []float64{9, 16}, []float64{3, 40}},
			{"x", func(*ad.Value) *ad.Value { return x }, []float64{3, 4}, []float64{0, 0}},
			{"z", func(*ad.Value) *ad.Value { return z.Scale(2) }, []float64{18, 32}, []float64{0, 0}},
			{"u", func(u *ad.Value) *ad.Value { return u }, []float64{3, 4}, []float64{1, 10}},
			{"u⊙detached u", func(u *ad.Value) *ad.Value { return u.Mul(u.Detach()) }, []float64{9, 16}, []float64{3, 40}},
			{"u in a scratch", func(u *ad.Value) *ad.Value {
				return tape.Scratch(func() *ad.Value { return u.Exp().Log().Square() })
			}, []float64{9, 16}, []float64{6, 80}},
			{"u⊙(derivative of u⊙w by w)", func(u *ad.Value) *ad.Value {
				_, d := ad.JVP(func(w *ad.Value) *ad.Value { return u.Mul(w) }, u, tape.Full(1, 2, 1))
				return u.Mul(d)
			}, []float64{9, 16}, []float64{6, 80}},
		} {
			y, dy := ad.JVP(c.f, x, v)
			compare(t, c.name, data([]*ad.Value{y, dy}), [][]float64{c.y, c.d}, 1e-5)
			again := ad.Linearize(c.f, x)
			compare(t, c.name+", twice", data([]*ad.Value{again.Y, again.JVP(v), again.JVP(v)}), [][]float64{c.y, c.d, c.d}, 1e-5)
		}
	}
	p := ad.NewParam(1, 2, []float64{3, 4})
	_, dy := ad.JVP((*ad.Value).Square, ad.NewTape(ad.Float64).Param(p), ad.NewParam(1, 2, []float64{1, 10}))
	compare(t, "at a parameter, along a parameter", data([]*ad.Value{dy}), [][]float64{{6, 80}}, 0)
}

func TestDerivativesMisuse(t *testing.T) {
	tape := ad.NewTape(ad.Float64)
	x := tape.Full(2, 3, 1)
	used := ad.NewTape(ad.Float64)
	old := ad.Linearize((*ad.Value).Exp, used.Full(2, 3, 1))
	used.Reset()
	for want, f := range map[string]func(){
		"ad: JVP: got a 2×2 direction for a 2×3 value, want the same size": func() { ad.JVP((*ad.Value).Exp, x, tape.Full(2, 2, 1)) },
		"ad: JVP: the operands are on two tapes":                           func() { ad.JVP((*ad.Value).Exp, x, ad.NewTape(ad.Float64).Full(2, 3, 1)) },
		"ad: JVP: an operand is from before the tape's Reset":              func() { old.JVP(used.Full(2, 3, 1)) },
		"ad: Linearize: got a nil value":                                   func() { ad.Linearize(func(*ad.Value) *ad.Value { return nil }, x) },
		"ad: RowGradient: the function of a 2×3 value is 2×3, want 2×1":    func() { ad.RowGradient((*ad.Value).Exp, x) },
		"ad: RowGradient: the function of a 2×3 value is 1×1, want 2×1":    func() { ad.RowGradient((*ad.Value).Sum, x) },
		"ad: LogIndicator: got the interval [2, 1]":                        func() { ad.JVP(func(x *ad.Value) *ad.Value { return x.LogIndicator(2, 1) }, x, x) },
	} {
		if got := testkit.Panic(f); got != want {
			t.Errorf("got panic %q, want %q", got, want)
		}
	}
	// A panic on the way leaves the tape as it was.
	testkit.Panic(func() { ad.RowGradient(func(x *ad.Value) *ad.Value { panic("no") }, x) })
	_, dy := ad.JVP((*ad.Value).Square, x, x)
	compare(t, "after a panic", data([]*ad.Value{dy}), [][]float64{{2, 2, 2, 2, 2, 2}}, 0)
	eval := ad.NewEvalTape(ad.Float64)
	testkit.Panic(func() { ad.Linearize(func(x *ad.Value) *ad.Value { panic("no") }, eval.Full(1, 1, 1)) })
	if n := testing.AllocsPerRun(50, func() { // 160 kB in a step, if a function were still thought to be at work
		eval.Scratch(func() *ad.Value { return eval.Full(100, 100, 1).Exp().Sum() })
	}); n != 0 {
		t.Errorf("after a panic a scratch allocates %v times", n)
	}
}

// field is a network with masked weights, parameters, a context and dropout, and losses made of its derivatives.
type field struct {
	w1, b1, w2, w3 *ad.Param
	x, context     []float64
}

const fieldDim = 3

func newField(rows int) *field {
	param := func(rows, cols int, seed uint64) *ad.Param {
		return ad.NewParam(rows, cols, normal(rows*cols, seed))
	}
	mask := make([]float64, 8*8)
	for i := range mask {
		if i/8 >= i%8 {
			mask[i] = 1
		}
	}
	return &field{param(8, fieldDim+2, 1), param(1, 8, 2), ad.NewMaskedParam(8, 8, normal(64, 3), mask), param(fieldDim, 8, 4),
		normal(rows*fieldDim, 5), normal(rows*2, 6)}
}

func (f *field) params() []*ad.Param { return []*ad.Param{f.w1, f.b1, f.w2, f.w3} }

// loss returns Σ (v·∂u/∂x·v)² + |∇ ln p|² + 2·v·∂∇ln p/∂x·v, with random signs v: a trace as continuous flows have it,
// and sliced score matching of an energy.
func (f *field) loss(t *ad.Tape, lo, hi int) *ad.Value {
	n := hi - lo
	x, c := t.Const(n, fieldDim, f.x[lo*fieldDim:hi*fieldDim]), t.Const(n, 2, f.context[lo*2:hi*2])
	u := func(x *ad.Value) *ad.Value {
		return x.Concat(c).Dense(f.w1, f.b1, ad.Tanh, 0).Dropout(0.2).Dense(f.w2, nil, ad.Softplus, 0).Dense(f.w3, nil, ad.Identity, 0)
	}
	v := t.Rademacher(n, fieldDim)
	_, du := ad.JVP(u, x, v)
	trace := du.Mul(v).RowSum().Square()
	score := func(x *ad.Value) *ad.Value {
		_, g := ad.RowGradient(func(x *ad.Value) *ad.Value { return u(x).Square().RowSum().Scale(-0.5) }, x)
		return g
	}
	s, ds := ad.JVP(score, x, v)
	return trace.Add(s.Square().RowSum()).Add(ds.Mul(v).RowSum().Scale(2)).Sum()
}

// Losses made of derivatives train: their gradients are those of differences, in shards as on a tape, and steps allocate
// nothing but the functions.
func TestDerivativesInTraining(t *testing.T) {
	const rows = 300
	f := newField(rows)
	for _, p := range precisions {
		s := ad.NewShards(p, 1)
		s.Seed = [2]uint64{3, 4}
		var loss float64
		var grads [][]float64
		testkit.OnCores(func(procs int) {
			l := s.Gradient(rows, f.params(), 1, f.loss)
			var g [][]float64
			for _, q := range f.params() {
				g = append(g, slices.Clone(q.Grad))
			}
			if grads == nil {
				loss, grads = l, g
			}
			compare(t, "with other cores", append(g, []float64{l}), append(grads, []float64{loss}), 0)
		})
		tape, eval := ad.NewTape(p), ad.NewEvalTape(ad.Float64)
		for _, t := range []*ad.Tape{tape, eval} {
			t.SetTraining(true)
			t.Seed(s.Seed, 0, rows)
		}
		for _, q := range f.params() {
			clear(q.Grad)
		}
		l := f.loss(tape, 0, rows)
		tape.Backward(l)
		tol := 1e-10
		if p == ad.Float32 {
			tol = 1e-2 // of sums of 300 numbers that cancel
		}
		for i, q := range f.params() {
			compare(t, "the gradient in shards", grads[i:i+1], [][]float64{q.Grad}, tol)
		}
		if p == ad.Float32 {
			continue
		}
		r := rand.New(rand.NewPCG(7, 8))
		for _, q := range f.params() {
			at, v := slices.Clone(q.Data), make([]float64, len(q.Data))
			for i := range v {
				v[i] = r.NormFloat64()
			}
			want := along(func(x []float64) []float64 {
				copy(q.Data, x)
				eval.Reset()
				eval.Seed(s.Seed, 0, rows)
				return f.loss(eval, 0, rows).Data()
			}, at, v)
			copy(q.Data, at)
			compare(t, "the gradient along a direction", [][]float64{{floats.Dot(q.Grad, v)}}, [][]float64{want}, 1e-7)
		}
	}
}

// Derivatives by a tape that is used again allocate nothing but what their functions do, and RowGradient keeps no memory
// of an evaluation.
func TestDerivativesMemory(t *testing.T) {
	for _, p := range precisions {
		w, x := ad.NewParam(fieldDim, fieldDim, normal(9, 1)), normal(100*fieldDim, 2)
		f := func(x *ad.Value) *ad.Value { return x.Dense(w, nil, ad.Tanh, 0).RowSum() }
		tape := ad.NewTape(p)
		if n := testing.AllocsPerRun(50, func() {
			tape.Reset()
			v := tape.Const(100, fieldDim, x)
			_, g := ad.RowGradient(f, v)
			l := ad.Linearize(f, v)
			tape.Backward(l.JVP(v).Square().Sum().Add(g.Square().Sum()).Add(l.JVP(g).Sum()))
		}); n != 0 {
			t.Errorf("%v: a step allocates %v times", p, n)
		}
		eval := ad.NewEvalTape(p)
		v := eval.Const(100, fieldDim, x)
		if n := testing.AllocsPerRun(100, func() { ad.RowGradient(f, v) }); n > 0.5 { // its results are kept: 400 numbers of 16384 that a block has
			t.Errorf("%v: RowGradient allocates %v times", p, n)
		}
	}
}

// A loss that has a gradient beside its own value is the sum of both, and Backward may be called again.
func TestRowGradientBackwardTwice(t *testing.T) {
	tape := ad.NewTape(ad.Float64)
	x := tape.Variable(2, 1, []float64{2, 3})
	y, g := ad.RowGradient(func(x *ad.Value) *ad.Value { return x.Square().Mul(x) }, x)
	loss := y.Add(g.Scale(10)).Sum()
	for range 2 {
		tape.Backward(loss)
		compare(t, "the gradient of x³ + 30·x²", [][]float64{x.Grad()}, [][]float64{{3*4 + 60*2, 3*9 + 60*3}}, 1e-14)
	}
	if d := g.Detach(); d.At(1, 0) != 27 {
		t.Errorf("the gradient is %v, want 27", d.At(1, 0))
	}
}
