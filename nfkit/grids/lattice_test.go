package grids_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/grids"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

func latticeCoupling(s grids.Shape, mask grids.Mask, scale nf.ScaleMap, symmetric bool, context int) nf.Flow {
	net := grids.NewConvNet2d(s, []int{4, nf.Affine{Scale: scale}.Params() * s.Channels}, []int{3, 3},
		&grids.ConvNet2dOptions{Activation: nf.ActTanh, Circular: true, Context: context, RandomLast: true}, source())
	return grids.NewLatticeCoupling(s, mask, net, &grids.LatticeCouplingOptions{Scale: scale, Symmetric: symmetric})
}

func TestLatticeCouplings(t *testing.T) {
	for name, f := range map[string]nf.Flow{
		"checkerboard": latticeCoupling(shape(2, 4, 1), grids.Mask{1, 1, 2, 1}, nf.ScaleExp, false, 0),
		"symmetric":    latticeCoupling(shape(2, 2, 2), grids.Mask{1, 1, 2, 0}, nf.ScaleExp, true, 2),
		"columns":      latticeCoupling(shape(1, 8, 1), grids.Mask{0, 1, 4, 3}, nf.ScaleSigmoid, true, 0),
		"diagonals":    latticeCoupling(shape(4, 4, 1), grids.Mask{1, -1, 4, 2}, nf.ScaleNone, false, 0),
	} {
		t.Run(name, func(t *testing.T) {
			if err := nftest.Flow(f, nil, rand.NewPCG(3, 4)); err != nil {
				t.Error(err)
			}
		})
	}
}

// moved returns the fields of x on an h×w lattice, moved by dy and dx and with the given sign.
func moved(x *mat.Dense, h, w, dy, dx int, sign float64) *mat.Dense {
	n, c := x.Dims()
	y := mat.NewDense(n, c, nil)
	for i := range n {
		for r := range h {
			for s := range w {
				y.Set(i, (r+dy)%h*w+(s+dx)%w, sign*x.At(i, r*w+s))
			}
		}
	}
	return y
}

// The density of a lattice model is the same for a field that is translated by an even number of steps; for an odd number it is not. If
// it is asked for, it is that of the field with the other sign.
func TestLatticeSymmetries(t *testing.T) {
	for _, symmetric := range []bool{false, true} {
		m := grids.NewLatticeFlow(shape(4, 6, 1), &grids.LatticeOptions{Layers: 4, Hidden: 5, Symmetric: symmetric}, source())
		perturb(m, rand.New(rand.NewPCG(3, 4)))
		x := m.Sample(5, rand.NewPCG(5, 6))
		want := m.LogProb(x)
		for name, c := range map[string]struct {
			x    *mat.Dense
			same bool
		}{
			"translated by 1, 1":  {moved(x, 4, 6, 1, 1, 1), true},
			"translated by 2, 4":  {moved(x, 4, 6, 2, 4, 1), true},
			"translated by 0, 1":  {moved(x, 4, 6, 0, 1, 1), false},
			"with the other sign": {moved(x, 4, 6, 0, 0, -1), symmetric},
		} {
			got := m.LogProb(c.x)
			for i := range want {
				if same := math.Abs(got[i]-want[i]) < 1e-10*math.Abs(want[i]); same != c.same {
					t.Errorf("symmetric %t: the log-density of row %d %s is %v, without %v; want the same: %t", symmetric, i, name, got[i], want[i], c.same)
				}
			}
		}
	}
}

