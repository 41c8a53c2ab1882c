package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// arithCase is an element-wise operation on dst, a and b and its plain form. All implementations must give the same
// bytes as the plain form.
type arithCase[T Float] struct {
	name string
	run  func(dst, a, b []T)
	want func(dst, a, b T) T
}

func arithCases[T Float]() []arithCase[T] {
	alpha := T(math.Pi)
	return []arithCase[T]{
		{"Add", Add[T], func(_, a, b T) T { return a + b }},
		{"Sub", Sub[T], func(_, a, b T) T { return a - b }},
		{"Mul", Mul[T], func(_, a, b T) T { return a * b }},
		{"Div", Div[T], func(_, a, b T) T { return a / b }},
		{"MulAcc", MulAcc[T], func(dst, a, b T) T { return dst + T(a*b) }},
		{"Axpy", func(dst, a, b []T) { Axpy(dst, alpha, a) }, func(dst, a, b T) T { return dst + T(alpha*a) }},
		{"Scale", func(dst, a, b []T) { Scale(dst, alpha, a) }, func(dst, a, b T) T { return alpha * a }},
		{"LeakyReLU", func(dst, a, b []T) { LeakyReLU(dst, a, alpha) }, func(dst, a, b T) T {
			if a > 0 {
				return a
			}
			return alpha * a
		}},
		{"leakyGrad", func(dst, a, b []T) { LeakyGrad(dst, a, alpha) }, func(dst, a, b T) T {
			if a > 0 {
				return dst
			}
			return alpha * dst
		}},
		{"tanhGrad", func(dst, a, b []T) { tanhGrad(dst, a) }, func(dst, a, b T) T { return dst * (1 - T(a*a)) }},
		{"sigmoidGrad", func(dst, a, b []T) { sigmoidGrad(dst, a) }, func(dst, a, b T) T { return dst * T(a*(1-a)) }},
		{"eluGrad", func(dst, a, b []T) { eluGrad(dst, a) }, func(dst, a, b T) T {
			if a > 0 {
				return dst
			}
			return dst * (a + 1)
		}},
	}
}

func TestArith(t *testing.T) {
	onEach(t, func(t *testing.T) {
		testArith[float32](t)
		testArith[float64](t)
	})
}

func testArith[T Float](t *testing.T) {
	inf, tiny := T(math.Inf(1)), T(math.SmallestNonzeroFloat32)
	special := []T{0, T(math.Copysign(0, -1)), inf, -inf, T(math.NaN()), 1, -1, tiny, -tiny, tiny * 3}
	for _, c := range arithCases[T]() {
		for n := range 35 {
			for offset := range 8 {
				src := rand.NewPCG(uint64(n), uint64(offset))
				r := rand.New(src)
				a, checkA := guarded[T](t, src, n, offset)
				b, checkB := guarded[T](t, src, n, (3*offset)%8)
				dst, checkDst := guarded[T](t, src, n, (5*offset+1)%8)
				for i := range n / 2 { // the other half stays normal
					a[r.IntN(n)], b[r.IntN(n)], dst[r.IntN(n)] = special[i%10], special[r.IntN(10)], special[r.IntN(10)]
				}
				a0, b0, dst0 := append([]T(nil), a...), append([]T(nil), b...), append([]T(nil), dst...)
				c.run(dst, a, b)
				for i := range dst {
					if want := c.want(dst0[i], a0[i], b0[i]); !sameBits(dst[i], want) {
						t.Fatalf("%s[%s] of %d at offset %d: element %d = %v, want %v (dst %v, a %v, b %v)",
							c.name, typeName[T](), n, offset, i, dst[i], want, dst0[i], a0[i], b0[i])
					}
					if !sameBits(a[i], a0[i]) || !sameBits(b[i], b0[i]) {
						t.Fatalf("%s[%s] changed an input", c.name, typeName[T]())
					}
				}
				checkA()
				checkB()
				checkDst()
				c.run(a, a, b) // in place
				for i := range a {
					if want := c.want(a0[i], a0[i], b0[i]); !sameBits(a[i], want) {
						t.Fatalf("%s[%s] in place: element %d of %d = %v, want %v", c.name, typeName[T](), i, n, a[i], want)
					}
				}
			}
		}
	}
}

// TestSums wants the bytes that the stated order gives, and the true sum within its error bound.
func TestSums(t *testing.T) {
	onEach(t, func(t *testing.T) {
		testSums[float32](t)
		testSums[float64](t)
	})
}

