package nfplot

import (
	"math"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// FitProgress returns what [nf.FitOptions].Progress takes to show a run as a [Progress]: a bar with the loss, that of the validation, and the time
// left; and below it what live draws, redrawn while the run goes on, if it is not nil. It is for one run.
//
//	history, err := nf.Fit(nf.UntilInterrupt(), model.NLL(nil), data, &nf.FitOptions{Progress: nfplot.FitProgress(nil)}, src)
func FitProgress(live func() Drawing) func(nf.Step) { return fitProgress(NewProgress, live) }

// fitProgress is FitProgress on what create makes for the given number of steps.
func fitProgress(create func(total int) *Progress, live func() Drawing) func(nf.Step) {
	var p *Progress
	return func(s nf.Step) {
		if p == nil {
			p = create(s.Of)
			p.live = live
		}
		p.Set("loss", s.Loss)
		if !math.IsNaN(s.Validation) {
			p.Set("validation", s.Validation)
		}
		if s.Done {
			if s.Number < s.Of {
				p.end = ", stopped"
			}
			p.step = s.Number
			p.Done()
			return
		}
		p.To(s.Number)
	}
}
