package ad_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/diff/fd"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// opCase is an operation as a function of its operands, the first of which is the receiver.
type opCase struct {
	f      func(v *ad.Value, more []ad.Operand) []*ad.Value
	shapes [][]shape                 // of the operands, one list for each way to call f
	domain []func(u float64) float64 // of each operand; nil is the whole line
	exact  bool                      // NaN in one element need not show where that element has no influence
}

type shape [2]int

// opCases has an operation under the name of its method, and a slash and the variant where there are several.
// TestOpsAreComplete finds those that are missing.
var opCases = map[string]opCase{
	"Neg":           unary((*ad.Value).Neg),
	"Scale":         unary(func(v *ad.Value) *ad.Value { return v.Scale(-1.5) }),
	"Shift":         unary(func(v *ad.Value) *ad.Value { return v.Shift(2.5) }),
	"Exp":           unary((*ad.Value).Exp),
	"Log":           unary((*ad.Value).Log, positive),
	"Log1p":         unary((*ad.Value).Log1p, positive),
	"Expm1":         unary((*ad.Value).Expm1),
	"Sqrt":          unary((*ad.Value).Sqrt, positive),
	"Square":        unary((*ad.Value).Square),
	"Reciprocal":    unary((*ad.Value).Reciprocal, positive),
	"Abs":           unary((*ad.Value).Abs, awayFromZero),
	"Sin":           unary((*ad.Value).Sin),
	"Cos":           unary((*ad.Value).Cos),
	"Tanh":          unary((*ad.Value).Tanh),
	"Sigmoid":       unary((*ad.Value).Sigmoid),
	"LogSigmoid":    unary((*ad.Value).LogSigmoid),
	"Softplus":      unary((*ad.Value).Softplus),
	"LogNormalCDF":  unary((*ad.Value).LogNormalCDF),
	"NormalOfLogit": unary((*ad.Value).NormalOfLogit),
	"SiLU":          unary((*ad.Value).SiLU),
	"ELU":           unary((*ad.Value).ELU, awayFromZero),
	"ReLU":          unary((*ad.Value).ReLU, awayFromZero),
	"LeakyReLU":     unary(func(v *ad.Value) *ad.Value { return v.LeakyReLU(0.2) }, awayFromZero),
	"Wrap":          unary(func(v *ad.Value) *ad.Value { return v.Wrap(1.5) }),
	"LogIndicator":  unary(func(v *ad.Value) *ad.Value { return v.LogIndicator(0, 1e6) }, positive),
	"Dropout":       unary(func(v *ad.Value) *ad.Value { return v.Dropout(0.5) }), // an evaluation: what training does is in dropout_test.go
	"Dropout/training": unary(func(v *ad.Value) *ad.Value {
		v.Tape().SetTraining(true)
		return v.Dropout(0)
	}),

	"Sum":    unary((*ad.Value).Sum),
	"Mean":   {f: one((*ad.Value).Mean), shapes: [][]shape{{{5, 3}}, {{1, 1}}, {{1, 4}}, {{5, 1}}, {{9, 7}}}},
	"RowSum": unary((*ad.Value).RowSum),
	"RowPolynomial": unary(func(v *ad.Value) *ad.Value {
		return v.RowPolynomial([][]float64{{0.1, 0.5, 6, -0.3, -1}, {0.2, 0, -0.5}})
	}),
	"RowPolynomial/degrees": unary(func(v *ad.Value) *ad.Value {
		return v.RowPolynomial([][]float64{{1, 2}, {0, 1, -1, 0.5}, {1, -1, 0.1, 0.2, -0.3, 0.4}})
	}),
	"RowPolynomial/constant": {f: one(func(v *ad.Value) *ad.Value { return v.RowPolynomial([][]float64{{3}, nil}).Add(v.RowSum()) }), shapes: [][]shape{{{5, 3}}, {{0, 3}}, {{1, 1}}}},
	"ColSum":                 unary((*ad.Value).ColSum),
	"LogSumExp":              {f: one((*ad.Value).LogSumExp), shapes: [][]shape{{{5, 3}}, {{1, 1}}, {{1, 4}}, {{5, 1}}, {{9, 7}}, {{0, 3}}}},
	"LogSoftmax":             {f: one((*ad.Value).LogSoftmax), shapes: [][]shape{{{5, 3}}, {{1, 1}}, {{1, 4}}, {{5, 1}}, {{9, 7}}, {{0, 3}}}},

	"Slice":        {f: one(func(v *ad.Value) *ad.Value { return v.Slice(1, v.Cols()) }), shapes: [][]shape{{{5, 3}}, {{1, 1}}, {{0, 3}}, {{9, 7}}}, exact: true},
	"Slice/all":    unary(func(v *ad.Value) *ad.Value { return v.Slice(0, v.Cols()) }),
	"Columns":      {f: one(func(v *ad.Value) *ad.Value { return v.Columns([]int{2, 0, 2}) }), shapes: [][]shape{{{5, 3}}, {{1, 4}}, {{0, 3}}, {{9, 7}}}, exact: true},
	"Columns/none": unary(func(v *ad.Value) *ad.Value { return v.Columns(nil) }),
	"Scatter":      {f: one(func(v *ad.Value) *ad.Value { return v.Scatter(5, []int{4, 0, 4}) }), shapes: [][]shape{{{5, 3}}, {{1, 3}}, {{0, 3}}}},
	"Repeat":       unary(func(v *ad.Value) *ad.Value { return v.Repeat(3) }),
	"Repeat/none":  unary(func(v *ad.Value) *ad.Value { return v.Repeat(0) }),
	"Transpose":    {f: one((*ad.Value).Transpose), shapes: [][]shape{{{5, 3}}, {{1, 4}}, {{0, 3}}, {{1, 1}}}},
	"Reshape":      {f: one(func(v *ad.Value) *ad.Value { return v.Reshape(v.Cols(), v.Rows()) }), shapes: [][]shape{{{5, 3}}, {{1, 4}}, {{0, 3}}, {{1, 1}}}},
	"Concat": {
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return []*ad.Value{v.Concat(more...)} },
		shapes: [][]shape{{{5, 3}}, {{5, 3}, {5, 2}}, {{5, 1}, {5, 0}, {5, 4}}, {{0, 3}, {0, 1}}, {{1, 2}, {1, 2}, {1, 1}}},
	},

	"Add": binary((*ad.Value).Add),
	"Sub": binary((*ad.Value).Sub),
	"Mul": binary((*ad.Value).Mul),
	"Div": binary((*ad.Value).Div, nil, positive),
	"Max": binary((*ad.Value).Max),
	"Min": binary((*ad.Value).Min),

	"MatMul": {
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return []*ad.Value{v.MatMul(more[0])} },
		shapes: [][]shape{{{5, 3}, {3, 4}}, {{1, 1}, {1, 1}}, {{0, 3}, {3, 4}}, {{5, 1}, {1, 4}}, {{1, 5}, {5, 1}}, {{9, 17}, {17, 11}}, {{5, 3}, {3, 0}}},
	},
	"Linear": {
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return []*ad.Value{v.Linear(more[0], more[1])} },
		shapes: denseShapes,
	},
	"Linear/no bias": {
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return []*ad.Value{v.Linear(more[0], nil)} },
		shapes: [][]shape{{{5, 3}, {4, 3}}, {{0, 3}, {4, 3}}, {{1, 1}, {1, 1}}, {{9, 17}, {11, 17}}},
	},
	"Dense/identity":       dense(ad.Identity, 0),
	"Dense/ReLU":           dense(ad.LeakyReLU, 0),
	"Dense/leaky ReLU":     dense(ad.LeakyReLU, 0.3),
	"Dense/negative slope": dense(ad.LeakyReLU, -0.3),
	"Dense/tanh":           dense(ad.Tanh, 0),
	"Dense/sigmoid":        dense(ad.Sigmoid, 0),
	"Dense/ELU":            dense(ad.ELU, 0),
	"Dense/SiLU":           dense(ad.SiLU, 0),
	"Dense/softplus":       dense(ad.Softplus, 0),

	"Conv2D/zero":     conv(ad.Shape{Height: 3, Width: 2, Channels: 2}, 3, ad.PadZero, ad.Identity, 0),
	"Conv2D/circular": conv(ad.Shape{Height: 2, Width: 3, Channels: 2}, 3, ad.PadCircular, ad.Tanh, 0),
	"Conv2D/1×1":      conv(ad.Shape{Height: 2, Width: 3, Channels: 3}, 1, ad.PadZero, ad.LeakyReLU, 0.3),
	"Conv2D/large":    conv(ad.Shape{Height: 2, Width: 1, Channels: 1}, 5, ad.PadZero, ad.SiLU, 0),
	"Conv2D/wound":    conv(ad.Shape{Height: 1, Width: 2, Channels: 1}, 5, ad.PadCircular, ad.ELU, 0),
	"Conv2D/1 site":   conv(ad.Shape{Height: 1, Width: 1, Channels: 1}, 3, ad.PadZero, ad.Softplus, 0),
	"Conv2D/negative": conv(ad.Shape{Height: 1, Width: 2, Channels: 1}, 3, ad.PadZero, ad.LeakyReLU, -0.3),
	"Conv2D/no bias": {
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			return []*ad.Value{v.Conv2D(ad.Shape{Height: 3, Width: 2, Channels: 1}, more[0], nil, ad.PadCircular, ad.Sigmoid, 0)}
		},
		shapes: [][]shape{{{2, 6}, {2, 9}}, {{0, 6}, {2, 9}}},
	},

	"Where": {
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return []*ad.Value{v.Where(more[0], more[1])} },
		domain: []func(float64) float64{awayFromZero},
		shapes: [][]shape{{{5, 3}, {5, 3}, {5, 3}}, {{1, 1}, {5, 1}, {1, 1}}, {{5, 3}, {1, 3}, {5, 1}}, {{1, 3}, {5, 1}, {5, 3}}, {{1, 1}, {1, 1}, {5, 3}}, {{0, 3}, {1, 3}, {1, 1}}, {{9, 7}, {9, 7}, {9, 7}}},
		exact:  true,
	},
	"RowNorm":        unary((*ad.Value).RowNorm),
	"TanhRoot":       tanhRoot(positive),
	"TanhRoot/steep": tanhRoot(func(u float64) float64 { return 1 + 20*math.Abs(u) }),
	"Inverse":        inverse(both),
	"Inverse/value":  inverse(first),
	"Inverse/logDet": inverse(second),
	"Cholesky":       cholesky,

	"LogAbsDet":             {f: one((*ad.Value).LogAbsDet), shapes: [][]shape{{{5, 4}}, {{1, 1}}, {{0, 9}}, {{4, 9}}, {{2, 36}}}},
	"LogisticMixture":       logisticMixture(both),
	"LogisticMixture/value": logisticMixture(first),
	"LogisticMixture/slope": logisticMixture(second),

	"DeepSigmoid":       deepSigmoid(both),
	"DeepSigmoid/value": deepSigmoid(first),
	"DeepSigmoid/slope": deepSigmoid(second),

	"Swish":       swish(both),
	"Swish/value": swish(first),
	"Swish/slope": swish(second),
	"FixedPoint": {
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			return []*ad.Value{v.FixedPoint(func(x *ad.Value) *ad.Value { return v.Sub(x.MatMul(more[0]).Tanh().Scale(0.1)) })}
		},
		shapes: [][]shape{{{5, 3}, {3, 3}}, {{1, 1}, {1, 1}}, {{0, 3}, {3, 3}}, {{9, 2}, {2, 2}}},
	},
	"Root":         root(1, math.Inf(-1), math.Inf(1)),
	"Root/falling": root(-1, math.Inf(-1), math.Inf(1)),
	"Root/bounded": root(1, -20, 20),

	"SoftClip": unary(func(v *ad.Value) *ad.Value { return v.SoftClip(2) }, awayFromZero),
	"SoftClipOdd": {f: one(func(v *ad.Value) *ad.Value { return v.SoftClipOdd(2) }), domain: []func(float64) float64{awayFromZero},
		shapes: [][]shape{{{5, 4}}, {{1, 2}}, {{9, 8}}, {{0, 4}}, {{3, 0}}}}, // its curvature jumps at 0

	"KickDrift":                  kickDrift(both),
	"KickDrift/points":           kickDrift(first),
	"KickDrift/velocities":       kickDrift(second),
	"AffinePairs":                pairs((*ad.Value).AffinePairs, both),
	"AffinePairs/value":          pairs((*ad.Value).AffinePairs, first),
	"AffinePairs/logDet":         pairs((*ad.Value).AffinePairs, second),
	"AffinePairs/columns":        pairsOf((*ad.Value).AffinePairs, both),
	"AffinePairsInverse/columns": pairsOf((*ad.Value).AffinePairsInverse, both),
	"AffinePairsInverse":         pairs((*ad.Value).AffinePairsInverse, both),
	"AffinePairsInverse/value":   pairs((*ad.Value).AffinePairsInverse, first),
	"AffinePairsInverse/logDet":  pairs((*ad.Value).AffinePairsInverse, second),

	"TriMul/lower":                       triangular((*ad.Value).TriMul, ad.Lower, true),
	"TriMul/lower, no diag":              triangular((*ad.Value).TriMul, ad.Lower, false),
	"TriMul/upper":                       triangular((*ad.Value).TriMul, ad.Upper, true),
	"TriMul/upper, no diag":              triangular((*ad.Value).TriMul, ad.Upper, false),
	"TriMul/lower transposed":            triangular((*ad.Value).TriMul, ad.LowerTransposed, true),
	"TriMul/lower transposed, no diag":   triangular((*ad.Value).TriMul, ad.LowerTransposed, false),
	"TriMul/upper transposed":            triangular((*ad.Value).TriMul, ad.UpperTransposed, true),
	"TriMul/upper transposed, no diag":   triangular((*ad.Value).TriMul, ad.UpperTransposed, false),
	"TriSolve/lower":                     triangular((*ad.Value).TriSolve, ad.Lower, true),
	"TriSolve/lower, no diag":            triangular((*ad.Value).TriSolve, ad.Lower, false),
	"TriSolve/upper":                     triangular((*ad.Value).TriSolve, ad.Upper, true),
	"TriSolve/upper, no diag":            triangular((*ad.Value).TriSolve, ad.Upper, false),
	"TriSolve/lower transposed":          triangular((*ad.Value).TriSolve, ad.LowerTransposed, true),
	"TriSolve/lower transposed, no diag": triangular((*ad.Value).TriSolve, ad.LowerTransposed, false),
	"TriSolve/upper transposed":          triangular((*ad.Value).TriSolve, ad.UpperTransposed, true),
	"TriSolve/upper transposed, no diag": triangular((*ad.Value).TriSolve, ad.UpperTransposed, false),

	"Spline":               spline((*ad.Value).Spline, both),
	"Spline/value":         spline((*ad.Value).Spline, first),
	"Spline/logDet":        spline((*ad.Value).Spline, second),
	"SplineInverse":        spline((*ad.Value).SplineInverse, both),
	"SplineInverse/value":  spline((*ad.Value).SplineInverse, first),
	"SplineInverse/logDet": spline((*ad.Value).SplineInverse, second),
}

