package nfkit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

func shifted(x *mat.Dense, by ...float64) *mat.Dense {
	y := mat.DenseCopyOf(x)
	y.Apply(func(_, j int, v float64) float64 { return v + by[j] }, y)
	return y
}

func TestKolmogorovSmirnov(t *testing.T) {
	x := mat.NewDense(4, 2, []float64{1, 1, 2, 1, 3, 1, 4, 1})
	y := mat.NewDense(2, 2, []float64{2.5, 2, 9, 0})
	if got := nf.KolmogorovSmirnov(x, y); !slices.Equal(got, []float64{0.5, 0.5}) {
		t.Errorf("the distances are %v, want 0.5 and 0.5", got)
	}
	y.Set(0, 1, math.NaN())
	if got := nf.KolmogorovSmirnov(x, y); got[0] != 0.5 || !math.IsNaN(got[1]) {
		t.Errorf("the distances are %v, want 0.5 and NaN", got)
	}
	// The bound of the documentation.
	if got := nf.KolmogorovSmirnov(normalRows(2000, 3, 1), normalRows(1000, 3, 2)); slices.Max(got) > 1.95*math.Sqrt(1./2000+1./1000) {
		t.Errorf("the distances of equal distributions are %v", got)
	}
}

func TestSlicedWasserstein(t *testing.T) {
	distance := func(x, y mat.Matrix, directions int) float64 {
		return nf.SlicedWasserstein(x, y, directions, rand.NewPCG(1, 2))
	}
	x := normalRows(100, 1, 3)
	if got := distance(x, shifted(x, -2.5), 1); math.Abs(got-2.5) > 1e-12 {
		t.Errorf("the distance to a sample moved by -2.5 is %v", got)
	}
	var twice mat.Dense
	twice.Stack(x, x)
	if got := distance(x, &twice, 3); got != 0 {
		t.Errorf("the distance to twice the sample is %v, want 0", got)
	}
	// Sizes 2 and 3: of u in [0, 1/3], [1/3, 1/2], [1/2, 2/3], [2/3, 1] the quantiles are 0 0, 0 1, 6 1, 6 5.
	a, b := mat.NewDense(2, 1, []float64{6, 0}), mat.NewDense(3, 1, []float64{1, 5, 0})
	if got, want := distance(a, b, 1), math.Sqrt(1./6+25./6+1./3); math.Abs(got-want) > 1e-12 {
		t.Errorf("the distance of two small samples is %v, want %v", got, want)
	}
	// A projection sees |cos| of a move in the plane, whose mean square is ½.
	y := normalRows(200, 2, 4)
	if got, want := distance(y, shifted(y, 3, 4), 4000), 5/math.Sqrt2; math.Abs(got-want) > 0.1 { // 2.5 standard errors of cos²
		t.Errorf("the distance to a sample moved by 5 is %v, want %v", got, want)
	}
	y.Set(3, 0, math.NaN())
	if got := distance(y, normalRows(10, 2, 1), 2); !math.IsNaN(got) {
		t.Errorf("the distance of a sample with NaN is %v", got)
	}
}

func TestMMD(t *testing.T) {
	// Two points each: distances 1, 1, 2, 2, 3 and √1 … on a line: 0, 1 and 3, 4. The median of 1 1 2 3 3 4 is 2.
	x, y := mat.NewDense(2, 1, []float64{0, 1}), mat.NewDense(2, 1, []float64{3, 4})
	k := func(d float64) float64 { return math.Exp(-d * d / 8) }
	if got, want := nf.MMD(x, y), 2*k(1)-(2*k(3)+k(2)+k(4))/2; math.Abs(got-want) > 1e-12 {
		t.Errorf("MMD of two small samples is %v, want %v", got, want)
	}
	var same, other []float64
	for seed := range uint64(40) {
		a, b := normalRows(50, 2, 2*seed), normalRows(80, 2, 2*seed+1)
		same = append(same, nf.MMD(a, b))
		other = append(other, nf.MMD(a, shifted(b, 1, 0)))
	}
	mean, std := stat.MeanStdDev(same, nil)
	if !(math.Abs(mean) < 4*std/math.Sqrt(40)) || slices.Min(same) >= 0 {
		t.Errorf("MMD of equal distributions is %v ± %v, the least %v; want a mean of 0 and negative ones", mean, std/math.Sqrt(40), slices.Min(same))
	}
	if slices.Min(other) < slices.Max(same) {
		t.Errorf("MMD of different distributions goes down to %v, that of equal ones up to %v", slices.Min(other), slices.Max(same))
	}
	if got := nf.MMD(normalRows(2000, 1, 1), shifted(normalRows(1500, 1, 2), 3)); got < 0.5 { // more than a thousand points
		t.Errorf("MMD of distant distributions is %v", got)
	}
	ones := mat.NewDense(3, 1, []float64{1, 1, 1})
	if got := nf.MMD(ones, ones); got != 0 {
		t.Errorf("MMD of constant samples is %v, want 0", got)
	}
	if got := nf.MMD(ones, shifted(ones, 1)); math.Abs(got-2*(1-math.Exp(-0.5))) > 1e-12 {
		t.Errorf("MMD of two constants is %v", got)
	}
	ones.Set(2, 0, math.NaN())
	if got := nf.MMD(ones, shifted(ones, 1)); !math.IsNaN(got) {
		t.Errorf("MMD of a sample with NaN is %v", got)
	}
}

func TestTwoSamplesRefuse(t *testing.T) {
	x, y := normalRows(5, 2, 1), normalRows(5, 3, 1)
	wantPanic(t, "KolmogorovSmirnov: got samples of 5×2 and 5×3", func() { nf.KolmogorovSmirnov(x, y) })
	wantPanic(t, "MMD: got samples of 5×2 and 0×0", func() { nf.MMD(x, &mat.Dense{}) })
	wantPanic(t, "MMD: got samples of 5 and 1 rows", func() { nf.MMD(x, normalRows(1, 2, 1)) })
	wantPanic(t, "SlicedWasserstein: got 0 directions", func() { nf.SlicedWasserstein(x, x, 0, rand.NewPCG(1, 2)) })
}
