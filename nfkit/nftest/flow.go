package nftest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// FlowOptions are the options of [Flow].
type FlowOptions struct {
	// Latent and Data are the domains of Forward and Inverse, the same for each component.
	Latent, Data Interval

	// Tolerance bounds the error of a round trip relative to the size of the point; 0 means 1e-9. A flow that solves
	// for a direction by iteration may want 1e-6. Derivatives are held to 100 times as much, but no less than 1e-6.
	Tolerance float64

	// Tolerance32 bounds the difference between float32 and float64; 0 means 1e-3.
	Tolerance32 float64

	// Extremes are further coordinates at which values and gradients must be numbers, such as the knots of a spline.
	// 0, ±1, ±3 and ±50 are tried for every flow.
	Extremes []float64

	// Dead names the parameters that no result depends on.
	Dead []string

	// Identity says that the flow may be the identity, as a permutation of one component is.
	Identity bool
}

// Flow checks that f keeps the contract of [nf.Flow], and returns an error that says where it does not:
//
//   - the state is the same on each call, with names of its own, and is not changed by a computation;
//
//   - shapes are right, arguments are left alone, rows do not influence each other, NaN stays NaN;
//
//   - the map is not the identity, and depends on its context if it takes one;
//
//   - each direction undoes the other, their log-determinants cancel, and agree with a numerical Jacobian;
//
//   - gradients of input, context and every parameter agree with central differences, and none is missing;
//
//   - far from the origin values are still numbers, and gradients where values are finite;
//
//   - float32 agrees with float64.
//
//   - all parameters that are read are in the state, and what a model must find of the flow is found inside of another one too.
//
// A panic of the flow is an error. A nil opts means the defaults. Cost: a few thousand evaluations of single rows.
func Flow(f nf.Flow, opts *FlowOptions, src rand.Source) (err error) {
	if f == nil {
		return errors.New("nftest: got a nil flow")
	}
	o := FlowOptions{}
	if opts != nil {
		o = *opts
	}
	c := &flowCheck{flow: f, o: o, checker: checker{
		r: rand.New(src), tol: cmp.Or(o.Tolerance, 1e-9), tol32: cmp.Or(o.Tolerance32, 1e-3), dead: o.Dead}}
	defer finish(&err, f)
	return c.run()
}

// flowCheck is a flow under test.
type flowCheck struct {
	checker
	flow nf.Flow
	o    FlowOptions
}

const checkRows = 6

func (c *flowCheck) run() error {
	if d := c.flow.Dim(); d < 1 {
		return fmt.Errorf("got Dim %d, want 1 or more", d)
	}
	done, err := c.begin(c.flow)
	if err != nil {
		return err
	}
	defer done()
	forward, inverse := c.direction("Forward", c.flow.Forward, c.o.Latent), c.direction("Inverse", c.flow.Inverse, c.o.Data)
	for _, d := range []*direction{forward, inverse} { // what the other checks rely on
		if err := c.shapes(d); err != nil {
			return err
		}
	}
	var errs []error
	for _, d := range []*direction{forward, inverse} {
		errs = append(errs, c.identity(d), c.rows(d), c.nan(d), c.conditional(d), c.jacobian(d), c.float32(d), c.extremes(d))
	}
	errs = append(errs,
		c.roundTrip(forward, inverse),
		c.roundTrip(inverse, forward),
		c.gradients(forward, inverse),
		c.unchanged())
	return errors.Join(errs...)
}

func (c *flowCheck) direction(name string, f mapping, domain Interval) *direction {
	return &direction{name: name, f: f, x: domain.points(checkRows, c.flow.Dim(), c.r), context: c.contextRows(checkRows), domain: domain, tapes: evalTapes{}}
}

