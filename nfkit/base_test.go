package nfkit_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/distuv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// baseCase is a base distribution to test in several dimensions.
type baseCase struct {
	new   func(dim int, src rand.Source) nf.Base
	edges []float64 // where the density jumps
}

// baseCases has each base of the package under its name, and a slash and the variant where there are several.
var baseCases = map[string]baseCase{
	"DiagGaussian": {new: func(dim int, _ rand.Source) nf.Base { return nf.NewDiagGaussian(dim, nil) }},
	"DiagGaussian/temperature": {new: func(dim int, _ rand.Source) nf.Base {
		g := nf.NewDiagGaussian(dim, nil)
		g.Temperature = 0.7
		return g
	}},
	"Gaussian": {new: func(dim int, _ rand.Source) nf.Base { return nf.NewGaussian(dim, nil) }},
	"Uniform": {
		new: func(dim int, _ rand.Source) nf.Base {
			return nf.NewUniform(dim, &nf.UniformOptions{Low: -0.5, High: 2})
		},
		edges: []float64{-0.5, 2},
	},
	"UniformGaussian": {
		new: func(dim int, _ rand.Source) nf.Base {
			scale := []float64{3, 0.7, 1, 2, 0.5}
			return nf.NewUniformGaussian(dim, []int{dim - 1}, &nf.UniformGaussianOptions{Scale: scale[:dim]})
		},
		edges: []float64{-1.5, -0.35, 0.35, 1.5},
	},
	"UniformGaussian/uniform": {
		new: func(dim int, _ rand.Source) nf.Base {
			var all []int
			for j := range dim {
				all = append(all, dim-1-j)
			}
			return nf.NewUniformGaussian(dim, all, nil)
		},
		edges: []float64{-0.5, 0.5},
	},
	"UniformGaussian/normal": {new: func(dim int, _ rand.Source) nf.Base { return nf.NewUniformGaussian(dim, nil, nil) }},
	"GaussianMixture":        {new: func(dim int, src rand.Source) nf.Base { return nf.NewGaussianMixture(3, dim, nil, src) }},
	"GaussianMixture/one":    {new: func(dim int, src rand.Source) nf.Base { return nf.NewGaussianMixture(1, dim, nil, src) }},
	"GaussianPCA": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewGaussianPCA(dim, &nf.GaussianPCAOptions{Sigma: 0.5}, src)
	}},
	"GaussianPCA/one": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewGaussianPCA(dim, &nf.GaussianPCAOptions{Latent: 1, Sigma: 0.5}, src)
	}},
	"StudentT": {new: func(dim int, _ rand.Source) nf.Base { return nf.NewStudentT(dim, 6, nil) }},
	"ConditionalDiagGaussian": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewConditionalDiagGaussian(nf.NewMLP([]int{3, 8, 2 * dim}, &nf.MLPOptions{Leaky: 0.1}, src))
	}},
	"ModelBase": {new: func(dim int, src rand.Source) nf.Base {
		lu := nf.NewLULinearPermute(dim, &nf.LULinearPermuteOptions{RandomInit: true}, src)
		return nf.NewModelBase(nf.NewNormalizingFlow(nf.NewStudentT(dim, 7, nil), []nf.Flow{lu}))
	}},
	"ModelBase/conditional": {new: func(dim int, src rand.Source) nf.Base {
		base := nf.NewConditionalDiagGaussian(nf.NewMLP([]int{3, 8, 2 * dim}, &nf.MLPOptions{Leaky: 0.1}, src))
		return nf.NewModelBase(nf.NewNormalizingFlow(base, []nf.Flow{nf.NewLULinearPermute(dim, nil, src)}))
	}},
}

// build returns the base of a case with parameters moved at random.
func (c baseCase) build(dim int) nf.Base {
	b := c.new(dim, rand.NewPCG(1, uint64(dim)))
	r := rand.New(rand.NewPCG(2, uint64(dim)))
	for _, p := range b.State().Params() {
		for i := range p.Data {
			p.Data[i] += 0.25 * r.NormFloat64()
		}
	}
	return b
}

// contextOf returns n equal rows of a context for b; nil if it takes none.
func contextOf(b nf.Base, n int) *mat.Dense {
	c, ok := b.(nf.Conditional)
	if !ok || c.ContextDim() == 0 {
		return nil
	}
	context := mat.NewDense(n, c.ContextDim(), nil)
	context.Apply(func(_, j int, _ float64) float64 { return 0.3 - 0.5*float64(j) }, context)
	return context
}

