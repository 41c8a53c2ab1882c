package nftest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// transformerDim is the number of components with which transformers are checked.
const transformerDim = 3

// Transformer checks that t, a transformer of 3 components, keeps the contract of [nf.Transformer], and returns an error that says where it does
// not: it has as many Initial parameters as Params says, is monotone for parameters around them, and [nf.NewElementwise], [nf.NewCoupling] with
// any split and [nf.NewAutoregressive] in both directions make flows of it that pass [Flow]. A nil opts means the defaults. Cost: that of five
// checks of flows.
func Transformer(t nf.Transformer, opts *FlowOptions, src rand.Source) (err error) {
	if t == nil {
		return errors.New("nftest: got a nil transformer")
	}
	defer finish(&err, t)
	if m := t.Params(); m < 1 || len(t.Initial()) != m {
		return fmt.Errorf("got Params %d and %d Initial parameters, want 1 or more and as many", m, len(t.Initial()))
	}
	r := rand.New(src)
	if err := monotone(t, opts, r); err != nil {
		return err
	}
	m := t.Params()
	for _, c := range []struct { // in a fixed order, so that the same source finds the same mistake
		name string
		flow func() nf.Flow
	}{
		{"Elementwise", func() nf.Flow { return nf.NewElementwise(t, transformerDim) }},
		{"Coupling", func() nf.Flow {
			return nf.NewCoupling(t.Of([]int{2, 0}), nf.NewMLP([]int{1, 8, 2 * m}, &nf.MLPOptions{Activation: nf.ActTanh, Context: 2}, src), []int{2, 0}, nil)
		}},
		{"Coupling of one component", func() nf.Flow {
			return nf.NewCoupling(t.Of([]int{1}), nf.NewMLP([]int{2, 8, m}, &nf.MLPOptions{Activation: nf.ActTanh}, src), []int{1}, nil)
		}},
		{"Autoregressive", func() nf.Flow {
			return nf.NewAutoregressive(t, nf.NewMADE(transformerDim, m, 8, &nf.MADEOptions{Activation: nf.ActTanh, Blocks: 1}, src), nil)
		}},
		{"Autoregressive with Latent", func() nf.Flow {
			made := nf.NewMADE(transformerDim, m, 8, &nf.MADEOptions{Activation: nf.ActTanh, Blocks: 1, Context: 2}, src)
			return nf.NewAutoregressive(t, made, &nf.AutoregressiveOptions{Latent: true})
		}},
	} {
		if err := Flow(c.flow(), opts, src); err != nil {
			return fmt.Errorf("in %s: %w", c.name, err)
		}
	}
	return nil
}

// monotone checks that Forward increases, or decreases, along a line of points, for parameters around the initial ones.
func monotone(t nf.Transformer, opts *FlowOptions, r *rand.Rand) error {
	var domain Interval
	if opts != nil {
		domain = opts.Latent
	}
	const n = 200
	one := t.Of([]int{0})
	z := mat.NewDense(n, 1, nil)
	for i := range n {
		z.Set(i, 0, domain.at(8*float64(i)/(n-1)-4))
	}
	for range 10 {
		params := one.Initial()
		for i := range params {
			params[i] += r.NormFloat64()
		}
		tape := ad.NewEvalTape(ad.Float64)
		x, logDet := one.Forward(tape.Matrix(z), tape.Const(1, len(params), params))
		if rows, c := logDet.Dims(); rows != n || c != 1 {
			return fmt.Errorf("got from Forward of %d points a %d×%d log-determinant, want %d×1", n, rows, c, n)
		}
		sign := math.Signbit(x.At(n-1, 0) - x.At(0, 0))
		for i := 1; i < n; i++ {
			if d := x.At(i, 0) - x.At(i-1, 0); d == 0 || math.IsNaN(d) || math.Signbit(d) != sign {
				return fmt.Errorf("with parameters %v, Forward is not monotone: %v goes to %v, %v to %v", params, z.At(i-1, 0), x.At(i-1, 0), z.At(i, 0), x.At(i, 0))
			}
		}
	}
	return nil
}
