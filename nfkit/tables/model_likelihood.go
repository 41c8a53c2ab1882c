package tables

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// NLL returns the mean negative log-likelihood of rows, as [Model.Rows] and [Model.Matrix] have them, as an objective for [nf.Fit]: in nats, in
// the units of the table. Whole numbers get noise from the source of each call, so that the loss is
//
//	−E_u[ln q(x + u)] ≥ −ln P(x),
//
// an upper bound of the negative logarithm of their probability; see [Model]. Without whole columns it is the likelihood itself, and no source is
// needed for Loss. NLL panics when the model has been given a condition: rows bring theirs.
func (m *Model) NLL() nf.Objective {
	if m.given != nil {
		panic("tables: Model.NLL: the model has been given a condition; rows bring theirs, so call it before Given")
	}
	return &likelihood{m, m.flow.NLL(nil)}
}

// likelihood is the objective of NLL.
type likelihood struct {
	model *Model
	flow  nf.Objective // of what take returns
}

// State lists the tensors of the model.
func (l *likelihood) State() nf.State { return l.model.State() }

// Columns returns the number of columns of the model.
func (l *likelihood) Columns() int { return len(l.model.columns) }

// Loss returns the mean negative log-likelihood.
func (l *likelihood) Loss(rows mat.Matrix, src rand.Source) (float64, error) {
	batch, err := l.take("Loss", rows, src)
	if err != nil {
		return math.NaN(), err
	}
	return l.flow.Loss(batch, src)
}

// LossGrad returns the mean negative log-likelihood and sets its gradients.
func (l *likelihood) LossGrad(rows mat.Matrix, src rand.Source) (float64, error) {
	batch, err := l.take("LossGrad", rows, src)
	if err != nil {
		return math.NaN(), err
	}
	return l.flow.LossGrad(batch, src)
}

// take returns the rows as the flow has them: with noise, and with what is given encoded.
func (l *likelihood) take(method string, rows mat.Matrix, src rand.Source) (*mat.Dense, error) {
	m := l.model
	if rows == nil {
		panic(fmt.Sprintf("tables: Model.NLL: %s: got nil rows, want a matrix of %d columns", method, len(m.columns)))
	}
	n, c := rows.Dims()
	if n == 0 {
		return nil, fmt.Errorf("tables: Model.NLL: %s: the batch has no rows; it needs at least one", method)
	}
	if c != len(m.columns) {
		panic(fmt.Sprintf("tables: Model.NLL: %s: got a %d×%d batch, want %d columns: %s", method, n, c, len(m.columns), quoted(namesOf(m.columns))))
	}
	x := mat.DenseCopyOf(rows)
	whole := indices(m.columns[:m.dim], Column.isWhole)
	if whole != nil && src == nil {
		panic(fmt.Sprintf("tables: Model.NLL: %s: got a nil source of random numbers for the noise of whole numbers, want one as rand.NewPCG(1, 2)", method))
	}
	for i := range n {
		for _, j := range whole {
			x.Set(i, j, x.At(i, j)+noise(src))
		}
	}
	if m.dim == len(m.columns) {
		return x, nil
	}
	context := m.encode(x.Slice(0, n, m.dim, c).(*mat.Dense))
	return nf.JoinColumns(x.Slice(0, n, 0, m.dim), context), nil
}

func (c Column) isWhole() bool { return c.Kind == "whole" }

// noise returns a uniform number between 0 and 1, in so few bits that the sum with a whole number is exact, and less than the next one.
func noise(src rand.Source) float64 { return (float64(src.Uint64()>>44) + 0.5) / (1 << 20) }

const latticePoints = 64

// lattice returns the points, equally weighted, at which a function on the cube of dim dimensions is evaluated for its integral: the midpoint rule
// in the first, and multiples of irrational numbers, modulo 1, in the others.
func lattice(dim int) [][]float64 {
	// The powers of the root of φ^(dim) = φ + 1, a generalised golden ratio: Roberts 2018, "The unreasonable effectiveness of quasirandom
	// sequences".
	phi := 2.0
	for range 60 {
		phi = math.Pow(1+phi, 1/float64(dim))
	}
	points := make([][]float64, latticePoints)
	for k := range points {
		points[k] = make([]float64, dim)
		points[k][0] = (float64(k) + 0.5) / latticePoints
		for j := 1; j < dim; j++ {
			_, points[k][j] = math.Modf(0.5 + float64(k)*math.Pow(phi, -float64(j)))
		}
	}
	return points
}

// logProb returns the logarithm of the density of each row of x, which it changes; whole numbers are integrated over.
func (m *Model) logProb(x *mat.Dense) []float64 {
	n, _ := x.Dims()
	outside := make([]bool, n)
	whole := indices(m.columns[:m.dim], Column.isWhole)
	for i := range n {
		for _, j := range whole {
			outside[i] = outside[i] || !m.columns[j].fits(x.At(i, j))
		}
	}
	flow := m.conditioned()
	if whole == nil {
		return flow.LogProb(x)
	}
	y, logProb, part := mat.NewDense(n, m.dim, nil), make([]float64, n), make([]float64, n)
	for i := range logProb {
		logProb[i] = math.Inf(-1)
	}
	for _, u := range lattice(len(whole)) {
		y.Copy(x)
		for i := range n {
			for k, j := range whole {
				y.Set(i, j, x.At(i, j)+u[k])
			}
		}
		flow.LogProbTo(part, y)
		for i, l := range part {
			logProb[i] = logAdd(logProb[i], l)
		}
	}
	for i := range logProb {
		if logProb[i] -= math.Log(latticePoints); outside[i] {
			logProb[i] = math.Inf(-1)
		}
	}
	return logProb
}

// logAdd returns ln(eᵃ + eᵇ).
func logAdd(a, b float64) float64 {
	if math.IsInf(a, -1) || math.IsInf(b, 1) {
		return b
	}
	if b > a {
		a, b = b, a
	}
	return a + math.Log1p(math.Exp(b-a))
}
