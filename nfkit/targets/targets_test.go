package targets_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"image"
	"image/color"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// targetCase is a density in the plane and where it lies: cells between the numbers of x and y hold all of its mass
// and, within each, it is smooth.
type targetCase struct {
	target targets.Target
	x, y   []float64
	valley func(x float64) float64 // y is counted from here, if set
	logZ   float64                 // to six digits, 0 for a normalised density; NaN for a variant that is nowhere else
	h      float64                 // entropy, the same: of the literature or, where that has none, of the documentation
}

var targetCases = map[string]targetCase{
	"StandardNormal": {target: targets.StandardNormal{}, x: span(-9, 9, 0.5), y: span(-9, 9, 0.5), h: math.Log(2 * math.Pi * math.E)},
	"UniformNormal":  {target: targets.UniformNormal{}, x: span(1, 2, 0.25), y: span(-14, 17, 0.5), h: 1.612086},

	"TwoMoons":             {target: targets.TwoMoons{}, x: span(-5, 5, 0.25), y: span(-5, 5, 0.25), logZ: 0.804214, h: 1.571062},
	"TwoModes":             {target: targets.TwoModes{}, x: span(-5, 5, 0.25), y: span(-5, 5, 0.25), logZ: 0.804214, h: 1.571062},
	"TwoModes(2,0.2)":      {target: targets.TwoModes{Scale: 0.2}, x: span(-7, 7, 0.25), y: span(-7, 7, 0.25), logZ: 1.877502, h: 2.660013},
	"TwoModes(0.3,0.4)":    {target: targets.TwoModes{Loc: 0.3, Scale: 0.4}, x: span(-8, 8, 0.25), y: span(-8, 8, 0.25), logZ: math.NaN(), h: math.NaN()},
	"TwoModes(0.1,1)":      {target: targets.TwoModes{Loc: 0.1, Scale: 1}, x: span(-20, 20, 0.5), y: span(-20, 20, 0.5), logZ: math.NaN(), h: math.NaN()},
	"RingMixture":          {target: targets.RingMixture{}, x: span(-4, 4, 0.125), y: span(-4, 4, 0.125), logZ: 1.775986, h: 2.275893},
	"RingMixture(1)":       {target: targets.RingMixture{Rings: 1}, x: span(-5, 5, 0.25), y: span(-5, 5, 0.25), logZ: 2.063668, h: 2.563668},
	"RingMixture(3)":       {target: targets.RingMixture{Rings: 3}, x: span(-3, 3, 0.125), y: span(-3, 3, 0.125), logZ: 1.658203, h: 2.158079},
	"Smiley":               {target: targets.Smiley{}, x: span(-5, 5, 0.25), y: span(-4.8, 5.2, 0.25), logZ: 1.008909, h: 1.889067},
	"Sinusoidal":           {target: targets.Sinusoidal{}, x: span(-26, 26, 0.5), y: span(-6, 6, 0.25), logZ: 2.850138, h: 3.600174},
	"SinusoidalGap":        {target: targets.SinusoidalGap{}, x: span(-26, 26, 0.25), y: span(-8, 6, 0.25), logZ: 3.543230, h: 3.678663},
	"SinusoidalSplit":      {target: targets.SinusoidalSplit{}, x: span(-26, 26, 0.25), y: span(-8, 6, 0.25), logZ: 3.540257, h: 3.917232},
	"Smiley(1)":            {target: targets.Smiley{Scale: 1}, x: span(-24, 24, 1), y: span(-24.8, 23.2, 1), logZ: math.NaN(), h: math.NaN()},
	"Sinusoidal(0.2,1)":    {target: targets.Sinusoidal{Scale: 0.2, Period: 1}, x: span(-13, 13, 0.125), y: span(-4, 4, 0.125), logZ: math.NaN(), h: math.NaN()},
	"CircularGaussian":     {target: targets.CircularGaussianMixture{}, x: span(-5, 5, 0.25), y: span(-5, 5, 0.25), h: 2.177596},
	"Sinusoidal(0.2,0.5)":  {target: targets.Sinusoidal{Scale: 0.2, Period: 0.5}, x: span(-12, 12, 0.0625), y: span(-3, 3, 0.25), logZ: math.NaN(), h: math.NaN()},
	"SinusoidalGap(0.1,1)": {target: targets.SinusoidalGap{Scale: 0.1, Period: 1}, x: span(-6, 6, 0.0625), y: span(-5, 2, 0.0625), logZ: math.NaN(), h: math.NaN()},
	"CircularGaussian(3)":  {target: targets.CircularGaussianMixture{Modes: 3}, x: span(-9, 9, 0.25), y: span(-9, 9, 0.25), h: math.NaN()},

	"Checkerboard": {target: targets.Checkerboard{}, x: span(-4, 4, 2), y: span(-4, 4, 2), h: math.Log(32)},
	"Spirals":      {target: targets.Spirals{}, x: span(-4.5, 4.5, 0.125), y: span(-4.5, 4.5, 0.125), h: 2.539854},
	"Pinwheel":     {target: targets.Pinwheel{}, x: span(-6, 6, 0.125), y: span(-6, 6, 0.125), h: 2.320589},
	"Pinwheel(1)":  {target: targets.Pinwheel{Arms: 1}, x: span(-6, 6, 0.125), y: span(-6, 6, 0.125), h: math.Log(2*math.Pi*math.E) + math.Log(4*0.3*0.1)},
	"Funnel":       {target: targets.Funnel{}, x: span(-24, 24, 0.5), y: doublings(1e-5, 36), h: math.Log(2*math.Pi*math.E) + math.Log(3)},
	"Rosenbrock": {target: targets.Rosenbrock{}, x: span(-30, 30, 1), y: span(-3, 3, 0.25), valley: func(x float64) float64 { return x * x },
		logZ: math.Log(2 * math.Pi), h: math.Log(2 * math.Pi * math.E)},

	"Moons":              {target: targets.Moons{}, x: span(-2, 3, 0.125), y: span(-1.5, 2, 0.125), h: 1.007585},
	"Circles(0.1)":       {target: targets.Circles{Noise: 0.1}, x: span(-2, 2, 0.125), y: span(-2, 2, 0.125), h: math.NaN()},
	"SwissRoll":          {target: targets.SwissRoll{}, x: span(-5, 5, 0.25), y: span(-4.5, 5, 0.25), h: 2.669646},
	"Blobs":              {target: targets.Blobs{}, x: span(-20, 20, 1), y: span(-20, 20, 1), h: 3.619443},
	"GMM40":              {target: targets.GMM40{}, x: span(-54, 54, 2), y: span(-54, 54, 2), h: 6.859469},
	"DoubleWell":         {target: targets.DoubleWell{}, x: span(-4, 4, 0.125), y: span(-9, 9, 0.5), logZ: 10.293480, h: 1.718576},
	"LogisticRegression": {target: targets.LogisticRegression{}, x: span(-18, 18, 1), y: span(-18, 18, 1), logZ: -13.236973, h: 1.940598},

	"ImagePrior": {target: testImage(), x: span(-3, 3, 2), y: span(-3, 3, 3), h: math.NaN()},
}

