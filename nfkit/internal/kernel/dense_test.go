package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

var denseShapes = func() (shapes [][3]int) {
	sizes := []int{1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 33, 64, 70}
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 21} {
		for i, k := range sizes {
			shapes = append(shapes, [3]int{n, k, sizes[(i+n)%len(sizes)]}, [3]int{n, k, sizes[(i*3+2*n)%len(sizes)]})
		}
	}
	return append(shapes, [3]int{32, 64, 64}, [3]int{33, 64, 2}, [3]int{33, 1, 64}, [3]int{19, 300, 280}, [3]int{7, 520, 33}, [3]int{1, 33, 64}, [3]int{1, 70, 200})
}()

func TestDense(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, s := range denseShapes {
			testDense[float32](t, s[0], s[1], s[2])
			testDense[float64](t, s[0], s[1], s[2])
		}
	})
}

var actCases = []struct {
	act  Activation
	f, d func(z float64) float64
}{
	{ActIdentity, func(z float64) float64 { return z }, func(z float64) float64 { return 1 }},
	{ActLeakyReLU, func(z float64) float64 { return max(z, 0) + 0.125*min(z, 0) }, func(z float64) float64 {
		if z > 0 {
			return 1
		}
		return 0.125
	}},
	{ActTanh, math.Tanh, func(z float64) float64 { return 1 - math.Tanh(z)*math.Tanh(z) }},
	{ActSigmoid, sigmoid, func(z float64) float64 { return sigmoid(z) * sigmoid(-z) }},
	{ActELU, elu, func(z float64) float64 { return min(1, math.Exp(z)) }},
	{ActSoftplus, softplus, sigmoid},
}

// testDense compares Dense and DenseBackward with plain loops in float64.
func testDense[T Float](t *testing.T, n, k, m int) {
	t.Helper()
	src := rand.NewPCG(uint64(n), uint64(k*1000+m))
	act := actCases[(n+k+m)%len(actCases)]
	name := fmt.Sprintf("%s %d×%d→%d act %d", typeName[T](), n, k, m, act.act)
	x, checkX := guarded[T](t, src, n*k, n%8)
	w, _ := guarded[T](t, src, m*k, 1)
	b, checkB := guarded[T](t, src, m, 2)
	y, checkY := guarded[T](t, src, n*m, m%8)
	dy, checkDY := guarded[T](t, src, n*m, 3)
	dx, checkDX := guarded[T](t, src, n*k, k%8)
	dw, checkDW := guarded[T](t, src, m*k, 5)
	db, checkDB := guarded[T](t, src, m, 6)
	memory, checkP := guarded[T](t, src, PackedLen[T](m, k), 0)
	packed := Weights[T]{Packed: memory}
	packed.Pack(w, m, k, nil)
	if n%3 == 0 {
		b = nil
	}
	z, dz := make([]float64, n*m), make([]float64, n*m)
	size := make([]float64, n*m)
	for i := range n {
		for j := range m {
			s := 0.0
			if b != nil {
				s = float64(b[j])
			}
			abs := math.Abs(s)
			for p := range k {
				v := float64(x[i*k+p]) * float64(w[j*k+p])
				s += v
				abs += math.Abs(v)
			}
			z[i*m+j], size[i*m+j] = s, abs
		}
	}
	Dense(y, x, packed, b, n, act.act, 0.125)
	for i, got := range y {
		// Each of k sums rounds once; the activations here have slopes of at most 1.
		tol := eps[T]() * (size[i]*float64(k)/2 + 4)
		if want := act.f(z[i]); !(math.Abs(float64(got)-want) <= tol) {
			t.Fatalf("%s: y[%d] = %v, want %v ± %.3g", name, i, got, want, tol)
		}
	}
	for i := range dz {
		dz[i] = float64(dy[i]) * act.d(z[i])
	}
	// The backward pass starts from the y that the forward pass rounded, so dz is compared first, then taken as given.
	dx0, dw0, db0 := append([]T(nil), dx...), append([]T(nil), dw...), append([]T(nil), db...)
	DenseBackward(dx, dw, db, dy, y, x, packed, n, act.act, 0.125, 0)
	for i, got := range dy {
		tol := eps[T]() * (size[i]*float64(k)/2 + 8) * (math.Abs(dz[i]) + 4)
		if !(math.Abs(float64(got)-dz[i]) <= tol) {
			t.Fatalf("%s: dz[%d] = %v, want %v ± %.3g", name, i, got, dz[i], tol)
		}
	}
	compare := func(what string, got, start []T, rows, cols, depth int, a, b func(i, j, p int) T) {
		t.Helper()
		for i := range rows {
			for j := range cols {
				s := float64(start[i*cols+j])
				abs := math.Abs(s)
				for p := range depth {
					v := float64(a(i, j, p)) * float64(b(i, j, p))
					s += v
					abs += math.Abs(v)
				}
				tol := (eps[T]() + eps[float64]()) * abs * float64(depth+1) / 2 // as in testProducts
				if g := float64(got[i*cols+j]); !(math.Abs(g-s) <= tol) {
					t.Fatalf("%s: %s[%d,%d] = %v, want %v ± %.3g", name, what, i, j, g, s, tol)
				}
			}
		}
	}
	compare("dx", dx, dx0, n, k, m, func(i, j, p int) T { return dy[i*m+p] }, func(i, j, p int) T { return w[p*k+j] })
	compare("dw", dw, dw0, m, k, n, func(i, j, p int) T { return dy[p*m+i] }, func(i, j, p int) T { return x[p*k+j] })
	compare("db", db, db0, 1, m, n, func(i, j, p int) T { return dy[p*m+j] }, func(i, j, p int) T { return 1 })
	for _, check := range []func(){checkX, checkB, checkY, checkDY, checkDX, checkDW, checkDB, checkP} {
		check()
	}
}

