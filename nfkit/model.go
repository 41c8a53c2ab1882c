package nfkit

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// NormalizingFlow is the distribution of x = f(z) with z drawn from a base and f the composition of flows, first to
// last:
//
//	ln q(x) = ln q₀(f⁻¹(x)) + ln|det ∂f⁻¹/∂x|.
//
// Batches are n×d, one point a row, of any gonum matrix type. Rows are evaluated in shards on all cores; results do
// not depend on their number.
//
// Methods may be called from several goroutines at the same time, also while the model is trained: each evaluation has the parameters as they
// are before or after a training step.
//
// A wrong number of columns panics. NaN in a point gives NaN for its row, an infinity −Inf.
//
// Its twin in normflows is NormalizingFlow, and with [NormalizingFlow.Given] ConditionalNormalizingFlow.
type NormalizingFlow struct {
	base      Base
	chain     *Chain
	precision ad.Precision
	context   *mat.Dense // nil for none
	engine    *engine

	embedding  Net // of the context, nil for none
	contextDim int // columns of the context that it takes
}

// NewNormalizingFlow returns the model with the given base and flows. It panics when dimensions differ, or
// when layers disagree on the number of columns of their context.
func NewNormalizingFlow(base Base, flows []Flow) *NormalizingFlow {
	if base == nil {
		panic("nfkit: NewNormalizingFlow: got a nil base")
	}
	m := &NormalizingFlow{base: base, chain: newChain("NewNormalizingFlow", base.Dim(), flows)}
	m.contextDim = commonContextDim[any]("NewNormalizingFlow", base, m.chain)
	m.engine = m.newEngine()
	return m
}

// newEngine returns one for base, flows and embedding as they are.
func (m *NormalizingFlow) newEngine() *engine {
	parts := []any{m.base}
	for _, f := range m.chain.flows {
		parts = append(parts, f)
	}
	if m.embedding != nil {
		parts = append(parts, m.embedding)
	}
	return newEngine(m.State(), max(m.Dim(), m.ContextDim(), m.base.NoiseDim()), parts...)
}

// view returns a model with the same base, flows and parameters.
func (m *NormalizingFlow) view() *NormalizingFlow {
	v := *m
	return &v
}

// Given returns the model conditioned on a context: the distribution q(x | context). context has one row for each row
// of the batches to come, or a single row for all of them; for several points of each row, see [RepeatRows]. It is not copied. Parameters are shared with m. It panics
// when the flows and the base take no context, or one of another number of columns.
func (m *NormalizingFlow) Given(context mat.Matrix) *NormalizingFlow {
	checkMatrix("NormalizingFlow.Given", "context", context)
	_, c := context.Dims()
	switch want := m.ContextDim(); {
	case want == 0:
		panic("nfkit: NormalizingFlow.Given: no layer of the model takes a context")
	case c != want:
		panic(fmt.Sprintf("nfkit: NormalizingFlow.Given: got a context of %d columns, want %d", c, want))
	}
	v := m.view()
	v.context = dense(context)
	return v
}

// WithPrecision returns the model computing in the given precision. Parameters, kept in float64, are shared with m.
func (m *NormalizingFlow) WithPrecision(p ad.Precision) *NormalizingFlow {
	v := m.view()
	v.precision = p
	return v
}

// Dim returns the number of columns of a batch.
func (m *NormalizingFlow) Dim() int { return m.chain.dim }

// ContextDim returns the number of columns of the context that the model takes, 0 for none.
func (m *NormalizingFlow) ContextDim() int { return m.contextDim }

// Flows returns the flows, in the order of Forward.
func (m *NormalizingFlow) Flows() []Flow { return append([]Flow(nil), m.chain.flows...) }

// Params returns the parameters of base and flows, frozen ones included.
func (m *NormalizingFlow) Params() []*ad.Param { return m.engine.params }

// State lists the tensors of the base under q0 and of the flows under flows.0, flows.1, …, and those of an embedding of the context under embedding.
func (m *NormalizingFlow) State() State {
	s := append(m.base.State().Under("q0"), m.chain.state("flows.")...)
	if m.embedding != nil {
		s = append(s, m.embedding.State().Under("embedding")...)
	}
	return s
}

