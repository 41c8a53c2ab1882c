package nftest_test

import (
	"math/rand/v2"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// mapping computes one direction of a flow.
type mapping func(f *scaling, x, context *ad.Value) (y, logDet *ad.Value)

// scaling is the flow x = z⊙e^{s + w·c} + b, whose parts a test replaces by wrong ones.
type scaling struct {
	dim, contextDim  int
	s, b, w          *ad.Param
	calls            []int
	forward, inverse mapping
	state            func(f *scaling) nf.State
}

func newScaling(dim, contextDim int) *scaling {
	param := func(rows, cols int) *ad.Param { return ad.NewParam(rows, cols, make([]float64, rows*cols)) }
	return &scaling{
		dim: dim, contextDim: contextDim,
		s: param(1, dim), b: param(1, dim), w: param(dim, contextDim), calls: make([]int, 1),
		forward: scalingForward, inverse: scalingInverse, state: scalingState,
	}
}

func (f *scaling) Dim() int        { return f.dim }
func (f *scaling) ContextDim() int { return f.contextDim }
func (f *scaling) State() nf.State { return f.state(f) }
func (f *scaling) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	return f.forward(f, z, context)
}
func (f *scaling) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	return f.inverse(f, x, context)
}

// logScale returns s + w·c, n×d.
func (f *scaling) logScale(x, context *ad.Value) *ad.Value {
	s := x.Tape().Full(x.Rows(), f.dim, 0).Add(f.s)
	if f.contextDim > 0 {
		s = s.Add(context.Linear(f.w, nil))
	}
	return s
}

func scalingForward(f *scaling, z, context *ad.Value) (x, logDet *ad.Value) {
	s := f.logScale(z, context)
	return z.Mul(s.Exp()).Add(f.b), s.RowSum()
}

func scalingInverse(f *scaling, x, context *ad.Value) (z, logDet *ad.Value) {
	s := f.logScale(x, context)
	return x.Sub(f.b).Mul(s.Neg().Exp()), s.RowSum().Neg()
}

func scalingState(f *scaling) nf.State {
	s := nf.State{
		{Name: "s", Shape: []int{f.dim}, Param: f.s},
		{Name: "b", Shape: []int{f.dim}, Param: f.b},
	}
	if f.contextDim > 0 {
		s = append(s, nf.Tensor{Name: "w", Shape: []int{f.dim, f.contextDim}, Param: f.w})
	}
	return s.OwnedBy(f)
}

