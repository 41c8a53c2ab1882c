package eval_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// The area and its error are those of comparing every pair.
func TestAUROC(t *testing.T) {
	for _, c := range []struct{ inliers, outliers []float64 }{
		{[]float64{1, 2, 3}, []float64{2, 4}},
		{[]float64{1, 1, 1}, []float64{1, 1}},
		{testkit.NormalRows(50, 1, 1).RawMatrix().Data, shifted(testkit.NormalRows(70, 1, 2), 1).RawMatrix().Data},
		{[]float64{5, 6}, []float64{1, 2, 3}},
		{[]float64{math.Inf(-1), 0}, []float64{0, math.Inf(1)}},
	} {
		rightOfInlier, rightOfOutlier := make([]float64, len(c.inliers)), make([]float64, len(c.outliers))
		for i, a := range c.inliers {
			for j, b := range c.outliers {
				var right float64
				if b > a {
					right = 1
				} else if a == b {
					right = 0.5
				}
				rightOfInlier[i] += right / float64(len(c.outliers))
				rightOfOutlier[j] += right / float64(len(c.inliers))
			}
		}
		area, s1 := stat.MeanVariance(rightOfOutlier, nil)
		want := math.Sqrt(s1/float64(len(c.outliers)) + stat.Variance(rightOfInlier, nil)/float64(len(c.inliers)))
		if got := eval.AUROC(c.inliers, c.outliers); math.Abs(got.Value-area) > 1e-12 || math.Abs(got.Error-want) > 1e-12 {
			t.Errorf("AUROC = %v, want %v and %v", got, area, want)
		}
	}
	if got := eval.AUROC([]float64{1, math.NaN()}, []float64{2}); !math.IsNaN(got.Value) {
		t.Errorf("AUROC of NaN is %v", got)
	}
	testkit.WantPanic(t, "AUROC: got 0 inliers and 1 outliers", func() { eval.AUROC(nil, []float64{1}) })
}

// Far points have low density; points at the centre of many dimensions have a high one, and are not typical.
func TestScores(t *testing.T) {
	const d = 50
	g, err := eval.FitGaussian(testkit.NormalRows(2000, d, 1))
	if err != nil {
		t.Fatal(err)
	}
	inliers := testkit.NormalRows(300, d, 2)
	far, near := mat.NewDense(300, d, nil), mat.NewDense(300, d, nil)
	far.Scale(2, testkit.NormalRows(300, d, 3))
	near.Scale(0.2, testkit.NormalRows(300, d, 4))
	score := func(x mat.Matrix) []float64 { return eval.OutlierScores(g, x) }
	if a := eval.AUROC(score(inliers), score(far)); a.Value < 0.99 {
		t.Errorf("of far points AUROC is %v", a)
	}
	if a := eval.AUROC(score(inliers), score(near)); a.Value > 0.01 {
		t.Errorf("of near points AUROC of the density is %v", a)
	}
	typical := func(x mat.Matrix) []float64 { return eval.TypicalityScores(g, x, testkit.NormalRows(2000, d, 1)) }
	for what, x := range map[string]mat.Matrix{"far": far, "near": near} {
		if a := eval.AUROC(typical(inliers), typical(x)); a.Value < 0.99 {
			t.Errorf("of %s points AUROC of typicality is %v", what, a)
		}
	}
	if got, want := score(inliers)[7], -g.LogProb(inliers)[7]; got != want {
		t.Errorf("the score is %v, want %v", got, want)
	}
	testkit.WantPanic(t, "TypicalityScores: got 0×0 inliers", func() { eval.TypicalityScores(g, inliers, &mat.Dense{}) })
}
