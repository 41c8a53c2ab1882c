package ad_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// monotone is a function for Root, its ends, and what it needs at most to evaluate.
type monotone struct {
	f      func(x *ad.Value) *ad.Value
	g      func(x float64) float64 // the same
	lo, hi float64
	steps  int
}

var monotones = map[string]monotone{
	"x + x³":        {func(x *ad.Value) *ad.Value { return x.Add(x.Square().Mul(x)) }, func(x float64) float64 { return x + x*x*x }, -inf, inf, 25},
	"−x − x³":       {func(x *ad.Value) *ad.Value { return x.Add(x.Square().Mul(x)).Neg() }, func(x float64) float64 { return -(x + x*x*x) }, -inf, inf, 25},
	"exp":           {(*ad.Value).Exp, math.Exp, -inf, inf, 40},
	"log":           {(*ad.Value).Log, math.Log, 0, inf, 40},
	"tanh":          {(*ad.Value).Tanh, math.Tanh, -30, 30, 40},
	"x⁹":            {func(x *ad.Value) *ad.Value { return x.Square().Square().Square().Mul(x) }, func(x float64) float64 { return x * ((x * x) * (x * x)) * ((x * x) * (x * x)) }, -inf, inf, 90},
	"10⁻³⁰x":        {func(x *ad.Value) *ad.Value { return x.Scale(1e-30) }, func(x float64) float64 { return 1e-30 * x }, -inf, inf, 20},
	"10³⁰x":         {func(x *ad.Value) *ad.Value { return x.Scale(1e30) }, func(x float64) float64 { return 1e30 * x }, -inf, inf, 60},
	"logit":         {func(x *ad.Value) *ad.Value { return x.Log().Sub(x.Neg().Log1p()) }, func(x float64) float64 { return math.Log(x) - math.Log1p(-x) }, 0, 1, 60},
	"leaky step":    {func(x *ad.Value) *ad.Value { return x.Scale(1e3).Tanh().Add(x.Scale(1e-3)) }, func(x float64) float64 { return math.Tanh(1e3*x) + 1e-3*x }, -inf, inf, 120},
	"from 5 down":   {func(x *ad.Value) *ad.Value { return x.Neg().Shift(5).Sqrt() }, func(x float64) float64 { return math.Sqrt(5 - x) }, -inf, 5, 60},
	"from −7 up":    {func(x *ad.Value) *ad.Value { return x.Shift(7).Sqrt() }, func(x float64) float64 { return math.Sqrt(x + 7) }, -7, inf, 60},
	"asinh, scaled": {func(x *ad.Value) *ad.Value { return x.Add(x.Square().Shift(1).Sqrt()).Log() }, func(x float64) float64 { return math.Log(x + math.Sqrt(x*x+1)) }, 0, inf, 60},
}

// The root is where the function passes the target: at one of its neighbours it is on the other side, or it is exact.
// That takes few evaluations, and each element has its own.
func TestRoot(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, c := range monotones {
		for _, p := range precisions {
			tape := ad.NewEvalTape(p)
			eval := func(x []float64) []float64 { return c.f(tape.Const(1, len(x), x)).Data() }
			const n = 40
			x := make([]float64, n)
			for i := range x {
				switch lo, hi := math.IsInf(c.lo, 0), math.IsInf(c.hi, 0); {
				case lo && hi:
					x[i] = r.NormFloat64() * math.Exp(r.NormFloat64())
				case lo:
					x[i] = c.hi - math.Exp(r.NormFloat64())
				case hi:
					x[i] = c.lo + math.Exp(r.NormFloat64())
				default:
					x[i] = c.lo + (c.hi-c.lo)*(0.1+0.8*r.Float64())
				}
				if name == "tanh" {
					x[i] = r.NormFloat64()
				}
			}
			target := eval(x)
			steps := 0
			got := tape.Const(1, n, target).Root(func(x *ad.Value) *ad.Value { steps++; return c.f(x) }, c.lo, c.hi).Data()
			if steps > c.steps {
				t.Errorf("%s, %v: %d evaluations, want %d at most", name, p, steps, c.steps)
			}
			next := func(x, to float64) float64 {
				if p == ad.Float32 {
					return float64(math.Nextafter32(float32(x), float32(to)))
				}
				return math.Nextafter(x, to)
			}
			below, above := make([]float64, n), make([]float64, n)
			for i, x := range got {
				below[i], above[i] = max(next(x, -inf), c.lo), min(next(x, inf), c.hi)
			}
			at, before, after := eval(got), eval(below), eval(above)
			for i, y := range target {
				side := func(v float64) bool { return v < y }
				if at[i] != y && side(at[i]) == side(before[i]) && side(at[i]) == side(after[i]) {
					t.Errorf("%s, %v: the root for %v is %v, where it is %v, and %v and %v beside it", name, p, y, got[i], at[i], before[i], after[i])
				}
				if p == ad.Float64 && math.Abs(c.g(got[i])-y) > 1e-12*max(1, math.Abs(y)) {
					t.Errorf("%s: at the root for %v it is %v", name, y, c.g(got[i]))
				}
				if one := tape.Const(1, 1, target[i:i+1]).Root(c.f, c.lo, c.hi).At(0, 0); one != got[i] {
					t.Errorf("%s, %v: the root for %v is %v alone and %v among others", name, p, y, one, got[i])
				}
			}
		}
	}
}