// small keeps the inverse of a triangular matrix of many columns near 1.
func small(x float64) float64 { return 0.2 * x }

func positive(u float64) float64 { return 0.2 + math.Abs(u) }

func awayFromZero(u float64) float64 { return u + math.Copysign(0.1, u) }

// one makes a function with one operand and one result fit an opCase.
func one(f func(v *ad.Value) *ad.Value) func(v *ad.Value, more []ad.Operand) []*ad.Value {
	return func(v *ad.Value, _ []ad.Operand) []*ad.Value { return []*ad.Value{f(v)} }
}

func unary(f func(v *ad.Value) *ad.Value, domain ...func(float64) float64) opCase {
	return opCase{f: one(f), domain: domain,
		shapes: [][]shape{{{5, 3}}, {{1, 1}}, {{1, 4}}, {{5, 1}}, {{9, 7}}, {{0, 3}}, {{3, 0}}}}
}

func binary(f func(v *ad.Value, b ad.Operand) *ad.Value, domain ...func(float64) float64) opCase {
	return opCase{
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return []*ad.Value{f(v, more[0])} },
		domain: domain,
		shapes: [][]shape{{{5, 3}, {5, 3}}, {{5, 3}, {1, 3}}, {{5, 3}, {5, 1}}, {{5, 3}, {1, 1}}, {{1, 3}, {5, 3}}, {{5, 1}, {5, 3}},
			{{1, 1}, {5, 3}}, {{1, 3}, {5, 1}}, {{5, 1}, {1, 3}}, {{1, 1}, {1, 1}}, {{0, 3}, {1, 3}}, {{0, 3}, {0, 1}}, {{1, 3}, {0, 3}}, {{3, 0}, {3, 1}}, {{9, 7}, {9, 7}}},
	}
}

