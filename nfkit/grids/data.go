package grids

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Dequantized is a data set of images whose pixels are whole numbers k from 0 to m−1. Each time a row is drawn it gets noise of its own:
//
//	x = (k + u)/m,  u uniform in [0, 1),
//
// a point of [0, 1) with a density. The mean of ln q(x) is a lower bound of the log-probability of the pixels under the model, minus d·ln m; see
// [BitsPerDim]. Theis, van den Oord & Bethge 2016, arXiv:1511.01844, section 3.1. Its twin in normflows is utils.Jitter.
type Dequantized struct {
	rows   *nf.Rows
	pixels int
	levels float64
}

var _ nf.Sampler = (*Dequantized)(nil)

// NewDequantized returns the data set of the rows of pixels, whole numbers below levels. context, which may be nil, has a row for each of
// them, whose columns follow those of the pixels: the classes of a class-conditional model, see [OneHot]. It returns an error when a pixel is not one
// of the numbers, and panics when there are no rows, levels is not 2 or more, or context has another number of rows.
func NewDequantized(pixels mat.Matrix, levels int, context mat.Matrix) (*Dequantized, error) {
	n, d := pixels.Dims()
	if levels < 2 || n == 0 {
		panic(fmt.Sprintf("grids: NewDequantized: got %d rows and %d levels, want 1 row or more and 2 levels or more", n, levels))
	}
	if err := checkPixels("NewDequantized", pixels, levels); err != nil {
		return nil, err
	}
	if context != nil {
		pixels = nf.JoinColumns(pixels, context)
	}
	return &Dequantized{nf.NewRows(pixels), d, float64(levels)}, nil
}

// checkPixels returns an error unless all pixels are whole numbers below levels.
func checkPixels(caller string, pixels mat.Matrix, levels int) error {
	n, d := pixels.Dims()
	for i := range n {
		for j := range d {
			if k := pixels.At(i, j); !(k >= 0 && k < float64(levels)) || k != math.Trunc(k) {
				return fmt.Errorf("grids: %s: the pixel in row %d and column %d is %v, want a whole number from 0 to %d", caller, i, j, k, levels-1)
			}
		}
	}
	return nil
}

// Len returns the number of rows.
func (q *Dequantized) Len() int { return q.rows.Len() }

// Rows returns the pixels without noise, in their order: what a [nf.Checkpoint] keeps of the data.
func (q *Dequantized) Rows() *nf.Rows { return q.rows }

// Sample returns the next n rows, in an order that is drawn anew after all have come, with new noise.
func (q *Dequantized) Sample(n int, src rand.Source) *mat.Dense {
	x, r := q.rows.Sample(n, src), rand.New(src)
	for i := range n {
		row := x.RawRowView(i)[:q.pixels]
		for j := range row {
			row[j] = min((row[j]+r.Float64())/q.levels, below1)
		}
	}
	return x
}

// below1 is the largest float32 below 1: in either precision a pixel stays in [0, 1).
const below1 = 1 - 1.0/(1<<24)

// BitsPerDim returns the mean number of bits that a model needs for a pixel of one channel,
//
//	log₂ m − mean(ln q(x))/(d·ln 2),
//
// from the log-densities of points with d numbers each, m levels apart by 1/m as [Dequantized] has them. It panics when dim or levels is not
// positive.
func BitsPerDim(logProb []float64, dim, levels int) float64 {
	if dim < 1 || levels < 1 {
		panic(fmt.Sprintf("grids: BitsPerDim: got dimension %d and %d levels, want 1 or more", dim, levels))
	}
	var sum float64
	for _, l := range logProb {
		sum += l
	}
	return math.Log2(float64(levels)) - sum/float64(len(logProb))/(float64(dim)*math.Ln2)
}

// OneHot returns a row for each label, with a 1 in the column of the label and zeros elsewhere. It panics when a label is not one of 0 to
// classes−1, or there are none.
func OneHot(labels []int, classes int) *mat.Dense {
	if len(labels) == 0 || classes < 1 {
		panic(fmt.Sprintf("grids: OneHot: got %d labels and %d classes, want 1 or more", len(labels), classes))
	}
	x := mat.NewDense(len(labels), classes, nil)
	for i, k := range labels {
		if k < 0 || k >= classes {
			panic(fmt.Sprintf("grids: OneHot: label %d is %d, want one of 0 to %d", i, k, classes-1))
		}
		x.Set(i, k, 1)
	}
	return x
}