// Roots that are far or tiny, and NaN where there is none.
func TestRootAtExtremes(t *testing.T) {
	tanh := (*ad.Value).Tanh
	same := func(x *ad.Value) *ad.Value { return x.Scale(1) }
	for _, c := range []struct {
		name      string
		f         func(x *ad.Value) *ad.Value
		lo, hi    float64
		y, x, tol float64
	}{
		{"x", same, -inf, inf, 1e30, 1e30, 1e-6},
		{"x", same, -inf, inf, -1e-30, -1e-30, 1e-6},
		{"x", same, -inf, inf, 0, 0, 0},
		{"x", same, -inf, inf, math.MaxFloat32, math.MaxFloat32, 1e-6},
		{"x", same, 1e6, inf, 1e6, 1e6, 0},
		{"x", same, 1e6, inf, 3e6, 3e6, 1e-6},
		{"x", same, 1e6, inf, 9e5, nan, 0},
		{"x", same, -inf, -1e6, -1e20, -1e20, 1e-6},
		{"x", same, 2, 3, 3, 3, 0},
		{"x", same, 2, 3, 2, 2, 0},
		{"x", same, 2, 3, 3.5, nan, 0},
		{"x", same, 2, 3, 1.5, nan, 0},
		{"x", same, -inf, inf, inf, nan, 0},
		{"x", same, -inf, inf, nan, nan, 0},
		{"tanh", tanh, -inf, inf, 2, nan, 0},
		{"tanh", tanh, -inf, inf, -1.5, nan, 0},
		{"exp", (*ad.Value).Exp, -inf, inf, -1, nan, 0},
		{"exp", (*ad.Value).Exp, -inf, inf, 1e-30, math.Log(1e-30), 1e-6},
		{"log", (*ad.Value).Log, -inf, inf, 1, nan, 0}, // it has no value at −1
		{"log", (*ad.Value).Log, 0, inf, 80, math.Exp(80), 1e-5},
		{"1/x − x", func(x *ad.Value) *ad.Value { return x.Reciprocal().Sub(x) }, 0, inf, 0, 1, 1e-6},
		{"a constant", func(x *ad.Value) *ad.Value { return x.Scale(0).Shift(1) }, -inf, inf, 2, nan, 0},
	} {
		for _, p := range precisions {
			tape := ad.NewTape(p)
			y := tape.Variable(1, 2, []float64{0.5, c.y}) // beside another one
			got := y.Root(c.f, c.lo, c.hi).At(0, 1)
			if !(got == c.x || math.IsNaN(got) && math.IsNaN(c.x) || math.Abs(got-c.x) <= c.tol*math.Abs(c.x)) {
				t.Errorf("%v: the root of %s = %v in [%v, %v] is %v, want %v", p, c.name, c.y, c.lo, c.hi, got, c.x)
			}
		}
	}
}

