package nfkit

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// GaussianizeOptions are the options of [Gaussianize].
type GaussianizeOptions struct {
	Layers int  // 0 means 30
	Bins   int  // of each spline, 4 or more; 0 means 16
	PCA    bool // rotations are to principal components, those of RBIG; the default is the best of 8 random ones
}

// gaussianizeDirections is the number of rotations from which a layer takes one.
const gaussianizeDirections = 8

// Gaussianize returns a model of rows that it makes without training. After a scaling to standard deviation 1, or less where data would lie outside of
// [−5, 5], each of its layers rotates the points and maps their marginal distributions to the normal one, by a [RationalQuadraticSpline] through
// quantiles on [−5, 5]: again and again, until little is left but the standard normal distribution. The rotation is, of 8 random ones, that after
// which the marginals are farthest from normal: whose sorted columns have the largest mean squared distance from normal quantiles; with PCA, that to the principal components. The model has
// exact densities and samples; it is a baseline that takes seconds to have, and may be trained further. It needs some hundred rows or more; rows
// that it has not seen say how many layers are too many.
//
// A nil opts means the defaults. It returns an error when a number is not finite, a column is constant or there are fewer than 20 rows, and panics when
// an option is out of range. Cost O(Layers·n·d·(d + ln n)). Chen & Gopinath 2000; Laparra, Camps-Valls & Malo 2011, doi:10.1109/TNN.2011.2106511
// (RBIG); the choice of the rotation is that of sliced iterative flows, Dai & Seljak 2021, arXiv:2007.00674, at random.
func Gaussianize(rows mat.Matrix, opts *GaussianizeOptions, src rand.Source) (*NormalizingFlow, error) {
	var o GaussianizeOptions
	if opts != nil {
		o = *opts
	}
	if o.Layers < 0 || o.Bins < 0 || o.Bins > 0 && o.Bins < 4 {
		panic(fmt.Sprintf("nfkit: Gaussianize: got %d layers and %d bins, want none negative, and 4 bins or more", o.Layers, o.Bins))
	}
	checkSource("Gaussianize", src)
	o.Layers, o.Bins = orDefault(o.Layers, 30), orDefault(o.Bins, 16)
	x := mat.DenseCopyOf(rows)
	n, d := x.Dims()
	if n < 20 {
		return nil, fmt.Errorf("nfkit: Gaussianize: got %d rows, want 20 or more", n)
	}
	if where, row := badInput("data", x); row >= 0 {
		return nil, errors.New("nfkit: Gaussianize: got " + where)
	}
	scaling := NewAffineConstFlow(d, nil)
	for j := range d {
		mean, deviation := stat.MeanStdDev(mat.Col(nil, j, x), nil)
		if !(deviation > 0) {
			return nil, fmt.Errorf("nfkit: Gaussianize: column %d of the data is constant, at %v", j, mean)
		}
		for i := range n {
			deviation = max(deviation, math.Abs(x.At(i, j)-mean)/gaussianizeBound) // nothing is out of reach of the splines
		}
		scaling.t.Data[j], scaling.s.Data[j] = mean, math.Log(deviation)
	}
	flows, x := []Flow{scaling}, inverseOf(scaling, x)
	quantiles := make([]float64, n)
	for i := range quantiles {
		quantiles[i] = distuv.UnitNormal.Quantile((float64(i) + 0.5) / float64(n))
	}
	for range o.Layers {
		if d > 1 {
			var rotation Flow
			if o.PCA {
				rotation = principalRotation(x)
				x = inverseOf(rotation, x)
			} else {
				rotation, x = bestRotation(x, quantiles, src)
			}
			flows = append(flows, rotation)
		}
		marginals := newElementwiseSpline(d, SplineOptions{Bins: o.Bins, Bound: gaussianizeBound}.spline("Gaussianize", d, nil))
		for j := range d {
			setQuantileSpline(marginals, j, o.Bins, mat.Col(nil, j, x))
		}
		flows, x = append(flows, marginals), inverseOf(marginals, x)
	}
	slices.Reverse(flows)
	return NewNormalizingFlow(NewDiagGaussian(d, nil), flows), nil
}

