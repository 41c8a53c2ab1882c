package ad_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/nfkit/nfkit-go/nfkit/ad"
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

func hasPanic(t *testing.T, want string, f func()) {
	t.Helper()
	if got := panics(f); !strings.Contains(got, want) {
		t.Errorf("got panic %q, want %q", got, want)
	}
}
