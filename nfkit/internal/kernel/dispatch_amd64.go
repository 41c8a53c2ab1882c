//go:build amd64 && !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

const (
	avx2   isa = 1 // AVX2 and FMA
	avx512 isa = 2 // AVX-512 F, VL, DQ and BW
)

var isaNames = []string{"go", "avx2", "avx512"}

const vectorBytes = 32 // of the first instruction set; the second has twice as many

func bestISA() isa {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasBMI2:
		return goOnly
	case !x.HasAVX512F || !x.HasAVX512VL || !x.HasAVX512DQ || !x.HasAVX512BW:
		return avx2
	}
	return avx512
}

// p32 and p64 return the address of the first element of s, which is of the type in their name.
func p32[T Float](s []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(s))) }
func p64[T Float](s []T) *float64 { return (*float64)(unsafe.Pointer(unsafe.SliceData(s))) }

func is32[T Float]() bool { return unsafe.Sizeof(T(0)) == 4 }

func panel[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa int, b []T, ldb, n, k, cols int, slope T) {
	if active == goOnly {
		panelGo(c, ldc, init, ldi, a, rsa, csa, b, ldb, n, k, cols, slope)
		return
	}
	width := panelWidth[T]()
	_, _ = c[(n-1)*ldc+cols-1], init[(n-1)*ldi+cols-1]
	_, _ = a[(n-1)*rsa+(k-1)*csa], b[(k-1)*ldb+width-1]
	if active == avx512 && cols > width/2 { // the kernel for AVX2 is as wide as half a panel
		if is32[T]() {
			panel32AVX512(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, p32(b), ldb, n, k, cols, float32(slope))
		} else {
			panel64AVX512(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, p64(b), ldb, n, k, cols, float64(slope))
		}
		return
	}
	for j := 0; j < cols; j += width / 2 {
		c, init, b, cols := c[j:], init[j:], b[j:], min(cols-j, width/2)
		if is32[T]() {
			panel32AVX2(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, p32(b), ldb, n, k, cols, float32(slope))
		} else {
			panel64AVX2(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, p64(b), ldb, n, k, cols, float64(slope))
		}
	}
}

// packTransposed is packTransposedGo for as many columns at a time as a vector of AVX2 has elements.
func packTransposed[T Float](dst, b []T, cs, depth, cols int) int {
	w := panelWidth[T]()
	whole, lanes := depth&^3, w/4
	if active == goOnly || whole == 0 || cols < lanes {
		return packTransposedGo(dst, b, cs, depth, cols)
	}
	j := 0
	for ; j+lanes <= cols; j += lanes {
		from, to := b[j*cs:], dst[j:]
		_, _ = from[(lanes-1)*cs+depth-1], to[(depth-1)*w+lanes-1]
		if is32[T]() {
			packTransposed32AVX2(p32(to), w, p32(from), cs, whole)
		} else {
			packTransposed64AVX2(p64(to), w, p64(from), cs, whole)
		}
		for p := whole; p < depth; p++ {
			for r := range lanes {
				to[p*w+r] = from[r*cs+p]
			}
		}
	}
	return j
}

// dotPairs is dotPairsGo over whole vectors of the rows, four rows at a time. Each of up to three rows that remain is
// passed four times over, with a distance of 0, so that a row's sum does not depend on its place.
func dotPairs[T Float](sums, a []T, lda int, b0, b1 []T, rows, k int) int {
	vector := panelWidth[T]() / 4
	if active == goOnly || k < vector {
		return dotPairsGo(sums, a, lda, b0, b1, rows, k)
	}
	_, _, _, _ = sums[2*(rows+3)-1], a[(rows-1)*lda+k-1], b0[k-1], b1[k-1]
	call := func(r, count, stride int) {
		if is32[T]() {
			dotPairs32AVX2(p32(sums[2*r:]), p32(a[r*lda:]), p32(b0), p32(b1), count, k, stride)
		} else {
			dotPairs64AVX2(p64(sums[2*r:]), p64(a[r*lda:]), p64(b0), p64(b1), count, k, stride)
		}
	}
	fours := rows &^ 3
	call(0, fours, lda)
	for r := fours; r < rows; r++ {
		call(r, 4, 0)
	}
	return k / vector * vector
}

