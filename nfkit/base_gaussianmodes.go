package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// gaussianModes is what mixtures of normal distributions have in common: their arithmetic, given parameters.
type gaussianModes struct {
	modes, dim int
	covariance Covariance
	tile       []int     // the numbers of the components of a point, K times
	upTo       []float64 // K×K, ones on and above the diagonal

	row, before []int     // of the elements below the diagonal of a d×d matrix, by rows: their rows and columns
	beforeOfAll []int     // those columns, of K points side by side
	rowSums     []float64 // takes each element to its row, d(d−1)/2×d
}

// normals are the parameters of K normal distributions: those of a single row, or of each row of a batch.
type normals struct {
	scores *ad.Value // K
	loc    *ad.Value // K·d
	scale  *ad.Value // logarithms, K·d, or d if they are tied
	lower  *ad.Value // K·d(d−1)/2, or d(d−1)/2; nil if components are independent
}

func newGaussianModes(caller string, modes, dim int, covariance Covariance) gaussianModes {
	if modes < 1 || dim < 1 || covariance > CovarianceTied {
		panic(fmt.Sprintf("nfkit: %s: got %d modes in dimension %d and covariance %d, want 1 or more of both, and CovarianceDiag, CovarianceFull or CovarianceTied", caller, modes, dim, covariance))
	}
	m := gaussianModes{modes: modes, dim: dim, covariance: covariance}
	for k := range modes {
		for j := range dim {
			m.tile = append(m.tile, j)
		}
		for l := range modes {
			one := 0.0
			if l >= k {
				one = 1
			}
			m.upTo = append(m.upTo, one)
		}
	}
	if covariance == CovarianceDiag {
		return m
	}
	for i := range dim {
		for j := range i {
			m.row, m.before = append(m.row, i), append(m.before, j)
			to := make([]float64, dim)
			to[i] = 1
			m.rowSums = append(m.rowSums, to...)
		}
	}
	for k := range modes {
		for _, j := range m.before {
			m.beforeOfAll = append(m.beforeOfAll, k*dim+j)
		}
	}
	return m
}

// shapes returns the number of covariance matrices.
func (m *gaussianModes) shapes() int {
	if m.covariance == CovarianceTied {
		return 1
	}
	return m.modes
}

// Dim returns the number of components of a point.
func (m *gaussianModes) Dim() int { return m.dim }

// NoiseDim returns 1 more than the number of components: the first number chooses the mode.
func (m *gaussianModes) NoiseDim() int { return 1 + m.dim }

// Noise draws, for each row, a uniform number from [0, 1) and then standard normal ones.
func (m *gaussianModes) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		if i%m.NoiseDim() == 0 {
			dst[i] = r.Float64()
		} else {
			dst[i] = r.NormFloat64()
		}
	}
}

// logProb returns the log-density of each row of z.
func (m *gaussianModes) logProb(z *ad.Value, p normals) *ad.Value {
	t, n, d, k := z.Tape(), z.Rows(), m.dim, m.modes
	y := z.Columns(m.tile).Sub(p.loc) // n×Kd
	if half := len(m.before); half > 0 {
		below := y.Columns(m.beforeOfAll).Mul(m.ofAll(p.lower, half)).Reshape(n*k, half)
		y = y.Add(below.MatMul(t.Const(half, d, m.rowSums)).Reshape(n, k*d))
	}
	e := y.Mul(m.ofAll(p.scale.Neg().Exp(), d))
	distance := e.Square().Reshape(n*k, d).RowSum().Scale(-0.5) // nK×1
	rows := p.scale.Rows()
	volume := p.scale.Reshape(rows*m.shapes(), d).RowSum().Reshape(rows, m.shapes()) // rows×K, or ×1
	weight := p.scores.LogSoftmax().Sub(volume)                                      // rows×K
	return distance.Reshape(n, k).Add(weight).LogSumExp().Shift(-0.5 * log2Pi * float64(d))
}

// ofAll returns v, of width columns for each covariance matrix, with as many for each mode.
func (m *gaussianModes) ofAll(v *ad.Value, width int) *ad.Value {
	if m.shapes() == m.modes {
		return v
	}
	index := make([]int, m.modes*width)
	for i := range index {
		index[i] = i % width
	}
	return v.Columns(index)
}

// sample returns points made of noise, n×(1+d), and their log-density.
func (m *gaussianModes) sample(noise *ad.Value, p normals) (z, logProb *ad.Value) {
	choice := m.choose(noise.Slice(0, 1), p.scores) // n×K
	y := noise.Slice(1, 1+m.dim).Mul(m.pick(choice, p.scale, m.dim).Exp())
	if half := len(m.before); half > 0 {
		y = m.correlated(y, m.pick(choice, p.lower, half))
	}
	z = y.Add(m.pick(choice, p.loc, m.dim))
	return z, m.logProb(z, p)
}

// correlated takes from each component what those before it say, one after the other.
func (m *gaussianModes) correlated(e, lower *ad.Value) *ad.Value {
	y, at := e.Slice(0, 1), 0
	for i := 1; i < m.dim; i++ {
		mean := y.Mul(lower.Slice(at, at+i)).RowSum()
		y, at = y.Concat(e.Slice(i, i+1).Sub(mean)), at+i
	}
	return y
}

// pick returns the width columns of v that belong to the mode of each row.
func (m *gaussianModes) pick(choice, v *ad.Value, width int) *ad.Value {
	switch {
	case v.Cols() == width: // all have the same, or there is one
		return v
	case v.Rows() == 1:
		return choice.MatMul(v.Reshape(m.modes, width))
	}
	sum := choice.Slice(0, 1).Mul(v.Slice(0, width))
	for k := 1; k < m.modes; k++ {
		sum = sum.Add(choice.Slice(k, k+1).Mul(v.Slice(k*width, (k+1)*width)))
	}
	return sum
}

// choose returns, for each row of u, 1 in the column of the mode that it chooses and 0 in the others. Of the K−1 sums
// w₁ + … + wₖ that leave out the last weight, u has passed as many as there are modes before its own.
func (m *gaussianModes) choose(u, scores *ad.Value) *ad.Value {
	t := u.Tape()
	sums := scores.LogSoftmax().Exp().MatMul(t.Const(m.modes, m.modes, m.upTo))  // rows×K
	passed := u.Sub(sums.Slice(0, m.modes-1)).LogIndicator(0, math.Inf(1)).Exp() // n×(K−1)
	ones, zeros := t.Full(u.Rows(), 1, 1), t.Full(u.Rows(), 1, 0)
	return ones.Concat(passed).Sub(passed.Concat(zeros))
}

// columns returns the number of parameters.
func (m *gaussianModes) columns() int {
	return m.modes + m.modes*m.dim + m.shapes()*(m.dim+len(m.before))
}

// of takes the columns of v for parameters: scores, means, logarithms of deviations, elements below diagonals.
func (m *gaussianModes) of(v *ad.Value) normals {
	ends := []int{0, m.modes, m.modes * m.dim, m.shapes() * m.dim, m.shapes() * len(m.before)}
	for i := range ends[1:] {
		ends[i+1] += ends[i]
	}
	part := func(i int) *ad.Value { return v.Slice(ends[i], ends[i+1]) }
	return normals{part(0), part(1), part(2), part(3)}
}
