package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchEach runs f once for every implementation that this processor can run.
func benchEach(b *testing.B, f func(b *testing.B)) {
	defer func() { active = bestISA() }()
	for s := goOnly; s <= bestISA(); s++ {
		active = s
		b.Run(s.String(), f)
	}
}

// gflops reports the rate of an operation that takes flops per iteration.
func gflops(b *testing.B, flops int) {
	b.ReportMetric(float64(flops)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func normals[T Float](n int, src rand.Source) []T {
	r := rand.New(src)
	s := make([]T, n)
	for i := range s {
		s[i] = T(r.NormFloat64())
	}
	return s
}

func BenchmarkDense(b *testing.B) {
	for _, s := range [][3]int{{64, 1, 64}, {64, 64, 64}, {64, 64, 2}, {64, 256, 256}, {128, 512, 512}} {
		name := fmt.Sprintf("%d×%d→%d", s[0], s[1], s[2])
		b.Run(name+"/float32", func(b *testing.B) { benchDense[float32](b, s[0], s[1], s[2]) })
		b.Run(name+"/float64", func(b *testing.B) { benchDense[float64](b, s[0], s[1], s[2]) })
	}
}

func benchDense[T Float](b *testing.B, n, k, m int) {
	src := rand.NewPCG(1, 2)
	x, y, dx, dy := normals[T](n*k, src), make([]T, n*m), make([]T, n*k), normals[T](n*m, src)
	w, bias, dw, db := normals[T](m*k, src), normals[T](m, src), make([]T, m*k), make([]T, m)
	packed := make([]T, PackedLen[T](m, k))
	PackDense(packed, w, m, k)
	b.Run("forward", func(b *testing.B) {
		benchEach(b, func(b *testing.B) {
			for b.Loop() {
				Dense(y, x, packed, bias, n, k, m, ActLeakyReLU, 0)
			}
			gflops(b, 2*n*k*m)
		})
	})
	b.Run("backward", func(b *testing.B) {
		benchEach(b, func(b *testing.B) {
			for b.Loop() {
				DenseBackward(dx, dw, db, dy, y, x, packed, n, k, m, ActLeakyReLU, 1)
			}
			gflops(b, 4*n*k*m)
		})
	})
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			PackDense(packed, w, m, k)
		}
	})
}
