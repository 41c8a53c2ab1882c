package grids

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Invertible1x1ConvOptions are the options of [NewInvertible1x1Conv].
type Invertible1x1ConvOptions struct {
	Plain bool // W itself is trained: use_lu=False of the reference; the default is its LU decomposition
}

// Invertible1x1Conv multiplies the channels of each pixel, as a column vector, by a matrix that is trained:
//
//	z[y, x] = W·x[y, x],  ln|det J| = H·W·ln|det W|
//
// is its Inverse; Forward multiplies by W⁻¹. By default
//
//	W = P·L·(U + diag(σ⊙eˢ)),  ln|det W| = Σ s,
//
// with L lower triangular with ones on its diagonal, U strictly upper triangular, s and the sign σ, one for each channel; the permutation P
// and σ stay what they are. With Plain, W is free, and where it becomes singular ln|det W| is −Inf. Cost O(n·H·W·C² + C³) in either
// direction.
//
// W starts as a random rotation or reflection. Kingma & Dhariwal 2018, arXiv:1807.03039, section 3.2. Its twin in normflows is
// Invertible1x1Conv; nf.InvertibleAffine is the one of vectors.
type Invertible1x1Conv struct {
	shape Shape
	w     *ad.Param // of Plain

	lower, upper, logScale *ad.Param // of the decomposition: C×C, C×C, 1×C
	permutation, sign, eye []float64
	triangles              [2][]int // elements of a C×C matrix below and above its diagonal
}

var _ nf.Flow = (*Invertible1x1Conv)(nil)

// NewInvertible1x1Conv returns the flow for grids of the given shape. A nil opts means the defaults.
func NewInvertible1x1Conv(shape Shape, opts *Invertible1x1ConvOptions, src rand.Source) *Invertible1x1Conv {
	checkShape("NewInvertible1x1Conv", shape)
	d, r := shape.Channels, rand.New(src)
	gauss := mat.NewDense(d, d, nil)
	for i := range gauss.RawMatrix().Data {
		gauss.RawMatrix().Data[i] = r.NormFloat64()
	}
	var qr mat.QR
	var w, lower, upper mat.Dense
	qr.Factorize(gauss)
	qr.QTo(&w)
	if opts != nil && opts.Plain {
		return &Invertible1x1Conv{shape: shape, w: ad.NewParam(d, d, mat.DenseCopyOf(&w).RawMatrix().Data)}
	}
	f := &Invertible1x1Conv{shape: shape, permutation: make([]float64, d*d), eye: make([]float64, d*d)}
	var lu mat.LU
	var l, u mat.TriDense
	lu.Factorize(&w)
	lu.LTo(&l)
	lu.UTo(&u)
	var scale []float64
	for i, pivot := range lu.RowPivots(nil) {
		f.permutation[i*d+pivot], f.eye[i*d+i] = 1, 1
		f.sign = append(f.sign, math.Copysign(1, u.At(i, i)))
		scale = append(scale, math.Log(math.Abs(u.At(i, i))))
		u.SetTri(i, i, 0)
		for j := range d {
			if j < i {
				f.triangles[0] = append(f.triangles[0], i*d+j)
			}
			if j > i {
				f.triangles[1] = append(f.triangles[1], i*d+j)
			}
		}
	}
	lower.CloneFrom(&l)
	upper.CloneFrom(&u)
	f.logScale = ad.NewParam(1, d, scale)
	f.lower, f.upper = ad.NewParam(d, d, lower.RawMatrix().Data), ad.NewParam(d, d, upper.RawMatrix().Data)
	return f
}

// Dim returns the number of columns of a grid.
func (f *Invertible1x1Conv) Dim() int { return f.shape.Size() }