// modelOf returns b as a model without flows.
func modelOf(b nf.Base) *nf.NormalizingFlow {
	m := nf.NewNormalizingFlow(b, nil)
	if context := contextOf(b, 1); context != nil {
		return m.Given(context)
	}
	return m
}

func forEachBase(t *testing.T, dims []int, f func(t *testing.T, c baseCase, b nf.Base)) {
	for _, name := range slices.Sorted(maps.Keys(baseCases)) {
		for _, dim := range dims {
			t.Run(fmt.Sprintf("%s/%d", name, dim), func(t *testing.T) { f(t, baseCases[name], baseCases[name].build(dim)) })
		}
	}
}

// A test below has every base.
func TestEveryBaseHasACase(t *testing.T) {
	for name, s := range sourceTypes(t, ".") {
		if !s.isBase() {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(baseCases)), func(c string) bool { return c == name || strings.HasPrefix(c, name+"/") }) {
			t.Errorf("no case for the base nfkit.%s", name)
		}
	}
}

// baseMass integrates the density over cells that cover R or R², with a Gauss-Legendre rule on each, and returns the masses
// of the cells of each axis, summed over the other, and the entropy.
func baseMass(b nf.Base, edges []float64) (marginal [][]float64, entropy float64) {
	const order = 6
	u, w := make([]float64, order), make([]float64, order)
	quad.Legendre{}.FixedLocations(u, w, 0, 1)
	var at, weight []float64
	var cell []int
	for i := range len(edges) - 1 {
		for k := range u {
			at = append(at, edges[i]+(edges[i+1]-edges[i])*u[k])
			weight = append(weight, (edges[i+1]-edges[i])*w[k])
			cell = append(cell, i)
		}
	}
	n, dim := len(at), b.Dim()
	total := n
	if dim == 2 {
		total = n * n
	}
	points := mat.NewDense(total, dim, nil)
	for i := range total {
		points.Set(i, 0, at[i%n])
		if dim == 2 {
			points.Set(i, 1, at[i/n])
		}
	}
	for range dim {
		marginal = append(marginal, make([]float64, len(edges)-1))
	}
	for i, l := range modelOf(b).LogProb(points) {
		m := math.Exp(l) * weight[i%n]
		if dim == 2 {
			m *= weight[i/n]
			marginal[1][cell[i/n]] += m
		}
		marginal[0][cell[i%n]] += m
		if m > 0 {
			entropy -= m * l
		}
	}
	return marginal, entropy
}

// The density integrates to 1; samples have its marginal distributions, its correlation and its entropy.
func TestBaseSamplesAndDensity(t *testing.T) {
	forEachBase(t, []int{1, 2}, func(t *testing.T, c baseCase, b nf.Base) {
		const n = 20000
		edges := slices.Clone(c.edges)
		for i := -30; i <= 30; i++ {
			edges = append(edges, math.Sinh(0.17*float64(i))) // narrow near 0, to ±82
		}
		slices.Sort(edges)
		edges = slices.Compact(edges)
		marginal, entropy := baseMass(b, edges)
		x, logProb := modelOf(b).SampleLogProb(n, rand.NewPCG(3, 4))
		for j, mass := range marginal {
			column := mat.Col(nil, j, x)
			slices.Sort(column)
			var want float64
			for i, m := range mass {
				want += m
				below, _ := slices.BinarySearch(column, edges[i+1])
				// Kolmogorov-Smirnov: above 1.95/√n in 1 of 1000 cases.
				if got := float64(below) / n; !(math.Abs(got-want) <= 1.95/math.Sqrt(n)) {
					t.Fatalf("column %d: %v of the samples are below %v, want %v", j, got, edges[i+1], want)
				}
			}
			if !(math.Abs(want-1) <= 1e-6) {
				t.Errorf("the density integrates to %v, want 1", want)
			}
		}
		var mean, square float64
		for _, l := range logProb {
			mean += l / n
			square += l * l / n
		}
		if deviation := math.Sqrt((square-mean*mean)/n + 1e-12); !(math.Abs(mean+entropy) <= 4*deviation) {
			t.Errorf("the mean log-density of samples is %v, want %v ± %v", mean, -entropy, deviation)
		}
	})
}

