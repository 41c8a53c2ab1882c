package simulators_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets/simulators"
)

// Draws of a prior have the distribution of its density: their mean logarithm and each column's distribution function.
func TestPriors(t *testing.T) {
	const n = 5000
	normal, lognormal := distuv.Normal{Sigma: math.Sqrt(0.1)}, distuv.LogNormal{Mu: math.Log(0.4), Sigma: 0.5}
	for _, task := range simulators.All() {
		p := task.Prior()
		θ := p.Sample(n, rand.NewPCG(1, 2))
		lo, hi := p.Bounds()
		var cdf func(float64) float64
		var entropy float64 // of the first column
		switch task.(type) {
		case simulators.GaussianLinear:
			cdf, entropy = normal.CDF, normal.Entropy()
		case simulators.SIR:
			cdf, entropy = lognormal.CDF, lognormal.Entropy()
		default:
			u := distuv.Uniform{Min: lo[0], Max: hi[0]}
			cdf, entropy = u.CDF, u.Entropy()
		}
		first := mat.Col(nil, 0, θ)
		slices.Sort(first)
		for i, v := range first {
			if d := math.Abs(cdf(v) - float64(i)/n); !(d <= 1.95/math.Sqrt(n)) { // 999 of 1000 cases
				t.Errorf("%s: the distribution of the first parameter differs by %v at %v", task.Name(), d, v)
				break
			}
		}
		h := float64(p.Dim()) * entropy
		if _, ok := task.(simulators.SIR); ok {
			h = entropy + distuv.LogNormal{Mu: math.Log(0.125), Sigma: 0.2}.Entropy()
		}
		mean, sd := stat.MeanStdDev(p.LogProb(θ), nil)
		if !(math.Abs(mean+h) <= 4*sd/math.Sqrt(n)+1e-12) {
			t.Errorf("%s: the mean log-density of the prior's draws is %v, want %v", task.Name(), mean, -h)
		}
		for i := range n {
			for j, v := range θ.RawRowView(i) {
				if !(v >= lo[j] && v <= hi[j]) {
					t.Fatalf("%s: parameter %d is %v, outside %v and %v", task.Name(), j, v, lo[j], hi[j])
				}
			}
		}
		inside, outside, unknown := mat.DenseCopyOf(θ.Slice(0, 1, 0, p.Dim())), mat.DenseCopyOf(θ.Slice(0, 1, 0, p.Dim())), mat.NewDense(1, p.Dim(), nil)
		outside.Set(0, 0, lo[0]-1)
		unknown.Set(0, 1, math.NaN())
		if got := p.LogProb(inside)[0]; math.IsInf(got, 0) || math.IsNaN(got) {
			t.Errorf("%s: LogProb inside = %v", task.Name(), got)
		}
		if got := p.LogProb(outside)[0]; !math.IsInf(got, -1) {
			t.Errorf("%s: LogProb outside = %v, want −Inf", task.Name(), got)
		}
		if got := p.LogProb(unknown)[0]; !math.IsNaN(got) {
			t.Errorf("%s: LogProb(NaN) = %v, want NaN", task.Name(), got)
		}
	}
}

// The likelihoods against gonum's distributions.
func TestLikelihoods(t *testing.T) {
	for _, task := range simulators.All() {
		θ := task.Prior().Sample(50, rand.NewPCG(1, 2))
		x := task.Simulate(θ, rand.NewPCG(3, 4))
		for i, got := range task.LogLikelihood(θ, x) {
			p, d := θ.RawRowView(i), x.RawRowView(i)
			var want float64
			switch task := task.(type) {
			case simulators.TwoMoons:
				u, v := d[0]+math.Abs(p[0]+p[1])/math.Sqrt2-0.25, d[1]+(p[0]-p[1])/math.Sqrt2
				r := math.Hypot(u, v)
				want = distuv.Normal{Mu: 0.1, Sigma: 0.01}.LogProb(r) - math.Log(math.Pi*r)
			case simulators.SLCP:
				s, u := p[2]*p[2], p[3]*p[3]
				c := math.Tanh(p[4]) * s * u
				normal, ok := distmv.NewNormal(p[:2], mat.NewSymDense(2, []float64{s*s + 1e-6, c, c, u*u + 1e-6}), nil)
				if !ok {
					t.Fatalf("no normal distribution for the parameters %v", p)
				}
				for k := 0; k < 8; k += 2 {
					want += normal.LogProb(d[k : k+2])
				}
			case simulators.GaussianLinear, simulators.GaussianLinearUniform:
				for k, v := range d {
					want += distuv.Normal{Mu: p[k], Sigma: math.Sqrt(0.1)}.LogProb(v)
				}
			case simulators.GaussianMixture:
				for _, sd := range []float64{1, 0.1} {
					want += 0.5 * distuv.Normal{Mu: p[0], Sigma: sd}.Prob(d[0]) * distuv.Normal{Mu: p[1], Sigma: sd}.Prob(d[1])
				}
				want = math.Log(want)
			case simulators.SIR:
				for k, fraction := range task.Infected(p[0], p[1]) {
					want += distuv.Binomial{N: 1000, P: fraction}.LogProb(d[k])
				}
			}
			if !(math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))) {
				t.Errorf("%s: LogLikelihood(%v, %v) = %v, want %v", task.Name(), p, d, got, want)
			}
		}
	}
}

