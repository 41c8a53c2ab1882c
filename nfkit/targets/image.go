package targets

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ImagePriorOptions are the options of [NewImagePrior].
type ImagePriorOptions struct {
	X, Y [2]float64 // the rectangle that the image covers; zeros mean −3 to 3
}

// ImagePrior is a picture as a density: constant on each pixel and proportional to its brightness, upright as it is
// seen. It is normalised,
//
//	p(x) = brightness / (Σ brightness · area of a pixel),
//
// and −Inf in logarithm on black pixels and outside the picture. Its twin in normflows is ImagePrior, which leaves out
// the area and continues the border pixels to infinity.
type ImagePrior struct {
	x, y          [2]float64
	width, height int
	mass          []float64 // of each pixel, from the upper left, by rows
}

var _ Target = (*ImagePrior)(nil)

// NewImagePrior returns the density of the picture m, whose colours are taken as shades of grey. A nil opts means the
// defaults. It returns an error when the picture has no pixels or is black, and panics when m is nil or the rectangle is
// not one.
func NewImagePrior(m image.Image, opts *ImagePriorOptions) (*ImagePrior, error) {
	if m == nil {
		panic("targets: NewImagePrior: got a nil image")
	}
	b := m.Bounds()
	p := &ImagePrior{x: [2]float64{-3, 3}, y: [2]float64{-3, 3}, width: b.Dx(), height: b.Dy()}
	if opts != nil && opts.X != [2]float64{} {
		p.x = opts.X
	}
	if opts != nil && opts.Y != [2]float64{} {
		p.y = opts.Y
	}
	w, h := p.x[1]-p.x[0], p.y[1]-p.y[0]
	if area := w * h; !(w > 0 && h > 0 && area >= 1e-200 && area <= 1e200) {
		panic(fmt.Sprintf("targets: NewImagePrior: got X %v and Y %v, want intervals from low to high with an area from 1e-200 to 1e200", p.x, p.y))
	}
	var sum float64
	for row := b.Min.Y; row < b.Max.Y; row++ {
		for column := b.Min.X; column < b.Max.X; column++ {
			grey := float64(color.Gray16Model.Convert(m.At(column, row)).(color.Gray16).Y)
			p.mass = append(p.mass, grey)
			sum += grey
		}
	}
	if sum == 0 {
		return nil, fmt.Errorf("targets: NewImagePrior: the %d×%d picture has no pixel that is not black, so it is no density", p.width, p.height)
	}
	for i := range p.mass {
		p.mass[i] /= sum
	}
	return p, nil
}

// area returns the area of a pixel.
func (p *ImagePrior) area() float64 {
	return (p.x[1] - p.x[0]) / float64(p.width) * ((p.y[1] - p.y[0]) / float64(p.height))
}

// Dim returns 2.
func (*ImagePrior) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. It has gradient 0.
func (p *ImagePrior) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(p, x)
	area := p.area()
	return pieces(x, func(x, y float64) float64 {
		if x < p.x[0] || x > p.x[1] || y < p.y[0] || y > p.y[1] {
			return math.Inf(-1)
		}
		column := min(int((x-p.x[0])/(p.x[1]-p.x[0])*float64(p.width)), p.width-1)
		row := min(int((p.y[1]-y)/(p.y[1]-p.y[0])*float64(p.height)), p.height-1)
		return math.Log(p.mass[row*p.width+column] / area)
	})
}

// LogNormalizer returns 0.
func (*ImagePrior) LogNormalizer() float64 { return 0 }

// Entropy returns −Σ m·ln(m/area), where m is the mass of a pixel.
func (p *ImagePrior) Entropy() float64 {
	h, area := 0.0, p.area()
	for _, m := range p.mass {
		if m > 0 {
			h -= m * math.Log(m/area)
		}
	}
	return h
}

// LogProb returns ln p of each row of x.
func (p *ImagePrior) LogProb(x mat.Matrix) []float64 { return logProb(p, x) }

// Sample draws n points exactly: a pixel, then a point of it.
func (p *ImagePrior) Sample(n int, src rand.Source) *mat.Dense {
	pixel := distuv.NewCategorical(p.mass, src)
	return sample(p, n, src, func(x []float64, r *rand.Rand) {
		i := int(pixel.Rand())
		u := (float64(i%p.width) + r.Float64()) / float64(p.width)
		v := (float64(i/p.width) + r.Float64()) / float64(p.height)
		x[0], x[1] = p.x[0]+u*(p.x[1]-p.x[0]), p.y[1]-v*(p.y[1]-p.y[0])
	})
}
