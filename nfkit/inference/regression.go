package inference

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// regression is the linear model y = Wᵀf + b + L·r, whose residuals r have covariance 1.
type regression struct {
	dim, features int
	weights       []float64 // (features+1)×dim; the last row is b
	factor        []float64 // dim×dim, lower triangular
}

func newRegression(dim, features int) *regression {
	r := &regression{dim, features, make([]float64, (features+1)*dim), make([]float64, dim*dim)}
	for j := range dim {
		r.factor[j*dim+j] = 1
	}
	return r
}

func (r *regression) State() nf.State {
	return nf.State{
		{Name: "weights", Shape: []int{r.features + 1, r.dim}, Floats: r.weights},
		{Name: "factor", Shape: []int{r.dim, r.dim}, Floats: r.factor, Check: func(t nf.Tensor) error {
			for j := range r.dim {
				if d := t.Floats[j*r.dim+j]; !(d > 0) {
					return fmt.Errorf("got %v on the diagonal, want positive numbers", d)
				}
			}
			return nil
		}},
	}
}

// fit solves for the least squares, with a ridge that is the weight of one row.
func (r *regression) fit(y, f *mat.Dense) {
	n, _ := y.Dims()
	design := mat.NewDense(n, r.features+1, nil)
	design.Slice(0, n, 0, r.features).(*mat.Dense).Copy(f)
	for i := range n {
		design.Set(i, r.features, 1)
	}
	var gram mat.SymDense
	gram.SymOuterK(1, design.T())
	for j := range r.features {
		gram.SetSym(j, j, gram.At(j, j)+1)
	}
	var right mat.Dense
	right.Mul(design.T(), y)
	weights := mat.NewDense(r.features+1, r.dim, r.weights)
	var c mat.Cholesky
	if !c.Factorize(&gram) || c.SolveTo(weights, &right) != nil {
		weights.Zero()
	}
	var fitted mat.Dense
	fitted.Mul(design, weights)
	fitted.Sub(y, &fitted)
	var cov mat.SymDense
	cov.SymOuterK(1/float64(n), fitted.T())
	for j := range r.dim {
		cov.SetSym(j, j, cov.At(j, j)*(1+1e-9))
	}
	var l mat.TriDense
	for i := range r.dim {
		for j := range r.dim {
			r.factor[i*r.dim+j] = 0
		}
		r.factor[i*r.dim+i] = math.Sqrt(cov.At(i, i))
	}
	if c.Factorize(&cov) {
		c.LTo(&l)
		for i := range r.dim {
			for j := range i + 1 {
				r.factor[i*r.dim+j] = l.At(i, j)
			}
		}
	}
}

// shift returns Wᵀf + b for each row of f.
func (r *regression) shift(f *mat.Dense) *mat.Dense {
	w := mat.NewDense(r.features+1, r.dim, r.weights)
	n, _ := f.Dims()
	shift := mat.NewDense(n, r.dim, nil)
	shift.Mul(f, w.Slice(0, r.features, 0, r.dim))
	b := r.weights[r.features*r.dim:]
	shift.Apply(func(_, j int, v float64) float64 { return v + b[j] }, shift)
	return shift
}

// remove replaces rows y by residuals, and returns ln|det ∂r/∂y|.
func (r *regression) remove(y, f *mat.Dense) float64 {
	shift := r.shift(f)
	rows, _ := shift.Dims()
	n, _ := y.Dims()
	for i := range n {
		row, s := y.RawRowView(i), shift.RawRowView(min(i, rows-1))
		for j := range row {
			v := row[j] - s[j]
			for k := range j {
				v -= r.factor[j*r.dim+k] * row[k]
			}
			row[j] = v / r.factor[j*r.dim+j]
		}
	}
	var logDet float64
	for j := range r.dim {
		logDet -= math.Log(r.factor[j*r.dim+j])
	}
	return logDet
}

// add replaces residuals by rows y.
func (r *regression) add(residuals, f *mat.Dense) {
	shift := r.shift(f)
	rows, _ := shift.Dims()
	n, _ := residuals.Dims()
	for i := range n {
		row, s := residuals.RawRowView(i), shift.RawRowView(min(i, rows-1))
		for j := r.dim - 1; j >= 0; j-- {
			v := s[j]
			for k := range j + 1 {
				v += r.factor[j*r.dim+k] * row[k]
			}
			row[j] = v
		}
	}
}
