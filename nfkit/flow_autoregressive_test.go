package nfkit_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func newAutoregressive(dim int, o *nf.MADEOptions, softplus bool) *nf.Autoregressive {
	net := nf.NewMADE(dim, 2, 16, o, rand.NewPCG(1, 2))
	return nf.NewMaskedAffineAutoregressive(net, &nf.MaskedAffineAutoregressiveOptions{Softplus: softplus})
}

// With a network that returns its biases, the flow is an affine map of known numbers.
func TestMaskedAffineAutoregressiveScale(t *testing.T) {
	for _, c := range []struct {
		softplus bool
		a, want  float64
	}{
		{false, 0, 1/(1+math.Exp(-2)) + 1e-3},
		{false, 50, 1.001}, // never more
		{true, 0, 1},
		{true, 50, 50 + math.Log(math.Expm1(0.999)) + 1e-3},
		{true, -50, 1e-3},
	} {
		f := newAutoregressive(2, nil, c.softplus)
		s := f.State()
		clear(tensorNamed(t, s, "autoregressive_net.final_layer.weight").Param.Data)
		copy(tensorNamed(t, s, "autoregressive_net.final_layer.bias").Param.Data, []float64{c.a, 0.5, c.a, -2})
		tape := ad.NewTape(ad.Float64)
		x, logDet := f.Forward(tape.Const(1, 2, []float64{3, -4}), nil)
		want := []float64{3*c.want + 0.5, -4*c.want - 2}
		for j, x := range x.Data() {
			if math.Abs(x-want[j]) > 1e-12*math.Abs(want[j]) {
				t.Errorf("Softplus %v, a = %v: component %d is %v, want %v", c.softplus, c.a, j, x, want[j])
			}
		}
		if got, want := logDet.At(0, 0), 2*math.Log(c.want); math.Abs(got-want) > 1e-12 {
			t.Errorf("Softplus %v, a = %v: log-determinant %v, want %v", c.softplus, c.a, got, want)
		}
	}
}

// In many dimensions, components that are still to be found must not disturb those that are being found.
func TestMaskedAffineAutoregressiveManyDimensions(t *testing.T) {
	const dim = 100
	f := newAutoregressive(dim, &nf.MADEOptions{FeedForward: true, Leaky: 0.5}, false)
	for _, v := range f.State() { // scales near 10⁻³ everywhere
		if v.Name == "autoregressive_net.final_layer.bias" {
			for j := 0; j < len(v.Param.Data); j += 2 {
				v.Param.Data[j] = -12
			}
		}
	}
	for _, c := range []struct {
		p   ad.Precision
		tol float64 // of the inverse, which multiplies rounding errors by 1000
	}{{ad.Float64, 1e-9}, {ad.Float32, 5e-2}} {
		tape := ad.NewEvalTape(c.p)
		z := normal(tape, 3, dim, rand.NewPCG(3, 4))
		x, forward := f.Forward(z, nil)
		back, inverse := f.Inverse(x, nil)
		for i, got := range back.Data() {
			if want := z.Data()[i]; !(math.Abs(got-want) <= c.tol) {
				t.Fatalf("%v: element %d comes back as %v, want %v", c.p, i, got, want)
			}
		}
		for i, l := range forward.Data() {
			if sum := l + inverse.At(i, 0); !(math.Abs(sum) <= 100*c.tol) {
				t.Errorf("%v: log-determinants of row %d add up to %v, want 0", c.p, i, sum)
			}
		}
	}
}

// In training, the inverse of a flow with dropout is still a triangular map whose log-determinant is right.
func TestMaskedAffineAutoregressiveDropout(t *testing.T) {
	const dim = 3
	f := newAutoregressive(dim, &nf.MADEOptions{Dropout: 0.5, Activation: nf.ActTanh}, true)
	perturb(f.State(), 0.5, rand.NewPCG(7, 8))
	inverse := func(x []float64) (*ad.Tape, *ad.Value, *ad.Value, *ad.Value) {
		tape := ad.NewTape(ad.Float64) // draws the same each time
		tape.SetTraining(true)
		v := tape.Variable(1, dim, x)
		z, logDet := f.Inverse(v, nil)
		return tape, v, z, logDet
	}
	x := []float64{0.3, -1.2, 0.7}
	jacobian := mat.NewDense(dim, dim, nil)
	for k := range dim {
		tape, v, z, _ := inverse(x)
		tape.Backward(z.Slice(k, k+1))
		jacobian.SetRow(k, v.Grad())
	}
	_, _, z, logDet := inverse(x)
	want, _ := mat.LogDet(jacobian)
	if got := logDet.At(0, 0); math.Abs(got-want) > 1e-12 {
		t.Errorf("log-determinant %v, want %v", got, want)
	}
	tape := ad.NewEvalTape(ad.Float64)
	if still, _ := f.Inverse(tape.Const(1, dim, x), nil); slices.Equal(still.Data(), z.Data()) {
		t.Error("dropout changes nothing in training")
	}
}

