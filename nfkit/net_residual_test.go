package nfkit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/diff/fd"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// namesOf returns the names of the tensors.
func namesOf(s nf.State) (names []string) {
	for _, t := range s {
		names = append(names, t.Name)
	}
	return names
}

func TestResidualNetState(t *testing.T) {
	n := nf.NewResidualNet(3, 4, 5, &nf.ResidualNetOptions{Blocks: 1, Context: 2, Preprocess: testMLP(3, 7)}, rand.NewPCG(1, 2))
	want := []string{"preprocessing.net.0.weight", "preprocessing.net.0.bias", "initial_layer.weight", "initial_layer.bias",
		"blocks.0.context_layer.weight", "blocks.0.context_layer.bias", "blocks.0.linear_layers.0.weight", "blocks.0.linear_layers.0.bias",
		"blocks.0.linear_layers.1.weight", "blocks.0.linear_layers.1.bias", "final_layer.weight", "final_layer.bias"}
	if got := namesOf(n.State()); !slices.Equal(got, want) {
		t.Errorf("State names %v, want %v", got, want)
	}
	for name, shape := range map[string][]int{"initial_layer.weight": {5, 9}, "blocks.0.context_layer.weight": {5, 2}, "final_layer.bias": {4}} {
		if got := tensorNamed(t, n.State(), name).Shape; !slices.Equal(got, shape) {
			t.Errorf("%s has shape %v, want %v", name, got, shape)
		}
	}
	if n.In() != 3 || n.Out() != 4 || n.ContextDim() != 2 {
		t.Errorf("got a network from %d to %d columns with a context of %d, want 3, 4, 2", n.In(), n.Out(), n.ContextDim())
	}
	if n := nf.NewResidualNet(3, 4, 5, nil, rand.NewPCG(1, 2)); len(n.State()) != 4+2*4 {
		t.Errorf("the default has %d tensors, want those of 2 blocks", len(n.State()))
	}
}

// The formula of the documentation, with numbers instead of values of a tape.
func TestResidualNetFormula(t *testing.T) {
	n := nf.NewResidualNet(2, 3, 4, &nf.ResidualNetOptions{Blocks: 2, Context: 1, Leaky: 0.2}, rand.NewPCG(1, 2))
	s := n.State()
	perturb(s, 0.5, rand.NewPCG(3, 4))
	linear := func(name string, x []float64) []float64 {
		w := tensorNamed(t, s, name+".weight")
		y := slices.Clone(tensorNamed(t, s, name+".bias").Param.Data)
		for i := range y {
			for j := range x {
				y[i] += w.Param.Data[i*w.Shape[1]+j] * x[j]
			}
		}
		return y
	}
	relu := func(x []float64) []float64 {
		y := slices.Clone(x)
		for i, v := range y {
			y[i] = max(v, 0.2*v)
		}
		return y
	}
	context := []float64{-0.6}
	h := linear("initial_layer", []float64{0.7, -1.3, context[0]})
	for _, block := range []string{"blocks.0", "blocks.1"} {
		g := linear(block+".linear_layers.1", relu(linear(block+".linear_layers.0", relu(h))))
		for i, gate := range linear(block+".context_layer", context) {
			h[i] += g[i] / (1 + math.Exp(-gate))
		}
	}
	tape := ad.NewTape(ad.Float64)
	got := n.Apply(tape.Const(1, 2, []float64{0.7, -1.3}), tape.Const(1, 1, context)).Data()
	for i, want := range linear("final_layer", h) {
		if math.Abs(got[i]-want) > 1e-14 {
			t.Errorf("output %d is %v, want %v", i, got[i], want)
		}
	}
}

