package nfkit_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// stirLipschitz gives net weights and biases of unit size, with spectral norms far above the bound, and β away from its
// start.
func stirLipschitz(net *nf.LipschitzMLP, src rand.Source) {
	r := rand.New(src)
	for _, p := range net.State().Params() {
		for i := range p.Data {
			p.Data[i] += r.NormFloat64()
		}
	}
	for range 20 { // to the last digit
		net.UpdateLipschitz()
	}
}

// spectralNorms returns the largest singular value of each W/max(1, uᵀWv/c) of the tensors under prefix.
func spectralNorms(t *testing.T, s nf.State, prefix string, layers int, c float64) []float64 {
	t.Helper()
	var norms []float64
	for i := range layers {
		name := prefix + "net." + string(rune('0'+2*i+1))
		w, u, v := tensorNamed(t, s, name+".weight"), tensorNamed(t, s, name+".u"), tensorNamed(t, s, name+".v")
		m := mat.NewDense(w.Shape[0], w.Shape[1], w.Param.Data)
		var svd mat.SVD
		if !svd.Factorize(m, mat.SVDNone) {
			t.Fatal("no singular values")
		}
		sigma := mat.Inner(mat.NewVecDense(len(u.Floats), u.Floats), m, mat.NewVecDense(len(v.Floats), v.Floats))
		norms = append(norms, svd.Values(nil)[0]/max(1, sigma/c))
	}
	return norms
}

func TestLipschitzMLPSpectralNorms(t *testing.T) {
	net := nf.NewLipschitzMLP([]int{3, 20, 20, 2}, &nf.LipschitzMLPOptions{Lipschitz: 0.8}, rand.NewPCG(1, 2))
	if got, want := net.Lipschitz(), 0.8*0.8*0.8; math.Abs(got-want) > 1e-15 {
		t.Errorf("the bound is %v, want %v", got, want)
	}
	for _, n := range spectralNorms(t, net.State(), "", 3, 0.8)[:2] {
		if math.Abs(n-0.8) > 1e-9 {
			t.Errorf("a new layer has spectral norm %v, want 0.8", n)
		}
	}
	for _, s := range net.State() {
		if strings.HasSuffix(s.Name, "net.5.scale") && !(s.Floats[0] < 1e-2) {
			t.Errorf("the last layer starts with spectral norm %v, want about 1/1000", s.Floats[0])
		}
	}
	stirLipschitz(net, rand.NewPCG(3, 4))
	for i, n := range spectralNorms(t, net.State(), "", 3, 0.8) {
		if math.Abs(n-0.8) > 1e-6 {
			t.Errorf("layer %d has spectral norm %v, want 0.8", i, n)
		}
	}
	clear(tensorNamed(t, net.State(), "net.3.weight").Param.Data) // has no singular vectors to find
	net.UpdateLipschitz()
	if y := net.Apply(ad.NewEvalTape(ad.Float64).Full(1, 3, 1), nil); !y.Finite() {
		t.Errorf("with weights of zero: got %v, want numbers", y.Data())
	}
}

// Outputs move less than inputs, by the bound at least.
func TestLipschitzMLPContracts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for seed := range uint64(5) {
		net := nf.NewLipschitzMLP([]int{2, 16, 2}, nil, rand.NewPCG(seed, 1))
		stirLipschitz(net, rand.NewPCG(seed, 2))
		const n = 500
		x, y := mat.NewDense(n, 2, nil), mat.NewDense(n, 2, nil)
		for i := range n {
			for j := range 2 {
				x.Set(i, j, 3*r.NormFloat64())
				y.Set(i, j, x.At(i, j)+0.1*r.NormFloat64())
			}
		}
		tape := ad.NewEvalTape(ad.Float64)
		gx, gy := net.Apply(tape.Matrix(x), nil).Matrix(), net.Apply(tape.Matrix(y), nil).Matrix()
		largest := 0.0
		for i := range n {
			largest = max(largest, floats.Distance(gx.RawRowView(i), gy.RawRowView(i), 2)/floats.Distance(x.RawRowView(i), y.RawRowView(i), 2))
		}
		if largest > net.Lipschitz() || largest < 0.02 {
			t.Errorf("outputs move up to %v as far as inputs, want at most %v, and not nothing", largest, net.Lipschitz())
		}
	}
}