// otherTargets are those that are not in the plane, and Circles of a width that takes too fine a rule.
var otherTargets = map[string]targets.Target{
	"Circles":          targets.Circles{},
	"ManyWell":         targets.ManyWell{},
	"EightSchools":     targets.EightSchools{},
	"LinearRegression": targets.LinearRegression{},
	"Funnel(10)":       targets.Funnel{Dims: 10},
	"TwoIndependent":   targets.TwoIndependent{First: targets.TwoMoons{}, Second: targets.Funnel{Dims: 3}},
}

func allTargets() map[string]targets.Target {
	all := maps.Clone(otherTargets)
	for name, c := range targetCases {
		all[name] = c.target
	}
	return all
}

// span returns the numbers from lo to hi by step.
func span(lo, hi, step float64) []float64 {
	var s []float64
	for i := range int(math.Round((hi-lo)/step)) + 1 {
		s = append(s, lo+float64(i)*step)
	}
	return s
}

// doublings returns 0, least, 2·least, … and their negatives.
func doublings(least float64, n int) []float64 {
	s := []float64{0}
	for i := range n {
		x := math.Ldexp(least, i)
		s = append(s, x, -x)
	}
	slices.Sort(s)
	return s
}

// testImage is 3 pixels wide and 2 high, brightness 1 to 6 from the upper left.
func testImage() *targets.ImagePrior {
	m := image.NewGray16(image.Rect(4, 7, 7, 9))
	for i := range 6 {
		m.SetGray16(4+i%3, 7+i/3, color.Gray16{Y: uint16(1000 * (i + 1))})
	}
	p, err := targets.NewImagePrior(m, nil)
	if err != nil {
		panic(err)
	}
	return p
}

// nodes are the points of a Gauss-Legendre rule on each cell of a case: an integration that has nothing in common with
// that of the package.
type nodes struct {
	points   *mat.Dense // the second column counts from the valley
	logProb  []float64
	mass     []float64    // weight times density
	marginal [2][]float64 // mass between the numbers of x, and of y
}

func (c targetCase) nodes() nodes {
	const order = 6
	u, w := make([]float64, order), make([]float64, order)
	quad.Legendre{}.FixedLocations(u, w, 0, 1)
	var points, at, weights []float64
	var cells [][2]int
	for i := range len(c.x) - 1 {
		for j := range len(c.y) - 1 {
			dx, dy := c.x[i+1]-c.x[i], c.y[j+1]-c.y[j]
			for k := range u {
				for l := range u {
					x, y := c.x[i]+dx*u[k], c.y[j]+dy*u[l]
					points = append(points, x, y)
					at = append(at, x, y+c.bottom(x))
					weights = append(weights, dx*w[k]*dy*w[l])
					cells = append(cells, [2]int{i, j})
				}
			}
		}
	}
	n := len(weights)
	q := nodes{points: mat.NewDense(n, 2, points), logProb: c.target.LogProb(mat.NewDense(n, 2, at)), mass: weights}
	q.marginal = [2][]float64{make([]float64, len(c.x)-1), make([]float64, len(c.y)-1)}
	for i := range q.mass {
		q.mass[i] *= math.Exp(q.logProb[i])
		q.marginal[0][cells[i][0]] += q.mass[i]
		q.marginal[1][cells[i][1]] += q.mass[i]
	}
	return q
}

func (c targetCase) bottom(x float64) float64 {
	if c.valley == nil {
		return 0
	}
	return c.valley(x)
}

