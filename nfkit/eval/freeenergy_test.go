package eval_test

import (
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// The free energy of a normal distribution is ½(x−½)² + ½·ln 2π, from weighted points as from its own, within errors that are right.
func TestFreeEnergy(t *testing.T) {
	const n, repeats = 4000, 100
	edges := []float64{-1.02, -0.98, 0.45, 0.55}
	exact := func(lo, hi float64) float64 {
		return -math.Log((math.Erf((hi-0.5)/math.Sqrt2) - math.Erf((lo-0.5)/math.Sqrt2)) / 2 / (hi - lo))
	}
	for name, weighted := range map[string]bool{"weighted": true, "own points": false} {
		bias, squares := make([]float64, 3), make([]float64, 3)
		for seed := range uint64(repeats) {
			x := testkit.NormalRows(n, 1, seed).RawMatrix().Data
			var logWeights []float64
			for i, v := range x {
				if weighted { // N(0, 1), for N(½, 1): w ∝ exp(x/2), beyond the range of float64
					logWeights = append(logWeights, v/2+900)
				} else {
					x[i] += 0.5
				}
			}
			for b, f := range eval.FreeEnergy(x, logWeights, edges) {
				z := (f.Value - exact(edges[b], edges[b+1])) / f.Error
				bias[b] += z / repeats
				squares[b] += z * z / repeats
			}
		}
		for b := range bias {
			if math.Abs(bias[b]) > 0.5 || squares[b] < 0.5 || squares[b] > 1.7 { // 4·√(1/100), 4·√(2/100)
				t.Errorf("%s, bin %d: off by %.2f errors in the mean, %.2f squared, want 0 and 1", name, b, bias[b], squares[b])
			}
		}
	}
}

func TestFreeEnergyAtEdges(t *testing.T) {
	// Of the weights 1, 1, 2, 4 the two in the first bin have a quarter; a value on an edge is in the bin to its right, and one outside
	// of all bins counts in the sum.
	got := eval.FreeEnergy([]float64{0, 0.5, 1, 2}, []float64{0, 0, math.Log(2), math.Log(4)}, []float64{0, 1, 2})
	for b, share := range []float64{0.25, 0.25} {
		if want := -math.Log(share); math.Abs(got[b].Value-want) > 1e-12 {
			t.Errorf("bin %d: got %v, want %v", b, got[b].Value, want)
		}
	}
	// error² = (1²·¾²·2 + (2² + 4²)·¼²)/(¼·8)²
	if want := math.Sqrt(2*0.75*0.75+20*0.0625) / 2; math.Abs(got[0].Error-want) > 1e-12 {
		t.Errorf("error %v, want %v", got[0].Error, want)
	}
	none := math.Inf(-1)
	for _, c := range []struct {
		name               string
		values, logWeights []float64
		want               float64
	}{
		{"an empty bin", []float64{3}, nil, math.Inf(1)},
		{"a bin of weight 0", []float64{0, 3}, []float64{none, 0}, math.Inf(1)},
		{"a value that is NaN", []float64{math.NaN(), 0.5}, nil, math.Ln2},
		{"a weight that is NaN", []float64{0.5, 3}, []float64{0, math.NaN()}, math.NaN()},
		{"an infinite weight", []float64{0.5, 3}, []float64{0, math.Inf(1)}, math.NaN()},
		{"no weight", []float64{0.5}, []float64{none}, math.NaN()},
		{"no points", nil, nil, math.NaN()},
	} {
		if got := eval.FreeEnergy(c.values, c.logWeights, []float64{0, 1})[0]; got.Value != c.want && !(math.IsNaN(got.Value) && math.IsNaN(c.want)) || c.want != math.Ln2 && !math.IsNaN(got.Error) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	testkit.WantPanic(t, "eval: FreeEnergy: got 1 values, 2 weights", func() { eval.FreeEnergy([]float64{1}, []float64{1, 2}, []float64{0, 1}) })
	testkit.WantPanic(t, "1 edges", func() { eval.FreeEnergy(nil, nil, []float64{1}) })
	testkit.WantPanic(t, "got the edge 1 after 1", func() { eval.FreeEnergy(nil, nil, []float64{1, 1}) })
	testkit.WantPanic(t, "got the edge NaN after 0", func() { eval.FreeEnergy(nil, nil, []float64{0, math.NaN()}) })
}
