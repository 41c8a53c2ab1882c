package nfkit

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Activation is the function between the linear maps of a network.
type Activation uint8

const (
	ActReLU Activation = iota // x above 0; below it 0, or with the option Leaky, Leaky·x
	ActELU                    // x above 0, eˣ−1 below it
	ActSiLU                   // x·sigmoid(x), also called swish
	ActTanh                   // tanh x
)

// activation is an Activation with the slope of a leaky ReLU.
type activation struct {
	kind  Activation
	leaky float64
}

// newActivation checks the options of a network. It panics when the kind is unknown or the slope has no effect.
func newActivation(caller string, kind Activation, leaky float64) activation {
	switch {
	case kind > ActTanh:
		panic(fmt.Sprintf("nfkit: %s: got activation %d, want one of ActReLU to ActTanh", caller, kind))
	case kind != ActReLU && leaky != 0:
		panic(fmt.Sprintf("nfkit: %s: got Leaky %v with activation %d; only ActReLU has a slope", caller, leaky, kind))
	}
	return activation{kind, leaky}
}

// apply returns act(x).
func (a activation) apply(x *ad.Value) *ad.Value {
	switch a.kind {
	case ActELU:
		return x.ELU()
	case ActSiLU:
		return x.SiLU()
	case ActTanh:
		return x.Tanh()
	}
	return x.LeakyReLU(a.leaky)
}

// dense returns act(x·wᵀ + b) in one operation.
func (a activation) dense(x *ad.Value, l linear) *ad.Value {
	return x.Dense(l.weight, l.bias, a.fused(), a.leaky)
}

// densePart returns outputs lo to hi (excluded) of dense.
func (a activation) densePart(x *ad.Value, l linear, lo, hi int) *ad.Value {
	return x.DensePart(l.weight, l.bias, lo, hi, false, a.fused(), a.leaky)
}

// fused is the activation as an operation of package ad knows it.
func (a activation) fused() ad.Activation {
	return [...]ad.Activation{ActReLU: ad.LeakyReLU, ActELU: ad.ELU, ActSiLU: ad.SiLU, ActTanh: ad.Tanh}[a.kind]
}

// checkDropout panics unless p is the probability of a dropout.
func checkDropout(caller string, p float64) {
	if !(p >= 0 && p < 1) {
		panic(fmt.Sprintf("nfkit: %s: got dropout probability %v, want 0 or more and less than 1", caller, p))
	}
}
