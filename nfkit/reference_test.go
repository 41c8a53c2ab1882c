package nfkit_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

const referenceFolder = "testdata/reference"

// referenceValues is what normflows computes with the weights in a file of the same name, see make.py in the folder.
type referenceValues struct {
	Input   [][]float64
	LogProb []float64 `json:"log_prob"`
}

func readReferenceValues(t *testing.T) map[string]referenceValues {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(referenceFolder, "values.json"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]referenceValues
	if err := json.Unmarshal(b, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func (v referenceValues) matrix() *mat.Dense {
	x := mat.NewDense(len(v.Input), len(v.Input[0]), nil)
	for i, row := range v.Input {
		x.SetRow(i, row)
	}
	return x
}

// referenceModels are what make.py builds, with other parameters.
var referenceModels = map[string]func() *nf.NormalizingFlow{
	"maf": func() *nf.NormalizingFlow {
		return referenceModel(3, nf.NewInvert(referenceAutoregressive(nf.MADEOptions{})), nf.NewInvert(referenceAutoregressive(nf.MADEOptions{})))
	},
	"iaf": func() *nf.NormalizingFlow {
		return referenceModel(3, referenceAutoregressive(nf.MADEOptions{Blocks: 1}))
	},
	"maf_batch_norm": func() *nf.NormalizingFlow {
		return referenceModel(3, nf.NewInvert(referenceAutoregressive(nf.MADEOptions{BatchNorm: true})))
	},
	"maf_batch_norm_feed_forward": func() *nf.NormalizingFlow {
		return referenceModel(3, nf.NewInvert(referenceAutoregressive(nf.MADEOptions{BatchNorm: true, FeedForward: true, RandomDegrees: true})))
	},
	"target": func() *nf.NormalizingFlow { return referenceModel(2, nf.NewAffineConstFlow(2, nil)) }, // and a target in the file
	"composite": func() *nf.NormalizingFlow {
		a := func() nf.Flow { return nf.NewAffineConstFlow(2, nil) }
		return referenceModel(2, nf.NewChain(a(), nf.NewInvert(nf.NewChain(a(), a()))))
	},
	"actnorm_after":  newReferenceActNorm,
	"actnorm_before": newReferenceActNorm,
}

func referenceModel(dim int, flows ...nf.Flow) *nf.NormalizingFlow {
	return nf.NewNormalizingFlow(nf.NewDiagGaussian(dim, nil), flows)
}

func referenceAutoregressive(o nf.MADEOptions) nf.Flow {
	return nf.NewMaskedAffineAutoregressive(nf.NewMADE(3, 2, 8, &o, rand.NewPCG(1, 2)), nil)
}

func newReferenceActNorm() *nf.NormalizingFlow {
	return referenceModel(2, nf.NewInvert(nf.NewActNorm(2)), nf.NewActNorm(2))
}

// Weights of wrappers and optional parts, written by the reference, load and give its densities; what is saved then
// loads again.
func TestLoadReference(t *testing.T) {
	const tol = 1e-10 // both compute in float64
	values := readReferenceValues(t)
	if len(values) != len(referenceModels) {
		t.Errorf("there are %d cases, want %d", len(values), len(referenceModels))
	}
	for name, newModel := range referenceModels {
		t.Run(name, func(t *testing.T) {
			want, model := values[name], newModel()
			if err := nf.Load(filepath.Join(referenceFolder, name+".pt"), model); err != nil {
				t.Fatal(err)
			}
			if name == "actnorm_before" {
				testActNormBefore(t, model, want)
			}
			path := filepath.Join(t.TempDir(), "again.safetensors")
			again := newModel()
			if err := nf.Save(path, model); err != nil {
				t.Fatal(err)
			}
			if err := nf.Load(path, again); err != nil {
				t.Fatal(err)
			}
			for what, m := range map[string]*nf.NormalizingFlow{"loaded": model, "saved and loaded": again} {
				if err := near(what, m.LogProb(want.matrix()), want.LogProb, tol, tol); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// An ActNorm that has seen no batch is still to be set: in the reference by the next batch whatever it is for, here by
// the next one of training.
func testActNormBefore(t *testing.T, model *nf.NormalizingFlow, want referenceValues) {
	t.Helper()
	x := want.matrix()
	for i, got := range model.LogProb(x) {
		if normal := -math.Log(2*math.Pi) - (x.At(i, 0)*x.At(i, 0)+x.At(i, 1)*x.At(i, 1))/2; math.Abs(got-normal) > 1e-12*math.Abs(normal) {
			t.Errorf("before the first step the log-density of row %d is %v, want %v of the base", i, got, normal)
		}
	}
	if _, err := model.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
}

// Hidden batch normalisation is a part like others: an autoregressive flow stays one, its gradients are right, and the
// statistics are not trained.
func TestHiddenBatchNorm(t *testing.T) {
	src := rand.NewPCG(3, 4)
	for name, f := range map[string]nf.Flow{
		"residual":     referenceAutoregressive(nf.MADEOptions{BatchNorm: true, Activation: nf.ActSiLU}),
		"feed-forward": referenceAutoregressive(nf.MADEOptions{BatchNorm: true, FeedForward: true, Activation: nf.ActTanh}),
		"coupling": nf.NewCoupledRationalQuadraticSpline(3, 8, &nf.CoupledSplineOptions{
			Net: nf.ResidualNetOptions{BatchNorm: true, Activation: nf.ActSiLU}}, src),
	} {
		norms := 0
		for _, x := range f.State() {
			if x.Floats != nil && len(x.Shape) == 1 && x.Param == nil && filepath.Ext(x.Name) == ".running_var" {
				norms++
				for i := range x.Floats {
					x.Floats[i] = 0.5 + float64(i)/4
				}
			}
		}
		f.State().Changed()
		if want := map[string]int{"residual": 4, "feed-forward": 2, "coupling": 4}[name]; norms != want {
			t.Errorf("%s: there are %d normalisations, want %d", name, norms, want)
		}
		if err := nftest.Flow(f, nil, rand.NewPCG(5, 6)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Weights rounded to bfloat16 load: singular vectors get the length 1 again, so that the spectral norms are those of
// the rounded weights, and the flow stays near the one that was rounded.
func TestLoadRoundedResidual(t *testing.T) {
	c := readParityCase(t, parityFile("residual_brute_force_2_16_16_2"))
	f := parityResidual(c.Config).(*nf.Residual)
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true}), []nf.Flow{f})
	if err := nf.Load(filepath.Join(referenceFolder, "residual_bfloat16.pt"), f); err != nil {
		t.Fatal(err)
	}
	for _, x := range f.State() {
		if ext := filepath.Ext(x.Name); ext == ".u" || ext == ".v" {
			sum := 0.0
			for _, e := range x.Floats {
				sum += e * e
			}
			if math.Abs(math.Sqrt(sum)-1) > 1e-6 {
				t.Errorf("%s has length %v, want 1", x.Name, math.Sqrt(sum))
			}
		}
	}
	x := c.Inverse.Input.matrix()
	loaded := model.LogProb(x)
	f.Prepare() // exact singular vectors of the rounded weights
	const (
		second = 2e-3 // the square of what bfloat16 rounds, 2⁻⁹, over the gaps between singular values
		first  = 0.05 // what bfloat16 rounds, in some layers
	)
	exact := model.LogProb(x)
	if err := near("with exact singular vectors", loaded, exact, second, second); err != nil {
		t.Error(err)
	}
	if err := fillState(f.State(), c.State); err != nil {
		t.Fatal(err)
	}
	if err := near("before rounding", exact, model.LogProb(x), first, first); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(exact) == fmt.Sprint(model.LogProb(x)) {
		t.Error("rounding changed nothing")
	}
}
