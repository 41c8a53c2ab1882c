package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

// mnistConv trains a class-conditional multiscale model with convolutional networks, and returns the bits per dimension of the test images.
func mnistConv(d digits, run mnistRun) (float64, error) {
	src := rand.NewPCG(run.seed, 1)
	steps, rows, hidden := run.or(10_000), 32, 48
	if run.small {
		steps, rows, hidden = 4, 8, 4
	}
	data, err := d.train.dequantized(10)
	if err != nil {
		return 0, err
	}
	held, err := d.valid.rows(0, min(1000, len(d.valid.digits))).dequantized(10)
	if err != nil {
		return 0, err
	}
	test, err := d.test.dequantized(10)
	if err != nil {
		return 0, err
	}
	model := pixelFlow(mnistShape, 10, hidden, newGreys(d.train.pixels), src).WithPrecision(ad.Float32)
	dim := mnistShape.Size()
	bits := func(loss float64) float64 { return grids.BitsPerDim([]float64{-loss}, dim, mnistLevels) }
	err = run.fit("conv", model, data, data.Rows(), bits, nf.FitOptions{Steps: steps, BatchSize: rows, Schedule: nf.Cosine(2e-3, steps/40, steps),
		MaxGradNorm: 100, Validation: held.Sample(held.Len(), src), ValidateEvery: 250})
	if err != nil {
		return 0, err
	}
	n := test.Len()
	x := test.Sample(n, src)
	logProb := model.Given(x.Slice(0, n, dim, dim+10)).LogProb(x.Slice(0, n, 0, dim))
	return grids.BitsPerDim(logProb, dim, mnistLevels), nil
}

// greyBins is the number of groups of grey levels that the splines of pixelFlow tell apart.
const greyBins = 32

// pixelFlow is a multiscale model of images of pixels from 0 to 1, whose classes are the context. It parts the image into a quarter of its pixels, one
// of each square of four, those diagonal to them, and the rest; each part is mapped given those before it, by [nf.LinearSpline] with the parameters that
// a convolutional network computes. So the density of a pixel given its neighbours is constant over groups of grey levels. The first quarter is an image
// of half the size, for which the same is done; one whose height or width is odd is mapped pixel by pixel. Reed et al. 2017, arXiv:1703.03664, part
// images so; Müller et al. 2019, arXiv:1808.03856, have the splines.
//
// The first layer from the side of the data makes the groups of grey levels equally wide. The model starts with pixels that do not depend on each
// other.
func pixelFlow(image grids.Shape, classes, hidden int, g greys, src rand.Source) *nf.NormalizingFlow {
	spline := nf.LinearSpline{Bins: greyBins, Lo: 0, Hi: 1}
	net := func(in grids.Shape) nf.Net {
		start := slices.Repeat(logHeights(g.shares), in.Channels)
		return grids.NewConvResidualNet(in, len(start), hidden, &grids.ConvResidualNetOptions{Blocks: 3, Context: classes, Start: start}, src)
	}
	level := func(dim int, flows ...nf.Flow) (nf.Base, []nf.Flow) {
		const round = 1e-5 // beyond the ends, for what float32 rounds
		return nf.NewUniform(dim, &nf.UniformOptions{Low: -round, High: 1 + round}), flows
	}
	var bases []nf.Base
	var flows [][]nf.Flow
	var merges []nf.Flow
	for s := image; ; s.Height, s.Width = s.Height/2, s.Width/2 { // from the data down
		if s.Height%2 != 0 || s.Width%2 != 0 {
			made := nf.NewMADE(s.Size(), spline.Params(), 4*hidden, &nf.MADEOptions{Context: classes}, src)
			b, f := level(s.Size(), nf.NewAutoregressive(spline, made, nil))
			bases, flows = append(bases, b), append(flows, f)
			break
		}
		squeeze := grids.NewDiagonalSqueeze(s)
		four := squeeze.Latent()
		two := grids.Shape{Height: four.Height, Width: four.Width, Channels: 2 * s.Channels}
		one := grids.Shape{Height: four.Height, Width: four.Width, Channels: s.Channels}
		b, f := level(two.Size(), grids.NewCoupling(four, spline, net(two), nf.SplitChannel), squeeze)
		bases, flows, merges = append(bases, b), append(flows, f), append(merges, grids.NewMerge(four, nf.SplitChannel))
		b, f = level(one.Size(), grids.NewCoupling(two, spline, net(one), nf.SplitChannel))
		bases, flows, merges = append(bases, b), append(flows, f), append(merges, grids.NewMerge(two, nf.SplitChannel))
	}
	even := nf.NewElementwise(spline, image.Channels)
	p := even.State().Params()[0]
	copy(p.Data, slices.Repeat(logHeights(g.widths), image.Channels))
	p.Frozen = true
	flows[0] = append(flows[0], grids.NewSitewise(image, nf.NewInvert(even)))
	slices.Reverse(bases)
	slices.Reverse(flows)
	slices.Reverse(merges)
	return grids.NewMultiscaleFlow(bases, flows, merges, nil)
}

// logHeights returns the parameters of an [nf.LinearSpline] that give its bins these heights, which add up to 1; none is below a hundredth of the mean.
func logHeights(heights []float64) []float64 {
	var l []float64
	for _, h := range heights {
		l = append(l, math.Log(max(h-0.01/greyBins, 1e-6)))
	}
	return l
}

// greys are groups of neighbouring grey levels.
type greys struct {
	widths []float64 // numbers of levels, as parts of all levels
	shares []float64 // of all pixels
}

// newGreys parts the levels of pixels into groups: 0 by itself, and others that are about equally frequent.
func newGreys(pixels *mat.Dense) greys {
	var count [mnistLevels]float64
	n, d := pixels.Dims()
	for i := range n {
		for _, k := range pixels.RawRowView(i) {
			count[int(k)] += 1 / float64(n*d)
		}
	}
	g := greys{widths: []float64{1. / mnistLevels}, shares: count[:1]}
	left := 1 - count[0] // of the pixels, those that are in no group
	for at := 1; len(g.widths) < greyBins; {
		groups := greyBins - len(g.widths)
		from, sum := at, 0.0
		for mnistLevels-at > groups-1 && (at == from || groups == 1 || sum+count[at]/2 <= left/float64(groups)) {
			sum += count[at]
			at++
		}
		left -= sum
		g.widths, g.shares = append(g.widths, float64(at-from)/mnistLevels), append(g.shares, sum)
	}
	return g
}