// A training step with dropout is the same for any number of cores, and the next one draws anew.
func TestDropoutSteps(t *testing.T) {
	model := func() *nf.NormalizingFlow {
		f := nf.NewInvert(newAutoregressive(2, &nf.MADEOptions{Dropout: 0.3}, true))
		return nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{f})
	}
	x := testkit.NormalRows(1000, 2, 5)
	var want []float64
	testkit.OnCores(func(cores int) {
		m, src := model(), rand.NewPCG(1, 2)
		var losses []float64
		for range 3 {
			loss, err := m.NLL(nil).LossGrad(x, src)
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, loss)
			for _, p := range m.Params() {
				losses = append(losses, p.Grad...)
			}
		}
		if want == nil {
			want = losses
			if n := len(losses) / 3; losses[0] == losses[n] || losses[n] == losses[2*n] {
				t.Errorf("the steps draw the same: losses %v, %v, %v", losses[0], losses[n], losses[2*n])
			}
		}
		if !slices.Equal(losses, want) {
			t.Errorf("%d cores give another loss or gradient than one", cores)
		}
		if a, b := m.LogProb(x), model().LogProb(x); !slices.Equal(a, b) {
			t.Errorf("dropout changes an evaluation")
		}
	})
}

func TestMaskedAffineAutoregressiveMisuse(t *testing.T) {
	for want, f := range map[string]func(){
		"nil network": func() { nf.NewMaskedAffineAutoregressive(nil, nil) },
		"got a network with 3 outputs for each component, want 2": func() {
			nf.NewMaskedAffineAutoregressive(nf.NewMADE(2, 3, 8, nil, rand.NewPCG(1, 2)), nil)
		},
		"Autoregressive.Forward: got a 1×3 batch, want 2": func() {
			newAutoregressive(2, nil, false).Forward(ad.NewTape(0).Full(1, 3, 0), nil)
		},
		"Autoregressive.Inverse: got a 1×1 batch, want 2": func() {
			newAutoregressive(2, nil, false).Inverse(ad.NewTape(0).Full(1, 1, 0), nil)
		},
	} {
		testkit.WantPanic(t, want, f)
	}
}

// A file brings its own order of components, which the inverse follows, and is refused if it is none.
func TestMaskedAffineAutoregressiveLoadsOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flow.safetensors")
	from := newAutoregressive(4, &nf.MADEOptions{Order: []int{2, 0, 3, 1}, FeedForward: true, RandomDegrees: true}, false)
	to := newAutoregressive(4, &nf.MADEOptions{FeedForward: true}, false)
	perturb(from.State(), 0.5, rand.NewPCG(3, 4))
	inverse := func(f nf.Flow) []float64 {
		z, logDet := f.Inverse(normal(ad.NewTape(ad.Float64), 5, 4, rand.NewPCG(5, 6)), nil)
		return append(z.Data(), logDet.Data()...)
	}
	want, before := inverse(from), inverse(to)

	mask := tensorNamed(t, from.State(), "autoregressive_net.final_layer.mask").Floats
	at := slices.Index(mask, 0)
	mask[at] = 1
	if err := nf.Save(path, from); err != nil {
		t.Fatal(err)
	}
	if err := nf.Load(path, to); err == nil || !strings.Contains(err.Error(), "the mask of autoregressive_net.final_layer is not autoregressive") {
		t.Errorf("Load of a mask that is not autoregressive returns %v", err)
	}
	if !slices.Equal(inverse(to), before) {
		t.Error("a file that is refused changes the flow")
	}

	mask[at] = 0
	if err := nf.Save(path, from); err != nil {
		t.Fatal(err)
	}
	if err := nf.Load(path, to); err != nil {
		t.Fatal(err)
	}
	if got := inverse(to); !slices.Equal(got, want) {
		t.Errorf("the loaded flow gives %v, want %v", got, want)
	}
}
