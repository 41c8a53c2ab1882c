package nfkit

import (
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Rotation is an orthogonal map by Cayley's transform of a skew-symmetric matrix,
//
//	z = R·x,  R = (I + A)⁻¹·(I − A),  Aᵀ = −A,  ln|det J| = 0,
//
// is its Inverse; Forward multiplies by Rᵀ. The elements of A below its diagonal, by rows (lower_entries), are trained and 0 at first, where R is the
// identity. R may be any rotation that turns nothing by half a turn: elements grow without bound on the way there. Cost O(d³ + nd²). Cayley 1846. zuko's
// RotationTransform has the matrix exponential in its place.
type Rotation struct {
	dim   int
	lower *ad.Param
}

var _ Flow = (*Rotation)(nil)

// NewRotation returns a map of dim components. It panics when dim is not positive.
func NewRotation(dim int) *Rotation {
	checkDim("NewRotation", dim)
	half := dim * (dim - 1) / 2
	return &Rotation{dim, ad.NewParam(1, half, make([]float64, half))}
}

// Dim returns the number of components.
func (r *Rotation) Dim() int { return r.dim }

// matrix returns R.
func (r *Rotation) matrix(t *ad.Tape) *ad.Value {
	eye := t.Eye(r.dim)
	l := eye.TriMul(ad.Lower, r.lower, t.Full(1, r.dim, 0)) // row i of the identity becomes column i of the triangle
	a := l.Transpose().Sub(l)
	inverse, _ := eye.Add(a).Inverse()
	return inverse.MatMul(eye.Sub(a))
}

// Forward returns x = Rᵀ·z.
func (r *Rotation) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Rotation.Forward", z, r.dim)
	return z.MatMul(r.matrix(z.Tape())), orZero(z, nil)
}

// Inverse returns z = R·x.
func (r *Rotation) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Rotation.Inverse", x, r.dim)
	return x.MatMul(r.matrix(x.Tape()).Transpose()), orZero(x, nil)
}

// State lists lower_entries.
func (r *Rotation) State() State {
	return State{ParamTensor("lower_entries", r.lower, len(r.lower.Data))}
}