// What the simulator draws has the density of the likelihood: p(x|θ′)/p(x|θ) has the mean 1, and the score the mean 0, in
// the direction of every parameter. That needs a support which does not move with θ, as TwoMoons' does.
func TestSimulatorsFollowTheLikelihood(t *testing.T) {
	const n, step = 4000, 1e-4
	for _, task := range simulators.All() {
		if _, ok := task.(simulators.TwoMoons); ok {
			continue
		}
		θ0, _ := task.Observation(3)
		d := len(θ0)
		θ := mat.NewDense(n, d, nil)
		for i := range n {
			θ.SetRow(i, θ0)
		}
		x := task.Simulate(θ, rand.NewPCG(1, 2))
		at := task.LogLikelihood(θ, x)
		for j := range d {
			moved := func(by float64) []float64 {
				θ := mat.DenseCopyOf(θ)
				for i := range n {
					θ.Set(i, j, θ0[j]+by)
				}
				return task.LogLikelihood(θ, x)
			}
			up, down := moved(step), moved(-step)
			score := make([]float64, n)
			for i := range score {
				score[i] = (up[i] - down[i]) / (2 * step)
			}
			mean, sd := stat.MeanStdDev(score, nil)
			if z := mean / (sd / math.Sqrt(n)); !(math.Abs(z) <= 4) {
				t.Errorf("%s: the score of parameter %d has the mean %v: %.1f standard errors", task.Name(), j, mean, z)
			}
			if sd == 0 {
				t.Errorf("%s: the likelihood does not depend on parameter %d", task.Name(), j)
			}
			ratio := make([]float64, n)
			for i, l := range moved(0.3 / sd) { // by a third of the deviation that the data leave
				ratio[i] = math.Exp(l - at[i])
			}
			mean, sd = stat.MeanStdDev(ratio, nil)
			if z := (mean - 1) / (sd / math.Sqrt(n)); !(math.Abs(z) <= 4) {
				t.Errorf("%s: the likelihood ratio along parameter %d has the mean %v: %.1f standard errors", task.Name(), j, mean, z)
			}
		}
	}
}

// Simulation-based calibration, Talts et al. 2018, arXiv:1804.06788: among draws from the posterior, the rank of the
// parameters that made the data is uniform; so is that of their likelihood.
func TestExactPosteriorsAreCalibrated(t *testing.T) {
	const runs, draws = 2000, 19
	for _, task := range simulators.All() {
		task, ok := task.(simulators.Exact)
		if !ok {
			continue
		}
		src := rand.NewPCG(1, 2)
		θ := task.Prior().Sample(runs, src)
		x := task.Simulate(θ, src)
		d := task.Prior().Dim()
		counts := make([][]float64, d+1) // of each rank, 0 to 19
		for j := range counts {
			counts[j] = make([]float64, draws+1)
		}
		for i := range runs {
			data := x.RawRowView(i)
			post := task.SamplePosterior(draws, data, src)
			row := mat.NewDense(1, len(data), data)
			own := task.LogLikelihood(θ.Slice(i, i+1, 0, d), row)[0]
			ranks := make([]int, d+1)
			for k, l := range task.LogLikelihood(post, row) {
				if l < own {
					ranks[d]++
				}
				for j := range d {
					if post.At(k, j) < θ.At(i, j) {
						ranks[j]++
					}
				}
			}
			for j, r := range ranks {
				counts[j][r]++
			}
		}
		for j, c := range counts {
			var chi2 float64
			for _, count := range c {
				const want = runs / (draws + 1)
				chi2 += (count - want) * (count - want) / want
			}
			if p := 1 - (distuv.ChiSquared{K: draws}).CDF(chi2); !(p >= 1e-5) { // of 29 statistics
				t.Errorf("%s: the ranks of parameter %d of %d are not uniform, p = %v: %v", task.Name(), j, d, p, c)
			}
		}
	}
}

