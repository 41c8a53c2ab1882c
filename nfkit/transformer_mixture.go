package nfkit

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// LogisticMixtureCDF is the transformer that takes a mixture of logistic distributions to the logistic one,
//
//	z = logit Σᵢ πᵢ·σ((x − μᵢ)/sᵢ),
//
// for the parameters ln π (up to a constant), μ and ln s of each component, in this order; ln s is clipped softly at ±6.9. It maps the line to
// the line, by straight lines in the tails. Forward solves for x. It starts near the identity. Cost O(nk·Components); Forward some ten times
// that. The zero value is usable. Ho et al. 2019 (Flow++), arXiv:1902.00275, eq. 13; it is the deep sigmoidal flow of one layer as well.
type LogisticMixtureCDF struct {
	Components int // of the mixture; 0 means 8
}

// GaussianMixtureCDF is the transformer that takes a mixture of normal distributions to the standard normal one,
//
//	z = Φ⁻¹(Σᵢ πᵢ·Φ((x − μᵢ)/sᵢ)),
//
// with the parameters of [LogisticMixtureCDF]. A layer of it is the Gaussianization of each component. Meng et al. 2020, arXiv:2003.01941, eq. 6.
type GaussianMixtureCDF struct {
	Components int // of the mixture; 0 means 8
}

var (
	_ Transformer = LogisticMixtureCDF{}
	_ Transformer = GaussianMixtureCDF{}
)

func (f LogisticMixtureCDF) components() int {
	return count("LogisticMixtureCDF", "Components", f.Components, 8, 1)
}

// Params returns 3 for each component of the mixture.
func (f LogisticMixtureCDF) Params() int { return 3 * f.components() }

// Initial returns a mixture whose means are spread by half, and whose variance is that of one logistic distribution.
func (f LogisticMixtureCDF) Initial() []float64 {
	return initialMixture(f.components(), math.Pi*math.Pi/3)
}

// Of returns f.
func (f LogisticMixtureCDF) Of([]int) Transformer { return f }

// Inverse evaluates the mixtures.
func (f LogisticMixtureCDF) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return mixtureCurves(false).evaluate(x, params)
}

// Forward solves for x.
func (f LogisticMixtureCDF) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return mixtureCurves(false).solve(z, params)
}

func (f GaussianMixtureCDF) components() int {
	return count("GaussianMixtureCDF", "Components", f.Components, 8, 1)
}

// Params returns 3 for each component of the mixture.
func (f GaussianMixtureCDF) Params() int { return 3 * f.components() }

// Initial returns a mixture whose means are spread by half, and whose variance is 1.
func (f GaussianMixtureCDF) Initial() []float64 { return initialMixture(f.components(), 1) }

// Of returns f.
func (f GaussianMixtureCDF) Of([]int) Transformer { return f }

// Inverse evaluates the mixtures.
func (f GaussianMixtureCDF) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return mixtureCurves(true).evaluate(x, params)
}

// Forward solves for x.
func (f GaussianMixtureCDF) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return mixtureCurves(true).solve(z, params)
}

// mixtureSpread is where the means of a mixture begin and end at first: they must differ for training to part them.
const mixtureSpread = 0.5

// spread returns m numbers from −mixtureSpread to mixtureSpread.
func spread(m int) []float64 {
	s := make([]float64, m)
	for i := range s {
		if m > 1 {
			s[i] = mixtureSpread * (2*float64(i)/float64(m-1) - 1)
		}
	}
	return s
}

// initialScale returns the scale for which a mixture of m parts of the given variance, with their means spread, has that variance too.
func initialScale(m int, variance float64) float64 {
	var v float64
	for _, x := range spread(m) {
		v += x * x / float64(m)
	}
	return math.Sqrt(1 - v/variance)
}

func initialMixture(m int, variance float64) []float64 {
	p := append(make([]float64, m), spread(m)...)
	for range m {
		p = append(p, clippedTo(math.Log(initialScale(m, variance)), logScaleBound))
	}
	return p
}

// mixtureCurves are those of logistic or normal distributions.
func mixtureCurves(normal bool) curves {
	return func(params *ad.Value) curve {
		m := params.Cols() / 3
		logits, mean := params.Slice(0, m), params.Slice(m, 2*m)
		logRate := params.Slice(2*m, 3*m).SoftClip(logScaleBound).Neg()
		rate := logRate.Exp()
		return func(u *ad.Value, slope bool) (y, logSlope *ad.Value) {
			return mixtureCDF(logits, u.Sub(mean).Mul(rate), logRate, normal, slope)
		}
	}
}

// mixtureCDF returns F⁻¹(Σᵢ πᵢ·F(aᵢ)) for the weights π = softmax(logits) and the numbers a of each row, and the logarithm of its derivative by
// what the aᵢ have derivatives e^{logRate} by. F is the logistic or the normal distribution function. All are logarithms of both tails: there is
// no cancellation, however far out.
func mixtureCDF(logits, a, logRate *ad.Value, normal, slope bool) (y, logSlope *ad.Value) {
	if slope && !normal {
		return logits.LogisticMixture(a, logRate)
	}
	below, above := a.LogSigmoid(), a.Neg().LogSigmoid()
	if normal {
		below, above = a.LogNormalCDF(), a.Neg().LogNormalCDF()
	}
	cdf, tail := logits.Add(below).LogSumExp(), logits.Add(above).LogSumExp()
	y = cdf.Sub(tail) // in which the sum of the weights cancels
	if normal {
		y = y.NormalOfLogit()
	}
	if !slope {
		return y, nil
	}
	density := logits.Add(a.Square().Scale(-0.5)).Add(logRate).LogSumExp().Sub(logits.LogSumExp())
	return y, density.Add(y.Square().Scale(0.5))
}