// TanhRoot is a special case.
func TestRootOfTanh(t *testing.T) {
	const n = 200
	y, slope := normal(n, 1), normal(n, 2)
	for i := range slope {
		slope[i] = math.Exp(slope[i])
	}
	run := func(solve func(y, slope *ad.Value) *ad.Value) [][]float64 {
		tape := ad.NewTape(ad.Float64)
		v, p := tape.Variable(n, 1, y), tape.Variable(n, 1, slope)
		s := solve(v, p)
		tape.Backward(s.Square().Sum())
		return [][]float64{s.Data(), v.Grad(), p.Grad()}
	}
	compare(t, "the root", run(func(y, slope *ad.Value) *ad.Value {
		return y.Root(func(s *ad.Value) *ad.Value { return s.Add(slope.Shift(-1).Mul(s.Tanh())) }, math.Inf(-1), math.Inf(1))
	}), run(func(y, slope *ad.Value) *ad.Value { return y.TanhRoot(slope) }), 1e-12)
}

// A root within the function of a root: x + y = v with y³ + y = x.
func TestRootNested(t *testing.T) {
	for _, p := range precisions {
		tape := ad.NewTape(p)
		v := tape.Variable(1, 3, []float64{4, -4, 0.5})
		x := v.Root(func(x *ad.Value) *ad.Value {
			y := x.Root(func(y *ad.Value) *ad.Value { return y.Square().Mul(y).Add(y) }, math.Inf(-1), math.Inf(1))
			return x.Add(y)
		}, math.Inf(-1), math.Inf(1))
		tape.Backward(x.Sum())
		for i, w := range []float64{4, -4, 0.5} {
			y := w - x.At(0, i)
			if math.Abs(y*y*y+y-x.At(0, i)) > 1e-5 {
				t.Errorf("%v: x = %v and y = %v do not solve for %v", p, x.At(0, i), y, w)
			}
			s := 1 + 3*y*y // dx/dy
			if got := v.Grad()[i]; math.Abs(got-s/(1+s)) > 1e-5 {
				t.Errorf("%v: the gradient is %v, want %v", p, got, s/(1+s))
			}
		}
	}
}

// A root leaves no memory behind, and has the same bytes on any tape and in any shard.
func TestRootMemory(t *testing.T) {
	for _, p := range precisions {
		a := ad.NewParam(1, 3, []float64{0.5, 1, 2})
		y := normal(600, 3)
		solve := func(v *ad.Value) *ad.Value {
			return v.Root(func(x *ad.Value) *ad.Value { return x.Add(x.Mul(a).Tanh()) }, math.Inf(-1), math.Inf(1))
		}
		eval := ad.NewEvalTape(p)
		want := solve(eval.Const(200, 3, y)).Data()
		if n := testing.AllocsPerRun(50, func() {
			eval.Reset()
			solve(eval.Const(200, 3, y))
		}); n > 2 { // the functions
			t.Errorf("%v: a root allocates %v times, want 2 at most", p, n)
		}
		tape := ad.NewTape(p)
		if got := solve(tape.Const(200, 3, y)).Data(); !slices.Equal(got, want) {
			t.Errorf("%v: a tape that records has another root", p)
		}
		got := make([]float64, 600)
		ad.NewShards(p, 1).Each(200, func(t *ad.Tape, lo, hi int) { solve(t.Const(hi-lo, 3, y[3*lo:3*hi])).DataTo(got[3*lo : 3*hi]) })
		if !slices.Equal(got, want) {
			t.Errorf("%v: shards have another root", p)
		}
	}
}

func TestRootMisuse(t *testing.T) {
	v := ad.NewTape(ad.Float64).Full(2, 3, 1)
	for want, f := range map[string]func(){
		"ad: Root: got the interval [2, 1], want its ends in order":        func() { v.Root((*ad.Value).Exp, 2, 1) },
		"ad: Root: got the interval [NaN, 1], want its ends in order":      func() { v.Root((*ad.Value).Exp, math.NaN(), 1) },
		"ad: Root: the function of a 2×3 value is 2×1, want the same size": func() { v.Root((*ad.Value).RowSum, 0, 1) },
	} {
		if got := testkit.Panic(f); got != want {
			t.Errorf("got panic %q, want %q", got, want)
		}
	}
}
