package nftest

import (
	"fmt"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// steps are the steps of central differences that are tried, in this order. Their error is h² times a third derivative
// plus rounding over h. Where one does not agree, the next tells a mistake from a kink of a ReLU, or a knot of a
// spline, that lies within h.
var steps = []float64{1e-5, 1e-6, 1e-7, 1e-4}

// derivativeTolerance is the tolerance of derivatives for one of values.
func derivativeTolerance(tol float64) float64 { return max(1e-6, 100*tol) }

// jacobian compares the log-determinant of each row with that of a numerical Jacobian.
func (c *flowCheck) jacobian(d *direction) error {
	dim := c.flow.Dim()
	_, logDet := d.eval(ad.Float64)
	for i := range checkRows {
		row := d.row(i)
		f := func(y, x []float64) {
			v, _ := row.at(mat.NewDense(1, dim, x)).eval(ad.Float64)
			copy(y, v.RawRowView(0))
		}
		var want float64
		agrees := false
		for _, h := range steps {
			j := mat.NewDense(dim, dim, nil)
			fd.Jacobian(j, f, row.x.RawRowView(0), &fd.JacobianSettings{Formula: fd.Central, Step: h})
			got, _ := mat.LogDet(j)
			if agrees = near(logDet[i], got, derivativeTolerance(c.tol)); agrees {
				break
			}
			if h == steps[0] {
				want = got
			}
		}
		if !agrees {
			return fmt.Errorf("%s: row %d: got log-determinant %v, want %v, that of a numerical Jacobian", d.name, i, logDet[i], want)
		}
	}
	return nil
}
