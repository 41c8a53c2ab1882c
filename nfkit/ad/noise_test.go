package ad_test

import (
	"math"
	"slices"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// noises are the ways to draw on a tape; dropout by its factors.
var noises = map[string]func(t *ad.Tape, rows, cols int) *ad.Value{
	"Normal":     (*ad.Tape).Normal,
	"Uniform":    (*ad.Tape).Uniform,
	"Rademacher": (*ad.Tape).Rademacher,
	"Dropout": func(t *ad.Tape, rows, cols int) *ad.Value {
		t.SetTraining(true)
		return t.Full(rows, cols, 1).Dropout(0.4)
	},
}

// drawAll draws twice, on a tape that is seeded for rows lo to hi, k rows of noise for each of them.
func drawAll(f func(t *ad.Tape, rows, cols int) *ad.Value, p ad.Precision, seed [2]uint64, lo, hi, k int) (first, second []float64) {
	t := ad.NewTape(p)
	t.Seed(seed, lo, hi)
	return f(t, k*(hi-lo), 3).Data(), f(t, k*(hi-lo), 3).Data()
}

// A row has the noise of its number, wherever a batch is cut; and other noise for each call, each half of the seed, and
// each row.
func TestNoiseOfRows(t *testing.T) {
	const rows = 70
	for name, f := range noises {
		for _, p := range precisions {
			for _, k := range []int{1, 4} {
				a, b := drawAll(f, p, [2]uint64{1, 2}, 0, rows, k)
				for _, cut := range []int{0, 1, 33, 69} {
					a0, b0 := drawAll(f, p, [2]uint64{1, 2}, 0, cut, k)
					a1, b1 := drawAll(f, p, [2]uint64{1, 2}, cut, rows, k)
					if !slices.Equal(append(a0, a1...), a) || !slices.Equal(append(b0, b1...), b) {
						t.Errorf("%s, %v, %d rows for one: a batch that is cut at row %d has other noise", name, p, k, cut)
					}
				}
				seen := [][]float64{a, b}
				for _, seed := range [][2]uint64{{1, 3}, {2, 2}, {2, 1}, {0, 0}} {
					c, d := drawAll(f, p, seed, 0, rows, k)
					seen = append(seen, c, d)
				}
				shifted, _ := drawAll(f, p, [2]uint64{1, 2}, rows, 2*rows, k)
				for i, s := range append(seen, shifted) {
					for _, r := range seen[:min(i, len(seen))] {
						if i < len(seen) && slices.Equal(r, s) {
							t.Errorf("%s, %v: two calls, or two seeds, have the same noise", name, p)
						}
					}
				}
				if slices.Equal(shifted, a) {
					t.Errorf("%s, %v: other rows have the same noise", name, p)
				}
			}
		}
	}
}

// Reset does not seed: a step after it has noise of its own, until Seed.
func TestNoiseAfterReset(t *testing.T) {
	tape := ad.NewTape(ad.Float64)
	a := tape.Normal(2, 3).Data()
	tape.Reset()
	if b := tape.Normal(2, 3).Data(); slices.Equal(a, b) {
		t.Error("noise after Reset is that from before")
	}
	tape.Seed([2]uint64{}, 0, 2)
	if b := tape.Normal(2, 3).Data(); !slices.Equal(a, b) {
		t.Errorf("noise after Seed with zeros is %v, want that of a new tape, %v", b, a)
	}
}

// Shards seed their tapes for their rows, whose noise is the same for any GOMAXPROCS, in training and evaluation, whose
// shards are of other sizes, and follows the seed.
func TestNoiseOfShards(t *testing.T) {
	const rows = 9000
	for _, p := range precisions {
		tape := ad.NewTape(p)
		tape.Seed([2]uint64{5, 6}, 0, rows)
		want := tape.Normal(rows, 2).Data()
		testkit.OnCores(func(int) {
			s, got := ad.NewShards(p, 1), make([]float64, 2*rows)
			draw := func(t *ad.Tape, lo, hi int) *ad.Value {
				t.Normal(hi-lo, 2).DataTo(got[2*lo : 2*hi])
				return t.Full(1, 1, 0)
			}
			for name, run := range map[string]func(){
				"Gradient": func() { s.Gradient(rows, nil, 1, draw) },
				"Each":     func() { s.Each(rows, func(t *ad.Tape, lo, hi int) { draw(t, lo, hi) }) },
			} {
				s.Seed = [2]uint64{5, 6}
				if run(); !slices.Equal(got, want) {
					t.Errorf("%v: %s has other noise than a tape", p, name)
				}
				s.Seed[1]++
				if run(); slices.Equal(got, want) {
					t.Errorf("%v: %s has the same noise for another seed", p, name)
				}
			}
		})
	}
}

// Moments are those of the distributions, and neighbours (columns, rows, calls, seeds) have no correlation, within 5
// standard errors.
func TestNoiseDistributions(t *testing.T) {
	const rows, cols = 4000, 5
	for name, moments := range map[string][2]float64{"Normal": {0, 1}, "Uniform": {0.5, 1. / 12}, "Rademacher": {0, 1}, "Dropout": {1, 1/0.6 - 1}} {
		for _, p := range precisions {
			tape := ad.NewTape(p)
			draw := func(seed uint64) []float64 {
				tape.Reset()
				tape.Seed([2]uint64{seed, 0}, 0, rows)
				x := noises[name](tape, rows, cols).Data()
				for i := range x {
					x[i] = (x[i] - moments[0]) / math.Sqrt(moments[1])
				}
				return append(x, x...)
			}
			x, other := draw(1), draw(2)
			second := noises[name](tape, rows, cols).Data() // of seed 2
			n := float64(rows * cols)
			var mean, square, column, row, call, seed float64
			for i := range rows * cols {
				mean += x[i] / n
				square += x[i] * x[i] / n
				column += x[i] * x[i+1] / n
				row += x[i] * x[i+cols] / n
				seed += x[i] * other[i] / n
				call += other[i] * (second[i] - moments[0]) / math.Sqrt(moments[1]) / n
			}
			bound := 5 / math.Sqrt(n) // of a mean of numbers with variance 1; that of squares is at most 2
			for what, got := range map[string]float64{"mean": mean, "variance": (square - 1) / math.Sqrt2, "correlation of columns": column,
				"correlation of rows": row, "correlation of calls": call, "correlation of seeds": seed} {
				if !(math.Abs(got) < bound) {
					t.Errorf("%s, %v: the %s is %v off, want less than %v", name, p, what, got, bound)
				}
			}
		}
	}
}

func TestNoiseValues(t *testing.T) {
	for _, p := range precisions {
		tape := ad.NewTape(p)
		for _, u := range tape.Uniform(1000, 100).Data() {
			if !(u > 0 && u < 1) {
				t.Fatalf("%v: got a uniform number %v, want one between 0 and 1", p, u)
			}
		}
		for _, s := range tape.Rademacher(100, 70).Data() {
			if s != 1 && s != -1 {
				t.Fatalf("%v: got the sign %v", p, s)
			}
		}
	}
	wide, narrow := ad.NewTape(ad.Float64).Normal(5, 3).Data(), ad.NewTape(ad.Float32).Normal(5, 3).Data()
	for i, x := range wide {
		if narrow[i] != float64(float32(x)) {
			t.Errorf("the normal number %v is %v in float32", x, narrow[i])
		}
	}
}

func TestNoiseMisuse(t *testing.T) {
	tape := ad.NewTape(ad.Float64)
	for want, f := range map[string]func(){
		"ad: Tape.Seed: got rows 3 to 2":  func() { tape.Seed([2]uint64{}, 3, 2) },
		"ad: Tape.Seed: got rows -1 to 2": func() { tape.Seed([2]uint64{}, -1, 2) },
		"ad: Tape.Normal: got 3 rows of noise for rows 4 to 6 of a batch, want a multiple of 2": func() {
			tape.Seed([2]uint64{}, 4, 6)
			tape.Normal(3, 1)
		},
	} {
		if got := testkit.Panic(f); got != want {
			t.Errorf("got panic %q, want %q", got, want)
		}
	}
}
