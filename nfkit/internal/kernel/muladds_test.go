package kernel

import "testing"

// Each loop counts 48 multiply-adds of its vector length in a round, and the lengths are those of the instruction set.
func TestMulAddLoops(t *testing.T) {
	onEach(t, func(t *testing.T) {
		testMulAddLoops[float32](t, vectorBytes/4)
		testMulAddLoops[float64](t, vectorBytes/8)
	})
}

func testMulAddLoops[T Float](t *testing.T, lanes float64) {
	loops := MulAddLoops[T]()
	if len(loops) != int(active) {
		t.Fatalf("%s: got %d loops, want %d", typeName[T](), len(loops), active)
	}
	for i, loop := range loops {
		for _, rounds := range []int{0, 1, 5} {
			if got, want := loop(rounds), float64(rounds)*48*2*lanes*float64(i+1); got != want {
				t.Errorf("%s, loop %d: got %v operations in %d rounds, want %v", typeName[T](), i, got, rounds, want)
			}
		}
	}
}
