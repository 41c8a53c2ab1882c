package inference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"time"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/team"
)

// Simulator returns data for the parameters theta, in the same number each time, drawn from src. It is called from several goroutines at a time, and
// must not keep or change theta. A run that makes no sense for some parameters returns an error, or numbers that are not finite.
type Simulator func(theta []float64, src rand.Source) ([]float64, error)

// Simulations are parameters, and the data that a simulator made of them.
type Simulations struct {
	Theta, X *mat.Dense // n×d and n×m
	Failed   int        // rows that were left out, because the simulator failed or a number was not finite
	Failure  error      // of the first of these; nil if there are none
}

// SimulateOptions are the options of [Simulate].
type SimulateOptions struct {
	MaxFailed float64                    // share of runs that may fail; 0 means ½
	Progress  func(done, failed, of int) // called after each run: [SimulationLine]; nil means nothing
}

// Simulate draws n parameters from the prior and runs the simulator for each of them, on all cores. Runs that fail are left out. That leaves the
// posterior of data that can be observed as it is; but a likelihood that is learned from such simulations is that of the runs that do not fail.
//
// It returns an error when more runs fail than MaxFailed says, or ctx is cancelled; if the cause of that is [nf.ErrStop], as for
// [nf.UntilInterrupt], it returns what is done instead. A nil opts means the defaults. Each run has a source of its own: the same src gives the same
// bytes for any GOMAXPROCS. It panics when an argument is nil, n is not positive, MaxFailed is not from 0 to 1, or runs return different numbers of data.
func Simulate(ctx context.Context, prior *Prior, simulator Simulator, n int, opts *SimulateOptions, src rand.Source) (*Simulations, error) {
	var o SimulateOptions
	if opts != nil {
		o = *opts
	}
	if ctx == nil || prior == nil || simulator == nil {
		panic(fmt.Sprintf("inference: Simulate: got a nil context: %t, prior: %t, simulator: %t, want none nil", ctx == nil, prior == nil, simulator == nil))
	}
	if !(o.MaxFailed >= 0 && o.MaxFailed <= 1) {
		panic(fmt.Sprintf("inference: Simulate: got MaxFailed %v, want a share from 0 to 1", o.MaxFailed))
	}
	if o.MaxFailed == 0 {
		o.MaxFailed = 0.5
	}
	theta := prior.Sample(n, src)
	r := rand.New(src)
	seed := [2]uint64{r.Uint64(), r.Uint64()}
	data, failures := make([][]float64, n), make([]error, n)
	var mu sync.Mutex
	done, failed := 0, 0
	team.Do(runtime.GOMAXPROCS(0), n, func(_, i int) {
		if ctx.Err() != nil {
			return
		}
		given := append([]float64(nil), theta.RawRowView(i)...)
		data[i], failures[i] = run(simulator, given, rand.NewPCG(seed[0]+uint64(i), seed[1]))
		if o.Progress != nil {
			mu.Lock()
			defer mu.Unlock()
			if done++; failures[i] != nil {
				failed++
			}
			o.Progress(done, failed, n)
		}
	})
	if err := ctx.Err(); err != nil && !errors.Is(context.Cause(ctx), nf.ErrStop) {
		return nil, fmt.Errorf("inference: Simulate: %w", err)
	}
	s := &Simulations{}
	var kept []int
	for i, x := range data {
		switch {
		case failures[i] != nil:
			if s.Failed++; s.Failure == nil {
				s.Failure = fmt.Errorf("run %d, parameters %v: %w", i, theta.RawRowView(i), failures[i])
			}
		case x == nil: // not run
		case len(x) == 0 || len(kept) > 0 && len(x) != len(data[kept[0]]):
			panic(fmt.Sprintf("inference: Simulate: got %d numbers of run %d and %d before, want as many in each, and at least one", len(x), i, len(data[kept[0]])))
		default:
			kept = append(kept, i)
		}
	}
	if all := len(kept) + s.Failed; len(kept) == 0 || float64(s.Failed) > o.MaxFailed*float64(all) {
		if s.Failure == nil {
			return nil, errors.New("inference: Simulate: stopped before the first run")
		}
		return nil, fmt.Errorf("inference: Simulate: %d of %d runs failed: %w", s.Failed, all, s.Failure)
	}
	s.Theta, s.X = mat.NewDense(len(kept), prior.Dim(), nil), mat.NewDense(len(kept), len(data[kept[0]]), nil)
	for i, k := range kept {
		s.Theta.SetRow(i, theta.RawRowView(k))
		s.X.SetRow(i, data[k])
	}
	return s, nil
}

