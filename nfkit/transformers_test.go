package nfkit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// transformerCase is a transformer with what its flows are checked with.
type transformerCase struct {
	transformer nf.Transformer
	opts        nftest.FlowOptions
	near        float64 // how far it may be from the identity on [−4, 4], or on its interval, at first
}

var (
	wide = nftest.FlowOptions{Extremes: []float64{-5, 5, 2.5, 1e3, -1e3, 1e-9}}
	unit = nftest.FlowOptions{Latent: nftest.Interval{Lo: 0, Hi: 1}, Data: nftest.Interval{Lo: 0, Hi: 1}, Extremes: []float64{0.5, 0.25, 1e-9, 1 - 1e-9}}
	// The rule of the integral and its derivative differ: by less than this, where the points of a check are.
	quadratureError = nftest.FlowOptions{Tolerance: 1e-6, Extremes: []float64{1e3, -1e3}}
)

var transformers = map[string]transformerCase{
	"LogisticMixtureCDF":           {nf.LogisticMixtureCDF{}, wide, 0.2},
	"LogisticMixtureCDF/one":       {nf.LogisticMixtureCDF{Components: 1}, wide, 1e-12},
	"GaussianMixtureCDF":           {nf.GaussianMixtureCDF{}, wide, 0.4},
	"DeepSigmoid":                  {nf.DeepSigmoid{}, wide, 0.4},
	"DeepSigmoid/3 layers of 2":    {nf.DeepSigmoid{Units: 2, Layers: 3}, wide, 1},
	"DeepDenseSigmoid":             {nf.DeepDenseSigmoid{}, wide, 0.4},
	"DeepDenseSigmoid/3 layers":    {nf.DeepDenseSigmoid{Units: 3, Layers: 3}, wide, 1},
	"DeepDenseSigmoid/1 layer":     {nf.DeepDenseSigmoid{Units: 3, Layers: 1}, wide, 1},
	"BernsteinPolynomial":          {nf.BernsteinPolynomial{}, wide, 1e-12},
	"BernsteinPolynomial/unit":     {nf.BernsteinPolynomial{Degree: 5, Hi: 1, Free: true}, unit, 1e-12},
	"SumOfSquares":                 {nf.SumOfSquares{}, wide, 0.1},
	"SumOfSquares/1 of degree 1":   {nf.SumOfSquares{Polynomials: 1, Degree: 1}, wide, 1e-12},
	"UnconstrainedMonotone":        {nf.UnconstrainedMonotone{}, quadratureError, 1e-12},
	"UnconstrainedMonotone/1 unit": {nf.UnconstrainedMonotone{Units: 1, Points: 40}, quadratureError, 1e-12},
	"LinearSpline":                 {nf.LinearSpline{}, wide, 1e-12},
	"LinearSpline/unit":            {nf.LinearSpline{Bins: 5, Hi: 1}, unit, 1e-12},
	"CubicSpline":                  {nf.CubicSpline{}, wide, 1e-12},
	"CubicSpline/unit":             {nf.CubicSpline{Bins: 2, Hi: 1}, unit, 1e-12},
}

func TestTransformers(t *testing.T) {
	for name, c := range transformers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := nftest.Transformer(c.transformer, &c.opts, rand.NewPCG(1, 2)); err != nil {
				t.Error(err)
			}
		})
	}
}

// line returns n numbers in the domain of c.
func (c transformerCase) line(n int) []float64 {
	lo, hi := -4.0, 4.0
	if c.opts.Latent.Hi == 1 {
		lo, hi = 0, 1
	}
	s := make([]float64, n)
	for i := range s {
		s[i] = lo + (hi-lo)*(float64(i)+0.5)/float64(n)
	}
	return s
}

// Each starts at the identity, or near it.
func TestTransformersStart(t *testing.T) {
	for name, c := range transformers {
		x := c.line(81)
		tape := ad.NewEvalTape(ad.Float64)
		params := tape.Const(1, c.transformer.Params(), c.transformer.Initial())
		z, logDet := c.transformer.Inverse(tape.Const(len(x), 1, x), params)
		for i := range x {
			if d := math.Abs(z.At(i, 0) - x[i]); !(d <= c.near) || !(math.Abs(logDet.At(i, 0)) <= c.near+1e-9) {
				t.Errorf("%s takes %v to %v with log-determinant %v, want it near the identity by %v", name, x[i], z.At(i, 0), logDet.At(i, 0), c.near)
			}
		}
	}
}

