package nftest

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Objective checks that o keeps the contract of [nf.Objective] on rows, which are nil if it takes none, and returns an error that says where it
// does not: the state is the same on each call, the same source gives the same loss, and the gradients that LossGrad sets agree with
// central differences of its loss, at perturbed parameters. Cost: some hundred losses.
func Objective(o nf.Objective, rows mat.Matrix, src rand.Source) (err error) {
	if o == nil {
		return errors.New("nftest: got a nil objective")
	}
	defer finish(&err, o)
	if (o.Columns() == 0) != (rows == nil) {
		return fmt.Errorf("got Columns %d and rows that are nil: %t", o.Columns(), rows == nil)
	}
	if _, err := o.LossGrad(rows, rand.NewPCG(1, 2)); err != nil { // layers take what they need from the first batch
		return fmt.Errorf("LossGrad: %w", err)
	}
	c := &checker{r: rand.New(src), tol: 1e-6}
	done, err := c.begin(o)
	if err != nil {
		return err
	}
	defer done()
	var fault error
	loss := func() float64 {
		l, err := o.LossGrad(rows, rand.NewPCG(1, 2))
		fault = errors.Join(fault, err)
		return l
	}
	first := loss()
	var slots []slot
	for _, t := range c.state {
		if t.Param != nil && !t.Param.Frozen {
			slots = append(slots, slot{t.Name, t.Param.Data, append([]float64(nil), t.Param.Grad...)})
		}
	}
	if again := loss(); again != first {
		return fmt.Errorf("got from LossGrad %v and %v with the same source, want equal losses", first, again)
	}
	for range 2 {
		a, err1 := o.Loss(rows, rand.NewPCG(1, 2))
		b, err2 := o.Loss(rows, rand.NewPCG(1, 2))
		if err := errors.Join(err1, err2); err != nil || a != b {
			return fmt.Errorf("got from Loss %v and %v with the same source, want equal losses (%v)", a, b, err)
		}
	}
	return errors.Join(checkGradient(loss, slots, derivativeTolerance(c.tol), c.r), fault)
}
