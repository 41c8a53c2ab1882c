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

// origin is where a row stopped being finite.
type origin struct {
	where string // empty: it is finite
	step  int    // places that were passed before
	nan   bool   // there is NaN, and not only an infinite number
}

// path takes rows lo to hi on t through a computation, and shows their values on the way, each n×c, to see.
type path func(t *ad.Tape, lo, hi int, see func(v *ad.Value, where string))

// origins follows n rows on their path and returns where each stops being finite.
func origins(p ad.Precision, n int, seed [2]uint64, way path) []origin {
	found := make([]origin, n)
	t := ad.NewEvalTape(p)
	const rows = 256 // at a time
	for lo := 0; lo < n; lo += rows {
		t.Reset()
		hi := min(lo+rows, n)
		t.Seed(seed, lo, hi)
		step := 0
		way(t, lo, hi, func(v *ad.Value, where string) {
			data, cols := v.Data(), v.Cols()
			for i := lo; i < hi; i++ {
				if row := data[(i-lo)*cols : (i-lo+1)*cols]; found[i].where == "" && nonFinite(row) >= 0 {
					found[i] = origin{where, step, hasNaN(row)}
				}
			}
			step++
		})
	}
	return found
}

// firstOrigin returns the error of a loss whose rows stop being finite at the given places.
func firstOrigin(loss float64, found []origin) *NonFiniteError {
	e := &NonFiniteError{What: "loss", Value: loss, Where: "the sum over the batch", Row: -1}
	first := math.MaxInt
	for i, o := range found {
		if o.where != "" && o.step < first {
			e.Where, e.Row, first = o.where, i, o.step
		}
	}
	return e
}

func hasNaN(s []float64) bool {
	for _, x := range s {
		if math.IsNaN(x) {
			return true
		}
	}
	return false
}
