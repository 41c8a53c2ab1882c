package nfkit

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// NonFiniteError reports a loss, or a gradient, that is NaN or infinite, and where that began.
type NonFiniteError struct {
	What  string  // what is not finite: "loss", "gradient", or the "training batch" where a layer observes it
	Value float64 // the loss, NaN where none was computed
	Where string  // the first layer, parameter or column of the data in which it shows
	Row   int     // of the batch; −1 if it is not known
}

// Error says what is not finite and where it began.
func (e *NonFiniteError) Error() string {
	s := fmt.Sprintf("nfkit: the %s is not finite", e.What)
	if e.What == "loss" {
		s = fmt.Sprintf("nfkit: the loss is %v", e.Value)
	}
	s += ": it begins in " + e.Where
	if e.Row >= 0 {
		s += fmt.Sprintf(", row %d of the batch", e.Row)
	}
	return s
}

func isFinite(x float64) bool { return x-x == 0 }

// checkLoss returns loss, with an error that says where it began if it is not finite.
func (m *NormalizingFlow) checkLoss(loss float64, x *mat.Dense) (float64, error) {
	if isFinite(loss) {
		return loss, nil
	}
	where, row := m.firstNonFinite(x)
	return loss, &NonFiniteError{What: "loss", Value: loss, Where: where, Row: row}
}

// checkGradient returns an error that names the first parameter whose gradient is not finite.
func (m *NormalizingFlow) checkGradient() error {
	for _, p := range m.params {
		if nonFinite(p.Grad) < 0 {
			continue
		}
		for _, t := range m.State() {
			if t.Param == p {
				return &NonFiniteError{What: "gradient", Where: t.Name, Row: -1}
			}
		}
	}
	return nil
}

// nonFinite returns the number of the first element that is not finite, −1 if there is none.
func nonFinite(s []float64) int {
	if isFinite(kernel.Sum(s)) {
		return -1
	}
	for i, x := range s {
		if !isFinite(x) {
			return i
		}
	}
	return -1
}

// firstNonFinite names the first place on the way of the rows of x through the model where a number is not finite.
func (m *NormalizingFlow) firstNonFinite(x *mat.Dense) (where string, row int) {
	if where, row := badInput("data", x); row >= 0 {
		return where, row
	}
	if m.context != nil {
		if where, row := badInput("context", m.context); row >= 0 {
			return where, row
		}
	}
	where, row = "the sum over the batch", -1
	first := -1
	for i, o := range m.origins(x, m.context) {
		if o.where != "" && o.depth > first {
			where, row, first = o.where, i, o.depth
		}
	}
	return where, row
}

// badInput names the first element of x that is not finite; row is −1 if there is none.
func badInput(name string, x *mat.Dense) (where string, row int) {
	n, _ := x.Dims()
	for i := range n {
		if j := nonFinite(x.RawRowView(i)); j >= 0 {
			return fmt.Sprintf("column %d of the %s, which is %v", j, name, x.At(i, j)), i
		}
	}
	return "", -1
}

// origin is where the log-density of a row stopped being finite.
type origin struct {
	where    string // empty: it is finite
	depth    int    // larger is earlier
	overflow bool   // the latent point is infinite there, and nothing was NaN before
}

// origins follows the rows of x, which are finite, from data to latent space.
func (m *NormalizingFlow) origins(x, context *mat.Dense) []origin {
	n, _ := x.Dims()
	found := make([]origin, n)
	v := m.view()
	v.context = context
	t := ad.NewEvalTape(m.precision)
	const rows = 256 // at a time
	for lo := 0; lo < n; lo += rows {
		t.Reset()
		hi := min(lo+rows, n)
		z, c := t.Rows(x, lo, hi), v.contextRows(t, lo, hi)
		mark := func(values *ad.Value, depth int, where string, latent bool) {
			data, cols := values.Data(), values.Cols()
			for i := lo; i < hi; i++ {
				row := data[(i-lo)*cols : (i-lo+1)*cols]
				if found[i].where == "" && nonFinite(row) >= 0 {
					found[i] = origin{where, depth, latent && !hasNaN(row)}
				}
			}
		}
		mark(z, len(m.chain.flows)+1, fmt.Sprintf("the data, which are too large for %v", m.precision), true)
		for k := len(m.chain.flows) - 1; k >= 0; k-- {
			var logDet *ad.Value
			z, logDet = m.chain.flows[k].Inverse(z, c)
			layer := fmt.Sprintf("flow %d (%T)", k, m.chain.flows[k])
			mark(z, k+1, "the inverse of "+layer, true)
			mark(logDet, k+1, "the log-determinant of the inverse of "+layer, false)
		}
		mark(m.base.LogProb(z, c), 0, fmt.Sprintf("the log-density of the base (%T)", m.base), false)
	}
	return found
}

func hasNaN(s []float64) bool {
	for _, x := range s {
		if math.IsNaN(x) {
			return true
		}
	}
	return false
}

// settleOverflow replaces NaN by −Inf where it came of a latent point that overflowed to infinity: the density there is
// below the smallest positive number. Other NaNs stay.
func (m *NormalizingFlow) settleOverflow(logProb []float64, x *mat.Dense) {
	var bad []int
	for i, l := range logProb {
		if math.IsNaN(l) && nonFinite(x.RawRowView(i)) < 0 {
			bad = append(bad, i)
		}
	}
	if bad == nil {
		return
	}
	rows, context := pick(x, bad), m.context
	if r := 0; context != nil {
		if r, _ = context.Dims(); r > 1 {
			context = pick(context, bad)
		}
	}
	for i, o := range m.origins(rows, context) {
		if o.overflow {
			logProb[bad[i]] = math.Inf(-1)
		}
	}
}

// pick returns the rows of x with the given numbers.
func pick(x *mat.Dense, index []int) *mat.Dense {
	_, c := x.Dims()
	p := mat.NewDense(len(index), c, nil)
	for i, j := range index {
		p.SetRow(i, x.RawRowView(j))
	}
	return p
}
