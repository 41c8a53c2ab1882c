package nfkit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// maskedAffineCase keeps every other component. One component alone is not conditioned on anything.
func maskedAffineCase(translate, scale bool) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			if dim < 2 {
				return nil
			}
			kept := make([]bool, dim)
			for j := range dim {
				kept[j] = j%2 == 1
			}
			net := func(use bool) nf.Net {
				if !use {
					return nil
				}
				return nf.NewMLP([]int{dim, 16, dim}, &nf.MLPOptions{Leaky: 0.1, Context: context}, src)
			}
			return nf.NewMaskedAffineFlow(kept, net(translate), net(scale))
		},
	}
}

func parityMaskedAffine(c parityConfig) nf.Flow {
	var kept []bool
	for _, b := range c.ints("b") {
		kept = append(kept, b == 1)
	}
	return nf.NewMaskedAffineFlow(kept, parityMLP(c.config("t")), parityMLP(c.config("s")))
}

// constantNet returns the same numbers for each row.
type constantNet []float64

func (n constantNet) In() int         { return len(n) }
func (n constantNet) Out() int        { return len(n) }
func (n constantNet) State() nf.State { return nil }
func (n constantNet) Apply(x, _ *ad.Value) *ad.Value {
	return x.Tape().Const(1, len(n), n).Repeat(x.Rows())
}

// The numbers are those of normflows.
func TestMaskedAffineGolden(t *testing.T) {
	f := nf.NewMaskedAffineFlow([]bool{true, false}, constantNet{0.9, 0.3}, constantNet{0.7, 0.4})
	checkMap(t, "Forward", f.Forward, []point{{[]float64{0.3, -0.8}, []float64{0.3, -0.8934597581130164}, 0.4}}, 1e-15)
}

// What a network returns for a component that is kept does not matter, even if its exponential overflows or it is NaN.
func TestMaskedAffineKeeps(t *testing.T) {
	f := nf.NewMaskedAffineFlow([]bool{true, false, true}, constantNet{math.NaN(), 2, math.Inf(1)}, constantNet{1e4, 0, math.Inf(-1)})
	checkMap(t, "Forward", f.Forward, []point{{[]float64{3, 5, -7}, []float64{3, 7, -7}, 0}}, 0)
	checkMap(t, "Inverse", f.Inverse, []point{{[]float64{3, 7, -7}, []float64{3, 5, -7}, 0}}, 0)
	checkNumbers(t, "Forward", f, f.Forward, 3, 5, -7)
	checkNumbers(t, "Inverse", f, f.Inverse, 3, 5, -7)
}

// The mask is part of the state: another one that is loaded counts.
func TestMaskedAffineMask(t *testing.T) {
	f := nf.NewMaskedAffineFlow([]bool{true, false}, constantNet{10, 20}, nil)
	s := f.State()
	b := s[len(s)-1]
	copy(b.Floats, []float64{0, 1})
	checkMap(t, "Forward", f.Forward, []point{{[]float64{3, 5}, []float64{13, 5}, 0}}, 0)
	b.Floats = []float64{1, 0.5}
	if err := b.Check(b); err == nil {
		t.Error("a mask with 0.5 is accepted")
	}
}

func TestMaskedAffineMisuse(t *testing.T) {
	three, kept := constantNet{1, 2, 3}, []bool{true, false, true}
	for want, f := range map[string]func(){
		"got a mask of 0 components that keeps 0":                                 func() { nf.NewMaskedAffineFlow(nil, three, nil) },
		"got a mask of 2 components that keeps 2":                                 func() { nf.NewMaskedAffineFlow([]bool{true, true}, three, nil) },
		"got two nil networks":                                                    func() { nf.NewMaskedAffineFlow(kept, nil, nil) },
		"got a network from 2 to 2 columns for a mask of 3 components, want 3 to": func() { nf.NewMaskedAffineFlow(kept, three, constantNet{1, 2}) },
		"got a network from 3 to 2 columns for a mask of 3 components":            func() { nf.NewMaskedAffineFlow(kept, testMLP(3, 4, 2), nil) },
		"takes a context of 2 columns, part 1": func() {
			net := func(context int) nf.Net {
				return nf.NewMLP([]int{3, 4, 3}, &nf.MLPOptions{Context: context}, rand.NewPCG(1, 2))
			}
			nf.NewMaskedAffineFlow(kept, net(2), net(4))
		},
		"MaskedAffineFlow.Forward: got a 2×4 batch, want 3 columns": func() {
			nf.NewMaskedAffineFlow(kept, three, nil).Forward(ad.NewTape(ad.Float64).Full(2, 4, 0), nil)
		},
	} {
		testkit.WantPanic(t, want, f)
	}
}
