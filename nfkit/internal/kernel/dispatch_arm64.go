//go:build arm64 && !purego

package kernel

import "unsafe"

// neon is part of every arm64 processor that Go runs on.
const neon isa = 1

var isaNames = []string{"go", "neon"}

const vectorBytes = 16 // of the first instruction set

func bestISA() isa { return neon }

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
	for j := 0; j < cols; j += width / 2 { // the kernel is as wide as half a panel
		c, init, b, cols := c[j:], init[j:], b[j:], min(cols-j, width/2)
		if is32[T]() {
			panel32NEON(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, p32(b), ldb, n, k, cols, float32(slope))
		} else {
			panel64NEON(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, p64(b), ldb, n, k, cols, float64(slope))
		}
	}
}

// packTransposed is packTransposedGo for four columns at a time.
func packTransposed[T Float](dst, b []T, cs, depth, cols int) int {
	w := panelWidth[T]()
	whole := depth / (w / 8) * (w / 8) // in vectors
	if active == goOnly || whole == 0 || cols < 4 {
		return packTransposedGo(dst, b, cs, depth, cols)
	}
	j := 0
	for ; j+4 <= cols; j += 4 {
		from, to := b[j*cs:], dst[j:]
		_, _ = from[3*cs+depth-1], to[(depth-1)*w+3]
		if is32[T]() {
			packTransposed32NEON(p32(to), w, p32(from), cs, whole)
		} else {
			packTransposed64NEON(p64(to), w, p64(from), cs, whole)
		}
		for p := whole; p < depth; p++ {
			for r := range 4 {
				to[p*w+r] = from[r*cs+p]
			}
		}
	}
	return j
}

// dotPairs is dotPairsGo over whole pairs of vectors of the rows, four rows at a time. Each of up to three rows that remain is
// passed four times over, with a distance of 0, so that a row's sum does not depend on its place.
func dotPairs[T Float](sums, a []T, lda int, b0, b1 []T, rows, k int) int {
	pair := panelWidth[T]() / 4
	if active == goOnly || k < pair {
		return dotPairsGo(sums, a, lda, b0, b1, rows, k)
	}
	_, _, _, _ = sums[2*(rows+3)-1], a[(rows-1)*lda+k-1], b0[k-1], b1[k-1]
	call := func(r, count, stride int) {
		if is32[T]() {
			dotPairs32NEON(p32(sums[2*r:]), p32(a[r*lda:]), p32(b0), p32(b1), count, k, stride)
		} else {
			dotPairs64NEON(p64(sums[2*r:]), p64(a[r*lda:]), p64(b0), p64(b1), count, k, stride)
		}
	}
	fours := rows &^ 3
	call(0, fours, lda)
	for r := fours; r < rows; r++ {
		call(r, 4, 0)
	}
	return k / pair * pair
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
			add32NEON(dst, n, a, b)
		case subOp:
			sub32NEON(dst, n, a, b)
		case mulOp:
			mul32NEON(dst, n, a, b)
		case divOp:
			div32NEON(dst, n, a, b)
		case mulAccOp:
			mulAcc32NEON(dst, n, a, b)
		case axpyOp:
			axpy32NEON(dst, n, a, alpha)
		case scaleOp:
			scale32NEON(dst, n, a, alpha)
		case leakyReLUOp:
			leakyReLU32NEON(dst, n, a, alpha)
		case leakyGradOp:
			leakyGrad32NEON(dst, n, a, alpha)
		case tanhGradOp:
			tanhGrad32NEON(dst, n, a)
		case sigmoidGradOp:
			sigmoidGrad32NEON(dst, n, a)
		case eluGradOp:
			eluGrad32NEON(dst, n, a)
		}
	} else {
		dst, a, b, alpha := p64(dst), p64(a), p64(b), float64(alpha)
		switch op {
		case addOp:
			add64NEON(dst, n, a, b)
		case subOp:
			sub64NEON(dst, n, a, b)
		case mulOp:
			mul64NEON(dst, n, a, b)
		case divOp:
			div64NEON(dst, n, a, b)
		case mulAccOp:
			mulAcc64NEON(dst, n, a, b)
		case axpyOp:
			axpy64NEON(dst, n, a, alpha)
		case scaleOp:
			scale64NEON(dst, n, a, alpha)
		case leakyReLUOp:
			leakyReLU64NEON(dst, n, a, alpha)
		case leakyGradOp:
			leakyGrad64NEON(dst, n, a, alpha)
		case tanhGradOp:
			tanhGrad64NEON(dst, n, a)
		case sigmoidGradOp:
			sigmoidGrad64NEON(dst, n, a)
		case eluGradOp:
			eluGrad64NEON(dst, n, a)
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
			leakyGradSums32NEON(p32(dst[j:]), p32(dy[j:]), rows, m, p32(y[j:]), float32(slope))
		} else {
			leakyGradSums64NEON(p64(dst[j:]), p64(dy[j:]), rows, m, p64(y[j:]), float64(slope))
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
		sum32NEON((*[lanes]float32)(unsafe.Pointer(sums)), blocks, p32(x))
	} else {
		sum64NEON((*[lanes]float64)(unsafe.Pointer(sums)), blocks, p64(x))
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
		dot32NEON((*[lanes]float32)(unsafe.Pointer(sums)), blocks, p32(a), p32(b))
	} else {
		dot64NEON((*[lanes]float64)(unsafe.Pointer(sums)), blocks, p64(a), p64(b))
	}
	return blocks * lanes
}

