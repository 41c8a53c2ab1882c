package nfplot

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// paper is a screen that remembers, with a clock of its own.
type paper struct {
	clock   time.Time
	lines   []string
	last    string
	figures int // while the loop runs
	final   int // at its end
	synced  int
	cost    time.Duration // of drawing a figure
}

func (p *paper) line(text string, step, total int, last bool) {
	if last {
		p.last = text
	} else {
		p.lines = append(p.lines, text)
	}
}

func (p *paper) figure(draw func() Drawing, last bool) {
	draw()
	p.clock = p.clock.Add(p.cost)
	if last {
		p.final++
	} else {
		p.figures++
	}
}

func (p *paper) sync() { p.synced++ }

func (p *paper) progress(total int) *Progress {
	return newProgress(total, p, func() time.Time { return p.clock })
}

func TestProgressLines(t *testing.T) {
	out := &paper{clock: time.Unix(1000, 0)}
	p := out.progress(10)
	var steps []int
	for step := range p.Steps {
		steps = append(steps, step)
		out.clock = out.clock.Add(100 * time.Millisecond)
		p.Set("loss", 2/float64(step))
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(steps, want) {
		t.Errorf("steps %v, want %v", steps, want)
	}
	want := []string{
		"1/10, loss 2, 1 s left", "3/10, loss 0.6667, 1 s left", "5/10, loss 0.4, 0 s left", "7/10, loss 0.2857, 0 s left",
		"9/10, loss 0.2222, 0 s left",
	}
	if !slices.Equal(out.lines, want) {
		t.Errorf("lines %q\nwant  %q", out.lines, want)
	}
	if out.last != "10/10, loss 0.2" || out.synced != 1 {
		t.Errorf("last line %q, %d syncs, want no time in it and one sync", out.last, out.synced)
	}
}

func TestProgressLeftEarly(t *testing.T) {
	out := &paper{}
	p := out.progress(100)
	for step := range p.Steps {
		p.Set("loss", nan)
		p.Set("rows", 512)
		if step == 3 {
			break
		}
	}
	p.Done()
	if want := "2/100, loss NaN, rows 512"; out.last != want || out.synced != 1 {
		t.Errorf("last line %q, %d syncs, want %q and one", out.last, out.synced, want)
	}
}

func TestLiveFigure(t *testing.T) {
	for _, c := range []struct {
		cost     time.Duration
		min, max int
	}{
		{0, 45, 51},                      // 10 s, five a second
		{100 * time.Millisecond, 24, 26}, // a fourth of the time for drawing
		{time.Second, 2, 3},
	} {
		out := &paper{clock: time.Unix(1000, 0), cost: c.cost}
		p := out.progress(1000)
		state, drawn := 0, 0
		p.Live(func() Drawing { drawn = state; return nil })
		start := out.clock
		for step := 1; step <= 1000 && out.clock.Sub(start) < 10*time.Second; step++ {
			out.clock = out.clock.Add(10 * time.Millisecond)
			state = step
			p.To(step)
		}
		p.Done()
		if out.figures < c.min || out.figures > c.max {
			t.Errorf("cost %v: %d figures in 10 s, want %d to %d", c.cost, out.figures, c.min, c.max)
		}
		if out.final != 1 || drawn != state {
			t.Errorf("cost %v: %d final figures of state %d, want one of state %d", c.cost, out.final, drawn, state)
		}
	}
}

func TestTimeLeft(t *testing.T) {
	for elapsed, want := range map[time.Duration]string{
		10 * time.Second: ", 90 s left", time.Minute: ", 9 min left", time.Hour: ", 9.0 h left", 0: ", 0 s left",
	} {
		p := (&paper{}).progress(100)
		p.step = 10
		if got := p.timeLeft(p.start.Add(elapsed)); got != want {
			t.Errorf("after %v for a tenth: %q, want %q", elapsed, got, want)
		}
	}
}

func TestProgressOutsideOfNotebooks(t *testing.T) {
	p := NewProgress(3)
	p.screen = nowhere{}
	p.Live(func() Drawing { t.Error("a figure was drawn that nobody sees"); return nil })
	n := 0
	for range p.Steps {
		n++
	}
	if n != 3 {
		t.Errorf("%d steps, want 3", n)
	}
}

// A loop ends after the step in which it is interrupted, and the last line says so.
func TestProgressInterrupted(t *testing.T) {
	out := &paper{}
	p := newProgress(1_000_000, out, time.Now)
	steps := 0
	for step := range p.Steps {
		steps = step
		if step == 3 {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Signal(os.Interrupt)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if step >= 3 {
			time.Sleep(time.Millisecond) // a signal to itself arrives at once, or soon
		}
	}
	if steps < 3 || steps == 1_000_000 || !strings.HasSuffix(out.last, ", interrupted") {
		t.Errorf("%d steps, last line %q; want an end soon after 3, and a line that says why", steps, out.last)
	}
}

// A run of Fit is shown to its end, with the validation, and says when it ended early.
func TestFitProgress(t *testing.T) {
	src := rand.NewPCG(1, 2)
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), nil)
	x := mat.NewDense(50, 1, nil)
	for i := range 50 {
		x.Set(i, 0, float64(i%7))
	}
	for steps, stop := range map[int]int{5: 100, 50: 7} {
		out := &paper{}
		opts := &nf.FitOptions{Steps: steps, Validation: x, ValidateEvery: 2, OnStep: func(s nf.Step) error {
			if s.Number == stop {
				return nf.ErrStop
			}
			return nil
		}}
		opts.Progress = fitProgress(out.progress, nil)
		if _, err := nf.Fit(context.Background(), model.NLL(nil), nf.NewRows(x), opts, src); err != nil {
			t.Fatal(err)
		}
		last := out.last
		if !strings.HasPrefix(last, fmt.Sprintf("%d/%d, loss ", min(steps, stop), steps)) || !strings.Contains(last, ", validation ") || strings.HasSuffix(last, ", stopped") != (stop < steps) {
			t.Errorf("%d steps, stopped after %d: the last line is %q", steps, stop, last)
		}
	}
}
