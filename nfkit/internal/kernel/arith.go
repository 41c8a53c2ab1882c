package kernel

// The functions of this file work element by element. dst may be any of the inputs, but must not overlap one in
// another way. The inputs are at least as long as dst. Products are rounded before they are added, with and
// without assembly, so that all builds give the same bytes.

// arithOp names an element-wise operation that has assembly.
type arithOp uint8

const (
	addOp arithOp = iota
	subOp
	mulOp
	divOp
	mulAccOp
	axpyOp
	scaleOp
	leakyReLUOp
	leakyGradOp
	tanhGradOp
	sigmoidGradOp
	eluGradOp
)

// Add stores a + b in dst.
func Add[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if arithAsm(addOp, dst, a, b, 0) {
		return
	}
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Sub stores a − b in dst.
func Sub[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if arithAsm(subOp, dst, a, b, 0) {
		return
	}
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// Mul stores a·b in dst.
func Mul[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if arithAsm(mulOp, dst, a, b, 0) {
		return
	}
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// Div stores a/b in dst.
func Div[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if arithAsm(divOp, dst, a, b, 0) {
		return
	}
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

// MulAcc adds a·b to dst.
func MulAcc[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if arithAsm(mulAccOp, dst, a, b, 0) {
		return
	}
	for i := range dst {
		dst[i] += T(a[i] * b[i])
	}
}

// Axpy adds alpha·x to dst.
func Axpy[T Float](dst []T, alpha T, x []T) {
	x = x[:len(dst)]
	if arithAsm(axpyOp, dst, x, nil, alpha) {
		return
	}
	for i := range dst {
		dst[i] += T(alpha * x[i])
	}
}

// Scale stores alpha·x in dst.
func Scale[T Float](dst []T, alpha T, x []T) {
	x = x[:len(dst)]
	if arithAsm(scaleOp, dst, x, nil, alpha) {
		return
	}
	for i := range dst {
		dst[i] = alpha * x[i]
	}
}

// lanes is the number of partial sums of Sum and Dot: element i goes to sum i mod lanes, and at the end sum l+h is
// added to sum l for h = 8, 4, 2, 1. This order is the same in every build.
const lanes = 16

// Sum returns the sum of x, in the order that lanes describes.
func Sum[T Float](x []T) T {
	var s [lanes]T
	x = x[sumAsm(&s, x):]
	for len(x) >= lanes {
		for l, v := range x[:lanes] {
			s[l] += v
		}
		x = x[lanes:]
	}
	for l, v := range x {
		s[l] += v
	}
	return foldLanes(&s)
}

// Dot returns the sum of a·b over the elements of a, in the order that lanes describes. b is at least as long as a.
func Dot[T Float](a, b []T) T {
	var s [lanes]T
	b = b[:len(a)]
	done := dotAsm(&s, a, b)
	a, b = a[done:], b[done:]
	for len(a) >= lanes && len(b) >= lanes {
		x, y := a[:lanes], b[:lanes]
		for l := range s {
			s[l] += T(x[l] * y[l])
		}
		a, b = a[lanes:], b[lanes:]
	}
	for l, v := range a {
		s[l] += T(v * b[l])
	}
	return foldLanes(&s)
}

func foldLanes[T Float](s *[lanes]T) T {
	for h := lanes / 2; h > 0; h /= 2 {
		for l := range h {
			s[l] += s[l+h]
		}
	}
	return s[0]
}
