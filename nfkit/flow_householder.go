package nfkit

import (
	"fmt"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// HouseholderOptions are the options of [NewHouseholder].
type HouseholderOptions struct {
	Reflections int // K; 0 means the least even number that is not below the dimension
}

// Householder is an orthogonal map: a product of K reflections,
//
//	z = H_K·…·H₁·x,  H_k = I − 2·v_k·v_kᵀ/‖v_k‖²,  ln|det J| = 0,
//
// is its Inverse; Forward has the reflections in the other order. Any orthogonal matrix is a product of d or fewer. The vectors v, K×d, start in pairs
// that undo each other, random ones: the map starts as the identity, or if K is odd as one reflection. Cost O(Kd² + nd²). Tomczak & Welling 2016,
// arXiv:1611.09630. Its twin in nflows is HouseholderSequence.
type Householder struct{ vectors *ad.Param }

var _ Flow = (*Householder)(nil)

// NewHouseholder returns a map of dim components. A nil opts means the defaults. It panics when dim is not positive or the number of reflections
// negative.
func NewHouseholder(dim int, opts *HouseholderOptions, src rand.Source) *Householder {
	checkDim("NewHouseholder", dim)
	var o HouseholderOptions
	if opts != nil {
		o = *opts
	}
	if o.Reflections < 0 {
		panic(fmt.Sprintf("nfkit: NewHouseholder: got %d reflections, want 1 or more, or 0 for the default", o.Reflections))
	}
	k := orDefault(o.Reflections, dim+dim%2)
	v := make([]float64, k*dim)
	fillNormal(v, newRand("NewHouseholder", src))
	for i := k % 2; i+1 < k; i += 2 {
		copy(v[(i+1)*dim:(i+2)*dim], v[i*dim:(i+1)*dim])
	}
	return &Householder{ad.NewParam(k, dim, v)}
}

// Dim returns the number of components.
func (h *Householder) Dim() int {
	_, d := h.vectors.Dims()
	return d
}

// matrix returns (H_K·…·H₁)ᵀ, d×d: what points as rows are multiplied by.
func (h *Householder) matrix(t *ad.Tape) *ad.Value {
	k, d := h.vectors.Dims()
	all := t.Param(h.vectors).Reshape(1, k*d)
	return t.Scratch(func() *ad.Value {
		q := t.Eye(d)
		for i := range k {
			v := all.Slice(i*d, (i+1)*d)
			u := v.Div(v.RowNorm()) // its square does not overflow
			q = q.Sub(q.Mul(u).RowSum().Scale(2).Mul(u))
		}
		return q
	})
}

// Forward undoes the reflections.
func (h *Householder) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Householder.Forward", z, h.Dim())
	return z.MatMul(h.matrix(z.Tape()).Transpose()), orZero(z, nil)
}

// Inverse reflects points K times.
func (h *Householder) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Householder.Inverse", x, h.Dim())
	return x.MatMul(h.matrix(x.Tape())), orZero(x, nil)
}

// State lists q_vectors.
func (h *Householder) State() State {
	k, d := h.vectors.Dims()
	return State{ParamTensor("q_vectors", h.vectors, k, d)}
}

// NewQRLinear returns a linear map by its QR decomposition: a [Triangular] map R, with the shift, and an orthogonal one Q by [Householder] with the
// given options,
//
//	z = Q·(R·x + b),  ln|det J| = Σⱼ ln R_jj.
//
// It starts as the identity. A nil opts means the defaults. It panics when dim is not positive or the number of reflections negative. Hoogeboom et al. 2019,
// arXiv:1901.11137. Its twin in nflows is QRLinear.
func NewQRLinear(dim int, opts *HouseholderOptions, src rand.Source) *Chain {
	checkDim("NewQRLinear", dim)
	return NewChain(NewHouseholder(dim, opts, src), NewTriangular(dim))
}

// NewSVDLinear returns a linear map by its singular values: orthogonal maps V and U by [Householder] with the given options, and a scale and a shift
// between them, see [AffineConstFlow],
//
//	z = U·(V·x − b)⊙e^{−s},  ln|det J| = −Σⱼ sⱼ.
//
// It starts as the identity. A nil opts means the defaults. It panics when dim is not positive or the number of reflections negative. Its twin in nflows is
// SVDLinear.
func NewSVDLinear(dim int, opts *HouseholderOptions, src rand.Source) *Chain {
	checkDim("NewSVDLinear", dim)
	return NewChain(NewHouseholder(dim, opts, src), NewAffineConstFlow(dim, nil), NewHouseholder(dim, opts, src))
}
