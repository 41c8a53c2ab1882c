package nfkit

// NewLogNormal returns the distribution of points with positive components whose logarithms are independent and normal,
//
//	z = exp(μ + e^s⊙ε),  ln p(z) = ln Normal(ln z; μ, e^s) − Σⱼ ln zⱼ:
//
// [DiagGaussian], to which the options belong, followed by [Exp]. The log-density is −Inf where a component is not positive. It panics when dim is not
// positive.
func NewLogNormal(dim int, opts *DiagGaussianOptions) *ModelBase {
	checkDim("NewLogNormal", dim)
	return NewModelBase(NewNormalizingFlow(NewDiagGaussian(dim, opts), []Flow{NewExp(dim)}))
}
