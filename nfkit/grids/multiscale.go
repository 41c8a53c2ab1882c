package grids

import (
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// NewMultiscaleFlow returns a model in which some latent numbers pass through few layers only. Level 0 is the deepest: z₀, drawn from bases[0],
// goes through flows[0], first to last; the result and z₁, drawn from bases[1], are put together by merges[0] and go through flows[1]; and so on. A
// transform that is not nil comes last. The log-density is the sum of those of the bases, minus all log-determinants. A latent point of the
// model has z₀, z₁, … one after the other.
//
// Its State has the bases under q0.0, q0.1, … and the flows under flows.0.0, flows.0.1, …, flows.1.0, … Merges and transforms have no tensors in
// the reference, and must have none here. It panics when there is no level, or not flows and a base for each and a merge between two, and when
// dimensions or contexts differ. Dinh et al. 2017, arXiv:1605.08803, section 3.6. Its twins in normflows are MultiscaleFlow and
// ClassCondFlow.
func NewMultiscaleFlow(bases []nf.Base, flows [][]nf.Flow, merges []nf.Flow, transform nf.Flow) *nf.NormalizingFlow {
	const caller = "NewMultiscaleFlow"
	if len(bases) == 0 || len(flows) != len(bases) || len(merges) != len(bases)-1 {
		panic(fmt.Sprintf("grids: %s: got %d bases, flows of %d levels and %d merges, want one level or more, a base for each and a merge between two", caller, len(bases), len(flows), len(merges)))
	}
	total := 0
	for i, b := range bases {
		if b == nil {
			panic(fmt.Sprintf("grids: %s: base %d is nil", caller, i))
		}
		total += b.Dim()
	}
	var levels []nf.Flow
	dim := 0
	for i, b := range bases {
		dim += b.Dim()
		l := &level{flows: flows[i], dim: dim, total: total}
		if i > 0 {
			l.merge = merges[i-1]
			checkPart(caller, fmt.Sprintf("merge %d", i-1), l.merge, dim)
			if len(l.merge.State()) > 0 {
				panic(fmt.Sprintf("grids: %s: merge %d (%T) has tensors, which the state of the model has no names for; make it the first flow of its level", caller, i-1, l.merge))
			}
		}
		for j, f := range flows[i] {
			checkPart(caller, fmt.Sprintf("flow %d of level %d", j, i), f, dim)
		}
		levels = append(levels, l)
	}
	if transform != nil {
		checkPart(caller, "the transform", transform, total)
		levels = append(levels, transform)
	}
	return nf.NewNormalizingFlow(&joint{bases, total}, levels)
}

func checkPart(caller, what string, f nf.Flow, dim int) {
	if f == nil {
		panic(fmt.Sprintf("grids: %s: %s is nil", caller, what))
	}
	if f.Dim() != dim {
		panic(fmt.Sprintf("grids: %s: %s (%T) has dimension %d, want %d", caller, what, f, f.Dim(), dim))
	}
}

// level is the flow of the first components of a point through the layers of one level; the others wait for theirs.
type level struct {
	merge      nf.Flow // nil at the deepest level
	flows      []nf.Flow
	dim, total int
}

var _ nf.Flow = (*level)(nil)

// Dim returns the number of all components.
func (l *level) Dim() int { return l.total }

// Forward applies merge and flows to the first components.
func (l *level) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("level.Forward", z, l.total)
	x, logDet = z, z.Tape().Full(z.Rows(), 1, 0)
	if l.dim < l.total {
		x = z.Slice(0, l.dim)
	}
	if l.merge != nil {
		x, _ = l.merge.Forward(x, context)
	}
	for _, f := range l.flows {
		var d *ad.Value
		x, d = f.Forward(x, context)
		logDet = logDet.Add(d)
	}
	if l.dim < l.total {
		x = x.Concat(z.Slice(l.dim, l.total))
	}
	return x, logDet
}

// Inverse undoes Forward.
func (l *level) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("level.Inverse", x, l.total)
	z, logDet = x, x.Tape().Full(x.Rows(), 1, 0)
	if l.dim < l.total {
		z = x.Slice(0, l.dim)
	}
	for j := len(l.flows) - 1; j >= 0; j-- {
		var d *ad.Value
		z, d = l.flows[j].Inverse(z, context)
		logDet = logDet.Add(d)
	}
	if l.merge != nil {
		z, _ = l.merge.Inverse(z, context)
	}
	if l.dim < l.total {
		z = z.Concat(x.Slice(l.dim, l.total))
	}
	return z, logDet
}

// State lists the flows' tensors under 0, 1, …
func (l *level) State() nf.State { return under("", l.flows) }

// joint is the distribution of independent parts, one after the other.
type joint struct {
	bases []nf.Base
	dim   int
}

var _ nf.Base = (*joint)(nil)

// Dim returns the number of components of all parts.
func (j *joint) Dim() int { return j.dim }

// NoiseDim returns the number of random numbers of all parts.
func (j *joint) NoiseDim() int {
	n := 0
	for _, b := range j.bases {
		n += b.NoiseDim()
	}
	return n
}

// Noise draws that of each part.
func (j *joint) Noise(dst []float64, r *rand.Rand) {
	for len(dst) > 0 {
		for _, b := range j.bases {
			n := b.NoiseDim()
			b.Noise(dst[:n], r)
			dst = dst[n:]
		}
	}
}

// LogProb returns the sum of the log-densities of the parts.
func (j *joint) LogProb(z, context *ad.Value) *ad.Value {
	checkBatch("joint.LogProb", z, j.dim)
	var sum *ad.Value
	at := 0
	for _, b := range j.bases {
		sum = plus(sum, b.LogProb(z.Slice(at, at+b.Dim()), context))
		at += b.Dim()
	}
	return sum
}

// Sample returns those of the parts, side by side.
func (j *joint) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	at := 0
	for _, b := range j.bases {
		part, l := b.Sample(noise.Slice(at, at+b.NoiseDim()), context)
		at += b.NoiseDim()
		logProb = plus(logProb, l)
		if z == nil {
			z = part
		} else {
			z = z.Concat(part)
		}
	}
	return z, logProb
}

// plus returns sum + v; a nil sum is 0.
func plus(sum, v *ad.Value) *ad.Value {
	if sum == nil {
		return v
	}
	return sum.Add(v)
}

// State lists the tensors of the parts under 0, 1, …
func (j *joint) State() nf.State { return under("", j.bases) }
