package grids_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

// A spline that all sites share does what one for each of them does, and its gradient is the sum of theirs.
func TestSitewiseShares(t *testing.T) {
	spline := nf.LinearSpline{Bins: 5, Hi: 1}
	shared, apart := nf.NewElementwise(spline, 1), nf.NewElementwise(spline, 6)
	params := func(f nf.Flow) *ad.Param { return f.State().Params()[0] }
	for i := range params(apart).Data {
		v := math.Sin(float64(i % 5))
		params(apart).Data[i], params(shared).Data[i%5] = v, v
	}
	x := mat.NewDense(4, 6, nil)
	r := rand.New(source())
	for i := range x.RawMatrix().Data {
		x.RawMatrix().Data[i] = r.Float64()
	}
	base := nf.NewDiagGaussian(6, &nf.DiagGaussianOptions{Fixed: true})
	for _, turn := range []func(nf.Flow) nf.Flow{func(f nf.Flow) nf.Flow { return f }, func(f nf.Flow) nf.Flow { return nf.NewInvert(f) }} {
		a := nf.NewNormalizingFlow(base, []nf.Flow{grids.NewSitewise(shape(2, 3, 1), turn(shared))})
		b := nf.NewNormalizingFlow(base, []nf.Flow{turn(apart)})
		lossA, err := a.NLL(nil).LossGrad(x, source())
		if err != nil {
			t.Fatal(err)
		}
		lossB, err := b.NLL(nil).LossGrad(x, source())
		if err != nil {
			t.Fatal(err)
		}
		if !(math.Abs(lossA-lossB) < 1e-12*math.Abs(lossB)) {
			t.Errorf("the loss is %v, with a spline for each site %v", lossA, lossB)
		}
		for k, got := range params(shared).Grad {
			var want float64
			for i := range 6 {
				want += params(apart).Grad[5*i+k]
			}
			if !(math.Abs(got-want) < 1e-12) {
				t.Errorf("the gradient of parameter %d is %v, the sum over the sites %v", k, got, want)
			}
		}
		z, _ := a.Inverse(x)
		y, _ := a.Forward(z)
		if !mat.EqualApprox(x, y, 1e-12) {
			t.Errorf("Forward gives %v for what Inverse makes of %v", y, x)
		}
	}
}
