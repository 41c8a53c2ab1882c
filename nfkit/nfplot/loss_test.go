package nfplot

import (
	"strings"
	"testing"

	"gonum.org/v1/plot"

	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestLossAxis(t *testing.T) {
	for _, c := range []struct {
		name   string
		losses []float64
		log    bool
		says   bool // that the axis is linear
	}{
		{"positive", []float64{5, 2, 1.6}, true, false},
		{"gaps", []float64{5, nan, inf, 2}, true, false},
		{"one", []float64{5}, true, false},
		{"zero", []float64{5, 0}, false, true},
		{"negative", []float64{5, nan, -1}, false, true},
		{"empty", nil, true, false},
		{"all NaN", []float64{nan, nan}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Loss(c.losses)
			if _, log := p.Y.Scale.(logScale); log != c.log {
				t.Errorf("logarithmic: %v, want %v", log, c.log)
			}
			if says := strings.Contains(p.Y.Label.Text, "linear"); says != c.says {
				t.Errorf("the label is %q", p.Y.Label.Text)
			}
			render(Row(p).Size(200, 150), 1)
			Add(p, Line("validation", []float64{1, 2, 3}, []float64{0.5, nan, -3}, Dashed(Red)))
			if _, log := p.Y.Scale.(logScale); log {
				t.Error("still logarithmic after adding a negative value")
			}
			render(Row(p).Size(200, 150), 1)
		})
	}
}

func TestLogAxisFromZero(t *testing.T) {
	p := Loss([]float64{2, 1})
	p.Y.Min = 0
	testkit.WantPanic(t, "nfplot: got a logarithmic axis from 0 to", func() { PNG(p) })
}

func TestLogAxisLeavesOutWhatIsNotPositive(t *testing.T) {
	with := func(x, y []float64) *plot.Plot {
		p := Loss([]float64{2, 1})
		p.Add(Line("", x, y, Solid(Red))) // gonum's Add keeps the axis
		p.Y.Min = 0.5
		return p
	}
	if !samePicture(with([]float64{1, 2}, []float64{-1, 1}), with([]float64{2}, []float64{1})) {
		t.Error("a line from a negative point to a positive one is not drawn as the latter alone")
	}
}