// Both ways to the density of a sample agree, in both precisions.
func TestBaseSampleLogProb(t *testing.T) {
	forEachBase(t, []int{1, 2, 3, 5}, func(t *testing.T, _ baseCase, b nf.Base) {
		for _, p := range precisions {
			tol := 1e-12
			if p == ad.Float32 {
				tol = 1e-4
			}
			model := modelOf(b).In(p)
			x, logProb := model.SampleLogProb(200, rand.NewPCG(5, 6))
			for i, want := range model.LogProb(x) {
				if !(math.Abs(logProb[i]-want) <= tol*max(1, math.Abs(want))) {
					t.Fatalf("%v: Sample gives the log-density %v at %v, LogProb %v", p, logProb[i], x.RawRowView(i), want)
				}
			}
			var other []float64 // rows do not depend on each other
			for i := range 5 {
				other = append(other, model.LogProb(x.Slice(i, i+1, 0, b.Dim()))...)
			}
			if got := model.LogProb(x)[:5]; !slices.Equal(got, other) {
				t.Errorf("%v: the densities of five rows are %v in a batch, %v alone", p, got, other)
			}
		}
	})
}

// Gradients of point, context and parameters, of the density and of samples, against central differences.
func TestBaseGradients(t *testing.T) {
	forEachBase(t, []int{1, 2, 3, 5}, func(t *testing.T, _ baseCase, b nf.Base) {
		const n = 4
		r := rand.New(rand.NewPCG(7, 8))
		noise := make([]float64, n*b.NoiseDim())
		b.Noise(noise, r)
		start := mat.NewDense(n, b.NoiseDim(), noise)
		tape := ad.NewEvalTape(ad.Float64)
		var context []float64
		if c := contextOf(b, n); c != nil {
			context = c.RawMatrix().Data
		}
		onTape := func(t *ad.Tape) *ad.Value {
			if context == nil {
				return nil
			}
			return t.Variable(n, len(context)/n, context)
		}
		z, _ := b.Sample(tape.Matrix(start), onTape(tape))
		points := z.Data()
		weights := make([]float64, n*(b.Dim()+1))
		for i := range weights {
			weights[i] = r.NormFloat64()
		}
		sum := func(t *ad.Tape, z, l *ad.Value) *ad.Value {
			s := l.Mul(t.Const(n, 1, weights[:n])).Sum()
			if z != nil {
				s = s.Add(z.Mul(t.Const(n, b.Dim(), weights[n:])).Sum())
			}
			return s
		}
		losses := map[string]struct {
			input []float64
			loss  func(t *ad.Tape, x, context *ad.Value) *ad.Value
		}{
			"LogProb": {points, func(t *ad.Tape, x, context *ad.Value) *ad.Value { return sum(t, nil, b.LogProb(x, context)) }},
			"Sample": {nil, func(t *ad.Tape, _, context *ad.Value) *ad.Value {
				z, l := b.Sample(t.Matrix(start), context)
				return sum(t, z, l)
			}},
		}
		for what, c := range losses {
			for _, p := range b.State().Params() {
				clear(p.Grad)
			}
			record := ad.NewTape(ad.Float64)
			x, given := (*ad.Value)(nil), onTape(record)
			if c.input != nil {
				x = record.Variable(n, b.Dim(), c.input)
			}
			record.Backward(c.loss(record, x, given))
			slots := map[string][2][]float64{}
			if x != nil {
				slots["the point"] = [2][]float64{c.input, x.Grad()}
			}
			if given != nil {
				slots["the context"] = [2][]float64{context, given.Grad()}
			}
			for _, s := range b.State() {
				if s.Param != nil {
					slots[s.Name] = [2][]float64{s.Param.Data, slices.Clone(s.Param.Grad)}
				}
			}
			for name, s := range slots {
				want := fd.Gradient(nil, func(v []float64) float64 {
					old := slices.Clone(s[0])
					defer copy(s[0], old)
					copy(s[0], v)
					tape.Reset()
					var x *ad.Value
					if c.input != nil {
						x = tape.Const(n, b.Dim(), c.input)
					}
					return c.loss(tape, x, onTape(tape)).At(0, 0)
				}, slices.Clone(s[0]), &fd.Settings{Formula: fd.Central, Step: 1e-6})
				for i, g := range s[1] {
					// Central differences: ~1e-10·|loss|/h and h²·f‴.
					if !(math.Abs(g-want[i]) <= 1e-6*max(1, math.Abs(g))) {
						t.Errorf("%s: the gradient of element %d of %s is %v, finite differences give %v", what, i, name, g, want[i])
					}
				}
			}
		}
	})
}