var denseShapes = [][]shape{{{5, 3}, {4, 3}, {1, 4}}, {{1, 1}, {1, 1}, {1, 1}}, {{0, 3}, {4, 3}, {1, 4}}, {{5, 1}, {4, 1}, {1, 4}}, {{1, 5}, {1, 5}, {1, 1}}, {{9, 17}, {11, 17}, {1, 11}}, {{5, 0}, {2, 0}, {1, 2}}}

func dense(act ad.Activation, slope float64) opCase {
	return opCase{
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			return []*ad.Value{v.Dense(more[0], more[1], act, slope)}
		},
		shapes: denseShapes,
	}
}

func conv(in ad.Shape, edge int, pad ad.Padding, act ad.Activation, slope float64) opCase {
	k := edge * edge * in.Channels
	return opCase{
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			return []*ad.Value{v.Conv2D(in, more[0], more[1], pad, act, slope)}
		},
		shapes: [][]shape{{{3, in.Size()}, {2, k}, {1, 2}}, {{1, in.Size()}, {9, k}, {1, 9}}, {{0, in.Size()}, {2, k}, {1, 2}}},
	}
}

// both, first and second say which results of an operation the loss depends on.
func both(y, l *ad.Value) []*ad.Value   { return []*ad.Value{y, l} }
func first(y, _ *ad.Value) []*ad.Value  { return []*ad.Value{y} }
func second(_, l *ad.Value) []*ad.Value { return []*ad.Value{l} }

