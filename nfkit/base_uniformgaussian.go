package nfkit

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// UniformGaussian has independent components, some of them uniform and the others normal, all centred at 0:
//
//	zⱼ ~ Uniform[−cⱼ/2, cⱼ/2] or zⱼ ~ Normal(0, cⱼ²),
//
// with a fixed scale cⱼ, which is 1 by default. It is a base for flows on angles and other periodic components. The
// log-density is −Inf where a uniform component is outside its interval; that of its twin in normflows,
// UniformGaussian, is finite there.
type UniformGaussian struct {
	uniform, normal []int // numbers of the components
	position        []int // of each component in uniform followed by normal
	scale           []float64
}

var _ Base = (*UniformGaussian)(nil)

// UniformGaussianOptions are the options of [NewUniformGaussian].
type UniformGaussianOptions struct {
	Scale []float64 // c, one for each component; nil means ones
}

// NewUniformGaussian returns a distribution in dim dimensions in which the components with the numbers in uniform are
// uniform. A nil opts means the defaults. It panics when dim is not positive, a number is out of range or there twice,
// or a scale is missing or not positive.
func NewUniformGaussian(dim int, uniform []int, opts *UniformGaussianOptions) *UniformGaussian {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewUniformGaussian: got dimension %d, want 1 or more", dim))
	}
	g := &UniformGaussian{uniform: append([]int{}, uniform...), normal: []int{}, position: make([]int, dim), scale: make([]float64, dim)}
	for j := range dim {
		g.scale[j] = 1
		if !slices.Contains(uniform, j) {
			g.normal = append(g.normal, j)
		}
	}
	order := slices.Concat(g.uniform, g.normal)
	if err := checkPermutation(order, dim); err != nil {
		panic(fmt.Sprintf("nfkit: NewUniformGaussian: got the uniform components %v, want different numbers from 0 to %d", uniform, dim-1))
	}
	for at, j := range order {
		g.position[j] = at
	}
	if opts != nil && opts.Scale != nil {
		if err := checkScale(opts.Scale, dim); err != nil {
			panic(fmt.Sprintf("nfkit: NewUniformGaussian: %v", err))
		}
		copy(g.scale, opts.Scale)
	}
	return g
}

// checkScale returns an error unless scale is dim positive numbers.
func checkScale(scale []float64, dim int) error {
	if len(scale) != dim || slices.ContainsFunc(scale, func(c float64) bool { return !(c > 0) || !isFinite(c) }) {
		return fmt.Errorf("got the scales %v, want %d positive numbers", scale, dim)
	}
	return nil
}

// Dim returns the number of components.
func (g *UniformGaussian) Dim() int { return len(g.scale) }

// NoiseDim returns the number of components.
func (g *UniformGaussian) NoiseDim() int { return g.Dim() }

// Noise draws numbers from [−½, ½) for uniform components, standard normal ones for the others.
func (g *UniformGaussian) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		if g.position[i%g.Dim()] < len(g.uniform) {
			dst[i] = r.Float64() - 0.5
		} else {
			dst[i] = r.NormFloat64()
		}
	}
}

// LogProb returns the log-density of each row of z.
func (g *UniformGaussian) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("UniformGaussian.LogProb", z, g.Dim())
	return g.logProb(z.Div(g.scaleOn(z.Tape())))
}

func (g *UniformGaussian) scaleOn(t *ad.Tape) *ad.Value { return t.Const(1, g.Dim(), g.scale) }

// logProb returns the log-density of the points c⊙e.
func (g *UniformGaussian) logProb(e *ad.Value) *ad.Value {
	inside := e.Columns(g.uniform).LogIndicator(-0.5, 0.5).RowSum()
	return normalLogProb(e.Columns(g.normal), g.scaleOn(e.Tape()).Log()).Add(inside)
}

// Sample returns c⊙noise.
func (g *UniformGaussian) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("UniformGaussian.Sample", noise, g.Dim())
	return noise.Mul(g.scaleOn(noise.Tape())), g.logProb(noise)
}

// State lists ind, ind_ and inv_perm, which say what component is uniform and must be those that the distribution was
// built with, and scale.
func (g *UniformGaussian) State() State {
	d := g.Dim()
	return State{
		fixedTensor("ind", g.uniform), fixedTensor("ind_", g.normal), fixedTensor("inv_perm", g.position),
		{Name: "scale", Shape: []int{d}, Floats: g.scale, Check: func(t Tensor) error { return checkScale(t.Floats, d) }},
	}
}
