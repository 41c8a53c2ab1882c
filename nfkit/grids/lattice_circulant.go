package grids

import (
	"math"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Circulant is a linear map of scalar fields on a periodic lattice that is diagonal in plane waves,
//
//	x = C·z,  C[r, r′] = 1/V · Σₖ e^{aₖ}·cos(k·(r − r′)),  ln|det J| = Σₖ aₖ,
//
// over the V wave vectors k = 2π(m/height, n/width). a is the same for all k that reflections, and on a square lattice the exchange of the axes,
// take to each other; so C commutes with these and with all translations, is symmetric, and has the eigenvalues e^{aₖ}. White noise becomes a
// Gaussian field with the propagator e^{2aₖ}: the free field with mass m of targets.Phi4 is aₖ = −½ ln 2(m² + k̂²).
//
// It starts as the identity. Cost O(nV²), as a dense layer.
type Circulant struct {
	lattice Shape
	a       *ad.Param // 1×m for m classes of wave vectors
	waves   []float64 // m×m, by wave vector and offset: the sum of the cosines over a class, divided by V
	sizes   []float64 // of the classes
	index   []int     // V×V: the class of each offset
}

var _ nf.Flow = (*Circulant)(nil)

// NewCirculant returns the flow for fields on a lattice. It panics when there is more than one channel.
func NewCirculant(lattice Shape) *Circulant {
	checkScalar("NewCirculant", lattice)
	o, v := offsets{lattice.Height, lattice.Width}, lattice.Sites()
	// Wave vectors and offsets have the same classes. first has an offset of each.
	class, first, known := make([]int, v), []int{}, map[[2]int]int{}
	for i := range v {
		y, x := o.folded(i)
		if o.height == o.width {
			y, x = min(y, x), max(y, x)
		}
		if _, ok := known[[2]int{y, x}]; !ok {
			known[[2]int{y, x}] = len(first)
			first = append(first, i)
		}
		class[i] = known[[2]int{y, x}]
	}
	m := len(first)
	c := &Circulant{lattice: lattice, a: ad.NewParam(1, m, make([]float64, m)), waves: make([]float64, m*m), sizes: make([]float64, m), index: make([]int, 0, v*v)}
	for k, class := range class {
		c.sizes[class]++
		for j, r := range first {
			turns := float64(k/o.width*(r/o.width))/float64(o.height) + float64(k%o.width*(r%o.width))/float64(o.width)
			c.waves[class*m+j] += math.Cos(2*math.Pi*turns) / float64(v)
		}
	}
	for a := range v {
		for b := range v {
			c.index = append(c.index, class[o.between(a, b)])
		}
	}
	return c
}

// Dim returns the number of sites.
func (c *Circulant) Dim() int { return c.lattice.Size() }

// Forward returns x = C·z.
func (c *Circulant) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Circulant.Forward", z, c.Dim())
	return c.apply(z, z.Tape().Param(c.a))
}

// Inverse returns z = C⁻¹·x.
func (c *Circulant) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Circulant.Inverse", x, c.Dim())
	return c.apply(x, x.Tape().Param(c.a).Neg())
}

// apply multiplies v by the matrix with the eigenvalues e^a.
func (c *Circulant) apply(v, a *ad.Value) (u, logDet *ad.Value) {
	t, d, m := v.Tape(), c.Dim(), len(c.sizes)
	kernel := a.Exp().MatMul(t.Const(m, m, c.waves))
	logDet = a.Mul(t.Const(1, m, c.sizes)).RowSum().Repeat(v.Rows())
	return v.Linear(kernel.Columns(c.index).Reshape(d, d), nil), logDet
}

// State lists a as log_spectrum.
func (c *Circulant) State() nf.State {
	return nf.State{nf.ParamTensor("log_spectrum", c.a, len(c.sizes))}
}
