package grids_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

func source() rand.Source { return rand.NewPCG(1, 2) }

func shape(height, width, channels int) grids.Shape {
	return grids.Shape{Height: height, Width: width, Channels: channels}
}

// flowCases has each flow of the package under its name, and a slash and the variant where there are several.
var flowCases = map[string]func() nf.Flow{
	"ActNorm":                   func() nf.Flow { return grids.NewActNorm(shape(2, 3, 2)) },
	"ActNorm/pixel":             func() nf.Flow { return grids.NewActNorm(shape(1, 1, 1)) },
	"Invertible1x1Conv":         func() nf.Flow { return grids.NewInvertible1x1Conv(shape(2, 1, 3), nil, source()) },
	"Invertible1x1Conv/plain":   func() nf.Flow { return plainConv(shape(1, 2, 3)) },
	"Invertible1x1Conv/channel": func() nf.Flow { return grids.NewInvertible1x1Conv(shape(2, 2, 1), nil, source()) },
	"CCAffineConst":             func() nf.Flow { return grids.NewCCAffineConst(shape(2, 3, 2), shape(1, 1, 2), 3) },
	"CCAffineConst/sites":       func() nf.Flow { return grids.NewCCAffineConst(shape(2, 3, 2), shape(2, 3, 1), 1) },
	"CCAffineConst/all":         func() nf.Flow { return grids.NewCCAffineConst(shape(2, 2, 2), shape(2, 2, 2), 2) },
	"CCAffineConst/no classes":  func() nf.Flow { return grids.NewCCAffineConst(shape(2, 2, 3), shape(1, 2, 3), 0) },
	"Sitewise":                  func() nf.Flow { return grids.NewSitewise(shape(2, 3, 2), nf.NewPlanar(2, nil, source())) },
	"Sitewise/context":          func() nf.Flow { return grids.NewSitewise(shape(1, 2, 2), conditionalSplines(2, 3)) },
	"Circulant":                 func() nf.Flow { return grids.NewCirculant(shape(4, 4, 1)) },
	"Circulant/oblong":          func() nf.Flow { return grids.NewCirculant(shape(2, 3, 1)) },
	"Circulant/site":            func() nf.Flow { return grids.NewCirculant(shape(1, 1, 1)) },
	"SiteSpline":                func() nf.Flow { return grids.NewSiteSpline(shape(2, 3, 2), nil) },
	"SiteSpline/odd": func() nf.Flow {
		return grids.NewSiteSpline(shape(2, 2, 1), &grids.SiteSplineOptions{Odd: true, Bins: 5, Bound: 2})
	},
	"Squeeze":                      func() nf.Flow { return grids.NewSqueeze(shape(2, 4, 2)) },
	"Squeeze/diagonal":             func() nf.Flow { return grids.NewDiagonalSqueeze(shape(4, 2, 2)) },
	"Merge/channel":                func() nf.Flow { return grids.NewMerge(shape(2, 2, 3), nf.SplitChannel) },
	"Merge/channel inverted":       func() nf.Flow { return grids.NewMerge(shape(2, 1, 3), nf.SplitChannelInv) },
	"Merge/checkerboard":           func() nf.Flow { return grids.NewMerge(shape(3, 4, 2), nf.SplitCheckerboard) },
	"AffineCouplingBlock/channels": func() nf.Flow { return coupling(shape(2, 3, 3), nf.SplitChannel, nf.ScaleExp, 0) },
	"AffineCouplingBlock/inverted": func() nf.Flow { return coupling(shape(2, 2, 3), nf.SplitChannelInv, nf.ScaleNone, 0) },
	"AffineCouplingBlock/board":    func() nf.Flow { return coupling(shape(3, 4, 1), nf.SplitCheckerboard, nf.ScaleSigmoid, 2) },
	"AffineCouplingBlock/channels of a board": func() nf.Flow {
		return coupling(shape(2, 2, 3), nf.SplitCheckerboardInv, nf.ScaleSigmoidInv, 0)
	},
	"Coupling": func() nf.Flow { return splines(shape(2, 2, 3), nf.SplitChannel, nil) },
	"Coupling/board": func() nf.Flow {
		return splines(shape(2, 4, 1), nf.SplitCheckerboardInv, &grids.ConvResidualNetOptions{Blocks: 1, Context: 2, Leaky: 0.1, Circular: true, Start: make([]float64, 11)})
	},
	"GlowBlock": func() nf.Flow { return grids.NewGlowBlock(shape(2, 2, 3), 4, nil, source()) },
	"GlowBlock/context": func() nf.Flow {
		return grids.NewGlowBlock(shape(2, 2, 2), 4, &grids.GlowBlockOptions{Context: 3}, source())
	},
	"GlowBlock/board": func() nf.Flow {
		scale := nf.ScaleExp
		return grids.NewGlowBlock(shape(2, 4, 1), 3, &grids.GlowBlockOptions{Split: nf.SplitCheckerboard, Scale: &scale, Circular: true, Plain: true, Leaky: 0.1, RandomLast: true}, source())
	},
	"GlowBlock/norm": func() nf.Flow {
		return grids.NewGlowBlock(shape(2, 2, 2), 3, &grids.GlowBlockOptions{NetActNorm: true, Context: 1, Plain: true}, source())
	},
}

