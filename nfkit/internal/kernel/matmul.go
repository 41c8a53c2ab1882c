package kernel

// MulAdd adds the product a·b to c; a is n×k, b k×m, c n×m. c must not overlap a and b. Cost 2nkm flops.
func MulAdd[T Float](c, a, b []T, n, k, m int) {
	mulStrided(c[:n*m], a[:n*k], k, 1, b[:k*m], m, 1, n, k, m, nil, false)
}

// MulTAdd adds the product aᵀ·b to c; a is n×k, b n×m, c k×m. c must not overlap a and b. Cost 2nkm flops.
func MulTAdd[T Float](c, a, b []T, n, k, m int) {
	mulStrided(c[:k*m], a[:n*k], 1, k, b[:n*m], m, 1, k, n, m, nil, false)
}

// MulAddT adds the product a·bᵀ to c; a is n×k, b m×k, c n×m. c must not overlap a and b. Cost 2nkm flops.
func MulAddT[T Float](c, a, b []T, n, k, m int) {
	mulStrided(c[:n*m], a[:n*k], k, 1, b[:m*k], 1, k, n, k, m, nil, false)
}