// Outside the support the density is 0, far away it is 0 or nearly, and NaN stays.
func TestBaseExtremes(t *testing.T) {
	forEachBase(t, []int{1, 2, 3}, func(t *testing.T, _ baseCase, b nf.Base) {
		for _, p := range precisions {
			model := modelOf(b).In(p)
			x := mat.NewDense(3, b.Dim(), nil)
			x.Set(0, b.Dim()-1, math.NaN())
			x.Set(1, b.Dim()-1, 1e18)
			x.Set(2, 0, math.Inf(-1))
			got := model.LogProb(x)
			if !math.IsNaN(got[0]) {
				t.Errorf("%v: the log-density at NaN is %v, want NaN", p, got[0])
			}
			if !(got[1] < -100) {
				t.Errorf("%v: the log-density at 1e18 is %v, want far below 0", p, got[1])
			}
			if got[2] > -100 {
				t.Errorf("%v: the log-density at −Inf is %v, want −Inf or NaN", p, got[2])
			}
		}
	})
	for _, z := range []float64{-1, 1} {
		if got := modelOf(nf.NewUniform(1, nil)).LogProb(mat.NewDense(1, 1, []float64{z}))[0]; got != -math.Ln2 {
			t.Errorf("Uniform: the log-density at the border %v is %v, want −ln 2", z, got)
		}
		if got := modelOf(nf.NewUniform(1, nil)).LogProb(mat.NewDense(1, 1, []float64{1.0001 * z}))[0]; !math.IsInf(got, -1) {
			t.Errorf("Uniform: the log-density outside is %v, want −Inf", got)
		}
	}
}

// Numbers of normflows, PyTorch in float64.
func TestBaseGoldenValues(t *testing.T) {
	diag := nf.NewDiagGaussian(2, nil)
	set(diag.State(), "loc", 0.2, -0.1)
	set(diag.State(), "log_scale", 0.3, -0.2)
	cold := nf.NewDiagGaussian(2, nil)
	cold.Temperature = 0.7
	set(cold.State(), "loc", 0.2, -0.1)
	set(cold.State(), "log_scale", 0.3, -0.2)
	mixture := nf.NewGaussianMixture(2, 2, &nf.GaussianMixtureOptions{
		Loc:     mat.NewDense(2, 2, []float64{-2, 0, 2, 0}),
		Scale:   mat.NewDense(2, 2, []float64{0.3, 0.3, 0.3, 0.4}),
		Weights: []float64{1, 3},
	}, nil)
	circle := nf.NewUniformGaussian(2, []int{1}, &nf.UniformGaussianOptions{Scale: []float64{1, 2 * math.Pi}})
	for name, c := range map[string]struct {
		base nf.Base
		want float64
	}{
		"DiagGaussian":         {diag, -2.306118175511927},
		"DiagGaussian at 0.7":  {cold, -1.9760396460881693},
		"GaussianMixture(1,3)": {mixture, -18.060851006282522},
		"UniformGaussian":      {circle, -2.801815599614018},
	} {
		if got := modelOf(c.base).LogProb(mat.NewDense(1, 2, []float64{0.3, -0.8}))[0]; !(math.Abs(got-c.want) <= 1e-12*math.Abs(c.want)) {
			t.Errorf("%s: LogProb = %v, want %v", name, got, c.want)
		}
	}
}

// set writes numbers to a tensor.
func set(s nf.State, name string, numbers ...float64) {
	for _, t := range s {
		if t.Name == name {
			copy(t.Param.Data, numbers)
		}
	}
}

