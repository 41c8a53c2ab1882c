package ad_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// tanhRoots returns the roots for pairs of an argument and a slope.
func tanhRoots(points [][2]float64) []float64 {
	t, n := ad.NewEvalTape(ad.Float64), len(points)
	var v, slope []float64
	for _, p := range points {
		v, slope = append(v, p[0]), append(slope, p[1])
	}
	return t.Const(n, 1, v).TanhRoot(t.Const(n, 1, slope)).Data()
}

// The residual of the root is that of rounding: for arguments and slopes of all sizes, and in the corners where
// brackets are empty or the slope vanishes.
func TestTanhRoot(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	points := [][2]float64{
		{0, 0}, {0, 1}, {0, 1e100}, {1e-300, 0}, {1e-12, 0}, {1e-12, 1e-17}, {1, 0}, {0.5, 1}, {-1e8, 1}, {-1e8, 1 + 1e-16}, {-1e8, 0.3},
		{1e300, 0}, {1e300, 1e100}, {1e100, 1e100}, {30, 31}, {5e-324, 0}, {5e-324, 2}, {1e50, 2e50}, {40, 1 - 1e-16},
	}
	for range 20000 {
		points = append(points, [2]float64{math.Copysign(math.Exp(30*r.NormFloat64()), r.Float64()-0.5), math.Exp(20 * r.NormFloat64())})
		points = append(points, [2]float64{5 * r.NormFloat64(), math.Abs(3 * r.NormFloat64())})
	}
	var opposite [][2]float64
	for _, p := range points {
		opposite = append(opposite, [2]float64{-p[0], p[1]})
	}
	roots, opposites := tanhRoots(points), tanhRoots(opposite)
	for i, p := range points {
		v, slope, s := p[0], p[1], roots[i]
		// In arithmetic of 200 bits, so that rounding of the check is none of the residual.
		residual := new(big.Float).SetPrec(200).Mul(big.NewFloat(math.Tanh(s)), new(big.Float).SetPrec(200).Sub(big.NewFloat(slope), big.NewFloat(1)))
		residual.Add(residual, big.NewFloat(s)).Sub(residual, big.NewFloat(v))
		got, _ := residual.Float64()
		// What the last bit of each term makes of it: s and v have an error of one, tanh s and slope−1 one each.
		bound := 4e-16*(math.Abs(s)+math.Abs(v)+2*math.Abs((slope-1)*math.Tanh(s))) + math.SmallestNonzeroFloat64
		if !(math.Abs(got) <= bound) {
			t.Fatalf("the root for %v with slope %v at 0 is %v: residual %v, want at most %v", v, slope, s, got, bound)
		}
		if opposites[i] != -s {
			t.Fatalf("the roots for ±%v with slope %v are %v and %v", v, slope, s, opposites[i])
		}
	}
}

func TestTanhRootWithoutSolution(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	points := [][2]float64{{nan, 1}, {1, nan}, {0, nan}, {inf, 1}, {-inf, 2}, {1, -0.1}, {0, -1}, {1, inf}, {0, inf}}
	for i, s := range tanhRoots(points) {
		if !math.IsNaN(s) {
			t.Errorf("the root for %v with slope %v is %v, want NaN", points[i][0], points[i][1], s)
		}
	}
}