// packedWeights returns the m×k weights w, packed.
func packedWeights[T Float](w []T, m, k int) Weights[T] {
	packed := Weights[T]{Packed: make([]T, PackedLen[T](m, k))}
	packed.Pack(w, m, k, nil)
	return packed
}

func TestDenseBackwardSets(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, s := range [][3]int{{5, 70, 9}, {7, 64, 32}, {6, 1, 64}, {6, 64, 2}, {3, 4, 5}} {
			testDenseBackwardSets[float32](t, s[0], s[1], s[2])
			testDenseBackwardSets[float64](t, s[0], s[1], s[2])
		}
	})
}

func testDenseBackwardSets[T Float](t *testing.T, n, k, m int) {
	src := rand.NewPCG(8, 9)
	y, x, w, dy := normals[T](n*m, src), normals[T](n*k, src), normals[T](m*k, src), normals[T](n*m, src)
	packed := packedWeights(w, m, k)
	dx, dw := make([]T, n*k), make([]T, m*k)
	DenseBackward(dx, dw, nil, slices.Clone(dy), y, x, packed, n, ActTanh, 0, 0)
	setX, setW := normals[T](n*k, src), normals[T](m*k, src)
	DenseBackward(setX, setW, nil, slices.Clone(dy), y, x, packed, n, ActTanh, 0, SetX|SetW)
	if !slices.Equal(dx, setX) || !slices.Equal(dw, setW) {
		t.Errorf("%s %d×%d→%d: gradients that were set differ from those added to 0", typeName[T](), n, k, m)
	}
}

// Weights that say where they are 0 give what the same weights give that do not, except that masked weights have no gradient.
func TestDenseSpans(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, s := range [][3]int{{5, 70, 90}, {7, 64, 64}, {6, 16, 40}, {6, 64, 2}, {3, 1, 65}} {
			testDenseSpans[float32](t, s[0], s[1], s[2])
			testDenseSpans[float64](t, s[0], s[1], s[2])
		}
	})
}

