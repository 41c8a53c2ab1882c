package targets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Target is a density on R^d that can be evaluated, differentiated and sampled. Batches are n×d, one point a row.
type Target interface {
	// Dim returns d.
	Dim() int
	// LogDensity returns ln p̃(x) of each row of x, n×1, where p̃ is the density up to a factor. It follows the rules of
	// arithmetic: where x is infinite, or overflows on the way, it may be NaN.
	LogDensity(x *ad.Value) *ad.Value
	// LogNormalizer returns ln Z = ln ∫p̃, in nats; 0 for a normalised density.
	LogNormalizer() float64
	// LogProb returns ln p(x) = ln p̃(x) − ln Z of each row of x; −Inf outside the support and where x is infinite, NaN
	// where x is NaN. No rows give no numbers.
	LogProb(x mat.Matrix) []float64
	// Entropy returns H = −∫p ln p, in nats: the least negative log-likelihood that a model can have.
	Entropy() float64
	// Sample returns n independent points drawn from p, n×d. It panics when n is not positive or src is nil.
	Sample(n int, src rand.Source) *mat.Dense
}

// logProb implements LogProb by LogDensity and LogNormalizer, on all cores.
func logProb(t Target, x mat.Matrix) []float64 {
	n, c := x.Dims()
	if n == 0 {
		return []float64{}
	}
	checkColumns(t, "LogProb", n, c)
	b := mat.DenseCopyOf(x)
	dst := make([]float64, n)
	ad.NewShards(ad.Float64, 1).Each(n, func(tape *ad.Tape, lo, hi int) {
		t.LogDensity(tape.Rows(b, lo, hi)).DataTo(dst[lo:hi])
	})
	logZ := t.LogNormalizer()
	for i := range dst {
		if dst[i] -= logZ; math.IsNaN(dst[i]) && remote(b.RawRowView(i)) {
			dst[i] = math.Inf(-1)
		}
	}
	return dst
}

// remote reports whether a number of x is infinite or above 1e100, and none is NaN: what comes of it is NaN where two
// overflows meet, and every density vanishes there.
func remote(x []float64) bool {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v)) // NaN stays
	}
	return most > 1e100
}

// sample returns n rows of d numbers, each filled by draw.
func sample(t Target, n int, src rand.Source, draw func(dst []float64, r *rand.Rand)) *mat.Dense {
	checkSample(t, n, src)
	r, x := rand.New(src), mat.NewDense(n, t.Dim(), nil)
	for i := range n {
		draw(x.RawRowView(i), r)
	}
	return x
}

// checkSample panics unless n points can be drawn from src.
func checkSample(t any, n int, src rand.Source) {
	if n < 1 {
		panic(fmt.Sprintf("targets: %T.Sample: got %d points, want 1 or more", t, n))
	}
	if src == nil {
		panic(fmt.Sprintf("targets: %T.Sample: got a nil source", t))
	}
}

// maxExponent returns a number whose exponential is finite in the tape's precision, so that its product with 0 is 0.
func maxExponent(t *ad.Tape) float64 {
	if t.Precision() == ad.Float32 {
		return 80
	}
	return 700
}

// checkColumns panics unless a batch has as many columns as t has dimensions.
func checkColumns(t interface{ Dim() int }, method string, n, c int) {
	if c != t.Dim() {
		panic(fmt.Sprintf("targets: %T.%s: got a %d×%d batch, want %d columns", t, method, n, c, t.Dim()))
	}
}

// checkBatch panics unless x has as many columns as t has dimensions. It is generic so that t stays off the heap.
func checkBatch[T Target](t T, x *ad.Value) {
	if n, c := x.Dims(); c != t.Dim() {
		panic(fmt.Sprintf("targets: %T.LogDensity: got a %d×%d batch, want %d columns", t, n, c, t.Dim()))
	}
}

const (
	log2Pi  = 1.8378770664093454836 // ln 2π
	log2PiE = 2.8378770664093454836 // ln 2πe
)
