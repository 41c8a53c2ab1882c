package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mulAdds writes the loops that measure how many multiply-adds a core can do.
func mulAdds(ctx *build.Context) {
	for _, bits := range []int{32, 64} {
		for _, wide := range []int{32, 64} {
			emitter{ctx, bits, wide}.mulAdds()
		}
	}
}

// mulAdds writes a loop of 48 multiply-adds. There are twelve chains of them: enough for two units that each begin one in every cycle
// and take up to five to end it.
func (k emitter) mulAdds() {
	const chains, unrolled = 12, 4
	name := fmt.Sprintf("mulAdds%d%s", k.bits, map[int]string{32: "AVX2", 64: "AVX512"}[k.wide])
	k.Function(name)
	k.SignatureExpr("func(rounds int)")
	k.Doc(fmt.Sprintf("%s does %d multiply-adds of %d elements in each of the rounds, on registers alone.", name, chains*unrolled, k.lanes()))
	n, x := k.load("rounds"), k.zero()
	sums := make([]reg.VecVirtual, chains)
	for i := range sums {
		sums[i] = k.zero()
	}
	k.Label("round")
	k.DECQ(n)
	k.JL(operand.LabelRef("end"))
	for range unrolled {
		for _, s := range sums {
			k.p("VFMADD231", x, x, s)
		}
	}
	k.JMP(operand.LabelRef("round"))
	k.Label("end")
	k.VZEROUPPER()
	k.RET()
}
