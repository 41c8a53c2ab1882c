package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext/prng"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Blobs is k normal distributions of deviation 1 and equal weight, with means drawn uniformly from [−10, 10]²: those of
// math/rand/v2's PCG with the seeds Seed and 0, mean by mean, x₀ first. It is normalised; the entropy is 3.619443 nats for
// the zero value. It is scikit-learn's make_blobs with other means.
type Blobs struct {
	Centers int // k; 0 means 3, at most 200
	Seed    uint64
}

// GMM40 is forty normal distributions of equal weight in the plane, with the deviation ln(1 + e) = 1.313262 and means
// drawn uniformly from [−40, 40]². It is normalised; the entropy is H = 6.859469 nats. Midgley et al. 2023,
// arXiv:2208.01893, section 4.1.
//
// The means are 80·u − 40, where u is the 40×2 numbers that MT19937 with the seed 0 gives, row by row, of 24 bits each:
// torch.rand(40, 2) after torch.manual_seed(0).
type GMM40 struct{}

var (
	_ Target = Blobs{}
	_ Target = GMM40{}
)

func (t Blobs) blobs() gaussians {
	k := components("Blobs", "centers", t.Centers, 3, 1)
	g, r := gaussians{sd: 1}, rand.New(rand.NewPCG(t.Seed, 0))
	for range k {
		g.x = append(g.x, 20*r.Float64()-10)
		g.y = append(g.y, 20*r.Float64()-10)
	}
	return g
}

func (GMM40) modes() gaussians {
	r := prng.NewMT19937()
	r.Seed(0)
	mean := func() float64 { return 80*float64(r.Uint32()&(1<<24-1))/(1<<24) - 40 }
	g := gaussians{sd: math.Log1p(math.E)}
	for range 40 {
		g.x = append(g.x, mean())
		g.y = append(g.y, mean())
	}
	return g
}

// Means returns the means of the modes, 40×2.
func (t GMM40) Means() *mat.Dense {
	g := t.modes()
	m := mat.NewDense(len(g.x), 2, nil)
	m.SetCol(0, g.x)
	m.SetCol(1, g.y)
	return m
}

// ModesFound returns how many of the modes a sample has found: those whose mean is the nearest one of more than half of
// their share of the rows, a fortieth. Cost O(40·n). It panics when x has another number of columns than 2.
func (t GMM40) ModesFound(x mat.Matrix) int {
	n, c := x.Dims()
	checkColumns(t, "ModesFound", n, c)
	g := t.modes()
	points := make([]int, len(g.x))
	for i := range n {
		nearest, least := 0, math.Inf(1)
		for k := range g.x {
			if d := math.Hypot(x.At(i, 0)-g.x[k], x.At(i, 1)-g.y[k]); d < least {
				nearest, least = k, d
			}
		}
		points[nearest]++
	}
	found := 0
	for _, p := range points {
		if 2*p*len(points) > n {
			found++
		}
	}
	return found
}

// Dim returns 2.
func (Blobs) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. Cost O(nk).
func (t Blobs) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.blobs().logDensity(x)
}

// LogNormalizer returns 0.
func (Blobs) LogNormalizer() float64 { return 0 }

// Entropy returns H by quadrature.
func (t Blobs) Entropy() float64 { return t.blobs().entropy(t, 0.25) }

// LogProb returns ln p of each row of x.
func (t Blobs) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t Blobs) Sample(n int, src rand.Source) *mat.Dense { return sample(t, n, src, t.blobs().draw) }

// Dim returns 2.
func (GMM40) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. Cost O(40·n).
func (t GMM40) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.modes().logDensity(x)
}

// LogNormalizer returns 0.
func (GMM40) LogNormalizer() float64 { return 0 }

// Entropy returns H by quadrature.
func (t GMM40) Entropy() float64 { g := t.modes(); return g.entropy(t, g.sd/4) }

// LogProb returns ln p of each row of x.
func (t GMM40) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t GMM40) Sample(n int, src rand.Source) *mat.Dense { return sample(t, n, src, t.modes().draw) }
