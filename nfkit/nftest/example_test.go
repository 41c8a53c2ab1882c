package nftest_test

import (
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// wave stretches the second component of a point by a wave of the first:
// x₀ = z₀, x₁ = z₁·e^{a·sin z₀} + b, ln|det J| = a·sin z₀.
type wave struct{ a, b *ad.Param }

func newWave() *wave {
	return &wave{ad.NewParam(1, 1, []float64{0}), ad.NewParam(1, 1, []float64{0})}
}

var _ nf.Flow = (*wave)(nil)

func (w *wave) Dim() int { return 2 }

func (w *wave) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	z0, z1 := z.Slice(0, 1), z.Slice(1, 2)
	s := z0.Sin().Mul(w.a)
	return z0.Concat(z1.Mul(s.Exp()).Add(w.b)), s
}

func (w *wave) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	x0, x1 := x.Slice(0, 1), x.Slice(1, 2)
	s := x0.Sin().Mul(w.a).Neg()
	return x0.Concat(x1.Sub(w.b).Mul(s.Exp())), s
}

func (w *wave) State() nf.State {
	return nf.State{
		{Name: "a", Shape: []int{1}, Param: w.a},
		{Name: "b", Shape: []int{1}, Param: w.b},
	}
}

// A flow of one's own needs its two directions, in operations of package ad, and its parameters. Gradients come with
// the operations.
func ExampleFlow() {
	if err := nftest.Flow(newWave(), nil, rand.NewPCG(1, 2)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("wave is a flow")
	// Output: wave is a flow
}

func ExampleBase() {
	base := nf.NewDiagGaussian(2, nil)
	fmt.Println(nftest.Base(base, nil, rand.NewPCG(1, 2)))
	// Output: <nil>
}
