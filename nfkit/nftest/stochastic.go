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

// StochasticOptions are the options of [Stochastic].
type StochasticOptions struct {
	// Base and Target are the distribution that points come from and the normalised one that their weights are for; nil means the standard
	// normal distribution. The weights p(x)/q(z)·w should not vary by more than a factor of a hundred or so.
	Base   nf.Base
	Target nf.Target

	// Tolerance32 bounds the difference between float32 and float64; 0 means 1e-3.
	Tolerance32 float64
}

// Stochastic checks that l keeps the contract of [nf.StochasticLayer], and returns an error that says where it does not:
//
//   - the state is the same on each call, lists all parameters, and is not changed by a computation;
//   - shapes are right, rows do not influence each other, the same noise gives the same move, float32 agrees with float64;
//   - gradients with respect to points, noise, context and parameters agree with central differences;
//   - with z from the base q and x, ln w from the layer, the weights w·p(x)/q(z) for the target p have mean 1, the normaliser of p, within 5
//     standard errors of 100,000 moves.
//
// A nil opts means the defaults. Cost: some 10⁵ moves.
func Stochastic(l nf.StochasticLayer, opts *StochasticOptions, src rand.Source) (err error) {
	if l == nil {
		return errors.New("nftest: got a nil layer")
	}
	var o StochasticOptions
	if opts != nil {
		o = *opts
	}
	defer finish(&err, l)
	if l.Dim() < 1 || l.NoiseDim() < 0 {
		return fmt.Errorf("got Dim %d and NoiseDim %d, want 1 or more, and 0 or more", l.Dim(), l.NoiseDim())
	}
	c := &stochasticCheck{layer: l, checker: checker{r: rand.New(src), tol: 1e-9, tol32: 1e-3}}
	if o.Tolerance32 != 0 {
		c.tol32 = o.Tolerance32
	}
	if o.Base == nil {
		o.Base = nf.NewDiagGaussian(l.Dim(), &nf.DiagGaussianOptions{Fixed: true})
	}
	if o.Target == nil {
		standard := nf.NewDiagGaussian(l.Dim(), nil)
		o.Target = nf.TargetFunc(standard.LogProb)
	}
	done, err := c.begin(l)
	if err != nil {
		return err
	}
	defer done()
	move := &direction{name: "Forward", f: c.move, x: c.pairs(checkRows), context: c.contextRows(checkRows), tapes: evalTapes{}}
	if err := c.shapes(move); err != nil {
		return err
	}
	return errors.Join(c.rows(move), c.float32(move), c.gradients(move), c.weights(o), c.unchanged())
}

type stochasticCheck struct {
	checker
	layer nf.StochasticLayer
}

// pairs draws n rows of a point, from the standard normal distribution, and noise.
func (c *stochasticCheck) pairs(n int) *mat.Dense {
	d, k := c.layer.Dim(), c.layer.NoiseDim()
	rows := mat.NewDense(n, d+k, nil)
	noise := make([]float64, n*k)
	c.layer.Noise(noise, c.r)
	for i := range n {
		row := rows.RawRowView(i)
		for j := range d {
			row[j] = c.r.NormFloat64()
		}
		copy(row[d:], noise[i*k:(i+1)*k])
	}
	return rows
}

// move is Forward for points and noise side by side.
func (c *stochasticCheck) move(v, context *ad.Value) (x, logWeight *ad.Value) {
	d := c.layer.Dim()
	if v.Cols() == d {
		return c.layer.Forward(v, nil, context)
	}
	return c.layer.Forward(v.Slice(0, d), v.Slice(d, v.Cols()), context)
}

func (c *stochasticCheck) shapes(d *direction) error {
	t := ad.NewTape(ad.Float64)
	_, _, x, l := d.on(t)
	if r, k := x.Dims(); r != checkRows || k != c.layer.Dim() {
		return fmt.Errorf("got from Forward of %d rows %d×%d points, want %d×%d", checkRows, r, k, checkRows, c.layer.Dim())
	}
	if r, k := l.Dims(); r != checkRows || k != 1 {
		return fmt.Errorf("got from Forward of %d rows a %d×%d log-weight, want %d×1", checkRows, r, k, checkRows)
	}
	return checkListed("Forward", t, c.state)
}

// weights checks that the weights average to the normaliser of the target.
func (c *stochasticCheck) weights(o StochasticOptions) error {
	const n, batch = 100_000, 1000
	k := c.layer.NoiseDim()
	var weights []float64
	t := ad.NewEvalTape(ad.Float64)
	for range n / batch {
		t.Reset()
		baseNoise := make([]float64, batch*o.Base.NoiseDim())
		o.Base.Noise(baseNoise, c.r)
		z, logQ := o.Base.Sample(t.Const(batch, o.Base.NoiseDim(), baseNoise), nil)
		var context *ad.Value
		if rows := c.contextRows(batch); rows != nil {
			context = t.Matrix(rows)
		}
		var of *ad.Value
		if k > 0 {
			noise := make([]float64, batch*k)
			c.layer.Noise(noise, c.r)
			of = t.Const(batch, k, noise)
		}
		x, l := c.layer.Forward(z, of, context)
		logP := o.Target.LogDensity(x)
		weights = append(weights, logP.Add(l).Sub(logQ).Exp().Data()...)
	}
	var mean, square float64
	for _, w := range weights {
		mean += w / n
		square += w * w / n
	}
	stdErr := math.Sqrt((square - mean*mean) / n)
	switch {
	case math.IsNaN(mean) || math.IsInf(square, 1):
		return fmt.Errorf("the mean weight is %v, with a mean square of %v", mean, square)
	case stdErr > 0.05:
		return fmt.Errorf("the mean weight is %v ± %v, too rough to tell: give a Base and a Target that are closer to each other", mean, stdErr)
	case math.Abs(mean-1) > 5*stdErr+1e-12:
		return fmt.Errorf("the mean weight is %v ± %v, want 1, the normaliser of the target", mean, stdErr)
	}
	return nil
}
