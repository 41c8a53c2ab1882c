package nfplot

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// Loss returns the plot of a training run: losses[0] is the loss of epoch 1. The vertical axis is logarithmic if every
// finite loss is positive; else it is linear, and its label says so. A loss that is not finite is a gap.
func Loss(losses []float64) *plot.Plot {
	epochs := make([]float64, len(losses))
	for i := range epochs {
		epochs[i] = float64(i + 1)
	}
	p := New("Loss", "Epoch", "Loss", Line("", epochs, losses, Solid(Steel)))
	lo, hi := finiteRange(losses)
	switch {
	case lo > 0:
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
		room := math.Pow(hi/lo, 0.05)
		p.Y.Min, p.Y.Max = lo/room, hi*room
	case lo < 0 || slices.Contains(losses, 0):
		p.Y.Label.Text = "Loss (linear axis: not all are positive)"
	}
	return p
}
