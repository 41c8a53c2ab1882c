package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Bounds of what [Fit] takes for learning.
const (
	divergedBy    = 100 // times the loss at the start, or in nats, by which a loss has grown
	worseThanBest = 100 // nats for each column, by which a likelihood is below that of normal distributions
	typicalSteps  = 10  // steps, the lowest of whose losses is that at the start, and the median that in the end
)

// nothingLearned returns an error when steps were taken and the model is no better for them, see [Fit].
func (f *fit) nothingLearned() error {
	h, steps := f.history, f.step-f.first
	switch {
	case steps == 0:
		return nil
	case h.Skipped == steps:
		return fmt.Errorf("nfkit: Fit: nothing was learned: the loss or its gradient was not finite in all %d steps", steps)
	case f.validates && !slices.ContainsFunc(h.Validation[1:], isFinite):
		return fmt.Errorf("nfkit: Fit: nothing was learned: the validation loss was not finite after any of the %d steps; the model is as it was at the start", steps)
	case f.asked:
		return nil
	}
	start, end := f.losses()
	if f.validates && h.Best > f.first {
		start, end = math.NaN(), f.lowest // it is better than at the start
	}
	if isFinite(start) && !(end <= start+divergedBy*(1+math.Abs(start))) {
		return fmt.Errorf("nfkit: Fit: nothing was learned: the loss went from %.6g to %.6g in %d steps; a lower learning rate, or MaxGradNorm, may help", start, end, steps)
	}
	if l, ok := f.objective.(*likelihood); ok {
		if f.validates {
			end = f.lowest
		}
		rows := f.Validation
		if rows == nil {
			rows = f.someRows()
		}
		if g := l.normalLoss(rows); end > g+worseThanBest*float64(l.model.Dim()) {
			return fmt.Errorf("nfkit: Fit: nothing was learned: after %d steps the loss is %.6g, that of a normal distribution for each column %.6g; scale the data: see NewStandardization, and Standardize of ready-made models", steps, end, g)
		}
	}
	return nil
}

// someRows returns all rows of fixed data, and the first batch of others, or where the model has a context for each row of a batch.
func (f *fit) someRows() mat.Matrix {
	rows, ok := f.data.(*Rows)
	if l, of := f.objective.(*likelihood); of && l.model.context != nil && l.model.context.RawMatrix().Rows > 1 {
		ok = false
	}
	if ok {
		return rows.x
	}
	return f.batch
}

// losses returns the losses at the start and in the end: those of the validation, those of an evaluation for an objective without data, or the
// lowest of the first and the median of the last steps. NaN stands for no loss.
func (f *fit) losses() (start, end float64) {
	h := f.history
	switch {
	case f.validates:
		return h.Validation[0], h.Validation[len(h.Validation)-1]
	case f.columns == 0:
		return f.start, f.evaluated()
	}
	n := min(typicalSteps, len(h.Loss))
	start = math.NaN()
	for _, l := range h.Loss[:n] {
		if isFinite(l) && !(l >= start) {
			start = l
		}
	}
	return start, median(h.Loss[len(h.Loss)-n:])
}

// evaluated returns the loss of an objective without data, with the randomness of validations.
func (f *fit) evaluated() float64 {
	loss, err := f.objective.Loss(nil, rand.NewPCG(0, 0))
	if err != nil {
		return math.NaN()
	}
	return loss
}

// median returns that of the finite elements of x, NaN if there are none.
func median(x []float64) float64 {
	x = slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return !isFinite(v) })
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	return x[len(x)/2]
}

// normalLoss returns the loss of the best model of independent normal distributions: Σ ½ln(2πe·σ²). It is +Inf where a column is constant, as the
// best one has no bound then.
func (o *likelihood) normalLoss(rows mat.Matrix) float64 {
	d := &dataRows{model: o.model.view()}
	n, err := o.take(d, "Fit", rows)
	if err != nil {
		return math.Inf(1)
	}
	loss := 0.0
	for j := range o.model.Dim() {
		var mean, variance float64
		for pass := range 2 {
			for i := range n {
				w := 1 / d.total
				if o.Weighted {
					w *= d.weights.At(i, 0)
				}
				if v := d.x.At(i, j); pass == 0 {
					mean += w * v
				} else {
					variance += w * (v - mean) * (v - mean)
				}
			}
		}
		if variance == 0 {
			return math.Inf(1)
		}
		loss += 0.5 * (log2Pi + 1 + math.Log(variance))
	}
	return loss
}
