package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// adam writes the loop of Adam, operation by operation as adamGo has it, so that both give the same bytes.
func adam(ctx *build.Context) {
	k := emitter{ctx, 64, 32}
	k.start("adamAVX2", "func(p *float64, n int, grad, m, v *float64, weightDecay, beta1, rest1, beta2, rest2, rate, root, eps float64)",
		"adamAVX2 is adamGo for n elements, a multiple of 4. rest1 is 1 − beta1, rest2 is 1 − beta2.")
	p, n, i := k.load("p"), k.load("n"), k.GP64()
	g, m, v := k.load("grad"), k.load("m"), k.load("v")
	weightDecay, beta1, rest1 := k.broadcast("weightDecay"), k.broadcast("beta1"), k.broadcast("rest1")
	beta2, rest2 := k.broadcast("beta2"), k.broadcast("rest2")
	rate, root, eps := k.broadcast("rate"), k.broadcast("root"), k.broadcast("eps")
	element := func(base reg.Register) operand.Mem { return operand.Mem{Base: base, Index: i, Scale: 8} }
	k.XORQ(i, i)
	k.Label("loop")
	k.SUBQ(operand.Imm(4), n)
	k.JL(operand.LabelRef("end"))

	param, grad, square := k.vec(), k.vec(), k.vec()
	k.VMOVUPD(element(p), param)
	k.VMULPD(param, weightDecay, grad)
	k.VADDPD(element(g), grad, grad)
	k.VMULPD(grad, grad, square)

	mean, variance := k.vec(), k.vec()
	k.VMULPD(element(m), beta1, mean)
	k.VMULPD(grad, rest1, grad)
	k.VADDPD(grad, mean, mean)
	k.VMOVUPD(mean, element(m))
	k.VMULPD(element(v), beta2, variance)
	k.VMULPD(square, rest2, square)
	k.VADDPD(square, variance, variance)
	k.VMOVUPD(variance, element(v))

	k.VSQRTPD(variance, variance)
	k.VMULPD(root, variance, variance)
	k.VADDPD(eps, variance, variance)
	k.VMULPD(rate, mean, mean)
	k.VDIVPD(variance, mean, mean)
	k.VSUBPD(mean, param, param)
	k.VMOVUPD(param, element(p))
	k.ADDQ(operand.Imm(4), i)
	k.JMP(operand.LabelRef("loop"))
	k.Label("end")
	k.VZEROUPPER()
	k.RET()
}
