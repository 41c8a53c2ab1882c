package ad_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

var inf, nan = math.Inf(1), math.NaN()

func softClipAll(v *ad.Value) *ad.Value { return v.SoftClip(2) }

// softClip returns the first of two elements, clipped.
func softClip(v *ad.Value) *ad.Value {
	return v.Reshape(1, 2).Columns([]int{1, 0}).SoftClipOdd(2).Slice(1, 2)
}

// extremes are what operations return, and their derivatives, where formulas taken literally overflow or divide by 0.
// Results that are tiny or huge in one precision only are in TestOpPrecision's care, not here.
var extremes = []struct {
	name  string
	f     func(v *ad.Value) *ad.Value
	x     []float64
	y, dy float64
}{
	{"Exp", (*ad.Value).Exp, []float64{-1e4}, 0, 0},
	{"Exp", (*ad.Value).Exp, []float64{1e4}, inf, inf},
	{"Exp", (*ad.Value).Exp, []float64{-inf}, 0, 0},
	{"Log", (*ad.Value).Log, []float64{0}, -inf, inf},
	{"Log", (*ad.Value).Log, []float64{-1}, nan, -1},
	{"Log1p", (*ad.Value).Log1p, []float64{1e-20}, 1e-20, 1},
	{"Log1p", (*ad.Value).Log1p, []float64{-1}, -inf, inf},
	{"Expm1", (*ad.Value).Expm1, []float64{1e-20}, 1e-20, 1},
	{"Expm1", (*ad.Value).Expm1, []float64{-1e4}, -1, 0},
	{"Sqrt", (*ad.Value).Sqrt, []float64{0}, 0, inf},
	{"Sqrt", (*ad.Value).Sqrt, []float64{-1}, nan, nan},
	{"Reciprocal", (*ad.Value).Reciprocal, []float64{0}, inf, -inf},
	{"Reciprocal", (*ad.Value).Reciprocal, []float64{inf}, 0, 0},
	{"Abs", (*ad.Value).Abs, []float64{0}, 0, 0},
	{"Abs", (*ad.Value).Abs, []float64{-inf}, inf, -1},
	{"SoftClip", softClipAll, []float64{1e300}, 2, 0},
	{"SoftClip", softClipAll, []float64{-inf}, -2, 0},
	{"SoftClip", softClipAll, []float64{0}, 0, 1},
	{"SoftClipOdd", softClip, []float64{1e300, 0}, 2, 0},
	{"SoftClipOdd", softClip, []float64{-inf, 0}, -2, 0},
	{"SoftClipOdd", softClip, []float64{0, 0}, 0, 1},
	{"Tanh", (*ad.Value).Tanh, []float64{1e4}, 1, 0},
	{"Tanh", (*ad.Value).Tanh, []float64{-inf}, -1, 0},
	{"Tanh", (*ad.Value).Tanh, []float64{1e-20}, 1e-20, 1},
	{"Sigmoid", (*ad.Value).Sigmoid, []float64{1e4}, 1, 0},
	{"Sigmoid", (*ad.Value).Sigmoid, []float64{-1e4}, 0, 0},
	{"Sigmoid", (*ad.Value).Sigmoid, []float64{-inf}, 0, 0},
	{"LogSigmoid", (*ad.Value).LogSigmoid, []float64{1e4}, 0, 0},
	{"LogSigmoid", (*ad.Value).LogSigmoid, []float64{-1e4}, -1e4, 1},
	{"LogSigmoid", (*ad.Value).LogSigmoid, []float64{-inf}, -inf, 1},
	{"Softplus", (*ad.Value).Softplus, []float64{1e4}, 1e4, 1},
	{"Softplus", (*ad.Value).Softplus, []float64{-1e4}, 0, 0},
	{"Softplus", (*ad.Value).Softplus, []float64{inf}, inf, 1},
	{"LogNormalCDF", (*ad.Value).LogNormalCDF, []float64{1e4}, 0, 0},
	{"LogNormalCDF", (*ad.Value).LogNormalCDF, []float64{-1e4}, -5e7 - 10.129278905, 1e4 + 1e-4},
	{"LogNormalCDF", (*ad.Value).LogNormalCDF, []float64{-inf}, -inf, inf},
	{"NormalOfLogit", (*ad.Value).NormalOfLogit, []float64{0}, 0, math.Sqrt(2*math.Pi) / 4},
	{"NormalOfLogit", (*ad.Value).NormalOfLogit, []float64{-inf}, -inf, 0},
	{"SiLU", (*ad.Value).SiLU, []float64{1e4}, 1e4, 1},
	{"SiLU", (*ad.Value).SiLU, []float64{-1e4}, 0, 0},
	{"SiLU", (*ad.Value).SiLU, []float64{-inf}, 0, 0},
	{"ELU", (*ad.Value).ELU, []float64{-1e4}, -1, 0},
	{"ELU", (*ad.Value).ELU, []float64{1e4}, 1e4, 1},
	{"ELU", (*ad.Value).ELU, []float64{1e-20}, 1e-20, 1},
	{"ReLU", (*ad.Value).ReLU, []float64{0}, 0, 0},
	{"ReLU", (*ad.Value).ReLU, []float64{1e4}, 1e4, 1},
	{"LogSumExp", (*ad.Value).LogSumExp, []float64{1e4, -1e4}, 1e4, 1},
	{"LogSumExp", (*ad.Value).LogSumExp, []float64{-1e4, 1e4}, 1e4, 0},
	{"LogSumExp", (*ad.Value).LogSumExp, []float64{-inf, -inf}, -inf, 0},
	{"LogSumExp", (*ad.Value).LogSumExp, []float64{-inf, 3}, 3, 0},
	{"LogSumExp", (*ad.Value).LogSumExp, []float64{inf, 3}, inf, nan},
	{"LogSumExp", (*ad.Value).LogSumExp, nil, -inf, 0},
	{"LogIndicator at an end", interval, []float64{-1}, 0, 0},
	{"LogIndicator at an end", interval, []float64{2}, 0, 0},
	{"LogIndicator inside", interval, []float64{0.5}, 0, 0},
	{"LogIndicator below", interval, []float64{-1.0001}, -inf, 0},
	{"LogIndicator above", interval, []float64{2.0001}, -inf, 0},
	{"LogIndicator of −∞", interval, []float64{-inf}, -inf, 0},
	{"LogIndicator of ∞", interval, []float64{inf}, -inf, 0},
	{"LogIndicator of NaN", interval, []float64{nan}, nan, 0},
	{"LogIndicator of ∞", func(v *ad.Value) *ad.Value { return v.LogIndicator(0, inf).Add(v.Reciprocal()) }, []float64{inf}, 0, 0},
	{"Div by v", func(v *ad.Value) *ad.Value { return v.Tape().Full(1, 1, 0x1p-100).Div(v) }, []float64{0x1p-100}, 1, -0x1p100},
	{"Max with 0", func(v *ad.Value) *ad.Value { return v.Max(v.Tape().Full(1, 1, 0)) }, []float64{0}, 0, 1},
	{"Min with 0", func(v *ad.Value) *ad.Value { return v.Min(v.Tape().Full(1, 1, 0)) }, []float64{0}, 0, 1},
	{"Max with −∞", func(v *ad.Value) *ad.Value { return v.Max(v.Tape().Full(1, 1, -inf)) }, []float64{-1e4}, -1e4, 1},
}

func interval(v *ad.Value) *ad.Value { return v.LogIndicator(-1, 2) }

// same reports whether a number is the one that is wanted, up to roundings of float32.
func same(got, want float64) bool {
	return got == want || math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) < 1e-7*math.Abs(want)
}

func TestOpsAtExtremes(t *testing.T) {
	for _, c := range extremes {
		for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
			tape := ad.NewTape(p)
			x := tape.Variable(1, len(c.x), c.x)
			y := c.f(x)
			tape.Backward(y.Sum())
			dy := 0.0
			if len(c.x) > 0 {
				dy = x.Grad()[0]
			}
			if got := y.At(0, 0); !same(got, c.y) || !same(dy, c.dy) {
				t.Errorf("%s of %v in %v: got %v with derivative %v, want %v with %v", c.name, c.x, p, got, dy, c.y, c.dy)
			}
		}
	}
}