func kickDrift(results func(points, velocities *ad.Value) []*ad.Value) opCase {
	return opCase{
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			return results(v.KickDrift(more[0], more[1], more[2]))
		},
		exact:  true, // points have no part in velocities
		shapes: [][]shape{{{5, 3}, {5, 3}, {5, 3}, {1, 3}}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}}, {{0, 3}, {0, 3}, {0, 3}, {1, 3}}, {{9, 17}, {9, 17}, {9, 17}, {1, 17}}},
	}
}

func pairs(f func(v *ad.Value, p ad.Operand, index []int) (y, l *ad.Value), results func(y, l *ad.Value) []*ad.Value) opCase {
	return opCase{
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return results(f(v, more[0], nil)) },
		shapes: [][]shape{{{5, 3}, {5, 6}}, {{1, 1}, {1, 2}}, {{0, 3}, {0, 6}}, {{9, 7}, {9, 14}}},
		exact:  true,
	}
}

// pairsOf changes two columns of those that there are, and has the operand a second use, whose gradient comes first.
func pairsOf(f func(v *ad.Value, p ad.Operand, index []int) (y, l *ad.Value), results func(y, l *ad.Value) []*ad.Value) opCase {
	return opCase{
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			y, l := f(v, more[0], []int{2, 0})
			return append(results(y, l), v.Square())
		},
		shapes: [][]shape{{{5, 3}, {5, 4}}, {{0, 3}, {0, 4}}, {{9, 7}, {9, 4}}},
	}
}

