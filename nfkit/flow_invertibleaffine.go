package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// InvertibleAffineOptions are the options of [NewInvertibleAffine].
type InvertibleAffineOptions struct {
	Plain bool // W itself is trained: use_lu=False of the reference; the default is its LU decomposition
}

// InvertibleAffine multiplies points, as row vectors, by a matrix that is trained:
//
//	z = x·W,  ln|det J| = ln|det W|
//
// is its Inverse; Forward multiplies by W⁻¹. By default
//
//	W = P·L·(U + diag(σ⊙eˢ)),  ln|det W| = Σ s,
//
// with L lower triangular with ones on its diagonal, U strictly upper triangular, s and the sign σ, both 1×d; the
// permutation P and σ stay what they are. W is never singular, and either direction costs O(nd²). With Plain, W is
// free: each batch costs O(d³) more for its inverse and determinant, and where W becomes singular ln|det W| is −Inf.
//
// W starts as a random rotation or reflection. Kingma & Dhariwal 2018, arXiv:1807.03039, section 3.2.
// Its twin in normflows is InvertibleAffine.
type InvertibleAffine struct {
	w *ad.Param // of Plain

	lower, upper, logScale *ad.Param // of the decomposition: d×d, d×d, 1×d
	permutation, sign, eye []float64
	row, column            []int // of the 1 in each column, and in each row, of P
}

var _ Flow = (*InvertibleAffine)(nil)

// NewInvertibleAffine returns a map of dim components. A nil opts means the defaults. It panics when dim is not
// positive.
func NewInvertibleAffine(dim int, opts *InvertibleAffineOptions, src rand.Source) *InvertibleAffine {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewInvertibleAffine: got dimension %d, want 1 or more", dim))
	}
	w := randomRotation(dim, newRand("NewInvertibleAffine", src))
	if opts != nil && opts.Plain {
		return &InvertibleAffine{w: ad.NewParam(dim, dim, w.RawMatrix().Data)}
	}
	return invertibleAffine(w)
}

// invertibleAffine returns the map by a matrix that is not singular, in its LU decomposition.
func invertibleAffine(w *mat.Dense) *InvertibleAffine {
	dim, _ := w.Dims()
	f := &InvertibleAffine{permutation: make([]float64, dim*dim), eye: make([]float64, dim*dim)}
	var lu mat.LU
	var lower, upper mat.TriDense
	lu.Factorize(w)
	lu.LTo(&lower)
	lu.UTo(&upper)
	var scale []float64
	for i, pivot := range lu.RowPivots(nil) {
		f.permutation[i*dim+pivot] = 1
		f.eye[i*dim+i] = 1
		f.sign = append(f.sign, math.Copysign(1, upper.At(i, i)))
		scale = append(scale, math.Log(math.Abs(upper.At(i, i))))
		upper.SetTri(i, i, 0)
	}
	f.row, f.column = make([]int, dim), make([]int, dim)
	f.permute()
	f.logScale = ad.NewParam(1, dim, scale)
	f.lower = ad.NewParam(dim, dim, mat.DenseCopyOf(&lower).RawMatrix().Data)
	f.upper = ad.NewParam(dim, dim, mat.DenseCopyOf(&upper).RawMatrix().Data)
	return f
}

// permute reads the permutation.
func (f *InvertibleAffine) permute() {
	d := len(f.row)
	for k, x := range f.permutation {
		if x != 0 {
			f.row[k%d], f.column[k/d] = k/d, k%d
		}
	}
}

// randomRotation returns an orthogonal matrix.
func randomRotation(dim int, r *rand.Rand) *mat.Dense {
	gauss := mat.NewDense(dim, dim, nil)
	fillNormal(gauss.RawMatrix().Data, r)
	var qr mat.QR
	qr.Factorize(gauss)
	var q mat.Dense
	qr.QTo(&q)
	return mat.DenseCopyOf(&q)
}

// Dim returns the number of components.
func (f *InvertibleAffine) Dim() int {
	if f.w != nil {
		d, _ := f.w.Dims()
		return d
	}
	return len(f.sign)
}

// diagonal returns that of U + diag(σ⊙eˢ), 1×d.
func (f *InvertibleAffine) diagonal(t *ad.Tape) *ad.Value {
	return t.Param(f.logScale).Exp().Mul(t.Const(1, f.Dim(), f.sign))
}

// Forward returns x = z·W⁻¹.
func (f *InvertibleAffine) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("InvertibleAffine.Forward", z, f.Dim())
	t := z.Tape()
	if f.w != nil {
		inverse, l := t.Param(f.w).Inverse()
		return z.MatMul(inverse), l.Neg().Repeat(z.Rows())
	}
	x = z.TriSolve(ad.UpperTransposed, f.upper, f.diagonal(t)).TriSolve(ad.LowerTransposed, f.lower, nil).Columns(f.column)
	return x, t.Param(f.logScale).RowSum().Neg().Repeat(z.Rows())
}

// Inverse returns z = x·W.
func (f *InvertibleAffine) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("InvertibleAffine.Inverse", x, f.Dim())
	t := x.Tape()
	if f.w != nil {
		w := t.Param(f.w)
		_, l := w.Inverse()
		return x.MatMul(w), l.Repeat(x.Rows())
	}
	z = x.Columns(f.row).TriMul(ad.LowerTransposed, f.lower, nil).TriMul(ad.UpperTransposed, f.upper, f.diagonal(t))
	return z, t.Param(f.logScale).RowSum().Repeat(x.Rows())
}

// State lists W, or L, log_S, U, P, sign_S and eye. Of L and U the halves off their triangles have no influence; eye is
// the identity matrix, which the reference keeps.
func (f *InvertibleAffine) State() State {
	d := f.Dim()
	if f.w != nil {
		return State{ParamTensor("W", f.w, d, d)}
	}
	return State{
		ParamTensor("L", f.lower, d, d),
		ParamTensor("log_S", f.logScale, d),
		ParamTensor("U", f.upper, d, d),
		{Name: "P", Shape: []int{d, d}, Floats: f.permutation, Check: checkPermutationMatrix, mask: true, changed: f.permute},
		{Name: "sign_S", Shape: []int{d}, Floats: f.sign, Check: checkSigns},
		{Name: "eye", Shape: []int{d, d}, Floats: f.eye, mask: true},
	}
}

// checkPermutationMatrix returns an error unless each row and each column of a d×d tensor has a 1 and zeros.
func checkPermutationMatrix(t Tensor) error {
	d := t.Shape[0]
	var index []int
	for k, x := range t.Floats {
		switch x {
		case 0:
		case 1:
			index = append(index, k%d)
		default:
			return fmt.Errorf("element %d, %d is %v; a permutation matrix has zeros and ones", k/d, k%d, x)
		}
		if k%d == d-1 && len(index) != k/d+1 {
			return fmt.Errorf("the first %d rows have %d ones; a permutation matrix has one in each", k/d+1, len(index))
		}
	}
	return checkPermutation(index, d)
}

func checkSigns(t Tensor) error {
	for j, s := range t.Floats {
		if s != 1 && s != -1 {
			return fmt.Errorf("element %d is %v, want 1 or −1", j, s)
		}
	}
	return nil
}
