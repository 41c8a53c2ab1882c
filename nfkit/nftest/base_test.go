package nftest_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// wrongBase is a normal distribution, parts of which a test replaces by wrong ones.
type wrongBase struct {
	*nf.DiagGaussian
	logProb func(z, context *ad.Value) *ad.Value
	sample  func(noise, context *ad.Value) (z, logProb *ad.Value)
	noise   func(dst []float64, r *rand.Rand)
}

func newWrongBase(dim int) *wrongBase {
	g := nf.NewDiagGaussian(dim, nil)
	return &wrongBase{g, g.LogProb, g.Sample, g.Noise}
}

func (b *wrongBase) LogProb(z, context *ad.Value) *ad.Value { return b.logProb(z, context) }
func (b *wrongBase) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	return b.sample(noise, context)
}
func (b *wrongBase) Noise(dst []float64, r *rand.Rand) { b.noise(dst, r) }

func TestBaseFindsMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(b *wrongBase)
		want  string
	}{
		"nothing": {func(*wrongBase) {}, ""},
		"log-density of samples": {func(b *wrongBase) {
			b.sample = func(n, c *ad.Value) (*ad.Value, *ad.Value) {
				z, l := b.DiagGaussian.Sample(n, c)
				return z, l.Shift(1e-6)
			}
		}, "row 0 of Sample comes with log-density"},
		"mass": {func(b *wrongBase) {
			b.logProb = func(z, c *ad.Value) *ad.Value { return b.DiagGaussian.LogProb(z, c).Shift(0.01) }
			b.sample = func(n, c *ad.Value) (*ad.Value, *ad.Value) {
				z, l := b.DiagGaussian.Sample(n, c)
				return z, l.Shift(0.01)
			}
		}, "the density integrates to 1.01005, want 1"},
		"noise of the wrong spread": {func(b *wrongBase) {
			b.noise = func(dst []float64, r *rand.Rand) {
				for i := range dst {
					dst[i] = 1.2 * r.NormFloat64()
				}
			}
		}, "the distribution function of component 0"},
		"components that are not independent": {func(b *wrongBase) {
			b.noise = func(dst []float64, r *rand.Rand) {
				for i := range dst {
					dst[i] = r.NormFloat64()
					if i%2 == 1 {
						dst[i] = 0.5*dst[i-1] + math.Sqrt(0.75)*dst[i]
					}
				}
			}
		}, "the distribution function of the sum"},
		"sample that is detached": {func(b *wrongBase) {
			b.sample = func(n, c *ad.Value) (*ad.Value, *ad.Value) {
				z, l := b.DiagGaussian.Sample(n, c)
				return z.Detach(), l
			}
		}, "Sample: the gradient of element 0 of loc: got 0"},
		"density that is detached": {func(b *wrongBase) {
			b.logProb = func(z, c *ad.Value) *ad.Value { return b.DiagGaussian.LogProb(z.Detach(), c) }
		}, "LogProb: the gradient of element 0 of the input: got 0"},
		"rows that are mixed": {func(b *wrongBase) {
			b.logProb = func(z, c *ad.Value) *ad.Value { return b.DiagGaussian.LogProb(z, c).Add(z.Sum().Scale(1e-12)) }
		}, "LogProb: row 0 depends on the other rows"},
		"NaN that is hidden": {func(b *wrongBase) {
			b.logProb = func(z, c *ad.Value) *ad.Value { return b.DiagGaussian.LogProb(withoutNaN(z), c) }
		}, "LogProb: a row with NaN in column 0 gives"},
		"context that nobody asked for": {func(b *wrongBase) {
			b.logProb = func(z, c *ad.Value) *ad.Value {
				if c != nil {
					return b.DiagGaussian.LogProb(z.Add(c.RowSum()), nil)
				}
				return b.DiagGaussian.LogProb(z, c)
			}
		}, "LogProb: a context changes the result"},
		"one number for all rows": {func(b *wrongBase) {
			b.logProb = func(z, c *ad.Value) *ad.Value { return b.DiagGaussian.LogProb(z, c).Sum() }
		}, "LogProb: got a 1×1 log-density of 6 points, want 6×1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWrongBase(2)
			c.spoil(b)
			checkError(t, nftest.Base(b, nil, rand.NewPCG(1, 2)), c.want)
		})
	}
	if err := nftest.Base(nil, nil, rand.NewPCG(1, 2)); err == nil {
		t.Error("a nil base gives no error")
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v, want no error", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want an error with %q", err, want)
	}
}

// square is the uniform distribution on a square of side 2, with a log-density of its own.
type square struct{ logProb float64 }

func (square) Dim() int { return 2 }

func (s square) LogProb(x mat.Matrix) []float64 {
	n, _ := x.Dims()
	l := make([]float64, n)
	for i := range l {
		l[i] = s.logProb
		if math.Abs(x.At(i, 0)) > 1 || math.Abs(x.At(i, 1)) > 1 {
			l[i] = math.Inf(-1)
		}
	}
	return l
}

func (square) Sample(n int, src rand.Source) *mat.Dense {
	r, x := rand.New(src), mat.NewDense(n, 2, nil)
	for i := range n {
		x.SetRow(i, []float64{2*r.Float64() - 1, 2*r.Float64() - 1})
	}
	return x
}

func TestDensity(t *testing.T) {
	support := &nftest.DensityOptions{Support: []nftest.Interval{{Lo: -2, Hi: 2}, {Lo: -2, Hi: 2}}}
	checkError(t, nftest.Density(square{-math.Log(4)}, support, rand.NewPCG(1, 2)), "the density integrates to") // the edge is between grid points
	support = &nftest.DensityOptions{Support: []nftest.Interval{{Lo: -1, Hi: 1}, {Lo: -1, Hi: 1}}}
	checkError(t, nftest.Density(square{-math.Log(4)}, support, rand.NewPCG(1, 2)), "")
	checkError(t, nftest.Density(square{0}, support, rand.NewPCG(1, 2)), "the density integrates to 4.00000")
	checkError(t, nftest.Density(square{math.NaN()}, support, rand.NewPCG(1, 2)), "has log-density NaN")
}
