package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
	"github.com/nfkit/nfkit-go/nfkit/internal/team"
)

// Bandwidth is a rule for the bandwidths of a [KernelDensity]: hⱼ = c·σⱼ for column j with standard deviation σⱼ.
type Bandwidth uint8

const (
	Scott          Bandwidth = iota // c = n^(−1/(d+4)), Scott 1992
	Silverman                       // c = (n(d+2)/4)^(−1/(d+4)), Silverman 1986: best for normal data
	CrossValidated                  // c of highest leave-one-out likelihood, from 1/30 of Scott's to 3 times it. Cost O(n²d) for each of 20 looks
)

// KernelDensity is the kernel density estimate with a normal kernel in each dimension,
//
//	p(x) = 1/n·Σᵢ Πⱼ N(xⱼ; xᵢⱼ, hⱼ²),
//
// a baseline without training that is good in one and two dimensions and soon too smooth in more.
type KernelDensity struct {
	points       *mat.Dense // d×n, in units of the bandwidths
	bandwidth    []float64
	logNormalize float64
}

var _ Density = (*KernelDensity)(nil)

// NewKernelDensity returns the estimate from the rows of x, n×d. It returns an error when there are fewer than two, a
// column is constant, or a number is not finite. It panics on an unknown rule.
func NewKernelDensity(x mat.Matrix, rule Bandwidth) (*KernelDensity, error) {
	if rule > CrossValidated {
		panic(fmt.Sprintf("eval: NewKernelDensity: got the bandwidth rule %d, want Scott, Silverman or CrossValidated", rule))
	}
	rows, d := x.Dims()
	if rows < 2 || d == 0 {
		return nil, fmt.Errorf("eval: NewKernelDensity: got %d×%d numbers, want at least two rows and a column", rows, d)
	}
	variance, err := variances("NewKernelDensity", x)
	if err != nil {
		return nil, err
	}
	n := float64(rows)
	k := &KernelDensity{bandwidth: make([]float64, d)}
	c := math.Pow(n, -1/float64(d+4))
	if rule == Silverman {
		c *= math.Pow(float64(d+2)/4, -1/float64(d+4))
	}
	for j, v := range variance {
		k.bandwidth[j] = c * math.Sqrt(v*n/(n-1))
	}
	k.points = mat.DenseCopyOf(k.scaled(x).T())
	if rule == CrossValidated {
		factor := k.crossValidate(x)
		floats.Scale(factor, k.bandwidth)
		k.points.Scale(1/factor, k.points)
	}
	k.logNormalize = -math.Log(n) - 0.5*float64(d)*log2Pi
	for _, h := range k.bandwidth {
		k.logNormalize -= math.Log(h)
	}
	return k, nil
}

// Bandwidth returns the bandwidth of each column.
func (k *KernelDensity) Bandwidth() []float64 { return append([]float64(nil), k.bandwidth...) }

// Dim returns the number of columns.
func (k *KernelDensity) Dim() int { return len(k.bandwidth) }

// LogProb returns the log-density of each row of x, m×d. Cost O(nmd). It panics on a wrong number of columns.
func (k *KernelDensity) LogProb(x mat.Matrix) []float64 {
	m, d := x.Dims()
	if d != k.Dim() {
		panic(fmt.Sprintf("eval: KernelDensity.LogProb: got a %d×%d batch, want %d columns", m, d, k.Dim()))
	}
	if m == 0 {
		return nil
	}
	l := k.logKernels(k.scaled(x), 1, false)
	floats.AddConst(k.logNormalize, l)
	return l
}

// Sample returns n rows: a data point each, and noise of the bandwidth. It panics when n is not positive.
func (k *KernelDensity) Sample(n int, src rand.Source) *mat.Dense {
	checkSize("KernelDensity", n)
	r, x := rand.New(src), mat.NewDense(n, k.Dim(), nil)
	_, all := k.points.Dims()
	for i := range n {
		point := r.IntN(all)
		for j, h := range k.bandwidth {
			x.Set(i, j, h*(k.points.At(j, point)+r.NormFloat64()))
		}
	}
	return x
}

// scaled returns x in units of the bandwidths.
func (k *KernelDensity) scaled(x mat.Matrix) *mat.Dense {
	z := mat.DenseCopyOf(x)
	z.Apply(func(_, j int, v float64) float64 { return v / k.bandwidth[j] }, z)
	return z
}

// logKernels returns ln Σ exp(−½‖xᵢ−pointⱼ‖²/factor²) over the points for each row of x; without itself, if the rows are
// the points.
func (k *KernelDensity) logKernels(x *mat.Dense, factor float64, leaveOut bool) []float64 {
	m, _ := x.Dims()
	_, n := k.points.Dims()
	sums := make([]float64, m)
	buffers := make([][]float64, cores())
	const block = 16 // rows that a core takes at a time
	team.Do(len(buffers), (m+block-1)/block, func(worker, b int) {
		if buffers[worker] == nil {
			buffers[worker] = make([]float64, n)
		}
		terms := buffers[worker]
		for i := b * block; i < min((b+1)*block, m); i++ {
			clear(terms)
			for c, v := range x.RawRowView(i) {
				for j, p := range k.points.RawRowView(c) {
					terms[j] -= (v - p) * (v - p)
				}
			}
			floats.Scale(0.5/(factor*factor), terms)
			if leaveOut {
				terms[i] = math.Inf(-1)
			}
			sums[i] = logSumExp(terms)
		}
	})
	return sums
}

// crossValidate returns the factor to the bandwidths with the highest leave-one-out likelihood of the rows of x:
// golden-section search in its logarithm.
func (k *KernelDensity) crossValidate(x mat.Matrix) float64 {
	rows := k.scaled(x)
	loss := func(logFactor float64) float64 {
		l := k.logKernels(rows, math.Exp(logFactor), true)
		return float64(k.Dim())*logFactor - stat.Mean(l, nil)
	}
	lo, hi := -math.Log(30), math.Log(3)
	const golden = 0.6180339887498949 // (√5−1)/2
	a, b := hi-golden*(hi-lo), lo+golden*(hi-lo)
	lossA, lossB := loss(a), loss(b)
	for range 18 { // to 4.5·0.618¹⁸ = 0.0008
		if lossA <= lossB {
			hi, b, lossB = b, a, lossA
			a = hi - golden*(hi-lo)
			lossA = loss(a)
		} else {
			lo, a, lossA = a, b, lossB
			b = lo + golden*(hi-lo)
			lossB = loss(b)
		}
	}
	return math.Exp((lo + hi) / 2)
}

// logSumExp returns ln Σ exp(x), NaN if one is NaN. It leaves exp(x) over the largest in x.
func logSumExp(x []float64) float64 {
	if floats.HasNaN(x) {
		return math.NaN()
	}
	top := floats.Max(x)
	if math.IsInf(top, 0) {
		return top
	}
	floats.AddConst(-top, x)
	kernel.Exp(x, x)
	return top + math.Log(kernel.Sum(x))
}

// cores returns the number of goroutines to share work among.
func cores() int { return runtime.GOMAXPROCS(0) }
