package targets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ConditionalDiagGaussian is a density that depends on a context: the normal distribution with independent components
// whose means are the first d columns of the context and whose standard deviations are the last d,
//
//	ln p(x | μ, σ) = −d/2·ln 2π − Σⱼ (ln σⱼ + ½((xⱼ − μⱼ)/σⱼ)²).
//
// It is normalised. A context is n×2d, one row for each row of x. Its twin in normflows is the target
// ConditionalDiagGaussian.
type ConditionalDiagGaussian struct {
	Dims int // d; 0 means 2
}

// Dim returns d. It panics when it is negative.
func (t ConditionalDiagGaussian) Dim() int { return dims("ConditionalDiagGaussian", t.Dims, 2, 1) }

// ContextDim returns 2d.
func (t ConditionalDiagGaussian) ContextDim() int { return 2 * t.Dim() }

// check panics unless x and context are of the right size.
func (t ConditionalDiagGaussian) check(method string, n, c, rows, cols int) {
	if d := t.Dim(); c != d || cols != 2*d || rows != n {
		panic(fmt.Sprintf("targets: ConditionalDiagGaussian.%s: got a %d×%d batch with a %d×%d context, want %d and %d columns and one row of context for each point", method, n, c, rows, cols, d, 2*d))
	}
}

// LogDensity returns ln p(x | context) of each row of x, n×1.
func (t ConditionalDiagGaussian) LogDensity(x, context *ad.Value) *ad.Value {
	t.check("LogDensity", x.Rows(), x.Cols(), context.Rows(), context.Cols())
	d := t.Dim()
	mean, sd := context.Slice(0, d), context.Slice(d, 2*d)
	e := x.Sub(mean).Div(sd)
	return e.Square().Scale(0.5).Add(sd.Log()).RowSum().Neg().Shift(-0.5 * float64(d) * log2Pi)
}

// LogProb returns ln p(x | context) of each row of x. It is NaN where a standard deviation is negative.
func (t ConditionalDiagGaussian) LogProb(x, context mat.Matrix) []float64 {
	n, c := x.Dims()
	rows, cols := context.Dims()
	if n == 0 && rows == 0 {
		return []float64{}
	}
	t.check("LogProb", n, c, rows, cols)
	b, q := mat.DenseCopyOf(x), mat.DenseCopyOf(context)
	dst := make([]float64, n)
	ad.NewShards(ad.Float64, 1).Each(n, func(tape *ad.Tape, lo, hi int) {
		t.LogDensity(tape.Rows(b, lo, hi), tape.Rows(q, lo, hi)).DataTo(dst[lo:hi])
	})
	return dst
}

// Entropy returns the entropy Σⱼ (½ ln 2πe + ln σⱼ) for each row of context.
func (t ConditionalDiagGaussian) Entropy(context mat.Matrix) []float64 {
	n, c := context.Dims()
	t.check("Entropy", n, t.Dim(), n, c)
	h := make([]float64, n)
	for i := range h {
		for j := t.Dim(); j < c; j++ {
			h[i] += 0.5*log2PiE + math.Log(context.At(i, j))
		}
	}
	return h
}

// Sample draws one point for each row of context, n×d. It panics when there is none or src is nil.
func (t ConditionalDiagGaussian) Sample(context mat.Matrix, src rand.Source) *mat.Dense {
	n, c := context.Dims()
	d := t.Dim()
	t.check("Sample", n, d, n, c)
	checkSample(t, n, src)
	r, x := rand.New(src), mat.NewDense(n, d, nil)
	for i := range n {
		for j := range d {
			x.Set(i, j, context.At(i, j)+context.At(i, d+j)*r.NormFloat64())
		}
	}
	return x
}
