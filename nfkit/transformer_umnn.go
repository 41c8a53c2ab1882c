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
	t := params.Tape()
	integral := newQuadrature(t, points)
	nodes := newNodes(integral)
	p := parts{params: params}
	shift := p.next(1)
	inner := newIntegrand(&p, units)
	return func(u *ad.Value, slope bool) (y, logSlope *ad.Value) {
		near := u.Min(t.Full(1, 1, umnnReach)).Max(t.Full(1, 1, -umnnReach))
		log := inner.log(near, nodes)
		l := log.Slice(points, points+1)
		y = integral.mean(log.Slice(0, points).Exp()).Mul(near).Add(shift).Add(u.Sub(near).Mul(l.Exp()))
		if slope {
			logSlope = l
		}
		return y, logSlope
	}
}

// integrand is that of N components.
type integrand struct {
	r       *ad.Value   // N×1
	w, b, v []*ad.Value // of each unit, N×1
}

func newIntegrand(p *parts, units int) integrand {
	f := integrand{r: p.next(1)}
	each := func(v *ad.Value) (columns []*ad.Value) {
		for i := range units {
			columns = append(columns, v.Slice(i, i+1))
		}
		return columns
	}
	f.w = each(p.next(units).SoftClip(umnnWeightBound))
	f.b, f.v = each(p.next(units)), each(p.next(units))
	return f
}

// newNodes returns the nodes of a rule and the end of its interval over a row of ones, 2×k.
func newNodes(rule quadrature) *ad.Value {
	t := rule.nodes.Tape()
	nodes := rule.nodes.Concat(t.Full(1, 1, 1))
	k := nodes.Cols()
	return nodes.Concat(t.Full(1, k, 1)).Reshape(2, k)
}

// log returns the logarithm of the integrand at nodes between 0 and u, N×k: rows are long that way, whatever the number of units, and the numbers w·u + b
// of a unit are a product of two columns with the nodes.
func (f integrand) log(u, nodes *ad.Value) *ad.Value {
	g := f.r
	for i, w := range f.w {
		g = u.Mul(w).Concat(f.b[i]).MatMul(nodes).Tanh().Mul(f.v[i]).Add(g)
	}
	return g.Scale(1. / umnnLogBound).Tanh().Scale(umnnLogBound)
}
