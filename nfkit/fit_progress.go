package nfkit

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// ProgressLine returns what [FitOptions].Progress takes to write one line to w that is written over again and again as training goes on:
//
//	step 512/1000  loss 1.6543  validation 1.6601  350 steps/s  1s left
//
// Lines come at least 200 ms apart, and less often in long runs, so that a notebook that keeps them all stays small. After the last one, each of
// the run's remarks has a line. It is for one run.
func ProgressLine(w io.Writer) func(Step) {
	p := &progress{w: w}
	return p.step
}

// progress is one line that is written over.
type progress struct {
	w          io.Writer
	first      int // steps before this run
	steps      int
	start      time.Time
	next       time.Time // of the next line
	width      int       // of the last line
	validation float64   // the last one
}

// step writes a line if it is time for one.
func (p *progress) step(s Step) {
	if p.start.IsZero() {
		now := time.Now()
		*p = progress{w: p.w, first: s.Number - 1, start: now, next: now.Add(progressInterval), validation: math.NaN()}
	}
	p.steps = s.Of
	if !math.IsNaN(s.Validation) {
		p.validation = s.Validation
	}
	if s.Done {
		p.finish(s.Number, s.Loss, p.validation)
		for _, r := range s.Remarks {
			fmt.Fprintf(p.w, "remark: %s\n", r)
		}
	} else {
		p.update(s.Number, s.Loss, p.validation)
	}
}

const progressInterval = 200 * time.Millisecond

// update writes a line if it is time for one. validation is NaN if there is none.
func (p *progress) update(step int, loss, validation float64) {
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	elapsed := now.Sub(p.start)
	p.next = now.Add(max(progressInterval, elapsed/100))
	left := time.Duration(float64(elapsed) / float64(step-p.first) * float64(p.steps-step))
	p.line(step, loss, validation, elapsed, left.Round(time.Second).String()+" left")
}

// finish writes the last line, and ends it.
func (p *progress) finish(step int, loss, validation float64) {
	elapsed := time.Since(p.start)
	p.line(step, loss, validation, elapsed, "in "+elapsed.Round(10*time.Millisecond).String())
	fmt.Fprintln(p.w)
}

func (p *progress) line(step int, loss, validation float64, elapsed time.Duration, end string) {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d/%d  loss %.4f", step, p.steps, loss)
	if !math.IsNaN(validation) {
		fmt.Fprintf(&b, "  validation %.4f", validation)
	}
	rate := float64(step-p.first) / max(elapsed.Seconds(), 1e-9)
	digits := 0
	if rate < 10 {
		digits = 1
	}
	fmt.Fprintf(&b, "  %.*f steps/s  %s", digits, rate, end)
	width := utf8.RuneCountInString(b.String())
	fmt.Fprintf(p.w, "\r%s%s", b.String(), strings.Repeat(" ", max(0, p.width-width)))
	p.width = width
}