// Forward returns x = W⁻¹·z at each pixel.
func (f *Invertible1x1Conv) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Invertible1x1Conv.Forward", z, f.Dim())
	t, d := z.Tape(), f.shape.Channels
	if f.w != nil {
		inverse, l := t.Param(f.w).Inverse()
		return f.apply(z, inverse, l.Neg())
	}
	lower, upper, diag := f.factors(t)
	columns := t.Const(d, d, f.permutation).TriSolve(ad.Lower, lower, nil).TriSolve(ad.Upper, upper, diag) // of W⁻¹, as rows
	return f.apply(z, columns.Transpose(), t.Param(f.logScale).RowSum().Neg())
}

// Inverse returns z = W·x at each pixel.
func (f *Invertible1x1Conv) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Invertible1x1Conv.Inverse", x, f.Dim())
	t, d := x.Tape(), f.shape.Channels
	if f.w != nil {
		w := t.Param(f.w)
		_, l := w.Inverse()
		return f.apply(x, w, l)
	}
	lower, upper, diag := f.factors(t)
	columns := t.Eye(d).TriMul(ad.Upper, upper, diag).TriMul(ad.Lower, lower, nil).Linear(t.Const(d, d, f.permutation), nil) // of W, as rows
	return f.apply(x, columns.Transpose(), t.Param(f.logScale).RowSum())
}

// factors returns the triangles of L and U, and the diagonal between them, 1×C.
func (f *Invertible1x1Conv) factors(t *ad.Tape) (lower, upper, diag *ad.Value) {
	d := f.shape.Channels
	lower = t.Param(f.lower).Reshape(1, d*d).Columns(f.triangles[0])
	upper = t.Param(f.upper).Reshape(1, d*d).Columns(f.triangles[1])
	return lower, upper, t.Param(f.logScale).Exp().Mul(t.Const(1, d, f.sign))
}

// apply multiplies each pixel of v by w, whose ln|det| is 1×1.
func (f *Invertible1x1Conv) apply(v, w, logDet *ad.Value) (y, l *ad.Value) {
	return v.Conv2D(f.shape, w, nil, ad.PadZero, ad.Identity, 0), logDet.Scale(float64(f.shape.Sites())).Repeat(v.Rows())
}

// State lists W, or L, log_S, U, P, sign_S and eye. Of L and U the halves off their triangles have no influence; eye is the identity matrix,
// which the reference keeps.
func (f *Invertible1x1Conv) State() nf.State {
	d := f.shape.Channels
	if f.w != nil {
		return nf.State{nf.ParamTensor("W", f.w, d, d)}
	}
	return nf.State{
		nf.ParamTensor("L", f.lower, d, d),
		nf.ParamTensor("log_S", f.logScale, d),
		nf.ParamTensor("U", f.upper, d, d),
		{Name: "P", Shape: []int{d, d}, Floats: f.permutation, Check: checkPermutation},
		{Name: "sign_S", Shape: []int{d}, Floats: f.sign, Check: checkSigns},
		{Name: "eye", Shape: []int{d, d}, Floats: f.eye},
	}
}

// checkPermutation returns an error unless each row and each column of a d×d tensor has a 1 and zeros.
func checkPermutation(t nf.Tensor) error {
	d := t.Shape[0]
	rows, columns := make([]int, d), make([]int, d)
	for k, x := range t.Floats {
		if x == 1 {
			rows[k/d]++
			columns[k%d]++
		} else if x != 0 {
			return fmt.Errorf("element %d, %d is %v; a permutation matrix has zeros and ones", k/d, k%d, x)
		}
	}
	for i := range d {
		if rows[i] != 1 || columns[i] != 1 {
			return fmt.Errorf("row %d has %d ones and column %d has %d; a permutation matrix has one in each", i, rows[i], i, columns[i])
		}
	}
	return nil
}

func checkSigns(t nf.Tensor) error {
	for j, s := range t.Floats {
		if s != 1 && s != -1 {
			return fmt.Errorf("element %d is %v, want 1 or −1", j, s)
		}
	}
	return nil
}
