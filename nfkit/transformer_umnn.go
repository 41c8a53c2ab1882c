package nfkit

import "github.com/nfkit/nfkit-go/nfkit/ad"

// UnconstrainedMonotone is the transformer that integrates a positive network without constraints on its weights,
//
//	z = c + ∫₀ˣ exp(7·tanh(g(u)/7)) du,  g(u) = Σᵢ vᵢ·tanh(wᵢ·u + bᵢ) + r,
//
// for the parameters c, r, w, b and v, in this order, of each component; w is clipped softly at ±2. Outside [−5, 5] the integrand is that at the
// nearer end, and z a straight line. The integral is a Gauss–Legendre rule of Points nodes from 0 to x, the log-determinant the integrand itself:
// they agree up to the error of the rule, which for parameters of order 1 and 48 nodes is below 10⁻⁸ of the slope, and grows with v. Forward solves
// for x. It starts as the identity. Cost O(nk·Points·Units); Forward some ten times that. The zero value is usable. Wehenkel & Louppe 2019,
// arXiv:1908.05164, eq. 2.
type UnconstrainedMonotone struct {
	Units  int // of the network; 0 means 8
	Points int // of the rule; 0 means 48
}

var _ Transformer = UnconstrainedMonotone{}

const (
	umnnLogBound    = 7 // of the logarithm of the integrand
	umnnWeightBound = 2 // of the weights w
	umnnReach       = 5 // where the integrand ends to change
)

func (f UnconstrainedMonotone) size() (units, points int) {
	return count("UnconstrainedMonotone", "Units", f.Units, 8, 1), count("UnconstrainedMonotone", "Points", f.Points, 48, 1)
}

// Params returns 2 + 3·Units.
func (f UnconstrainedMonotone) Params() int { units, _ := f.size(); return 2 + 3*units }

// Initial returns units of different places and signs that do not count yet.
func (f UnconstrainedMonotone) Initial() []float64 {
	units, _ := f.size()
	p := make([]float64, 2+3*units)
	for i, b := range spread(units) {
		p[2+i] = float64(1 - 2*(i%2))
		p[2+units+i] = 4 * b
	}
	return p
}

// Of returns f.
func (f UnconstrainedMonotone) Of([]int) Transformer { return f }

// Inverse evaluates the integrals.
func (f UnconstrainedMonotone) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return curves(f.curve).evaluate(x, params)
}

// Forward solves for x.
func (f UnconstrainedMonotone) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return curves(f.curve).solve(z, params)
}

func (f UnconstrainedMonotone) curve(params *ad.Value) curve {
	units, points := f.size()
	integral := newQuadrature(params.Tape(), points)
	shift, params := head(params, 1)
	once := newIntegrand(params, units, 1)
	atNodes := newIntegrand(params, units, points)
	return func(u *ad.Value, slope bool) (y, logSlope *ad.Value) {
		n, t := u.Rows(), u.Tape()
		near := u.Min(t.Full(1, 1, umnnReach)).Max(t.Full(1, 1, -umnnReach))
		values := atNodes.log(near.Mul(integral.nodes).Reshape(n*points, 1)).Exp().Reshape(n, points)
		l := once.log(near)
		y = integral.mean(values).Mul(near).Add(shift).Add(u.Sub(near).Mul(l.Exp()))
		if slope {
			logSlope = l
		}
		return y, logSlope
	}
}

// integrand is that of N components at some points each.
type integrand struct{ r, w, b, v *ad.Value }

func newIntegrand(params *ad.Value, units, points int) integrand {
	if points > 1 {
		params = params.Repeat(points)
	}
	return integrand{params.Slice(0, 1), softClip(params.Slice(1, 1+units), umnnWeightBound),
		params.Slice(1+units, 1+2*units), params.Slice(1+2*units, 1+3*units)}
}

func (f integrand) log(u *ad.Value) *ad.Value {
	g := u.Mul(f.w).Add(f.b).Tanh().Mul(f.v).RowSum().Add(f.r)
	return g.Scale(1. / umnnLogBound).Tanh().Scale(umnnLogBound)
}