// run returns the data of one run, never nil without an error.
func run(simulator Simulator, theta []float64, src rand.Source) ([]float64, error) {
	x, err := simulator(theta, src)
	if err != nil {
		return nil, err
	}
	if j := nonFinite(x); j >= 0 {
		return nil, fmt.Errorf("number %d of the data is %v", j, x[j])
	}
	return append([]float64{}, x...), nil
}

// NewSimulations returns simulations that were made elsewhere: parameters n×d and data n×m. Rows with a number that is not finite are left out and
// counted. It is an error when all are. It panics when the numbers of rows differ.
func NewSimulations(theta, x mat.Matrix) (*Simulations, error) {
	n, d := theta.Dims()
	rows, m := x.Dims()
	if n != rows || n == 0 {
		panic(fmt.Sprintf("inference: NewSimulations: got %d rows of parameters and %d of data, want as many, and at least one", n, rows))
	}
	s := &Simulations{}
	var kept []int
	for i := range n {
		row := append(mat.Row(nil, i, theta), mat.Row(nil, i, x)...)
		if j := nonFinite(row); j < 0 {
			kept = append(kept, i)
		} else if s.Failed++; s.Failure == nil {
			s.Failure = fmt.Errorf("row %d: number %d of parameters and data is %v", i, j, row[j])
		}
	}
	if kept == nil {
		return nil, fmt.Errorf("inference: NewSimulations: none of %d rows is finite: %w", n, s.Failure)
	}
	s.Theta, s.X = mat.NewDense(len(kept), d, nil), mat.NewDense(len(kept), m, nil)
	for i, k := range kept {
		mat.Row(s.Theta.RawRowView(i), k, theta)
		mat.Row(s.X.RawRowView(i), k, x)
	}
	return s, nil
}

// Len returns the number of rows.
func (s *Simulations) Len() int { n, _ := s.Theta.Dims(); return n }

// DataDim returns the number of data m of a run.
func (s *Simulations) DataDim() int { _, m := s.X.Dims(); return m }

// nonFinite returns the place of the first number that is not finite, −1 if there is none.
func nonFinite(x []float64) int {
	for j, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return j
		}
	}
	return -1
}

// SimulationLine returns what [SimulateOptions].Progress takes to write one line to w that is written over again and again:
//
//	4096/10000 simulations  12 failed  3s left
//
// Lines come at least 200 ms apart. It is for one call.
func SimulationLine(w io.Writer) func(done, failed, of int) {
	var start, next time.Time
	width := 0
	return func(done, failed, of int) {
		now := time.Now()
		if start.IsZero() {
			start = now
		}
		if now.Before(next) && done < of {
			return
		}
		next = now.Add(200 * time.Millisecond)
		line := fmt.Sprintf("%d/%d simulations", done, of)
		if failed > 0 {
			line += fmt.Sprintf("  %d failed", failed)
		}
		left := time.Duration(float64(now.Sub(start)) / float64(done) * float64(of-done))
		end := "\n"
		if done < of {
			line, end = line+"  "+left.Round(time.Second).String()+" left", ""
		}
		fmt.Fprintf(w, "\r%s%s%s", line, strings.Repeat(" ", max(0, width-len(line))), end)
		width = len(line)
	}
}