// logProb returns the log-density of each row of x, n×1.
func (m *NormalizingFlow) logProb(x, context *ad.Value) *ad.Value {
	z, logDet := m.chain.Inverse(x, context)
	return m.base.LogProb(z, context).Add(logDet)
}

// LogProb returns the log-density ln q(x) of each row of x, in nats. It is −Inf outside the support, and where the
// latent point overflows, as it can far from all data.
func (m *NormalizingFlow) LogProb(x mat.Matrix) []float64 {
	checkMatrix("NormalizingFlow.LogProb", "matrix of points", x)
	n, _ := x.Dims()
	return m.LogProbTo(make([]float64, n), x)
}

// LogProbTo is [NormalizingFlow.LogProb] into dst, which it returns. It panics when dst has not one element for each
// row.
func (m *NormalizingFlow) LogProbTo(dst []float64, x mat.Matrix) []float64 {
	b := m.points("LogProb", x)
	if n, _ := b.Dims(); len(dst) != n {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.LogProbTo: got room for %d numbers, want %d", len(dst), n))
	}
	m.each(len(dst), func(t *ad.Tape, lo, hi int) {
		m.logProb(t.Rows(b, lo, hi), m.contextRows(t, lo, hi)).DataTo(dst[lo:hi])
	})
	m.settleOverflow(dst, b)
	return dst
}

// Score returns ∇ₓ ln q(x) of each row of x, n×d: where the density rises. It is NaN where the density is 0. It panics on a wrong number of
// columns. Cost: about three times that of LogProb.
func (m *NormalizingFlow) Score(x mat.Matrix) *mat.Dense {
	b := m.points("Score", x)
	n, _ := b.Dims()
	score := mat.NewDense(n, m.Dim(), nil)
	m.each(n, func(t *ad.Tape, lo, hi int) {
		context := m.contextRows(t, lo, hi)
		_, g := ad.RowGradient(func(x *ad.Value) *ad.Value { return m.logProb(x, context) }, t.Rows(b, lo, hi))
		g.DataTo(rows(score, lo, hi))
	})
	return score
}

// Sample returns n points drawn from the model, n×d. It panics when n is not positive.
func (m *NormalizingFlow) Sample(n int, src rand.Source) *mat.Dense {
	x, _ := m.SampleLogProb(n, src)
	return x
}

// SampleLogProb returns n points drawn from the model, n×d, and their log-densities, which cost nothing more.
// It panics when n is not positive.
func (m *NormalizingFlow) SampleLogProb(n int, src rand.Source) (x *mat.Dense, logProb []float64) {
	if n < 1 {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.Sample: got %d points, want 1 or more", n))
	}
	m.checkContext("Sample", n)
	checkSource("NormalizingFlow.Sample", src)
	noise := mat.NewDense(n, m.base.NoiseDim(), nil)
	m.base.Noise(noise.RawMatrix().Data, rand.New(src))
	x, logProb = noise, make([]float64, n) // each row of noise is read before that of x is written
	if m.base.NoiseDim() != m.Dim() {
		x = mat.NewDense(n, m.Dim(), nil)
	}
	m.engine.each(m.precision, n, newSeed(src), func(t *ad.Tape, lo, hi int) {
		context := m.contextRows(t, lo, hi)
		z, logQ := m.base.Sample(t.Rows(noise, lo, hi), context)
		v, logDet := m.chain.Forward(z, context)
		v.DataTo(rows(x, lo, hi))
		logQ.Sub(logDet).DataTo(logProb[lo:hi])
	})
	return x, logProb
}

// Forward maps latent points, n×d, to data, n×d, and returns ln|det J| of that map for each row.
func (m *NormalizingFlow) Forward(z mat.Matrix) (x *mat.Dense, logDet []float64) {
	return m.apply("Forward", z, m.chain.Forward)
}

// Inverse maps data, n×d, to latent points, n×d, and returns ln|det J| of that map for each row.
func (m *NormalizingFlow) Inverse(x mat.Matrix) (z *mat.Dense, logDet []float64) {
	return m.apply("Inverse", x, m.chain.Inverse)
}

