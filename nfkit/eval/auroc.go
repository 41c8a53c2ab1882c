package eval

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// OutlierScores returns −ln q(x) of each row of x: the less likely a point, the more of an outlier it is. In many
// dimensions a point may be more likely than any sample is, which [TypicalityScores] finds.
func OutlierScores(q LogProber, x mat.Matrix) []float64 {
	scores := q.LogProb(x)
	floats.Scale(-1, scores)
	return scores
}

// TypicalityScores returns |ln q(x) − mean| of each row of x, where the mean is that of ln q over inliers, such as the
// training data: how far a point is from the typical set. Nalisnick, Matsukawa, Teh & Lakshminarayanan 2019,
// arXiv:1906.02994, for single points. It panics when there are no inliers.
func TypicalityScores(q LogProber, x, inliers mat.Matrix) []float64 {
	if n, d := inliers.Dims(); n == 0 {
		panic(fmt.Sprintf("eval: TypicalityScores: got %d×%d inliers, want at least one", n, d))
	}
	mean := stat.Mean(q.LogProb(inliers), nil)
	scores := q.LogProb(x)
	for i, l := range scores {
		scores[i] = math.Abs(l - mean)
	}
	return scores
}

// AUROC returns the area under the receiver operating characteristic of scores: the probability that an outlier has a
// larger one than an inlier, ties counting half. 1 is perfect, ½ is chance. The standard error is that of DeLong, DeLong &
// Clarke-Pearson 1988, Biometrics 44: √(s₁²/m + s₀²/n), with s² the variance over the outliers, or inliers, of the share
// of the others that each is on the right side of. A score that is NaN gives NaN. Cost O((n+m)·ln(n+m)), Sun & Xu 2014. It
// panics when there are no inliers or no outliers.
func AUROC(inliers, outliers []float64) Estimate {
	n, m := len(inliers), len(outliers)
	if n == 0 || m == 0 {
		panic(fmt.Sprintf("eval: AUROC: got %d inliers and %d outliers, want at least one of each", n, m))
	}
	if floats.HasNaN(inliers) || floats.HasNaN(outliers) {
		return Estimate{math.NaN(), math.NaN()}
	}
	// The rank among all less that among one's own is the number of the others below.
	all := midranks(slices.Concat(inliers, outliers))
	low, high := midranks(inliers), midranks(outliers)
	for i := range low {
		low[i] = 1 - (all[i]-low[i])/float64(m)
	}
	for i := range high {
		high[i] = (all[n+i] - high[i]) / float64(n)
	}
	area, spread := stat.MeanVariance(high, nil)
	return Estimate{area, math.Sqrt(spread/float64(m) + stat.Variance(low, nil)/float64(n))}
}
