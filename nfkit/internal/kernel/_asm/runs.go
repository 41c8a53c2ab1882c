package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// runKernels writes products whose sums are over runs of neighbours, with a skip after each: those of the patches of a grid.
func runKernels(ctx *build.Context) {
	for _, bits := range []int{32, 64} {
		panel{emitter{ctx, bits, 32}, "AVX2", []int{6, 4, 2, 1}, 2, true}.function()
		panel{emitter{ctx, bits, 32}, "AVX2", []int{8, 4, 2, 1}, 1, true}.function()
		dotPair{emitter{ctx, bits, 32}, true}.function()
	}
}

// runsHead returns the name, signature and documentation of a panel in runs.
func (k panel) runsHead() (name, signature, doc string) {
	name = fmt.Sprintf("panelRuns%d%s", k.bits, k.isa)
	if k.vectors == 1 {
		name = fmt.Sprintf("narrowRuns%d%s", k.bits, k.isa)
	}
	return name, "func(c *%[1]s, ldc int, init *%[1]s, ldi int, a *%[1]s, rsa, csa, skipA int, b *%[1]s, ldb, skipB, n, runs, k, cols int, slope %[1]s)",
		"%s is panelRuns for 0 < cols ≤ %d, with runs and k above 0; %[2]d columns of b are read."
}

// skip moves p on by a parameter that counts elements.
func (e emitter) skip(p reg.GPVirtual, param string) {
	by := e.load(param)
	e.LEAQ(operand.Mem{Base: p, Index: by, Scale: uint8(e.size())}, p)
}
