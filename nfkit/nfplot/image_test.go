package nfplot

import (
	"bytes"
	"image"
	"image/color"
	"math/rand/v2"
	"reflect"
	"testing"
)

// figures are the sizes of figure that a page on a flow has.
func figures() map[string]Drawing {
	grid := NewGrid(-0.5, 2.1, 100, -3, 6, 120)
	scale := BlueRed("Probability Density", 0, 0.4)
	var items []Drawing
	for k := range 9 {
		s := 1 + float64(k)/8
		items = append(items, New("Epoch", "a", "b", Heat(grid.Eval(func(a, b float64) float64 { return normal(a, 1, s) * normal(b, a, s) }), scale)))
	}
	wide := BlueRed("Probability Density")
	density := New("", "a", "b", Heat(NewGrid(0.95, 2.05, 500, -3, 7, 500).Eval(target), wide))
	Add(density, bands()...)
	return map[string]Drawing{
		"panels":  Panels(append(items, scale.Bar())...),
		"density": Row(density, wide.Bar()).Size(600, 520),
		"loss":    Loss(losses(1000)),
		"samples": New("Samples", "a", "b", Scatter(samples(1000), Alpha(Steel, 0.5))),
	}
}

func TestFiguresAreSmallAndReproducible(t *testing.T) {
	for name, d := range figures() {
		file := PNG(d)
		if len(file) > 140<<10 {
			t.Errorf("%s: %d bytes, want at most 140 KB", name, len(file))
		}
		if !bytes.Equal(PNG(d), file) {
			t.Errorf("%s: two drawings differ", name)
		}
		if corner := decode(t, file).At(0, 0); !sameColor(corner, color.White, 0) {
			t.Errorf("%s: the page is %v, want white", name, corner)
		}
	}
	// Ten thousand translucent dots are noise, which nothing compresses well.
	if file := PNG(Row(New("", "a", "b", Scatter(samples(10000), Alpha(Steel, 0.15)))).Size(540, 520)); len(file) > 200<<10 {
		t.Errorf("10 000 dots: %d bytes, want at most 200 KB", len(file))
	}
}

func TestQuantizeKeepsFewColors(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 32, 8))
	for i := range 256 {
		img.SetRGBA(i%32, i/32, color.RGBA{uint8(i), uint8(255 - i), uint8(i * i), 255})
	}
	p := quantize(img, 256)
	for y := range 8 {
		for x := range 32 {
			if !sameColor(p.At(x, y), img.At(x, y), 0) {
				t.Errorf("pixel %d, %d is %v, want %v", x, y, p.At(x, y), img.At(x, y))
			}
		}
	}
}

func TestQuantizeManyColors(t *testing.T) {
	const side = 128
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), uint8(x), 255})
		}
	}
	p := quantize(img, 256)
	if len(p.Palette) != 256 {
		t.Errorf("%d colours, want 256", len(p.Palette))
	}
	// 256 equal cells of the 128×128 colours have 8×8 colours, the farthest from the mean 4 away in each channel.
	for y := range side {
		for x := range side {
			if !sameColor(p.At(x, y), img.At(x, y), 8) {
				t.Fatalf("pixel %d, %d is %v, want %v", x, y, p.At(x, y), img.At(x, y))
			}
		}
	}
}

// The order of the colours included, whether they are few enough to be kept or not: the same drawing gives the same file.
func TestQuantizeDoesNotDependOnMapOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	img := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.IntN(256)) | uint8(255*(i%4/3))
	}
	for _, n := range []int{64, 256} {
		first := quantize(img, n)
		for range 5 {
			if again := quantize(img, n); !reflect.DeepEqual(again, first) {
				t.Fatalf("of %d colours, the same image gets other ones", n)
			}
		}
	}
}
