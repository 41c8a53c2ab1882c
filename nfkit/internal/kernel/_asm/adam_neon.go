package main

// adamNEON writes the loop of Adam as adam does.
func adamNEON(k neon) {
	k.bits = 64
	k.function("adam", "func(p *float64, n int, grad, m, v *float64, weightDecay, beta1, rest1, beta2, rest2, rate, root, eps float64)",
		"adam is adamGo for n elements, a multiple of 4. rest1 is 1 − beta1, rest2 is 1 − beta2.", func() {
			p, n := k.load("p"), k.load("n")
			g, m, v := k.load("grad"), k.load("m"), k.load("v")
			number := func(param string) pair {
				r := k.broadcast(param)
				return pair{r, r}
			}
			weightDecay, beta1, rest1 := number("weightDecay"), number("beta1"), number("rest1")
			beta2, rest2 := number("beta2"), number("rest2")
			rate, root, eps := number("rate"), number("root"), number("eps")
			here := func(p *register) pair { // what p points to, to be stored there again
				v := pair{k.vector(), k.vector()}
				k.emit("FLDPQ (%v), (%v, %v)", p, scalar{v[0]}, scalar{v[1]})
				return v
			}
			mul := func(x, y pair) pair { return k.each("FMUL", x, y) }
			add := func(x, y pair) pair { return k.each("FADD", x, y) }
			k.label("loop")
			k.emit("SUBS $4, %v", n)
			k.branch("BLT", "end")

			param := here(p)
			grad := add(k.loadPair(g), mul(param, weightDecay))
			mean := add(mul(here(m), beta1), mul(grad, rest1))
			k.storePair(mean, m)
			variance := add(mul(here(v), beta2), mul(mul(grad, grad), rest2))
			k.storePair(variance, v)

			step := k.each("FDIV", mul(mean, rate), add(mul(k.each("FSQRT", variance), root), eps))
			k.storePair(k.each("FSUB", param, step), p)
			k.branch("JMP", "loop")
			k.label("end")
		})
}