func tanhRoot(slope func(float64) float64) opCase {
	return opCase{
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return []*ad.Value{v.TanhRoot(more[0])} },
		domain: []func(float64) float64{nil, slope},
		shapes: [][]shape{{{5, 3}, {5, 3}}, {{5, 1}, {1, 1}}, {{5, 3}, {1, 3}}, {{5, 3}, {5, 1}}, {{1, 1}, {1, 1}}, {{0, 3}, {1, 3}}, {{9, 7}, {9, 7}}},
	}
}

// inverse has matrices that are far from singular.
func inverse(results func(y, l *ad.Value) []*ad.Value) opCase {
	return opCase{
		f: func(v *ad.Value, _ []ad.Operand) []*ad.Value {
			d := v.Rows()
			shift := make([]float64, d*d)
			for i := range d {
				shift[i*d+i] = 8
			}
			return results(v.Add(v.Tape().Const(d, d, shift)).Inverse())
		},
		shapes: [][]shape{{{3, 3}}, {{1, 1}}, {{0, 0}}, {{2, 2}}, {{7, 7}}},
		exact:  true,
	}
}

// cholesky has matrices that are positive definite, of which the part above the diagonal is not read.
var cholesky = opCase{
	f: func(v *ad.Value, _ []ad.Operand) []*ad.Value {
		d := v.Rows()
		shift := make([]float64, d*d)
		for i := range d {
			shift[i*d+i] = 8
		}
		return []*ad.Value{v.Scale(1).Add(v.Tape().Const(d, d, shift)).Cholesky()}
	},
	shapes: [][]shape{{{3, 3}}, {{1, 1}}, {{0, 0}}, {{2, 2}}, {{6, 6}}},
	exact:  true,
}

// root solves sign·(x + tanh(sigmoid(p)·x)) = v.
func root(sign, lo, hi float64) opCase {
	return opCase{
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			slope := v.Tape().Full(1, 1, 0).Add(more[0]).Sigmoid()
			return []*ad.Value{v.Root(func(x *ad.Value) *ad.Value { return x.Add(x.Mul(slope).Tanh()).Scale(sign) }, lo, hi)}
		},
		shapes: [][]shape{{{5, 3}, {5, 3}}, {{5, 1}, {1, 1}}, {{5, 3}, {1, 3}}, {{5, 3}, {5, 1}}, {{1, 1}, {1, 1}}, {{0, 3}, {1, 3}}, {{9, 7}, {9, 7}}},
	}
}

