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
		"kernels":      grids.NewKernelCoupling(shape(2, 4, 1), grids.Mask{1, 1, 2, 1}, &grids.KernelCouplingOptions{Hidden: 3}, source()),
		"even":         grids.NewKernelCoupling(shape(4, 2, 1), grids.Mask{1, 1, 2, 0}, &grids.KernelCouplingOptions{Hidden: 3, Symmetric: true}, source()),
		"odd lattice":  grids.NewKernelCoupling(shape(3, 3, 1), grids.Mask{1, 2, 3, 2}, &grids.KernelCouplingOptions{Hidden: 2, Symmetric: true}, source()),
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

// Each layer commutes with the symmetries that it claims, and with no others.
func TestLatticeSymmetries(t *testing.T) {
	on := shape(4, 6, 1)
	for name, c := range map[string]struct {
		flow              nf.Flow
		even, odd, parity bool // symmetric under translations by an even and by an odd number of steps, and under φ → −φ
	}{
		"circulant":           {grids.NewCirculant(on), true, true, true},
		"site spline":         {grids.NewSiteSpline(on, nil), true, true, false},
		"odd site spline":     {grids.NewSiteSpline(on, &grids.SiteSplineOptions{Odd: true}), true, true, true},
		"kernels":             {grids.NewKernelCoupling(on, grids.Mask{1, 1, 2, 0}, nil, source()), true, false, false},
		"symmetric kernels":   {grids.NewKernelCoupling(on, grids.Mask{1, 1, 2, 0}, &grids.KernelCouplingOptions{Symmetric: true}, source()), true, false, true},
		"convolutions":        {latticeCoupling(on, grids.Mask{1, 1, 2, 0}, nf.ScaleExp, false, 0), true, false, false},
		"symmetric couplings": {latticeCoupling(on, grids.Mask{1, 1, 2, 0}, nf.ScaleExp, true, 0), true, false, true},
	} {
		m := nf.NewNormalizingFlow(nf.NewDiagGaussian(24, &nf.DiagGaussianOptions{Fixed: true}), []nf.Flow{c.flow})
		perturb(m, rand.New(rand.NewPCG(3, 4)))
		x := m.Sample(5, rand.NewPCG(5, 6))
		want := m.LogProb(x)
		for what, c := range map[string]struct {
			x    *mat.Dense
			same bool
		}{
			"translated by 1, 1":  {moved(x, 4, 6, 1, 1, 1), c.even},
			"translated by 2, 4":  {moved(x, 4, 6, 2, 4, 1), c.even},
			"translated by 0, 1":  {moved(x, 4, 6, 0, 1, 1), c.odd},
			"with the other sign": {moved(x, 4, 6, 0, 0, -1), c.parity},
		} {
			got := m.LogProb(c.x)
			for i := range want {
				if same := math.Abs(got[i]-want[i]) < 1e-10*math.Abs(want[i]); same != c.same {
					t.Errorf("%s: the log-density of row %d %s is %v, without %v; want the same: %t", name, i, what, got[i], want[i], c.same)
				}
			}
		}
	}
	square := nf.NewNormalizingFlow(nf.NewDiagGaussian(16, &nf.DiagGaussianOptions{Fixed: true}), []nf.Flow{grids.NewCirculant(shape(4, 4, 1))})
	perturb(square, rand.New(rand.NewPCG(3, 4)))
	x := square.Sample(1, rand.NewPCG(5, 6))
	turned := mat.NewDense(1, 16, nil)
	for i := range 16 {
		turned.Set(0, i%4*4+3-i/4, x.At(0, i))
	}
	if got, want := square.LogProb(turned)[0], square.LogProb(x)[0]; math.Abs(got-want) > 1e-10*math.Abs(want) {
		t.Errorf("the log-density of a field turned by a quarter is %v, without %v", got, want)
	}
}

