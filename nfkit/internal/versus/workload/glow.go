package workload

import (
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

const glowLevels = 3

// glowShapes returns the shapes of the grids of each level, the deepest first, as its blocks see them.
func (m Model) glowShapes() []grids.Shape {
	side := int(math.Sqrt(float64(m.Dim)))
	var shapes []grids.Shape
	for i := range glowLevels {
		halvings := glowLevels - i
		shapes = append(shapes, grids.Shape{Height: side >> halvings, Width: side >> halvings, Channels: 2 << halvings})
	}
	return shapes
}

// glow returns the model of a Glow: that of grids.NewGlow, without a logit, and with bases that are not trained.
func (m Model) glow(src rand.Source) *nf.NormalizingFlow {
	var bases []nf.Base
	var flows [][]nf.Flow
	var merges []nf.Flow
	for i, s := range m.glowShapes() {
		dim := s.Size()
		if i > 0 {
			dim /= 2
			merges = append(merges, grids.NewMerge(s, nf.SplitChannel))
		}
		bases = append(bases, nf.NewDiagGaussian(dim, &nf.DiagGaussianOptions{Fixed: true}))
		var level []nf.Flow
		for range m.Layers {
			level = append(level, grids.NewGlowBlock(s, m.Hidden, nil, src))
		}
		flows = append(flows, append(level, grids.NewSqueeze(grids.Shape{Height: 2 * s.Height, Width: 2 * s.Width, Channels: s.Channels / 4})))
	}
	model := grids.NewMultiscaleFlow(bases, flows, merges, nil)
	settle(model)
	return model
}

// glowFlop is flop of a Glow: of its networks, and of the 1×1 convolutions between.
func (m Model) glowFlop() float64 {
	weights := 0
	for _, s := range m.glowShapes() {
		half := s.Channels / 2
		weights += s.Sites() * (9*half*m.Hidden + m.Hidden*m.Hidden + 9*m.Hidden*2*half + s.Channels*s.Channels)
	}
	return float64(2 * m.Layers * weights)
}