// logisticMixture has the rates among its results, on which the value does not depend.
func logisticMixture(results func(y, logSlope *ad.Value) []*ad.Value) opCase {
	return opCase{
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			zero := v.Tape().Full(1, 1, 0)
			return append(results(v.LogisticMixture(zero.Add(more[0]), zero.Add(more[1]))), zero.Add(more[1]))
		},
		shapes: [][]shape{{{5, 3}, {5, 3}, {5, 3}}, {{1, 1}, {1, 1}, {1, 1}}, {{0, 3}, {0, 3}, {0, 3}}, {{9, 8}, {9, 8}, {9, 8}}},
	}
}

// deepSigmoid has two layers.
func deepSigmoid(results func(y, logSlope *ad.Value) []*ad.Value) opCase {
	return opCase{
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			return results(v.DeepSigmoid(v.Tape().Full(1, 1, 0).Add(more[0]), 2, 3))
		},
		shapes: [][]shape{{{5, 1}, {5, 18}}, {{1, 1}, {1, 6}}, {{0, 1}, {0, 12}}, {{70, 1}, {70, 12}}},
	}
}

func swish(results func(y, slope *ad.Value) []*ad.Value) opCase {
	return opCase{
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return results(v.Swish(more[0], more[1])) },
		shapes: [][]shape{{{5, 3}, {1, 1}, {1, 1}}, {{1, 1}, {1, 1}, {1, 1}}, {{0, 3}, {1, 1}, {1, 1}}, {{9, 7}, {1, 1}, {1, 1}}},
	}
}

// triangular is a case of TriMul or TriSolve, with the elements of the triangle alone or all of a matrix.
func triangular(f func(v *ad.Value, half ad.Triangle, strict, diag ad.Operand) *ad.Value, half ad.Triangle, diag bool) opCase {
	c := opCase{
		f: func(v *ad.Value, more []ad.Operand) []*ad.Value {
			if diag {
				return []*ad.Value{f(v, half, more[0], more[1])}
			}
			return []*ad.Value{f(v, half, more[0], nil)}
		},
		domain: []func(float64) float64{nil, small, positive},
		exact:  true,
	}
	for _, s := range []shape{{5, 3}, {1, 1}, {0, 3}, {5, 1}, {9, 6}, {3, 9}, {2, 35}, {0, 9}} {
		d := s[1]
		for _, strict := range []shape{{1, d * (d - 1) / 2}, {d, d}} {
			operands := []shape{s, strict, {1, d}}
			if d == 35 && strict[0] == 35 {
				continue // the same, but slow
			}
			if !diag {
				operands = operands[:2]
			}
			c.shapes = append(c.shapes, operands)
		}
	}
	return c
}

func spline(f func(v *ad.Value, logits ad.Operand, s *ad.Spline) (y, l *ad.Value), results func(y, l *ad.Value) []*ad.Value) opCase {
	s := &ad.Spline{Bins: 4, Tails: []ad.Tail{ad.TailCircular}, Upper: []float64{3}}
	return opCase{
		f:      func(v *ad.Value, more []ad.Operand) []*ad.Value { return results(f(v, more[0], s)) },
		shapes: [][]shape{{{5, 3}, {5, 36}}, {{5, 3}, {1, 36}}, {{1, 1}, {1, 12}}, {{0, 2}, {0, 24}}},
		exact:  true,
	}
}

// operands are the inputs of a call, by rows.
type operands struct {
	shapes []shape
	data   [][]float64
}

// draw returns random operands in the domain of the operation.
func (c opCase) draw(shapes []shape, r *rand.Rand) operands {
	o := operands{shapes: shapes}
	for i, s := range shapes {
		data := make([]float64, s[0]*s[1])
		for k := range data {
			data[k] = r.NormFloat64()
			if i < len(c.domain) && c.domain[i] != nil {
				data[k] = c.domain[i](data[k])
			}
		}
		o.data = append(o.data, data)
	}
	return o
}

func (o operands) clone() operands {
	c := operands{shapes: o.shapes}
	for _, d := range o.data {
		c.data = append(c.data, slices.Clone(d))
	}
	return c
}

// run computes the operation on t and returns the operands and the results.
func (c opCase) run(t *ad.Tape, o operands) (in, out []*ad.Value) {
	var more []ad.Operand
	for i, s := range o.shapes {
		v := t.Variable(s[0], s[1], o.data[i])
		in = append(in, v)
		if i > 0 {
			more = append(more, v)
		}
	}
	return in, c.f(in[0], more)
}

// weighted returns Σ w⊙v over the results v, with the same pseudo-random weights at each call.
func weighted(t *ad.Tape, out []*ad.Value) *ad.Value {
	r, loss := rand.New(rand.NewPCG(3, 4)), t.Full(1, 1, 0)
	for _, v := range out {
		w := make([]float64, v.Rows()*v.Cols())
		for k := range w {
			w[k] = r.NormFloat64()
		}
		loss = loss.Add(v.Mul(t.Const(v.Rows(), v.Cols(), w)).Sum())
	}
	return loss
}

