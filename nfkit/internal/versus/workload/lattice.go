package workload

import (
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

// lattice returns the couplings of the tutorial of Albergo et al. 2021, arXiv:2101.08176: on the colours of a checkerboard in turn, by three
// circular convolutions of 3×3 with leaky ReLUs between them, and a tanh behind.
func (m Model) lattice(src rand.Source) *nf.NormalizingFlow {
	side := int(math.Sqrt(float64(m.Dim)))
	shape := grids.Shape{Height: side, Width: side, Channels: 1}
	var flows []nf.Flow
	for k := range m.Layers {
		net := grids.NewConvNet2d(shape, []int{m.Hidden, m.Hidden, 2}, []int{3, 3, 3}, &grids.ConvNet2dOptions{Leaky: 0.01, Circular: true, RandomLast: true}, src)
		flows = append(flows, grids.NewLatticeCoupling(shape, grids.Mask{Rows: 1, Columns: 1, Period: 2, Phase: k % 2}, squashed{net}, nil))
	}
	return nf.NewNormalizingFlow(nf.NewDiagGaussian(m.Dim, &nf.DiagGaussianOptions{Fixed: true}), flows)
}

// squashed is a network with a tanh behind.
type squashed struct{ *grids.ConvNet2d }

func (s squashed) Apply(x, context *ad.Value) *ad.Value { return s.ConvNet2d.Apply(x, context).Tanh() }
