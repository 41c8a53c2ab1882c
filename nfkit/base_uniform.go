package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Uniform is the uniform distribution on a box, by default a cube,
//
//	ln p(z) = −Σⱼ ln(highⱼ − lowⱼ),
//
// and −Inf outside. It has no parameters. Its twin in normflows is distributions.base.Uniform, in zuko BoxUniform.
type Uniform struct{ low, high []float64 }

var _ Base = (*Uniform)(nil)

// UniformOptions are the options of [NewUniform].
type UniformOptions struct {
	Low, High float64      // ends of all components; both 0 means −1 and 1
	Box       [][2]float64 // ends of each component, instead
}

// NewUniform returns the uniform distribution on a box in dim dimensions. A nil opts means the defaults.
// It panics when dim is not positive, the ends of an interval are not finite and in order, or there are not as many as components.
func NewUniform(dim int, opts *UniformOptions) *Uniform {
	checkDim("NewUniform", dim)
	o := UniformOptions{}
	if opts != nil {
		o = *opts
	}
	switch {
	case o.Box != nil && (len(o.Box) != dim || o.Low != 0 || o.High != 0):
		panic(fmt.Sprintf("nfkit: NewUniform: got %d intervals in Box, Low %v and High %v, want %d and no more", len(o.Box), o.Low, o.High, dim))
	case o.Box == nil && o.Low == 0 && o.High == 0:
		o.Low, o.High = -1, 1
	}
	u := &Uniform{}
	for j := range dim {
		ends := [2]float64{o.Low, o.High}
		if o.Box != nil {
			ends = o.Box[j]
		}
		if w := ends[1] - ends[0]; !(w > 0) || !isFinite(w) {
			panic(fmt.Sprintf("nfkit: NewUniform: got the interval [%v, %v], want a finite one from low to high", ends[0], ends[1]))
		}
		u.low, u.high = append(u.low, ends[0]), append(u.high, ends[1])
	}
	return u
}

// Dim returns the number of components.
func (u *Uniform) Dim() int { return len(u.low) }

// NoiseDim returns the number of components.
func (u *Uniform) NoiseDim() int { return u.Dim() }

// Noise draws uniform numbers from [0, 1).
func (u *Uniform) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.Float64()
	}
}

// LogProb returns the log-density of each row of z.
func (u *Uniform) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("Uniform.LogProb", z, u.Dim())
	low, high := u.ends(z.Tape())
	within := z.Sub(low).Min(high.Sub(z))
	return within.LogIndicator(0, math.Inf(1)).RowSum().Shift(u.logDensity())
}

// ends returns low and high, 1×d.
func (u *Uniform) ends(t *ad.Tape) (low, high *ad.Value) {
	return t.Const(1, u.Dim(), u.low), t.Const(1, u.Dim(), u.high)
}

func (u *Uniform) logDensity() float64 {
	var sum float64
	for j := range u.low {
		sum -= math.Log(u.high[j] - u.low[j])
	}
	return sum
}

// Sample returns low + (high − low)·noise.
func (u *Uniform) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("Uniform.Sample", noise, u.Dim())
	t := noise.Tape()
	low, high := u.ends(t)
	z = noise.Mul(high.Sub(low)).Add(low).Min(high) // rounding must not leave the box
	return z, t.Full(noise.Rows(), 1, u.logDensity())
}

// State returns nil.
func (u *Uniform) State() State { return nil }
