package ad_test

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

var (
	precisions = []ad.Precision{ad.Float64, ad.Float32}
	sizes      = []int{0, 1, 63, 64, 65, 127, 128, 300, 1000, 1024, 1500, 8191, 8192, 9000} // around the sizes of shards and lanes
)

// problem is a regression with a small network, whose loss is a sum over rows.
type problem struct {
	x      *mat.Dense
	params []*ad.Param
	frozen *ad.Param // among params
	other  *ad.Param // not among params
}

func newProblem(rows int) *problem {
	r := newRand()
	param := func(rows, cols int) *ad.Param {
		data := make([]float64, rows*cols)
		for i := range data {
			data[i] = r.NormFloat64() / 2
		}
		return ad.NewParam(rows, cols, data)
	}
	p := &problem{x: mat.NewDense(max(rows, 1), 3, nil), frozen: param(1, 16), other: param(1, 16)}
	for i := range rows {
		p.x.SetRow(i, []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()})
	}
	p.frozen.Frozen = true
	p.params = []*ad.Param{param(16, 3), param(1, 16), p.frozen, param(16, 16), param(1, 1)}
	return p
}

// value returns the output of the network, n×1.
func (p *problem) value(t *ad.Tape, lo, hi int) *ad.Value {
	w := p.params
	h := t.Rows(p.x, lo, hi).Dense(w[0], w[1], ad.Tanh, 0).Mul(w[2]).Add(p.other)
	return h.Dense(w[3], nil, ad.LeakyReLU, 0.1).RowSum().Add(w[4])
}

func (p *problem) loss(t *ad.Tape, lo, hi int) *ad.Value {
	return p.value(t, lo, hi).Square().Sum()
}

// Values and gradients have the same bytes for any number of cores, and on a Shards that has seen other batches.
func TestShardsAreDeterministic(t *testing.T) {
	for _, precision := range precisions {
		used := ad.NewShards(precision, 1)
		for _, n := range sizes {
			p := newProblem(n)
			var values, grads []float64
			var loss float64
			testkit.OnCores(func(procs int) {
				for _, s := range []*ad.Shards{ad.NewShards(precision, 1), used} {
					v := make([]float64, n)
					s.Each(n, func(t *ad.Tape, lo, hi int) { p.value(t, lo, hi).DataTo(v[lo:hi]) })
					l := s.Gradient(n, p.params, 1/float64(max(n, 1)), p.loss)
					var g []float64
					for _, q := range p.params {
						g = append(g, q.Grad...)
					}
					if values == nil {
						values, grads, loss = v, g, l
					}
					if !slices.Equal(v, values) || !slices.Equal(g, grads) || l != loss {
						t.Errorf("%v, %d rows: GOMAXPROCS %d gives other bytes than 1", precision, n, procs)
					}
				}
			})
		}
	}
}

// Shards agree with one tape that takes the batch as a whole, up to the order of sums.
func TestShardsAgreeWithTape(t *testing.T) {
	for _, precision := range precisions {
		tol := 1e-12
		if precision == ad.Float32 {
			tol = 1e-4
		}
		for _, n := range sizes[1:] {
			p := newProblem(n)
			scale := 1 / float64(n)
			s := ad.NewShards(precision, 1)
			got := [][]float64{{s.Gradient(n, p.params, scale, p.loss) * scale}}
			for _, q := range p.params {
				got = append(got, slices.Clone(q.Grad))
				clear(q.Grad)
			}
			if slices.ContainsFunc(p.other.Grad, func(g float64) bool { return g != 0 }) {
				t.Error("a parameter that is not asked for has a gradient")
			}
			tape := ad.NewTape(precision)
			loss := p.loss(tape, 0, n).Scale(scale)
			tape.Backward(loss)
			want := [][]float64{{loss.At(0, 0)}}
			for _, q := range p.params {
				want = append(want, q.Grad)
			}
			compare(t, "loss and gradients", got, want, tol)
			if slices.ContainsFunc(p.frozen.Grad, func(g float64) bool { return g != 0 }) {
				t.Error("a frozen parameter has a gradient")
			}
		}
	}
}

// Gradient sets Grad: what was there before has no part in it, frozen parameters get 0.
func TestShardsSetGradients(t *testing.T) {
	p, s := newProblem(100), ad.NewShards(ad.Float64, 1)
	s.Gradient(100, p.params, 1, p.loss)
	want := slices.Clone(p.params[0].Grad)
	for _, q := range p.params {
		for i := range q.Grad {
			q.Grad[i] = math.NaN()
		}
	}
	s.Gradient(100, p.params, 1, p.loss)
	if !slices.Equal(p.params[0].Grad, want) {
		t.Error("a gradient depends on the one before")
	}
	for _, g := range p.frozen.Grad {
		if g != 0 {
			t.Errorf("a frozen parameter has gradient %v, want 0", g)
		}
	}
}

