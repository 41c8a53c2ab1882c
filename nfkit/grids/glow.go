package grids

import (
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// GlowOptions are the options of [NewGlow].
type GlowOptions struct {
	Levels    int              // at each of which the grid is squeezed; 0 means 2
	Blocks    int              // steps of each level; 0 means 8
	Hidden    int              // channels of the hidden layers of each network; 0 means 64
	Classes   int              // of a class-conditional model: columns of the context; 0 means none
	Unbounded bool             // the data are any numbers; the default are pixels from 0 to 1, which a logit takes to the line
	Block     GlowBlockOptions // of each step
}

// glowAlpha keeps pixels away from the ends of the logit, as the reference does.
const glowAlpha = 0.05

// NewGlow returns a multiscale model of images of the given shape, as the image examples of the reference build it. At each level the grid is
// squeezed and goes through Blocks steps, see [GlowBlock]; half of its channels then leave for the base, at the last level all. The base of a level
// is a [ClassCondDiagGaussian], or a [GlowBase] without classes. With Block.Context the networks take the context as well, so with
// classes it is their number.
//
// Data are pixels from 0 to 1, see [Dequantized]. Those of samples can be outside by up to 0.056: the logit has room at its ends.
//
// A nil opts means the defaults. It panics when height or width cannot be halved Levels times, or an option is out of range. Kingma & Dhariwal
// 2018, arXiv:1807.03039.
func NewGlow(shape Shape, opts *GlowOptions, src rand.Source) *nf.NormalizingFlow {
	const caller = "NewGlow"
	checkShape(caller, shape)
	var o GlowOptions
	if opts != nil {
		o = *opts
	}
	if min(o.Levels, o.Blocks, o.Hidden, o.Classes) < 0 {
		panic(fmt.Sprintf("grids: %s: got %d levels, %d blocks, %d hidden channels and %d classes, want none negative", caller, o.Levels, o.Blocks, o.Hidden, o.Classes))
	}
	o.Levels, o.Blocks, o.Hidden = orDefault(o.Levels, 2), orDefault(o.Blocks, 8), orDefault(o.Hidden, 64)
	if m := 1 << o.Levels; shape.Height%m != 0 || shape.Width%m != 0 {
		panic(fmt.Sprintf("grids: %s: got a %v grid for %d levels, want a height and a width that can be divided by %d", caller, shape, o.Levels, m))
	}
	var bases []nf.Base
	var flows [][]nf.Flow
	var merges []nf.Flow
	for i := range o.Levels { // from the deepest on; its data have no channels split off
		data := shape
		for range o.Levels - 1 - i {
			data = Shape{Height: data.Height / 2, Width: data.Width / 2, Channels: 2 * data.Channels}
		}
		squeeze := NewSqueeze(data)
		at := squeeze.Latent()
		part := at
		if i > 0 {
			merges = append(merges, NewMerge(at, nf.SplitChannel))
			part.Channels /= 2
		}
		bases = append(bases, o.base(part))
		var layers []nf.Flow
		for range o.Blocks {
			layers = append(layers, NewGlowBlock(at, o.Hidden, &o.Block, src))
		}
		flows = append(flows, append(layers, squeeze))
	}
	var transform nf.Flow
	if !o.Unbounded {
		transform = nf.NewLogit(shape.Size(), glowAlpha)
	}
	return NewMultiscaleFlow(bases, flows, merges, transform)
}

func (o *GlowOptions) base(shape Shape) nf.Base {
	if o.Classes > 0 {
		return NewClassCondDiagGaussian(shape, o.Classes)
	}
	return NewGlowBase(shape, 0)
}

func orDefault(n, standard int) int {
	if n == 0 {
		return standard
	}
	return n
}