// The posteriors in the plane against their density, prior times likelihood, on a grid.
func TestExactPosteriorsInThePlane(t *testing.T) {
	for _, c := range []struct {
		task  simulators.Exact
		width float64 // of the square around the parameters that holds the posterior, cut at the box
		n     int
	}{{simulators.TwoMoons{}, 4, 800}, {simulators.GaussianMixture{}, 12, 600}} {
		lo, hi := c.task.Prior().Bounds()
		for k := 1; k <= 10; k += 3 {
			θ0, x0 := c.task.Observation(k)
			a := [2]float64{max(θ0[0]-c.width/2, lo[0]), max(θ0[1]-c.width/2, lo[1])}
			b := [2]float64{min(θ0[0]+c.width/2, hi[0]), min(θ0[1]+c.width/2, hi[1])}
			grid := mat.NewDense(c.n*c.n, 2, nil)
			for i := range c.n * c.n { // midpoints
				grid.Set(i, 0, a[0]+(b[0]-a[0])*(float64(i/c.n)+0.5)/float64(c.n))
				grid.Set(i, 1, a[1]+(b[1]-a[1])*(float64(i%c.n)+0.5)/float64(c.n))
			}
			logs := c.task.LogLikelihood(grid, mat.NewDense(1, 2, x0))
			weights := make([]float64, len(logs))
			for i, l := range logs {
				weights[i] = math.Exp(l)
			}
			const n = 4000
			draws := c.task.SamplePosterior(n, x0, rand.NewPCG(1, 2))
			for what, f := range map[string]func(θ []float64) float64{
				"θ₀":      func(θ []float64) float64 { return θ[0] },
				"θ₁":      func(θ []float64) float64 { return θ[1] },
				"θ₀²":     func(θ []float64) float64 { return θ[0] * θ[0] },
				"|θ₀+θ₁|": func(θ []float64) float64 { return math.Abs(θ[0] + θ[1]) },
				"θ₀θ₁":    func(θ []float64) float64 { return θ[0] * θ[1] },
			} {
				values, got := make([]float64, len(weights)), make([]float64, n)
				for i := range values {
					values[i] = f(grid.RawRowView(i))
				}
				for i := range got {
					got[i] = f(draws.RawRowView(i))
				}
				want, sd := stat.MeanStdDev(values, weights)
				mean := stat.Mean(got, nil)
				// The grid cuts the crescent's ends off to half a cell, of 100 across.
				if z := (mean - want) / (sd/math.Sqrt(n) + 1e-4); !(math.Abs(z) <= 4) {
					t.Errorf("%s, observation %d: E %s = %v, a grid gives %v: %.1f standard errors", c.task.Name(), k, what, mean, want, z)
				}
			}
		}
	}
}

// Two moons as it is defined, without its likelihood: parameters of the prior whose data fall near the observation.
func TestTwoMoonsByRejection(t *testing.T) {
	const n, radius = 400_000, 0.02
	task := simulators.TwoMoons{}
	_, x0 := task.Observation(1)
	θ := task.Prior().Sample(n, rand.NewPCG(1, 2))
	x := task.Simulate(θ, rand.NewPCG(3, 4))
	var sums, near []float64
	for i := range n {
		if math.Hypot(x.At(i, 0)-x0[0], x.At(i, 1)-x0[1]) < radius {
			sums = append(sums, math.Abs(θ.At(i, 0)+θ.At(i, 1)))
			near = append(near, θ.At(i, 1)-θ.At(i, 0))
		}
	}
	draws := task.SamplePosterior(20_000, x0, rand.NewPCG(5, 6))
	for j, kept := range [][]float64{sums, near} {
		exact := make([]float64, 20_000)
		for i := range exact {
			exact[i] = math.Abs(draws.At(i, 0) + draws.At(i, 1))
			if j == 1 {
				exact[i] = draws.At(i, 1) - draws.At(i, 0)
			}
		}
		if len(kept) < 50 {
			t.Fatalf("only %d draws are near the observation", len(kept))
		}
		slices.Sort(kept)
		slices.Sort(exact)
		ks := stat.KolmogorovSmirnov(kept, nil, exact, nil)
		// The kernel blurs by the radius, a tenth of the crescent; the rest is a statistic of 1 in 1000.
		if limit := 1.95/math.Sqrt(float64(len(kept))) + 0.05; !(ks <= limit) {
			t.Errorf("statistic %d: the distributions differ by %v, want %v or less (%d draws)", j, ks, limit, len(kept))
		}
	}
}