const gaussianizeBound = 5

func inverseOf(f Flow, x *mat.Dense) *mat.Dense {
	z, _ := NewNormalizingFlow(NewDiagGaussian(f.Dim(), nil), []Flow{f}).Inverse(x)
	return z
}

// bestRotation returns, of a few random rotations, that after which the columns of x are farthest from normal, and what it makes of x.
func bestRotation(x *mat.Dense, quantiles []float64, src rand.Source) (best Flow, rotated *mat.Dense) {
	_, d := x.Dims()
	most := -1.0
	for range gaussianizeDirections {
		f := NewInvertibleAffine(d, nil, src)
		y := inverseOf(f, x)
		if far := distanceFromNormal(y, quantiles); far > most {
			best, rotated, most = f, y, far
		}
	}
	return best, rotated
}

// principalRotation returns the rotation to the eigenvectors of the covariance of the columns of x.
func principalRotation(x *mat.Dense) Flow {
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, x, nil)
	var eigen mat.EigenSym
	if !eigen.Factorize(&cov, true) {
		panic("nfkit: Gaussianize: a covariance matrix of finite numbers has no eigenvectors")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	return invertibleAffine(mat.DenseCopyOf(&vectors))
}

// distanceFromNormal returns the mean squared distance of the sorted columns from the quantiles of the normal distribution.
func distanceFromNormal(x *mat.Dense, quantiles []float64) float64 {
	n, d := x.Dims()
	var sum float64
	for j := range d {
		column := mat.Col(nil, j, x)
		slices.Sort(column)
		for i, x := range column {
			sum += (x - quantiles[i]) * (x - quantiles[i])
		}
	}
	return sum / float64(n*d)
}

// setQuantileSpline makes spline j take the quantiles of the column to those of the normal distribution, at numbers spaced evenly as far out as
// there are five data beyond.
func setQuantileSpline(e *Elementwise, j, bins int, column []float64) {
	slices.Sort(column)
	n := len(column)
	reach := min(2.5, distuv.UnitNormal.Quantile(1-5/float64(n+1)))
	widths, heights := make([]float64, bins), make([]float64, bins)
	lastX, lastZ := -float64(gaussianizeBound), -float64(gaussianizeBound)
	for k := range bins {
		x, z := float64(gaussianizeBound), float64(gaussianizeBound)
		if k < bins-1 {
			z = reach * (2*float64(k)/float64(bins-2) - 1)
			x = stat.Quantile(distuv.UnitNormal.CDF(z), stat.LinInterp, column, nil)
		}
		x = max(x, lastX) // data beyond the interval
		widths[k], heights[k] = x-lastX, z-lastZ
		lastX, lastZ = x, z
	}
	w, h, slopes := e.params[0].Data[j*bins:], e.params[1].Data[j*bins:], e.params[2].Data[j*(bins-1):]
	setShares(w, widths)
	setShares(h, heights)
	for k := range bins - 1 {
		slope := math.Sqrt(heights[k] / widths[k] * heights[k+1] / widths[k+1])
		slopes[k] = softplusInverse(max(slope-1e-3, 1e-3))
	}
}

// setShares sets the logits of the parts of a spline's interval to those of the given lengths, and these to what they become: none shorter than a
// five hundredth of the whole.
func setShares(logits, lengths []float64) {
	const least = 2e-3 // twice what a spline allows
	var sum float64
	for k := range lengths {
		lengths[k] = max(lengths[k]/(2*gaussianizeBound), least)
		sum += lengths[k]
	}
	for k := range lengths {
		lengths[k] /= sum
		logits[k] = math.Log(lengths[k] - 1e-3)
		lengths[k] *= 2 * gaussianizeBound
	}
}