func testSums[T Float](t *testing.T) {
	for n := range 70 {
		src := rand.NewPCG(uint64(n), 1)
		a, _ := guarded[T](t, src, n, n%8)
		b, _ := guarded[T](t, src, n, n%5)
		var sums, products [16]T
		total, size := 0.0, 0.0
		for i, v := range a {
			sums[i%16] += v
			products[i%16] += T(v * b[i])
			total += float64(v) * float64(b[i])
			size += math.Abs(float64(v) * float64(b[i]))
		}
		for h := 8; h > 0; h /= 2 {
			for l := range h {
				sums[l] += sums[l+h]
				products[l] += products[l+h]
			}
		}
		if got := Sum(a); !sameBits(got, sums[0]) {
			t.Errorf("Sum[%s] of %d = %v, want %v", typeName[T](), n, got, sums[0])
		}
		got := Dot(a, b)
		if !sameBits(got, products[0]) {
			t.Errorf("Dot[%s] of %d = %v, want %v", typeName[T](), n, got, products[0])
		}
		if tol := eps[T]() * size * float64(n); !(math.Abs(float64(got)-total) <= tol) {
			t.Errorf("Dot[%s] of %d = %v, want %v ± %.3g", typeName[T](), n, got, total, tol)
		}
		if n > 0 {
			a[n/2] = T(math.NaN())
			if s, d := Sum(a), Dot(a, b); s == s || d == d {
				t.Errorf("Sum and Dot of %d elements with a NaN are %v and %v, want NaN", n, s, d)
			}
		}
	}
}

func TestConvert(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for n := range 30 {
			src := rand.NewPCG(uint64(n), 2)
			wide, checkWide := guarded[float64](t, src, n, n%8)
			single, checkSingle := guarded[float32](t, src, n, n%7)
			for i, v := range []float64{math.Inf(1), math.NaN(), 1e300, 1e-42, math.Copysign(0, -1)} {
				if i < n {
					wide[n-1-i] = v
				}
			}
			Convert32(single, wide)
			scaled := make([]float64, n)
			ScaleConvert64(scaled, -3, single)
			for i, v := range wide {
				if want := float32(v); !sameBits(single[i], want) {
					t.Errorf("Convert32(%v) = %v, want %v", v, single[i], want)
				}
				if want := -3 * float64(single[i]); !sameBits(scaled[i], want) {
					t.Errorf("ScaleConvert64(-3, %v) = %v, want %v", single[i], scaled[i], want)
				}
			}
			checkWide()
			checkSingle()
		}
	})
}

func TestAdam(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for n := range 20 {
			src := rand.NewPCG(uint64(n), 3)
			p, checkP := guarded[float64](t, src, n, n%8)
			g, checkG := guarded[float64](t, src, n, n%3)
			m, checkM := guarded[float64](t, src, n, n%5)
			v, checkV := guarded[float64](t, src, n, n%7)
			q, mean, variance := append([]float64(nil), p...), make([]float64, n), make([]float64, n)
			clear(m)
			clear(v)
			for step := 1; step <= 5; step++ {
				s := AdamStep{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-2,
					Correction1: 1 - math.Pow(0.9, float64(step)), Correction2: 1 - math.Pow(0.999, float64(step))}
				Adam(p, g, m, v, s)
				for i := range q { // the definition, written as PyTorch writes it
					grad := g[i] + s.WeightDecay*q[i]
					mean[i] = 0.9*mean[i] + 0.1*grad
					variance[i] = 0.999*variance[i] + 0.001*grad*grad
					q[i] -= s.LR / s.Correction1 * mean[i] / (math.Sqrt(variance[i])/math.Sqrt(s.Correction2) + s.Eps)
					const tol = 1e-15 // a few roundings of numbers near 1
					if !(math.Abs(p[i]-q[i]) <= tol*(1+math.Abs(q[i]))) {
						t.Fatalf("Adam: parameter %d of %d after step %d is %v, want %v", i, n, step, p[i], q[i])
					}
				}
			}
			want := append([]float64(nil), p...) // one more step: the same bytes as the specification
			wantM, wantV := append([]float64(nil), m...), append([]float64(nil), v...)
			s := AdamStep{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Correction1: 0.5, Correction2: 0.01}
			Adam(p, g, m, v, s)
			adamGo(want, g, wantM, wantV, &s, s.LR/s.Correction1, 1/math.Sqrt(s.Correction2))
			for i := range want {
				if !sameBits(p[i], want[i]) || !sameBits(m[i], wantM[i]) || !sameBits(v[i], wantV[i]) {
					t.Fatalf("Adam: parameter %d of %d is %v (m %v, v %v), want %v (m %v, v %v)", i, n, p[i], m[i], v[i], want[i], wantM[i], wantV[i])
				}
			}
			for _, check := range []func(){checkP, checkG, checkM, checkV} {
				check()
			}
		}
	})
}
