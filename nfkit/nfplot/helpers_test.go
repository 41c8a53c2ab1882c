package nfplot

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

func normal(x, mean, variance float64) float64 {
	return math.Exp(-(x-mean)*(x-mean)/(2*variance)) / math.Sqrt(2*math.Pi*variance)
}

// target is the density of a ~ U[1, 2], b|a ~ N(a, a).
func target(a, b float64) float64 {
	if a < 1 || a > 2 {
		return 0
	}
	return normal(b, a, a)
}

func samples(n int) *mat.Dense {
	r := rand.New(rand.NewPCG(1, 2))
	ab := mat.NewDense(n, 2, nil)
	for i := range n {
		a := 1 + r.Float64()
		ab.SetRow(i, []float64{a, a + math.Sqrt(a)*r.NormFloat64()})
	}
	return ab
}

func losses(n int) []float64 {
	r := rand.New(rand.NewPCG(3, 4))
	l := make([]float64, n)
	for i := range l {
		l[i] = 1.64 + 3.4*math.Exp(-float64(i)/6) + 0.05*r.NormFloat64()
	}
	return l
}

func bands() []Layer {
	std := func(k float64) func(float64) float64 {
		return func(a float64) float64 { return a + k*math.Sqrt(a) }
	}
	return []Layer{
		Curve("Mean", std(0), 1, 2, Solid(Red)),
		Curve("1 STD", std(1), 1, 2, Dashed(Blue)),
		Curve("", std(-1), 1, 2, Dashed(Blue)),
	}
}

func decode(t *testing.T, file []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("png.Decode: %v", err)
	}
	return img
}

// samePicture reports whether two drawings have the same pixels.
func samePicture(a, b Drawing) bool { return bytes.Equal(render(a, 1).Pix, render(b, 1).Pix) }

func sameColor(got, want color.Color, tolerance int) bool {
	r1, g1, b1, _ := got.RGBA()
	r2, g2, b2, _ := want.RGBA()
	near := func(a, b uint32) bool { return max(a, b)-min(a, b) <= uint32(tolerance)*0x101 }
	return near(r1, r2) && near(g1, g2) && near(b1, b2)
}

func drawCanvas(width, height vg.Length) draw.Canvas { return draw.New(vgimg.New(width, height)) }
