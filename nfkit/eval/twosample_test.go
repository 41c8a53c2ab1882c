package eval_test

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestTwoSamplesRefuse(t *testing.T) {
	x, y := testkit.NormalRows(5, 2, 1), testkit.NormalRows(5, 3, 1)
	testkit.WantPanic(t, "KolmogorovSmirnov: got samples of 5×2 and 5×3", func() { eval.KolmogorovSmirnov(x, y) })
	testkit.WantPanic(t, "MMD: got samples of 5×2 and 0×0", func() { eval.MMD(x, &mat.Dense{}) })
	testkit.WantPanic(t, "MMD: got samples of 5 and 1 rows", func() { eval.MMD(x, testkit.NormalRows(1, 2, 1)) })
	testkit.WantPanic(t, "SlicedWasserstein: got 0 directions", func() { eval.SlicedWasserstein(x, x, 0, rand.NewPCG(1, 2)) })
}
