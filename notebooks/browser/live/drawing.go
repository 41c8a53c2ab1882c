package live

import (
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Brush is the standard deviation of the paint across a stroke.
const Brush = 0.15

// Drawing is the density of paint: even along strokes, normal around them.
type Drawing struct {
	lines [][2]point // in the order of the strokes
	paint []float64  // of the lines up to each, that one included
}

type point [2]float64

var _ nf.Sampler = (*Drawing)(nil)

// NewDrawing returns the density of strokes. Each is a sequence of points x₀, y₀, x₁, y₁, …, joined by lines of as much paint as
// they are long; its beginning has a Brush of paint, so that a single point has some too. It returns nil if there is no point.
func NewDrawing(strokes [][]float64) *Drawing {
	d := &Drawing{}
	total := 0.0
	for _, s := range strokes {
		for k := 0; k+1 < len(s); k += 2 {
			from, to := max(k-2, 0), k
			total += math.Hypot(s[to]-s[from], s[to+1]-s[from+1])
			if k == 0 {
				total += Brush
			}
			d.lines = append(d.lines, [2]point{{s[from], s[from+1]}, {s[to], s[to+1]}})
			d.paint = append(d.paint, total)
		}
	}
	if total == 0 {
		return nil
	}
	return d
}

// Sample returns n points of paint.
func (d *Drawing) Sample(n int, src rand.Source) *mat.Dense {
	r, x := rand.New(src), mat.NewDense(n, 2, nil)
	for i := range n {
		u := r.Float64() * d.paint[len(d.paint)-1]
		line := d.lines[sort.SearchFloat64s(d.paint, u)]
		t := r.Float64()
		for j := range 2 {
			x.Set(i, j, line[0][j]+t*(line[1][j]-line[0][j])+Brush*r.NormFloat64())
		}
	}
	return x
}
