package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// SoftClip returns v/(1 + |v|/c) of each element: v near 0, and never beyond −c and c, which it gives for infinite elements. Its slope at 0 is 1. It
// panics unless c is a positive number.
func (v *Value) SoftClip(c float64) *Value {
	if !(c > 0) || c-c != 0 {
		panic(fmt.Sprintf("ad: SoftClip: got limit %v, want a positive number", c))
	}
	return v.scalar(softClipOp, c)
}

var softClipOp = &op{name: "SoftClip",
	forward64: softClipForward[float64], backward64: softClipBackward[float64],
	forward32: softClipForward[float32], backward32: softClipBackward[float32]}

func softClipForward[T kernel.Float](v *Value) {
	x, c := of[T](v.args[0]).data, T(v.c)
	y := of[T](v).data[:len(x)]
	for i, x := range x {
		y[i] = clipped(x, c)
	}
}

// clipped returns x/(1 + |x|/c).
func clipped[T kernel.Float](x, c T) T {
	if r := clipFactor(x, c); r != 0 {
		return x * r
	} else if x < 0 {
		return -c
	}
	return c
}

// clipFactor returns 1/(1 + |x|/c).
func clipFactor[T kernel.Float](x, c T) T { return c / (c + T(math.Abs(float64(x)))) }

func softClipBackward[T kernel.Float](v *Value) {
	g, x, dx, c := of[T](v).grad, of[T](v.args[0]).data, gradient[T](v.args[0]), T(v.c)
	x, dx = x[:len(g)], dx[:len(g)]
	for i, g := range g {
		r := clipFactor(x[i], c)
		dx[i] += g * r * r
	}
}

// SoftClipOdd returns v with each element s of its columns 1, 3, 5, … replaced by
//
//	s / (1 + |s|/c),
//
// which is s near 0 and keeps between −c and c: the scales of [Value.AffinePairs] made safe to exponentiate. The other columns stay what they
// are. Its slope at 0 is 1. An infinite s gives ±c. It panics unless c is a positive number and v has an even number of columns. Cost O(nd).
func (v *Value) SoftClipOdd(c float64) *Value {
	if v.cols%2 != 0 || !(c > 0) || c-c != 0 {
		panic(fmt.Sprintf("ad: SoftClipOdd: got limit %v for a %d×%d value, want a positive number and an even number of columns", c, v.rows, v.cols))
	}
	return v.scalar(softClipOddOp, c)
}

var softClipOddOp = &op{name: "SoftClipOdd",
	forward64: softClipOddForward[float64], backward64: softClipOddBackward[float64],
	forward32: softClipOddForward[float32], backward32: softClipOddBackward[float32]}

// The reciprocals give the right limits at 0 and at ±∞.
func softClipOddForward[T kernel.Float](v *Value) {
	y, x, c := of[T](v).data, of[T](v.args[0]).data, 1/T(v.c)
	for k := 1; k < len(x); k += 2 {
		s, r := x[k], c
		if s < 0 {
			r = -c
		}
		y[k-1], y[k] = x[k-1], 1/(1/s+r)
	}
}

func softClipOddBackward[T kernel.Float](v *Value) {
	g, x, dx, c := of[T](v).grad, of[T](v.args[0]).data, gradient[T](v.args[0]), T(v.c)
	for k := 1; k < len(x); k += 2 {
		r := c / (c + max(x[k], -x[k]))
		dx[k-1] += g[k-1]
		dx[k] += g[k] * r * r
	}
}

func init() {
	softClipOp.tangent = slopeTangent(func(x, y *Value) *Value { return x.Abs().Scale(1 / y.c).Shift(1).Reciprocal().Square() })
	softClipOddOp.tangent = slopeTangent(func(x, y *Value) *Value {
		n, k := x.Dims()
		s := x.Reshape(n*k/2, 2).Slice(1, 2)
		slope := s.Abs().Scale(1 / y.c).Shift(1).Reciprocal().Square()
		return x.tape.Full(n*k/2, 1, 1).Concat(slope).Reshape(n, k)
	})
}
