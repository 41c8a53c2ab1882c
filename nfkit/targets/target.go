package targets

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Target is a density on R^d that can be evaluated, differentiated and sampled. Batches are n×d, one point a row.
type Target interface {
	// Dim returns d.
	Dim() int
	// LogDensity returns ln p̃(x) of each row of x, n×1, where p̃ is the density up to a factor.
	LogDensity(x *ad.Value) *ad.Value
	// LogNormalizer returns ln Z = ln ∫p̃, in nats; 0 for a normalised density.
	LogNormalizer() float64
	// LogProb returns ln p(x) = ln p̃(x) − ln Z of each row of x; −Inf outside the support, NaN where x is NaN.
	LogProb(x mat.Matrix) []float64
	// Entropy returns H = −∫p ln p, in nats: the least negative log-likelihood that a model can have.
	Entropy() float64
	// Sample returns n independent points drawn from p, n×d. It panics when n is not positive.
	Sample(n int, src rand.Source) *mat.Dense
}

// logProb implements LogProb by LogDensity and LogNormalizer, on all cores.
func logProb(t Target, x mat.Matrix) []float64 {
	n, c := x.Dims()
	if c != t.Dim() {
		panic(fmt.Sprintf("targets: %T.LogProb: got a %d×%d batch, want %d columns", t, n, c, t.Dim()))
	}
	dst := logDensity(t, x)
	if logZ := t.LogNormalizer(); logZ != 0 {
		for i := range dst {
			dst[i] -= logZ
		}
	}
	return dst
}

// logDensity evaluates LogDensity on all cores.
func logDensity(t Target, x mat.Matrix) []float64 {
	b, ok := x.(*mat.Dense)
	if !ok {
		b = mat.DenseCopyOf(x)
	}
	n, _ := b.Dims()
	dst := make([]float64, n)
	ad.NewShards(ad.Float64, 1).Each(n, func(tape *ad.Tape, lo, hi int) {
		t.LogDensity(tape.Rows(b, lo, hi)).DataTo(dst[lo:hi])
	})
	return dst
}

// sample returns n rows of d numbers, each filled by draw.
func sample(t Target, n int, src rand.Source, draw func(dst []float64, r *rand.Rand)) *mat.Dense {
	if n < 1 {
		panic(fmt.Sprintf("targets: %T.Sample: got %d points, want 1 or more", t, n))
	}
	r, x := rand.New(src), mat.NewDense(n, t.Dim(), nil)
	for i := range n {
		draw(x.RawRowView(i), r)
	}
	return x
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
