package nfplot

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var (
	bandColor = color.NRGBA{R: 150, G: 150, B: 150, A: 90}
	faint     = color.NRGBA{R: 90, G: 90, B: 90, A: 255}
)

// RankHistogram returns the plot of simulation-based calibration: of the ranks that true parameters have among draws of
// their posteriors, 0 to draws, which are uniform if the posteriors are right. The height of a bin is its number of ranks
// over the expected one. The grey band is the interval that holds it with probability 0.99 when all is right, for each bin
// by itself. Bins that divide draws+1 have bands of one height. Talts et al. 2018, arXiv:1804.06788.
// It panics when there are less bins than 1 or more than draws+1, or a rank is not one of 0 to draws.
func RankHistogram(title string, ranks []int, draws, bins int) *plot.Plot {
	if draws < 1 || bins < 1 || bins > draws+1 {
		panic(fmt.Sprintf("nfplot: RankHistogram: got %d bins for ranks among %d draws, want 1 draw or more, and 1 bin up to one for each rank", bins, draws))
	}
	edges := make([]float64, bins+1) // half way between ranks
	for i := range edges {
		edges[i] = float64(i*(draws+1)/bins) - 0.5
	}
	counts := make([]float64, bins)
	for i, r := range ranks {
		if r < 0 || r > draws {
			panic(fmt.Sprintf("nfplot: RankHistogram: got the rank %d at place %d, want 0 to %d", r, i, draws))
		}
		counts[binOf(edges, float64(r))]++
	}
	return uniformHistogram(title, "Rank", edges, counts, len(ranks))
}

// PITHistogram returns the plot of probability integral transforms, F(y) of observations y under their predicted
// distribution functions F, which are uniform on [0, 1] if the predictions are calibrated. Heights and band are those of
// [RankHistogram]. NaN counts in the total: its share is missing. Gneiting, Balabdaoui & Raftery 2007, Journal of the Royal
// Statistical Society B 69:243.
// It panics when there are less bins than 1 or more than a million, or a value is outside of [0, 1].
func PITHistogram(title string, values []float64, bins int) *plot.Plot {
	checkUnit("PITHistogram", values)
	edges := evenEdges("PITHistogram", bins, []float64{0, 1})
	counts := make([]float64, bins)
	for _, v := range values {
		if i := binOf(edges, v); i >= 0 {
			counts[i]++
		}
	}
	return uniformHistogram(title, "Probability integral transform", edges, counts, len(values))
}

func checkUnit(operation string, values []float64) {
	for i, v := range values {
		if v < 0 || v > 1 {
			panic(fmt.Sprintf("nfplot: %s: got %v at place %d, want values from 0 to 1", operation, v, i))
		}
	}
}

// uniformHistogram draws counts of n events over those expected if they are uniform.
func uniformHistogram(title, axis string, edges, counts []float64, n int) *plot.Plot {
	p := New(title, axis, "Frequency / expected")
	if n == 0 {
		return p
	}
	whole := edges[len(edges)-1] - edges[0]
	var x, lower, upper []float64
	heights := slices.Clone(counts)
	for i := range counts {
		share := (edges[i+1] - edges[i]) / whole
		expected := float64(n) * share
		lo, hi := binomialInterval(n, share, 0.01)
		x = append(x, edges[i], edges[i+1])
		lower = append(lower, float64(lo)/expected, float64(lo)/expected)
		upper = append(upper, float64(hi)/expected, float64(hi)/expected)
		heights[i] /= expected
	}
	bars := &histogram{edges: edges, density: heights, color: Alpha(Steel, 0.75)}
	Add(p, bars, Band(x, lower, upper, bandColor), HLine("", 1, draw.LineStyle{Color: faint, Width: 1}))
	widen(&p.Y, 0, 0.05)
	return p
}

// ECDFDifference returns the plot of the empirical distribution function of the values minus that of a uniform number on
// [0, 1]: of probability integral transforms, or of ranks r among n draws as (r+½)/(n+1). The grey band holds the whole
// line with probability 0.95 if the values are uniform (Säilynoja, Bürkner & Vehtari 2022, arXiv:2103.10522).
// NaN counts in the total. It panics when a value is outside of [0, 1].
func ECDFDifference(title string, values []float64) *plot.Plot {
	checkUnit("ECDFDifference", values)
	p := New(title, "Value", "ECDF − uniform")
	z, lower, upper := ecdfBand(len(values), 0.95)
	for i := range z {
		lower[i] -= z[i]
		upper[i] -= z[i]
	}
	if len(values) > 0 {
		level := draw.LineStyle{Color: faint, Width: 1}
		Add(p, Band(z, lower, upper, bandColor), HLine("", 0, level), &ecdf{sorted: ordered(values), total: len(values), minus: true, style: Solid(Steel)})
		widen(&p.Y, 0.05, 0.05)
	}
	return p
}

// Coverage returns the plot of expected coverage: for each credibility level the share of the values that are at most that
// level. The value of a simulation is the mass of the smallest credible region that has the true parameter in it; if the
// posteriors are right they are uniform, and the line is the diagonal: above it posteriors are too wide, below it too
// narrow. The grey band is that of [ECDFDifference]. Hermans et al. 2022, arXiv:2110.06581.
// [ECDF] adds lines of other models. NaN counts in the total. It panics when a value is outside of [0, 1].
func Coverage(title string, values []float64) *plot.Plot {
	checkUnit("Coverage", values)
	p := New(title, "Credibility level", "Expected coverage")
	Limits(p, 0, 1, 0, 1)
	z, lower, upper := ecdfBand(len(values), 0.95)
	diagonal := draw.LineStyle{Color: faint, Width: 1, Dashes: []vg.Length{5, 4}}
	Add(p, Band(z, lower, upper, bandColor), Line("", []float64{0, 1}, []float64{0, 1}, diagonal), ECDF("", values, Solid(Steel)))
	return p
}
