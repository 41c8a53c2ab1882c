package live

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Known is a density that can be sampled, and whose entropy is known: no loss is lower.
type Known interface {
	nf.Sampler
	Entropy() float64
}

// Pick is a density to pick.
type Pick struct {
	Name   string
	target Known
}

// Picks returns the densities to pick, in the order in which they are offered.
func Picks() []Pick {
	return []Pick{
		{"Two moons", targets.Moons{}},
		{"Eight modes", targets.CircularGaussianMixture{}},
		{"Rings", targets.RingMixture{}},
		{"Pinwheel", targets.Pinwheel{}},
		{"Spirals", targets.Spirals{}},
		{"Checkerboard", targets.Checkerboard{}},
		{"Swiss roll", targets.SwissRoll{}},
	}
}

const reach = 2.8 // of data, from the centre of the view, by a sample of them

// Data returns the density, moved to the centre of the view and scaled to fill most of it.
func (p Pick) Data() Known {
	x := p.target.Sample(2000, rand.NewPCG(1, 2))
	f, widest := framed{Known: p.target}, 0.0
	for j := range 2 {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, v := range mat.Col(nil, j, x) {
			lo, hi = min(lo, v), max(hi, v)
		}
		f.centre[j], widest = (lo+hi)/2, max(widest, hi-lo)
	}
	f.scale = 2 * reach / widest
	return f
}

// framed is the density of scale·(x − centre).
type framed struct {
	Known
	centre [2]float64
	scale  float64
}

func (f framed) Sample(n int, src rand.Source) *mat.Dense {
	x := f.Known.Sample(n, src)
	x.Apply(func(_, j int, v float64) float64 { return f.scale * (v - f.centre[j]) }, x)
	return x
}

// Entropy grows by the logarithm of the area that a unit square becomes.
func (f framed) Entropy() float64 { return f.Known.Entropy() + 2*math.Log(f.scale) }
