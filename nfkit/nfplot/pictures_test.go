package nfplot

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// posterior returns n rows of d columns that depend on each other, the first in a ring with the second.
func posterior(n, d int, shift float64, seed uint64) *mat.Dense {
	r := rand.New(rand.NewPCG(seed, 5))
	x := mat.NewDense(n, d, nil)
	for i := range n {
		angle := 2 * math.Pi * r.Float64()
		last := 0.0
		for j := range d {
			v := 0.6*last + r.NormFloat64()
			switch {
			case j == 0 && d > 1:
				v = 2*math.Cos(angle) + 0.3*r.NormFloat64()
			case j == 1:
				v = 2*math.Sin(angle) + 0.3*r.NormFloat64()
			}
			last = v
			x.Set(i, j, v*math.Pow(10, float64(j%4)-2)+shift)
		}
	}
	return x
}

func columnNames(d int) []string {
	names := make([]string, d)
	for j := range names {
		names[j] = fmt.Sprintf("θ%c", '₁'+rune(j))
	}
	return names
}

func walk(n int, seed uint64, memory float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 6))
	x := make([]float64, n)
	for i := 1; i < n; i++ {
		x[i] = memory*x[i-1] + math.Sqrt(1-memory*memory)*r.NormFloat64()
	}
	return x
}

func uniforms(n int, power float64) []float64 {
	r := rand.New(rand.NewPCG(8, 9))
	u := make([]float64, n)
	for i := range u {
		u[i] = math.Pow(r.Float64(), power)
	}
	return u
}

func uniformRanks(n, draws int) []int {
	r := rand.New(rand.NewPCG(10, 11))
	k := make([]int, n)
	for i := range k {
		k[i] = r.IntN(draws + 1)
	}
	return k
}

// blobs returns n images of a disc, one in each row.
func blobs(n, side, channels int) *mat.Dense {
	x := mat.NewDense(n, side*side*channels, nil)
	for k := range n {
		for i := range side * side {
			u, v := float64(i%side)/float64(side-1)-0.5, float64(i/side)/float64(side-1)-0.5
			for c := range channels {
				x.Set(k, i*channels+c, math.Exp(-float64(k+2)*3*(u*u+v*v+0.3*float64(c)*u+0.2*float64(c)*v)))
			}
		}
	}
	return x
}
