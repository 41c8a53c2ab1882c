package nfkit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// madeCases are networks of all kinds, by name.
func madeCases() map[string]*nf.MADE {
	cases := map[string]*nf.MADE{}
	for _, dim := range []int{1, 2, 3, 5} {
		for name, o := range map[string]nf.MADEOptions{
			"residual":                {},
			"residual context":        {Context: 2, Activation: nf.ActSiLU, Blocks: 1},
			"feed-forward":            {FeedForward: true, Activation: nf.ActTanh},
			"feed-forward context":    {FeedForward: true, Context: 3, Activation: nf.ActELU},
			"random degrees":          {FeedForward: true, RandomDegrees: true, Leaky: 0.1},
			"random degrees, context": {FeedForward: true, RandomDegrees: true, Context: 1, Activation: nf.ActTanh},
			"random order":            {Order: rand.New(rand.NewPCG(9, 9)).Perm(dim), Leaky: 0.3},
		} {
			m := nf.NewMADE(dim, 3, 24, &o, rand.NewPCG(1, uint64(dim)))
			perturb(m.State(), 0.4, rand.NewPCG(2, uint64(dim)))
			cases[fmt.Sprintf("%s, %d components", name, dim)] = m
		}
	}
	return cases
}

// perturb adds normal noise to all parameters.
func perturb(s nf.State, scale float64, src rand.Source) {
	r := rand.New(src)
	for _, p := range s.Params() {
		for i := range p.Data {
			p.Data[i] += scale * r.NormFloat64()
		}
	}
}

// normal returns a rows×cols variable on t with normal elements; nil if there are no columns.
func normal(t *ad.Tape, rows, cols int, src rand.Source) *ad.Value {
	if cols == 0 {
		return nil
	}
	r, data := rand.New(src), make([]float64, rows*cols)
	for i := range data {
		data[i] = r.NormFloat64()
	}
	return t.Variable(rows, cols, data)
}

