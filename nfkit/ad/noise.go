package ad

import (
	"fmt"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// noise is where a tape gets random numbers. Each row of each call has a generator of its own, seeded by the tape's
// seed, the number of the call since, and the number of the row in the batch: so the noise of a row does not depend on
// how the batch is cut into shards.
type noise struct {
	seed     [2]uint64
	lo, rows int    // the rows of the batch that the tape computes; 0 rows: any
	calls    uint64 // since Seed
	pcg      rand.PCG
	random   *rand.Rand // of pcg
}

func (n *noise) init() { n.random = rand.New(&n.pcg) }

// Seed makes the noise on t ([Tape.Normal], [Tape.Uniform], [Tape.Rademacher], [Value.Dropout]) begin anew, for rows lo
// to hi (excluded) of a batch. The same words give each row the same noise, wherever it is computed; other words give
// other noise. [Shards] seeds the tape of each shard. A new tape is seeded with zeros for any number of rows; Reset does
// not seed. It panics unless 0 ≤ lo ≤ hi.
func (t *Tape) Seed(seed [2]uint64, lo, hi int) {
	if lo < 0 || hi < lo {
		panic(fmt.Sprintf("ad: Tape.Seed: got rows %d to %d", lo, hi))
	}
	t.noise.seed, t.noise.lo, t.noise.rows, t.noise.calls = seed, lo, hi-lo, 0
}

// Normal returns rows×cols independent standard normal numbers. It has no gradient.
//
// Row i is the noise of row i of the batch. Each call draws numbers of its own; to draw several for each row of the
// batch, take more columns and Reshape, or a multiple of the batch's rows, which come as those of [Value.Repeat] do. It
// panics for any other number of rows on a tape that was seeded for a batch.
func (t *Tape) Normal(rows, cols int) *Value {
	return t.draw("Tape.Normal", rows, cols, func(r *rand.Rand) float64 { return r.NormFloat64() }, func(r *rand.Rand) float32 { return float32(r.NormFloat64()) })
}

// Uniform returns rows×cols independent numbers, uniform in (0, 1), without the ends. It has no gradient. Rows are
// those of [Tape.Normal].
func (t *Tape) Uniform(rows, cols int) *Value {
	return t.draw("Tape.Uniform", rows, cols,
		func(r *rand.Rand) float64 { return (float64(r.Uint64()>>12) + 0.5) * 0x1p-52 },
		func(r *rand.Rand) float32 { return (float32(r.Uint64()>>41) + 0.5) * 0x1p-23 })
}

// Rademacher returns rows×cols independent numbers, 1 or −1 with the same probability: the probes of Hutchinson's
// estimate of a trace. It has no gradient. Rows are those of [Tape.Normal].
func (t *Tape) Rademacher(rows, cols int) *Value {
	s := t.noise.stream("Tape.Rademacher", rows)
	v := t.value(constOp, rows, cols)
	for i := range rows {
		s.row(i)
		if t.precision == Float32 {
			signs(v.f32.data[i*cols:][:cols], &t.noise.pcg)
		} else {
			signs(v.f64.data[i*cols:][:cols], &t.noise.pcg)
		}
	}
	return v
}

// signs fills s from the bits of random numbers, 64 elements from each.
func signs[T kernel.Float](s []T, r *rand.PCG) {
	var bits uint64
	for i := range s {
		if i%64 == 0 {
			bits = r.Uint64()
		}
		s[i] = T(1 - 2*int(bits&1))
		bits >>= 1
	}
}

// draw returns rows×cols numbers of f64 or f32, row by row.
func (t *Tape) draw(call string, rows, cols int, f64 func(*rand.Rand) float64, f32 func(*rand.Rand) float32) *Value {
	s := t.noise.stream(call, rows)
	v := t.value(constOp, rows, cols)
	for i := range rows {
		s.row(i)
		for k := i * cols; k < (i+1)*cols; k++ {
			if t.precision == Float32 {
				v.f32.data[k] = f32(t.noise.random)
			} else {
				v.f64.data[k] = f64(t.noise.random)
			}
		}
	}
	return v
}

// stream is the noise of one call.
type stream struct {
	noise *noise
	key   [2]uint64
	first uint64 // number of its first row
}

// stream begins the noise of a call that needs it for the given number of rows.
func (n *noise) stream(call string, rows int) stream {
	each := 1 // row of the batch
	if n.rows > 0 {
		each = rows / n.rows
		if rows%n.rows != 0 {
			panic(fmt.Sprintf("ad: %s: got %d rows of noise for rows %d to %d of a batch, want a multiple of %d", call, rows, n.lo, n.lo+n.rows, n.rows))
		}
	}
	a := scramble(n.seed[0] + scramble(n.seed[1]+scramble(n.calls)))
	n.calls++
	return stream{noise: n, key: [2]uint64{a, scramble(a ^ n.seed[1])}, first: uint64(n.lo * each)}
}

// row seeds the generator for row i.
func (s stream) row(i int) {
	number := (s.first + uint64(i)) * golden
	s.noise.pcg.Seed(scramble(s.key[0]+number), scramble(s.key[1]^number))
}

// golden is 2⁶⁴ over the golden ratio.
const golden = 0x9e3779b97f4a7c15

// scramble is the step of SplitMix64: each bit of x changes half the bits of the result. Steele et al. 2014,
// doi:10.1145/2660193.2660195.
func scramble(x uint64) uint64 {
	x += golden
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
