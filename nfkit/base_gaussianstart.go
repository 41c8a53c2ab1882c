package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// startAt sets parameters to those of clusters of rows. To variances, a millionth of that of the column is added, or a millionth where it is
// constant.
func (m *gaussianModes) startAt(rows mat.Matrix, means, scales, lower, scores []float64, r *rand.Rand) {
	n, c := rows.Dims()
	if n < m.modes || c != m.dim {
		panic(fmt.Sprintf("nfkit: NewGaussianMixture: got %d×%d Data, want %d rows or more of %d columns", n, c, m.modes, m.dim))
	}
	x := mat.DenseCopyOf(rows)
	if where, row := badInput("Data", x); row >= 0 {
		panic("nfkit: NewGaussianMixture: got " + where)
	}
	centers, cluster := kMeans(x, m.modes, r)
	copy(means, centers.RawMatrix().Data)
	size := make([]float64, m.modes)
	for _, k := range cluster {
		size[k]++
	}
	for k := range scores {
		scores[k] = math.Log(size[k] / float64(n))
	}
	least := make([]float64, m.dim)
	for j := range least {
		if least[j] = 1e-6 * stat.Variance(mat.Col(nil, j, x), nil); !(least[j] > 0) {
			least[j] = 1e-6
		}
	}
	for s := range m.shapes() {
		cov, count := mat.NewSymDense(m.dim, nil), 0.0
		for i, k := range cluster {
			if k == s || m.covariance == CovarianceTied {
				y := mat.NewVecDense(m.dim, nil)
				y.SubVec(x.RowView(i), centers.RowView(k))
				cov.SymRankOne(cov, 1, y)
				count++
			}
		}
		for i := range m.dim {
			for j := range i {
				if m.covariance == CovarianceDiag {
					cov.SetSym(i, j, 0)
				}
			}
		}
		cov.ScaleSym(1/count, cov)
		for j := range m.dim {
			cov.SetSym(j, j, cov.At(j, j)+least[j])
		}
		m.setShape(cov, scales[s*m.dim:], lower[s*len(m.before):])
	}
}

// setShape sets the parameters of one covariance matrix LLᵀ: with the diagonal l of L, s = ln l, and L⁻¹ has the rows of I + m divided by l.
func (m *gaussianModes) setShape(cov *mat.SymDense, scales, lower []float64) {
	var factor mat.Cholesky
	if !factor.Factorize(cov) {
		panic(fmt.Sprintf("nfkit: NewGaussianMixture: the covariance of a cluster is not positive definite: %v", mat.Formatted(cov, mat.Squeeze())))
	}
	var l, inverse mat.TriDense
	factor.LTo(&l)
	if err := inverse.InverseTri(&l); err != nil {
		panic(fmt.Sprintf("nfkit: NewGaussianMixture: the covariance of a cluster: %v", err))
	}
	for j := range m.dim {
		scales[j] = math.Log(l.At(j, j))
	}
	for e, j := range m.before {
		i := m.row[e]
		lower[e] = l.At(i, i) * inverse.At(i, j)
	}
}

// kMeans returns k centers of rows and the number of the center that each row belongs to: from rows drawn in proportion to the squared distance from
// those before, by moving centers to the means of their rows until these stay the same, but 100 times at most. No center is without rows, if there are
// as many rows as centers. Arthur & Vassilvitskii 2007 (k-means++); Lloyd 1982, doi:10.1109/TIT.1982.1056489. Cost O(nkd) each time.
func kMeans(x *mat.Dense, k int, r *rand.Rand) (centers *mat.Dense, cluster []int) {
	n, d := x.Dims()
	centers, cluster = mat.NewDense(k, d, nil), make([]int, n)
	distance := make([]float64, n) // from the center that it belongs to
	for c := range k {
		i := r.IntN(n)
		if c > 0 {
			i = weightedIndex(distance, r)
		}
		centers.SetRow(c, x.RawRowView(i))
		for i := range n {
			if s := squaredDistance(x.RawRowView(i), centers.RawRowView(c)); c == 0 || s < distance[i] {
				distance[i], cluster[i] = s, c
			}
		}
	}
	for range 100 {
		fillEmpty(cluster, distance, k)
		count := make([]float64, k)
		centers.Zero()
		for i, c := range cluster {
			count[c]++
			floats.Add(centers.RawRowView(c), x.RawRowView(i))
		}
		for c := range k {
			floats.Scale(1/count[c], centers.RawRowView(c))
		}
		moved := false
		for i := range n {
			distance[i] = squaredDistance(x.RawRowView(i), centers.RawRowView(cluster[i]))
			for c := range k {
				if s := squaredDistance(x.RawRowView(i), centers.RawRowView(c)); s < distance[i] {
					distance[i], cluster[i], moved = s, c, true
				}
			}
		}
		if !moved {
			break
		}
	}
	return centers, cluster
}

// fillEmpty gives each cluster without rows the one that is farthest from its center, of those that are not alone.
func fillEmpty(cluster []int, distance []float64, k int) {
	count := make([]int, k)
	for _, c := range cluster {
		count[c]++
	}
	for c := range k {
		if count[c] > 0 {
			continue
		}
		far := -1
		for i, at := range cluster {
			if count[at] > 1 && (far < 0 || distance[i] > distance[far]) {
				far = i
			}
		}
		count[cluster[far]]--
		cluster[far], distance[far], count[c] = c, 0, 1
	}
}

// weightedIndex returns a number drawn in proportion to weights, any one if all are 0.
func weightedIndex(weights []float64, r *rand.Rand) int {
	sum := floats.Sum(weights)
	if sum == 0 {
		return r.IntN(len(weights))
	}
	u := sum * r.Float64()
	for i, w := range weights {
		if u -= w; u < 0 {
			return i
		}
	}
	return floats.MaxIdx(weights)
}

func squaredDistance(a, b []float64) float64 {
	var sum float64
	for j := range a {
		sum += (a[j] - b[j]) * (a[j] - b[j])
	}
	return sum
}