func TestDensities(t *testing.T) {
	for name, c := range targetCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tol := 1e-8 // of a rule of order 6 on these cells
			if name == "Smiley" || name == "Smiley(1)" || strings.HasPrefix(name, "TwoModes(0.") {
				tol = 1e-6 // of a rule that takes no notice of a kink within a cell
			}
			q := c.nodes()
			checkNormalisation(t, c, q, tol)
			checkSamples(t, c, q)
		})
	}
}

// checkNormalisation checks that the density integrates to 1, and has the normaliser and the entropy that it declares
// and those of the literature.
func checkNormalisation(t *testing.T, c targetCase, q nodes, tol float64) {
	t.Helper()
	var total, entropy float64
	for i, m := range q.mass {
		total += m
		if m > 0 {
			entropy -= m * q.logProb[i]
		}
	}
	if !(math.Abs(total-1) <= tol) {
		t.Errorf("the density integrates to %v, want 1", total)
	}
	h := c.target.Entropy()
	if !(math.Abs(h-entropy) <= 10*tol) {
		t.Errorf("Entropy() = %v, quadrature gives %v", h, entropy)
	}
	if !math.IsNaN(c.h) && !(math.Abs(h-c.h) <= 1e-6) {
		t.Errorf("Entropy() = %v, want %v", h, c.h)
	}
	if got := c.target.LogNormalizer(); !math.IsNaN(c.logZ) && !(math.Abs(got-c.logZ) <= 1e-6) {
		t.Errorf("LogNormalizer() = %v, want %v", got, c.logZ)
	}
}

// checkSamples checks that samples have the moments and the marginal distributions of the density, and its mean
// logarithm.
func checkSamples(t *testing.T, c targetCase, q nodes) {
	t.Helper()
	const n = 20000
	x := c.target.Sample(n, rand.NewPCG(7, 8))
	h := c.target.Entropy()
	var logP, spread float64 // mean and variance of ln p
	for _, l := range c.target.LogProb(x) {
		logP += l / n
	}
	for i, m := range q.mass {
		if m > 0 {
			spread += m * (q.logProb[i] + h) * (q.logProb[i] + h)
		}
	}
	if z := (logP + h) / math.Sqrt(spread/n+1e-12); !(math.Abs(z) <= 4) {
		t.Errorf("the mean log-density of samples is %v, want %v: %.1f standard errors", logP, -h, z)
	}
	for i := range n {
		x.Set(i, 1, x.At(i, 1)-c.bottom(x.At(i, 0)))
	}
	for j, edges := range [][]float64{c.x, c.y} {
		checkMarginal(t, j, mat.Col(nil, j, x), edges, q.marginal[j])
	}
	checkMoment(t, x, q, "tanh x·tanh y", func(x, y float64) float64 { return math.Tanh(x) * math.Tanh(y) })
	checkMoment(t, x, q, "tanh ‖x‖", func(x, y float64) float64 { return math.Tanh(math.Hypot(x, y)) })
	checkMoment(t, x, q, "tanh(x+y)", func(x, y float64) float64 { return math.Tanh(x + y) })
}

// checkMoment compares the mean of a bounded function over samples with its integral.
func checkMoment(t *testing.T, x *mat.Dense, q nodes, what string, f func(x, y float64) float64) {
	t.Helper()
	var mean, square float64
	for i, m := range q.mass {
		v := f(q.points.At(i, 0), q.points.At(i, 1))
		mean += m * v
		square += m * v * v
	}
	n, _ := x.Dims()
	var got float64
	for i := range n {
		got += f(x.At(i, 0), x.At(i, 1)) / float64(n)
	}
	if z := (got - mean) / math.Sqrt((square-mean*mean)/float64(n)); !(math.Abs(z) <= 4) {
		t.Errorf("the mean of %s over samples is %v, want %v: %.1f standard errors", what, got, mean, z)
	}
}

// checkMarginal compares the distribution of samples with that of the masses between edges: the Kolmogorov-Smirnov
// statistic at the edges, which is below 1.95/√n in 999 of 1000 cases.
func checkMarginal(t *testing.T, column int, samples, edges, mass []float64) {
	t.Helper()
	slices.Sort(samples)
	n, want := float64(len(samples)), 0.0
	for i, edge := range edges {
		below, _ := slices.BinarySearch(samples, edge)
		if got := float64(below) / n; !(math.Abs(got-want) <= 1.95/math.Sqrt(n)) {
			t.Errorf("column %d: %v of the samples are below %v, want %v", column, got, edge, want)
			return
		}
		if i < len(mass) {
			want += mass[i]
		}
	}
}

