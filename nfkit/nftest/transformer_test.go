package nftest_test

import (
	"math/rand/v2"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// flipped is [nf.Affine] with the wrong sign of a log-determinant.
type flipped struct{ nf.Affine }

func (f flipped) Of([]int) nf.Transformer { return f }
func (f flipped) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	z, logDet = f.Affine.Inverse(x, params)
	return z, logDet.Neg()
}

// A mistake is found, and the same source finds it in the same words.
func TestTransformerFindsTheSameMistake(t *testing.T) {
	first := nftest.Transformer(flipped{}, nil, rand.NewPCG(1, 2))
	if first == nil {
		t.Fatal("a wrong sign of a log-determinant passes")
	}
	for range 5 {
		if err := nftest.Transformer(flipped{}, nil, rand.NewPCG(1, 2)); err == nil || err.Error() != first.Error() {
			t.Fatalf("the same source gives\n%v\nand\n%v", first, err)
		}
	}
}