// Gradients of all networks, with all activations, against central differences along random directions.
func TestNetGradients(t *testing.T) {
	for name, net := range map[string]nf.Net{
		"MLP ELU":             nf.NewMLP([]int{2, 8, 8, 3}, &nf.MLPOptions{Activation: nf.ActELU}, rand.NewPCG(1, 2)),
		"MLP SiLU":            nf.NewMLP([]int{2, 8, 3}, &nf.MLPOptions{Activation: nf.ActSiLU, Context: 2}, rand.NewPCG(1, 2)),
		"MLP tanh":            nf.NewMLP([]int{2, 8, 3}, &nf.MLPOptions{Activation: nf.ActTanh}, rand.NewPCG(1, 2)),
		"ResidualNet":         nf.NewResidualNet(2, 3, 8, nil, rand.NewPCG(1, 2)),
		"ResidualNet ELU":     nf.NewResidualNet(2, 3, 8, &nf.ResidualNetOptions{Activation: nf.ActELU, Context: 2}, rand.NewPCG(1, 2)),
		"ResidualNet dropout": nf.NewResidualNet(2, 3, 8, &nf.ResidualNetOptions{Activation: nf.ActSiLU, Dropout: 0.5}, rand.NewPCG(1, 2)),
		"ResidualNet preprocess": nf.NewResidualNet(2, 3, 8, &nf.ResidualNetOptions{Activation: nf.ActTanh, Context: 1,
			Preprocess: testMLP(2, 5)}, rand.NewPCG(1, 2)),
		"MADE": nf.NewMADE(2, 3, 8, &nf.MADEOptions{Activation: nf.ActSiLU, Context: 1}, rand.NewPCG(1, 2)),
		"MADE feed-forward": nf.NewMADE(2, 3, 8, &nf.MADEOptions{Activation: nf.ActTanh, FeedForward: true, Dropout: 0.5,
			Preprocess: testMLP(2, 2)}, rand.NewPCG(1, 2)),
	} {
		perturb(net.State(), 0.3, rand.NewPCG(5, 6))
		context := net.(nf.Conditional).ContextDim()
		loss := func() (*ad.Tape, *ad.Value) {
			tape := ad.NewTape(ad.Float64)
			tape.SetTraining(true)
			y := net.Apply(normal(tape, 9, 2, rand.NewPCG(7, 8)), normal(tape, 9, context, rand.NewPCG(9, 10)))
			return tape, y.Mul(normal(tape, 9, net.Out(), rand.NewPCG(11, 12))).Sum()
		}
		for _, p := range net.State().Params() {
			clear(p.Grad)
		}
		tape, l := loss()
		tape.Backward(l)
		r := rand.New(rand.NewPCG(13, 14))
		for _, v := range net.State() {
			if v.Param == nil {
				continue
			}
			direction, want := make([]float64, len(v.Param.Data)), 0.0
			for i := range direction {
				direction[i] = r.NormFloat64()
				want += direction[i] * v.Param.Grad[i]
			}
			start := slices.Clone(v.Param.Data)
			got := fd.Derivative(func(h float64) float64 {
				for i, d := range direction {
					v.Param.Data[i] = start[i] + h*d
				}
				_, l := loss()
				return l.At(0, 0)
			}, 0, &fd.Settings{Formula: fd.Central, Step: 1e-6})
			copy(v.Param.Data, start)
			if math.Abs(got-want) > 1e-7*(1+math.Abs(want)) { // rounding of a sum of size 10, divided by the step
				t.Errorf("%s: the gradient of %s along a random direction is %v, central differences say %v", name, v.Name, want, got)
			}
			if want == 0 {
				t.Errorf("%s: %s has no gradient", name, v.Name)
			}
		}
	}
}

func TestMLPSlots(t *testing.T) {
	for _, c := range []struct {
		opts nf.MLPOptions
		want []string
	}{
		{nf.MLPOptions{}, []string{"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias", "net.4.weight", "net.4.bias"}},
		{nf.MLPOptions{Dropout: 0.1}, []string{"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias", "net.5.weight", "net.5.bias"}},
		{nf.MLPOptions{Output: nf.OutputTanh, ScoreScale: 2, OutputScale: 3},
			[]string{"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias", "net.4.weight", "net.4.bias", "net.5.scale", "net.7.scale"}},
		{nf.MLPOptions{Output: nf.OutputTanh, OutputScale: 3},
			[]string{"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias", "net.4.weight", "net.4.bias", "net.6.scale"}},
	} {
		m := nf.NewMLP([]int{1, 64, 64, 2}, &c.opts, rand.NewPCG(1, 2))
		if got := namesOf(m.State()); !slices.Equal(got, c.want) {
			t.Errorf("State of %+v names %v, want %v", c.opts, got, c.want)
		}
	}
	m := nf.NewMLP([]int{1, 2}, &nf.MLPOptions{Output: nf.OutputSigmoid, OutputScale: 3}, rand.NewPCG(1, 2))
	apply := func() float64 { return m.Apply(ad.NewTape(0).Full(1, 1, 0.5), nil).At(0, 0) }
	before := apply()
	tensorNamed(t, m.State(), "net.2.scale").Floats[0] = 6
	if got := apply(); got != 2*before {
		t.Errorf("with twice the scale, got %v, want %v", got, 2*before)
	}
}

func TestNetMisuse(t *testing.T) {
	for want, f := range map[string]func(){
		"NewResidualNet: got widths 0":     func() { nf.NewResidualNet(0, 1, 1, nil, rand.NewPCG(1, 2)) },
		"NewResidualNet: got -2 blocks":    func() { nf.NewResidualNet(1, 1, 1, &nf.ResidualNetOptions{Blocks: -2}, rand.NewPCG(1, 2)) },
		"NewResidualNet: got activation 4": func() { nf.NewResidualNet(1, 1, 1, &nf.ResidualNetOptions{Activation: 4}, rand.NewPCG(1, 2)) },
		"NewResidualNet: got dropout":      func() { nf.NewResidualNet(1, 1, 1, &nf.ResidualNetOptions{Dropout: -1}, rand.NewPCG(1, 2)) },
		"NewResidualNet: got an input of 1": func() {
			nf.NewResidualNet(1, 1, 1, &nf.ResidualNetOptions{Preprocess: testMLP(2, 2)}, rand.NewPCG(1, 2))
		},
		"ResidualNet.Apply: got a 2×3 batch":   func() { nf.NewResidualNet(1, 1, 1, nil, rand.NewPCG(1, 2)).Apply(ad.NewTape(0).Full(2, 3, 0), nil) },
		"NewMLP: got Leaky 0.1 with":           func() { nf.NewMLP([]int{1, 1}, &nf.MLPOptions{Leaky: 0.1, Activation: nf.ActTanh}, rand.NewPCG(1, 2)) },
		"NewMLP: got dropout probability NaN,": func() { nf.NewMLP([]int{1, 1}, &nf.MLPOptions{Dropout: math.NaN()}, rand.NewPCG(1, 2)) },
	} {
		testkit.WantPanic(t, want, f)
	}
}
