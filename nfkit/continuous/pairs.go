package continuous

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// PairsOptions are the options of [NewPairs].
type PairsOptions struct {
	// Transport pairs the points that are drawn together such that the sum of their squared distances is the least: exactly among 256 at a time. That
	// straightens the ways of a flow, so that fewer steps are enough. Where x₁ comes with a context, pairs are of points with
	// different contexts too, and a conditional flow learns somewhat wrong distributions: leave it out there. Tong et al. 2024, arXiv:2302.00482.
	Transport bool
}

// Pairs is data for [FlowMatching]: rows x₀, x₁ and what other columns x₁ has, its context.
type Pairs struct {
	from, to nf.Sampler
	dim      int
	o        PairsOptions
}

var _ nf.Sampler = (*Pairs)(nil)

// NewPairs returns pairs of points in dim dimensions, drawn from the one and the other; any model is a sampler, a normal distribution being one without
// flows, and [nf.Rows] one of fixed data. A nil opts means the defaults. It panics when a sampler is nil or dim not positive; Sample does when what
// it draws has not dim columns, or fewer in to.
func NewPairs(from, to nf.Sampler, dim int, opts *PairsOptions) *Pairs {
	if from == nil || to == nil || dim < 1 {
		panic(fmt.Sprintf("continuous: NewPairs: got samplers %v and %v and dimension %d, want two that are not nil, and 1 or more", from, to, dim))
	}
	p := &Pairs{from: from, to: to, dim: dim}
	if opts != nil {
		p.o = *opts
	}
	return p
}

// transported is the number of points among which pairs are the best.
const transported = 256

// Sample draws n pairs. Cost with Transport: O(256²·n) at most, in practice O(256·n) and somewhat more.
func (p *Pairs) Sample(n int, src rand.Source) *mat.Dense {
	x0, x1 := p.from.Sample(n, src), p.to.Sample(n, src)
	_, c0 := x0.Dims()
	_, c1 := x1.Dims()
	if c0 != p.dim || c1 < p.dim {
		panic(fmt.Sprintf("continuous: Pairs.Sample: the samplers draw %d and %d columns, want %d, and as many or more", c0, c1, p.dim))
	}
	rows := mat.NewDense(n, p.dim+c1, nil)
	for lo := 0; lo < n; lo += transported {
		hi := min(lo+transported, n)
		partner := make([]int, hi-lo)
		for i := range partner {
			partner[i] = i
		}
		if p.o.Transport {
			partner = assign(hi-lo, func(i, j int) float64 { return squaredDistance(x0.RawRowView(lo+i), x1.RawRowView(lo + j)[:p.dim]) })
		}
		for i, j := range partner {
			row := rows.RawRowView(lo + i)
			copy(row, x0.RawRowView(lo+i))
			copy(row[p.dim:], x1.RawRowView(lo+j))
		}
	}
	return rows
}

func squaredDistance(a, b []float64) float64 {
	var s float64
	for i, a := range a {
		s += (a - b[i]) * (a - b[i])
	}
	return s
}
