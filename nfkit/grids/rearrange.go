package grids

import (
	"fmt"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// rearrangement is a fixed permutation of the numbers of a point: x_j = z_{forward(j)}.
type rearrangement struct{ forward, inverse []int }

// newRearrangement returns the one that takes z_{index[j]} to x_j.
func newRearrangement(index []int) rearrangement {
	r := rearrangement{forward: index, inverse: make([]int, len(index))}
	for j, k := range index {
		r.inverse[k] = j
	}
	return r
}

// Dim returns the number of columns of a grid.
func (r rearrangement) Dim() int { return len(r.forward) }

// State returns nothing: there is nothing to train or to keep.
func (r rearrangement) State() nf.State { return nil }

// Forward rearranges latent numbers to data.
func (r rearrangement) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Forward", z, r.Dim())
	return z.Columns(r.forward), z.Tape().Full(z.Rows(), 1, 0)
}

// Inverse rearranges data to latent numbers.
func (r rearrangement) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Inverse", x, r.Dim())
	return x.Columns(r.inverse), x.Tape().Full(x.Rows(), 1, 0)
}

// Squeeze makes each square of 2×2 pixels one pixel of four times the channels, in its Inverse; Forward undoes it. Channel 4c+2a+b is channel c
// of the pixel in row a and column b of the square. ln|det J| = 0. Dinh et al. 2017, arXiv:1605.08803, section 3.6. Its twin in
// normflows is Squeeze.
type Squeeze struct {
	rearrangement
	shape Shape
}

var _ nf.Flow = (*Squeeze)(nil)

// NewSqueeze returns the flow for data of the given shape. It panics when height or width is odd.
func NewSqueeze(data Shape) *Squeeze {
	return newSqueeze("NewSqueeze", data, func(c, place int) int { return 4*c + place })
}

// NewDiagonalSqueeze returns the flow for data of the given shape with other channels: the pixels of the square in its upper left are the first C,
// those in its lower right the next, then come those in its upper right and in its lower left. So [nf.SplitChannel] parts the data like the two colours
// of a checkerboard, and once more the first half of the channels. It panics as NewSqueeze does. Dinh et al. 2017, arXiv:1605.08803, whose program
// squeezes so before it splits channels off.
func NewDiagonalSqueeze(data Shape) *Squeeze {
	turn := [4]int{0, 2, 3, 1}
	return newSqueeze("NewDiagonalSqueeze", data, func(c, place int) int { return turn[place]*data.Channels + c })
}

// newSqueeze returns the flow that makes channel c of a pixel, at one of four places of its square, the channel with the given number.
func newSqueeze(caller string, data Shape, channel func(c, place int) int) *Squeeze {
	checkShape(caller, data)
	if data.Height%2 != 0 || data.Width%2 != 0 {
		panic(fmt.Sprintf("grids: %s: got a %v grid, want an even height and width", caller, data))
	}
	f := &Squeeze{shape: Shape{Height: data.Height / 2, Width: data.Width / 2, Channels: 4 * data.Channels}}
	var index []int
	for y := range data.Height {
		for x := range data.Width {
			for c := range data.Channels {
				index = append(index, f.shape.Index(y/2, x/2, channel(c, 2*(y%2)+x%2)))
			}
		}
	}
	f.rearrangement = newRearrangement(index)
	return f
}

// Latent returns the shape of the squeezed grid.
func (f *Squeeze) Latent() Shape { return f.shape }

// Merge puts the two parts of a grid, which follow each other in the latent row, together: a grid of the given shape, whose first part are
// the components that split keeps. Inverse splits. ln|det J| = 0. Its twins in normflows are Merge, and Split with directions swapped.
type Merge struct {
	rearrangement
	first int
}

var _ nf.Flow = (*Merge)(nil)

// NewMerge returns the flow for data of the given shape. See [Parts] for the splits. It panics when the split leaves one part empty, or the
// width of a checkerboard is odd.
func NewMerge(data Shape, split nf.Split) *Merge {
	kept, changed := parts("NewMerge", data, split)
	index := make([]int, data.Size())
	for k, j := range append(kept, changed...) {
		index[j] = k
	}
	return &Merge{newRearrangement(index), len(kept)}
}

// First returns the number of columns of the first part.
func (f *Merge) First() int { return f.first }

// Parts returns the components of a grid that a coupling with the given split keeps, and those that it changes, each in the order of a
// grid of its own, and the shapes of the two:
//
//   - SplitChannel keeps the first ⌈C/2⌉ channels of each pixel, SplitChannelInv the last ⌊C/2⌋;
//   - SplitCheckerboard keeps the components with odd y + x + c, SplitCheckerboardInv those with an even one. Both parts are grids of half the
//     width, in which column x has what is in columns 2x and 2x+1.
//
// It panics when one part is empty, or the width of a checkerboard is odd.
func Parts(shape Shape, split nf.Split) (kept, changed []int, keptShape, changedShape Shape) {
	kept, changed = parts("Parts", shape, split)
	keptShape, changedShape = shape, shape
	if split >= nf.SplitCheckerboard {
		keptShape.Width, changedShape.Width = shape.Width/2, shape.Width/2
	} else {
		keptShape.Channels, changedShape.Channels = len(kept)/shape.Sites(), len(changed)/shape.Sites()
	}
	return kept, changed, keptShape, changedShape
}

func parts(caller string, shape Shape, split nf.Split) (kept, changed []int) {
	checkShape(caller, shape)
	switch {
	case split > nf.SplitCheckerboardInv:
		panic(fmt.Sprintf("grids: %s: got split %d, want SplitChannel to SplitCheckerboardInv", caller, split))
	case split >= nf.SplitCheckerboard && shape.Width%2 != 0:
		panic(fmt.Sprintf("grids: %s: got a %v grid, want an even width for a checkerboard", caller, shape))
	case split < nf.SplitCheckerboard && shape.Channels < 2:
		panic(fmt.Sprintf("grids: %s: got a %v grid, want 2 channels or more to split them; a checkerboard does with 1", caller, shape))
	}
	if split < nf.SplitCheckerboard {
		first, second := split.Parts(shape.Channels)
		for site := range shape.Sites() {
			for _, c := range first {
				kept = append(kept, site*shape.Channels+c)
			}
			for _, c := range second {
				changed = append(changed, site*shape.Channels+c)
			}
		}
		return kept, changed
	}
	for y := range shape.Height {
		for x := 0; x < shape.Width; x += 2 {
			for c := range shape.Channels {
				even := (y + c) % 2 // of the two, the column whose sum is even
				kept, changed = append(kept, shape.Index(y, x+1-even, c)), append(changed, shape.Index(y, x+even, c))
			}
		}
	}
	if split == nf.SplitCheckerboardInv {
		return changed, kept
	}
	return kept, changed
}
