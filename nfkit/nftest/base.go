package nftest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// BaseOptions are the options of [Base].
type BaseOptions struct {
	// Support has, for each component, the interval outside of which the density is 0; nil for the whole line.
	Support []Interval

	// Dead names the parameters that no result depends on.
	Dead []string

	// Tolerance and Tolerance32 are those of [FlowOptions].
	Tolerance, Tolerance32 float64
}

// Base checks that b keeps the contract of [nf.Base], and returns an error that says where it does not:
//
//   - the state is the same on each call, with names of its own, and is not changed by a computation;
//   - shapes are right, rows do not influence each other, NaN stays NaN, a context matters if one is taken;
//   - the log-density that comes with a sample is that of LogProb;
//   - gradients of points, context and every parameter, of density and samples, agree with central differences;
//   - float32 agrees with float64;
//   - samples are distributed as the density says, and in one or two dimensions its integral is 1; see [Density].
//
// A panic of the base is an error. A nil opts means the defaults. Cost: some 10⁵ evaluations of the density.
func Base(b nf.Base, opts *BaseOptions, src rand.Source) (err error) {
	if b == nil {
		return errors.New("nftest: got a nil base")
	}
	o := BaseOptions{}
	if opts != nil {
		o = *opts
	}
	c := &baseCheck{base: b, o: o, checker: checker{
		r: rand.New(src), tol: cmp.Or(o.Tolerance, 1e-9), tol32: cmp.Or(o.Tolerance32, 1e-3), dead: o.Dead}}
	defer finish(&err, b)
	return c.run()
}

// baseCheck is a base under test.
type baseCheck struct {
	checker
	base nf.Base
	o    BaseOptions
}

func (c *baseCheck) run() error {
	if d := c.base.Dim(); d < 1 {
		return fmt.Errorf("got Dim %d, want 1 or more", d)
	}
	if k := c.base.NoiseDim(); k < 1 {
		return fmt.Errorf("got NoiseDim %d, want 1 or more", k)
	}
	done, err := c.begin(c.base)
	if err != nil {
		return err
	}
	defer done()

	sample := &direction{name: "Sample", f: c.base.Sample, x: c.noise(checkRows), context: c.contextRows(checkRows), constant: true, tapes: evalTapes{}}
	if err := c.sampled(sample); err != nil {
		return err
	}
	x, _ := sample.eval(ad.Float64)
	logProb := &direction{name: "LogProb", f: c.logProb, x: x, context: sample.context, tapes: evalTapes{}}
	var errs []error
	for _, d := range []*direction{sample, logProb} {
		errs = append(errs, c.rows(d), c.conditional(d), c.float32(d))
	}
	errs = append(errs, c.nan(logProb), c.gradients(sample, logProb), c.distribution(), c.unchanged())
	return errors.Join(errs...)
}

func (c *baseCheck) noise(n int) *mat.Dense {
	noise := mat.NewDense(n, c.base.NoiseDim(), nil)
	c.base.Noise(noise.RawMatrix().Data, c.r)
	return noise
}

// logProb is LogProb with a second result, which the checks of a mapping expect.
func (c *baseCheck) logProb(x, context *ad.Value) (logProb, zero *ad.Value) {
	return c.base.LogProb(x, context), x.Tape().Full(x.Rows(), 1, 0)
}

// sampled checks the shapes of a sample, and its log-density.
func (c *baseCheck) sampled(d *direction) error {
	t := ad.NewTape(ad.Float64)
	_, context, z, logProb := d.on(t)
	if r, k := z.Dims(); r != checkRows || k != c.base.Dim() {
		return fmt.Errorf("a Sample of %d rows of noise: got %d×%d points, want %d×%d", checkRows, r, k, checkRows, c.base.Dim())
	}
	want := c.base.LogProb(z, context)
	if err := checkListed("Sample or LogProb", t, c.state); err != nil {
		return err
	}
	for name, l := range map[string]*ad.Value{"Sample": logProb, "LogProb": want} {
		if r, k := l.Dims(); r != checkRows || k != 1 {
			return fmt.Errorf("%s: got a %d×%d log-density of %d points, want %d×1", name, r, k, checkRows, checkRows)
		}
	}
	for i := range checkRows {
		if got, want := logProb.At(i, 0), want.At(i, 0); !isFinite(want) || !near(got, want, c.tol) {
			return fmt.Errorf("row %d of Sample comes with log-density %v, want %v, that of LogProb", i, got, want)
		}
	}
	return nil
}

// distribution compares samples with the density, under one context.
func (c *baseCheck) distribution() error {
	context := c.contextRows(1)
	on := func(t *ad.Tape, n int) *ad.Value {
		if context == nil {
			return nil
		}
		return t.Matrix(context).Repeat(n)
	}
	return checkDensity(&density{
		dim:     c.base.Dim(),
		support: c.o.Support,
		sample: func(n int) *mat.Dense {
			t := ad.NewEvalTape(ad.Float64)
			z, _ := c.base.Sample(t.Matrix(c.noise(n)), on(t, n))
			return z.Matrix()
		},
		logProb: func(x *mat.Dense) []float64 {
			t := ad.NewEvalTape(ad.Float64)
			n, _ := x.Dims()
			logProb := make([]float64, 0, n)
			for lo := 0; lo < n; lo += 1000 {
				hi := min(lo+1000, n)
				t.Reset()
				logProb = append(logProb, c.base.LogProb(t.Rows(x, lo, hi), on(t, hi-lo)).Data()...)
			}
			return logProb
		},
	})
}
