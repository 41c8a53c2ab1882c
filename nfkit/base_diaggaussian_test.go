package nfkit_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/distuv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// baseCase is a base distribution that nftest checks for dimensions 1, 2, 3 and 5.
type baseCase struct {
	new  func(dim int, src rand.Source) nf.Base
	opts func(dim int) *nftest.BaseOptions // nil for the defaults
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
		opts: func(dim int) *nftest.BaseOptions {
			return &nftest.BaseOptions{Support: slices.Repeat([]nftest.Interval{{Lo: -0.5, Hi: 2}}, dim)}
		},
	},
	"UniformGaussian": {
		new: func(dim int, _ rand.Source) nf.Base {
			scale := []float64{3, 0.7, 1, 2, 0.5}
			return nf.NewUniformGaussian(dim, []int{0}, &nf.UniformGaussianOptions{Scale: scale[:dim]})
		},
		opts: func(dim int) *nftest.BaseOptions {
			support := make([]nftest.Interval, dim)
			support[0] = nftest.Interval{Lo: -1.5, Hi: 1.5}
			return &nftest.BaseOptions{Support: support}
		},
	},
	"UniformGaussian/uniform": {
		new: func(dim int, _ rand.Source) nf.Base {
			var all []int
			for j := range dim {
				all = append(all, dim-1-j)
			}
			return nf.NewUniformGaussian(dim, all, nil)
		},
		opts: func(dim int) *nftest.BaseOptions {
			return &nftest.BaseOptions{Support: slices.Repeat([]nftest.Interval{{Lo: -0.5, Hi: 0.5}}, dim)}
		},
	},
	"UniformGaussian/normal": {new: func(dim int, _ rand.Source) nf.Base { return nf.NewUniformGaussian(dim, nil, nil) }},
	"GaussianMixture":        {new: func(dim int, src rand.Source) nf.Base { return nf.NewGaussianMixture(3, dim, nil, src) }},
	"GaussianMixture/one": {
		new: func(dim int, src rand.Source) nf.Base { return nf.NewGaussianMixture(1, dim, nil, src) },
		opts: func(int) *nftest.BaseOptions {
			return &nftest.BaseOptions{Dead: []string{"weight_scores"}} // one weight is always 1
		},
	},
	"GaussianPCA": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewGaussianPCA(dim, &nf.GaussianPCAOptions{Sigma: 0.5}, src)
	}},
	"GaussianPCA/one": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewGaussianPCA(dim, &nf.GaussianPCAOptions{Latent: 1, Sigma: 0.5}, src)
	}},
	"StudentT": {new: func(dim int, _ rand.Source) nf.Base { return nf.NewStudentT(dim, 6, nil) }},
	"Laplace":  {new: func(dim int, _ rand.Source) nf.Base { return nf.NewLaplace(dim, nil) }},
	"Gamma": {
		new:  func(dim int, _ rand.Source) nf.Base { return nf.NewGamma(dim, 3.5, nil) },
		opts: supported(0, math.Inf(1)),
	},
	"Beta": {
		new:  func(dim int, _ rand.Source) nf.Base { return nf.NewBeta(dim, 2.5, 3) },
		opts: supported(0, 1),
	},
	"TruncatedGaussian": {
		new:  func(dim int, _ rand.Source) nf.Base { return nf.NewTruncatedGaussian(dim, -1, 2, nil) },
		opts: supported(-1, 2),
	},
	"TruncatedGaussian/tail": {
		new: func(dim int, _ rand.Source) nf.Base {
			return nf.NewTruncatedGaussian(dim, 6, 7, &nf.TruncatedGaussianOptions{Scale: 0.9})
		},
		opts: supported(6, 7),
	},
	"TruncatedGaussian/lower tail": {
		new: func(dim int, _ rand.Source) nf.Base {
			return nf.NewTruncatedGaussian(dim, -7, -6, &nf.TruncatedGaussianOptions{Scale: 0.9})
		},
		opts: supported(-7, -6),
	},
	"ResampledGaussian": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewResampledGaussian(nf.NewMLP([]int{dim, 8, 1}, &nf.MLPOptions{Activation: nf.ActTanh}, src), nil)
	}},
	"ResampledGaussian/two": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewResampledGaussian(nf.NewMLP([]int{dim, 8, 1}, &nf.MLPOptions{Activation: nf.ActTanh}, src), &nf.ResampledGaussianOptions{Truncation: 2, Points: 3000})
	}},
	"Uniform/box": {
		new: func(dim int, _ rand.Source) nf.Base {
			return nf.NewUniform(dim, &nf.UniformOptions{Box: box[:dim]})
		},
		opts: func(dim int) *nftest.BaseOptions {
			var support []nftest.Interval
			for _, ends := range box[:dim] {
				support = append(support, nftest.Interval{Lo: ends[0], Hi: ends[1]})
			}
			return &nftest.BaseOptions{Support: support}
		},
	},
	"Joint": {new: func(dim int, src rand.Source) nf.Base {
		if dim == 1 {
			return nf.NewJoint(nf.NewLaplace(1, nil))
		}
		return nf.NewJoint(nf.NewGaussianMixture(2, 1, nil, src), nf.NewStudentT(dim-1, 6, nil))
	}},
	"Joint/conditional": {new: func(dim int, src rand.Source) nf.Base {
		first := nf.NewConditionalDiagGaussian(nf.NewMLP([]int{3, 8, 2}, &nf.MLPOptions{Leaky: 0.1}, src))
		if dim == 1 {
			return nf.NewJoint(first)
		}
		return nf.NewJoint(first, nf.NewDiagGaussian(dim-1, nil))
	}},
	"GaussianMixture/full": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewGaussianMixture(3, dim, &nf.GaussianMixtureOptions{Covariance: nf.CovarianceFull}, src)
	}},
	"GaussianMixture/tied": {new: func(dim int, src rand.Source) nf.Base {
		return nf.NewGaussianMixture(3, dim, &nf.GaussianMixtureOptions{Covariance: nf.CovarianceTied}, src)
	}},
	"ConditionalGaussianMixture":      conditionalMixtureCase(nf.CovarianceDiag),
	"ConditionalGaussianMixture/full": conditionalMixtureCase(nf.CovarianceFull),
	"ConditionalGaussianMixture/tied": conditionalMixtureCase(nf.CovarianceTied),
	"QuasiRandom":                     {new: func(dim int, _ rand.Source) nf.Base { return nf.NewQuasiRandom(nf.NewGaussian(dim, nil)) }},
	"QuasiRandom/mixture": {new: func(dim int, src rand.Source) nf.Base {
		parts := []nf.Base{nf.NewGaussianMixture(2, dim, nil, src), nf.NewGaussian(dim, nil)}
		return nf.NewQuasiRandom(nf.NewJoint(nf.NewMixture(parts, nil)))
	}},
	"QuasiRandom/angles": {
		new: func(dim int, _ rand.Source) nf.Base {
			return nf.NewQuasiRandom(nf.NewUniformGaussian(dim, []int{0}, nil))
		},
		opts: func(dim int) *nftest.BaseOptions {
			support := make([]nftest.Interval, dim)
			support[0] = nftest.Interval{Lo: -0.5, Hi: 0.5}
			return &nftest.BaseOptions{Support: support}
		},
	},
	"ModelBase/log-normal": {
		new:  func(dim int, _ rand.Source) nf.Base { return nf.NewLogNormal(dim, nil) },
		opts: supported(0, math.Inf(1)),
	},
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
	"Mixture": {new: func(dim int, src rand.Source) nf.Base {
		lu := nf.NewLULinearPermute(dim, &nf.LULinearPermuteOptions{RandomInit: true}, src)
		model := nf.NewNormalizingFlow(nf.NewDiagGaussian(dim, nil), []nf.Flow{lu})
		return nf.NewMixture([]nf.Base{nf.NewStudentT(dim, 7, nil), nf.NewModelBase(model), nf.NewGaussianMixture(2, dim, nil, src)}, []float64{1, 3, 2})
	}},
	"Mixture/conditional": {new: func(dim int, src rand.Source) nf.Base {
		base := nf.NewConditionalDiagGaussian(nf.NewMLP([]int{3, 8, 2 * dim}, &nf.MLPOptions{Leaky: 0.1}, src))
		return nf.NewMixture([]nf.Base{base, nf.NewDiagGaussian(dim, nil)}, nil)
	}},
	"Mixture/uniform": {
		new: func(dim int, _ rand.Source) nf.Base {
			return nf.NewMixture([]nf.Base{nf.NewUniform(dim, &nf.UniformOptions{Low: -1, High: 1})}, nil)
		},
		opts: func(dim int) *nftest.BaseOptions {
			return &nftest.BaseOptions{Support: slices.Repeat([]nftest.Interval{{Lo: -1, Hi: 1}}, dim), Dead: []string{"weight_scores"}} // one weight is always 1
		},
	},
}