// swish(0.7) with β = 0.5, as the reference computes it.
func TestLipschitzMLPSwish(t *testing.T) {
	net := nf.NewLipschitzMLP([]int{1, 1}, nil, rand.NewPCG(1, 2))
	s := net.State()
	tensorNamed(t, s, "net.1.weight").Param.Data[0] = 0.5
	tensorNamed(t, s, "net.1.bias").Param.Data[0] = 2
	net.UpdateLipschitz()
	got := net.Apply(ad.NewEvalTape(ad.Float64).Full(1, 1, 0.7), nil).At(0, 0)
	if want := 0.5*0.42264239851478236 + 2; math.Abs(got-want) > 1e-15 {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLipschitzMLPState(t *testing.T) {
	newNet := func(seed uint64) *nf.LipschitzMLP {
		return nf.NewLipschitzMLP([]int{2, 6, 2}, &nf.LipschitzMLPOptions{Context: 1}, rand.NewPCG(seed, 1))
	}
	a, b := newNet(1), newNet(2)
	path := filepath.Join(t.TempDir(), "net.safetensors")
	nf.Check(nf.Save(path, a))
	nf.Check(nf.Load(path, b))
	tape := ad.NewEvalTape(ad.Float64)
	x, c := tape.Const(1, 2, []float64{0.3, -2}), tape.Full(1, 1, 0.5)
	if got, want := b.Apply(x, c).Data(), a.Apply(x, c).Data(); !floats.Equal(got, want) {
		t.Errorf("after loading: got %v, want %v", got, want)
	}
	clear(tensorNamed(t, a.State(), "net.1.u").Floats)
	nf.Check(nf.Save(path, a))
	if err := nf.Load(path, b); err == nil || !strings.Contains(err.Error(), "net.1.u: it has length 0, want 1") {
		t.Errorf("got error %v, want one about net.1.u", err)
	}
}

func TestLipschitzMLPPanics(t *testing.T) {
	src := rand.NewPCG(1, 2)
	net := nf.NewLipschitzMLP([]int{2, 3, 2}, nil, src)
	tape := ad.NewEvalTape(ad.Float64)
	checkMistakes(t, []mistake{
		{"nfkit: NewLipschitzMLP: got layers [2], want at least an input and an output", func() { nf.NewLipschitzMLP([]int{2}, nil, src) }},
		{"nfkit: NewLipschitzMLP: got layers [2 0 2], want widths of 1 or more", func() { nf.NewLipschitzMLP([]int{2, 0, 2}, nil, src) }},
		{"nfkit: NewLipschitzMLP: got Lipschitz 1, want more than 0 and less than 1", func() {
			nf.NewLipschitzMLP([]int{2, 2}, &nf.LipschitzMLPOptions{Lipschitz: 1}, src)
		}},
		{"nfkit: NewLipschitzMLP: got a context of -1 columns, want 0 or more", func() {
			nf.NewLipschitzMLP([]int{2, 2}, &nf.LipschitzMLPOptions{Context: -1}, src)
		}},
		{"nfkit: NewResidual: got a network from 2 to 3 columns, want as many of either", func() {
			nf.NewResidual(nf.NewLipschitzMLP([]int{2, 3}, nil, src), nil)
		}},
		{"nfkit: NewResidual: got a nil network", func() { nf.NewResidual(nil, nil) }},
		{"nfkit: Residual.Forward: got a 2×3 batch, want 2 columns", func() { nf.NewResidual(net, nil).Forward(tape.Full(2, 3, 0), nil) }},
		{"nfkit: Residual.Inverse: got a 2×3 batch, want 2 columns", func() { nf.NewResidual(net, nil).Inverse(tape.Full(2, 3, 0), nil) }},
		{"nfkit: LipschitzMLP.Apply: got a 2×3 batch, want 2 columns", func() { net.Apply(tape.Full(2, 3, 0), nil) }},
		{"nfkit: Residual.Inverse: got a 2×1 context, want 4 columns", func() { conditionalResidual(4).Inverse(tape.Full(2, 2, 0), tape.Full(2, 1, 0)) }},
		{"nfkit: Residual.Forward: got no context, want 4 columns; condition the model with Given", func() { conditionalResidual(4).Forward(tape.Full(2, 2, 0), nil) }},
	})
}

func conditionalResidual(context int) *nf.Residual {
	return nf.NewResidual(nf.NewLipschitzMLP([]int{2, 3, 2}, &nf.LipschitzMLPOptions{Context: context}, rand.NewPCG(1, 2)), nil)
}