// conditionalSplines have parameters that depend on a context.
func conditionalSplines(dim, context int) nf.Flow {
	spline := nf.NewRationalQuadraticSpline(dim, nil, nil)
	return nf.NewConditionalElementwise(spline, nf.NewMLP([]int{context, 8, dim * spline.Params()}, &nf.MLPOptions{Activation: nf.ActTanh}, source()), dim)
}

// splines is a coupling of splines with a residual network.
func splines(s grids.Shape, split nf.Split, opts *grids.ConvResidualNetOptions) nf.Flow {
	spline := nf.NewRationalQuadraticSpline(1, nil, &nf.SplineOptions{Bins: 4})
	_, _, kept, changed := grids.Parts(s, split)
	return grids.NewCoupling(s, spline, grids.NewConvResidualNet(kept, spline.Params()*changed.Channels, 4, opts, source()), split)
}

func plainConv(s grids.Shape) nf.Flow {
	return grids.NewInvertible1x1Conv(s, &grids.Invertible1x1ConvOptions{Plain: true}, source())
}

// coupling has a smooth network, which the finite differences of the checks want.
func coupling(s grids.Shape, split nf.Split, scale nf.ScaleMap, context int) nf.Flow {
	_, _, kept, changed := grids.Parts(s, split)
	out := changed.Channels * nf.Affine{Scale: scale}.Params()
	net := grids.NewConvNet2d(kept, []int{5, out}, []int{3, 3}, &grids.ConvNet2dOptions{Activation: nf.ActTanh, Context: context}, source())
	return grids.NewAffineCouplingBlock(s, net, &nf.AffineCouplingOptions{Split: split, Scale: scale})
}

