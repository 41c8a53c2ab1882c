package nfkit

import (
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Triangular multiplies points by a triangular matrix that is trained, and shifts them. With R upper triangular,
//
//	z = R·x + b,  ln|det J| = Σⱼ sⱼ,  R_jj = e^{sⱼ},
//
// is its Inverse; Forward solves for x. It starts as the identity, with s (log_diagonal), the elements above the diagonal by rows (upper_entries) and b
// (bias) 0. Cost O(nd²) in either direction. Its twin in FlowJAX is TriangularAffine.
type Triangular struct{ bias, upper, logDiagonal *ad.Param }

var _ Flow = (*Triangular)(nil)

// NewTriangular returns a map of dim components. It panics when dim is not positive.
func NewTriangular(dim int) *Triangular {
	checkDim("NewTriangular", dim)
	half := dim * (dim - 1) / 2
	return &Triangular{
		bias:        ad.NewParam(1, dim, make([]float64, dim)),
		upper:       ad.NewParam(1, half, make([]float64, half)),
		logDiagonal: ad.NewParam(1, dim, make([]float64, dim)),
	}
}

// Dim returns the number of components.
func (f *Triangular) Dim() int { return len(f.bias.Data) }

// Forward solves R·x + b = z for x.
func (f *Triangular) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Triangular.Forward", z, f.Dim())
	s := f.logDiagonal.On(z)
	return z.Sub(f.bias).TriSolve(ad.Upper, f.upper, s.Exp()), s.RowSum().Neg().Repeat(z.Rows())
}

// Inverse returns z = R·x + b.
func (f *Triangular) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Triangular.Inverse", x, f.Dim())
	s := f.logDiagonal.On(x)
	return x.TriMul(ad.Upper, f.upper, s.Exp()).Add(f.bias), s.RowSum().Repeat(x.Rows())
}

// State lists bias, upper_entries and log_diagonal.
func (f *Triangular) State() State {
	d := f.Dim()
	return State{ParamTensor("bias", f.bias, d), ParamTensor("upper_entries", f.upper, len(f.upper.Data)), ParamTensor("log_diagonal", f.logDiagonal, d)}
}
