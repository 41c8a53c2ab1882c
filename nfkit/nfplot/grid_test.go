package nfplot

import (
	"bytes"
	"encoding/gob"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

type gaussian struct{}

func (gaussian) LogProb(x mat.Matrix) []float64 {
	n, _ := x.Dims()
	p := make([]float64, n)
	for i := range p {
		p[i] = math.Log(normal(x.At(i, 0), 0, 1)) + math.Log(normal(x.At(i, 1), 1, 0.25))
	}
	return p
}

type logProbs []float64

func (l logProbs) LogProb(mat.Matrix) []float64 { return l }

func TestGridPoints(t *testing.T) {
	p := NewGrid(0, 2, 3, 10, 11, 2).Points()
	want := mat.NewDense(6, 2, []float64{0, 10, 1, 10, 2, 10, 0, 11, 1, 11, 2, 11})
	if !mat.Equal(p, want) {
		t.Errorf("Points:\n%v\nwant\n%v", mat.Formatted(p), mat.Formatted(want))
	}
	if g := NewGrid(3, 3, 1, 0, 1, 2); !slices.Equal(g.X, []float64{3}) {
		t.Errorf("a grid of one x: got %v, want [3]", g.X)
	}
}

func TestDensity(t *testing.T) {
	g := NewGrid(-8, 8, 201, -3, 5, 181)
	d := g.Density(gaussian{})
	e := g.Eval(func(x, y float64) float64 { return normal(x, 0, 1) * normal(y, 1, 0.25) })
	for i, v := range d.Z {
		if math.Abs(v-e.Z[i]) > 1e-15 {
			t.Fatalf("value %d: Density %v, Eval %v", i, v, e.Z[i])
		}
	}
	// The trapezoidal rule is exact to rounding for a Gaussian on so fine a grid.
	if got := d.Integral(); math.Abs(got-1) > 1e-12 {
		t.Errorf("Integral = %v, want 1", got)
	}
	for i, v := range d.MarginalX() {
		if want := normal(g.X[i], 0, 1); math.Abs(v-want) > 1e-12 {
			t.Errorf("MarginalX at %v = %v, want %v", g.X[i], v, want)
		}
	}
	for j, v := range d.MarginalY() {
		if want := normal(g.Y[j], 1, 0.25); math.Abs(v-want) > 1e-12 {
			t.Errorf("MarginalY at %v = %v, want %v", g.Y[j], v, want)
		}
	}
}

func TestDensityKeepsNaN(t *testing.T) {
	f := Grid{X: []float64{0, 1}, Y: []float64{0, 1}}.Density(logProbs{-inf, nan, 0, inf})
	if f.Z[0] != 0 || !math.IsNaN(f.Z[1]) || f.Z[2] != 1 || f.Z[3] != inf {
		t.Errorf("densities %v, want [0 NaN 1 +Inf]", f.Z)
	}
}

func TestAbsDiff(t *testing.T) {
	g := Grid{X: []float64{0, 1, 2}, Y: []float64{0}}
	d := g.Field([]float64{1, 2, nan}).AbsDiff(g.Field([]float64{3, 1, 1}))
	if d.Z[0] != 2 || d.Z[1] != 1 || !math.IsNaN(d.Z[2]) {
		t.Errorf("AbsDiff = %v, want [2 1 NaN]", d.Z)
	}
}

func TestFieldsSurviveGob(t *testing.T) {
	f := NewGrid(0, 1, 2, 0, 1, 2).Field([]float64{1, nan, -inf, 4})
	var b bytes.Buffer
	var got []Field
	if err := gob.NewEncoder(&b).Encode([]Field{f}); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&b).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !slices.Equal(got[0].X, f.X) || !slices.Equal(got[0].Y, f.Y) || !math.IsNaN(got[0].Z[1]) || got[0].Z[2] != -inf || got[0].Z[3] != 4 {
		t.Errorf("got %v, want %v", got, f)
	}
}