// gradients returns the gradients of the weighted results with respect to the operands.
func (c opCase) gradients(t *ad.Tape, o operands) (grads, results [][]float64) {
	in, out := c.run(t, o)
	t.Backward(weighted(t, out))
	return grad(in), data(out)
}

func grad(values []*ad.Value) (all [][]float64) {
	for _, v := range values {
		all = append(all, v.Grad())
	}
	return all
}

func data(values []*ad.Value) (all [][]float64) {
	for _, v := range values {
		all = append(all, v.Data())
	}
	return all
}

// eachOp runs test for each operation and each list of shapes, with operands of its own.
func eachOp(t *testing.T, test func(t *testing.T, c opCase, o operands)) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(opCases)) {
		c := opCases[name]
		for i, shapes := range c.shapes {
			t.Run(fmt.Sprint(name, shapes), func(t *testing.T) {
				test(t, c, c.draw(shapes, rand.New(rand.NewPCG(uint64(i), uint64(len(name))))))
			})
		}
	}
}

func close(got, want, tol float64) bool {
	return got == want || math.Abs(got-want) <= tol*max(1, math.Abs(want))
}

func compare(t *testing.T, what string, got, want [][]float64, tol float64) {
	t.Helper()
	for i := range want {
		for k := range want[i] {
			if g, w := got[i][k], want[i][k]; !close(g, w, tol) && !(math.IsNaN(g) && math.IsNaN(w)) {
				t.Errorf("%s: element %d of operand %d: got %v, want %v", what, k, i, g, w)
				return
			}
		}
	}
}

// Every exported method of Value that returns a Value is an operation of the table, except Detach and
// DensePart, which have no gradient and tests of their own.
func TestOpsAreComplete(t *testing.T) {
	have := map[string]bool{"Detach": true, "DensePart": true}
	for name := range opCases {
		name, _, _ = strings.Cut(name, "/")
		have[name] = true
	}
	value := reflect.TypeFor[*ad.Value]()
	for m := range value.Methods() {
		if m.Type.NumOut() > 0 && m.Type.Out(0) == value && !have[m.Name] {
			t.Errorf("the operation %s has no case", m.Name)
		}
		delete(have, m.Name)
	}
	for name := range have {
		t.Errorf("the case %s belongs to no method", name)
	}
}

// fivePoint is a central difference with an error of about h⁴, and of 1e-16/h from rounding.
var fivePoint = &fd.Settings{Step: 1e-4, Formula: fd.Formula{Derivative: 1, Step: 1e-4, Stencil: []fd.Point{
	{Loc: -2, Coeff: 1. / 12}, {Loc: -1, Coeff: -8. / 12}, {Loc: 1, Coeff: 8. / 12}, {Loc: 2, Coeff: -1. / 12}}}}

func TestOpGradients(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		got, _ := c.gradients(ad.NewTape(ad.Float64), o)
		eval := ad.NewEvalTape(ad.Float64)
		var want [][]float64
		for i := range o.data {
			p := o.clone()
			want = append(want, fd.Gradient(nil, func(x []float64) float64 {
				eval.Reset()
				copy(p.data[i], x)
				_, out := c.run(eval, p)
				return weighted(eval, out).At(0, 0)
			}, slices.Clone(o.data[i]), fivePoint))
		}
		compare(t, "the gradient", got, want, 1e-8)
	})
}

// A loss that uses a result, or an operand, a second time adds both parts of its gradient.
func TestOpGradientsAddUp(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		want, _ := c.gradients(ad.NewTape(ad.Float64), o)
		tape := ad.NewTape(ad.Float64)
		in, out := c.run(tape, o)
		loss := weighted(tape, out).Add(weighted(tape, out))
		for _, v := range in {
			loss = loss.Add(v.Sum().Scale(0.5))
		}
		tape.Backward(loss)
		for i := range want {
			for k := range want[i] {
				want[i][k] = 2*want[i][k] + 0.5
			}
		}
		compare(t, "the gradient", grad(in), want, 1e-12)
	})
}

