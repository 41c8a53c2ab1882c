// Package ad differentiates functions of batches.
//
// A [Value] is an n×c matrix, stored by rows, that some operation computed on a [Tape]. A row is a point
// of the batch; operations treat rows independently unless they say otherwise. Operations run at once; the
// tape remembers them, and [Tape.Backward] walks them in reverse and adds up gradients.
//
//	t := ad.NewTape(ad.Float64)
//	x := t.Variable(2, 1, []float64{3, 4})
//	y := x.Square().Mul(scale).Sum() // scale is an *ad.Param
//	t.Backward(y)
//	fmt.Println(x.Grad(), scale.Grad)
//
// # Operands
//
// An operation takes its further arguments as [Operand]: a *[Value] of the same tape, or a *[Param]. A flow
// keeps its parameters as Params and writes z.Mul(f.scale); no tape is passed around. An expression that begins with a
// parameter begins with [Param.On]: f.logScale.On(z).Exp(). Sizes broadcast as in NumPy: a dimension of 1 is repeated,
// so an n×c value can be added to a 1×c row, an n×1 column or a 1×1 number.
//
// # Operations
//
// v is the receiver, a, b, w, … are operands, c is a float64, and i and j number rows and columns.
//
//	Add Sub Mul Div            v + b, v − b, v⊙b, v/b                    element by element, broadcast
//	Max Min                    max(v, b), min(v, b)                      the same
//	Where                      a where v > 0, b elsewhere                the same
//	Scale Shift Neg            c·v, v + c, −v
//	Square Sqrt Reciprocal Abs v², √v, 1/v, |v|
//	Exp Expm1 Log Log1p        eᵛ, eᵛ−1, ln v, ln(1+v)
//	Sin Cos Tanh               sin v, cos v, tanh v
//	Sigmoid LogSigmoid         σ(v) = 1/(1+e⁻ᵛ), ln σ(v)
//	Softplus SiLU              ln(1+eᵛ), v·σ(v)
//	LogNormalCDF NormalOfLogit ln Φ(v), y with Φ(y) = σ(v)
//	ReLU LeakyReLU ELU         v where v > 0; elsewhere 0, c·v, eᵛ−1
//	Wrap                       v − 2c·k, k such that it is in [−c, c)
//	LogIndicator               0 in an interval, −Inf outside
//	Dropout                    v⊙mask/(1−p) in training
//	Sum Mean                   Σᵢⱼ vᵢⱼ, and over the number of elements  1×1
//	RowSum RowNorm             Σⱼ vᵢⱼ, √Σⱼ vᵢⱼ²                          n×1
//	LogSumExp LogSoftmax       ln Σⱼ e^vᵢⱼ, v minus that                 n×1, n×c
//	ColSum                     Σᵢ vᵢⱼ                                    1×c
//	Linear Dense               v·wᵀ + b, act(v·wᵀ + b)                   n×m for w m×c
//	Conv2D                     act(w ∗ v + b) on grids                  rows are grids, see Shape
//	MatMul                     v·b
//	Slice Columns Concat       columns lo to hi, by number, side by side
//	Scatter                    columns to the places with given numbers
//	Repeat Reshape Transpose   each row n times, other sizes, vᵀ
//	Inverse Cholesky           V⁻¹ and ln|det V|, L with L·Lᵀ = V        of one matrix
//	FixedPoint                 x = f(x), row by row                      f a contraction
//	Root                       f(x) = v, element by element              f monotone
//	Detach                     v as a constant
//
// These are made for layers of package nfkit, fused because a training step of a flow spends its time there, or solved
// by a method of their own because it is faster than Root. Each equals, up to rounding, an expression of the ones
// above; they are as good for other layers.
//
//	RowPolynomial              Σⱼ p(vᵢⱼ), n×1, for a polynomial p        energies of particles
//	KickDrift                  v + w + f⊙k, w + f⊙k                      leapfrog steps
//	AffinePairs                v·eˢ + t for pairs t, s, and Σ s          couplings, autoregressive flows
//	AffinePairsInverse         (v − t)·e⁻ˢ, −Σ s
//	Spline SplineInverse       rational-quadratic splines, ln|det J|     neural spline flows
//	TriMul TriSolve            T·x, T⁻¹·x for each row x, T triangular   LU-decomposed linear maps
//	DensePart SetColumns       some outputs of Dense, in place           what is solved for column by column; no gradients
//	LogAbsDet                  ln|det A| for each row, a d×d matrix A    residual flows
//	Swish                      c·v·σ(b·v) and its derivative             Lipschitz networks
//	LogisticMixture            logit Σⱼ πⱼ·σ(aⱼ), ln of its derivative    Flow++, dense sigmoidal flows
//	DeepSigmoid                networks of LogisticMixture              neural autoregressive flows
//	TanhRoot                   s + (b−1)·tanh s = v                      planar flows, backwards
//
// # Derivatives as values
//
// [Tape.Backward] ends a computation. Derivatives can also be part of one, on any tape, evaluations included: [JVP]
// gives the product of a Jacobian with a direction (traces of vector fields, log-determinants), [RowGradient] the
// gradient of a scalar of each row (scores, forces). They are values like others, through which gradients flow, and can
// be nested.
//
// # Noise
//
// [Tape.Normal], [Tape.Uniform], [Tape.Rademacher] and [Value.Dropout] draw numbers that follow from the seed of the
// tape, the number of the call since, and the number of the row in the batch, and from nothing else: a batch has the
// same noise for any number of cores and any shards.
//
// # Gradients
//
// Backward sets the gradients of values, which [Value.Grad] copies, and adds to Grad of each [Param], which the caller
// sets to zero before; [Shards.Gradient] sets it. [Param.Frozen] parameters, constants ([Tape.Const]) and detached
// values have none.
//
// # Memory
//
// A tape owns the buffers of its values and reuses them after [Tape.Reset], so that a training step that has run
// once allocates nothing. A Value is valid until the Reset of its tape. The slices that [Value.Data] and [Value.Grad]
// return are copies.
//
// # Precision
//
// Precision belongs to the tape. The same code runs in float64 or float32; parameters and their gradients
// are float64 outside of the tape in either case.
//
// # Batches on all cores
//
// A tape belongs to one goroutine. [Shards] cuts a batch into pieces of fixed size, evaluates them on all cores,
// each core with a tape of its own, and adds up in an order that depends on the number of rows alone: the
// result is the same to the last bit for any GOMAXPROCS. Those of a [Cache] keep parameters until [Param.Changed] or a
// writer under their [Guard] says that they have changed.
//
// # Misuse
//
// Wrong sizes, values of two tapes, or values from before a Reset panic with the operation's name and the sizes.
// Arithmetic never panics: NaN and infinities travel on, and the caller decides.
package ad
