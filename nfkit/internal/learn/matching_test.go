package main

import (
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Each transport begins at its base and is judged by points that are not learned from, in the same units.
func TestTransports(t *testing.T) {
	all, err := transports()
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range all {
		if base := task.newBase(); base.Dim() != task.dim {
			t.Errorf("%s: a base of %d dimensions, want %d", task.name, base.Dim(), task.dim)
		}
		rows := task.data.Sample(100, rand.NewPCG(1, 2))
		_, c := rows.Dims()
		_, held := task.held.Dims()
		if _, other := task.other.Dims(); c != task.dim || held != c || other != c {
			t.Errorf("%s: rows of %d, %d and %d columns, want %d", task.name, c, held, other, task.dim)
		}
		if math.Abs(task.entropy) > 20 {
			t.Errorf("%s: entropy %v", task.name, task.entropy)
		}
	}
	// The first is learned in a short time by all models, and the table has what they reach.
	task := all[0]
	task.held = task.held.Slice(0, 200, 0, 2).(*mat.Dense)
	task.other = task.other.Slice(0, 200, 0, 2).(*mat.Dense)
	var out strings.Builder
	if err := task.compare(0.05, 0, &out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 8 {
		t.Errorf("got %d rows, want 8:\n%s", n, out.String())
	}
	if err := matching([]string{"-seconds", "0"}, io.Discard); err == nil || err.Error() != "got 0 seconds, want a positive time" {
		t.Errorf("got the error %v", err)
	}
}