func TestFlows(t *testing.T) {
	for name, newFlow := range flowCases {
		t.Run(name, func(t *testing.T) {
			opts := &nftest.FlowOptions{}
			f := newFlow()
			if strings.HasPrefix(name, "Invertible1x1Conv/channel") {
				opts.Dead = []string{"L", "U"} // a triangle of one channel has no elements
			}
			if err := nftest.Flow(f, opts, rand.NewPCG(3, 4)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBases(t *testing.T) {
	for name, b := range map[string]nf.Base{
		"ClassCondDiagGaussian":         grids.NewClassCondDiagGaussian(shape(1, 2, 1), 3),
		"ClassCondDiagGaussian/grid":    grids.NewClassCondDiagGaussian(shape(2, 3, 2), 2),
		"ClassCondDiagGaussian/heated":  heat(grids.NewClassCondDiagGaussian(shape(1, 1, 1), 2)),
		"AffineGaussian":                grids.NewAffineGaussian(shape(2, 2, 1), shape(1, 2, 1), 0),
		"AffineGaussian/classes":        grids.NewAffineGaussian(shape(1, 2, 2), shape(1, 1, 2), 3),
		"AffineGaussian/heated":         heat(grids.NewAffineGaussian(shape(1, 1, 2), shape(1, 1, 1), 2)),
		"GlowBase":                      grids.NewGlowBase(shape(2, 1, 1), 0),
		"GlowBase/classes":              grids.NewGlowBase(shape(1, 1, 2), 2),
		"GlowBase/classes and channels": grids.NewGlowBase(shape(2, 3, 2), 3),
	} {
		t.Run(name, func(t *testing.T) {
			if err := nftest.Base(b, nil, rand.NewPCG(3, 4)); err != nil {
				t.Error(err)
			}
		})
	}
}

func heat(b nf.Base) nf.Base {
	switch b := b.(type) {
	case *grids.ClassCondDiagGaussian:
		b.Temperature = 0.7
	case *grids.AffineGaussian:
		b.Temperature = 0.7
	}
	return b
}

// Each flow and base that a file of the package declares is in a table above.
func TestCasesAreComplete(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	assertion := regexp.MustCompile(`_ +nf\.Flow += \(\*([A-Z]\w*)\)\(nil\)`)
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range assertion.FindAllStringSubmatch(string(text), -1) {
			found++
			has := false
			for name := range flowCases {
				has = has || name == m[1] || strings.HasPrefix(name, m[1]+"/")
			}
			if !has {
				t.Errorf("%s: no case for the flow %s", file, m[1])
			}
		}
	}
	if found < 6 {
		t.Errorf("found %d flows in the sources, want 6 or more", found)
	}
}

// A coupling changes the components that the reference changes: those of z₂.
func TestParts(t *testing.T) {
	// The 2×4 grid of the documentation of the reference: 0 to 7 by rows.
	kept, changed, part, _ := grids.Parts(shape(2, 4, 1), nf.SplitCheckerboard)
	if !slices.Equal(kept, []int{1, 3, 4, 6}) || !slices.Equal(changed, []int{0, 2, 5, 7}) || part != shape(2, 2, 1) {
		t.Errorf("a checkerboard keeps %v and changes %v, parts of shape %v", kept, changed, part)
	}
	kept, changed, first, second := grids.Parts(shape(1, 2, 3), nf.SplitChannel)
	if !slices.Equal(kept, []int{0, 1, 3, 4}) || !slices.Equal(changed, []int{2, 5}) || first != shape(1, 2, 2) || second != shape(1, 2, 1) {
		t.Errorf("channels: keeps %v and changes %v, parts of shapes %v and %v", kept, changed, first, second)
	}
	// With channels, the parity is that of the sum of all three numbers.
	s := shape(3, 4, 2)
	kept, changed, _, _ = grids.Parts(s, nf.SplitCheckerboardInv)
	for parity, part := range [][]int{kept, changed} {
		for _, j := range part {
			if y, x, c := j/8, j/2%4, j%2; (y+x+c)%2 != parity {
				t.Errorf("row %d, column %d, channel %d is in part %d", y, x, c, parity)
			}
		}
	}
}

// ActNorm takes its first scale and shift from all pixels of all rows.
func TestActNormObserves(t *testing.T) {
	norm := grids.NewActNorm(shape(2, 2, 2))
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(8, nil), []nf.Flow{norm})
	r := rand.New(source())
	x := mat.NewDense(50, 8, nil)
	for i := range 50 {
		for j := range 8 {
			x.Set(i, j, 3+10*float64(j%2)+2*r.NormFloat64())
		}
	}
	if _, err := model.NLL(nil).LossGrad(x, source()); err != nil {
		t.Fatal(err)
	}
	z, _ := model.Inverse(x)
	for c := range 2 {
		var sum, square float64
		for i := range 50 {
			for site := range 4 {
				v := z.At(i, 2*site+c)
				sum += v / 200
				square += v * v / 199
			}
		}
		if math.Abs(sum) > 1e-9 || math.Abs(square-1) > 1e-4 { // the floor of the deviation is 1e-6 of 2
			t.Errorf("channel %d has mean %v and square %v after the first batch, want 0 and 1", c, sum, square)
		}
	}
}

// The network adds a linear map of its context to each pixel, and has ActNorms that observe.
func TestConvNet2dState(t *testing.T) {
	names := func(opts *grids.ConvNet2dOptions) string {
		var s []string
		for _, t := range grids.NewConvNet2d(shape(2, 2, 2), []int{3, 4, 5}, []int{3, 1, 3}, opts, source()).State() {
			s = append(s, fmt.Sprint(t.Name, t.Shape))
		}
		return strings.Join(s, " ")
	}
	if got, want := names(nil), "net.0.weight[3 2 3 3] net.0.bias[3] net.2.weight[4 3 1 1] net.2.bias[4] net.4.weight[5 4 3 3] net.4.bias[5]"; got != want {
		t.Errorf("got tensors %s, want %s", got, want)
	}
	norm := "actNorm.s[1 3 1 1] net.1.actNorm.t[1 3 1 1] net.1.actNorm.data_dep_init_done[]"
	want := "net.0.weight[3 2 3 3] net.1." + norm + " net.3.weight[4 3 1 1] net.4." + strings.NewReplacer("net.1", "net.4", " 3 ", " 4 ").Replace(norm) + " net.6.weight[5 4 3 3] net.6.bias[5] context.weight[3 2]"
	if got := names(&grids.ConvNet2dOptions{ActNorm: true, Context: 2}); got != want {
		t.Errorf("got tensors %s, want %s", got, want)
	}
}

func TestMisuse(t *testing.T) {
	net := func(in grids.Shape, out int) nf.Net {
		return grids.NewConvNet2d(in, []int{out}, []int{1}, nil, source())
	}
	tape := ad.NewTape(ad.Float64)
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"no channels": {func() { grids.NewActNorm(shape(2, 2, 0)) }, "grids: NewActNorm: got a 2×2×0 grid, want a height, a width and channels of 1 or more"},
		"odd squeeze": {func() { grids.NewSqueeze(shape(2, 3, 1)) }, "grids: NewSqueeze: got a 2×3×1 grid, want an even height and width"},
		"odd board":   {func() { grids.Parts(shape(2, 3, 1), nf.SplitCheckerboard) }, "grids: Parts: got a 2×3×1 grid, want an even width for a checkerboard"},
		"one channel": {func() { grids.NewMerge(shape(2, 2, 1), nf.SplitChannel) }, "grids: NewMerge: got a 2×2×1 grid, want 2 channels or more to split them; a checkerboard does with 1"},
		"block":       {func() { grids.NewGlowBlock(shape(2, 2, 1), 4, nil, source()) }, "grids: NewGlowBlock: got a 2×2×1 grid, want 2 channels or more to split them; a checkerboard does with 1"},
		"hidden":      {func() { grids.NewGlowBlock(shape(2, 2, 2), 0, nil, source()) }, "grids: NewGlowBlock: got 0 hidden channels, want 1 or more"},
		"network":     {func() { grids.NewAffineCouplingBlock(shape(2, 2, 3), net(shape(2, 2, 2), 3), nil) }, "grids: NewAffineCouplingBlock: got a network from 8 to 12 columns for a 2×2×3 grid with this split, want 8 to 8"},
		"nil network": {func() { grids.NewAffineCouplingBlock(shape(2, 2, 3), nil, nil) }, "grids: NewAffineCouplingBlock: got a nil network for a 2×2×3 grid with this split, want 8 to 8"},
		"kernel":      {func() { grids.NewConvNet2d(shape(2, 2, 1), []int{2, 3}, []int{3, 2}, nil, source()) }, "grids: NewConvNet2d: got channels [2 3] and kernels [3 2], want channels of 1 or more and odd kernels"},
		"kernels":     {func() { grids.NewConvNet2d(shape(2, 2, 1), []int{2, 3}, []int{3}, nil, source()) }, "grids: NewConvNet2d: got channels [2 3] and kernels [3], want at least one layer and both for each"},
		"slope": {func() {
			grids.NewConvNet2d(shape(2, 2, 1), []int{2}, []int{3}, &grids.ConvNet2dOptions{Leaky: 0.1, Activation: nf.ActTanh}, source())
		}, "grids: NewConvNet2d: got Leaky 0.1 with activation 3; only ActReLU has a slope"},
		"residual": {func() { grids.NewConvResidualNet(shape(2, 2, 1), 1, 0, nil, source()) }, "grids: NewConvResidualNet: got 1 channels of output and 0 hidden ones, want 1 or more"},
		"start": {func() {
			grids.NewConvResidualNet(shape(2, 2, 1), 2, 3, &grids.ConvResidualNetOptions{Start: []float64{1}}, source())
		}, "grids: NewConvResidualNet: got 1 numbers in Start for 2 channels of output"},
		"dropout": {func() {
			grids.NewConvResidualNet(shape(2, 2, 1), 2, 3, &grids.ConvResidualNetOptions{Dropout: 1}, source())
		}, "grids: NewConvResidualNet: got Dropout 1, want 0 or more and less than 1"},
		"sitewise":     {func() { grids.NewSitewise(shape(2, 2, 3), nf.NewActNorm(2)) }, "grids: NewSitewise: got a flow of dimension 2 for a 2×2×3 grid, want dimension 3"},
		"affine shape": {func() { grids.NewCCAffineConst(shape(2, 2, 3), shape(1, 1, 2), 0) }, "grids: NewCCAffineConst: got scales and shifts of shape 1×1×2 for a 2×2×3 grid, want each number to be that of the grid or 1"},
		"affine class": {func() { grids.NewAffineGaussian(shape(1, 1, 1), shape(1, 1, 1), 2).LogProb(tape.Full(5, 1, 0), nil) }, "grids: AffineGaussian.LogProb: got context nil, want 2 columns, one for each class; condition the model with Given"},
		"coupling":     {func() { grids.NewCoupling(shape(2, 2, 3), nf.Affine{}, net(shape(2, 2, 2), 3), nf.SplitChannel) }, "grids: NewCoupling: got a network from 8 to 12 columns for a 2×2×3 grid with this split, want 8 to 8"},
		"columns":      {func() { net(shape(2, 2, 2), 3).Apply(tape.Full(5, 7, 0), nil) }, "grids: ConvNet2d.Apply: got a 5×7 batch, want 8 columns"},
		"classes":      {func() { grids.NewClassCondDiagGaussian(shape(1, 1, 1), 0) }, "grids: NewClassCondDiagGaussian: got 0 classes, want 1 or more"},
		"no class":     {func() { grids.NewGlowBase(shape(1, 1, 1), 2).LogProb(tape.Full(5, 1, 0), nil) }, "grids: GlowBase.LogProb: got context nil, want 2 columns, one for each class; condition the model with Given"},
		"label":        {func() { grids.OneHot([]int{0, 3}, 3) }, "grids: OneHot: label 1 is 3, want one of 0 to 2"},
		"levels":       {func() { grids.NewGlow(shape(28, 28, 1), &grids.GlowOptions{Levels: 3}, source()) }, "grids: NewGlow: got a 28×28×1 grid for 3 levels, want a height and a width that can be divided by 8"},
		"pixel flow":   {func() { grids.NewPixelFlow(shape(2, 2, 1), &grids.PixelFlowOptions{Bins: 1}, source()) }, "grids: NewPixelFlow: got 0 hidden channels, 0 blocks, 1 bins and 0 classes, want none negative, and 2 bins or more"},
		"pixels": {func() {
			grids.NewPixelFlow(shape(1, 1, 1), &grids.PixelFlowOptions{Pixels: mat.NewDense(1, 1, []float64{256}), Levels: 256}, source())
		}, "grids: NewPixelFlow: the pixel in row 0 and column 0 is 256, want a whole number from 0 to 255"},
		"few levels": {func() {
			grids.NewPixelFlow(shape(1, 1, 1), &grids.PixelFlowOptions{Pixels: mat.NewDense(1, 1, nil), Levels: 31}, source())
		}, "grids: NewPixelFlow: got 1 rows of Pixels and 31 levels for 32 bins, want a row or more, and a level for each bin"},
		"missing merge": {func() { grids.NewMultiscaleFlow([]nf.Base{nf.NewDiagGaussian(2, nil)}, nil, nil, nil) }, "grids: NewMultiscaleFlow: got 1 bases, flows of 0 levels and 0 merges, want one level or more, a base for each and a merge between two"},
		"level": {func() {
			grids.NewMultiscaleFlow([]nf.Base{nf.NewDiagGaussian(4, nil)}, [][]nf.Flow{{grids.NewSqueeze(shape(2, 4, 1))}}, nil, nil)
		}, "grids: NewMultiscaleFlow: flow 0 of level 0 (*grids.Squeeze) has dimension 8, want 4"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("got panic %v, want %q", got, c.want)
				}
			}()
			c.f()
		})
	}
}
