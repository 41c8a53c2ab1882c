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
	steps, rows, hidden := 12_000, 64, 48
	if run.small {
		steps, rows, hidden = 4, 20, 4
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
	model := pixelFlow(mnistShape, 10, hidden, greys(d.train.pixels), src).WithPrecision(ad.Float32)
	err = run.fit("conv", model, data, data.Rows(), nf.FitOptions{Steps: steps, BatchSize: rows, Schedule: nf.Cosine(2e-3, steps/40, steps),
		MaxGradNorm: 100, Validation: held.Sample(held.Len(), src), ValidateEvery: 250})
	if err != nil {
		return 0, err
	}
	n, dim := test.Len(), mnistShape.Size()
	x := test.Sample(n, src)
	logProb := model.Given(x.Slice(0, n, dim, dim+10)).LogProb(x.Slice(0, n, 0, dim))
	return grids.BitsPerDim(logProb, dim, mnistLevels), nil
}

// greyBins is the number of groups of grey levels that the splines of pixelFlow tell apart.
const greyBins = 32

// pixelFlow is a multiscale model of images of pixels from 0 to 1, whose classes are the context. It parts the image into a quarter of its pixels, one of each
// square of four, those diagonal to them, and the rest; each part is mapped given those before it, by [nf.LinearSpline] with the parameters that a convolutional
// network computes. So the density of a pixel given its neighbours is constant over groups of grey levels. The first quarter is an image of half the
// size, for which the same is done; that of a height or a width that is odd is mapped pixel by pixel. Reed et al. 2017, arXiv:1703.03664, part images so; Müller et al. 2019, arXiv:1808.03856, have the splines.
//
// greys are the widths of the groups of grey levels, which add up to 1. The first layer from the side of the data makes them equal.
func pixelFlow(image grids.Shape, classes, hidden int, greys []float64, src rand.Source) *nf.NormalizingFlow {
	spline := nf.LinearSpline{Bins: greyBins, Lo: 0, Hi: 1}
	net := func(in grids.Shape) nf.Net {
		out := in.Channels * spline.Params()
		return grids.NewConvResidualNet(in, out, hidden, &grids.ConvResidualNetOptions{Blocks: 3, Context: classes, Start: make([]float64, out)}, src)
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
	for i := range p.Data { // a bin has a hundredth of the mean width in any case
		p.Data[i] = math.Log(greys[i%greyBins] - 0.01/greyBins)
	}
	p.Frozen = true
	flows[0] = append(flows[0], grids.NewSitewise(image, nf.NewInvert(even)))
	slices.Reverse(bases)
	slices.Reverse(flows)
	slices.Reverse(merges)
	return grids.NewMultiscaleFlow(bases, flows, merges, nil)
}

// greys parts the levels of pixels into groups: 0 by itself, and others that are about equally frequent. It returns the width of each as a part of all
// levels.
func greys(pixels *mat.Dense) []float64 {
	var count [mnistLevels]float64
	n, _ := pixels.Dims()
	for i := range n {
		for _, k := range pixels.RawRowView(i) {
			count[int(k)]++
		}
	}
	var left float64 // of the pixels above 0, those that are in no group
	for k, c := range count {
		count[k] = c + 1e-3 // levels that do not occur are apart as well
		if k > 0 {
			left += count[k]
		}
	}
	widths := []float64{1. / mnistLevels}
	for at := 1; len(widths) < greyBins; {
		groups := greyBins - len(widths)
		from, sum := at, 0.0
		for mnistLevels-at > groups-1 && (at == from || groups == 1 || sum+count[at]/2 <= left/float64(groups)) {
			sum += count[at]
			at++
		}
		left -= sum
		widths = append(widths, float64(at-from)/mnistLevels)
	}
	return widths
}
