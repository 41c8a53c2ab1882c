package ad_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// normal returns n normal numbers.
func normal(n int, seed uint64) []float64 {
	r, s := rand.New(rand.NewPCG(seed, 1)), make([]float64, n)
	for i := range s {
		s[i] = r.NormFloat64()
	}
	return s
}

// A masked parameter is the product of two values, in Backward and in Shards.
func TestMaskedParam(t *testing.T) {
	const rows, in, out = 300, 5, 4
	data, x := normal(out*in, 1), mat.NewDense(rows, in, normal(rows*in, 2))
	mask := make([]float64, out*in)
	for i := range mask {
		mask[i] = float64(i % 3 / 2)
	}
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		masked := ad.NewMaskedParam(out, in, slices.Clone(data), slices.Clone(mask))
		loss := func(w ad.Operand, t *ad.Tape, lo, hi int) *ad.Value {
			return t.Rows(x, lo, hi).Linear(w, nil).Square().Sum()
		}
		tape := ad.NewTape(p)
		w := tape.Variable(out, in, data)
		want := loss(w.Mul(tape.Const(out, in, mask)), tape, 0, 64)
		tape.Backward(want)
		other := ad.NewTape(p)
		got := loss(masked, other, 0, 64)
		other.Backward(got)
		if got.At(0, 0) != want.At(0, 0) {
			t.Errorf("%v: loss %v, want %v", p, got.At(0, 0), want.At(0, 0))
		}
		for i, g := range w.Grad() {
			if masked.Grad[i] != g {
				t.Errorf("%v: gradient %d is %v, want %v", p, i, masked.Grad[i], g)
			}
		}

		s := ad.NewShards(p, 1)
		step := func() float64 {
			return s.Gradient(rows, []*ad.Param{masked}, 1, func(t *ad.Tape, lo, hi int) *ad.Value { return loss(masked, t, lo, hi) })
		}
		before := step()
		for i, g := range masked.Grad {
			if (g != 0) != (mask[i] != 0) {
				t.Errorf("%v: element %d has mask %v and gradient %v", p, i, mask[i], g)
			}
		}
		if !slices.Equal(masked.Data, data) {
			t.Errorf("%v: the parameter itself has changed", p)
		}
		for i, m := range mask {
			if m == 0 {
				masked.Data[i] = 1e9
			}
		}
		if after := step(); after != before {
			t.Errorf("%v: masked elements change the loss from %v to %v", p, before, after)
		}
	}
}

func TestMaskedParamMisuse(t *testing.T) {
	testkit.WantPanic(t, "ad: NewMaskedParam: got 4 numbers and a mask of 3, want 2×2", func() {
		ad.NewMaskedParam(2, 2, make([]float64, 4), make([]float64, 3))
	})
}
