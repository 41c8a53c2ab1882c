package nfkit_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// embedded returns a model with an embedding from 5 columns to 2, the model without it, and the network.
func embedded(seed uint64) (m, plain *nf.NormalizingFlow, net nf.Net) {
	src := rand.NewPCG(seed, 2)
	net = nf.NewMLP([]int{5, 8, 2}, &nf.MLPOptions{Activation: nf.ActTanh}, src)
	plain = nf.NewMAF(3, &nf.ModelOptions{Layers: 2, Hidden: 8, Context: 2}, src)
	m = plain.WithEmbedding(net)
	perturb(m.State(), 0.3, rand.NewPCG(seed, 4))
	return m, plain, net
}

// A model with an embedding is the model without it, given what the network makes of the context: in all that it does.
func TestEmbedding(t *testing.T) {
	m, plain, net := embedded(1)
	if m.ContextDim() != 5 || plain.ContextDim() != 2 {
		t.Fatalf("contexts have %d and %d columns, want 5 and 2", m.ContextDim(), plain.ContextDim())
	}
	for _, rows := range []int{1, 40} {
		x, raw := testkit.NormalRows(40, 3, 1), testkit.NormalRows(rows, 5, 2)
		context := net.Apply(ad.NewEvalTape(ad.Float64).Matrix(raw), nil).Matrix()
		given, want := m.Given(raw), plain.Given(context)
		equal := func(what string, a, b []float64) {
			t.Helper()
			if !slices.Equal(a, b) {
				t.Errorf("%d rows of context: %s differs", rows, what)
			}
		}
		equal("LogProb", given.LogProb(x), want.LogProb(x))
		equal("Sample", given.Sample(40, rand.NewPCG(1, 2)).RawMatrix().Data, want.Sample(40, rand.NewPCG(1, 2)).RawMatrix().Data)
		equal("Score", given.Score(x).RawMatrix().Data, want.Score(x).RawMatrix().Data)
		equal("the base", modelBase(m).Given(raw).LogProb(x), want.LogProb(x))
		equal("the base's sample", modelBase(m).Given(raw).Sample(40, rand.NewPCG(1, 2)).RawMatrix().Data, want.Sample(40, rand.NewPCG(1, 2)).RawMatrix().Data)
		equal("a clone", m.Clone().Given(raw).LogProb(x), want.LogProb(x))
		path := filepath.Join(t.TempDir(), "model.safetensors")
		other, _, _ := embedded(7)
		if err := nf.Save(path, m); err != nil {
			t.Fatal(err)
		}
		if err := nf.Load(path, other); err != nil {
			t.Fatal(err)
		}
		equal("a loaded model", other.Given(raw).LogProb(x), want.LogProb(x))
		seen := 0
		target := nf.TargetFunc(func(x, c *ad.Value) *ad.Value {
			seen = c.Cols()
			return x.Square().RowSum().Neg()
		})
		if _, err := given.ReverseKL(target, 40, nil).Loss(nil, rand.NewPCG(1, 2)); err != nil || seen != 5 {
			t.Errorf("a target sees %d columns of context with error %v, want the 5 that were given", seen, err)
		}
	}
	if s := m.String(); !strings.Contains(s, "embedding  MLP 5-8-2") {
		t.Errorf("the model describes itself as\n%s", s)
	}
}

func modelBase(m *nf.NormalizingFlow) *nf.NormalizingFlow {
	return nf.NewNormalizingFlow(nf.NewModelBase(m), nil)
}

// The embedding is trained with the model: gradients of likelihood and contrastive loss reach it.
func TestEmbeddingIsTrained(t *testing.T) {
	m, _, _ := embedded(1)
	rows := testkit.NormalRows(20, 8, 3)
	prior := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Square().RowSum().Scale(-0.5) })
	for name, o := range map[string]nf.Objective{"NLL": m.NLL(nil), "contrastive": m.Contrastive(prior, &nf.ContrastiveOptions{Atoms: 4})} {
		if err := nftest.Objective(o, rows, rand.NewPCG(5, 6)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEmbeddingMisuse(t *testing.T) {
	src := rand.NewPCG(1, 2)
	m, plain, net := embedded(1)
	for want, f := range map[string]func(){
		"got a nil network":                func() { plain.WithEmbedding(nil) },
		"5 columns of output, want 2":      func() { plain.WithEmbedding(nf.NewMLP([]int{3, 5}, nil, src)) },
		"with a context of 1 columns":      func() { plain.WithEmbedding(nf.NewMLP([]int{3, 2}, &nf.MLPOptions{Context: 1}, src)) },
		"has an embedding already":         func() { m.WithEmbedding(net) },
		"no layer of the model takes":      func() { nf.NewMAF(2, nil, src).WithEmbedding(net) },
		"embed first":                      func() { plain.Given(mat.NewDense(1, 2, nil)).WithEmbedding(net) },
		"a context of 2 columns, want 5":   func() { m.Given(mat.NewDense(1, 2, nil)) },
		"Contrastive: got a nil prior":     func() { m.Contrastive(nil, nil) },
		"Contrastive: got 1 atoms, want 2": func() { m.Contrastive(normalTarget(0, 1), &nf.ContrastiveOptions{Atoms: 1}) },
		"Contrastive: want a model that":   func() { plain.Given(mat.NewDense(1, 2, nil)).Contrastive(normalTarget(0, 1), nil) },
	} {
		if got := testkit.Panic(f); !strings.HasPrefix(got, "nfkit: NormalizingFlow.") || !strings.Contains(got, want) {
			t.Errorf("got the panic %q, want %q in it", got, want)
		}
	}
	o := m.Contrastive(normalTarget(0, 1), nil)
	if _, err := o.Loss(mat.NewDense(9, 8, nil), src); err == nil || !strings.Contains(err.Error(), "9 rows, want 10 or more") {
		t.Errorf("a batch that is too small gives the error %v", err)
	}
}
