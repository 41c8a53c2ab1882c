package targets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Sinusoidal is a wave,
//
//	p̃(x) = exp(−½((x₁−w₁)/s)²)·E(x),  w₁ = sin(2πx₀/T),  E(x) = exp(−(x₀⁴+x₁⁴)/2(20s)⁴),
//
// with s = Scale and T = Period. It is not normalised: ln Z is 2.850138 for the zero value, with entropy 3.600174 nats.
// Rezende & Mohamed 2015, arXiv:1505.05770, table 1, U₂. Its twin in normflows is Sinusoidal.
type Sinusoidal struct {
	Scale  float64 // 0 means 0.4; from 0.001 to 2
	Period float64 // 0 means 4; from 1e-6 to 1e6
}

// SinusoidalGap is a wave that splits in two around x₀ = 1,
//
//	p̃(x) = (exp(−½((x₁−w₁)/s)²) + exp(−½((x₁−w₁+w₂)/s)²))·E(x),  w₂ = 3·exp(−½((x₀−1)/0.6)²),
//
// with w₁, E, s and T of [Sinusoidal]. It is not normalised: ln Z is 3.543230 for the zero value, with entropy 3.678663
// nats. Rezende & Mohamed 2015, arXiv:1505.05770, table 1, U₃. Its twin in normflows is Sinusoidal_gap.
type SinusoidalGap struct {
	Scale  float64 // 0 means 0.4; from 0.001 to 2
	Period float64 // 0 means 4; from 1e-6 to 1e6
}

// SinusoidalSplit is a wave that forks at x₀ = 1,
//
//	p̃(x) = (exp(−½((x₁−w₁)/s)²) + exp(−½((x₁−w₁+w₃)/s)²))·E(x),  w₃ = 3·sigmoid((x₀−1)/0.3),
//
// with w₁, E, s and T of [Sinusoidal]. It is not normalised: ln Z is 3.540257 for the zero value, with entropy 3.917232
// nats. Rezende & Mohamed 2015, arXiv:1505.05770, table 1, U₄. Its twin in normflows is Sinusoidal_split.
type SinusoidalSplit struct {
	Scale  float64 // 0 means 0.4; from 0.001 to 2
	Period float64 // 0 means 4; from 1e-6 to 1e6
}

var (
	_ Target = Sinusoidal{}
	_ Target = SinusoidalGap{}
	_ Target = SinusoidalSplit{}
)

// wave is what the three have in common: one branch, or two at a distance that depends on x₀.
type wave struct {
	scale, period float64
	distance      func(x0 *ad.Value) *ad.Value // of the second branch, below the first; nil if there is none
	distanceAt    func(x0 float64) float64     // the same, of a number
}

func (t Sinusoidal) wave() wave { return newWave("Sinusoidal", t.Scale, t.Period) }

func (t SinusoidalGap) wave() wave {
	w := newWave("SinusoidalGap", t.Scale, t.Period)
	w.distance = func(x0 *ad.Value) *ad.Value { return normal(x0, 1, 0.6).Exp().Scale(3) }
	w.distanceAt = func(x0 float64) float64 { return 3 * math.Exp(-0.5*(x0-1)*(x0-1)/(0.6*0.6)) }
	return w
}

func (t SinusoidalSplit) wave() wave {
	w := newWave("SinusoidalSplit", t.Scale, t.Period)
	w.distance = func(x0 *ad.Value) *ad.Value { return x0.Shift(-1).Scale(1 / 0.3).Sigmoid().Scale(3) }
	w.distanceAt = func(x0 float64) float64 { return 3 / (1 + math.Exp((1-x0)/0.3)) }
	return w
}

// newWave returns a single branch. It panics unless scale and period are of a size that can be integrated.
func newWave(name string, scale, period float64) wave {
	w := wave{scale: orDefault(scale, 0.4), period: orDefault(period, 4)}
	if !(w.scale >= 1e-3 && w.scale <= 2 && w.period >= 1e-6 && w.period <= 1e6) {
		panic(fmt.Sprintf("targets: %s: got Scale %v and Period %v, want 0.001 to 2 and 1e-6 to 1e6", name, w.scale, w.period))
	}
	return w
}

func (w wave) logDensity(x *ad.Value) *ad.Value {
	x0 := x.Slice(0, 1)
	u := x.Slice(1, 2).Sub(x0.Scale(2 * math.Pi / w.period).Sin()) // x₁ − w₁
	branches := normal(u, 0, w.scale)
	if w.distance != nil {
		branches = branches.Concat(normal(u.Add(w.distance(x0)), 0, w.scale)).LogSumExp()
	}
	return branches.Add(x.Scale(1 / (20 * w.scale)).Square().Square().RowSum().Scale(-0.5))
}

