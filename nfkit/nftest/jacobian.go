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

// jacobian compares the log-determinant of each row with that of the Jacobian, as package ad has it. Where it is another one, a numerical Jacobian
// decides: a flow may compute with numbers that ad does not see.
func (c *flowCheck) jacobian(d *direction) error {
	_, logDet := d.eval(ad.Float64)
	for i, exact := range d.logDets() {
		if near(logDet[i], exact, derivativeTolerance(c.tol)) {
			continue
		}
		if want, agrees := c.numerical(d.rows(i), logDet[i]); !agrees {
			return fmt.Errorf("%s: row %d: got log-determinant %v, want %v, that of a numerical Jacobian", d.name, i, logDet[i], want)
		}
	}
	return nil
}

// logDets returns those of the Jacobians of the rows of d.
func (d *direction) logDets() []float64 {
	n, dim := d.x.Dims()
	jacobians := make([]*mat.Dense, n)
	for i := range jacobians {
		jacobians[i] = mat.NewDense(dim, dim, nil)
	}
	t := ad.NewEvalTape(ad.Float64)
	context := variable(t, d.context)
	line := ad.Linearize(func(x *ad.Value) *ad.Value {
		y, _ := d.f(x, context)
		return y
	}, variable(t, d.x))
	for k := range dim {
		unit := make([]float64, dim)
		unit[k] = 1
		dy := line.JVP(t.Const(1, dim, unit).Repeat(n)).Data()
		for i := range n {
			jacobians[i].SetCol(k, dy[i*dim:(i+1)*dim])
		}
	}
	logDets := make([]float64, n)
	for i, j := range jacobians {
		logDets[i], _ = mat.LogDet(j)
	}
	return logDets
}

// numerical compares the log-determinant of the one row of d with that of a numerical Jacobian.
func (c *flowCheck) numerical(d *direction, logDet float64) (want float64, agrees bool) {
	dim := c.flow.Dim()
	f := func(y, x []float64) {
		v, _ := d.at(mat.NewDense(1, dim, x)).eval(ad.Float64)
		copy(y, v.RawRowView(0))
	}
	for _, h := range steps {
		j := mat.NewDense(dim, dim, nil)
		fd.Jacobian(j, f, d.x.RawRowView(0), &fd.JacobianSettings{Formula: fd.Central, Step: h})
		got, _ := mat.LogDet(j)
		if near(logDet, got, derivativeTolerance(c.tol)) {
			return got, true
		}
		if h == steps[0] {
			want = got
		}
	}
	return want, false
}
