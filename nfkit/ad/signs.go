package ad

import "github.com/nfkit/nfkit-go/nfkit/internal/kernel"

// RandSigns returns a rows×cols value of independent numbers, 1 or −1 with the same probability, by [Tape.Rand].
// It has no gradient.
func (t *Tape) RandSigns(rows, cols int) *Value {
	v := t.value(constOp, rows, cols)
	if t.precision == Float32 {
		signs(t, v.f32.data)
	} else {
		signs(t, v.f64.data)
	}
	return v
}

// signs fills s from the bits of random numbers, 64 elements from each.
func signs[T kernel.Float](t *Tape, s []T) {
	var bits uint64
	for i := range s {
		if i%64 == 0 {
			bits = t.random.Uint64()
		}
		s[i] = T(1 - 2*int(bits&1))
		bits >>= 1
	}
}