// convert32Asm runs Convert32 over whole vectors and returns how many elements these are.
func convert32Asm(dst []float32, src []float64) int {
	if active == goOnly {
		return 0
	}
	n := len(dst) &^ 3
	convert32NEON(p32(dst), n, p64(src))
	return n
}

// scaleConvert64Asm is convert32Asm for ScaleConvert64.
func scaleConvert64Asm(dst []float64, src []float32, alpha float64) int {
	if active == goOnly {
		return 0
	}
	n := len(dst) &^ 3
	scaleConvert64NEON(p64(dst), n, p32(src), alpha)
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
			exp32NEON(to, n, from)
		case logOp:
			log32NEON(to, n, from)
		case log1pOp:
			log1p32NEON(to, n, from)
		case tanhOp:
			tanh32NEON(to, n, from)
		case sigmoidOp:
			sigmoid32NEON(to, n, from)
		case softplusOp:
			softplus32NEON(to, n, from)
		case logSigmoidOp:
			logSigmoid32NEON(to, n, from)
		case eluOp:
			elu32NEON(to, n, from)
		}
		return
	}
	to, from := p64(dst), p64(x)
	switch op {
	case expOp:
		exp64NEON(to, n, from)
	case logOp:
		log64NEON(to, n, from)
	case log1pOp:
		log1p64NEON(to, n, from)
	case tanhOp:
		tanh64NEON(to, n, from)
	case sigmoidOp:
		sigmoid64NEON(to, n, from)
	case softplusOp:
		softplus64NEON(to, n, from)
	case logSigmoidOp:
		logSigmoid64NEON(to, n, from)
	case eluOp:
		elu64NEON(to, n, from)
	}
}

// adamAsm runs adamGo over whole vectors and returns how many elements these are.
func adamAsm(p, g, m, v []float64, s *AdamStep, rate, root float64) int {
	if active == goOnly {
		return 0
	}
	n := len(p) &^ 3
	adamNEON(p64(p), n, p64(g), p64(m), p64(v), s.WeightDecay, s.Beta1, 1-s.Beta1, s.Beta2, 1-s.Beta2, rate, root, s.Eps)
	return n
}

// mulAddLoops returns the loops that the processor can run.
func mulAddLoops[T Float]() []func(rounds int) {
	loop := mulAdds64NEON
	if is32[T]() {
		loop = mulAdds32NEON
	}
	return []func(rounds int){loop}[:active]
}
