package ad_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// naiveConv is the sum that the documentation of Conv2D has, for one grid.
func naiveConv(x []float64, in ad.Shape, w []float64, edge, m int, bias []float64, pad ad.Padding) []float64 {
	y := slices.Repeat(bias, in.Sites())
	for r := range in.Height {
		for s := range in.Width {
			for o := range m {
				for i := range edge {
					for j := range edge {
						a, b := r+i-edge/2, s+j-edge/2
						if pad == ad.PadCircular {
							a, b = ((a%in.Height)+in.Height)%in.Height, ((b%in.Width)+in.Width)%in.Width
						}
						if a < 0 || a >= in.Height || b < 0 || b >= in.Width {
							continue
						}
						for c := range in.Channels {
							y[(r*in.Width+s)*m+o] += w[o*edge*edge*in.Channels+(i*edge+j)*in.Channels+c] * x[in.Index(a, b, c)]
						}
					}
				}
			}
		}
	}
	return y
}

func TestConv2DAgainstLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	normal := func(n int) []float64 {
		s := make([]float64, n)
		for i := range s {
			s[i] = r.NormFloat64()
		}
		return s
	}
	for _, c := range []struct {
		in      ad.Shape
		edge, m int
	}{
		{ad.Shape{Height: 5, Width: 7, Channels: 3}, 3, 17},
		{ad.Shape{Height: 28, Width: 28, Channels: 16}, 3, 32}, // several runs of patches for a grid
		{ad.Shape{Height: 7, Width: 5, Channels: 9}, 1, 4},
		{ad.Shape{Height: 1, Width: 9, Channels: 2}, 5, 3},
		{ad.Shape{Height: 2, Width: 3, Channels: 1}, 9, 33},
		{ad.Shape{Height: 1, Width: 1, Channels: 4}, 3, 5},
		{ad.Shape{Height: 3, Width: 10, Channels: 2}, 5, 9}, // rows that are multiplied where they are
		{ad.Shape{Height: 4, Width: 5, Channels: 9}, 3, 8},  // to few channels
		{ad.Shape{Height: 2, Width: 3, Channels: 5}, 9, 4},
		{ad.Shape{Height: 6, Width: 1, Channels: 2}, 3, 1},
	} {
		const n = 3
		x, w, b := normal(n*c.in.Size()), normal(c.m*c.edge*c.edge*c.in.Channels), normal(c.m)
		for _, pad := range []ad.Padding{ad.PadZero, ad.PadCircular} {
			for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
				tape := ad.NewEvalTape(p)
				y := tape.Const(n, c.in.Size(), x).Conv2D(c.in, tape.Const(c.m, len(w)/c.m, w), tape.Const(1, c.m, b), pad, ad.Identity, 0).Data()
				tol := 1e-11 // a few hundred roundings of sums of size 20
				if p == ad.Float32 {
					tol = 1e-3
				}
				for i := range n {
					want := naiveConv(x[i*c.in.Size():(i+1)*c.in.Size()], c.in, w, c.edge, c.m, b, pad)
					for k, v := range want {
						if got := y[i*len(want)+k]; !(math.Abs(got-v) <= tol) {
							t.Fatalf("%v, edge %d, padding %d in %v: element %d of row %d is %v, want %v", c.in, c.edge, pad, p, k, i, got, v)
						}
					}
				}
			}
		}
	}
}

// A convolution with circular padding commutes with translations.
func TestConv2DTranslation(t *testing.T) {
	in := ad.Shape{Height: 3, Width: 4, Channels: 2}
	r := rand.New(rand.NewPCG(3, 4))
	x, w := make([]float64, in.Size()), make([]float64, 3*25*2)
	for _, s := range [][]float64{x, w} {
		for i := range s {
			s[i] = r.NormFloat64()
		}
	}
	shift := func(x []float64, c int) []float64 {
		s := ad.Shape{Height: in.Height, Width: in.Width, Channels: c}
		y := make([]float64, len(x))
		for i := range s.Height {
			for j := range s.Width {
				for k := range c {
					y[s.Index((i+1)%s.Height, (j+3)%s.Width, k)] = x[s.Index(i, j, k)]
				}
			}
		}
		return y
	}
	tape := ad.NewTape(ad.Float64)
	f := func(x []float64) []float64 {
		return tape.Const(1, len(x), x).Conv2D(in, tape.Const(3, 50, w), nil, ad.PadCircular, ad.Tanh, 0).Data()
	}
	if got, want := f(shift(x, 2)), shift(f(x), 3); !slices.Equal(got, want) {
		t.Errorf("the convolution of a translated grid is %v, want %v", got, want)
	}
}

