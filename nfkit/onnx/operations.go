package onnx

import (
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// operations are the translations of the operations of package ad, by name. Each returns the tensor of v.
var operations map[string]func(t *translation, v *ad.Value, o ad.Operation) string

func init() { // a translation of an operation translates its operands
	operations = map[string]func(t *translation, v *ad.Value, o ad.Operation) string{
		"Detach": identity, "alias": identity,

		"Add": direct("Add"), "Sub": direct("Sub"), "Mul": direct("Mul"), "Div": direct("Div"),
		"Max": nanFirst("Max"), "Min": nanFirst("Min"),

		"Exp": direct("Exp"), "Log": direct("Log"), "Sqrt": direct("Sqrt"), "Reciprocal": direct("Reciprocal"), "Abs": direct("Abs"),
		"Sin": direct("Sin"), "Cos": direct("Cos"), "Tanh": direct("Tanh"), "Sigmoid": direct("Sigmoid"),
		"Scale":     scalar(func(t *translation, x, c string) string { return t.op("Mul", x, c) }),
		"Shift":     scalar(func(t *translation, x, c string) string { return t.op("Add", x, c) }),
		"LeakyReLU": scalar(func(t *translation, x, c string) string { return t.where(t.positive(x), x, t.op("Mul", x, c)) }),
		"Square":    function(func(t *translation, x string) string { return t.op("Mul", x, x) }),
		"Log1p":     function((*translation).log1p),
		"Expm1":     function((*translation).expm1),
		"Softplus":  function((*translation).softplus),
		"LogSigmoid": function(func(t *translation, x string) string {
			return t.op("Neg", t.softplus(t.op("Neg", x)))
		}),
		"SiLU":      function(func(t *translation, x string) string { return t.op("Mul", x, t.gate(x)) }),
		"SiLUSlope": function((*translation).siluSlope),
		"ELU":       function((*translation).elu),

		"LogNormalCDF":  function((*translation).logNormalCDF),
		"NormalHazard":  function((*translation).normalHazard),
		"NormalOfLogit": function((*translation).normalOfLogit),

		"RowSum":  function(func(t *translation, x string) string { return t.sum(x, 1) }),
		"RowNorm": function(func(t *translation, x string) string { return t.with("ReduceL2", []string{x}, integers("axes", 1)) }),
		"LogSumExp": function(func(t *translation, x string) string {
			return t.with("ReduceLogSumExp", []string{x}, integers("axes", 1))
		}),
		"LogAbsDet": logAbsDet,

		"Slice": slice, "Columns": columns, "Scatter": scatter, "Concat": concat, "Repeat": repeat, "Reshape": reshape,

		"Dense": dense, "MatMul": matMul, "TriMul": triangular(false), "TriSolve": triangular(true),

		"Where": where, "Wrap": wrap, "LogIndicator": logIndicator, "SoftClip": softClip, "SoftClipOdd": softClipOdd, "Swish": swish, "LogisticMixture": logisticMixture,
		"DeepSigmoid": deepSigmoid,
		"AffinePairs": affine(false), "AffinePairsInverse": affine(true),
		"Spline": spline(false), "SplineInverse": spline(true),

		"TanhRoot": tanhRoot, "FixedPoint": fixedPoint, "Root": root,
	}
}

type translator = func(t *translation, v *ad.Value, o ad.Operation) string

// direct makes the translation of an operation that ONNX has.
func direct(kind string) translator {
	return func(t *translation, _ *ad.Value, o ad.Operation) string {
		var inputs []string
		for _, a := range o.Args {
			inputs = append(inputs, t.value(a))
		}
		return t.op(kind, inputs...)
	}
}

// function makes the translation of a function of one operand.
func function(f func(t *translation, x string) string) translator {
	return func(t *translation, _ *ad.Value, o ad.Operation) string { return f(t, t.value(o.Args[0])) }
}

// scalar makes the translation of a function of one operand and a number.
func scalar(f func(t *translation, x, c string) string) translator {
	return func(t *translation, _ *ad.Value, o ad.Operation) string {
		return f(t, t.value(o.Args[0]), t.number(o.Number))
	}
}

func identity(t *translation, _ *ad.Value, o ad.Operation) string { return t.value(o.Args[0]) }

// nanFirst makes the translation of Max or Min, which ONNX leaves undefined for NaN: a sum of operands has it.
func nanFirst(kind string) translator {
	return func(t *translation, _ *ad.Value, o ad.Operation) string {
		a, b := t.value(o.Args[0]), t.value(o.Args[1])
		choice := t.op("Greater", a, b)
		if kind == "Min" {
			choice = t.op("Less", a, b)
		}
		return t.where(t.op("IsNaN", a), a, t.where(choice, a, b))
	}
}

func (t *translation) where(condition, then, otherwise string) string {
	return t.op("Where", condition, then, otherwise)
}

func (t *translation) positive(x string) string { return t.op("Greater", x, t.number(0)) }

// log1p is x·ln(u)/(u−1) with u = 1+x as it is rounded, and x where u is 1: the two errors cancel. Goldberg 1991, doi:10.1145/103162.103163, theorem 4.
// For u = ∞ it is ∞.
func (t *translation) log1p(x string) string {
	one := t.number(1)
	u := t.op("Add", x, one)
	past := t.op("Sub", u, one)
	accurate := t.op("Mul", t.op("Log", u), t.op("Div", x, past))
	small := t.op("Equal", past, t.number(0))
	return t.where(small, x, t.where(t.op("Equal", u, t.number(inf)), u, accurate))
}

// expm1 is (u−1)·x/ln(u) with u = eˣ as it is rounded, x where u is 1, and u−1 where the quotient is not needed.
func (t *translation) expm1(x string) string {
	one := t.number(1)
	u := t.op("Exp", x)
	past := t.op("Sub", u, one)
	accurate := t.op("Mul", past, t.op("Div", x, t.op("Log", u)))
	near := t.op("Less", t.op("Abs", x), one)
	return t.where(t.op("Equal", u, one), x, t.where(near, accurate, past))
}

// softplus is max(x, 0) + ln(1+e^−|x|).
func (t *translation) softplus(x string) string {
	return t.op("Add", t.op("Relu", x), t.log1p(t.op("Exp", t.op("Neg", t.op("Abs", x)))))
}

func (t *translation) elu(x string) string { return t.where(t.positive(x), x, t.expm1(x)) }

// gate is a Sigmoid to multiply by: ONNX Runtime 1.30 takes the product of x and its Sigmoid together to a node that it does not have in float64.
func (t *translation) gate(x string) string {
	return t.op("Reciprocal", t.op("Add", t.op("Exp", t.op("Neg", x)), t.number(1)))
}

// siluSlope returns q·(1 + x·(1−q)) with q = sigmoid(x).
func (t *translation) siluSlope(x string) string {
	q, one := t.gate(x), t.number(1)
	return t.op("Mul", q, t.op("Add", one, t.op("Mul", x, t.op("Sub", one, q))))
}

func where(t *translation, _ *ad.Value, o ad.Operation) string {
	c := t.value(o.Args[2])
	chosen := t.where(t.positive(c), t.value(o.Args[0]), t.value(o.Args[1]))
	return t.where(t.op("IsNaN", c), c, chosen)
}

func wrap(t *translation, _ *ad.Value, o ad.Operation) string {
	bound, turn := t.number(o.Number), t.number(2*o.Number)
	x := t.with("Mod", []string{t.value(o.Args[0]), turn}, integer("fmod", 1))
	x = t.where(t.op("GreaterOrEqual", x, bound), t.op("Sub", x, turn), x)
	return t.where(t.op("Less", x, t.op("Neg", bound)), t.op("Add", x, turn), x)
}

func logIndicator(t *translation, _ *ad.Value, o ad.Operation) string {
	x := t.value(o.Args[0])
	outside := t.op("Or", t.op("Less", x, t.number(o.Number)), t.op("Greater", x, t.number(o.Upper)))
	return t.where(outside, t.number(-inf), t.where(t.op("IsNaN", x), x, t.number(0)))
}

func softClip(t *translation, _ *ad.Value, o ad.Operation) string {
	return t.clipped(t.value(o.Args[0]), o.Number)
}

// clipped returns x/(1 + |x|/c), by reciprocals, which give the right limits at 0 and at ±∞.
func (t *translation) clipped(x string, c float64) string {
	limit := t.where(t.op("Less", x, t.number(0)), t.number(-1/c), t.number(1/c))
	return t.op("Reciprocal", t.op("Add", t.op("Reciprocal", x), limit))
}

// softClipOdd clips the columns with odd numbers.
func softClipOdd(t *translation, v *ad.Value, o ad.Operation) string {
	x := t.value(o.Args[0])
	odd := make([]float64, v.Cols())
	for j := 1; j < len(odd); j += 2 {
		odd[j] = 1
	}
	return t.where(t.positive(t.numbers(odd, 1, len(odd))), t.clipped(x, o.Number), x)
}

func swish(t *translation, _ *ad.Value, o ad.Operation) string {
	x, beta, gain := t.value(o.Args[0]), t.value(o.Args[1]), t.value(o.Args[2])
	z := t.op("Mul", beta, x)
	q := t.gate(z)
	rest := t.op("Mul", t.op("Mul", z, q), t.op("Sub", t.number(1), q))
	t.second(o, t.op("Mul", gain, t.op("Add", q, rest)))
	return t.op("Mul", gain, t.op("Mul", x, q))
}

func logisticMixture(t *translation, _ *ad.Value, o ad.Operation) string {
	y, logSlope := t.logisticMixture(t.value(o.Args[0]), t.value(o.Args[1]), t.value(o.Args[2]))
	t.second(o, logSlope)
	return y
}

func (t *translation) logisticMixture(logits, a, logRate string) (y, logSlope string) {
	logSum := func(x string) string { return t.with("ReduceLogSumExp", []string{x}, integers("axes", 1)) }
	below, above := t.op("Neg", t.softplus(t.op("Neg", a))), t.op("Neg", t.softplus(a))
	cdf, tail := logSum(t.op("Add", logits, below)), logSum(t.op("Add", logits, above))
	density := logSum(t.op("Add", t.op("Add", logits, logRate), t.op("Add", below, above)))
	return t.op("Sub", cdf, tail), t.op("Sub", t.op("Add", density, logSum(logits)), t.op("Add", cdf, tail))
}

func deepSigmoid(t *translation, _ *ad.Value, o ad.Operation) string {
	y, params, layers := t.value(o.Args[0]), t.value(o.Args[1]), int(o.Number)
	m := o.Args[1].Cols() / (3 * layers)
	var logSlope string
	for l := range layers {
		part := func(k int) string { return t.slice(params, 1, (3*l+k)*m, (3*l+k+1)*m) }
		logRate := t.clipped(part(1), o.Upper)
		var s string
		y, s = t.logisticMixture(part(0), t.op("Add", t.op("Mul", t.op("Exp", logRate), y), part(2)), logRate)
		if logSlope == "" {
			logSlope = s
		} else {
			logSlope = t.op("Add", logSlope, s)
		}
	}
	t.second(o, logSlope)
	return y
}

// affine makes the translation of AffinePairs, or of its inverse.
func affine(inverse bool) translator {
	return func(t *translation, v *ad.Value, o ad.Operation) string {
		x, pairs := t.full(o.Args[0]), t.full(o.Args[1])
		index, d := o.Index, v.Cols()
		if index == nil {
			index = count(d)
		}
		var even, odd []int
		for k := range index {
			even, odd = append(even, 2*k), append(odd, 2*k+1)
		}
		shift, s := t.gather(pairs, 1, even), t.gather(pairs, 1, odd)
		changed := x
		if o.Index != nil {
			changed = t.gather(x, 1, index)
		}
		logDet := t.sum(s, 1)
		if inverse {
			changed = t.op("Mul", t.op("Sub", changed, shift), t.op("Exp", t.op("Neg", s)))
			logDet = t.op("Neg", logDet)
		} else {
			changed = t.op("Add", t.op("Mul", changed, t.op("Exp", s)), shift)
		}
		t.second(o, logDet)
		if o.Index == nil {
			return changed
		}
		from := count(d) // of x, and the changed ones behind
		for k, j := range index {
			from[j] = d + k
		}
		return t.gather(t.concat(1, x, changed), 1, from)
	}
}

// count returns 0, 1, … n−1.
func count(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
