package main

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	for _, row := range slices.Concat(workload.Table, workload.WideTable, workload.EnergyTable, workload.FamilyTable) {
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
		if (row.Task == workload.Train || row.Task == workload.ReverseKL || row.Task == workload.Matching) && !(numbers[2] < numbers[0]) {
			t.Errorf("%v: the losses are %v, want them to fall", row, numbers)
		}
	}
}

// The page has all curves, and the pictures are drawn.
func TestPlots(t *testing.T) {
	m, h := newTimes(), newMemories()
	for _, c := range slices.Concat(m.rows, m.dims, m.hidden, m.layers, m.second, h.rows, h.dims, h.layers) {
		for i := range c.rows {
			c.rows[i].Model = workload.Tutorial // whose parameters are soon counted
			c.seconds, c.single = append(c.seconds, 0.01), append(c.single, 0.005)
			c.ceiling, c.bytes = append(c.ceiling, 1e12), append(c.bytes, 3<<20)
		}
	}
	folder := t.TempDir()
	if err := writePlots(folder, m, h); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 1000000 | 0.01 |", "| 2048 | 10.0 |", "| 32768 | 2.00 | 2.00 |", "| 200 | 3.00 | 3.00 |", "a factor of 1.0"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	for _, name := range []string{"times.png", "memory.png"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() < 10_000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// What a profile says is summed up by parts.
func TestLargest(t *testing.T) {
	got := largest(`File: versus
Type: cpu
Showing nodes accounting for 200ms, 100% of 200ms total
      flat  flat%   sum%        cum   cum%
     100ms 50.00% 50.00%      100ms 50.00%  github.com/nfkit/nfkit-go/nfkit/internal/kernel.panel32AVX2
      40ms 20.00% 70.00%       40ms 20.00%  github.com/nfkit/nfkit-go/nfkit/internal/kernel.mulPacked[go.shape.float32]
      30ms 15.00% 85.00%       30ms 15.00%  github.com/nfkit/nfkit-go/nfkit/internal/kernel.exp32AVX2
      20ms 10.00% 95.00%       20ms 10.00%  runtime.mallocgc
     900ms 10.00% 95.00%      900ms 10.00%  runtime.asyncPreempt
      10ms  5.00%   100%       10ms  5.00%  github.com/nfkit/nfkit-go/nfkit/ad.(*Value).spline
`)
	if want := "products 70 %, exp and the like 15 %"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
