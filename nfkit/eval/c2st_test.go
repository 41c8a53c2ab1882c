package eval_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// counter is the generator splitmix64, which testdata/c2st.py has as well: number i is a hash of seed and i.
type counter uint64

func (c *counter) Uint64() uint64 {
	*c += 0x9e3779b97f4a7c15
	z := uint64(*c)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniforms are n×d numbers between 0 and 1.
func uniforms(n, d int, seed counter) *mat.Dense {
	x := mat.NewDense(n, d, nil)
	x.Apply(func(_, _ int, _ float64) float64 { return (float64(seed.Uint64()>>11) + 0.5) / (1 << 53) }, x)
	return x
}

// normals are n×d standard normal numbers, by the method of Box & Muller.
func normals(n, d int, seed counter) *mat.Dense {
	u, v := uniforms(n, d, seed), uniforms(n, d, seed+1)
	u.Apply(func(i, j int, u float64) float64 {
		return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v.At(i, j))
	}, u)
	return u
}

// c2stPairs are pairs of samples, and the accuracy of scikit-learn 1.2.1 on them, made by testdata/c2st.py.
var c2stPairs = []struct {
	dim                int
	shift, scale, bend float64
	sklearn            float64
}{
	{2, 0, 1, 0, 0.5031},
	{2, 0.25, 1, 0, 0.5466},
	{3, 0.5, 1, 0, 0.5948},
	{2, 0, 0.6, 0, 0.6770},
	{2, 0, 0.7, 0.5, 0.6734},
	{3, 0.5, 0.6, 0.5, 0.7779},
	{2, 1.5, 1, 0, 0.7719},
	{3, 1, 0.5, 0.5, 0.8659},
	{1, 2.5, 1, 0, 0.8943},
	{2, 3.3, 1, 0, 0.9518},
}

// c2stPair returns 10,000 points each of a normal distribution and of one that is bent, scaled and moved.
func c2stPair(i int) (reference, x *mat.Dense) {
	p := c2stPairs[i]
	w := normals(10_000, p.dim, counter(4*i+2))
	x = mat.NewDense(10_000, p.dim, nil)
	x.Scale(p.scale, w)
	for row := range 10_000 {
		x.Set(row, 0, x.At(row, 0)+p.shift)
		x.Set(row, p.dim-1, x.At(row, p.dim-1)+p.bend*(w.At(row, 0)*w.At(row, 0)-1))
	}
	return normals(10_000, p.dim, counter(4*i)), x
}

// checkC2ST holds the accuracy against that of the reference. Folds, first weights and batches differ, which moves it by
// 0.002 or so.
func checkC2ST(t testing.TB, i int) {
	t.Helper()
	reference, x := c2stPair(i)
	got, err := eval.C2ST(reference, x, nil, rand.NewPCG(1, 2))
	if want := c2stPairs[i].sklearn; err != nil || !(math.Abs(got.Value-want) <= 0.01) {
		t.Errorf("pair %d: C2ST is %v with error %v, that of the reference is %v", i, got, err, want)
	} else if want := math.Sqrt(got.Value * (1 - got.Value) / 20_000); math.Abs(got.Error-want) > 1e-12 {
		t.Errorf("pair %d: the error of %v is %v, want %v", i, got.Value, got.Error, want)
	}
}

func TestC2STAgreesWithReference(t *testing.T) {
	for _, i := range []int{0, 6, 8} { // BenchmarkC2ST has them all
		checkC2ST(t, i)
	}
}

// All pairs: go test -run='^$' -bench=C2ST -benchtime=1x ./nfkit/eval
func BenchmarkC2ST(b *testing.B) {
	for i, p := range c2stPairs {
		b.Run(fmt.Sprintf("pair=%d/dim=%d", i, p.dim), func(b *testing.B) {
			for b.Loop() {
				checkC2ST(b, i)
			}
		})
	}
}

// One fold has the accuracy of five, and the error of counting its own points.
func TestC2STFolds(t *testing.T) {
	reference, x := c2stPair(8)
	got, err := eval.C2ST(reference, x, &eval.C2STOptions{Folds: 1}, rand.NewPCG(1, 2))
	want := math.Sqrt(got.Value * (1 - got.Value) / 4000)
	if err != nil || math.Abs(got.Value-c2stPairs[8].sklearn) > 4*want || math.Abs(got.Error-want) > 1e-12 {
		t.Errorf("of one fold: %v with error %v, five have %v", got, err, c2stPairs[8].sklearn)
	}
}

// Networks that stop early are as good as the others where there is much to learn, and better where there is little.
func TestC2STEarlyStopping(t *testing.T) {
	for _, i := range []int{1} {
		reference, x := c2stPair(i)
		got, err := eval.C2ST(reference, x, &eval.C2STOptions{EarlyStopping: true}, rand.NewPCG(1, 2))
		if want := c2stPairs[i].sklearn; err != nil || !(got.Value >= want-0.01 && got.Value <= want+0.02) {
			t.Errorf("pair %d: C2ST with early stopping is %v with error %v, the reference without it is %v", i, got, err, want)
		}
	}
	if got, err := eval.C2ST(testkit.NormalRows(500, 8, 1), testkit.NormalRows(500, 8, 2), &eval.C2STOptions{EarlyStopping: true}, rand.NewPCG(1, 2)); err != nil || !(math.Abs(got.Value-0.5) <= 0.05) {
		t.Errorf("two samples of one distribution are told apart with %v, error %v", got, err)
	}
}

// A source gives one accuracy, however many cores there are.
func TestC2STSameForAnyCores(t *testing.T) {
	x, y := normals(300, 2, 1), shifted(normals(300, 2, 3), 1, 0)
	want, err := eval.C2ST(x, y, nil, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	testkit.OnCores(func(cores int) {
		if got, err := eval.C2ST(x, y, nil, rand.NewPCG(1, 2)); got != want || err != nil {
			t.Errorf("on %d cores the accuracy is %v with error %v, want %v", cores, got, err, want)
		}
	})
}

func TestC2STAtExtremes(t *testing.T) {
	ones := mat.NewDense(20, 1, nil)
	if got, err := eval.C2ST(ones, shifted(ones, 1), nil, rand.NewPCG(1, 2)); err != nil || got.Value != 1 {
		t.Errorf("C2ST of two constants is %v with error %v, want 1", got, err)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		x := testkit.NormalRows(20, 2, 1)
		x.Set(3, 1, bad)
		for _, s := range [][2]mat.Matrix{{x, testkit.NormalRows(20, 2, 2)}, {testkit.NormalRows(20, 2, 2), x}} {
			if got, err := eval.C2ST(s[0], s[1], nil, rand.NewPCG(1, 2)); err == nil || !math.IsNaN(got.Value) || !strings.Contains(err.Error(), "column 1") {
				t.Errorf("C2ST of a sample with %v is %v with error %v", bad, got, err)
			}
		}
	}
	testkit.WantPanic(t, "C2ST: got samples of 20 and 19 rows and 5 folds", func() { eval.C2ST(ones, mat.NewDense(19, 1, nil), nil, rand.NewPCG(1, 2)) })
	testkit.WantPanic(t, "6 folds", func() { eval.C2ST(ones, ones, &eval.C2STOptions{Folds: 6}, rand.NewPCG(1, 2)) })
	testkit.WantPanic(t, "at least 5", func() { eval.C2ST(testkit.NormalRows(4, 1, 1), testkit.NormalRows(4, 1, 2), nil, rand.NewPCG(1, 2)) })
}
