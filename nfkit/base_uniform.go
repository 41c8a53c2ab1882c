package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Uniform is the uniform distribution on the cube [low, high]^d,
//
//	ln p(z) = −d·ln(high − low),
//
// and −Inf outside. It has no parameters. Its twin in normflows is distributions.base.Uniform.
type Uniform struct {
	dim       int
	low, high float64
}

var _ Base = (*Uniform)(nil)

// UniformOptions are the options of [NewUniform].
type UniformOptions struct {
	Low, High float64 // both 0 means −1 and 1
}

// NewUniform returns the uniform distribution on a cube in dim dimensions. A nil opts means the defaults.
// It panics when dim is not positive or the interval not one.
func NewUniform(dim int, opts *UniformOptions) *Uniform {
	u := &Uniform{dim: dim, low: -1, high: 1}
	if opts != nil && *opts != (UniformOptions{}) {
		u.low, u.high = opts.Low, opts.High
	}
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewUniform: got dimension %d, want 1 or more", dim))
	}
	if w := u.high - u.low; !(w > 0) || !isFinite(w) {
		panic(fmt.Sprintf("nfkit: NewUniform: got the interval [%v, %v], want a finite one from low to high", u.low, u.high))
	}
	return u
}

// Dim returns the number of components.
func (u *Uniform) Dim() int { return u.dim }

// NoiseDim returns the number of components.
func (u *Uniform) NoiseDim() int { return u.dim }

// Noise draws uniform numbers from [0, 1).
func (u *Uniform) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.Float64()
	}
}

// LogProb returns the log-density of each row of z.
func (u *Uniform) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("Uniform.LogProb", z, u.dim)
	return z.LogIndicator(u.low, u.high).RowSum().Shift(u.logDensity())
}

func (u *Uniform) logDensity() float64 { return -float64(u.dim) * math.Log(u.high-u.low) }

// Sample returns low + (high − low)·noise.
func (u *Uniform) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("Uniform.Sample", noise, u.dim)
	t := noise.Tape()
	z = noise.Scale(u.high - u.low).Shift(u.low).Min(t.Full(1, 1, u.high)) // rounding must not leave the cube
	return z, t.Full(noise.Rows(), 1, u.logDensity())
}

// State returns nil.
func (u *Uniform) State() State { return nil }