// Parameters at the ends of their ranges have finite integrals, in a bounded time, where a grid would have no end. TwoModes
// is the same density at any size, but for the area: ln Z and H grow by 2·ln c when both parameters do by c.
func TestIntegralsAtExtremeParameters(t *testing.T) {
	// Laplace's method near (±m, 0), where ‖x‖ = m + δ and x₀ − m = δ − mθ²/2, with an error of the order of s/m.
	const s = 1e-6
	thin := math.Log(2 * math.Sqrt(2*math.Pi) * 6 * s / math.Sqrt(13) * 2 * math.Gamma(1.25) * math.Pow(104*s*s, 0.25))
	for _, c := range []struct {
		target  targets.Target
		logZ, h float64 // NaN where there is no other way to them
		tol     float64
	}{
		{targets.TwoModes{Loc: 2e30, Scale: 0.1e30}, 0.804214 + 60*math.Log(10), 1.571062 + 60*math.Log(10), 1e-6},
		{targets.TwoModes{Loc: 2e-60, Scale: 0.1e-60}, 0.804214 - 120*math.Log(10), 1.571062 - 120*math.Log(10), 1e-6},
		{targets.TwoModes{Loc: 1, Scale: s}, thin, math.NaN(), 1e-5},
		{targets.TwoModes{Loc: 1e-6, Scale: 1}, math.NaN(), math.NaN(), 0},
		{targets.TwoModes{Loc: 0.1, Scale: 5}, math.NaN(), math.NaN(), 0},
		{targets.Smiley{Scale: 1e-6}, math.NaN(), math.NaN(), 0},
		// Far from the ring and the kink it is a normal density of deviations 2s and, along x₁, 2s/√2.
		{targets.Smiley{Scale: 1e6}, math.Log(2*math.Pi) + 2*math.Log(2e6) - 0.5*math.Ln2, 1 + math.Log(2*math.Pi) + 2*math.Log(2e6) - 0.5*math.Ln2, 1e-5},
		{targets.RingMixture{Rings: 200}, math.NaN(), math.NaN(), 0},
		{targets.CircularGaussianMixture{Modes: 200}, 0, math.NaN(), 0},
		{targets.Pinwheel{Arms: 200}, 0, math.NaN(), 0},
		{targets.Blobs{Centers: 200}, 0, math.NaN(), 0},
		{targets.Circles{}, 0, 0.606076, 1e-6},
		{targets.Circles{Factor: 0.99, Noise: 0.01}, 0, math.NaN(), 0},
		// Noise far wider than the curve: a normal density, but for the curve's own variance of 1 or less.
		{targets.Moons{Noise: 10}, 0, 1 + math.Log(2*math.Pi) + 2*math.Log(10), 0.02},
		{targets.SwissRoll{Noise: 10}, 0, 1 + math.Log(2*math.Pi) + 2*math.Log(10), 0.04},
		{targets.Circles{Noise: 10}, 0, 1 + math.Log(2*math.Pi) + 2*math.Log(10), 0.01},
		// A wave that is far shorter than its envelope is at all of its phases: any such period has the same integrals.
		{targets.Sinusoidal{Period: 1e-3}, targets.Sinusoidal{Period: 1}.LogNormalizer(), targets.Sinusoidal{Period: 1}.Entropy(), 1e-8},
		{targets.SinusoidalGap{Period: 1e-3}, targets.SinusoidalGap{Period: 0.15}.LogNormalizer(), targets.SinusoidalGap{Period: 0.15}.Entropy(), 1e-8},
		{targets.SinusoidalSplit{Scale: 2, Period: 1e6}, math.NaN(), math.NaN(), 0},
		{targets.Sinusoidal{Scale: 1e-3, Period: 1e-6}, math.NaN(), math.NaN(), 0},
	} {
		logZ, h := c.target.LogNormalizer(), c.target.Entropy()
		if math.IsNaN(logZ+h) || math.IsInf(logZ+h, 0) {
			t.Errorf("%T%v: ln Z = %v and H = %v, want finite numbers", c.target, c.target, logZ, h)
		}
		if !math.IsNaN(c.logZ) && !(math.Abs(logZ-c.logZ) <= c.tol) {
			t.Errorf("%T%v: ln Z = %v, want %v", c.target, c.target, logZ, c.logZ)
		}
		if !math.IsNaN(c.h) && !(math.Abs(h-c.h) <= c.tol) {
			t.Errorf("%T%v: H = %v, want %v", c.target, c.target, h, c.h)
		}
		const n = 2000
		logs := c.target.LogProb(c.target.Sample(n, rand.NewPCG(1, 2)))
		mean, sd := stat.MeanStdDev(logs, nil)
		if z := (mean + h) / (sd / math.Sqrt(n)); !(math.Abs(z) <= 4) {
			t.Errorf("%T%v: the mean log-density of samples is %v, want %v: %.1f standard errors", c.target, c.target, mean, -h, z)
		}
	}
}

func TestGradient(t *testing.T) {
	for name, target := range allTargets() {
		t.Run(name, func(t *testing.T) {
			x := target.Sample(20, rand.NewPCG(1, 2))
			r := rand.New(rand.NewPCG(3, 4)) // off the ridges as well
			for i := range 10 {
				for j := range target.Dim() {
					x.Set(i, j, x.At(i, j)+0.2*r.NormFloat64())
				}
			}
			checkGradient(t, target, x)
		})
	}
}