// New contents of a parameter count from the next call on.
func TestShardsReadParameters(t *testing.T) {
	for _, precision := range precisions {
		p, s := newProblem(100), ad.NewShards(precision, 1)
		before := s.Gradient(100, p.params, 1, p.loss)
		p.params[3].Data[0] += 1 // weights, of which the kernels keep a copy
		p.other.Data[0] += 1
		after := s.Gradient(100, p.params, 1, p.loss)
		if want := ad.NewShards(precision, 1).Gradient(100, p.params, 1, p.loss); after != want || after == before {
			t.Errorf("%v: after a change the loss is %v, want %v, not %v as before", precision, after, want, before)
		}
	}
}

// A panic in one shard reaches the caller, after which the Shards work again.
func TestShardsPanic(t *testing.T) {
	testkit.OnCores(func(int) {
		p, s := newProblem(1000), ad.NewShards(ad.Float64, 1)
		want := s.Gradient(1000, p.params, 1, p.loss)
		bad := func(lo int) {
			if lo == 512 {
				panic("row 512 is bad")
			}
		}
		for name, f := range map[string]func(){
			"Each": func() { s.Each(1000, func(_ *ad.Tape, lo, _ int) { bad(lo) }) },
			"Gradient": func() {
				s.Gradient(1000, p.params, 1, func(t *ad.Tape, lo, hi int) *ad.Value { bad(lo); return p.loss(t, lo, hi) })
			},
		} {
			if got := testkit.Panic(f); !strings.Contains(got, "row 512 is bad") {
				t.Errorf("%s: got panic %q, want that of the shard", name, got)
			}
			if got := s.Gradient(1000, p.params, 1, p.loss); got != want {
				t.Errorf("after a panic in %s the loss is %v, want %v", name, got, want)
			}
		}
	})
	s := ad.NewShards(ad.Float64, 1)
	if got, want := testkit.Panic(func() {
		s.Gradient(3, nil, 1, func(t *ad.Tape, lo, hi int) *ad.Value { return t.Full(hi-lo, 1, 0) })
	}), "ad: Tape.Backward: got a 3×1 value, want 1×1; take its Sum or Mean first"; got != want {
		t.Errorf("got panic %q, want %q", got, want)
	}
}

// Layers learn whether they are in a training step.
func TestShardsTraining(t *testing.T) {
	s := ad.NewShards(ad.Float64, 1)
	s.Gradient(1, nil, 1, func(tape *ad.Tape, _, _ int) *ad.Value {
		if !tape.Training() {
			t.Error("Gradient is not a training step")
		}
		return tape.Full(1, 1, 0)
	})
	s.Each(1, func(tape *ad.Tape, _, _ int) {
		if tape.Training() {
			t.Error("Each is a training step")
		}
	})
	if tape := ad.NewTape(ad.Float64); tape.Training() {
		t.Error("a new tape is in a training step")
	}
}

// NaN in a row reaches the loss.
func TestShardsNaN(t *testing.T) {
	for _, precision := range precisions {
		p := newProblem(300)
		p.x.Set(299, 1, math.NaN())
		if loss := ad.NewShards(precision, 1).Gradient(300, p.params, 1, p.loss); !math.IsNaN(loss) {
			t.Errorf("%v: the loss of a batch with NaN is %v", precision, loss)
		}
		if !math.IsNaN(p.params[0].Grad[0]) {
			t.Errorf("%v: the gradient of a batch with NaN is %v", precision, p.params[0].Grad[0])
		}
	}
}

// A step on a batch of a size that has been seen allocates nothing, on any number of cores.
func TestShardsAllocations(t *testing.T) {
	for _, precision := range precisions {
		p, s := newProblem(1000), ad.NewShards(precision, 1)
		values := make([]float64, 1000)
		each := func(t *ad.Tape, lo, hi int) { p.value(t, lo, hi).DataTo(values[lo:hi]) }
		loss := p.loss
		testkit.OnCores(func(procs int) {
			if procs > 2 { // a core may stay without work for long, and needs memory when it first has some
				return
			}
			if n := allocations(func() {
				s.Gradient(1000, p.params, 1, loss)
				s.Each(1000, each)
			}); n >= 1 {
				t.Errorf("%v, GOMAXPROCS %d: a step allocates %v times, want 0", precision, procs, n)
			}
		})
	}
}

// allocations returns the mean number of allocations of a call of f. Unlike [testing.AllocsPerRun] it leaves GOMAXPROCS alone.
func allocations(f func()) float64 {
	for range 50 { // until each core has had each kind of work
		f()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const runs = 50
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / runs
}
