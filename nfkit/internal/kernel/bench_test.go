package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// benchEach runs f once for every implementation that this processor can run.
func benchEach(b *testing.B, f func(b *testing.B)) {
	defer func() { active = bestISA() }()
	for s := goOnly; s <= bestISA(); s++ {
		active = s
		b.Run(active.String(), f)
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
	for _, s := range [][3]int{{64, 1, 64}, {64, 64, 64}, {64, 64, 2}, {64, 100, 100}, {64, 64, 12}, {64, 256, 256}, {128, 512, 512}} {
		name := fmt.Sprintf("%d×%d→%d", s[0], s[1], s[2])
		b.Run(name+"/float32", func(b *testing.B) { benchDense[float32](b, s[0], s[1], s[2]) })
		b.Run(name+"/float64", func(b *testing.B) { benchDense[float64](b, s[0], s[1], s[2]) })
	}
}

func benchDense[T Float](b *testing.B, n, k, m int) {
	src := rand.NewPCG(1, 2)
	x, y, dx, dy := normals[T](n*k, src), make([]T, n*m), make([]T, n*k), normals[T](n*m, src)
	w, bias, dw, db := normals[T](m*k, src), normals[T](m, src), make([]T, m*k), make([]T, m)
	packed := packedWeights(w, m, k)
	b.Run("forward", func(b *testing.B) {
		benchEach(b, func(b *testing.B) {
			for b.Loop() {
				Dense(y, x, packed, bias, n, ActLeakyReLU, 0)
			}
			gflops(b, 2*n*k*m)
		})
	})
	b.Run("backward", func(b *testing.B) {
		benchEach(b, func(b *testing.B) {
			for b.Loop() {
				DenseBackward(dx, dw, db, dy, y, x, packed, n, ActLeakyReLU, 1, 0)
			}
			gflops(b, 4*n*k*m)
		})
	})
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			packed.Pack(w, m, k, nil)
		}
	})
}

// gigabytes reports the memory traffic of an operation that moves size bytes per iteration.
func gigabytes(b *testing.B, size int) {
	b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
}

func BenchmarkMath(b *testing.B) {
	const n = 4096
	for _, c := range mathCases {
		x64, y64 := make([]float64, n), make([]float64, n)
		x32, y32 := make([]float32, n), make([]float32, n)
		for i := range x64 {
			x64[i] = 0.01 + 5*float64(i)/n
			x32[i] = float32(x64[i])
		}
		for name, run := range map[string]func(){"float32": func() { c.f32(y32, x32) }, "float64": func() { c.f64(y64, x64) }} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				benchEach(b, func(b *testing.B) {
					for b.Loop() {
						run()
					}
					b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/element")
				})
			})
		}
	}
}

func BenchmarkArith(b *testing.B) {
	b.Run("float32", benchArith[float32])
	b.Run("float64", benchArith[float64])
}

func benchArith[T Float](b *testing.B) {
	const n = 1024
	src := rand.NewPCG(1, 2)
	size := int(unsafe.Sizeof(T(0)))
	x, y, dst := normals[T](n, src), normals[T](n, src), normals[T](n, src)
	for _, c := range []struct {
		name  string
		run   func()
		moves int // slices read or written
	}{
		{"Add", func() { Add(dst, x, y) }, 3},
		{"Axpy", func() { Axpy(dst, 1e-9, x) }, 3},
		{"Dot", func() { Dot(x, y) }, 2},
	} {
		b.Run(c.name, func(b *testing.B) {
			benchEach(b, func(b *testing.B) {
				for b.Loop() {
					c.run()
				}
				gigabytes(b, c.moves*n*size)
			})
		})
	}
}

func BenchmarkAdam(b *testing.B) {
	const n = 70000
	src := rand.NewPCG(1, 2)
	p, g, m, v := normals[float64](n, src), normals[float64](n, src), make([]float64, n), make([]float64, n)
	benchEach(b, func(b *testing.B) {
		for b.Loop() {
			Adam(p, g, m, v, AdamStep{LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-5, Correction1: 1, Correction2: 1})
		}
		gigabytes(b, 7*8*n)
	})
}