// For parameters of any size, each is increasing, its slope is a finite number above 0, and inverting it is possible, in both precisions.
func TestTransformersAtExtremeParameters(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, c := range transformers {
		for _, scale := range []float64{10, 1e3, 1e6} {
			if _, ok := c.transformer.(nf.UnconstrainedMonotone); ok {
				scale = 3 * math.Log10(scale) / 6 // its rule resolves nothing steeper
			}
			params := c.transformer.Initial()
			for i := range params {
				params[i] += scale * r.NormFloat64()
			}
			for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
				tape := ad.NewTape(p)
				x := c.line(61)
				at, v := tape.Variable(len(x), 1, x), tape.Variable(1, len(params), params)
				z, logDet := c.transformer.Inverse(at, v)
				for i := range x {
					if !(math.Abs(logDet.At(i, 0)) < math.MaxFloat32) {
						t.Errorf("%s in %v with parameters of %v: log-determinant %v at %v", name, p, scale, logDet.At(i, 0), x[i])
					}
					if i > 0 && !(z.At(i, 0) >= z.At(i-1, 0)) {
						t.Errorf("%s in %v with parameters of %v: %v goes to %v, %v to %v", name, p, scale, x[i-1], z.At(i-1, 0), x[i], z.At(i, 0))
					}
				}
				tape.Backward(z.Sum().Add(logDet.Sum()))
				for _, g := range append(at.Grad(), v.Grad()...) {
					if math.IsNaN(g) {
						t.Fatalf("%s in %v with parameters of %v: a gradient is NaN", name, p, scale)
					}
				}
				back, _ := c.transformer.Forward(z.Detach(), v)
				for i := range x {
					if math.IsNaN(back.At(i, 0)) {
						t.Errorf("%s in %v with parameters of %v: no x for z = %v, that of %v", name, p, scale, z.At(i, 0), x[i])
					}
				}
			}
		}
	}
}

// Values and log-determinants at −3.1, −0.4, 0.9 and 2.2 for the parameters 0.8·sin(1.3·i + 0.7), from the papers' formulas:
// testdata/families/transformers.py.
func TestTransformersGolden(t *testing.T) {
	x := []float64{-3.1, -0.4, 0.9, 2.2}
	for name, want := range map[string][8]float64{
		"LogisticMixtureCDF":    {-2.5830589644, -0.40757918, -0.4140182683, 0.08971992, 1.1166118498, 0.17195802, 2.5115080145, -0.07870921},
		"GaussianMixtureCDF":    {-2.0335576319, -0.57861721, -0.3514151165, -0.04678805, 1.0368060148, 0.05396698, 2.1441815434, -0.50908568},
		"DeepSigmoid":           {-1.6158662882, -1.25056401, -0.5763732974, -0.47116353, 0.4464474581, -0.19799319, 1.3369225043, -0.56449664},
		"DeepDenseSigmoid":      {-1.3581110460, -1.14343008, -0.1475543188, -0.27374473, 0.9714825322, -0.23863328, 1.7616264064, -0.74227070},
		"BernsteinPolynomial":   {-2.9126126582, 0.09764250, -0.3715182712, -0.08020617, 0.8268871673, -0.10586640, 1.9937600041, -0.06138945},
		"SumOfSquares":          {-2.3027095910, -0.16081841, 0.1216824812, -0.03141628, 1.4512656478, 0.07945982, 2.9513512966, 0.20685604},
		"UnconstrainedMonotone": {-3.2187792262, 0.73988086, 0.2999330476, -0.49343774, 0.8408433687, -1.28802623, 1.1227627715, -1.69682011},
		"LinearSpline":          {-2.3489076671, 0.46656543, -0.2338559404, -1.03360215, 0.4283107759, -0.54880174, 2.0122702922, 0.37466941},
		"CubicSpline":           {-4.4144561858, -1.14463589, -0.8181660444, 1.54358821, 1.2000189204, -0.99053244, 1.4901963310, -1.20014727},
	} {
		f := transformers[name].transformer
		params := make([]float64, f.Params())
		for i := range params {
			params[i] = 0.8 * math.Sin(1.3*float64(i)+0.7)
		}
		tape := ad.NewEvalTape(ad.Float64)
		z, logDet := f.Inverse(tape.Const(4, 1, x), tape.Const(1, len(params), params))
		for i := range x {
			if got := z.At(i, 0); math.Abs(got-want[2*i]) > 1e-8 {
				t.Errorf("%s of %v: got %v, want %v", name, x[i], got, want[2*i])
			}
			if got := logDet.At(i, 0); math.Abs(got-want[2*i+1]) > 1e-6 {
				t.Errorf("%s of %v: got log-determinant %v, want %v", name, x[i], got, want[2*i+1])
			}
		}
	}
}

func TestTransformerOptions(t *testing.T) {
	for want, f := range map[string]func(){
		"BernsteinPolynomial: got Degree 5, want 6 or more": func() { nf.BernsteinPolynomial{Degree: 5}.Params() },
		"SumOfSquares: got Degree -1, want 1 or more":       func() { nf.SumOfSquares{Degree: -1}.Initial() },
		"LinearSpline: got Bins 1, want 2 or more":          func() { nf.LinearSpline{Bins: 1}.Params() },
		"CubicSpline: got the interval [2, 1], want finite ends in order": func() {
			nf.NewElementwise(nf.CubicSpline{Lo: 2, Hi: 1}, 1).Inverse(ad.NewTape(ad.Float64).Full(1, 1, 0), nil)
		},
		"LogisticMixtureCDF: got Components -2, want 1 or more": func() { nf.LogisticMixtureCDF{Components: -2}.Params() },
		"UnconstrainedMonotone: got Points -3, want 1 or more":  func() { nf.UnconstrainedMonotone{Points: -3}.Params() },
	} {
		testkit.WantPanic(t, want, f)
	}
}
