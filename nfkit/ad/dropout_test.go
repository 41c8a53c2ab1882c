package ad_test

import (
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

func TestDropout(t *testing.T) {
	const rows, cols, p = 200, 50, 0.3
	for _, precision := range []ad.Precision{ad.Float64, ad.Float32} {
		tape := ad.NewTape(precision)
		x := tape.Variable(rows, cols, normal(rows*cols, 1))
		if y := x.Dropout(p); y != x {
			t.Errorf("%v: outside of training, the result is another value", precision)
		}
		tape.SetTraining(true)
		if y := x.Dropout(0); y != x {
			t.Errorf("%v: with probability 0, the result is another value", precision)
		}
		y := x.Dropout(p)
		tape.Backward(y.Sum())
		dropped := 0
		for i, g := range x.Grad() {
			factor := y.Data()[i] / x.Data()[i]
			if math.Abs(factor-g) > 1e-6 {
				t.Fatalf("%v: element %d has factor %v and gradient %v", precision, i, factor, g)
			}
			switch {
			case g == 0:
				dropped++
			case math.Abs(g-1/(1-p)) > 1e-6:
				t.Fatalf("%v: element %d has factor %v, want 0 or %v", precision, i, g, 1/(1-p))
			}
		}
		// 5 standard deviations of a binomial distribution
		if got, n := float64(dropped), float64(rows*cols); math.Abs(got-n*p) > 5*math.Sqrt(n*p*(1-p)) {
			t.Errorf("%v: %v of %v elements are dropped, want about %v", precision, got, n, n*p)
		}
	}
}

func TestDropoutMisuse(t *testing.T) {
	for _, p := range []float64{-0.1, 1, math.NaN()} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Dropout(%v) does not panic", p)
				}
			}()
			ad.NewTape(ad.Float64).Full(1, 1, 1).Dropout(p)
		}()
	}
}

// Shards and steps draw numbers that have nothing to do with each other.
func TestRandOfShards(t *testing.T) {
	const steps, rows = 400, 640 // 10 shards
	s := ad.NewShards(ad.Float64, 1)
	var first [steps][rows / 64]float64
	for step := range steps {
		s.Gradient(rows, nil, 1, func(t *ad.Tape, lo, hi int) *ad.Value {
			first[step][lo/64] = t.Rand().Float64() - 0.5
			return t.Full(1, 1, 0)
		})
	}
	var mean, steadily, sideways float64
	n := float64(steps * rows / 64)
	for step := range first {
		for k, u := range first[step] {
			mean += u / n
			steadily += 12 * u * first[(step+1)%steps][k] / n
			sideways += 12 * u * first[step][(k+1)%len(first[step])] / n
		}
	}
	if bound := 5 / math.Sqrt(n); math.Abs(mean) > bound*math.Sqrt(1./12) || math.Abs(steadily) > bound || math.Abs(sideways) > bound {
		t.Errorf("mean %v, correlation %v from step to step and %v from shard to shard, want 0 up to %v", mean, steadily, sideways, bound)
	}

	var a, b [rows / 64]float64
	for _, draws := range []*[rows / 64]float64{&a, &b} {
		s.Each(rows, func(t *ad.Tape, lo, hi int) { draws[lo/64] = t.Rand().Float64() })
	}
	if a != b {
		t.Errorf("two evaluations draw %v and %v, want the same", a, b)
	}
	if a[0] == a[1] {
		t.Errorf("two shards draw %v", a[0])
	}
}
