package kernel

// Convert32 stores src in dst, rounded to float32. src is at least as long as dst.
func Convert32(dst []float32, src []float64) {
	src = src[:len(dst)]
	done := convert32Asm(dst, src)
	dst, src = dst[done:], src[done:]
	for i, v := range src {
		dst[i] = float32(v)
	}
}

// ScaleConvert64 stores alpha·src in dst. src is at least as long as dst.
func ScaleConvert64(dst []float64, alpha float64, src []float32) {
	src = src[:len(dst)]
	done := scaleConvert64Asm(dst, src, alpha)
	dst, src = dst[done:], src[done:]
	for i, v := range src {
		dst[i] = alpha * float64(v)
	}
}