// A circulant with the spectrum of the free field is that field: all weights are its normaliser.
func TestCirculantFreeField(t *testing.T) {
	const l = 6
	free := targets.Phi4{L: l, M2: 0.7}
	c := grids.NewCirculant(shape(l, l, 1))
	spectrum, seen := c.State()[0].Param.Data, map[[2]int]bool{}
	k := 0
	for y := range l {
		for x := range l {
			a, b := min(y, l-y), min(x, l-x)
			if key := [2]int{min(a, b), max(a, b)}; !seen[key] { // in the order of their first appearance
				seen[key] = true
				sa, sb := 2*math.Sin(math.Pi*float64(a)/l), 2*math.Sin(math.Pi*float64(b)/l)
				spectrum[k] = -0.5 * math.Log(2*(free.M2+sa*sa+sb*sb))
				k++
			}
		}
	}
	if k != len(spectrum) {
		t.Fatalf("the spectrum has %d numbers, want %d", len(spectrum), k)
	}
	c.State().Changed()
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(l*l, &nf.DiagGaussianOptions{Fixed: true}), []nf.Flow{c})
	_, logWeights := m.ImportanceSample(free, 10, rand.NewPCG(5, 6))
	for i, got := range logWeights {
		if want := free.FreeLogNormalizer(); math.Abs(got-want) > 1e-11 {
			t.Errorf("the logarithm of weight %d is %v, want ln Z = %v", i, got, want)
		}
	}
}

// Trained on the action of the free field alone, the model knows its integral.
func TestLatticeFlowLearns(t *testing.T) {
	free := targets.Phi4{L: 4, M2: 2}
	m := grids.NewLatticeFlow(shape(4, 4, 1), &grids.LatticeOptions{Blocks: 1, Hidden: 6, Symmetric: true}, source()).WithPrecision(ad.Float32)
	_, err := nf.Fit(context.Background(), m.ReverseKL(free, 64, nil), nil, &nf.FitOptions{Steps: 150, Schedule: nf.Cosine(5e-2, 10, 150)}, source())
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

// A model starts as its base, has no layers if −1 asks for none, and is finite far away.
func TestLatticeFlowStart(t *testing.T) {
	if m := grids.NewLatticeFlow(shape(4, 4, 1), &grids.LatticeOptions{Blocks: -1}, source()); len(m.Flows()) != 0 {
		t.Errorf("a model without blocks has %d layers", len(m.Flows()))
	}
	m := grids.NewLatticeFlow(shape(4, 4, 1), nil, source())
	x := mat.NewDense(3, 16, nil)
	for j := range 16 {
		x.Set(1, j, math.Sin(float64(j)))
		x.Set(2, j, 1e150)
	}
	got := m.LogProb(x)
	for i := range got {
		row := x.RawRowView(i)
		want := -0.5*floats.Dot(row, row) - 8*math.Log(2*math.Pi)
		if math.Abs(got[i]-want) > 1e-10*math.Abs(want) {
			t.Errorf("the log-density of row %d is %v at the start, want %v", i, got[i], want)
		}
	}
	perturb(m, rand.New(rand.NewPCG(3, 4)))
	if got := m.LogProb(x); math.IsNaN(got[2]) || math.IsInf(got[2], 0) {
		t.Errorf("the log-density far away is %v", got[2])
	}
}

func TestLatticeMisuse(t *testing.T) {
	net := grids.NewConvNet2d(shape(4, 4, 1), []int{2}, []int{3}, nil, source())
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"options":     {func() { grids.NewLatticeFlow(shape(4, 4, 1), &grids.LatticeOptions{Blocks: -2, Hidden: 3}, source()) }, "grids: NewLatticeFlow: got -2 blocks, 3 hidden and 0 bins, want none negative but −1 for no blocks"},
		"channels":    {func() { grids.NewCirculant(shape(4, 4, 2)) }, "grids: NewCirculant: got a 4×4×2 lattice, want 1 channel"},
		"bins":        {func() { grids.NewSiteSpline(shape(4, 4, 1), &grids.SiteSplineOptions{Bins: 1}) }, "grids: NewSiteSpline: got 1 bins and bound 0, want 2 to 999, and a positive number or 0"},
		"source":      {func() { grids.NewKernelCoupling(shape(4, 4, 1), grids.Mask{1, 1, 2, 0}, nil, nil) }, "grids: NewKernelCoupling: got 8 hidden and source <nil>, want 1 or more, or 0 for the default, and a source as rand.NewPCG(1, 2)"},
		"columns":     {func() { grids.NewCirculant(shape(4, 4, 1)).Forward(ad.NewTape(ad.Float64).Full(2, 15, 1), nil) }, "grids: Circulant.Forward: got a 2×15 batch, want 16 columns"},
		"odd lattice": {func() { grids.NewLatticeFlow(shape(4, 5, 1), nil, source()) }, "grids: NewKernelCoupling: got mask {Rows:1 Columns:1 Period:2 Phase:0} for a 4×5×1 lattice, want a period of 2 or more, a phase below it, and a pattern that goes on across the boundaries"},
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
