package kernel

import "unsafe"

// MulAddLoops returns loops of fused multiply-adds on registers alone, one for each vector length that the processor has
// instructions for; none in a build without assembly. They show what no product of matrices can exceed. Each returns the number
// of floating-point operations that it did in the given number of rounds, two for a multiply-add.
func MulAddLoops[T Float]() []func(rounds int) (flop float64) {
	var loops []func(rounds int) float64
	vector := vectorBytes
	for _, loop := range mulAddLoops[T]() {
		flop := 2 * 48 * vector / int(unsafe.Sizeof(T(0))) // of a round
		loops = append(loops, func(rounds int) float64 {
			loop(rounds)
			return float64(flop * rounds)
		})
		vector *= 2
	}
	return loops
}