// In ten dimensions the parameters are independent given the data: each of them by prior times likelihood on a line.
func TestExactPosteriorsInTenDimensions(t *testing.T) {
	const n, points = 20_000, 4000
	for _, task := range []simulators.Exact{simulators.GaussianLinear{}, simulators.GaussianLinearUniform{}} {
		θ0, x0 := task.Observation(2)
		draws := task.SamplePosterior(n, x0, rand.NewPCG(3, 4))
		for j := range 10 {
			line := mat.NewDense(points, 10, nil)
			for i := range points { // midpoints of [−2, 2]
				line.SetRow(i, θ0)
				line.Set(i, j, 4*(float64(i)+0.5)/points-2)
			}
			prior, weights := task.Prior().LogProb(line), task.LogLikelihood(line, mat.NewDense(1, 10, x0))
			for i := range weights {
				weights[i] = math.Exp(weights[i] + prior[i])
			}
			want, sd := stat.PopMeanStdDev(mat.Col(nil, j, line), weights)
			mean, spread := stat.MeanStdDev(mat.Col(nil, j, draws), nil)
			if z := (mean - want) / (sd / math.Sqrt(n)); !(math.Abs(z) <= 4) {
				t.Errorf("%s: E θ%d = %v, want %v: %.1f standard errors", task.Name(), j, mean, want, z)
			}
			if !(math.Abs(spread/sd-1) <= 4/math.Sqrt(2*n)) { // less for one that is cut off
				t.Errorf("%s: the deviation of θ%d is %v, want %v", task.Name(), j, spread, sd)
			}
		}
	}
}

func TestObservations(t *testing.T) {
	for _, task := range simulators.All() {
		lo, hi := task.Prior().Bounds()
		for k := 1; k <= 10; k++ {
			θ, x := task.Observation(k)
			if len(θ) != task.Prior().Dim() || len(x) != task.DataDim() {
				t.Fatalf("%s, observation %d: %d parameters and %d data", task.Name(), k, len(θ), len(x))
			}
			for j, v := range θ {
				if !(v >= lo[j] && v <= hi[j]) {
					t.Errorf("%s, observation %d: parameter %d is %v", task.Name(), k, j, v)
				}
			}
			// The data are among those that the parameters make: their likelihood is within the range of simulated ones.
			const n = 500
			thetas := mat.NewDense(n, len(θ), nil)
			for i := range n {
				thetas.SetRow(i, θ)
			}
			typical := task.LogLikelihood(thetas, task.Simulate(thetas, rand.NewPCG(uint64(k), 2)))
			least := slices.Min(typical)
			if got := task.LogLikelihood(mat.NewDense(1, len(θ), θ), mat.NewDense(1, len(x), x))[0]; !(got >= least-5) {
				t.Errorf("%s, observation %d: its log-likelihood is %v, that of %d simulations at least %v", task.Name(), k, got, n, least)
			}
		}
	}
}

func TestReproducible(t *testing.T) {
	for _, task := range simulators.All() {
		draw := func(seed uint64) *mat.Dense {
			src := rand.NewPCG(seed, 1)
			return task.Simulate(task.Prior().Sample(20, src), src)
		}
		if !mat.Equal(draw(1), draw(1)) {
			t.Errorf("%s: the same source gives other data", task.Name())
		}
		if mat.Equal(draw(1), draw(2)) {
			t.Errorf("%s: another source gives the same data", task.Name())
		}
	}
}