var box = [][2]float64{{-0.5, 2}, {1, 1.5}, {-3, -1}, {0, 1}, {2, 7}}

// supported has the given interval as support of each component.
func supported(lo, hi float64) func(dim int) *nftest.BaseOptions {
	return func(dim int) *nftest.BaseOptions {
		return &nftest.BaseOptions{Support: slices.Repeat([]nftest.Interval{{Lo: lo, Hi: hi}}, dim)}
	}
}

func conditionalMixtureCase(covariance nf.Covariance) baseCase {
	return baseCase{new: func(dim int, src rand.Source) nf.Base {
		net := nf.NewMLP([]int{3, 8, nf.GaussianMixtureParams(2, dim, covariance)}, &nf.MLPOptions{Leaky: 0.1, Output: nf.OutputTanh, OutputScale: 0.5}, src) // tame: a quadrature must follow
		return nf.NewConditionalGaussianMixture(net, 2, dim, covariance)
	}}
}

// modelOf returns b as a model without flows, given a context if it takes one.
func modelOf(b nf.Base) *nf.NormalizingFlow {
	m := nf.NewNormalizingFlow(b, nil)
	if d := m.ContextDim(); d > 0 {
		context := mat.NewDense(1, d, nil)
		context.Apply(func(_, j int, _ float64) float64 { return 0.3 - 0.5*float64(j) }, context)
		return m.Given(context)
	}
	return m
}