// checkGradient compares the gradient of LogDensity with finite differences at each row of x.
func checkGradient(t *testing.T, target interface {
	LogDensity(x *ad.Value) *ad.Value
}, x *mat.Dense) {
	t.Helper()
	n, d := x.Dims()
	tape := ad.NewTape(ad.Float64)
	v := tape.Variable(n, d, x.RawMatrix().Data)
	logs := target.LogDensity(v)
	tape.Backward(logs.Sum())
	got := v.Grad()
	for i := range n {
		if math.IsInf(logs.At(i, 0), -1) {
			continue // outside the support
		}
		want := fd.Gradient(nil, func(p []float64) float64 {
			return target.LogDensity(ad.NewEvalTape(ad.Float64).Const(1, d, p)).At(0, 0)
		}, x.RawRowView(i), &fd.Settings{Formula: fd.Central, Step: 1e-6})
		for j := range want {
			// Central differences: error ~ h²·f‴ and ε·|f|/h.
			if e := math.Abs(got[d*i+j] - want[j]); !(e <= 1e-5*max(1, math.Abs(want[j]))) {
				t.Errorf("∂/∂x%d at %v is %v, finite differences give %v", j, x.RawRowView(i), got[d*i+j], want[j])
			}
		}
	}
}

// Every exported target of the package is in the table above.
func TestNoTargetIsMissing(t *testing.T) {
	var tested []string
	for _, target := range allTargets() {
		tested = append(tested, strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", target), "*"), "targets."))
	}
	for _, name := range exportedTargets(t) {
		if !slices.Contains(tested, name) {
			t.Errorf("no case for targets.%s", name)
		}
	}
}

// exportedTargets returns the names of the types that have a method LogNormalizer.
func exportedTargets(t *testing.T) []string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			m, ok := d.(*ast.FuncDecl)
			if !ok || m.Recv == nil || m.Name.Name != "LogNormalizer" {
				continue
			}
			receiver := m.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			names = append(names, receiver.(*ast.Ident).Name)
		}
	}
	if len(names) < 10 {
		t.Fatalf("found the targets %v only", names)
	}
	return names
}

// Curves blurred by noise, against a fine sum along the curve.
func TestCurves(t *testing.T) {
	const k = 50_000
	for name, c := range map[string]struct {
		target targets.Target
		sd     float64
		curve  func(u float64) [][2]float64 // points of equal weight, for u uniform in [0, 1]
	}{
		"Moons": {targets.Moons{}, 0.1, func(u float64) [][2]float64 {
			sin, cos := math.Sincos(math.Pi * u)
			return [][2]float64{{cos, sin}, {1 - cos, 0.5 - sin}}
		}},
		"Circles": {targets.Circles{}, 0.05, func(u float64) [][2]float64 {
			sin, cos := math.Sincos(2 * math.Pi * u)
			return [][2]float64{{cos, sin}, {cos / 2, sin / 2}}
		}},
		"SwissRoll": {targets.SwissRoll{}, 0.2, func(u float64) [][2]float64 {
			t := 1.5 * math.Pi * (1 + 2*u)
			return [][2]float64{{math.Cos(t) * t / 5, math.Sin(t) * t / 5}}
		}},
	} {
		x := mat.NewDense(12, 2, nil)
		x.Copy(c.target.Sample(10, rand.NewPCG(1, 2)))
		x.SetRow(10, []float64{0, 0.1})
		x.SetRow(11, []float64{1.2, -1.3})
		for i, got := range c.target.LogProb(x) {
			var sum float64
			for j := range k {
				points := c.curve((float64(j) + 0.5) / k)
				for _, p := range points {
					u, v := (x.At(i, 0)-p[0])/c.sd, (x.At(i, 1)-p[1])/c.sd
					sum += math.Exp(-0.5*(u*u+v*v)) / float64(k*len(points))
				}
			}
			if want := math.Log(sum / (2 * math.Pi * c.sd * c.sd)); !(math.Abs(got-want) <= 1e-6*max(1, math.Abs(want))) { // of the sum: (speed·h/sd)²
				t.Errorf("%s: LogProb(%v) = %v, want %v", name, x.RawRowView(i), got, want)
			}
		}
	}
}

// Log-densities that normflows computes, PyTorch in float64, before normalisation.
func TestGoldenValues(t *testing.T) {
	points := mat.NewDense(3, 2, []float64{0.5, -1.2, 2, 0, -1.5, 1.3})
	for _, c := range []struct {
		target targets.Target
		want   [3]float64
		tol    float64
	}{
		{targets.TwoMoons{}, [3]float64{-18.624999999777, 0, -1.391722682493}, 1e-11},
		{targets.TwoModes{}, [3]float64{-18.624999999777, 0, -1.391722682493}, 1e-11},
		{targets.CircularGaussianMixture{}, [3]float64{-7.29661834759, -1.185293893151, -1.342037065823}, 1e-6}, // the reference rounds the deviation to float32
		{targets.RingMixture{}, [3]float64{-2.879997239231, 0, -0.007254511626}, 1e-11},
		{targets.Sinusoidal{}, [3]float64{-11.366061613294, -0.001953125, -12.589959223117}, 1e-11},
		{targets.SinusoidalGap{}, [3]float64{-0.141810021941, 0.158461409066, -11.900003468937}, 1e-11},
		{targets.SinusoidalSplit{}, [3]float64{-6.388125915234, -0.001953124996, -11.901324483077}, 1e-11},
		{targets.Smiley{}, [3]float64{-6.277777777778, -0.888888888889, -4.501259463824}, 1e-11},
	} {
		got := c.target.LogDensity(ad.NewEvalTape(ad.Float64).Matrix(points)).Data()
		for i, want := range c.want {
			if !(math.Abs(got[i]-want) <= c.tol) {
				t.Errorf("%T: LogDensity(%v) = %v, want %v", c.target, points.RawRowView(i), got[i], want)
			}
		}
	}
}

