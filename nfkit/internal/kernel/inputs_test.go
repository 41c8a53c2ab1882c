package kernel

import (
	"math/rand/v2"
	"testing"
)

// The shares of all inputs, taken from overlapping rows, give the bits of a dense layer of rows that are apart, and write to its outputs alone.
func TestDenseInputs(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, m := range []int{narrow + 1, 16, 33, 70} {
			testDenseInputs[float32](t, m)
			testDenseInputs[float64](t, m)
		}
	})
}

func testDenseInputs[T Float](t *testing.T, m int) {
	const n, k, apart = 7, 12, 3
	src := rand.NewPCG(1, uint64(m))
	long, weights, b := normals[T]((n-1)*apart+k, src), normals[T](m*k, src), normals[T](m, src)
	w := packedWeights(weights, m, k)
	var x []T // the same rows, one after the other
	for i := range n {
		x = append(x, long[i*apart:][:k]...)
	}
	for _, bias := range [][]T{b, nil} {
		for _, act := range []Activation{ActIdentity, ActLeakyReLU, ActTanh} {
			want := make([]T, n*m)
			Dense(want, x, w, bias, n, act, 0.3)
			got, check := guarded[T](t, rand.NewPCG(3, 4), n*m, 1)
			DenseInputs(got, bias, 0, long, apart, w, 0, 5, n, ActIdentity, 0.3)
			DenseInputs(got, got, m, long[5:], apart, w, 5, 6, n, ActIdentity, 0.3)
			DenseInputs(got, got, m, long[6:], apart, w, 6, k, n, act, 0.3)
			check()
			for i := range want {
				if !sameBits(got[i], want[i]) {
					t.Fatalf("%s, %d outputs, activation %d: output %d is %v, Dense has %v", typeName[T](), m, act, i, got[i], want[i])
				}
			}
		}
	}
	DenseInputs(nil, b, 0, nil, apart, w, 0, k, 0, ActIdentity, T(0)) // no row
	if w.Few() || !packedWeights(weights[:narrow*k], narrow, k).Few() {
		t.Errorf("%d outputs are few: %t, and %d are not", m, w.Few(), narrow)
	}
}