// Densities against gonum's.
func TestBasesAgainstGonum(t *testing.T) {
	const dim, n = 4, 50
	r := rand.New(rand.NewPCG(1, 2))
	x := mat.NewDense(n, dim, nil)
	x.Apply(func(_, _ int, _ float64) float64 { return 2 * r.NormFloat64() }, x)

	root := mat.NewDense(dim, dim, nil)
	root.Apply(func(_, _ int, _ float64) float64 { return r.NormFloat64() }, root)
	covariance := mat.NewSymDense(dim, nil)
	covariance.SymOuterK(1, root)
	mean := []float64{1, -1, 0.5, 2}
	gaussian := nf.NewGaussian(dim, &nf.GaussianOptions{Loc: mean, Covariance: covariance, Fixed: true})
	normal, ok := distmv.NewNormal(mean, covariance, nil)
	if !ok {
		t.Fatal("the covariance is not positive definite")
	}

	for _, sigma := range []float64{1e-4, 0.1, 3} {
		for latent := 1; latent <= dim; latent++ {
			pca := nf.NewGaussianPCA(dim, &nf.GaussianPCAOptions{Latent: latent, Sigma: sigma}, rand.NewPCG(3, 4))
			var w *mat.Dense
			for _, s := range pca.State() {
				if s.Name == "W" {
					w = mat.NewDense(latent, dim, s.Param.Data)
				}
			}
			set(pca.State(), "loc", mean...)
			full := mat.NewSymDense(dim, nil)
			full.SymOuterK(1, w.T())
			for j := range dim {
				full.SetSym(j, j, full.At(j, j)+sigma*sigma)
			}
			want, ok := distmv.NewNormal(mean, full, nil)
			if !ok {
				t.Fatal("WᵀW + σ²I is not positive definite")
			}
			for i, got := range modelOf(pca).LogProb(x) {
				// gonum inverts Σ, whose condition is ~10/σ².
				if w := want.LogProb(x.RawRowView(i)); !(math.Abs(got-w) <= (1e-12+1e-15/(sigma*sigma))*max(1, math.Abs(w))) {
					t.Errorf("GaussianPCA with %d factors, σ = %v: LogProb = %v, want %v", latent, sigma, got, w)
				}
			}
		}
	}
	student := nf.NewStudentT(dim, 2.5, nil)
	set(student.State(), "loc", mean...)
	set(student.State(), "log_scale", 0.1, -0.3, 0.5, 0)
	for i, got := range modelOf(gaussian).LogProb(x) {
		if want := normal.LogProb(x.RawRowView(i)); !(math.Abs(got-want) <= 1e-10*math.Abs(want)) {
			t.Errorf("Gaussian: LogProb = %v, want %v", got, want)
		}
	}
	for i, got := range modelOf(student).LogProb(x) {
		var want float64
		for j, s := range []float64{0.1, -0.3, 0.5, 0} {
			want += distuv.StudentsT{Mu: mean[j], Sigma: math.Exp(s), Nu: 2.5}.LogProb(x.At(i, j))
		}
		if !(math.Abs(got-want) <= 1e-12*math.Abs(want)) {
			t.Errorf("StudentT: LogProb = %v, want %v", got, want)
		}
	}
}

// The state is complete: written to a new base, it gives the same density.
func TestBaseState(t *testing.T) {
	forEachBase(t, []int{3}, func(t *testing.T, c baseCase, b nf.Base) {
		path := t.TempDir() + "/base.safetensors"
		if err := nf.Save(path, b); err != nil {
			t.Fatal(err)
		}
		other := c.new(3, rand.NewPCG(9, 9))
		if err := nf.Load(path, other); err != nil {
			t.Fatal(err)
		}
		x := modelOf(b).Sample(20, rand.NewPCG(1, 2))
		if got, want := modelOf(other).LogProb(x), modelOf(b).LogProb(x); !slices.Equal(got, want) {
			t.Errorf("the densities after loading are %v, want %v", got, want)
		}
	})
}

func TestUniformGaussianRefusesOtherComponents(t *testing.T) {
	path := t.TempDir() + "/base.safetensors"
	if err := nf.Save(path, nf.NewUniformGaussian(3, []int{1}, nil)); err != nil {
		t.Fatal(err)
	}
	if err := nf.Load(path, nf.NewUniformGaussian(3, []int{2}, nil)); err == nil || !strings.Contains(err.Error(), "given at construction") {
		t.Errorf("loading a base with another uniform component gives the error %v", err)
	}
}

// A fixed base is not trained.
func TestFixedBases(t *testing.T) {
	for _, b := range []nf.Base{
		nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true}),
		nf.NewGaussian(2, &nf.GaussianOptions{Fixed: true}),
		nf.NewGaussianMixture(2, 2, &nf.GaussianMixtureOptions{Fixed: true}, rand.NewPCG(1, 2)),
		nf.NewStudentT(2, 3, &nf.StudentTOptions{Fixed: true}),
	} {
		for _, s := range b.State() {
			if !s.Param.Frozen {
				t.Errorf("%T: %s is trained", b, s.Name)
			}
		}
	}
}

