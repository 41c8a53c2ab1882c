package eval

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/internal/team"
)

// EnergyDistance returns the energy distance of two samples, the rows of x, n×d, and of y, m×d,
//
//	2/nm·Σ ‖xᵢ−yⱼ‖ − 1/n²·Σ ‖xᵢ−xⱼ‖ − 1/m²·Σ ‖yᵢ−yⱼ‖:
//
// 0 for equal samples alone, and with a positive mean for samples of the same distribution. It is in the unit of the data:
// scale columns to be alike. In one dimension it is 2∫(F−G)². Székely & Rizzo 2013, J. Stat. Plan. Inference 143, eq. 6.1.
// Cost O((n+m)²·d). It panics when a sample is empty or the numbers of columns differ.
func EnergyDistance(x, y mat.Matrix) float64 {
	checkSamples("EnergyDistance", x, y)
	a, b := dense(x), dense(y)
	n, _ := a.Dims()
	m, _ := b.Dims()
	// Row i counts with its pairs before it, twice; the order of the sum is fixed.
	rows := make([]float64, n+m)
	team.Do(cores(), n+m, func(_, i int) {
		var across, within float64
		if i < n {
			for j := range m {
				across += math.Sqrt(squaredDistance(a, b, i, j))
			}
			for j := range i {
				within += math.Sqrt(squaredDistance(a, a, i, j))
			}
			rows[i] = 2*across/(float64(n)*float64(m)) - 2*within/(float64(n)*float64(n))
			return
		}
		i -= n
		for j := range i {
			within += math.Sqrt(squaredDistance(b, b, i, j))
		}
		rows[n+i] = -2 * within / (float64(m) * float64(m))
	})
	var sum float64
	for _, r := range rows {
		sum += r
	}
	return max(sum, 0)
}
