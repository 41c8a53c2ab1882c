//go:build (amd64 || arm64) && !purego

package kernel

import "unsafe"

// p32 and p64 return the address of the first element of s, which is of the type in their name.
func p32[T Float](s []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(s))) }
func p64[T Float](s []T) *float64 { return (*float64)(unsafe.Pointer(unsafe.SliceData(s))) }

func is32[T Float]() bool { return unsafe.Sizeof(T(0)) == 4 }

// panelHalf is panel for the columns of b's first half panel; init is a row for all.
func panelHalf[T Float](c []T, ldc int, init, a []T, rsa int, b []T, n, k, cols int, slope T) {
	width := panelWidth[T]()
	if active == goOnly {
		panelGo(c, ldc, init, 0, a, rsa, 1, b, width, n, k, cols, slope)
		return
	}
	_, _, _, _ = c[(n-1)*ldc+cols-1], init[cols-1], a[(n-1)*rsa+k-1], b[(k-1)*width+width/2-1]
	if is32[T]() {
		panel32(p32(c), ldc, p32(init), 0, p32(a), rsa, 1, p32(b), width, n, k, cols, float32(slope))
	} else {
		panel64(p64(c), ldc, p64(init), 0, p64(a), rsa, 1, p64(b), width, n, k, cols, float64(slope))
	}
}

// packTransposed is packTransposedGo for as many columns at a time as fill 32 bytes.
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
			packTransposed32(p32(to), w, p32(from), cs, whole)
		} else {
			packTransposed64(p64(to), w, p64(from), cs, whole)
		}
		for p := whole; p < depth; p++ {
			for r := range lanes {
				to[p*w+r] = from[r*cs+p]
			}
		}
	}
	return j
}

// dotPairs is dotPairsGo over whole blocks of 32 bytes of the rows, four rows at a time. Each of up to three rows that remain is
// passed four times over, with a distance of 0, so that a row's sum does not depend on its place.
func dotPairs[T Float](sums, a []T, lda int, b0, b1 []T, rows, k int) int {
	block := panelWidth[T]() / 4
	if active == goOnly || k < block {
		return dotPairsGo(sums, a, lda, b0, b1, rows, k)
	}
	_, _, _, _ = sums[2*(rows+3)-1], a[(rows-1)*lda+k-1], b0[k-1], b1[k-1]
	call := func(r, count, stride int) {
		if is32[T]() {
			dotPairs32(p32(sums[2*r:]), p32(a[r*lda:]), p32(b0), p32(b1), count, k, stride)
		} else {
			dotPairs64(p64(sums[2*r:]), p64(a[r*lda:]), p64(b0), p64(b1), count, k, stride)
		}
	}
	fours := rows &^ 3
	call(0, fours, lda)
	for r := fours; r < rows; r++ {
		call(r, 4, 0)
	}
	return k / block * block
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
			add32(dst, n, a, b)
		case subOp:
			sub32(dst, n, a, b)
		case mulOp:
			mul32(dst, n, a, b)
		case divOp:
			div32(dst, n, a, b)
		case mulAccOp:
			mulAcc32(dst, n, a, b)
		case axpyOp:
			axpy32(dst, n, a, alpha)
		case scaleOp:
			scale32(dst, n, a, alpha)
		case leakyReLUOp:
			leakyReLU32(dst, n, a, alpha)
		case leakyGradOp:
			leakyGrad32(dst, n, a, alpha)
		case tanhGradOp:
			tanhGrad32(dst, n, a)
		case sigmoidGradOp:
			sigmoidGrad32(dst, n, a)
		case eluGradOp:
			eluGrad32(dst, n, a)
		}
	} else {
		dst, a, b, alpha := p64(dst), p64(a), p64(b), float64(alpha)
		switch op {
		case addOp:
			add64(dst, n, a, b)
		case subOp:
			sub64(dst, n, a, b)
		case mulOp:
			mul64(dst, n, a, b)
		case divOp:
			div64(dst, n, a, b)
		case mulAccOp:
			mulAcc64(dst, n, a, b)
		case axpyOp:
			axpy64(dst, n, a, alpha)
		case scaleOp:
			scale64(dst, n, a, alpha)
		case leakyReLUOp:
			leakyReLU64(dst, n, a, alpha)
		case leakyGradOp:
			leakyGrad64(dst, n, a, alpha)
		case tanhGradOp:
			tanhGrad64(dst, n, a)
		case sigmoidGradOp:
			sigmoidGrad64(dst, n, a)
		case eluGradOp:
			eluGrad64(dst, n, a)
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
			leakyGradSums32(p32(dst[j:]), p32(dy[j:]), rows, m, p32(y[j:]), float32(slope))
		} else {
			leakyGradSums64(p64(dst[j:]), p64(dy[j:]), rows, m, p64(y[j:]), float64(slope))
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
		sum32((*[lanes]float32)(unsafe.Pointer(sums)), blocks, p32(x))
	} else {
		sum64((*[lanes]float64)(unsafe.Pointer(sums)), blocks, p64(x))
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
		dot32((*[lanes]float32)(unsafe.Pointer(sums)), blocks, p32(a), p32(b))
	} else {
		dot64((*[lanes]float64)(unsafe.Pointer(sums)), blocks, p64(a), p64(b))
	}
	return blocks * lanes
}

// convert32Asm runs Convert32 over whole vectors and returns how many elements these are.
func convert32Asm(dst []float32, src []float64) int {
	if active == goOnly {
		return 0
	}
	n := len(dst) &^ 3
	convert32(p32(dst), n, p64(src))
	return n
}

// scaleConvert64Asm is convert32Asm for ScaleConvert64.
func scaleConvert64Asm(dst []float64, src []float32, alpha float64) int {
	if active == goOnly {
		return 0
	}
	n := len(dst) &^ 3
	scaleConvert64(p64(dst), n, p32(src), alpha)
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
			exp32(to, n, from)
		case logOp:
			log32(to, n, from)
		case log1pOp:
			log1p32(to, n, from)
		case tanhOp:
			tanh32(to, n, from)
		case sigmoidOp:
			sigmoid32(to, n, from)
		case softplusOp:
			softplus32(to, n, from)
		case logSigmoidOp:
			logSigmoid32(to, n, from)
		case eluOp:
			elu32(to, n, from)
		}
		return
	}
	to, from := p64(dst), p64(x)
	switch op {
	case expOp:
		exp64(to, n, from)
	case logOp:
		log64(to, n, from)
	case log1pOp:
		log1p64(to, n, from)
	case tanhOp:
		tanh64(to, n, from)
	case sigmoidOp:
		sigmoid64(to, n, from)
	case softplusOp:
		softplus64(to, n, from)
	case logSigmoidOp:
		logSigmoid64(to, n, from)
	case eluOp:
		elu64(to, n, from)
	}
}

// adamAsm runs adamGo over whole vectors and returns how many elements these are.
func adamAsm(p, g, m, v []float64, s *AdamStep, rate, root float64) int {
	if active == goOnly {
		return 0
	}
	n := len(p) &^ 3
	adam(p64(p), n, p64(g), p64(m), p64(v), s.WeightDecay, s.Beta1, 1-s.Beta1, s.Beta2, 1-s.Beta2, rate, root, s.Eps)
	return n
}
