package grids

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// PixelFlowOptions are the options of [NewPixelFlow].
type PixelFlowOptions struct {
	Hidden  int // channels of the hidden layers of each convolutional network; 0 means 48
	Blocks  int // residual blocks of each; 0 means 3
	Bins    int // of each spline; 0 means 32
	Classes int // of a class-conditional model: columns of the context; 0 means none

	// Pixels are images such as those to learn, whole numbers from 0 to Levels−1 in rows, by which bins are groups of neighbouring levels: about
	// equally frequent, and never less than a level. nil means bins of equal width, and suits a model to load a saved one into.
	Pixels mat.Matrix
	Levels int
}

// NewPixelFlow returns a multiscale model of images with pixels from 0 to 1, see [Dequantized]. It takes three steps at each scale, on the pixels of
// each square of 2×2,
//
//	p(x) = p(x_a)·p(x_b | x_a)·p(x_c, x_d | x_a, x_b),
//
// with a in the upper left, b in the lower right, c and d the others. The pixels x_a are an image of half the size, for which the same is done; one
// whose height or width is odd is the last, and its pixels follow each other by a [nf.MADE] with 4·Hidden units. In the other factors all pixels are
// independent given those before, as are the channels of a pixel, by [nf.LinearSpline] with the parameters that a [ConvResidualNet] makes of the
// pixels given: a density that is constant over each bin. So a pixel can have any distribution over the groups of levels that are the bins, 0 alone
// among them where most pixels are 0, which affine couplings cannot give it.
//
// With Pixels the model starts with independent pixels that have the frequencies of these. With classes the context is 1 for the class and 0 for the
// others, see [OneHot]; all networks take it. It panics when an option is out of range, or Pixels are not whole numbers below Levels.
//
// Cost for an image of H×W pixels: about 12·H·W·Blocks·Hidden² multiply-adds for the density. Samples take as many and one evaluation of the MADE for
// each pixel of the smallest image. Reed et al. 2017, arXiv:1703.03664, part images so; Müller et al. 2019, arXiv:1808.03856, section 4.1, have the
// splines.
func NewPixelFlow(image Shape, opts *PixelFlowOptions, src rand.Source) *nf.NormalizingFlow {
	const caller = "NewPixelFlow"
	checkShape(caller, image)
	var o PixelFlowOptions
	if opts != nil {
		o = *opts
	}
	if min(o.Hidden, o.Blocks, o.Bins, o.Classes) < 0 || o.Bins == 1 {
		panic(fmt.Sprintf("grids: %s: got %d hidden channels, %d blocks, %d bins and %d classes, want none negative, and 2 bins or more", caller, o.Hidden, o.Blocks, o.Bins, o.Classes))
	}
	o.Hidden, o.Blocks, o.Bins = orDefault(o.Hidden, 48), orDefault(o.Blocks, 3), orDefault(o.Bins, 32)
	b := pixelFlow{o, nf.LinearSpline{Bins: o.Bins, Hi: 1}, greys{make([]float64, o.Bins), make([]float64, o.Bins)}}
	if o.Pixels != nil {
		b.greys = newGreys(caller, o.Pixels, o.Levels, o.Bins)
	}
	return b.model(image, src)
}

// pixelFlow is what the levels of a model have in common.
type pixelFlow struct {
	PixelFlowOptions
	spline nf.LinearSpline
	greys  greys
}

// model builds the levels from the data down, and turns them round.
func (b *pixelFlow) model(image Shape, src rand.Source) *nf.NormalizingFlow {
	var bases []nf.Base
	var flows [][]nf.Flow
	var merges []nf.Flow
	level := func(dim int, f ...nf.Flow) {
		const round = 1e-5 // beyond the ends, for what float32 rounds
		bases, flows = append(bases, nf.NewUniform(dim, &nf.UniformOptions{Low: -round, High: 1 + round})), append(flows, f)
	}
	s := image
	for ; s.Height%2 == 0 && s.Width%2 == 0; s.Height, s.Width = s.Height/2, s.Width/2 {
		squeeze := NewDiagonalSqueeze(s)
		four := squeeze.Latent()
		_, _, two, _ := Parts(four, nf.SplitChannel)
		_, _, one, _ := Parts(two, nf.SplitChannel)
		level(two.Size(), NewCoupling(four, b.spline, b.net(two, src), nf.SplitChannel), squeeze)
		level(one.Size(), NewCoupling(two, b.spline, b.net(one, src), nf.SplitChannel))
		merges = append(merges, NewMerge(four, nf.SplitChannel), NewMerge(two, nf.SplitChannel))
	}
	made := nf.NewMADE(s.Size(), b.spline.Params(), 4*b.Hidden, &nf.MADEOptions{Context: b.Classes}, src)
	level(s.Size(), nf.NewAutoregressive(b.spline, made, nil))

	// From the side of the data, the first map makes the groups of levels equally wide.
	even := nf.NewElementwise(b.spline, image.Channels)
	p := even.State().Params()[0]
	copy(p.Data, slices.Repeat(b.greys.widths, image.Channels))
	p.Frozen = true
	flows[0] = append(flows[0], NewSitewise(image, nf.NewInvert(even)))
	slices.Reverse(bases)
	slices.Reverse(flows)
	slices.Reverse(merges)
	return NewMultiscaleFlow(bases, flows, merges, nil)
}

// net returns the network from the pixels given to as many others of the same places.
func (b *pixelFlow) net(given Shape, src rand.Source) nf.Net {
	start := slices.Repeat(b.greys.shares, given.Channels)
	return NewConvResidualNet(given, len(start), b.Hidden, &ConvResidualNetOptions{Blocks: b.Blocks, Context: b.Classes, Start: start}, src)
}

// greys are groups of neighbouring grey levels: their widths as parts of all levels, and their shares of all pixels, as the parameters of a spline whose
// bins have these heights.
type greys struct{ widths, shares []float64 }

// newGreys parts the levels of pixels into groups that are about equally frequent.
func newGreys(caller string, pixels mat.Matrix, levels, bins int) greys {
	least := levels/(100*bins) + 1 // levels of a group: no bin can be lower than a hundredth of the mean
	n, d := pixels.Dims()
	if n == 0 || levels < bins*least {
		panic(fmt.Sprintf("grids: %s: got %d rows of Pixels and %d levels for %d bins, want a row or more, and a level for each bin", caller, n, levels, bins))
	}
	if err := checkPixels(caller, pixels, levels); err != nil {
		panic(err.Error())
	}
	count := make([]float64, levels) // as a share of all pixels
	for i := range n {
		for j := range d {
			count[int(pixels.At(i, j))] += 1 / float64(n*d)
		}
	}
	var g greys
	at, left := 0, 1.0 // the first level that is in no group, and the pixels of these
	for groups := bins; groups > 0; groups-- {
		from, sum := at, 0.0
		for levels-at > (groups-1)*least && (at-from < least || groups == 1 || sum+count[at]/2 <= left/float64(groups)) {
			sum += count[at]
			at++
		}
		left -= sum
		g.widths = append(g.widths, logHeight(float64(at-from)/float64(levels), bins))
		g.shares = append(g.shares, logHeight(sum, bins))
	}
	return g
}

// logHeight returns the parameter of a bin of an [nf.LinearSpline] of the given height; all of them add up to 1, and none is below a hundredth of the mean.
func logHeight(h float64, bins int) float64 { return math.Log(max(h-0.01/float64(bins), 1e-6)) }
