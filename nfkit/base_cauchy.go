package nfkit

// NewCauchy returns the Cauchy distribution with independent components,
//
//	ln p(z) = −Σⱼ (ln π + sⱼ + ln(1 + (zⱼ − μⱼ)²/e^{2sⱼ})),
//
// which is [StudentT] with one degree of freedom. A nil opts means the defaults. It panics when dim is not positive.
func NewCauchy(dim int, opts *StudentTOptions) *StudentT {
	checkDim("NewCauchy", dim)
	return NewStudentT(dim, 1, opts)
}
