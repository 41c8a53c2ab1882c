package main

import "fmt"

// mulAddsNEON writes the loops that measure how many multiply-adds a core can do. There are sixteen chains of them: enough for four
// units that each begin one in every cycle and take four to end it.
func mulAddsNEON(k neon) {
	const chains, unrolled = 16, 3
	for _, k.bits = range []int{32, 64} {
		name := fmt.Sprintf("mulAdds%d", k.bits)
		k.function(name, "func(rounds int)",
			fmt.Sprintf("%s does %d multiply-adds of %d elements in each of the rounds, on registers alone.", name, chains*unrolled, k.lanes()), func() {
				n, x := k.load("rounds"), k.zero()
				var sums pair
				for range chains {
					sums = append(sums, k.zero())
				}
				k.label("round")
				k.emit("SUBS $1, %v", n)
				k.branch("BLT", "end")
				for range unrolled {
					for _, s := range sums {
						k.multiplyAdd(s, x, x)
					}
				}
				k.branch("JMP", "round")
				k.label("end")
			})
	}
}

// multiplyAdd adds x·y to sum.
func (k neon) multiplyAdd(sum, x, y *register) {
	k.emit(fmt.Sprintf("VFMLA %%v.%[1]s, %%v.%[1]s, %%v.%[1]s", k.arrangement()), y, x, sum)
}