// Each mistake is found, and the message says which it is.
func TestFlowFindsMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		context int
		opts    *nftest.FlowOptions
		spoil   func(f *scaling)
		want    string
	}{
		"nothing":              {spoil: func(f *scaling) {}},
		"nothing with context": {context: 2, spoil: func(f *scaling) {}},
		"log-determinant of the wrong sign": {want: "want", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
				x, l := scalingForward(f, z, c)
				return x, l.Neg()
			}
		}},
		"both log-determinants of the wrong sign": {want: "that of a numerical Jacobian", spoil: func(f *scaling) {
			f.forward = negated(scalingForward)
			f.inverse = negated(scalingInverse)
		}},
		"no log-determinant": {want: "Forward: row 0: got log-determinant 0, want", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
				x, _ := scalingForward(f, z, c)
				return x, z.Tape().Full(z.Rows(), 1, 0)
			}
		}},
		"log-determinants that do not cancel": {want: "Inverse after Forward: row 0: got log-determinant", spoil: func(f *scaling) {
			f.inverse = func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) {
				z, l := scalingInverse(f, x, c)
				return z, l.Shift(1e-8)
			}
		}},
		"inverse that is off": {want: "Inverse after Forward: row 0, column 0", spoil: func(f *scaling) {
			f.inverse = func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) {
				z, l := scalingInverse(f, x, c)
				return z.Shift(1e-8), l
			}
		}},
		"forward where inverse should be": {want: "Forward after Inverse", spoil: func(f *scaling) { f.inverse = scalingForward }},
		"parameter that is detached":      {want: "Forward: the gradient of element 0 of s", spoil: detachScale},
		"gradient of the log-determinant alone is missing": {want: "the gradient of element 0 of s", spoil: func(f *scaling) {
			f.inverse = func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) {
				z, l := scalingInverse(f, x, c)
				return z, l.Detach()
			}
		}},
		"input that is detached": {want: "Forward: the gradient of element 0 of the input: got 0", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) { return scalingForward(f, z.Detach(), c) }
		}},
		"context that is detached": {context: 2, want: "Inverse: the gradient of element 0 of the context: got 0", spoil: func(f *scaling) {
			f.inverse = func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) { return scalingInverse(f, x, c.Detach()) }
		}},
		"context that is ignored": {context: 2, want: "Forward: another context of 2 columns gives the same result", spoil: func(f *scaling) {
			zero := func(m mapping) mapping {
				return func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) { return m(f, x, c.Scale(0)) }
			}
			f.forward, f.inverse = zero(scalingForward), zero(scalingInverse)
		}},
		"context that nobody asked for": {want: "a context changes the result of something whose ContextDim is 0", spoil: func(f *scaling) {
			shift := func(m mapping) mapping {
				return func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) {
					y, l := m(f, x, nil)
					if c != nil {
						y = y.Add(c.RowSum())
					}
					return y, l
				}
			}
			f.forward, f.inverse = shift(scalingForward), shift(scalingInverse)
		}},
		"parameter without influence":                  {want: "extra has no gradient in any direction", spoil: extraParam(false)},
		"parameter without influence that is declared": {opts: &nftest.FlowOptions{Dead: []string{"extra"}}, spoil: extraParam(false)},
		"frozen parameter":                             {spoil: extraParam(true)},
		"dead parameter that is not":                   {opts: &nftest.FlowOptions{Dead: []string{"s"}}, want: "s has a gradient, but is frozen or said to be dead", spoil: func(f *scaling) {}},
		"rows that are mixed": {want: "Forward: row 0 depends on the other rows", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
				x, l := scalingForward(f, z, c)
				return x.Add(z.ColSum().Scale(1e-9)), l
			}
		}},
		"log-determinants that are mixed": {want: "Inverse: the log-determinant of row 0 depends on the other rows", spoil: func(f *scaling) {
			f.inverse = func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) {
				z, l := scalingInverse(f, x, c)
				return z, l.Add(x.Sum().Scale(1e-9))
			}
		}},
		"NaN that is hidden": {want: "a row with NaN in column 0 gives", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) { return scalingForward(f, withoutNaN(z), c) }
		}},
		"identity": {want: "Forward is the identity", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) { return z, z.Tape().Full(z.Rows(), 1, 0) }
			f.inverse = f.forward
			f.state = func(*scaling) nf.State { return nil }
		}},
		"identity that is declared": {opts: &nftest.FlowOptions{Identity: true}, spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) { return z, z.Tape().Full(z.Rows(), 1, 0) }
			f.inverse = f.forward
			f.state = func(*scaling) nf.State { return nil }
		}},
		"too few columns": {want: "got a 6×2 result, want 6×3", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
				x, l := scalingForward(f, z, c)
				return x.Slice(0, 2), l
			}
		}},
		"one log-determinant for all rows": {want: "got a 1×1 log-determinant, want 6×1", spoil: func(f *scaling) {
			f.inverse = func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) {
				z, l := scalingInverse(f, x, c)
				return z, l.Mean()
			}
		}},
		"infinite result": {want: "in column 0, want a finite number", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
				x, l := scalingForward(f, z, c)
				return x.Div(z.Sub(z)), l
			}
		}},
		"NaN far out": {want: "Forward of [50 50 50]: got gradient [NaN NaN NaN] of the input", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
				x, l := scalingForward(f, z, c)
				return x.Add(z.Neg().Shift(40).ReLU().Sqrt().Scale(0)), l // 0·Inf in the gradient above 40
			}
		}},
		"half precision in the middle": {want: "Forward in float32: row 0", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
				x, l := scalingForward(f, z, c)
				if z.Tape().Precision() == ad.Float32 {
					x = x.Scale(1.01)
				}
				return x, l
			}
		}},
		"state that is copied": {want: "tensor s of State is a copy", spoil: func(f *scaling) {
			f.state = func(f *scaling) nf.State {
				s := scalingState(f)
				s[0].Param = ad.NewParam(1, f.dim, make([]float64, f.dim))
				return s
			}
		}},
		"state that grows": {want: "the state lists 2 tensors at first, 3 the second time", spoil: func(f *scaling) {
			calls := 0
			f.state = func(f *scaling) nf.State {
				calls++
				return append(scalingState(f), nf.State{{Name: "n", Shape: []int{1}, Ints: f.calls}}[:calls/2]...)
			}
		}},
		"two tensors of one name": {want: `two tensors of the state have the name "s"`, spoil: func(f *scaling) {
			f.state = func(f *scaling) nf.State {
				s := scalingState(f)
				s[1].Name = "s"
				return s
			}
		}},
		"shape that is wrong": {want: `"b": it has 3 elements for shape [4]`, spoil: func(f *scaling) {
			f.state = func(f *scaling) nf.State {
				s := scalingState(f)
				s[1].Shape = []int{4}
				return s
			}
		}},
		"parameter that is not in the state": {want: "Forward reads a parameter of 1×3 elements that State does not list", spoil: func(f *scaling) {
			f.state = func(f *scaling) nf.State { return scalingState(f)[1:] }
		}},
		"context that a wrapper would hide": {context: 2, want: "inside of another layer it would seem to take 0", spoil: func(f *scaling) {
			f.state = func(f *scaling) nf.State {
				s := scalingState(f)
				for i := range s {
					s[i].Layers = nil
				}
				return s
			}
		}},
		"panic": {want: "panic: no more", spoil: func(f *scaling) {
			f.inverse = func(*scaling, *ad.Value, *ad.Value) (*ad.Value, *ad.Value) { panic("no more") }
		}},
		"computation that counts": {want: "an evaluation changes calls", spoil: func(f *scaling) {
			f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
				f.calls[0]++
				return scalingForward(f, z, c)
			}
			f.state = func(f *scaling) nf.State {
				return append(scalingState(f), nf.Tensor{Name: "calls", Shape: []int{1}, Ints: f.calls})
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newScaling(3, c.context)
			c.spoil(f)
			checkError(t, nftest.Flow(f, c.opts, rand.NewPCG(1, 2)), c.want)
			for _, p := range []*ad.Param{f.s, f.b, f.w} {
				for i := range p.Data {
					if p.Data[i] != 0 || p.Grad[i] != 0 {
						t.Fatalf("parameters are %v with gradient %v after the check, want what was before, 0", p.Data, p.Grad)
					}
				}
			}
		})
	}
	if err := nftest.Flow(nil, nil, rand.NewPCG(1, 2)); err == nil {
		t.Error("a nil flow gives no error")
	}
}

func negated(m mapping) mapping {
	return func(f *scaling, x, c *ad.Value) (*ad.Value, *ad.Value) {
		y, l := m(f, x, c)
		return y, l.Neg()
	}
}

func detachScale(f *scaling) {
	f.forward = func(f *scaling, z, c *ad.Value) (*ad.Value, *ad.Value) {
		s := f.logScale(z, c).Detach()
		return z.Mul(s.Exp()).Add(f.b), s.RowSum()
	}
}

func extraParam(frozen bool) func(f *scaling) {
	extra := ad.NewParam(1, 1, []float64{1})
	extra.Frozen = frozen
	return func(f *scaling) {
		f.state = func(f *scaling) nf.State {
			return append(scalingState(f), nf.Tensor{Name: "extra", Shape: []int{1}, Param: extra})
		}
	}
}

// withoutNaN replaces NaN by 0, as no flow should.
func withoutNaN(v *ad.Value) *ad.Value {
	data := v.Data()
	changed := false
	for i, x := range data {
		if x != x {
			data[i], changed = 0, true
		}
	}
	if !changed {
		return v
	}
	return v.Tape().Const(v.Rows(), v.Cols(), data)
}