func (m *NormalizingFlow) apply(name string, x mat.Matrix, f func(x, context *ad.Value) (y, logDet *ad.Value)) (*mat.Dense, []float64) {
	b := m.points(name, x)
	n, _ := b.Dims()
	y, logDet := mat.NewDense(n, m.Dim(), nil), make([]float64, n)
	m.each(n, func(t *ad.Tape, lo, hi int) {
		v, l := f(t.Rows(b, lo, hi), m.contextRows(t, lo, hi))
		v.DataTo(rows(y, lo, hi))
		l.DataTo(logDet[lo:hi])
	})
	return y, logDet
}

// Distribution is a model as gonum's samplers know distributions: one point at a time, with a source of its own.
type Distribution struct {
	model *NormalizingFlow
	src   rand.Source
}

var _ distmv.RandLogProber = (*Distribution)(nil)

// Distribution returns m as a [distmv.RandLogProber] that draws from src. For batches, the methods of the model
// are much faster.
func (m *NormalizingFlow) Distribution(src rand.Source) *Distribution {
	return &Distribution{m, src}
}

// LogProb returns the log-density of the point x.
func (d *Distribution) LogProb(x []float64) float64 {
	return d.model.LogProb(mat.NewDense(1, len(x), x))[0]
}

// Rand returns a point drawn from the model, in dst if that is not nil.
func (d *Distribution) Rand(dst []float64) []float64 {
	x := d.model.Sample(1, d.src).RawRowView(0)
	if dst == nil {
		return x
	}
	if len(dst) != len(x) {
		panic(fmt.Sprintf("nfkit: Distribution.Rand: got room for %d numbers, want %d", len(dst), len(x)))
	}
	copy(dst, x)
	return dst
}

// each runs f on all cores, without gradients.
func (m *NormalizingFlow) each(n int, f func(t *ad.Tape, lo, hi int)) {
	m.engine.each(m.precision, n, [2]uint64{}, f)
}

// points checks the size of a batch and returns it as a dense matrix.
func (m *NormalizingFlow) points(method string, x mat.Matrix) *mat.Dense {
	checkMatrix("NormalizingFlow."+method, "matrix of points", x)
	n, c := x.Dims()
	if c != m.Dim() {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got a %d×%d batch, want %d columns", method, n, c, m.Dim()))
	}
	m.checkContext(method, n)
	return dense(x)
}

// checkContext panics unless the context, if the model takes one, has a row for each of n points or one for all.
func (m *NormalizingFlow) checkContext(method string, n int) {
	want := m.ContextDim()
	if want == 0 {
		return
	}
	if m.context == nil {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: the model takes a context of %d columns; call Given first", method, want))
	}
	if r, _ := m.context.Dims(); r > 1 && n%r == 0 && r != n {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got a context of %d rows for %d points, want 1 or %d; for %d points of each row, give RepeatRows(context, %d)", method, r, n, n, n/r, n/r))
	} else if r != 1 && r != n {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got a context of %d rows for %d points, want 1 or %d", method, r, n, n))
	}
}

// contextRows returns what base and flows get for rows lo to hi: those of the context on t, after the embedding if there is one; nil if the model
// takes none.
func (m *NormalizingFlow) contextRows(t *ad.Tape, lo, hi int) *ad.Value {
	if m.context == nil {
		return nil
	}
	if r, _ := m.context.Dims(); r == 1 {
		return m.embed(t.Rows(m.context, 0, 1)).Repeat(hi - lo)
	}
	return m.embed(t.Rows(m.context, lo, hi))
}

// givenRows returns rows lo to hi of the context as it was given.
func (m *NormalizingFlow) givenRows(t *ad.Tape, lo, hi int) *ad.Value {
	v := *m
	v.embedding = nil
	return v.contextRows(t, lo, hi)
}

// dense returns x as a dense matrix, which is x itself if it is one.
func dense(x mat.Matrix) *mat.Dense {
	if d, ok := x.(*mat.Dense); ok {
		return d
	}
	return mat.DenseCopyOf(x)
}

// rows returns the elements of rows lo to hi of a matrix that was made here.
func rows(x *mat.Dense, lo, hi int) []float64 {
	raw := x.RawMatrix()
	return raw.Data[lo*raw.Stride : hi*raw.Stride]
}
