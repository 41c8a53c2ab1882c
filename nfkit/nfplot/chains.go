package nfplot

import (
	"cmp"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// colors are those of several samples or chains, in order.
var colors = []color.NRGBA{Steel, Orange, Green, {R: 214, G: 39, B: 40, A: 255}, {R: 148, G: 103, B: 189, A: 255}, {R: 140, G: 86, B: 75, A: 255}, Pink, {R: 110, G: 110, B: 110, A: 255}}

func colorOf(i int) color.NRGBA { return colors[i%len(colors)] }

// Trace returns the plot of chains of one quantity over their steps, a line for each chain, with a gap where a value is not
// finite. Chains that have reached their distribution look alike.
func Trace(title, yLabel string, chains ...[]float64) *plot.Plot {
	p := New(title, "Step", yLabel)
	for i, chain := range chains {
		steps := make([]float64, len(chain))
		for k := range steps {
			steps[k] = float64(k + 1)
		}
		Add(p, Line("", steps, chain, draw.LineStyle{Color: Alpha(colorOf(i), 0.75), Width: 0.8}))
	}
	widen(&p.X, 0.02, 0.02)
	widen(&p.Y, 0.05, 0.05)
	return p
}

// ChainRanks returns a figure with a histogram for each chain of the ranks that its values have among those of all chains.
// The height of a bin is its number of ranks over that of a uniform distribution, which it is near for chains that have
// reached their distribution. Equal values share their mean rank; what is not finite has none, and is missing from the
// height. Vehtari et al. 2021, Bayesian Analysis 16:667, arXiv:1903.08008.
// It panics without chains, or when bins is less than 1 or more than a million.
func ChainRanks(title string, bins int, chains ...[]float64) *Figure {
	if len(chains) == 0 {
		panic("nfplot: ChainRanks: got no chains, want one or more")
	}
	ranks, total := poolRanks(chains)
	edges := evenEdges("ChainRanks", bins, []float64{0.5, max(float64(total), 1) + 0.5})
	var panels []Drawing
	top := 1.0
	for i, r := range ranks {
		heights := density(r, edges)
		for k := range heights {
			heights[k] *= edges[len(edges)-1] - edges[0]
			heights[k] *= float64(len(r)) / max(float64(len(chains[i])), 1)
			top = max(top, heights[k])
		}
		p := New(fmt.Sprintf("%s: chain %d", title, i+1), "Rank among all", "Frequency / uniform")
		if len(r) > 0 {
			Add(p, &histogram{edges: edges, density: heights, color: Alpha(colorOf(i), 0.75)}, HLine("", 1, draw.LineStyle{Color: faint, Width: 1}))
		}
		panels = append(panels, p)
	}
	for _, p := range panels {
		if p := p.(*plot.Plot); hasRange(p.X) {
			p.Y.Max = 1.05 * top
		}
	}
	return Row(panels...).Wrap(min(len(panels), max(2, (len(panels)+1)/2), 4))
}

// poolRanks returns the ranks, from 1, of each chain's finite values among the finite values of all.
func poolRanks(chains [][]float64) (ranks [][]float64, total int) {
	type entry struct {
		value float64
		chain int
	}
	var all []entry
	for i, chain := range chains {
		for _, v := range chain {
			if isFinite(v) {
				all = append(all, entry{v, i})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.value, b.value) })
	ranks = make([][]float64, len(chains))
	for i := 0; i < len(all); {
		end := i + 1
		for end < len(all) && all[end].value == all[i].value {
			end++
		}
		for _, e := range all[i:end] {
			ranks[e.chain] = append(ranks[e.chain], float64(i+1+end)/2)
		}
		i = end
	}
	return ranks, len(all)
}