func testDenseSpans[T Float](t *testing.T, n, k, m int) {
	src := rand.NewPCG(10, uint64(m))
	r := rand.New(src)
	x, w, dy := normals[T](n*k, src), normals[T](m*k, src), normals[T](n*m, src)
	rows, mask := make([]Span, m), make([]T, m*k)
	for i := range rows {
		lo := r.IntN(k+1) * i / m
		rows[i] = Span{lo, min(k, lo+r.IntN(k+1))} // some are empty
		for j := rows[i].Lo; j < rows[i].Hi; j++ {
			mask[i*k+j] = 1
		}
	}
	Mul(w, w, mask)
	plain, spans := packedWeights(w, m, k), packedWeights(w, m, k)
	spans.Pack(w, m, k, rows)
	for _, set := range []Set{0, SetX | SetW} {
		results := func(packed Weights[T]) (all [3][]T) {
			y, dx, dw := make([]T, n*m), make([]T, n*k), make([]T, m*k)
			Dense(y, x, packed, nil, n, ActTanh, 0)
			DenseBackward(dx, dw, nil, slices.Clone(dy), y, x, packed, n, ActTanh, 0, set)
			Mul(dw, dw, mask)
			return [3][]T{y, dx, dw}
		}
		want := results(plain)
		for i, got := range results(spans) {
			if what := []string{"y", "dx", "dw"}[i]; !slices.Equal(got, want[i]) {
				t.Errorf("%s %d×%d→%d: with spans, %s is %v, want %v", typeName[T](), n, k, m, what, got, want[i])
			}
		}
	}
}

func TestDenseBackwardSkipsNil(t *testing.T) {
	onEach(t, func(t *testing.T) {
		const n, k, m = 3, 20, 17
		src := rand.NewPCG(1, 2)
		x, _ := guarded[float64](t, src, n*k, 0)
		w, _ := guarded[float64](t, src, m*k, 0)
		y, dy := make([]float64, n*m), make([]float64, n*m)
		packed := packedWeights(w, m, k)
		Dense(y, x, packed, nil, n, ActTanh, 0)
		DenseBackward(nil, nil, nil, dy, y, x, packed, n, ActTanh, 0, 0)
		testkit.WantPanic(t, "99", func() { Dense(y, x, packed, nil, n, 99, 0) })
		testkit.WantPanic(t, "99", func() { DenseBackward(nil, nil, nil, dy, y, x, packed, n, 99, 0, 0) })
	})
}

// TestRowsIndependent cuts a batch into shards and wants the same bytes.
func TestRowsIndependent(t *testing.T) {
	onEach(t, func(t *testing.T) {
		testRowsIndependent[float32](t)
		testRowsIndependent[float64](t)
	})
}

func testRowsIndependent[T Float](t *testing.T) {
	const n = 29
	for _, s := range [][2]int{{1, 64}, {64, 64}, {64, 2}, {33, 70}, {7, 5}} {
		k, m := s[0], s[1]
		src := rand.NewPCG(3, 4)
		x, _ := guarded[T](t, src, n*k, 1)
		w, _ := guarded[T](t, src, m*k, 0)
		b, _ := guarded[T](t, src, m, 0)
		packed := packedWeights(w, m, k)
		whole := make([]T, n*m)
		Dense(whole, x, packed, b, n, ActLeakyReLU, 0.01)
		for cut := range n + 1 {
			parts := make([]T, n*m)
			Dense(parts, x, packed, b, cut, ActLeakyReLU, 0.01)
			Dense(parts[cut*m:], x[cut*k:], packed, b, n-cut, ActLeakyReLU, 0.01)
			for i := range whole {
				if parts[i] != whole[i] {
					t.Fatalf("%s %d→%d cut at row %d: y[%d] = %v, uncut %v", typeName[T](), k, m, cut, i, parts[i], whole[i])
				}
			}
		}
	}
}

// A row of a layer has the same bits alone, where pairs of panels are its own kernel, as among others.
func TestDenseRowAlone(t *testing.T) {
	onEach(t, func(t *testing.T) {
		testDenseRowAlone[float32](t)
		testDenseRowAlone[float64](t)
	})
}

func testDenseRowAlone[T Float](t *testing.T) {
	const n, k, m = 7, 70, 150
	src := rand.NewPCG(1, 2)
	x, w, b := normals[T](n*k, src), packedWeights(normals[T](m*k, src), m, k), normals[T](m, src)
	for _, bias := range [][]T{nil, b} {
		y, row := make([]T, n*m), make([]T, m)
		Dense(y, x, w, bias, n, ActLeakyReLU, 0.1)
		for i := range n {
			Dense(row, x[i*k:][:k], w, bias, 1, ActLeakyReLU, 0.1)
			for j := range row {
				if !sameBits(row[j], y[i*m+j]) {
					t.Fatalf("%s: element %d of row %d is %v alone and %v among others", typeName[T](), j, i, row[j], y[i*m+j])
				}
			}
		}
	}
}