// arithAsm runs op, if there is assembly for it. Operations with one input take a, those with a factor alpha.
func arithAsm[T Float](op arithOp, dst, a, b []T, alpha T) bool {
	if active == goOnly {
		return false
	}
	n := len(dst)
	if is32[T]() {
		dst, a, b, alpha := p32(dst), p32(a), p32(b), float32(alpha)
		switch op {
		case addOp:
			add32AVX2(dst, n, a, b)
		case subOp:
			sub32AVX2(dst, n, a, b)
		case mulOp:
			mul32AVX2(dst, n, a, b)
		case divOp:
			div32AVX2(dst, n, a, b)
		case mulAccOp:
			mulAcc32AVX2(dst, n, a, b)
		case axpyOp:
			axpy32AVX2(dst, n, a, alpha)
		case scaleOp:
			scale32AVX2(dst, n, a, alpha)
		case leakyReLUOp:
			leakyReLU32AVX2(dst, n, a, alpha)
		case leakyGradOp:
			leakyGrad32AVX2(dst, n, a, alpha)
		case tanhGradOp:
			tanhGrad32AVX2(dst, n, a)
		case sigmoidGradOp:
			sigmoidGrad32AVX2(dst, n, a)
		case eluGradOp:
			eluGrad32AVX2(dst, n, a)
		}
	} else {
		dst, a, b, alpha := p64(dst), p64(a), p64(b), float64(alpha)
		switch op {
		case addOp:
			add64AVX2(dst, n, a, b)
		case subOp:
			sub64AVX2(dst, n, a, b)
		case mulOp:
			mul64AVX2(dst, n, a, b)
		case divOp:
			div64AVX2(dst, n, a, b)
		case mulAccOp:
			mulAcc64AVX2(dst, n, a, b)
		case axpyOp:
			axpy64AVX2(dst, n, a, alpha)
		case scaleOp:
			scale64AVX2(dst, n, a, alpha)
		case leakyReLUOp:
			leakyReLU64AVX2(dst, n, a, alpha)
		case leakyGradOp:
			leakyGrad64AVX2(dst, n, a, alpha)
		case tanhGradOp:
			tanhGrad64AVX2(dst, n, a)
		case sigmoidGradOp:
			sigmoidGrad64AVX2(dst, n, a)
		case eluGradOp:
			eluGrad64AVX2(dst, n, a)
		}
	}
	return true
}

// leakyGradSumsAsm does leakyGradSums for the first columns and returns how many these are.
func leakyGradSumsAsm[T Float](dst, dy, y []T, slope T) int {
	if active == goOnly {
		return 0
	}
	m, j, width := len(dst), 0, panelWidth[T]()
	rows := len(dy) / m
	for y = y[:len(dy)]; j+width <= m; j += width {
		if is32[T]() {
			leakyGradSums32AVX2(p32(dst[j:]), p32(dy[j:]), rows, m, p32(y[j:]), float32(slope))
		} else {
			leakyGradSums64AVX2(p64(dst[j:]), p64(dy[j:]), rows, m, p64(y[j:]), float64(slope))
		}
	}
	return j
}

// sumAsm stores the partial sums of Sum over whole blocks of x in sums and returns how many elements these are.
func sumAsm[T Float](sums *[lanes]T, x []T) int {
	blocks := len(x) / lanes
	if active == goOnly || blocks == 0 {
		return 0
	}
	if is32[T]() {
		sum32AVX2((*[lanes]float32)(unsafe.Pointer(sums)), blocks, p32(x))
	} else {
		sum64AVX2((*[lanes]float64)(unsafe.Pointer(sums)), blocks, p64(x))
	}
	return blocks * lanes
}