// NaN stays, infinite and huge numbers have no likelihood, no rows give no numbers.
func TestEdges(t *testing.T) {
	for _, task := range simulators.All() {
		θ0, x0 := task.Observation(1)
		at := func(θ, x float64) float64 {
			p, d := slices.Clone(θ0), slices.Clone(x0)
			p[1] += θ
			d[0] += x
			return task.LogLikelihood(mat.NewDense(1, len(p), p), mat.NewDense(1, len(d), d))[0]
		}
		for _, v := range []float64{math.Inf(1), math.Inf(-1), 1e300, -1e300} {
			for _, got := range []float64{at(v, 0), at(0, v), at(v, v)} {
				if !math.IsInf(got, -1) {
					t.Errorf("%s: LogLikelihood at %v = %v, want −Inf", task.Name(), v, got)
				}
			}
		}
		for _, got := range []float64{at(1e20, 0), at(0, 1e20), at(1e20, 1e20)} {
			if math.IsNaN(got) || got > 0 {
				t.Errorf("%s: LogLikelihood at 1e20 = %v", task.Name(), got)
			}
		}
		for _, got := range []float64{at(math.NaN(), 0), at(0, math.NaN()), at(math.Inf(1), math.NaN())} {
			if !math.IsNaN(got) {
				t.Errorf("%s: LogLikelihood of NaN = %v", task.Name(), got)
			}
		}
		if got := task.LogLikelihood(&mat.Dense{}, &mat.Dense{}); len(got) != 0 {
			t.Errorf("%s: LogLikelihood of no rows = %v", task.Name(), got)
		}
		if got := task.Prior().LogProb(&mat.Dense{}); len(got) != 0 {
			t.Errorf("%s: LogProb of no rows = %v", task.Name(), got)
		}
	}
}

// An observation far outside of what the box makes still has a posterior, at the near side of the box.
func TestPosteriorAtTheSides(t *testing.T) {
	x := []float64{5, -5, 0, 0, 0, 0, 0, 0, 0, 0}
	θ := simulators.GaussianLinearUniform{}.SamplePosterior(100, x, rand.NewPCG(1, 2))
	if lo, hi := slices.Min(mat.Col(nil, 0, θ)), slices.Max(mat.Col(nil, 1, θ)); !(lo > 0.7 && hi < -0.7) {
		t.Errorf("the first parameter is as low as %v, the second as high as %v; want them at 1 and −1", lo, hi)
	}
	θ = simulators.GaussianMixture{}.SamplePosterior(100, []float64{30, 0}, rand.NewPCG(1, 2))
	if lo := slices.Min(mat.Col(nil, 0, θ)); !(lo > 9) {
		t.Errorf("the first parameter is as low as %v, want it at 10", lo)
	}
}

func TestMisuse(t *testing.T) {
	src := rand.NewPCG(1, 2)
	two := simulators.TwoMoons{}
	for want, f := range map[string]func(){
		"Prior.Sample: got 0 rows":              func() { two.Prior().Sample(0, src) },
		"Prior.Sample: got a nil source":        func() { two.Prior().Sample(1, nil) },
		"Prior.LogProb: got a 1×3 batch":        func() { two.Prior().LogProb(mat.NewDense(1, 3, nil)) },
		"TwoMoons.Simulate: got a nil source":   func() { two.Simulate(mat.NewDense(1, 2, nil), nil) },
		"TwoMoons.Simulate: got a 1×3 batch":    func() { two.Simulate(mat.NewDense(1, 3, nil), src) },
		"TwoMoons.Simulate: got 0 rows":         func() { two.Simulate(&mat.Dense{}, src) },
		"got 2×2 parameters and 3×2 data":       func() { two.LogLikelihood(mat.NewDense(2, 2, nil), mat.NewDense(3, 2, nil)) },
		"Observation: got number 11, want 1 to": func() { two.Observation(11) },
		"Observation: got number 0":             func() { simulators.SIR{}.Observation(0) },
		"got 3 numbers of data, want 2":         func() { two.SamplePosterior(1, make([]float64, 3), src) },
		"SamplePosterior: got 0 rows":           func() { two.SamplePosterior(0, make([]float64, 2), src) },
		"got the data [5 5], which next to no":  func() { two.SamplePosterior(1, []float64{5, 5}, src) },
		"got the data [NaN 0]":                  func() { two.SamplePosterior(1, []float64{math.NaN(), 0}, src) },
		"got the data [1e+10 0], which next":    func() { simulators.GaussianMixture{}.SamplePosterior(1, []float64{1e10, 0}, src) },
		"got the rates -1 and 0.1":              func() { simulators.SIR{}.Simulate(mat.NewDense(1, 2, []float64{-1, 0.1}), src) },
		"got the rates NaN and 0.1":             func() { simulators.SIR{}.Simulate(mat.NewDense(1, 2, []float64{math.NaN(), 0.1}), src) },
		"got the rates 1e+09 and 0.1":           func() { simulators.SIR{}.Infected(1e9, 0.1) },
	} {
		if got := testkit.Panic(f); !strings.HasPrefix(got, "simulators: ") || !strings.Contains(got, want) {
			t.Errorf("got the panic %q, want %q in it", got, want)
		}
	}
}