// integrals integrates over x₁ first, on the branches: that leaves a function of x₀ as smooth as its envelope.
//
// A wave that is much shorter than anything else in x₀ is everywhere at all of its phases, so that its period has no
// effect: shorter periods than that are integrated as if they were so long.
func (w wave) integrals() integrals {
	c := 20 * w.scale
	shortest, step := c/4, c/16
	if w.distance != nil { // which changes over lengths of 0.3 and more
		shortest, step = min(shortest, 0.2), min(step, 0.05)
	}
	w.period = max(w.period, shortest)
	step = min(step, w.period/16, w.period*c/24)
	q, branch := newIntegrator(w.logDensity), newRule(48)
	n := int(math.Ceil(3 * c / step)) // where the envelope is exp(−3⁴/2)
	for i := -n; i <= n; i++ {
		x0 := float64(i) * step
		branch.each(w.edges(x0), func(x1, dx1 float64) { q.add(x0, x1, step*dx1) })
	}
	return q.result()
}

// edges returns the ends of intervals of x₁ that hold the branches, as far as ten deviations away and as the envelope
// reaches.
func (w wave) edges(x0 float64) []float64 {
	top, reach := math.Sin(2*math.Pi*x0/w.period), 10*w.scale
	edges := []float64{top - reach, top, top + reach}
	if w.distance != nil {
		if low := top - w.distanceAt(x0); low+reach > top-reach {
			edges = []float64{low - reach, (low + top) / 2, top + reach} // ln p may bend sharply between the branches
		} else {
			edges = append([]float64{low - reach, low, low + reach}, edges...)
		}
	}
	for i, x1 := range edges {
		edges[i] = min(max(x1, -60*w.scale), 60*w.scale)
	}
	return edges
}

// sample draws x₀ from its envelope, x₁ from a branch, and accepts with the envelope of x₁, which is at most 1.
func (w wave) sample(t Target, n int, src rand.Source) *mat.Dense {
	c := 20 * w.scale
	quarter := distuv.Gamma{Alpha: 0.25, Beta: 1, Src: src} // x₀⁴/2c⁴
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		for {
			x[0] = c * math.Pow(2*quarter.Rand(), 0.25)
			coins := r.Uint64()
			if coins&1 != 0 {
				x[0] = -x[0]
			}
			x[1] = math.Sin(2*math.Pi*x[0]/w.period) + w.scale*r.NormFloat64()
			if w.distance != nil && coins&2 != 0 {
				x[1] -= w.distanceAt(x[0])
			}
			if u := x[1] / c; r.Float64() < math.Exp(-0.5*u*u*u*u) {
				return
			}
		}
	})
}

// Dim returns 2.
func (Sinusoidal) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (t Sinusoidal) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.wave().logDensity(x)
}

// LogNormalizer returns ln Z by quadrature, with an error below 1e-8.
func (t Sinusoidal) LogNormalizer() float64 { return remember(t, t.wave().integrals).logZ }

// Entropy returns H by quadrature, with an error below 1e-8.
func (t Sinusoidal) Entropy() float64 { return remember(t, t.wave().integrals).entropy }

// LogProb returns ln p of each row of x.
func (t Sinusoidal) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws points by rejection with bound 1 on the envelope of x₁: it accepts 99 of 100 for the zero value.
func (t Sinusoidal) Sample(n int, src rand.Source) *mat.Dense { return t.wave().sample(t, n, src) }

// Dim returns 2.
func (SinusoidalGap) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (t SinusoidalGap) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.wave().logDensity(x)
}

// LogNormalizer returns ln Z by quadrature, with an error below 1e-8.
func (t SinusoidalGap) LogNormalizer() float64 { return remember(t, t.wave().integrals).logZ }

// Entropy returns H by quadrature, with an error below 1e-8.
func (t SinusoidalGap) Entropy() float64 { return remember(t, t.wave().integrals).entropy }

// LogProb returns ln p of each row of x.
func (t SinusoidalGap) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws points by rejection with bound 1 on the envelope of x₁: it accepts 99 of 100 for the zero value.
func (t SinusoidalGap) Sample(n int, src rand.Source) *mat.Dense { return t.wave().sample(t, n, src) }

// Dim returns 2.
func (SinusoidalSplit) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (t SinusoidalSplit) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.wave().logDensity(x)
}

// LogNormalizer returns ln Z by quadrature, with an error below 1e-8.
func (t SinusoidalSplit) LogNormalizer() float64 { return remember(t, t.wave().integrals).logZ }

// Entropy returns H by quadrature, with an error below 1e-8.
func (t SinusoidalSplit) Entropy() float64 { return remember(t, t.wave().integrals).entropy }

// LogProb returns ln p of each row of x.
func (t SinusoidalSplit) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws points by rejection with bound 1 on the envelope of x₁: it accepts 99 of 100 for the zero value.
func (t SinusoidalSplit) Sample(n int, src rand.Source) *mat.Dense { return t.wave().sample(t, n, src) }
