package nfplot

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// Loss returns the plot of a training run: losses[0] is the loss of epoch 1. The vertical axis is logarithmic if every
// finite loss is positive; else it is linear, and its label says so. A loss that is not finite is a gap.
// Further lines, of a validation set for example, are put on it with [Add].
func Loss(losses []float64) *plot.Plot {
	epochs := make([]float64, len(losses))
	for i := range epochs {
		epochs[i] = float64(i + 1)
	}
	p := New("Loss", "Epoch", "Loss", Line("", epochs, losses, Solid(Steel)))
	lo, hi := finiteRange(losses)
	switch {
	case lo > 0:
		p.Y.Scale, p.Y.Tick.Marker = logScale{}, logTicks{}
		room := max(math.Pow(hi/lo, 0.05), 1.01)
		p.Y.Min, p.Y.Max = lo/room, hi*room
	case lo < 0 || slices.Contains(losses, 0):
		p.Y.Label.Text += notPositive
	}
	return p
}

const notPositive = " (linear axis: not all are positive)"

// logScale is a logarithmic axis. Unlike gonum's it takes any x: what is not positive has no place on it.
type logScale struct{}

// Normalize implements plot.Normalizer. It panics unless both ends of the axis are positive.
func (logScale) Normalize(lo, hi, x float64) float64 {
	if lo <= 0 || hi <= 0 {
		panic(fmt.Sprintf("nfplot: Loss: got a logarithmic axis from %v to %v, want positive ends", lo, hi))
	}
	return math.Log(x/lo) / math.Log(hi/lo)
}
