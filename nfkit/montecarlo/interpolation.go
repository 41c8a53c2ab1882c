package montecarlo

import (
	"fmt"
	"math"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// LinearInterpolation is the density between a base q and a target p̃ at the inverse temperature β,
//
//	ln p_β(x) = β·ln p̃(x) + (1 − β)·ln q(x),
//
// up to a factor: q at β = 0, p̃ at 1. A base that is trained belongs to the model as well: the density lists no parameters. Its twin in normflows is LinearInterpolation.
type LinearInterpolation struct {
	target nf.Target
	base   nf.Base
	beta   float64
}

var _ nf.Target = (*LinearInterpolation)(nil)

// NewLinearInterpolation returns the density at β; [nf.NewModelBase] makes a base of a model. It panics when target or base are nil, or β is not in
// [0, 1].
func NewLinearInterpolation(target nf.Target, base nf.Base, beta float64) *LinearInterpolation {
	if target == nil || base == nil || !(beta >= 0 && beta <= 1) {
		panic(fmt.Sprintf("montecarlo: NewLinearInterpolation: got target %v, base %v and β = %v, want a target, a base and a number from 0 to 1", target, base, beta))
	}
	return &LinearInterpolation{target, base, beta}
}

// LogDensity returns ln p_β of each row of x.
func (l *LinearInterpolation) LogDensity(x *ad.Value) *ad.Value {
	switch l.beta {
	case 0:
		return l.base.LogProb(x, nil)
	case 1:
		return l.target.LogDensity(x)
	}
	return bridge(l.base.LogProb(x, nil), l.target.LogDensity(x), l.beta)
}

// bridge returns ln q + β·(ln p̃ − ln q), for β ≥ 0 and not 0 or 1. Where q is 0, so is the result.
func bridge(logQ, logP *ad.Value, beta float64) *ad.Value {
	mix := logQ.Scale(1 - beta).Add(logP.Scale(beta))
	if beta < 1 {
		return mix
	}
	return positive(logQ).Where(mix, logQ.Tape().Full(1, 1, math.Inf(-1)))
}