// Points without a finite log-density: far away and outside give −Inf, NaN gives NaN; the gradient at the origin and on
// the axes is a number.
func TestExtremes(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for name, c := range targetCases {
		for _, p := range [][]float64{{nan, 0}, {1.5, nan}, {-9, nan}, {nan, inf}} {
			if got := c.target.LogProb(mat.NewDense(1, 2, p))[0]; !math.IsNaN(got) {
				t.Errorf("%s: LogProb(%v) = %v, want NaN", name, p, got)
			}
		}
		for _, p := range [][]float64{{1e4, 1.5}, {-1e4, -1e4}, {1.5, 1e5}} {
			if got := c.target.LogProb(mat.NewDense(1, 2, p))[0]; !(got < -1000) && name != "Funnel" {
				t.Errorf("%s: LogProb(%v) = %v, want far below 0", name, p, got)
			}
		}
		for _, precision := range []ad.Precision{ad.Float64, ad.Float32} {
			tape := ad.NewTape(precision)
			x := tape.Variable(4, 2, []float64{0, 0, 0, 1, 1, 0, 1.5, 1.5})
			tape.Backward(c.target.LogDensity(x).Sum())
			for i, g := range x.Grad() {
				if math.IsNaN(g) || math.IsInf(g, 0) {
					t.Errorf("%s in %v: gradient %d of axes and origin is %v", name, precision, i, g)
				}
			}
		}
	}
}

// Infinite points have density 0 and finite ones, however far, a number or 0; no rows give no numbers; a nil source has a
// message of its own.
func TestEdges(t *testing.T) {
	inf := math.Inf(1)
	for name, target := range allTargets() {
		d := target.Dim()
		for _, far := range []float64{inf, -inf, 1e308, -1e308, 1e154, -1e40, -2000, 2000} {
			for j := range d + 1 { // one component, or all
				x := mat.NewDense(1, d, nil)
				for k := range d {
					if k == j || j == d {
						x.Set(0, k, far)
					}
				}
				got := target.LogProb(x)[0]
				if math.IsNaN(got) || math.IsInf(got, 1) || math.IsInf(far, 0) && !math.IsInf(got, -1) {
					t.Errorf("%s: LogProb(%v) = %v", name, x.RawRowView(0), got)
				}
			}
		}
		if got := target.LogProb(&mat.Dense{}); len(got) != 0 {
			t.Errorf("%s: LogProb of no rows = %v", name, got)
		}
		testkit.WantPanic(t, "Sample: got a nil source", func() { target.Sample(1, nil) })
	}
}

// The same in float32, near the samples.
func TestFloat32(t *testing.T) {
	for name, target := range allTargets() {
		x := target.Sample(100, rand.NewPCG(5, 6))
		want := target.LogDensity(ad.NewEvalTape(ad.Float64).Matrix(x)).Data()
		for i, got := range target.LogDensity(ad.NewEvalTape(ad.Float32).Matrix(x)).Data() {
			// Rounding of x, 6e-8·|x|, times a slope of up to 1/σ² a few σ away; Rosenbrock's valley is at x² ~ 100.
			if tol := 1e-3 * max(1, math.Abs(want[i])); !(math.Abs(got-want[i]) <= tol) && !math.IsInf(got, -1) {
				t.Errorf("%s: LogDensity(%v) = %v in float32, want %v", name, x.RawRowView(i), got, want[i])
			}
		}
	}
}

func TestSamplesAreReproducible(t *testing.T) {
	for name, target := range allTargets() {
		a, b := target.Sample(50, rand.NewPCG(1, 2)), target.Sample(50, rand.NewPCG(1, 2))
		if !mat.Equal(a, b) {
			t.Errorf("%s: the same source gives other samples", name)
		}
		if mat.Equal(a, target.Sample(50, rand.NewPCG(1, 3))) {
			t.Errorf("%s: another source gives the same samples", name)
		}
	}
}

func TestTwoIndependent(t *testing.T) {
	a, b := targets.TwoMoons{}, targets.Funnel{Dims: 3}
	joint := targets.TwoIndependent{First: a, Second: b}
	x := joint.Sample(500, rand.NewPCG(1, 2))
	p, q := a.LogProb(x.Slice(0, 500, 0, 2)), b.LogProb(x.Slice(0, 500, 2, 5))
	for i, got := range joint.LogProb(x) {
		if want := p[i] + q[i]; !(math.Abs(got-want) <= 1e-12*math.Abs(want)) {
			t.Errorf("LogProb of row %d = %v, want the sum %v", i, got, want)
		}
	}
	if got, want := joint.LogNormalizer(), a.LogNormalizer(); got != want {
		t.Errorf("LogNormalizer() = %v, want %v", got, want)
	}
	if got, want := joint.Entropy(), a.Entropy()+b.Entropy(); got != want {
		t.Errorf("Entropy() = %v, want %v", got, want)
	}
}

// Samples have the entropy that is declared.
func TestEntropyOfSamples(t *testing.T) {
	const n = 20000
	for name, target := range otherTargets {
		mean, sd := stat.MeanStdDev(target.LogProb(target.Sample(n, rand.NewPCG(1, 2))), nil)
		if z := (mean + target.Entropy()) / (sd / math.Sqrt(n)); !(math.Abs(z) <= 4) {
			t.Errorf("%s: the mean log-density is %v, want %v: %.1f standard errors", name, mean, -target.Entropy(), z)
		}
	}
}