// The mixture is what the reference's tutorial on bases uses: weights as small whole numbers.
func TestGaussianMixtureWeights(t *testing.T) {
	g := nf.NewGaussianMixture(3, 1, &nf.GaussianMixtureOptions{
		Loc: mat.NewDense(3, 1, []float64{-10, 0, 10}), Weights: []float64{1, 3, 4},
	}, nil)
	const n = 40000
	x := modelOf(g).Sample(n, rand.NewPCG(1, 2))
	count := map[float64]float64{}
	for _, v := range x.RawMatrix().Data {
		count[math.Round(v/10)*10]++
	}
	for at, want := range map[float64]float64{-10: 1. / 8, 0: 3. / 8, 10: 4. / 8} {
		if got := count[at] / n; !(math.Abs(got-want) <= 4*math.Sqrt(want*(1-want)/n)) {
			t.Errorf("%v of the samples are near %v, want %v", got, at, want)
		}
	}
}

func TestBaseMisuse(t *testing.T) {
	src := rand.NewPCG(1, 2)
	conditional := nf.NewConditionalDiagGaussian(nf.NewMLP([]int{3, 4}, nil, src))
	hot := nf.NewDiagGaussian(1, nil)
	hot.Temperature = -1
	for want, f := range map[string]func(){
		"NewUniform: got dimension 0":                   func() { nf.NewUniform(0, nil) },
		"NewUniform: got the interval [2, 1]":           func() { nf.NewUniform(1, &nf.UniformOptions{Low: 2, High: 1}) },
		"got the uniform components [0 0]":              func() { nf.NewUniformGaussian(2, []int{0, 0}, nil) },
		"got the uniform components [2]":                func() { nf.NewUniformGaussian(2, []int{2}, nil) },
		"got the scales [1 -1], want 2":                 func() { nf.NewUniformGaussian(2, nil, &nf.UniformGaussianOptions{Scale: []float64{1, -1}}) },
		"NewGaussian: got dimension -1":                 func() { nf.NewGaussian(-1, nil) },
		"got a mean of 1 numbers, want 2":               func() { nf.NewGaussian(2, &nf.GaussianOptions{Loc: []float64{1}}) },
		"got a 2×2 covariance, want a positive":         func() { nf.NewGaussian(2, &nf.GaussianOptions{Covariance: mat.NewSymDense(2, []float64{1, 2, 2, 1})}) },
		"got 0 modes in dimension 2":                    func() { nf.NewGaussianMixture(0, 2, nil, src) },
		"got 1×2 means, want 2×2":                       func() { nf.NewGaussianMixture(2, 2, &nf.GaussianMixtureOptions{Loc: mat.NewDense(1, 2, nil)}, src) },
		"got 3 weights, want 2":                         func() { nf.NewGaussianMixture(2, 2, &nf.GaussianMixtureOptions{Weights: []float64{1, 2, 3}}, src) },
		"got -1 among the weights":                      func() { nf.NewGaussianMixture(2, 2, &nf.GaussianMixtureOptions{Weights: []float64{1, -1}}, src) },
		"got dimension 2, 3 factors":                    func() { nf.NewGaussianPCA(2, &nf.GaussianPCAOptions{Latent: 3}, src) },
		"got dimension 2 and -3 degrees":                func() { nf.NewStudentT(2, -3, nil) },
		"got a network with 3 columns of output":        func() { nf.NewConditionalDiagGaussian(nf.NewMLP([]int{3, 3}, nil, src)) },
		"ConditionalDiagGaussian.LogProb: got no":       func() { conditional.LogProb(ad.NewEvalTape(ad.Float64).Full(1, 2, 0), nil) },
		"got temperature -1":                            func() { modelOf(hot).Sample(1, src) },
		"got a model with a 1×3 context":                func() { nf.NewModelBase(modelOf(conditional)) },
		"Gaussian.LogProb: got a 1×3 batch, want 2 col": func() { nf.NewGaussian(2, nil).LogProb(ad.NewEvalTape(ad.Float64).Full(1, 3, 0), nil) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "nfkit: ") || !strings.Contains(got, want) {
					t.Errorf("got the panic %q, want %q in it", got, want)
				}
			}()
			f()
		}()
	}
}