// dotAsm is sumAsm for Dot.
func dotAsm[T Float](sums *[lanes]T, a, b []T) int {
	blocks := len(a) / lanes
	if active == goOnly || blocks == 0 {
		return 0
	}
	if is32[T]() {
		dot32AVX2((*[lanes]float32)(unsafe.Pointer(sums)), blocks, p32(a), p32(b))
	} else {
		dot64AVX2((*[lanes]float64)(unsafe.Pointer(sums)), blocks, p64(a), p64(b))
	}
	return blocks * lanes
}

// convert32Asm runs Convert32 over whole vectors and returns how many elements these are.
func convert32Asm(dst []float32, src []float64) int {
	if active == goOnly {
		return 0
	}
	n := len(dst) &^ 3
	convert32AVX2(p32(dst), n, p64(src))
	return n
}

// scaleConvert64Asm is convert32Asm for ScaleConvert64.
func scaleConvert64Asm(dst []float64, src []float32, alpha float64) int {
	if active == goOnly {
		return 0
	}
	n := len(dst) &^ 3
	scaleConvert64AVX2(p64(dst), n, p32(src), alpha)
	return n
}

// mathAsm runs op. The rest that fills no vector is computed in a vector of its own.
func mathAsm[T Float](op mathOp, dst, x []T) bool {
	if active == goOnly {
		return false
	}
	n := len(dst) &^ 3
	mathVectors(op, dst[:n], x[:n])
	if n < len(dst) {
		var v [4]T
		copy(v[:], x[n:])
		mathVectors(op, v[:], v[:])
		copy(dst[n:], v[:])
	}
	return true
}

func mathVectors[T Float](op mathOp, dst, x []T) {
	n := len(dst)
	if is32[T]() {
		to, from := p32(dst), p32(x)
		switch op {
		case expOp:
			exp32AVX2(to, n, from)
		case logOp:
			log32AVX2(to, n, from)
		case log1pOp:
			log1p32AVX2(to, n, from)
		case tanhOp:
			tanh32AVX2(to, n, from)
		case sigmoidOp:
			sigmoid32AVX2(to, n, from)
		case softplusOp:
			softplus32AVX2(to, n, from)
		case logSigmoidOp:
			logSigmoid32AVX2(to, n, from)
		case eluOp:
			elu32AVX2(to, n, from)
		}
		return
	}
	to, from := p64(dst), p64(x)
	switch op {
	case expOp:
		exp64AVX2(to, n, from)
	case logOp:
		log64AVX2(to, n, from)
	case log1pOp:
		log1p64AVX2(to, n, from)
	case tanhOp:
		tanh64AVX2(to, n, from)
	case sigmoidOp:
		sigmoid64AVX2(to, n, from)
	case softplusOp:
		softplus64AVX2(to, n, from)
	case logSigmoidOp:
		logSigmoid64AVX2(to, n, from)
	case eluOp:
		elu64AVX2(to, n, from)
	}
}

// adamAsm runs adamGo over whole vectors and returns how many elements these are.
func adamAsm(p, g, m, v []float64, s *AdamStep, rate, root float64) int {
	if active == goOnly {
		return 0
	}
	n := len(p) &^ 3
	adamAVX2(p64(p), n, p64(g), p64(m), p64(v), s.WeightDecay, s.Beta1, 1-s.Beta1, s.Beta2, 1-s.Beta2, rate, root, s.Eps)
	return n
}

// mulAddLoops returns the loops that the processor can run.
func mulAddLoops[T Float]() []func(rounds int) {
	narrow, wide := mulAdds64AVX2, mulAdds64AVX512
	if is32[T]() {
		narrow, wide = mulAdds32AVX2, mulAdds32AVX512
	}
	return []func(rounds int){narrow, wide}[:active]
}
