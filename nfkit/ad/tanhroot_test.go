package ad_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

func tanhRootOf(v, slope float64) float64 {
	t := ad.NewEvalTape(ad.Float64)
	return t.Full(1, 1, v).TanhRoot(t.Full(1, 1, slope)).At(0, 0)
}

// The residual of the root is that of rounding: for arguments and slopes of all sizes, and in the corners where
// brackets are empty or the slope vanishes.
func TestTanhRoot(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	type point struct{ v, slope float64 }
	points := []point{
		{0, 0}, {0, 1}, {0, 1e100}, {1e-300, 0}, {1e-12, 0}, {1e-12, 1e-17}, {1, 0}, {0.5, 1}, {-1e8, 1}, {-1e8, 1 + 1e-16}, {-1e8, 0.3},
		{1e300, 0}, {1e300, 1e100}, {1e100, 1e100}, {30, 31}, {5e-324, 0}, {5e-324, 2}, {1e50, 2e50}, {40, 1 - 1e-16},
	}
	for range 20000 {
		points = append(points, point{math.Copysign(math.Exp(30*r.NormFloat64()), r.Float64()-0.5), math.Exp(20 * r.NormFloat64())})
		points = append(points, point{5 * r.NormFloat64(), math.Abs(3 * r.NormFloat64())})
	}
	for _, p := range points {
		s := tanhRootOf(p.v, p.slope)
		// In arithmetic of 200 bits, so that rounding of the check is none of the residual.
		residual := new(big.Float).SetPrec(200).Mul(big.NewFloat(math.Tanh(s)), new(big.Float).SetPrec(200).Sub(big.NewFloat(p.slope), big.NewFloat(1)))
		residual.Add(residual, big.NewFloat(s)).Sub(residual, big.NewFloat(p.v))
		got, _ := residual.Float64()
		// What the last bit of each term makes of it: s moves f by its slope, tanh s and slope−1 have an error each.
		bound := 4e-16*(math.Abs(s)+math.Abs(p.v)+2*math.Abs((p.slope-1)*math.Tanh(s))) + math.SmallestNonzeroFloat64
		if !(math.Abs(got) <= bound) {
			t.Fatalf("the root for %v with slope %v at 0 is %v: residual %v, want at most %v", p.v, p.slope, s, got, bound)
		}
		if opposite := tanhRootOf(-p.v, p.slope); opposite != -s {
			t.Fatalf("the roots for ±%v with slope %v are %v and %v", p.v, p.slope, s, opposite)
		}
	}
}

func TestTanhRootWithoutSolution(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, p := range [][2]float64{{nan, 1}, {1, nan}, {0, nan}, {inf, 1}, {-inf, 2}, {1, -0.1}, {0, -1}, {1, inf}, {0, inf}} {
		if s := tanhRootOf(p[0], p[1]); !math.IsNaN(s) {
			t.Errorf("the root for %v with slope %v is %v, want NaN", p[0], p[1], s)
		}
	}
}
