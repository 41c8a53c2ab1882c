package grids

import (
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// LatticeOptions are the options of [NewLatticeFlow].
type LatticeOptions struct {
	Blocks    int  // 0 means 3, −1 none
	Hidden    int  // kernels of each coupling; 0 means 8
	Bins      int  // of the splines; 0 means 8
	Symmetric bool // the density is even: of φ as of −φ
}

// NewLatticeFlow returns a model of scalar fields on a periodic lattice. Each block has
//
//   - a [Circulant], which gives the plane waves their variances,
//   - a [SiteSpline], which gives the field at a site the shape of its distribution,
//   - a coupling by kernels for either colour of a checkerboard, see [NewKernelCoupling].
//
// It starts as the standard normal distribution. Its density has the translations that leave the colours alone as symmetries, and φ → −φ if it is
// asked for. The first two layers alone are a free field that is bent at each site; what interaction adds to that is left to the couplings. For
// training on an action, see NormalizingFlow.ReverseKL of package nfkit and targets.Phi4.
//
// A nil opts means the defaults. It panics when height or width is odd, there is more than one channel, or an option is out of range. Cost for
// a field of V sites: V²(1 + Hidden/2) multiply-adds for each block.
func NewLatticeFlow(lattice Shape, opts *LatticeOptions, src rand.Source) *nf.NormalizingFlow {
	const caller = "NewLatticeFlow"
	var o LatticeOptions
	if opts != nil {
		o = *opts
	}
	if min(o.Blocks+1, o.Hidden, o.Bins) < 0 {
		panic(fmt.Sprintf("grids: %s: got %d blocks, %d hidden and %d bins, want none negative but −1 for no blocks", caller, o.Blocks, o.Hidden, o.Bins))
	}
	checkScalar(caller, lattice)
	var flows []nf.Flow
	for range orDefault(o.Blocks, 3) {
		flows = append(flows, NewCirculant(lattice), NewSiteSpline(lattice, &SiteSplineOptions{Bins: o.Bins, Odd: o.Symmetric}))
		for phase := range 2 {
			flows = append(flows, NewKernelCoupling(lattice, Mask{1, 1, 2, phase}, &KernelCouplingOptions{Hidden: o.Hidden, Symmetric: o.Symmetric}, src))
		}
	}
	return nf.NewNormalizingFlow(nf.NewDiagGaussian(lattice.Size(), &nf.DiagGaussianOptions{Fixed: true}), flows)
}

// checkScalar panics unless the lattice has sites, and one number at each.
func checkScalar(caller string, lattice Shape) {
	checkShape(caller, lattice)
	if lattice.Channels != 1 {
		panic(fmt.Sprintf("grids: %s: got a %v lattice, want 1 channel", caller, lattice))
	}
}

// offsets are the differences of sites on a periodic lattice.
type offsets struct{ height, width int }

// between returns the number of the offset from site a to site b.
func (o offsets) between(a, b int) int {
	return wrapped(b/o.width-a/o.width, o.height)*o.width + wrapped(b%o.width-a%o.width, o.width)
}

// folded returns the absolute numbers of rows and columns of an offset, the short way round.
func (o offsets) folded(offset int) (rows, columns int) {
	y, x := offset/o.width, offset%o.width
	return min(y, o.height-y), min(x, o.width-x)
}

func wrapped(i, n int) int { return (i%n + n) % n }
