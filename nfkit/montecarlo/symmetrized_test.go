package montecarlo_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

func TestSymmetrized(t *testing.T) {
	for name, c := range map[string]struct {
		group []montecarlo.Symmetry
		size  int
	}{
		"reflections":  {montecarlo.Reflections(4, 0, 3), 4},
		"permutations": {montecarlo.ParticlePermutations(2, 2), 2},
		"a cycle":      {[]montecarlo.Symmetry{{From: []int{0, 1, 2, 3}}, {From: []int{1, 2, 0, 3}}, {From: []int{2, 0, 1, 3}}}, 3},
	} {
		if len(c.group) != c.size {
			t.Errorf("%s: the group has %d maps, want %d", name, len(c.group), c.size)
		}
		s := montecarlo.NewSymmetrized(nf.NewDiagGaussian(4, nil), c.group)
		if err := nftest.Base(s, nil, rand.NewPCG(1, 2)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		inner := nf.NewRealNVP(4, &nf.ModelOptions{Layers: 2, Hidden: 4}, rand.NewPCG(1, 2))
		for _, p := range inner.Params() { // away from the identity, which is symmetric itself
			for i := range p.Data {
				p.Data[i] += 0.3 * math.Sin(float64(i+1))
			}
		}
		m := nf.NewNormalizingFlow(montecarlo.NewSymmetrized(nf.NewModelBase(inner), c.group), nil)
		x := testkit.NormalRows(5, 4, 1)
		want := m.LogProb(x)
		for _, g := range c.group {
			moved := mat.NewDense(5, 4, nil)
			for i := range 5 {
				for j, k := range g.From {
					sign := 1.0
					if g.Sign != nil {
						sign = g.Sign[j]
					}
					moved.Set(i, j, sign*x.At(i, k))
				}
			}
			for i, got := range m.LogProb(moved) {
				if math.Abs(got-want[i]) > 1e-12 {
					t.Errorf("%s: the density is %v at a point and %v at its image by %v", name, want[i], got, g)
				}
			}
		}
	}
	if n := len(montecarlo.ParticlePermutations(4, 3)); n != 24 {
		t.Errorf("4 particles have %d permutations, want 24", n)
	}
	base := nf.NewDiagGaussian(3, nil)
	for want, group := range map[string][]montecarlo.Symmetry{
		"are no group":       {{From: []int{0, 1, 2}}, {From: []int{1, 2, 0}}},
		"is there twice":     {{From: []int{0, 1, 2}}, {From: []int{0, 1, 2}, Sign: []float64{1, 1, 1}}},
		"want a permutation": {{From: []int{0, 1, 1}}},
		"and 0 maps":         nil,
	} {
		testkit.WantPanic(t, want, func() { montecarlo.NewSymmetrized(base, group) })
	}
	testkit.WantPanic(t, "Reflections: got components [5] of 3", func() { montecarlo.Reflections(3, 5) })
	testkit.WantPanic(t, "got 9 particles", func() { montecarlo.ParticlePermutations(9, 1) })
}
