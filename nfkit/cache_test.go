package nfkit_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// Parameters that change are seen by the next evaluation: after a step of nfkit's optimiser, after one of the user's own, and when a change is told.
// So are they by the next loss and the next gradient, told or not.
func TestEvaluationsFollowParameters(t *testing.T) {
	for _, p := range precisions {
		m := testModel(2, 0).WithPrecision(p)
		x := testkit.NormalRows(50, 2, 1)
		objective, src := m.NLL(nil), rand.NewPCG(1, 2)
		shift := func(tell func(p *ad.Param)) {
			for _, p := range m.Params() {
				if !p.Frozen {
					for i := range p.Data {
						p.Data[i] += 0.1
					}
					tell(p)
				}
			}
		}
		quiet := func(*ad.Param) {}
		grad := func() {
			if _, err := objective.LossGrad(x, src); err != nil {
				t.Fatal(err)
			}
		}
		loss := func() float64 { return nf.Must(objective.Loss(x, nil)) }
		adam := nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 0.1})
		for _, c := range []struct {
			name   string
			change func()
		}{
			{"a step of Adam", func() { grad(); adam.Step() }},
			{"a step of one's own", func() { grad(); shift(quiet) }},
			{"Changed", func() { shift((*ad.Param).Changed) }},
		} {
			before := m.LogProb(x)
			c.change()
			got, want := m.LogProb(x), m.Clone().LogProb(x)
			if !slices.Equal(got, want) || slices.Equal(got, before) {
				t.Errorf("%v: after %s the log-densities are %v, before it %v, want %v", p, c.name, got[:2], before[:2], want[:2])
			}
		}
		before := loss()
		shift(quiet)
		if got := loss(); got == before {
			t.Errorf("%v: a loss does not see what has changed", p)
		}
		shift(quiet)
		before, now := loss(), 0.0
		shift(quiet)
		if now = nf.Must(objective.LossGrad(x, src)); now == before {
			t.Errorf("%v: a gradient does not see what has changed", p)
		}
	}
}