// A training step has the same bytes for any number of cores, and allocates nothing.
func TestConv2DInShards(t *testing.T) {
	in := ad.Shape{Height: 9, Width: 8, Channels: 2}
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		r := rand.New(rand.NewPCG(5, 6))
		param := func(rows, cols int) *ad.Param {
			q := ad.NewParam(rows, cols, make([]float64, rows*cols))
			for i := range q.Data {
				q.Data[i] = 0.1 * r.NormFloat64()
			}
			return q
		}
		w, b, v := param(24, 18), param(1, 24), param(3, 9*24)
		order := make([]int, 18) // as a file has weights: channel, row, column
		for k := range 9 {
			order[2*k], order[2*k+1] = k, 9+k
		}
		w.Arrange(nil, order)
		x := make([]float64, 200*in.Size())
		for i := range x {
			x[i] = r.NormFloat64()
		}
		s := ad.NewShards(p, in.Sites()*24)
		hidden := ad.Shape{Height: 9, Width: 8, Channels: 24}
		loss := func(t *ad.Tape, lo, hi int) *ad.Value {
			h := t.Const(hi-lo, in.Size(), x[lo*in.Size():hi*in.Size()]).Conv2D(in, w, b, ad.PadZero, ad.LeakyReLU, 0)
			return h.Conv2D(hidden, v, nil, ad.PadCircular, ad.Identity, 0).Square().Sum()
		}
		params := []*ad.Param{w, b, v}
		var first string
		before := runtime.GOMAXPROCS(0)
		defer runtime.GOMAXPROCS(before)
		for _, cores := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(cores)
			if text := fmt.Sprint(s.Gradient(200, params, 1, loss), w.Grad, b.Grad, v.Grad); first == "" {
				first = text
			} else if text != first {
				t.Errorf("%v: %d cores give other bytes than 1", p, cores)
			}
		}
		runtime.GOMAXPROCS(1)
		if n := testing.AllocsPerRun(3, func() { s.Gradient(200, params, 1, loss) }); n > 0 {
			t.Errorf("%v: a step allocates %v times, want none", p, n)
		}
	}
}

func TestConv2DMisuse(t *testing.T) {
	tape := ad.NewTape(ad.Float64)
	in := ad.Shape{Height: 2, Width: 3, Channels: 2}
	v := tape.Full(4, 12, 1)
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"columns":  {func() { tape.Full(4, 11, 1).Conv2D(in, tape.Full(3, 18, 1), nil, ad.PadZero, ad.Identity, 0) }, "ad: Conv2D: got a 4×11 value for a 2×3×2 grid, want 12 columns, and 1 or more"},
		"no sites": {func() { tape.Full(4, 0, 1).Conv2D(ad.Shape{Height: 2, Width: 3}, v, nil, ad.PadZero, ad.Identity, 0) }, "ad: Conv2D: got a 4×0 value for a 2×3×0 grid, want 0 columns, and 1 or more"},
		"weights":  {func() { v.Conv2D(in, tape.Full(3, 8, 1), nil, ad.PadZero, ad.Identity, 0) }, "ad: Conv2D: got 3×8 weights for 2 channels, want k²·2 columns for an odd k"},
		"bias":     {func() { v.Conv2D(in, tape.Full(3, 18, 1), tape.Full(1, 2, 1), ad.PadZero, ad.Identity, 0) }, "ad: Conv2D: got a 1×2 bias for 3×18 weights, want 1×3"},
		"padding":  {func() { v.Conv2D(in, tape.Full(3, 18, 1), nil, 2, ad.Identity, 0) }, "ad: Conv2D: got padding 2, want PadZero or PadCircular"},
		"index":    {func() { in.Index(1, 3, 0) }, "ad: Shape.Index: got row 1, column 3 and channel 0 of a 2×3×2 grid"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("got panic %v, want %q", got, c.want)
				}
			}()
			c.f()
		})
	}
}