func (c *flowCheck) shapes(d *direction) error {
	t := ad.NewTape(ad.Float64)
	x, context, y, logDet := d.on(t)
	n, dim := d.x.Dims()
	if r, k := y.Dims(); r != n || k != dim {
		return fmt.Errorf("%s of a %d×%d batch: got a %d×%d result, want %d×%d", d.name, n, dim, r, k, n, dim)
	}
	if err := checkListed(d.name, t, c.state); err != nil {
		return err
	}
	if r, k := logDet.Dims(); r != n || k != 1 {
		return fmt.Errorf("%s of a %d×%d batch: got a %d×%d log-determinant, want %d×1", d.name, n, dim, r, k, n)
	}
	if !equal(x.Data(), d.x.RawMatrix().Data) {
		return fmt.Errorf("%s changes its argument", d.name)
	}
	if context != nil && !equal(context.Data(), d.context.RawMatrix().Data) {
		return fmt.Errorf("%s changes its context", d.name)
	}
	if ye, le := d.eval(ad.Float64); !equal(y.Data(), ye.RawMatrix().Data) || !equal(logDet.Data(), le) {
		return fmt.Errorf("%s: a tape that records gradients gives %v, one that does not %v", d.name, y.Data(), ye.RawMatrix().Data)
	}
	for k, v := range append(y.Data(), logDet.Data()...) {
		if isFinite(v) {
			continue
		}
		if k < n*dim {
			return fmt.Errorf("%s of %v: got %v in column %d, want a finite number", d.name, d.x.RawRowView(k/dim), v, k%dim)
		}
		return fmt.Errorf("%s of %v: got log-determinant %v, want a finite number", d.name, d.x.RawRowView(k-n*dim), v)
	}
	return nil
}

func (c *flowCheck) identity(d *direction) error {
	y, _ := d.eval(ad.Float64)
	if !c.o.Identity && mat.EqualApprox(y, d.x, 1e-6) {
		return fmt.Errorf("%s is the identity for perturbed parameters, want a map that tests can tell from none", d.name)
	}
	return nil
}

// roundTrip checks that back undoes d, and that log-determinants cancel.
func (c *flowCheck) roundTrip(d, back *direction) error {
	y, logDet := d.eval(ad.Float64)
	e := *d
	e.f, e.x = back.f, y
	x, logBack := e.eval(ad.Float64)
	for i := range checkRows {
		for j, want := range d.x.RawRowView(i) {
			if got := x.At(i, j); !near(got, want, c.tol) {
				return fmt.Errorf("%s after %s: row %d, column %d: got %v, want %v", back.name, d.name, i, j, got, want)
			}
		}
		if !near(logBack[i], -logDet[i], c.tol) {
			return fmt.Errorf("%s after %s: row %d: got log-determinant %v, want %v, that of %s negated", back.name, d.name, i, logBack[i], -logDet[i], d.name)
		}
	}
	return nil
}

// numbers returns an error if a gradient of the sum of all results is NaN.
func (c *flowCheck) numbers(d *direction) error {
	clearGradients(c.state)
	t := ad.NewTape(ad.Float64)
	x, _, y, logDet := d.on(t)
	t.Backward(y.Sum().Add(logDet.Sum()))
	if hasNaN(x.Grad()) {
		return fmt.Errorf("gradient %v of the input, want numbers", x.Grad())
	}
	for _, s := range c.state {
		if s.Param != nil && hasNaN(s.Param.Grad) {
			return fmt.Errorf("NaN in the gradient of %s, want numbers", s.Name)
		}
	}
	return nil
}

// extremes checks that there is no NaN in results and gradients far from the origin and at special points.
func (c *flowCheck) extremes(d *direction) error {
	d = d.at(d.domain.extremes(c.flow.Dim(), c.o.Extremes, c.r))
	n, _ := d.x.Dims()
	d.context = c.contextRows(n)
	y, logDet := d.eval(ad.Float64)
	var finite []int // where values are too large for float64, gradients have no meaning
	for i := range n {
		switch at := d.x.RawRowView(i); {
		case hasNaN(y.RawRowView(i)):
			return fmt.Errorf("%s of %v: got %v, want numbers", d.name, at, y.RawRowView(i))
		case math.IsNaN(logDet[i]):
			return fmt.Errorf("%s of %v: got log-determinant NaN, want a number", d.name, at)
		case isFinite(floats.Norm(y.RawRowView(i), math.Inf(1))) && isFinite(logDet[i]):
			finite = append(finite, i)
		}
	}
	if len(finite) == 0 || c.numbers(d.rows(finite...)) == nil {
		return nil
	}
	for _, i := range finite {
		if err := c.numbers(d.rows(i)); err != nil {
			return fmt.Errorf("%s of %v: got %w", d.name, d.x.RawRowView(i), err)
		}
	}
	return nil
}