// Trained on the action of the free field alone, the model knows its integral.
func TestLatticeFlowLearns(t *testing.T) {
	free := targets.Phi4{L: 4, M2: 2}
	m := grids.NewLatticeFlow(shape(4, 4, 1), &grids.LatticeOptions{Layers: 4, Hidden: 6, Depth: 1, Symmetric: true}, source()).WithPrecision(ad.Float32)
	_, err := nf.Fit(context.Background(), m.ReverseKL(free, 64, nil), nil, &nf.FitOptions{Steps: 150, Schedule: nf.Cosine(2e-2, 10, 150)}, source())
	if err != nil {
		t.Fatal(err)
	}
	const n = 8000
	x, logWeights := m.ImportanceSample(free, n, rand.NewPCG(5, 6))
	if ess := eval.EffectiveSampleSize(logWeights) / n; !(ess > 0.8) {
		t.Errorf("an effective sample size of %v, want more than 0.8", ess)
	}
	if got, want := eval.LogNormalizer(logWeights), free.FreeLogNormalizer(); math.Abs(got.Value-want) > 4*got.Error {
		t.Errorf("ln Z is %v, want %v", got, want)
	}
	states, acceptance, err := montecarlo.IndependenceMetropolis(logWeights, rand.NewPCG(7, 8))
	if err != nil {
		t.Fatal(err)
	}
	squares := make([]float64, n) // of the field, along the chain
	for i, s := range states {
		squares[i] = floats.Dot(x.RawRowView(s), x.RawRowView(s)) / 16
	}
	tau, err := eval.AutocorrelationTime([][]float64{squares})
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0 // ½ Σ 1/(m² + k̂²)/L²
	for i := range 4 {
		for j := range 4 {
			a, b := math.Sin(math.Pi*float64(i)/4), math.Sin(math.Pi*float64(j)/4)
			want += 0.5 / (2 + 4*a*a + 4*b*b) / 16
		}
	}
	mean, sd := stat.MeanStdDev(squares, nil)
	if stdErr := sd * math.Sqrt(2*tau.Value/n); math.Abs(mean-want) > 4*stdErr || acceptance < 0.7 || tau.Value > 2 {
		t.Errorf("⟨φ²⟩ is %v ± %v along a chain with acceptance %v and autocorrelation time %v, want %v", mean, stdErr, acceptance, tau, want)
	}
}

// No couplings and networks without hidden layers are asked for by −1, as 0 means the defaults.
func TestLatticeFlowWithoutLayers(t *testing.T) {
	linear := grids.NewLatticeFlow(shape(4, 4, 1), &grids.LatticeOptions{Layers: 2, Depth: -1}, source())
	if n := len(linear.Params()); n != 6 { // those of the base, and a weight and a bias in each coupling
		t.Errorf("two couplings with linear networks have %d parameters, want 6", n)
	}
	if _, err := linear.ReverseKL(targets.Phi4{L: 4, M2: 2}, 8, nil).LossGrad(nil, source()); err != nil {
		t.Error(err)
	}
	if m := grids.NewLatticeFlow(shape(4, 4, 1), &grids.LatticeOptions{Layers: -1}, source()); len(m.Flows()) != 0 {
		t.Errorf("a model without layers has %d", len(m.Flows()))
	}
}

func TestLatticeMisuse(t *testing.T) {
	net := grids.NewConvNet2d(shape(4, 4, 1), []int{2}, []int{3}, nil, source())
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"odd lattice": {func() { grids.NewLatticeFlow(shape(4, 5, 1), nil, source()) }, "grids: NewLatticeCoupling: got mask {Rows:1 Columns:1 Period:2 Phase:0} for a 4×5×1 lattice, want a period of 2 or more, a phase below it, and a pattern that goes on across the boundaries"},
		"empty":       {func() { grids.NewLatticeCoupling(shape(4, 4, 1), grids.Mask{2, 2, 2, 0}, net, nil) }, "grids: NewLatticeCoupling: got mask {Rows:2 Columns:2 Period:2 Phase:0} for a 4×4×1 lattice, which changes 16 sites and keeps 0, want some of both"},
		"network":     {func() { grids.NewLatticeCoupling(shape(4, 6, 1), grids.Mask{1, 1, 2, 0}, net, nil) }, "grids: NewLatticeCoupling: got a network from 16 to 32 columns for a 4×6×1 lattice, want 24 to 48"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover(); fmt.Sprint(got) != c.want {
					t.Errorf("got panic %v, want %q", got, c.want)
				}
			}()
			c.f()
		})
	}
}
