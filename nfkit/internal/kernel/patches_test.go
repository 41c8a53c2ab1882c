package kernel

import (
	"math/rand/v2"
	"testing"
)

// The layer of all patches of a grid is a dense layer of patches that are apart, and so are its gradients.
func TestDensePatches(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, m := range []int{1, 2, 3, 4, 5, narrow, narrow + 1, 33} {
			for _, channels := range []int{1, 3, 8} {
				testDensePatches[float32](t, m, channels)
				testDensePatches[float64](t, m, channels)
			}
		}
	})
}

func testDensePatches[T Float](t *testing.T, m, channels int) {
	const height, width, edge = 3, 9, 3
	p := Patches{Runs: edge, Run: edge * channels, Stride: (width + edge - 1) * channels, Step: channels}
	k, sites := p.len(), height*width
	src := rand.NewPCG(uint64(channels), uint64(m))
	grid, weights, b := normals[T]((height+edge-1)*p.Stride+Margin[T](), src), normals[T](m*k, src), normals[T](m, src)
	var x []T // the same patches, one after the other
	for r := range height {
		for s := range width {
			for i := range edge {
				x = append(x, grid[(r+i)*p.Stride+s*channels:][:p.Run]...)
			}
		}
	}
	packed := packedWeights(weights, m, k)
	w := packed.Patches()
	if Few(m) {
		w = PackPatches(make([]T, PatchWeightsLen[T](m, k)), Taps[T]{Data: weights, Taps: edge * edge, Channels: channels, Outputs: m, Tap: channels, Channel: 1, Output: k}, p)
	}
	near := func(what string, got, want []T) {
		t.Helper()
		for i := range want {
			if d := float64(got[i] - want[i]); !(d*d <= 1e6*eps[T]()*eps[T]()) { // some tens of roundings of sums of size 10
				t.Fatalf("%s, %d channels, %d outputs: %s %d is %v, want %v", typeName[T](), channels, m, what, i, got[i], want[i])
			}
		}
	}
	for _, bias := range [][]T{b, nil} {
		for _, act := range []Activation{ActIdentity, ActLeakyReLU, ActTanh} {
			want := make([]T, sites*m)
			Dense(want, x, packed, bias, sites, act, 0.3)
			got, check := guarded[T](t, rand.NewPCG(3, 4), sites*m, 1)
			DensePatches(got, bias, 0, grid, p, w, height, width, act, 0.3)
			check()
			near("output", got, want)
			if act != ActIdentity || bias == nil {
				continue
			}
			DensePatches(got, got, m, grid, p, w, height, width, act, 0.3) // on top of itself
			for i := range want {
				want[i] += want[i] - b[i%m]
			}
			check()
			near("output", got, want)
		}
	}
	y, dy := normals[T](sites*m, src), normals[T](sites*m, src)
	wantW, wantB, wantZ := make([]T, m*k), make([]T, m), append([]T(nil), dy...)
	DenseBackward(nil, wantW, wantB, wantZ, y, x, packed, sites, ActLeakyReLU, 0.3, 0)
	gotW, check := guarded[T](t, rand.NewPCG(3, 4), m*k, 1)
	clear(gotW)
	gotB := make([]T, m)
	ActivationBackward(gotB, dy, y, ActLeakyReLU, 0.3)
	PatchesBackward(gotW, dy, grid, p, m, height, width)
	check()
	near("gradient", dy, wantZ)
	near("gradient of a bias", gotB, wantB)
	near("gradient of a weight", gotW, wantW)
}

// Weights that are packed for patches from another order of the same numbers are the same weights.
func TestPackPatches(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, m := range []int{2, narrow, narrow + 1, 40} {
			testPackPatches[float32](t, m)
			testPackPatches[float64](t, m)
		}
	})
}

func testPackPatches[T Float](t *testing.T, m int) {
	const taps, channels, k = 9, 8, 72
	p := Patches{Runs: 3, Run: 24, Stride: 24, Step: 1}
	rows := normals[T](m*k, rand.NewPCG(1, uint64(m)))
	turned := make([]T, m*k) // by tap, from the last, channel and output
	for j := range m {
		for tap := range taps {
			for c := range channels {
				turned[((taps-1-tap)*channels+c)*m+j] = rows[j*k+tap*channels+c]
			}
		}
	}
	memory := func() []T { return make([]T, PatchWeightsLen[T](m, k)) }
	want := PackPatches(memory(), Taps[T]{Data: rows, Taps: taps, Channels: channels, Outputs: m, Tap: channels, Channel: 1, Output: k}, p)
	got := PackPatches(memory(), Taps[T]{Data: turned, Taps: taps, Channels: channels, Outputs: m, First: (taps - 1) * channels * m, Tap: -channels * m, Channel: m, Output: 1}, p)
	x, y, z := normals[T](k+Margin[T](), rand.NewPCG(3, 4)), make([]T, m), make([]T, m)
	DensePatches(y, nil, 0, x, p, want, 1, 1, ActIdentity, 1)
	DensePatches(z, nil, 0, x, p, got, 1, 1, ActIdentity, 1)
	for j := range y {
		if !sameBits(y[j], z[j]) {
			t.Fatalf("%s, %d outputs: output %d is %v and %v", typeName[T](), m, j, y[j], z[j])
		}
	}
	if !Few(m) {
		packed := packedWeights(rows, m, k)
		DensePatches(z, nil, 0, x, p, packed.Patches(), 1, 1, ActIdentity, 1)
		for j := range y {
			if !sameBits(y[j], z[j]) {
				t.Fatalf("%s, %d outputs: output %d is %v, %v with the weights of Dense", typeName[T](), m, j, y[j], z[j])
			}
		}
	}
}
