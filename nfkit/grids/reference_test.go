package grids_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

// referenceValues is what testdata/make.py computes with the weights in a file of the same name: log-densities, or the outputs of a network.
type referenceValues struct{ Input, Context, Output [][]float64 }

func dense(rows [][]float64) *mat.Dense {
	x := mat.NewDense(len(rows), len(rows[0]), nil)
	for i, row := range rows {
		x.SetRow(i, row)
	}
	return x
}

// referenceGlow is the model of two levels of one block with the given bases.
func referenceGlow(base func(s grids.Shape) nf.Base) *nf.NormalizingFlow {
	image, half := shape(4, 8, 2), shape(2, 4, 4)
	levels := [][]nf.Flow{}
	for _, data := range []grids.Shape{half, image} {
		squeeze := grids.NewSqueeze(data)
		block := grids.NewGlowBlock(squeeze.Latent(), 5, &grids.GlowBlockOptions{Leaky: 0.1}, source())
		levels = append(levels, []nf.Flow{block, squeeze})
	}
	return grids.NewMultiscaleFlow([]nf.Base{base(shape(1, 2, 16)), base(half)}, levels,
		[]nf.Flow{grids.NewMerge(shape(2, 4, 8), nf.SplitChannel)}, nf.NewLogit(image.Size(), 0.05))
}

// referenceModels are what make.py has, with other parameters.
var referenceModels = map[string]nf.Stateful{
	"glow_class_cond_diag": grids.NewGlow(shape(4, 8, 2), &grids.GlowOptions{Blocks: 2, Hidden: 5, Classes: 3, Block: grids.GlowBlockOptions{Leaky: 0.1}}, source()),
	"glow_glow_base":       referenceGlow(func(s grids.Shape) nf.Base { return grids.NewGlowBase(s, 3) }),
	"glow_affine_gaussian": referenceGlow(func(s grids.Shape) nf.Base {
		return grids.NewAffineGaussian(s, shape(1, 1, s.Channels), 3)
	}),
	"residual_net": grids.NewConvResidualNet(shape(4, 8, 2), 3, 4, &grids.ConvResidualNetOptions{Context: 3}, source()),
}

// Whole models, and a network, have the names and the numbers of the reference: its files load and give what it computes.
func TestReferenceFiles(t *testing.T) {
	text, err := os.ReadFile("testdata/values.json")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]referenceValues
	if err := json.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	if len(values) != len(referenceModels) {
		t.Errorf("there are values of %d models, want %d", len(values), len(referenceModels))
	}
	for name, m := range referenceModels {
		v := values[name]
		if err := nf.Load("testdata/"+name+".pt", m); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		x, y := dense(v.Input), dense(v.Context)
		var got []float64
		switch m := m.(type) {
		case *nf.NormalizingFlow:
			got = m.Given(y).LogProb(x)
		case nf.Net:
			tape := ad.NewTape(ad.Float64)
			constant := func(x *mat.Dense) *ad.Value { n, c := x.Dims(); return tape.Const(n, c, x.RawMatrix().Data) }
			got = m.Apply(constant(x), constant(y)).Data()
		}
		want := dense(v.Output).RawMatrix().Data
		if len(got) != len(want) {
			t.Fatalf("%s: got %d numbers, want %d", name, len(got), len(want))
		}
		for i := range want {
			if !(math.Abs(got[i]-want[i]) <= 1e-9*max(1, math.Abs(want[i]))) {
				t.Errorf("%s: number %d is %v, want %v", name, i, got[i], want[i])
			}
		}
	}
}

// A network may have one row of context for all grids.
func TestConvResidualNetContext(t *testing.T) {
	net := grids.NewConvResidualNet(shape(2, 3, 2), 3, 4, &grids.ConvResidualNetOptions{Context: 2}, source())
	perturb(net, rand.New(source()))
	tape := ad.NewTape(ad.Float64)
	x := make([]float64, 5*12)
	for i := range x {
		x[i] = math.Sin(float64(i))
	}
	v := tape.Const(5, 12, x)
	got := net.Apply(v, tape.Const(1, 2, []float64{0.3, -1})).Data()
	for i, want := range net.Apply(v, tape.Const(5, 2, []float64{0.3, -1, 0.3, -1, 0.3, -1, 0.3, -1, 0.3, -1})).Data() {
		if got[i] != want {
			t.Fatalf("number %d is %v with a row of context for all, %v with one for each", i, got[i], want)
		}
	}
}