// The same value may be all operands of equal size.
func TestOpGradientsOfOneOperand(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		if len(o.shapes) != 2 || o.shapes[0] != o.shapes[1] {
			return
		}
		o.data[0] = o.data[1] // in the domain of both
		parts, results := c.gradients(ad.NewTape(ad.Float64), o)
		tape := ad.NewTape(ad.Float64)
		v := tape.Variable(o.shapes[0][0], o.shapes[0][1], o.data[0])
		out := c.f(v, []ad.Operand{v})
		compare(t, "the result", data(out), results, 0)
		tape.Backward(weighted(tape, out))
		want := slices.Clone(parts[0])
		for k := range want {
			want[k] += parts[1][k]
		}
		if name := t.Name(); strings.Contains(name, "/Max") || strings.Contains(name, "/Min") {
			return // the operands are equal: where the gradient goes is another test
		}
		compare(t, "the gradient", [][]float64{v.Grad()}, [][]float64{want}, 1e-12)
	})
}

// A Param in place of a Value gives the same results and gradients; a frozen one, or a constant, gets none and leaves
// those of the others as they are.
func TestOpOperands(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
			want, results := c.gradients(ad.NewTape(p), o)
			for silent := -1; silent < len(o.shapes); silent++ { // −1: none
				tape := ad.NewTape(p)
				var params []*ad.Param
				var more []ad.Operand
				for i, s := range o.shapes {
					q := ad.NewParam(s[0], s[1], o.data[i])
					q.Frozen = i == silent
					params = append(params, q)
					if i > 0 {
						more = append(more, q)
					}
				}
				out := c.f(tape.Param(params[0]), more)
				compare(t, "the result", data(out), results, 0)
				tape.Backward(weighted(tape, out))
				for i, q := range params {
					if i == silent {
						compare(t, "the gradient of a frozen parameter", [][]float64{q.Grad}, [][]float64{make([]float64, len(q.Grad))}, 0)
					} else {
						compare(t, "the gradient of a parameter", [][]float64{q.Grad}, [][]float64{want[i]}, 0)
					}
				}
			}
		}
	})
}

// float32 agrees with float64 to a few roundings of each of the terms that make up a result.
func TestOpPrecision(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		for i := range o.data {
			for k, x := range o.data[i] {
				o.data[i][k] = float64(float32(x))
			}
		}
		grads, results := c.gradients(ad.NewTape(ad.Float64), o)
		grads32, results32 := c.gradients(ad.NewTape(ad.Float32), o)
		compare(t, "the result", results32, results, 1e-5)
		compare(t, "the gradient", grads32, grads, 1e-4)
	})
}

// A tape that records and one that does not give the same bytes; so does a tape whose memory is full of NaN from before.
func TestOpMemory(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
			grads, results := c.gradients(ad.NewTape(p), o)
			_, out := c.run(ad.NewEvalTape(p), o)
			compare(t, "without gradients", data(out), results, 0)

			tape := ad.NewTape(p)
			for range 3 {
				for range 8 {
					tape.Full(100, 100, math.NaN())
				}
				tape.Reset()
				g, r := c.gradients(tape, o)
				compare(t, "the result on a used tape", r, results, 0)
				compare(t, "the gradient on a used tape", g, grads, 0)
				tape.Reset()
			}
		}
	})
}

// NaN in an operand shows in every element of the result that depends on it.
func TestOpNaN(t *testing.T) {
	eachOp(t, func(t *testing.T, c opCase, o operands) {
		for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
			tape := ad.NewEvalTape(p)
			eval := func(o operands) [][]float64 {
				tape.Reset()
				_, out := c.run(tape, o)
				return data(out)
			}
			base := eval(o)
			for i := range o.data {
				for k := range o.data[i] {
					with := func(x float64) [][]float64 {
						e := o.clone()
						e.data[i][k] = x
						return eval(e)
					}
					spoilt := with(math.NaN())
					shown := false
					for _, x := range []float64{0.5, 1.5, 2.5} {
						for r, row := range with(x) {
							for j, y := range row {
								shown = shown || math.IsNaN(spoilt[r][j])
								if y != base[r][j] && !math.IsNaN(spoilt[r][j]) {
									t.Fatalf("%v: NaN in element %d of operand %d gives %v in element %d of result %d, want NaN", p, k, i, spoilt[r][j], j, r)
								}
							}
						}
					}
					if !shown && !c.exact && len(base[0]) > 0 {
						t.Fatalf("%v: NaN in element %d of operand %d shows nowhere", p, k, i)
					}
				}
			}
		}
	})
}

func TestDetach(t *testing.T) {
	tape := ad.NewTape(ad.Float64)
	x := tape.Variable(2, 2, []float64{1, 2, 3, 4})
	d := x.Detach()
	compare(t, "Detach", data([]*ad.Value{d}), data([]*ad.Value{x}), 0)
	tape.Backward(x.Mul(d).Sum())
	compare(t, "the gradient of x⊙Detach(x)", grad([]*ad.Value{x}), data([]*ad.Value{x}), 0)
}
