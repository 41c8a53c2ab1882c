package main

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
)

// line is what was measured of a row.
type line struct {
	workload.Row
	precision   ad.Precision
	ours        series // on all cores
	single      series // on one core
	theirs      series // with the better number of threads
	threads     int
	ceiling     series  // operations in a second
	allocations uint64  // in a step
	spends      string  // what it spends its time on
	weights     int     // bytes of parameters; 0 unless there are so few rows that reading them counts
	reading     float64 // how many such bytes one core reads in a second
}

// few is the number of rows up to which it counts how fast the weights are read.
const few = 8

// series are measurements, in seconds of a step if nothing else is said.
type series []float64

func (s series) median() float64 {
	s = slices.Sorted(slices.Values(s))
	n := len(s)
	if n == 0 {
		return math.NaN()
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// compare measures a row that both sides have built: one round after the other in which each side has its turn.
func compare(row workload.Row, p ad.Precision, m *nf.NormalizingFlow, x *mat.Dense, rounds int, t *torch) (line, error) {
	l := line{Row: row, precision: p}
	step := row.Step(m, p, x)
	ours := func(procs, repeat int) (float64, error) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		start := time.Now()
		for range repeat {
			if err := step(); err != nil {
				return 0, err
			}
		}
		return time.Since(start).Seconds() / float64(repeat), nil
	}

	// The first round is for warming up, and shows how often to repeat a step.
	turns := []*turn{{run: ours, procs: cores}, {run: ours, procs: 1}}
	for threads := range cores {
		turns = append(turns, &turn{run: t.time, procs: threads + 1})
	}
	for range rounds + 1 {
		l.ceiling = append(l.ceiling, ceiling(p))
		for _, turn := range turns {
			if err := turn.take(); err != nil {
				return l, err
			}
		}
	}
	var err error
	if l.allocations, err = allocations(step); err != nil {
		return l, err
	}
	if l.spends, err = spends(step); err != nil {
		return l, err
	}
	if row.N <= few {
		l.weights = weightBytes(m, p)
		l.reading = readRate(l.weights, p)
	}
	l.ours, l.single = turns[0].seconds, turns[1].seconds
	best := slices.MinFunc(turns[2:], func(a, b *turn) int { return cmp.Compare(a.seconds.median(), b.seconds.median()) })
	l.theirs, l.threads = best.seconds, best.procs
	return l, nil
}

// turn is one of those that are measured in alternation.
type turn struct {
	run     func(procs, repeat int) (seconds float64, err error)
	procs   int
	repeat  int // 0 until it is known
	seconds series
}

// take measures once; the first time, it only finds out how many repetitions last long enough.
func (u *turn) take() error {
	if u.repeat > 0 {
		seconds, err := u.run(u.procs, u.repeat)
		u.seconds = append(u.seconds, seconds)
		return err
	}
	const long = 0.25 // seconds
	seconds, err := u.run(u.procs, 1)
	if err == nil && seconds < long { // the very first step is no measure: it makes what the others find
		seconds, err = u.run(u.procs, 1)
	}
	u.repeat = int(long/seconds) + 1
	return err
}

// allocations returns how often a step takes memory: the least of a few steps, as the runtime takes some for itself.
func allocations(step func() error) (uint64, error) {
	least := uint64(math.MaxUint64)
	for range 3 {
		before := mallocs()
		if err := step(); err != nil {
			return 0, err
		}
		least = min(least, mallocs()-before)
	}
	return least, nil
}

func mallocs() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.Mallocs
}
