package nfkit

import (
	"fmt"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// PermuteMode is a kind of permutation.
type PermuteMode uint8

const (
	PermuteShuffle PermuteMode = iota // drawn at random
	PermuteSwap                       // the last ⌈d/2⌉ components come first
	PermuteReverse                    // the last component comes first, the first last
)

// Permute changes the order of the components of a point: x_j = z_{π(j)}, ln|det J| = 0. Cost O(nd).
// Its twin in normflows is Permute.
type Permute struct {
	mode           PermuteMode
	index, inverse []int
}

var _ Flow = (*Permute)(nil)

// NewPermute returns a permutation of dim components. src is used by [PermuteShuffle] alone and may be nil otherwise.
// It panics when dim is not positive or the mode unknown.
func NewPermute(dim int, mode PermuteMode, src rand.Source) *Permute {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewPermute: got dimension %d, want 1 or more", dim))
	}
	p := &Permute{mode: mode, inverse: make([]int, dim)}
	switch mode {
	case PermuteShuffle:
		p.index = newRand("NewPermute", src).Perm(dim)
	case PermuteSwap:
		for j := range dim {
			p.index = append(p.index, (j+dim/2)%dim)
		}
	case PermuteReverse:
		for j := range dim {
			p.index = append(p.index, dim-1-j)
		}
	default:
		panic(fmt.Sprintf("nfkit: NewPermute: got mode %d, want PermuteShuffle, PermuteSwap or PermuteReverse", mode))
	}
	for j, k := range p.index {
		p.inverse[k] = j
	}
	return p
}

// Dim returns the number of components.
func (p *Permute) Dim() int { return len(p.index) }

// Forward returns x_j = z_{π(j)}.
func (p *Permute) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Permute.Forward", z, p.Dim())
	return z.Columns(p.index), z.Tape().Full(z.Rows(), 1, 0)
}

// Inverse returns z_{π(j)} = x_j.
func (p *Permute) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Permute.Inverse", x, p.Dim())
	return x.Columns(p.inverse), x.Tape().Full(x.Rows(), 1, 0)
}

// State lists perm and inv_perm, its inverse, of a random permutation; the other modes have nothing to keep.
func (p *Permute) State() State {
	if p.mode != PermuteShuffle {
		return nil
	}
	perm := permutationTensor("perm", p.index)
	check, index := perm.Check, p.index
	perm.Check = func(t Tensor) error {
		index = t.Ints
		return check(t)
	}
	inverse := Tensor{Name: "inv_perm", Shape: perm.Shape, Ints: p.inverse, Check: func(t Tensor) error {
		for j, k := range index {
			if k >= 0 && k < len(t.Ints) && t.Ints[k] != j {
				return fmt.Errorf("%v is not the inverse of perm, %v", t.Ints, index)
			}
		}
		return nil
	}}
	return State{perm, inverse}
}
