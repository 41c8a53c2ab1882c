package kernel

import "fmt"

// Activation is the function that Dense applies to each output. Its derivative must follow from its value, so
// that the pre-activation need not be kept; functions such as SiLU, where it does not, are left to the caller.
type Activation uint8

const (
	ActIdentity  Activation = iota
	ActLeakyReLU            // z for z > 0, else slope·z with slope ≥ 0; ReLU is slope 0
	ActTanh
	ActSigmoid
	ActELU      // z for z > 0, else e^z − 1
	ActSoftplus // ln(1 + e^z)
)

// activate applies act to y in place. LeakyReLU is applied by the product already.
func activate[T Float](y []T, act Activation) {
	switch act {
	case ActIdentity, ActLeakyReLU:
	case ActTanh:
		Tanh(y, y)
	case ActSigmoid:
		Sigmoid(y, y)
	case ActELU:
		ELU(y, y)
	case ActSoftplus:
		Softplus(y, y)
	default:
		panic(fmt.Sprintf("nfkit: kernel.Dense: got activation %d, want one of the Act constants", act))
	}
}

// activationGrad multiplies dy by act'(z), which it computes from y = act(z). At the kinks of LeakyReLU and ELU
// it takes the derivative from the left, as PyTorch does.
func activationGrad[T Float](dy, y []T, act Activation, slope T) {
	y = y[:len(dy)]
	switch act {
	case ActIdentity:
	case ActLeakyReLU:
		LeakyGrad(dy, y, slope)
	case ActTanh:
		tanhGrad(dy, y)
	case ActSigmoid:
		sigmoidGrad(dy, y)
	case ActELU:
		eluGrad(dy, y)
	case ActSoftplus:
		softplusGrad(dy, y)
	default:
		panic(fmt.Sprintf("nfkit: kernel.DenseBackward: got activation %d, want one of the Act constants", act))
	}
}

// LeakyReLU stores x where x > 0 and slope·x elsewhere in dst.
func LeakyReLU[T Float](dst, x []T, slope T) {
	x = x[:len(dst)]
	if arithAsm(leakyReLUOp, dst, x, nil, slope) {
		return
	}
	for i, v := range x {
		if !(v > 0) {
			v *= slope
		}
		dst[i] = v
	}
}

// LeakyGrad multiplies dy by 1 where y > 0 and by slope elsewhere.
func LeakyGrad[T Float](dy, y []T, slope T) {
	if arithAsm(leakyGradOp, dy, y, nil, slope) {
		return
	}
	for i, v := range y {
		if !(v > 0) {
			dy[i] *= slope
		}
	}
}

// tanhGrad multiplies dy by 1 − y².
func tanhGrad[T Float](dy, y []T) {
	if arithAsm(tanhGradOp, dy, y, nil, 0) {
		return
	}
	for i, v := range y {
		dy[i] *= 1 - T(v*v)
	}
}

// sigmoidGrad multiplies dy by y·(1 − y).
func sigmoidGrad[T Float](dy, y []T) {
	if arithAsm(sigmoidGradOp, dy, y, nil, 0) {
		return
	}
	for i, v := range y {
		dy[i] *= T(v * (1 - v))
	}
}

// eluGrad multiplies dy by 1 where y > 0 and by y + 1 elsewhere.
func eluGrad[T Float](dy, y []T) {
	if arithAsm(eluGradOp, dy, y, nil, 0) {
		return
	}
	for i, v := range y {
		if !(v > 0) {
			dy[i] *= v + 1
		}
	}
}

// softplusGrad multiplies dy by σ(z) = 1 − e^−y.
func softplusGrad[T Float](dy, y []T) {
	var buffer [128]T
	for len(y) > 0 {
		t := buffer[:min(len(buffer), len(y))]
		Scale(t, -1, y)
		ELU(t, t) // e^−y − 1, as −y ≤ 0
		for i, v := range t {
			dy[i] *= -v
		}
		dy, y = dy[len(t):], y[len(t):]
	}
}
