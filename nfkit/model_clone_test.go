package nfkit_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// A copy of a model has the same density, is not changed by what is done to the other, in parameters, masks or buffers, and can be saved and loaded
// as it.
func TestClone(t *testing.T) {
	for name, c := range flowCases {
		for _, context := range []int{0, 2} {
			f := c.stirred(5, context, 1)
			if f == nil {
				continue
			}
			base := nf.NewModelBase(nf.NewNormalizingFlow(nf.NewDiagGaussian(5, nil), nil))
			m := nf.NewNormalizingFlow(base, []nf.Flow{f, f})
			n := m.Clone()
			if nf.StateText(m.State()) != nf.StateText(n.State()) {
				t.Errorf("%s: the copy has other tensors", name)
			}
			before := nf.StateText(n.State())
			for _, s := range m.State() {
				for _, data := range [][]float64{s.Floats, paramData(s)} {
					for i := range data {
						data[i]++
					}
				}
				for i := range s.Ints {
					s.Ints[i]++
				}
			}
			if nf.StateText(n.State()) != before {
				t.Errorf("%s: what is done to the model changes its copy", name)
			}
			path := filepath.Join(t.TempDir(), "flow.safetensors")
			nf.Check(nf.Save(path, n))
			if err := nf.Load(path, n.Clone()); err != nil {
				t.Errorf("%s: a copy of the copy cannot be loaded: %v", name, err)
			}
		}
	}
}

// A model is evaluated and sampled, and copied, while it is trained; each evaluation has the parameters of one step: all rows of the same point
// have the same density.
func TestModelServesWhileItIsTrained(t *testing.T) {
	src := rand.NewPCG(1, 2)
	m := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 8}, src)
	x := tutorialRows(400, src)
	for i := range 400 {
		x.SetRow(i, x.RawRowView(0))
	}
	const servers, each = 2, 20 // the training goes on until each of them has evaluated so often
	done := make(chan struct{})
	var evaluated [servers]atomic.Int64
	var wait sync.WaitGroup
	for i := range servers {
		wait.Go(func() {
			r := rand.NewPCG(3, 4)
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, l := range [][]float64{m.LogProb(x), m.Clone().LogProb(x)} {
					if slices.Min(l) != slices.Max(l) {
						t.Error("one evaluation has parameters of two steps")
					}
				}
				m.Sample(10, r)
				evaluated[i].Add(1)
			}
		})
	}
	_, err := nf.Fit(context.Background(), m.NLL(nil), nf.NewRows(tutorialRows(1000, src)), &nf.FitOptions{Steps: 1 << 20, BatchSize: 50, OnStep: func(nf.Step) error {
		for i := range servers {
			if evaluated[i].Load() < each {
				return nil
			}
		}
		return nf.ErrStop
	}}, src)
	close(done)
	wait.Wait()
	if err != nil {
		t.Fatal(err)
	}
}