func TestBases(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(baseCases)) {
		c := baseCases[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, dim := range []int{1, 2, 3, 5} {
				src := rand.NewPCG(uint64(dim), 1)
				var opts *nftest.BaseOptions
				if c.opts != nil {
					opts = c.opts(dim)
				}
				if err := nftest.Base(c.new(dim, src), opts, src); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Every exported base is in the table above.
func TestNoBaseIsMissing(t *testing.T) {
	for name, s := range sourceTypes(t, ".") {
		if !s.isBase() {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(baseCases)), func(c string) bool { return c == name || strings.HasPrefix(c, name+"/") }) {
			t.Errorf("no case for the base nfkit.%s", name)
		}
	}
}

// At the border of the support the density is that inside; past it and far away it is 0 or nearly so.
func TestBaseExtremes(t *testing.T) {
	for name, c := range baseCases {
		for _, p := range precisions {
			model := modelOf(c.new(2, rand.NewPCG(1, 2))).WithPrecision(p)
			x := mat.NewDense(3, 2, []float64{0, 1e18, 1e18, 0, -1e18, -1e18})
			for i, got := range model.LogProb(x) {
				if !(got < -100) {
					t.Errorf("%s in %v: the log-density at %v is %v, want far below 0", name, p, x.RawRowView(i), got)
				}
			}
		}
	}
	for _, c := range []struct {
		base nf.Base
		z    float64
		want float64
	}{
		{nf.NewUniform(1, nil), -1, -math.Ln2},
		{nf.NewUniform(1, nil), 1, -math.Ln2},
		{nf.NewUniform(1, nil), math.Nextafter(1, 2), math.Inf(-1)},
		{nf.NewUniformGaussian(1, []int{0}, nil), -0.5, 0},
		{nf.NewUniformGaussian(1, []int{0}, nil), 0.5, 0},
		{nf.NewUniformGaussian(1, []int{0}, nil), math.Nextafter(-0.5, -1), math.Inf(-1)},
	} {
		if got := modelOf(c.base).LogProb(mat.NewDense(1, 1, []float64{c.z}))[0]; got != c.want {
			t.Errorf("%T: the log-density at %v is %v, want %v", c.base, c.z, got, c.want)
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
	for name, c := range baseCases {
		b, other := c.new(3, rand.NewPCG(1, 2)), c.new(3, rand.NewPCG(9, 9))
		path := filepath.Join(t.TempDir(), "base.safetensors")
		if err := nf.Save(path, b); err != nil {
			t.Fatal(err)
		}
		if err := nf.Load(path, other); err != nil {
			t.Fatal(err)
		}
		x := modelOf(b).Sample(20, rand.NewPCG(1, 2))
		if got, want := modelOf(other).LogProb(x), modelOf(b).LogProb(x); !slices.Equal(got, want) {
			t.Errorf("%s: the densities after loading are %v, want %v", name, got, want)
		}
	}
}

func TestUniformGaussianRefusesOtherComponents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "base.safetensors")
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
	frozen := nf.NewDiagGaussian(1, nil)
	frozen.Temperature = 0
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
		"NewMixture: got no distributions":              func() { nf.NewMixture(nil, nil) },
		"NewMixture: got 1 weights, want 2":             func() { nf.NewMixture([]nf.Base{hot, hot}, []float64{1}) },
		"NewMixture: got 0 among the weights":           func() { nf.NewMixture([]nf.Base{hot, hot}, []float64{1, 0}) },
		"NewMixture: distribution 1 is nil":             func() { nf.NewMixture([]nf.Base{hot, nil}, nil) },
		"distribution 1 is in 2 dimensions":             func() { nf.NewMixture([]nf.Base{hot, conditional}, nil) },
		"NewModelBase: got a nil model":                 func() { nf.NewEnsemble([]*nf.NormalizingFlow{nil}) },
		"got temperature 0, want a positive number":     func() { modelOf(frozen).Sample(1, src) },
		"got a model with a 1×3 context":                func() { nf.NewModelBase(modelOf(conditional)) },
		"NewLaplace: got dimension 0":                   func() { nf.NewLaplace(0, nil) },
		"NewCauchy: got dimension 0":                    func() { nf.NewCauchy(0, nil) },
		"NewLogNormal: got dimension 0":                 func() { nf.NewLogNormal(0, nil) },
		"NewGamma: got shape NaN":                       func() { nf.NewGamma(1, math.NaN(), nil) },
		"NewBeta: got shape -1":                         func() { nf.NewBeta(1, 2, -1) },
		"NewTruncatedGaussian: got the interval [1, 1]": func() { nf.NewTruncatedGaussian(1, 1, 1, nil) },
		"got location 0 and scale -1":                   func() { nf.NewTruncatedGaussian(1, 0, 1, &nf.TruncatedGaussianOptions{Scale: -1}) },
		"NewResampledGaussian: got a nil network":       func() { nf.NewResampledGaussian(nil, nil) },
		"got a network of 2 columns to 2":               func() { nf.NewResampledGaussian(nf.NewMLP([]int{2, 2}, nil, src), nil) },
		"truncation 1 and 1024 points": func() {
			nf.NewResampledGaussian(nf.NewMLP([]int{2, 1}, nil, src), &nf.ResampledGaussianOptions{Truncation: 1})
		},
		"NewJoint: got no distributions":           func() { nf.NewJoint() },
		"NewJoint: distribution 1 is nil":          func() { nf.NewJoint(hot, nil) },
		"got 1 intervals in Box, Low 0 and High 0": func() { nf.NewUniform(2, &nf.UniformOptions{Box: box[:1]}) },
		"got Data with Loc": func() {
			nf.NewGaussianMixture(1, 1, &nf.GaussianMixtureOptions{Data: mat.NewDense(1, 1, nil), Weights: []float64{1}}, src)
		},
		"got 1×2 Data, want 2 rows or more": func() { nf.NewGaussianMixture(2, 2, &nf.GaussianMixtureOptions{Data: mat.NewDense(1, 2, nil)}, src) },
		"got column 0 of the Data, which is NaN": func() {
			nf.NewGaussianMixture(1, 1, &nf.GaussianMixtureOptions{Data: mat.NewDense(1, 1, []float64{math.NaN()})}, src)
		},
		"in dimension 1 and covariance 3":               func() { nf.NewGaussianMixture(1, 1, &nf.GaussianMixtureOptions{Covariance: 3}, src) },
		"a network with 4 columns of output, want 5":    func() { nf.NewConditionalGaussianMixture(nf.NewMLP([]int{3, 4}, nil, src), 1, 2, nf.CovarianceDiag) },
		"got a base (*nfkit.Joint) whose noise":         func() { nf.NewQuasiRandom(nf.NewJoint(nf.NewStudentT(1, 3, nil))) },
		"with 1001 columns of noise, want at most 1000": func() { nf.NewQuasiRandom(nf.NewDiagGaussian(1001, nil)) },
		"Gaussian.LogProb: got a 1×3 batch, want 2 col": func() { nf.NewGaussian(2, nil).LogProb(ad.NewEvalTape(ad.Float64).Full(1, 3, 0), nil) },
	} {
		if got := testkit.Panic(f); !strings.HasPrefix(got, "nfkit: ") || !strings.Contains(got, want) {
			t.Errorf("got the panic %q, want %q in it", got, want)
		}
	}
}
