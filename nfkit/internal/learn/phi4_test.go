package main

import (
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestPhi4Arguments(t *testing.T) {
	for _, args := range []string{"phi4 -L 9", "phi4 -seeds 0", "phi4 -steps -1", "phi4 -draws 3", "phi4 many_well"} {
		if err := command(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), "phi4: got") {
			t.Errorf("learn %s: error %v, want one of what was got", args, err)
		}
	}
}

// In a few steps, the model is far better than the published one.
func TestPhi4Short(t *testing.T) {
	l := lattices[8]
	l.steps, l.rows = 60, 64
	model, loss, err := l.train(0, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	figures, bars, err := l.judge(model, 4096, rand.NewPCG(0, 1))
	if err != nil || len(figures) != len(bars) {
		t.Fatalf("%d figures, %d errors, %v", len(figures), len(bars), err)
	}
	if ess := figures[0].got; !(ess > 10*l.ess[0]) || !(loss.Value > -l.logZ[0]) {
		t.Errorf("an effective sample size of %v and a loss of %v, want more than %v, and more than %v", ess, loss.Value, 10*l.ess[0], -l.logZ[0])
	}
}

// The table has all of it.
func TestPhi4Table(t *testing.T) {
	var out strings.Builder
	if err := command(strings.Fields("phi4 -steps 1 -seeds 1 -draws 1000"), &out); err == nil || !strings.Contains(err.Error(), "outside of what is wanted") {
		t.Errorf("after one step: error %v", err)
	}
	for _, want := range []string{"8×8, m² = -4, λ = 8: 1 steps of 256 fields", "effective sample size of 1000", "autocorrelation time", "9.2890", "0.7440", "0.1070"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, &out)
		}
	}
}
