package nfkit_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// tanhNet is a network that knows nothing of derivatives: ½·tanh(x·wᵀ/(1+|w|) + c·vᵀ), a contraction by ½.
type tanhNet struct{ w, v *ad.Param }

func newTanhNet(dim, context int, src rand.Source) tanhNet {
	return tanhNet{normalParam(dim, dim, src), normalParam(dim, context, src)}
}

func normalParam(rows, cols int, src rand.Source) *ad.Param {
	r, data := rand.New(src), make([]float64, rows*cols)
	for i := range data {
		data[i] = r.NormFloat64()
	}
	return ad.NewParam(rows, cols, data)
}

func (n tanhNet) In() int            { d, _ := n.w.Dims(); return d }
func (n tanhNet) Out() int           { return n.In() }
func (n tanhNet) ContextDim() int    { _, c := n.v.Dims(); return c }
func (n tanhNet) Lipschitz() float64 { return 0.5 }
func (n tanhNet) UpdateLipschitz()   {}

func (n tanhNet) Apply(x, context *ad.Value) *ad.Value {
	norm := n.w.On(x).Square().Sum().Sqrt()
	h := x.Linear(n.w.On(x).Div(norm.Shift(1)), nil)
	if n.ContextDim() > 0 {
		h = h.Add(context.Linear(n.v, nil))
	}
	return h.Tanh().Scale(0.5)
}

func (n tanhNet) State() nf.State {
	s := nf.State{{Name: "w", Shape: []int{n.In(), n.In()}, Param: n.w}}
	if c := n.ContextDim(); c > 0 {
		s = append(s, nf.Tensor{Name: "v", Shape: []int{n.In(), c}, Param: n.v})
	}
	return s
}

// The log-determinant of each flow, in either direction, is that of its Jacobian by Jacobian-vector products.
func TestFlowJacobians(t *testing.T) {
	const n, d = 4, 3
	for _, name := range slices.Sorted(maps.Keys(flowCases)) {
		for _, context := range []int{0, 2} {
			t.Run(fmt.Sprint(name, context), func(t *testing.T) {
				f := flowCases[name].new(d, context, rand.NewPCG(1, 2))
				if f == nil {
					return
				}
				r := rand.New(rand.NewPCG(3, 4))
				for _, p := range f.State().Params() {
					for i := range p.Data {
						p.Data[i] += 0.1 * r.NormFloat64()
					}
				}
				if p, ok := f.(nf.Preparer); ok {
					p.Prepare()
				}
				tape := ad.NewEvalTape(ad.Float64)
				var c *ad.Value
				if context > 0 {
					c = tape.Normal(n, context)
				}
				z := tape.Normal(n, d)
				check := func(direction string, apply func(v, c *ad.Value) (y, logDet *ad.Value), v *ad.Value) {
					_, want := apply(v, c)
					g := ad.Linearize(func(v *ad.Value) *ad.Value {
						y, _ := apply(v, c)
						return y
					}, v)
					jacobian := v.Slice(0, 0)
					for j := range d {
						jacobian = jacobian.Concat(g.JVP(tape.Eye(d).Reshape(1, d*d).Slice(j*d, (j+1)*d).Repeat(n)))
					}
					if got := jacobian.LogAbsDet(); !floats.EqualApprox(got.Data(), want.Data(), 1e-9) {
						t.Errorf("%s: products with the Jacobian give log-determinants %v, want %v", direction, got.Data(), want.Data())
					}
				}
				check("Forward", f.Forward, z)
				x, _ := f.Forward(z, c)
				check("Inverse", f.Inverse, x)
			})
		}
	}
}

// Networks have products with their Jacobian, in training with the same dropout as their values.
func TestNetJVP(t *testing.T) {
	src := rand.NewPCG(1, 2)
	nets := map[string]nf.Net{
		"LipschitzMLP": nf.NewLipschitzMLP([]int{3, 8, 5, 4}, &nf.LipschitzMLPOptions{Context: 2}, src),
		"MLP":          nf.NewMLP([]int{3, 16, 16, 4}, &nf.MLPOptions{Context: 2, Dropout: 0.3}, src),
		"MLP/clamped":  nf.NewMLP([]int{3, 16, 16, 4}, &nf.MLPOptions{Activation: nf.ActTanh, Context: 2, Output: nf.OutputClampExp}, src),
		"ResidualNet":  nf.NewResidualNet(3, 4, 16, &nf.ResidualNetOptions{Context: 2, Dropout: 0.3, Activation: nf.ActELU}, src),
		"MADE":         nf.NewMADE(3, 2, 16, &nf.MADEOptions{Context: 2, Dropout: 0.3, Activation: nf.ActSiLU}, src),
	}
	const n, h = 5, 1e-5 // error of central differences h²
	for name, net := range nets {
		for _, p := range net.State().Params() {
			floats.Add(p.Data, normalParam(1, len(p.Data), src).Data)
		}
		tape := ad.NewTape(ad.Float64)
		tape.SetTraining(true)
		x, c, v := tape.Normal(n, 3), tape.Normal(n, 2), tape.Normal(n, 3)
		apply := func(x *ad.Value) *ad.Value {
			tape.Seed([2]uint64{7, 8}, 0, n)
			return net.Apply(x, c)
		}
		want := apply(x.Add(v.Scale(h))).Sub(apply(x.Sub(v.Scale(h)))).Scale(0.5 / h)
		y, jv := ad.JVP(apply, x, v)
		if !floats.Equal(y.Data(), apply(x).Data()) {
			t.Errorf("%s: the value beside the product is another one", name)
		}
		if !floats.EqualApprox(jv.Data(), want.Data(), 1e-7*math.Max(1, floats.Norm(want.Data(), math.Inf(1)))) {
			t.Errorf("%s: the product with the Jacobian is %v, want %v", name, jv.Data(), want.Data())
		}
	}
}
