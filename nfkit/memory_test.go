package nfkit_test

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// inUse returns the bytes of all that is still reachable, and of all that was ever taken.
func inUse() (held, taken float64) {
	runtime.GC()
	runtime.GC() // what pools keep goes with the second one
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc), float64(s.TotalAlloc)
}

// After a call, a model and its objectives hold nothing that grows with the number of rows: not the rows, not the results, no copies.
func TestNothingOfTheRowsIsHeld(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // a second core has a tape of its own, as soon as it gets something to do
	const few, many = 8192, 32_768                  // both are evaluated in shards of the same size
	must := func(_ float64, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range precisions {
		plain, conditional := testModel(2, 0).WithPrecision(p), testModel(2, 3).WithPrecision(p)
		observing := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewActNorm(2)}).WithPrecision(p)
		likelihood, joint, observed := plain.NLL(nil), conditional.NLL(nil), observing.NLL(nil)
		weighted := plain.NLL(&nf.NLLOptions{Weighted: true})
		own := nf.NewObjective(plain.State(), 2, func(x *ad.Value) *ad.Value {
			z, _ := plain.Flows()[0].Inverse(x, nil)
			return z.Square().RowSum()
		})
		src := rand.NewPCG(1, 2)
		rows := func(n, columns int) *mat.Dense { return testkit.NormalRows(n, columns, 1) }
		weights := func(n int) *mat.Dense {
			x := rows(n, 3)
			x.Apply(func(_, j int, v float64) float64 {
				if j == 2 {
					return 1
				}
				return v
			}, x)
			return x
		}
		for _, c := range []struct {
			name string
			call func(n int)
		}{
			{"LogProb", func(n int) { plain.LogProb(rows(n, 2)) }},
			{"Score", func(n int) { plain.Score(rows(n, 2)) }},
			{"Sample", func(n int) { plain.SampleLogProb(n, src) }},
			{"Forward", func(n int) { plain.Forward(rows(n, 2)) }},
			{"Inverse", func(n int) { plain.Inverse(rows(n, 2)) }},
			{"Given", func(n int) { conditional.Given(rows(n, 3)).LogProb(rows(n, 2)) }},
			{"ImportanceSample", func(n int) { plain.ImportanceSample(targets.StandardNormal{}, n, src) }},
			{"Loss", func(n int) { must(likelihood.Loss(rows(n, 2), nil)) }},
			{"LossGrad", func(n int) { must(likelihood.LossGrad(rows(n, 2), src)) }},
			{"LossGrad with contexts", func(n int) { must(joint.LossGrad(rows(n, 5), src)) }},
			{"LossGrad with weights", func(n int) { must(weighted.LossGrad(weights(n), src)) }},
			{"LossGrad of one's own", func(n int) { must(own.LossGrad(rows(n, 2), src)) }},
			{"LossGrad of a layer that observes", func(n int) {
				for _, s := range observing.State() {
					if strings.HasSuffix(s.Name, "data_dep_init_done") {
						s.Floats[0] = 0
					}
				}
				must(observed.LossGrad(rows(n, 2), src))
			}},
			{"ReverseKL", func(n int) { must(plain.ReverseKL(targets.StandardNormal{}, n, nil).LossGrad(nil, src)) }},
			{"Fit", func(n int) {
				_, err := nf.Fit(t.Context(), likelihood, nf.NewRows(rows(n, 2)), &nf.FitOptions{Steps: 1, BatchSize: n, Validation: rows(n, 2)}, src)
				must(0, err)
			}},
		} {
			c.call(few)
			before, _ := inUse()
			c.call(many)
			after, _ := inUse()
			if held := after - before; held > 1e5 { // a column of the rows has 2.6e5 bytes
				t.Errorf("%v: after %s of %d rows, %.0f bytes are held", p, c.name, many, held)
			}
		}
		runtime.KeepAlive([]any{plain, conditional, observing, likelihood, joint, observed, weighted, own})
	}
}

// The log-densities of more rows take no more memory, beside the rows and the results.
func TestMemoryOfEvaluations(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, p := range precisions {
		m, x := testModel(2, 0).WithPrecision(p), testkit.NormalRows(100_000, 2, 1)
		dst := make([]float64, 100_000)
		m.LogProbTo(dst[:10_000], x.Slice(0, 10_000, 0, 2))
		_, before := inUse()
		m.LogProbTo(dst, x)
		if _, after := inUse(); after-before > 1e5 {
			t.Errorf("%v: %d rows take %.0f bytes, after fewer have been evaluated", p, len(dst), after-before)
		}
	}
}

// After Fit, a model holds what it held before: sums of gradients, which may be several times its parameters, are let go.
func TestFitHoldsNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, p := range precisions {
		m := nf.NewRealNVP(2, &nf.ModelOptions{Hidden: 64, Layers: 8}, rand.NewPCG(1, 2)).WithPrecision(p)
		x := nf.NewRows(testkit.NormalRows(2048, 2, 1))
		m.Sample(2048, rand.NewPCG(5, 6)) // what evaluations keep
		before, _ := inUse()
		for _, o := range []struct {
			objective nf.Objective
			data      nf.Sampler
		}{{m.NLL(nil), x}, {m.ReverseKL(targets.StandardNormal{}, 2048, nil), nil}} {
			opts := &nf.FitOptions{Steps: 1}
			if o.data != nil {
				opts.BatchSize = 2048
			}
			nf.Must(nf.Fit(t.Context(), o.objective, o.data, opts, rand.NewPCG(3, 4)))
			if after, _ := inUse(); after-before > 1e5 { // one sum has 3e5
				t.Errorf("%v: after Fit, %T and model hold %.0f bytes more than before", p, o.objective, after-before)
			}
		}
		runtime.KeepAlive(m)
		runtime.KeepAlive(x)
	}
}