// In ten dimensions, against gonum's normal distributions.
func TestFunnelIn10Dimensions(t *testing.T) {
	f := targets.Funnel{Dims: 10}
	x := f.Sample(100, rand.NewPCG(1, 2))
	logs := f.LogProb(x)
	for i := range 100 {
		row := x.RawRowView(i)
		want := distuv.Normal{Sigma: 3}.LogProb(row[0])
		for _, y := range row[1:] {
			want += distuv.Normal{Sigma: math.Exp(row[0] / 2)}.LogProb(y)
		}
		if !(math.Abs(logs[i]-want) <= 1e-12*max(1, math.Abs(want))) {
			t.Errorf("LogProb(%v) = %v, want %v", row, logs[i], want)
		}
	}
}

func TestConditionalDiagGaussian(t *testing.T) {
	const n = 20000
	c := targets.ConditionalDiagGaussian{}
	r := rand.New(rand.NewPCG(1, 2))
	context := mat.NewDense(n, 4, nil)
	for i := range n {
		context.SetRow(i, []float64{r.NormFloat64(), r.NormFloat64(), 0.5 + 0.5*r.Float64(), 0.5 + 0.5*r.Float64()})
	}
	x := c.Sample(context, rand.NewPCG(3, 4))
	logs, h := c.LogProb(x, context), c.Entropy(context)
	for i := range 100 {
		q := context.RawRowView(i)
		want := distuv.Normal{Mu: q[0], Sigma: q[2]}.LogProb(x.At(i, 0)) + distuv.Normal{Mu: q[1], Sigma: q[3]}.LogProb(x.At(i, 1))
		if !(math.Abs(logs[i]-want) <= 1e-12) {
			t.Errorf("LogProb(%v | %v) = %v, want %v", x.RawRowView(i), q, logs[i], want)
		}
	}
	var residuals []float64 // standard normal
	for i := range n {
		residuals = append(residuals, (x.At(i, 0)-context.At(i, 0))/context.At(i, 2), (x.At(i, 1)-context.At(i, 1))/context.At(i, 3))
	}
	slices.Sort(residuals)
	for i, e := range residuals {
		if d := math.Abs(distuv.UnitNormal.CDF(e) - float64(i)/(2*n)); !(d <= 1.95/math.Sqrt(2*n)) {
			t.Fatalf("the samples are not normal: their distribution differs by %v at %v", d, e)
		}
	}
	// Contexts as these have a mean entropy of ln 2πe + 2·E[ln σ] = 2.2242.
	mean, sd := stat.MeanStdDev(h, nil)
	if want := 2.2242; !(math.Abs(mean-want) <= 4*sd/math.Sqrt(n)) {
		t.Errorf("the mean entropy is %v, want %v", mean, want)
	}
	if mean := -stat.Mean(logs, nil); !(math.Abs(mean-2.2242) <= 0.04) {
		t.Errorf("the mean negative log-density is %v, want 2.2242", mean)
	}
}

func TestImagePrior(t *testing.T) {
	p := testImage()
	area := 2.0 * 3
	for _, c := range []struct{ x, y, want float64 }{
		{-2, 2, 1. / 21}, {2, 2, 3. / 21}, {-2, -2, 4. / 21}, {0, -0.1, 5. / 21}, {3, -3, 6. / 21}, {-3, 3, 1. / 21},
		{3.01, 0, 0}, {0, -3.01, 0}, {10, -10, 0}, {math.Inf(-1), 0, 0},
	} {
		if got := math.Exp(p.LogProb(mat.NewDense(1, 2, []float64{c.x, c.y}))[0]); !(math.Abs(got-c.want/area) <= 1e-15) {
			t.Errorf("density at (%v, %v) = %v, want %v", c.x, c.y, got, c.want/area)
		}
	}
	black := image.NewRGBA(image.Rect(0, 0, 2, 2))
	if _, err := targets.NewImagePrior(black, nil); err == nil || !strings.Contains(err.Error(), "2×2") {
		t.Errorf("a black picture gives the error %v", err)
	}
	if _, err := targets.NewImagePrior(image.NewRGBA(image.Rectangle{}), nil); err == nil {
		t.Error("an empty picture gives no error")
	}
}