func tensorNamed(t *testing.T, s nf.State, name string) nf.Tensor {
	t.Helper()
	for _, v := range s {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("no tensor %s", name)
	return nf.Tensor{}
}

// madeDegrees returns the degree of each component.
func madeDegrees(t *testing.T, m *nf.MADE) []int {
	var degrees []int
	for k, d := range tensorNamed(t, m.State(), "final_layer.degrees").Ints {
		if k%(m.Out()/m.In()) == 0 {
			degrees = append(degrees, d)
		}
	}
	return degrees
}

// The numbers are those of normflows' MADE.
func TestMADEGolden(t *testing.T) {
	m := nf.NewMADE(3, 2, 5, nil, rand.NewPCG(1, 2))
	s := m.State()
	for name, want := range map[string][]int{
		"initial_layer.degrees":            {1, 2, 1, 2, 1},
		"blocks.0.linear_layers.0.degrees": {1, 2, 1, 2, 1},
		"blocks.1.linear_layers.1.degrees": {1, 2, 1, 2, 1},
		"final_layer.degrees":              {1, 1, 2, 2, 3, 3},
	} {
		if got := tensorNamed(t, s, name).Ints; !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string][]float64{
		"initial_layer.mask": {1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0},
		"final_layer.mask": {0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	} {
		if got := tensorNamed(t, s, name).Floats; !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

// Gradients say what each output sees: only components before its own, and with full layers all of them.
func TestMADESeesWhatIsBefore(t *testing.T) {
	for name, m := range madeCases() {
		t.Run(name, func(t *testing.T) {
			degrees := madeDegrees(t, m)
			outputs := m.Out() / m.In()
			for k := range m.Out() {
				tape := ad.NewTape(ad.Float64)
				x := normal(tape, 40, m.In(), rand.NewPCG(3, 4))
				context := normal(tape, 40, m.ContextDim(), rand.NewPCG(5, 6))
				tape.Backward(m.Apply(x, context).Slice(k, k+1).Sum())
				seen := columnNorms(x)
				for j, g := range seen {
					before := degrees[j] < degrees[k/outputs]
					if !before && g != 0 {
						t.Errorf("output %d of component %d has gradient %v of component %d", k, k/outputs, g, j)
					}
					if before && g == 0 && !strings.Contains(name, "random degrees") {
						t.Errorf("output %d of component %d does not see component %d", k, k/outputs, j)
					}
				}
				if context != nil {
					for j, g := range columnNorms(context) {
						if g == 0 {
							t.Errorf("output %d does not see column %d of the context", k, j)
						}
					}
				}
			}
		})
	}
}

// columnNorms returns the sums of the sizes of a value's gradients, column by column.
func columnNorms(v *ad.Value) []float64 {
	sums, g := make([]float64, v.Cols()), v.Grad()
	for i, x := range g {
		sums[i%len(sums)] += math.Abs(x)
	}
	return sums
}

// The product of the masks counts the ways from a component to an output.
func TestMADEMaskProduct(t *testing.T) {
	for name, m := range madeCases() {
		degrees := madeDegrees(t, m)
		var ways [][]float64 // outputs of the layer so far by components
		for j := range m.In() {
			row := make([]float64, m.In())
			row[j] = 1
			ways = append(ways, row)
		}
		for _, v := range m.State() {
			if !strings.HasSuffix(v.Name, "mask") {
				continue
			}
			next := make([][]float64, v.Shape[0])
			for i := range next {
				next[i] = make([]float64, m.In())
				for k, from := range ways {
					for j, n := range from {
						next[i][j] += v.Floats[i*v.Shape[1]+k] * n
					}
				}
			}
			ways = next
		}
		for k, row := range ways {
			for j, n := range row {
				if n != 0 && degrees[j] >= degrees[k/3] {
					t.Errorf("%s: %v ways from component %d to output %d of component %d", name, n, j, k, k/3)
				}
			}
		}
	}
}

// checks runs the checks of all tensors, as loading does, and returns the error.
func checks(s nf.State) (errs []string) {
	if err := s.Verify(); err != nil {
		errs = append(errs, err.Error())
	}
	return errs
}

func TestMADEChecksMasks(t *testing.T) {
	for name, m := range madeCases() {
		if errs := checks(m.State()); errs != nil {
			t.Errorf("%s: its own masks are refused: %v", name, errs)
		}
	}
	for _, c := range []struct {
		tensor string
		change func(t nf.Tensor)
		want   string
	}{
		{"final_layer.mask", func(t nf.Tensor) { t.Floats[0] = 1 }, "unit 0 of degree 1 sees unit 0 of degree 1"},
		{"initial_layer.mask", func(t nf.Tensor) { t.Floats[2] = 1 }, "initial_layer is not autoregressive"},
		{"initial_layer.mask", func(t nf.Tensor) { t.Floats[0] = 0.5 }, "want 0 or 1"},
		{"initial_layer.mask", func(t nf.Tensor) { t.Floats[2] = math.NaN() }, "want 0 or 1"},
		{"blocks.0.linear_layers.1.degrees", func(t nf.Tensor) { t.Ints[1] = 1 }, "not autoregressive"},
		{"blocks.1.linear_layers.1.degrees", func(t nf.Tensor) { t.Ints[0], t.Ints[1] = 3, 3 }, "final_layer is not autoregressive"},
		{"final_layer.degrees", func(t nf.Tensor) { t.Ints[0] = 3 }, "want 2 equal ones"},
		{"final_layer.degrees", func(t nf.Tensor) { t.Ints[0], t.Ints[1] = 3, 3 }, "want each of 1 to 3"},
		{"final_layer.degrees", func(t nf.Tensor) { t.Ints[4], t.Ints[5] = 4, 4 }, "want each of 1 to 3"},
	} {
		m := nf.NewMADE(3, 2, 5, nil, rand.NewPCG(1, 2))
		s := m.State()
		c.change(tensorNamed(t, s, c.tensor))
		for range 2 { // the same State can be checked again
			if errs := checks(s); len(errs) != 1 || !strings.Contains(errs[0], c.want) {
				t.Errorf("%s: got the errors %q, want one with %q", c.tensor, errs, c.want)
			}
		}
	}

	// A skip connection to a unit that sees less, with masks that are in order.
	m := nf.NewMADE(3, 1, 2, &nf.MADEOptions{Blocks: 1}, rand.NewPCG(1, 2))
	s := m.State()
	tensorNamed(t, s, "blocks.0.linear_layers.1.degrees").Ints[1] = 1
	mask := tensorNamed(t, s, "blocks.0.linear_layers.1.mask").Floats
	mask[3] = 0
	if errs := checks(s); len(errs) != 1 || !strings.Contains(errs[0], "skip connection") {
		t.Errorf("got the errors %q, want one about a skip connection", errs)
	}
}

// Masked weights are kept as they are, have no effect and no gradient.
func TestMADEMaskedWeights(t *testing.T) {
	for _, p := range precisions {
		m := nf.NewMADE(3, 2, 8, nil, rand.NewPCG(1, 2))
		s := m.State()
		apply := func() ([]float64, *ad.Tape, *ad.Value) {
			tape := ad.NewTape(p)
			y := m.Apply(normal(tape, 7, 3, rand.NewPCG(3, 4)), nil)
			return y.Data(), tape, y
		}
		want, tape, y := apply()
		tape.Backward(y.Square().Sum())
		weight, mask := tensorNamed(t, s, "final_layer.weight").Param, tensorNamed(t, s, "final_layer.mask").Floats
		for i, on := range mask {
			if (on != 0) != (weight.Grad[i] != 0) {
				t.Errorf("%v: weight %d has mask %v and gradient %v", p, i, on, weight.Grad[i])
			}
			if on == 0 {
				weight.Data[i] += 1e3
			}
		}
		if got, _, _ := apply(); !slices.Equal(got, want) {
			t.Errorf("%v: masked weights change the outputs: %v, want %v", p, got, want)
		}
		mask[len(mask)-1] = 0
		s.Changed()
		if got, _, _ := apply(); slices.Equal(got, want) {
			t.Errorf("%v: a new mask has no effect", p)
		}
	}
}

func TestMADEMisuse(t *testing.T) {
	for want, f := range map[string]func(){
		"want 1 or more":                      func() { nf.NewMADE(0, 2, 8, nil, rand.NewPCG(1, 2)) },
		"want 0 or more":                      func() { nf.NewMADE(2, 2, 8, &nf.MADEOptions{Blocks: -2}, rand.NewPCG(1, 2)) },
		"use FeedForward":                     func() { nf.NewMADE(2, 2, 8, &nf.MADEOptions{RandomDegrees: true}, rand.NewPCG(1, 2)) },
		"want a permutation of 0 to 2":        func() { nf.NewMADE(3, 2, 8, &nf.MADEOptions{Order: []int{0, 2}}, rand.NewPCG(1, 2)) },
		"got activation 9":                    func() { nf.NewMADE(2, 2, 8, &nf.MADEOptions{Activation: 9}, rand.NewPCG(1, 2)) },
		"only ActReLU has a slope":            func() { nf.NewMADE(2, 2, 8, &nf.MADEOptions{Activation: nf.ActTanh, Leaky: 1}, rand.NewPCG(1, 2)) },
		"dropout probability 1, want":         func() { nf.NewMADE(2, 2, 8, &nf.MADEOptions{Dropout: 1}, rand.NewPCG(1, 2)) },
		"want it to keep the components":      func() { nf.NewMADE(2, 2, 8, &nf.MADEOptions{Preprocess: testMLP(2, 3)}, rand.NewPCG(1, 2)) },
		"got an input of 2 columns for":       func() { nf.NewMADE(2, 2, 8, &nf.MADEOptions{Preprocess: testMLP(3, 3)}, rand.NewPCG(1, 2)) },
		"MADE.Apply: got a 1×3 batch, want 2": func() { nf.NewMADE(2, 2, 8, nil, rand.NewPCG(1, 2)).Apply(ad.NewTape(0).Full(1, 3, 0), nil) },
		"MADE.Apply: got no context": func() {
			nf.NewMADE(2, 2, 8, &nf.MADEOptions{Context: 2}, rand.NewPCG(1, 2)).Apply(ad.NewTape(0).Full(1, 2, 0), nil)
		},
	} {
		testkit.WantPanic(t, want, f)
	}
}

func testMLP(layers ...int) *nf.MLP { return nf.NewMLP(layers, nil, rand.NewPCG(1, 2)) }
