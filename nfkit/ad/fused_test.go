package ad_test

import (
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// A fused operation and its composition from simple ones: results and gradients agree to rounding.
func TestFusedOps(t *testing.T) {
	activations := map[string]func(v *ad.Value) *ad.Value{
		"Dense/identity":       func(v *ad.Value) *ad.Value { return v },
		"Dense/ReLU":           (*ad.Value).ReLU,
		"Dense/leaky ReLU":     func(v *ad.Value) *ad.Value { return v.LeakyReLU(0.3) },
		"Dense/negative slope": func(v *ad.Value) *ad.Value { return v.LeakyReLU(-0.3) },
		"Dense/tanh":           (*ad.Value).Tanh,
		"Dense/sigmoid":        (*ad.Value).Sigmoid,
		"Dense/ELU":            (*ad.Value).ELU,
		"Dense/SiLU":           (*ad.Value).SiLU,
		"Dense/softplus":       (*ad.Value).Softplus,
	}
	composed := map[string]func(v *ad.Value, more []ad.Operand) []*ad.Value{
		"KickDrift": func(v *ad.Value, more []ad.Operand) []*ad.Value {
			w := more[1].(*ad.Value).Mul(more[2]).Add(more[0])
			return []*ad.Value{v.Add(w), w}
		},
		"RowPolynomial": func(v *ad.Value, _ []ad.Operand) []*ad.Value {
			y := v.Tape().Full(v.Rows(), 1, 0)
			for j := range v.Cols() {
				x := v.Slice(j, j+1)
				if j%2 == 0 {
					y = y.Add(x.Scale(0.5).Add(x.Square().Scale(6)).Sub(x.Mul(x.Square()).Scale(0.3)).Sub(x.Square().Square()).Shift(0.1))
				} else {
					y = y.Add(x.Square().Scale(-0.5).Shift(0.2))
				}
			}
			return []*ad.Value{y}
		},
		"AffinePairs": func(v *ad.Value, more []ad.Operand) []*ad.Value {
			shift, scale := split(more[0].(*ad.Value))
			return []*ad.Value{v.Mul(scale.Exp()).Add(shift), scale.RowSum()}
		},
		"AffinePairsInverse": func(v *ad.Value, more []ad.Operand) []*ad.Value {
			shift, scale := split(more[0].(*ad.Value))
			return []*ad.Value{v.Sub(shift).Mul(scale.Neg().Exp()), scale.RowSum().Neg()}
		},
		"AffinePairs/columns": func(v *ad.Value, more []ad.Operand) []*ad.Value {
			shift, scale := split(more[0].(*ad.Value))
			changed := v.Columns([]int{2, 0}).Mul(scale.Exp()).Add(shift)
			return []*ad.Value{onto(v, changed), scale.RowSum(), v.Square()}
		},
		"AffinePairsInverse/columns": func(v *ad.Value, more []ad.Operand) []*ad.Value {
			shift, scale := split(more[0].(*ad.Value))
			changed := v.Columns([]int{2, 0}).Sub(shift).Mul(scale.Neg().Exp())
			return []*ad.Value{onto(v, changed), scale.RowSum().Neg(), v.Square()}
		},
	}
	for name, f := range activations {
		composed[name] = func(v *ad.Value, more []ad.Operand) []*ad.Value {
			w := more[0].(*ad.Value)
			y := v.Tape().Full(v.Rows(), w.Rows(), 0)
			for j := range w.Cols() { // v·wᵀ as a sum of products of a column and a row
				y = y.Add(v.Slice(j, j+1).Mul(w.Slice(j, j+1).Reshape(1, w.Rows())))
			}
			return []*ad.Value{f(y.Add(more[1]))}
		}
	}
	for name, half := range map[string]ad.Triangle{"lower": ad.Lower, "upper": ad.Upper, "lower transposed": ad.LowerTransposed, "upper transposed": ad.UpperTransposed} {
		for _, diag := range []string{"", ", no diag"} {
			composed["TriMul/"+name+diag] = func(v *ad.Value, more []ad.Operand) []*ad.Value {
				return []*ad.Value{v.Linear(triangle(v.Tape(), v.Cols(), half, more), nil)}
			}
			composed["TriSolve/"+name+diag] = func(v *ad.Value, more []ad.Operand) []*ad.Value {
				return []*ad.Value{v.MatMul(transposedInverse(triangle(v.Tape(), v.Cols(), half, more)))}
			}
		}
	}
	for name, f := range composed {
		c := opCases[name]
		simple := c
		simple.f = f
		for i, shapes := range c.shapes {
			o := c.draw(shapes, newRand())
			grads, results := c.gradients(ad.NewTape(ad.Float64), o)
			wantGrads, wantResults := simple.gradients(ad.NewTape(ad.Float64), o)
			compare(t, name+": the result", results, wantResults, 1e-11)
			if name[:4] != "TriS" { // the composition holds the inverse constant
				compare(t, name+": the gradient", grads, wantGrads, 1e-11)
			}
			if t.Failed() {
				t.Fatalf("%s with shapes %v", name, c.shapes[i])
			}
		}
	}
}

// split returns the even and the odd columns.
func split(pairs *ad.Value) (even, odd *ad.Value) {
	var e, o []int
	for j := 0; j < pairs.Cols(); j += 2 {
		e, o = append(e, j), append(o, j+1)
	}
	return pairs.Columns(e), pairs.Columns(o)
}

// triangle returns the matrix whose elements are operands of TriMul.
func triangle(t *ad.Tape, d int, half ad.Triangle, operands []ad.Operand) *ad.Value {
	upper, transposed := half == ad.Upper || half == ad.UpperTransposed, half >= ad.LowerTransposed
	var at, to, diagonal []int
	for i := range d {
		diagonal = append(diagonal, i*d+i)
		for j := range d {
			if !upper && j < i || upper && j > i {
				at, to = append(at, i*d+j), append(to, i*d+j)
				if transposed {
					to[len(to)-1] = j*d + i
				}
			}
		}
	}
	strict := operands[0].(*ad.Value)
	if strict.Rows() == d && strict.Cols() == d {
		strict = strict.Reshape(1, d*d).Columns(at)
	}
	m := strict.Reshape(1, len(at)).Scatter(d*d, to)
	if len(operands) > 1 {
		return m.Add(operands[1].(*ad.Value).Scatter(d*d, diagonal)).Reshape(d, d)
	}
	return m.Add(t.Full(1, d, 1).Scatter(d*d, diagonal)).Reshape(d, d)
}

// transposedInverse returns the transpose of the inverse of m, as a constant.
func transposedInverse(m *ad.Value) *ad.Value {
	var inverse mat.Dense
	if err := inverse.Inverse(m.Matrix()); err != nil {
		panic(err)
	}
	return m.Tape().Matrix(mat.DenseCopyOf(inverse.T()))
}

// onto returns v with columns 2 and 0 changed to those given.
func onto(v, changed *ad.Value) *ad.Value {
	y := changed.Slice(1, 2).Concat(v.Slice(1, 2), changed.Slice(0, 1))
	return y.Concat(v.Slice(3, v.Cols()))
}
