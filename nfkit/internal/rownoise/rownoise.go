// Package rownoise draws noise of any distribution from that of a tape, so that a row has the same on any number of cores.
package rownoise

import (
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Draw returns rows of dim numbers that draw fills, each from random numbers that follow from the noise of its row on the tape; nil for none.
func Draw(t *ad.Tape, rows, dim int, draw func(dst []float64, r *rand.Rand)) *ad.Value {
	if dim == 0 {
		return nil
	}
	seeds, noise := t.Uniform(rows, 3).Data(), make([]float64, rows*dim)
	pcg := rand.NewPCG(0, 0)
	r := rand.New(pcg)
	for i := range rows {
		word := func(j int) uint64 { return uint64(seeds[3*i+j] * (1 << 52)) }
		pcg.Seed(word(0), word(1)^word(2)<<12)
		draw(noise[i*dim:(i+1)*dim], r)
	}
	return t.Const(rows, dim, noise)
}
