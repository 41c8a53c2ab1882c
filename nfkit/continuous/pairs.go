package continuous

import (
	"fmt"
	"math"
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

// Sample draws n pairs. Cost with Transport: O(256²·n).
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

// assign returns the permutation j(i) of n things with the least Σ cost(i, j(i)), by shortest augmenting paths: Jonker & Volgenant 1987. It costs
// O(n³); gonum has no such algorithm. Costs that are not finite count as the largest one.
func assign(n int, cost func(i, j int) float64) []int {
	c, most := make([]float64, n*n), 0.0
	for k := range c {
		if c[k] = cost(k/n, k%n); c[k]-c[k] == 0 {
			most = max(most, c[k])
		}
	}
	for k := range c {
		if c[k]-c[k] != 0 {
			c[k] = most
		}
	}
	// u and v are the potentials of rows and columns, numbered from 1; column 0 is where a path begins.
	u, v := make([]float64, n+1), make([]float64, n+1)
	row, way := make([]int, n+1), make([]int, n+1)
	least, used := make([]float64, n+1), make([]bool, n+1)
	for i := 1; i <= n; i++ {
		row[0] = i
		for j := range least {
			least[j], used[j] = math.Inf(1), false
		}
		at := 0
		for row[at] != 0 {
			used[at] = true
			i0, delta, next := row[at], math.Inf(1), 0
			for j := 1; j <= n; j++ {
				if used[j] {
					continue
				}
				if reduced := c[(i0-1)*n+j-1] - u[i0] - v[j]; reduced < least[j] {
					least[j], way[j] = reduced, at
				}
				if least[j] < delta {
					delta, next = least[j], j
				}
			}
			for j := range used {
				if used[j] {
					u[row[j]] += delta
					v[j] -= delta
				} else {
					least[j] -= delta
				}
			}
			at = next
		}
		for at != 0 {
			row[at] = row[way[at]]
			at = way[at]
		}
	}
	partner := make([]int, n)
	for j := 1; j <= n; j++ {
		partner[row[j]-1] = j - 1
	}
	return partner
}
