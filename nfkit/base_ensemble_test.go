package nfkit_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// members returns trained-like models that differ: of one function, with other parameters each.
func members(k int, context int) (models []*nf.NormalizingFlow) {
	for seed := range uint64(k) {
		models = append(models, member(seed, context))
	}
	return models
}

func member(seed uint64, context int) *nf.NormalizingFlow {
	src := rand.NewPCG(seed, 5)
	m := nf.NewNSF(2, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: 2, Hidden: 8, Context: context}}, src)
	r := rand.New(src)
	for _, p := range m.Params() {
		for i := range p.Data {
			p.Data[i] += 0.3 * r.NormFloat64()
		}
	}
	return m
}

// The density of an ensemble is the mean of those of its models, with a context as well, and is there again when all of it is saved and loaded.
func TestEnsembleIsTheMeanDensity(t *testing.T) {
	src := rand.NewPCG(1, 2)
	for _, context := range []int{0, 3} {
		models := members(3, context)
		given := func(m *nf.NormalizingFlow) *nf.NormalizingFlow {
			if context == 0 {
				return m
			}
			return m.Given(mat.NewDense(1, 3, []float64{0.5, -1, 2}))
		}
		ensemble := nf.NewEnsemble(models)
		path := filepath.Join(t.TempDir(), "ensemble.safetensors")
		if err := nf.Save(path, ensemble); err != nil {
			t.Fatal(err)
		}
		loaded := nf.NewEnsemble([]*nf.NormalizingFlow{member(7, context), member(8, context), member(9, context)})
		if err := nf.Load(path, loaded); err != nil {
			t.Fatal(err)
		}
		x, sampled := given(ensemble).SampleLogProb(200, src)
		got := given(ensemble).LogProb(x)
		var all [][]float64
		for _, m := range models {
			all = append(all, given(m).LogProb(x))
		}
		for i := range got {
			row := []float64{all[0][i], all[1][i], all[2][i]}
			want := floats.LogSumExp(row) - math.Log(3)
			if !(math.Abs(got[i]-want) <= 1e-12*(1+math.Abs(want))) || !(math.Abs(sampled[i]-want) <= 1e-9*(1+math.Abs(want))) {
				t.Fatalf("context of %d: the log-density at row %d is %v, and %v with the sample; want %v", context, i, got[i], sampled[i], want)
			}
			if -got[i] > -floats.Sum(row)/3+1e-12 {
				t.Fatalf("row %d: −ln q is %v, more than the mean of the models %v", i, -got[i], -floats.Sum(row)/3)
			}
		}
		if again := given(loaded).LogProb(x); !slices.Equal(again, got) {
			t.Errorf("context of %d: the densities after loading are others", context)
		}
		if clone := given(ensemble.Clone()).LogProb(x); !slices.Equal(clone, got) {
			t.Errorf("context of %d: the densities of a clone are others", context)
		}
	}
}

// A sample comes from each model as often as its weight says.
func TestMixtureWeights(t *testing.T) {
	var components []nf.Base
	for _, at := range []float64{-10, 0, 10} {
		b := nf.NewDiagGaussian(1, nil)
		set(b.State(), "loc", at)
		components = append(components, b)
	}
	const n = 40_000
	count := map[float64]float64{}
	for _, v := range modelOf(nf.NewMixture(components, []float64{1, 3, 4})).Sample(n, rand.NewPCG(1, 2)).RawMatrix().Data {
		count[math.Round(v/10)*10]++
	}
	for at, want := range map[float64]float64{-10: 1. / 8, 0: 3. / 8, 10: 4. / 8} {
		if got := count[at] / n; !(math.Abs(got-want) <= 4*math.Sqrt(want*(1-want)/n)) {
			t.Errorf("%v of the samples are near %v, want %v", got, at, want)
		}
	}
}

// A point far from one model and not from the others has the density of these; a component that overflows there has no say.
func TestMixtureFarFromOneComponent(t *testing.T) {
	narrow, wide := nf.NewUniform(1, &nf.UniformOptions{Low: -1, High: 1}), nf.NewDiagGaussian(1, nil)
	m := modelOf(nf.NewMixture([]nf.Base{narrow, wide}, nil))
	x := mat.NewDense(2, 1, []float64{3, 0})
	want := []float64{math.Log(0.5) - 4.5 - 0.9189385332046727, math.Log(0.25 + 0.5*0.3989422804014327)}
	for i, got := range m.LogProb(x) {
		if !(math.Abs(got-want[i]) <= 1e-14) {
			t.Errorf("the log-density at %v is %v, want %v", x.At(i, 0), got, want[i])
		}
	}
}

// The weights learn which model the data come from.
func TestMixtureWeightsLearn(t *testing.T) {
	near, far := nf.NewDiagGaussian(1, &nf.DiagGaussianOptions{Fixed: true}), nf.NewUniform(1, &nf.UniformOptions{Low: 50, High: 60})
	m := modelOf(nf.NewMixture([]nf.Base{far, near}, nil))
	if _, err := nf.Fit(t.Context(), m.NLL(nil), modelOf(near), &nf.FitOptions{Steps: 300, BatchSize: 16, Adam: nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 0.1})}, rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	scores := m.State()[0].Param.Data
	if !(scores[1]-scores[0] > 4) {
		t.Errorf("the scores are %v, want the second far above", scores)
	}
}

// A file with another number of models is refused.
func TestEnsembleOfAnotherSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ensemble.safetensors")
	if err := nf.Save(path, nf.NewEnsemble(members(3, 0))); err != nil {
		t.Fatal(err)
	}
	if err := nf.Load(path, nf.NewEnsemble(members(2, 0))); err == nil || !strings.Contains(err.Error(), "q0.weight_scores") {
		t.Errorf("an ensemble of 2 loads a file of 3: %v", err)
	}
}
