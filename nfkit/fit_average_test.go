package nfkit_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// The model has in the end the averages of what it had after each step, and validations are theirs; steps are those of a run without them.
func TestFitAverage(t *testing.T) {
	const decay = 0.8
	rows, held := testkit.NormalRows(300, 2, 1), testkit.NormalRows(100, 2, 2)
	for _, m := range []*mat.Dense{rows, held} { // so that every step is for the better
		m.Apply(func(_, _ int, x float64) float64 { return x + 3 }, m)
	}
	for _, validated := range []bool{false, true} {
		run := func(average float64) (*nf.NormalizingFlow, *nf.History, [][]float64) {
			m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
			at := func() (all []float64) {
				for _, p := range m.Params() {
					all = append(all, p.Data...)
				}
				return all
			}
			seen := [][]float64{at()}
			opts := &nf.FitOptions{Steps: 7, BatchSize: 50, Average: average, Adam: nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 0.1})}
			opts.OnStep = func(nf.Step) error { seen = append(seen, at()); return nil }
			if validated {
				opts.Validation, opts.ValidateEvery = held, 7
			}
			h, err := nf.Fit(context.Background(), m.NLL(nil), nf.NewRows(rows), opts, rand.NewPCG(3, 4))
			if err != nil {
				t.Fatal(err)
			}
			return m, h, append(seen, at())
		}
		m, h, seen := run(decay)
		_, plain, steps := run(0)
		if !slices.Equal(h.Loss, plain.Loss) || !slices.Equal(seen[7], steps[7]) {
			t.Errorf("validated %t: steps with an average differ from those without", validated)
		}
		for k, got := range seen[8] {
			mean := seen[0][k]
			for i := 1; i <= 7; i++ {
				d := min(decay, float64(1+i)/float64(10+i))
				mean = d*mean + (1-d)*seen[i][k]
			}
			if math.Abs(got-mean) > 1e-15 {
				t.Errorf("validated %t: parameter %d is %v in the end, want the average %v", validated, k, got, mean)
			}
		}
		if validated {
			if want, err := m.NLL(nil).Loss(held, nil); err != nil || h.Validation[1] != want {
				t.Errorf("the validation is %v, want that of the averages, %v (error %v)", h.Validation[1], want, err)
			}
		}
	}
}
