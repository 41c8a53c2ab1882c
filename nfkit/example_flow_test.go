package nfkit_test

import (
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// stretch is the flow x = z·eˢ, with a parameter s for each component.
type stretch struct{ s *ad.Param }

func (f stretch) Dim() int        { _, d := f.s.Dims(); return d }
func (f stretch) State() nf.State { return nf.State{nf.ParamTensor("s", f.s, 1, f.Dim())} }
func (f stretch) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	s := z.Tape().Param(f.s)
	return z.Mul(s.Exp()), s.RowSum().Repeat(z.Rows())
}
func (f stretch) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	s := x.Tape().Param(f.s).Neg()
	return x.Mul(s.Exp()), s.RowSum().Repeat(x.Rows())
}

// A flow of one's own takes ten lines and no gradient code; package nftest checks it.
func ExampleFlow() {
	f := stretch{ad.NewParam(1, 2, []float64{0.5, -1})}
	fmt.Println("error:", nftest.Flow(f, nil, rand.NewPCG(1, 2)))
	fmt.Println(nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{f}))
	// Output:
	// error: <nil>
	// NormalizingFlow in 2 dimensions, 6 parameters
	// base  DiagGaussian  4
	// 0     stretch       2
}
