package nfkit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Joint is the product of distributions, each of which has its own columns, one after the other:
//
//	p(z) = Πₖ pₖ(z⁽ᵏ⁾),  z = (z⁽¹⁾, z⁽²⁾, …).
//
// A context is that of all of them. Cost: theirs. Its twin in zuko is Joint.
type Joint struct {
	marginals  []Base
	dim, noise int
	contextDim int
}

var (
	_ Base        = (*Joint)(nil)
	_ Conditional = (*Joint)(nil)
)

// NewJoint returns the product of the given distributions. It panics when there are none, one is nil, or they differ in the columns of their context.
func NewJoint(marginals ...Base) *Joint {
	if len(marginals) == 0 {
		panic("nfkit: NewJoint: got no distributions")
	}
	j := &Joint{marginals: slices.Clone(marginals)}
	for k, b := range marginals {
		if b == nil {
			panic(fmt.Sprintf("nfkit: NewJoint: distribution %d is nil", k))
		}
		j.dim, j.noise = j.dim+b.Dim(), j.noise+b.NoiseDim()
	}
	j.contextDim = commonContextDim("NewJoint", marginals...)
	return j
}

// Dim returns the sum of the dimensions.
func (j *Joint) Dim() int { return j.dim }

// ContextDim returns the number of columns of the context that the distributions take, 0 for none.
func (j *Joint) ContextDim() int { return j.contextDim }

// NoiseDim returns the sum of those of the distributions.
func (j *Joint) NoiseDim() int { return j.noise }

// Noise draws, for each row, the noise of each distribution.
func (j *Joint) Noise(dst []float64, r *rand.Rand) {
	for len(dst) > 0 {
		for _, b := range j.marginals {
			b.Noise(dst[:b.NoiseDim()], r)
			dst = dst[b.NoiseDim():]
		}
	}
}

// LogProb returns the log-density of each row of z.
func (j *Joint) LogProb(z, context *ad.Value) *ad.Value {
	checkBatch("Joint.LogProb", z, j.dim)
	at, sum := 0, (*ad.Value)(nil)
	for _, b := range j.marginals {
		sum = addLogDet(sum, b.LogProb(z.Slice(at, at+b.Dim()), context))
		at += b.Dim()
	}
	return sum
}

// Sample returns a sample of each distribution, side by side.
func (j *Joint) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	checkBatch("Joint.Sample", noise, j.noise)
	at := 0
	var columns []ad.Operand
	for _, b := range j.marginals {
		x, l := b.Sample(noise.Slice(at, at+b.NoiseDim()), context)
		columns, logProb = append(columns, x), addLogDet(logProb, l)
		at += b.NoiseDim()
	}
	return columns[0].(*ad.Value).Concat(columns[1:]...), logProb
}

// State lists the tensors of the distributions under marginals.0, marginals.1, …
func (j *Joint) State() State {
	var s State
	for k, b := range j.marginals {
		s = append(s, b.State().Under("marginals."+strconv.Itoa(k))...)
	}
	return s
}

// String describes the distributions.
func (j *Joint) String() string { return "Joint(" + describeAll(j.marginals...) + ")" }