func TestMisuse(t *testing.T) {
	for want, f := range map[string]func(){
		"got a 1×3 batch, want 2 columns": func() { targets.TwoMoons{}.LogProb(mat.NewDense(1, 3, nil)) },
		"targets.Smiley.LogDensity: got":  func() { targets.Smiley{}.LogDensity(ad.NewEvalTape(ad.Float64).Full(2, 1, 0)) },
		"got 0 points, want 1 or more":    func() { targets.Spirals{}.Sample(0, rand.NewPCG(1, 2)) },
		"got Loc -1 and Scale 0.1":        func() { targets.TwoModes{Loc: -1}.Entropy() },
		"got Scale NaN":                   func() { targets.Smiley{Scale: math.NaN()}.Entropy() },
		"Smiley: got Scale +Inf":          func() { targets.Smiley{Scale: math.Inf(1)}.Entropy() },
		"differ by a factor of 1e6":       func() { targets.TwoModes{Loc: 1, Scale: 1e-7}.LogNormalizer() },
		"got Loc +Inf":                    func() { targets.TwoModes{Loc: math.Inf(1), Scale: math.Inf(1)}.LogNormalizer() },
		"got Loc 1e-200 and Scale 1e-200": func() { targets.TwoModes{Loc: 1e-200, Scale: 1e-200}.LogNormalizer() },
		"SinusoidalGap: got Scale 0.0001": func() { targets.SinusoidalGap{Scale: 1e-4}.LogNormalizer() },
		"Period 1e-07, want":              func() { targets.SinusoidalSplit{Period: 1e-7}.LogNormalizer() },
		"got Scale 0.4 and Period NaN":    func() { targets.Sinusoidal{Period: math.NaN()}.Sample(1, rand.NewPCG(1, 2)) },
		"got 1000000000 rings, want 1 to": func() { targets.RingMixture{Rings: 1e9}.LogNormalizer() },
		"got 1000000000 modes, want 2 to": func() { targets.CircularGaussianMixture{Modes: 1e9}.Entropy() },
		"got 1000000000 arms, want 1 to":  func() { targets.Pinwheel{Arms: 1e9}.Entropy() },
		"Smiley.Sample: got 0 points":     func() { targets.Smiley{}.Sample(0, rand.NewPCG(1, 2)) },
		"ConditionalDiagGaussian.Sample: got a nil source": func() {
			targets.ConditionalDiagGaussian{}.Sample(mat.NewDense(1, 4, nil), nil)
		},
		"TwoIndependent.Sample: got a nil source": func() {
			targets.TwoIndependent{First: targets.TwoMoons{}, Second: targets.TwoMoons{}}.Sample(1, nil)
		},
		"got a nil image": func() { _, _ = targets.NewImagePrior(nil, nil) },
		"want intervals from low to high with an area": func() {
			_, _ = targets.NewImagePrior(image.White, &targets.ImagePriorOptions{X: [2]float64{0, 1e-200}, Y: [2]float64{0, 1e-200}})
		},
		"Sinusoidal: got Scale 0.4 and Per":               func() { targets.Sinusoidal{Period: -1}.Entropy() },
		"got -1 rings":                                    func() { targets.RingMixture{Rings: -1}.Entropy() },
		"got 1 modes, want 2":                             func() { targets.CircularGaussianMixture{Modes: 1}.Entropy() },
		"got -2 arms":                                     func() { targets.Pinwheel{Arms: -2}.Entropy() },
		"got 1 dimensions, want 2":                        func() { targets.Funnel{Dims: 1}.Dim() },
		"ManyWell: got 3 dimensions, want an even number": func() { targets.ManyWell{Dims: 3}.Dim() },
		"ManyWell: got -2 dimensions":                     func() { targets.ManyWell{Dims: -2}.Dim() },
		"Moons: got Noise 0.001, want":                    func() { targets.Moons{Noise: 0.001}.Entropy() },
		"Moons: got Noise NaN, want":                      func() { targets.Moons{Noise: math.NaN()}.Sample(1, rand.NewPCG(1, 2)) },
		"SwissRoll: got Noise -1, want":                   func() { targets.SwissRoll{Noise: -1}.Entropy() },
		"Circles: got Factor 1, want":                     func() { targets.Circles{Factor: 1}.Entropy() },
		"Circles: got Noise +Inf, want":                   func() { targets.Circles{Noise: math.Inf(1)}.Entropy() },
		"Blobs: got -1 centers":                           func() { targets.Blobs{Centers: -1}.Entropy() },
		"want 10 columns":                                 func() { targets.EightSchools{}.Parameters(mat.NewDense(1, 9, nil)) },
		"Phi4: got L = 0":                                 func() { targets.Phi4{Lambda: 1}.Dim() },
		"and Lambda = -1":                                 func() { targets.Phi4{L: 4, M2: 1, Lambda: -1}.Dim() },
		"M2 = 0 and Lambda = 0":                           func() { targets.Phi4{L: 4}.Dim() },
		"M2 = NaN":                                        func() { targets.Phi4{L: 4, M2: math.NaN(), Lambda: 1}.Dim() },
		"FreeLogNormalizer: got Lambda = 1":               func() { targets.Phi4{L: 4, Lambda: 1}.FreeLogNormalizer() },
		"Phi4.LogDensity: got a 1×15 batch":               func() { targets.Phi4{L: 4, Lambda: 1}.LogDensity(ad.NewEvalTape(ad.Float64).Full(1, 15, 0)) },
		"StandardNormal: got -1 dimensions":               func() { targets.StandardNormal{Dims: -1}.Dim() },
		"want First and Second":                           func() { targets.TwoIndependent{First: targets.TwoMoons{}}.Dim() },
		"got X [1 1]": func() {
			_, _ = targets.NewImagePrior(image.White, &targets.ImagePriorOptions{X: [2]float64{1, 1}})
		},
		"with a 3×4 context": func() {
			targets.ConditionalDiagGaussian{}.LogProb(mat.NewDense(2, 2, nil), mat.NewDense(3, 4, nil))
		},
	} {
		if got := testkit.Panic(f); !strings.HasPrefix(got, "targets: ") || !strings.Contains(got, want) {
			t.Errorf("got the panic %q, want %q in it", got, want)
		}
	}
}
