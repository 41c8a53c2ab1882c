package main

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		s    series
		want float64
	}{{series{3}, 3}, {series{4, 1}, 2.5}, {series{9, 1, 2}, 2}, {series{8, 1, 2, 4}, 3}} {
		before := slices.Clone(c.s)
		if got := c.s.median(); got != c.want || !slices.Equal(c.s, before) {
			t.Errorf("the median of %v is %v, which leaves %v; want %v", before, got, c.s, c.want)
		}
	}
	if got := (series{}).median(); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v, want NaN", got)
	}
}

// A turn looks twice before it measures, and then repeats a step for a quarter of a second.
func TestTurn(t *testing.T) {
	var repeats []int
	u := turn{procs: 1, run: func(_, repeat int) (float64, error) {
		repeats = append(repeats, repeat)
		return 0.1 / float64(len(repeats)), nil
	}}
	for range 4 {
		if err := u.take(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int{1, 1, 6, 6, 6}; !slices.Equal(repeats, want) || len(u.seconds) != 3 {
		t.Errorf("got turns of %v steps and %d measurements, want %v and 3", repeats, len(u.seconds), want)
	}
	broken := errors.New("broken")
	u = turn{run: func(int, int) (float64, error) { return 0, broken }}
	if err := u.take(); err != broken {
		t.Errorf("got error %v, want %v", err, broken)
	}
}

// The table has the ratio of the medians, not the median of the ratios, and shares of the ceiling where it is known.
func TestTable(t *testing.T) {
	row := workload.Table[0]
	l := line{Row: row, precision: ad.Float32, ours: series{1, 2, 4}, single: series{3, 3, 3}, theirs: series{30, 20, 10}, threads: 2,
		ceiling: series{row.Flop(), row.Flop(), row.Flop()}}
	got := text([]line{l})
	for _, want := range []string{"train/tutorial/512-rows/float32", "20.00 s, 2 threads", "10.00 (2.50–30.00)", "| 10 ", "50 %", "1.50"} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
	l.ceiling = series{0, 0, 0}
	if got := text([]line{l}); !strings.Contains(got, "not measured") {
		t.Errorf("without a ceiling, the table does not say so:\n%s", got)
	}
}

// The models that both sides compute are not at their start, where layers are the identity, and their losses are finite and move.
func TestCheck(t *testing.T) {
	for _, row := range slices.Concat(workload.Table, workload.WideTable, workload.EnergyTable) {
		if row.Hidden > 128 || row.Hidden == 0 && row.Dim > 128 {
			continue // the kind is checked with fewer units or components
		}
		row.N = 64
		m, x := newModel(row)
		numbers, err := check(row, m, ad.Float64, x)
		if err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		if len(numbers) != checkSteps {
			t.Errorf("%v: got %d numbers, want %d", row, len(numbers), checkSteps)
		}
		if row.Layers == 0 {
			continue
		}
		fresh := row.New(rand.NewPCG(1, 2))
		start, err := check(row, fresh, ad.Float64, x)
		if err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		if start[0] == numbers[0] {
			t.Errorf("%v: the model is the same as at its start: %v", row, numbers)
		}
		if (row.Task == workload.Train || row.Task == workload.ReverseKL) && !(numbers[2] < numbers[0]) {
			t.Errorf("%v: the losses are %v, want them to fall", row, numbers)
		}
	}
}
