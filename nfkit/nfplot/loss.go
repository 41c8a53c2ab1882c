package nfplot

import (
	"gonum.org/v1/plot"
)

// Loss returns the plot of a training run: losses[0] is the loss of step 1. The vertical axis is logarithmic if every
// finite value is positive; else it is linear, and its label says so. A loss that is not finite is a gap.
// Further layers, over the same steps, are on top: a validation line, the floor that no model can go below.
//
//	nfplot.Loss(history.Loss,
//		nfplot.Line("Validation", history.ValidationSteps, history.Validation, nfplot.Solid(nfplot.Orange)),
//		nfplot.HLine("Entropy", 1.0076, nfplot.Dashed(nfplot.Black)))
func Loss(losses []float64, layers ...Layer) *plot.Plot { return newLoss("Step", losses, layers) }

// EpochLoss is [Loss] with one loss for each epoch.
func EpochLoss(losses []float64, layers ...Layer) *plot.Plot { return newLoss("Epoch", losses, layers) }

func newLoss(axis string, losses []float64, layers []Layer) *plot.Plot {
	steps := make([]float64, len(losses))
	for i := range steps {
		steps[i] = float64(i + 1)
	}
	name := ""
	if len(layers) > 0 {
		name = "Training"
	}
	p := New("Loss", axis, "Loss")
	setLog(&p.Y)
	Add(p, append([]Layer{Line(name, steps, losses, Solid(Steel))}, layers...)...)
	widen(&p.X, 0.05, 0.05)
	if _, log := p.Y.Scale.(logScale); log {
		widenLog(&p.Y)
	} else {
		widen(&p.Y, 0.05, 0.05)
	}
	return p
}
