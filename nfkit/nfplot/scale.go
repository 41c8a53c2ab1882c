package nfplot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/palette/moreland"
)

// Scale maps numbers to colours. Heat maps that share a Scale can be compared, and [Scale.Bar] explains their colours.
//
// A Scale made without limits covers every field that is drawn with it.
type Scale struct {
	// Label stands beside the colour bar.
	Label string

	// Min and Max have the first and the last colour; what lies outside has these colours too.
	Min, Max float64

	fixed  bool
	colors []color.RGBA
}

// BlueRed returns a scale from blue over white to red (Moreland's smooth diverging map, "coolwarm" elsewhere).
// The limits are none, or two: a minimum and a larger maximum; it panics otherwise.
func BlueRed(label string, limits ...float64) *Scale {
	blueRed := moreland.SmoothBlueRed()
	blueRed.SetMin(0)
	blueRed.SetMax(1)
	return newScale("BlueRed", label, limits, func(t float64) color.Color {
		c, err := blueRed.At(t)
		if err != nil {
			panic(fmt.Sprintf("nfplot: BlueRed: %v", err)) // t is in [0, 1]
		}
		return c
	})
}

// Grays returns a scale from white to black, with limits as in [BlueRed].
func Grays(label string, limits ...float64) *Scale {
	return newScale("Grays", label, limits, func(t float64) color.Color {
		return color.Gray{Y: uint8(255*(1-t) + 0.5)}
	})
}

func newScale(name, label string, limits []float64, at func(t float64) color.Color) *Scale {
	s := &Scale{Label: label, Min: math.Inf(1), Max: math.Inf(-1)}
	switch {
	case len(limits) == 0:
	case len(limits) == 2 && limits[0] < limits[1] && isFinite(limits[0]) && isFinite(limits[1]):
		s.Min, s.Max, s.fixed = limits[0], limits[1], true
	default:
		panic(fmt.Sprintf("nfplot: %s: got limits %v, want none, or a minimum and a larger maximum", name, limits))
	}
	const n = 256
	for i := range n {
		s.colors = append(s.colors, color.RGBAModel.Convert(at(float64(i)/(n-1))).(color.RGBA))
	}
	return s
}

// cover widens a scale that has no limits of its own to the finite values of f.
func (s *Scale) cover(f Field) {
	if s.fixed {
		return
	}
	for _, v := range f.Z {
		if isFinite(v) {
			s.Min, s.Max = min(s.Min, v), max(s.Max, v)
		}
	}
}

// limits returns an increasing range: [0, 1] for a scale that covers nothing, [v, v+1] for one that covers one value.
func (s *Scale) limits() (lo, hi float64) {
	if !(s.Min <= s.Max) {
		return 0, 1
	}
	return roomy(s.Min, s.Max, 0, max(1, math.Abs(s.Min)/8))
}

// color returns the colour of v, which is not NaN.
func (s *Scale) color(v float64) color.RGBA {
	lo, hi := s.limits()
	t := min(max(linearScale{}.Normalize(lo, hi, v), 0), 1)
	return s.colors[int(t*float64(len(s.colors)-1)+0.5)]
}
