package ad

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Precision is the floating-point type in which a tape computes.
type Precision uint8

const (
	Float64 Precision = iota // the default
	Float32                  // half the memory, twice the arithmetic per second, 7 digits
)

// String returns the name of the Go type.
func (p Precision) String() string {
	if p == Float32 {
		return "float32"
	}
	return "float64"
}

// Tape records operations on values, owns their memory, and computes gradients.
// It must not be used by two goroutines at the same time.
type Tape struct {
	precision Precision
	gradients bool // record what Backward needs
	training  bool
	observing bool
	observed  []observation
	fault     error // of an observing layer

	values []*Value // values[:n] are in use
	n      int
	args   []*Value // operands of the values in use
	packed bool     // one of them may be
	f64    arena[float64]
	f32    arena[float32]

	counted []int // 0, 1, …, for count

	readings   *readings
	leaves     map[*Param]*Value
	sequence   []*Value // the leaves in the order in which they were last asked for; most computations ask in the same order again
	next       int      // in sequence
	generation uint64   // leaves of older generations read their parameter again
	fresh      stamp    // the leaves of this generation need not be read again as long as this is that of the readings
	used       []*Value // leaves of this generation
	sealed     bool     // parameters read from now on are constants: their gradients have no place
	spends     bool     // nobody reads the gradient of a value after its operation: see value.go

	recording int      // calls of Linearize and RowGradient at work: what is computed is to be kept, on any tape
	since     int      // the first value that has tangents, where tangents are being computed
	held      []holder // what innerGradient has set aside
	asides    []aside  // what push has
	silenced  []*Value // what silence has made constant
	searches  []search // of Root

	noise noise
}

// NewTape returns an empty tape that computes in the given precision and records for Backward.
func NewTape(p Precision) *Tape { return newTape(newReadings(p, false)) }

func newTape(r *readings) *Tape {
	t := &Tape{precision: r.precision, gradients: true, readings: r, leaves: make(map[*Param]*Value), generation: 1}
	t.noise.init()
	return t
}

// NewEvalTape returns an empty tape that computes values only: Backward panics on it, and
// layers that behave differently in training see an evaluation.
func NewEvalTape(p Precision) *Tape {
	t := NewTape(p)
	t.gradients = false
	return t
}

// Precision returns the floating-point type of the tape's values.
func (t *Tape) Precision() Precision { return t.precision }

// Training reports whether the values on t are part of a training step, as [Tape.SetTraining] left it.
// Layers such as dropout and batch normalisation ask for it.
func (t *Tape) Training() bool { return t.training }

// SetTraining tells layers whether they are being trained; a new tape says no.
func (t *Tape) SetTraining(on bool) { t.training = on }

// observation is what a layer took from a batch.
type observation struct {
	layer, what any
	write       func()
}

// BeginObserving tells layers that the values to come on t are a whole training batch, before it is cut into shards, to take something from
// beside their gradient.
func (t *Tape) BeginObserving() { t.observing, t.observed, t.fault = true, nil, nil }

// Observing reports whether t is between BeginObserving and EndObserving.
func (t *Tape) Observing() bool { return t.observing }

// Observe keeps what a layer takes from the batch on t. write, in which the layer changes itself accordingly, is called by EndObserving: until
// then, others may evaluate the layer.
func (t *Tape) Observe(layer, what any, write func()) {
	t.observed = append(t.observed, observation{layer, what, write})
}

// Observed returns what the layer gave Observe last since BeginObserving, nil if there is nothing.
func (t *Tape) Observed(layer any) any {
	for _, o := range slices.Backward(t.observed) {
		if o.layer == layer {
			return o.what
		}
	}
	return nil
}

// Fail keeps the first error of a layer that cannot take what it needs from a batch.
func (t *Tape) Fail(err error) {
	if t.fault == nil {
		t.fault = err
	}
}

// EndObserving lets layers write what they have observed, in the order in which they did, or returns the error of the layer that failed first.
// Nobody else may read or write the layers meanwhile, see [Guard.LockData].
func (t *Tape) EndObserving() error {
	t.observing = false
	if t.fault != nil {
		return t.fault
	}
	for _, o := range t.observed {
		o.write()
	}
	return nil
}

// Reset forgets all values and makes their memory free for new ones. Parameters are read anew afterwards.
func (t *Tape) Reset() {
	t.readings.renew()
	t.forget()
}

// forget is Reset without the readings, which others may use.
func (t *Tape) forget() {
	t.rewind()
	t.fresh = stamp{}
	t.generation++
	t.used = t.used[:0]
}

// rewind is Reset for the next shard of the same batch: what was read from the parameters stays.
func (t *Tape) rewind() {
	t.n, t.next = 0, 0
	t.args = t.args[:0]
	t.f64.reset()
	t.f32.reset()
}

// Const returns a rows×cols value with a copy of data, which is stored by rows. It has no gradient.
// It panics when the length of data is not rows·cols.
func (t *Tape) Const(rows, cols int, data []float64) *Value {
	if len(data) != rows*cols {
		panic(fmt.Sprintf("ad: Tape.Const: got %d numbers, want %d×%d", len(data), rows, cols))
	}
	v := t.value(constOp, rows, cols)
	if t.precision == Float32 {
		kernel.Convert32(v.f32.data, data)
	} else {
		copy(v.f64.data, data)
	}
	return v
}

// Variable is [Tape.Const] for a value whose gradient is wanted.
func (t *Tape) Variable(rows, cols int, data []float64) *Value {
	v := t.Const(rows, cols, data)
	v.needs = t.gradients
	return v
}

// Matrix returns a value with a copy of m's elements. It has no gradient.
func (t *Tape) Matrix(m mat.Matrix) *Value {
	if d, ok := m.(*mat.Dense); ok && !d.IsEmpty() {
		return t.rowsOf(d, 0, d.RawMatrix().Rows)
	}
	r, c := m.Dims()
	data := make([]float64, 0, r*c)
	for i := range r {
		for j := range c {
			data = append(data, m.At(i, j))
		}
	}
	return t.Const(r, c, data)
}

// Rows returns a value with a copy of rows lo to hi (excluded) of m: what one shard sees of a batch.
func (t *Tape) Rows(m *mat.Dense, lo, hi int) *Value {
	r, _ := m.Dims()
	if lo < 0 || hi > r || lo > hi {
		panic(fmt.Sprintf("ad: Tape.Rows: got rows %d to %d of a matrix with %d", lo, hi, r))
	}
	return t.rowsOf(m, lo, hi)
}

func (t *Tape) rowsOf(m *mat.Dense, lo, hi int) *Value {
	raw := m.RawMatrix()
	v := t.value(constOp, hi-lo, raw.Cols)
	for i := lo; i < hi; i++ {
		row := raw.Data[i*raw.Stride : i*raw.Stride+raw.Cols]
		if t.precision == Float32 {
			kernel.Convert32(v.f32.data[(i-lo)*raw.Cols:][:raw.Cols], row)
		} else {
			copy(v.f64.data[(i-lo)*raw.Cols:], row)
		}
	}
	return v
}

// Full returns a rows×cols value with every element c. It has no gradient.
func (t *Tape) Full(rows, cols int, c float64) *Value {
	v := t.value(constOp, rows, cols)
	if t.precision == Float32 {
		fill(v.f32.data, float32(c))
	} else {
		fill(v.f64.data, c)
	}
	return v
}

// Eye returns the n×n identity matrix. It has no gradient.
func (t *Tape) Eye(n int) *Value {
	v := t.Full(n, n, 0)
	for i := range n {
		v.put(i*n+i, 1)
	}
	return v
}

// longSequence is how many leaves are worth remembering: a solution by iteration asks for the same ones again and again.
const longSequence = 1 << 12

// Param returns p as a value of t: the same one until the next Reset.
func (t *Tape) Param(p *Param) *Value {
	var v *Value
	if t.next < len(t.sequence) && t.sequence[t.next].param == p {
		v = t.sequence[t.next]
	} else {
		if v = t.leaves[p]; v == nil {
			v = &Value{tape: t, op: paramOp, param: p, reading: t.readings.get(p), rows: p.rows, cols: p.cols}
			t.leaves[p] = v
		}
		if t.next < longSequence {
			t.sequence = append(t.sequence[:t.next], v)
		}
	}
	if t.next < longSequence {
		t.next++
	}
	if v.generation != t.generation {
		t.read(v)
	}
	return v
}

// read gives leaf v the contents of its parameter.
func (t *Tape) read(v *Value) {
	t.readings.update(v.reading)
	v.f32.data, v.f64.data = v.reading.f32.data, v.reading.f64.data
	v.f32.grad, v.f64.grad, v.unset = nil, nil, false
	v.needs = t.gradients && !t.sealed && !v.param.Frozen
	v.generation = t.generation
	t.used = append(t.used, v)
}

// Backward computes the gradient of loss, a 1×1 value, with respect to every value that it depends on,
// and adds the gradient of each parameter to its Grad. Values that are not part of loss have gradient zero, whatever an
// earlier Backward left them.
// It panics when loss is not 1×1, or t does not record. Cost: about twice that of computing loss.
func (t *Tape) Backward(loss *Value) {
	for _, v := range t.values[:t.n] { // what an earlier loss left
		v.f32.grad, v.f64.grad = nil, nil
	}
	t.propagate(loss, 1)
	for _, v := range t.used {
		if !v.needs {
			continue
		}
		if v.f32.grad != nil {
			addGrad(v.param, v.f32.grad, 1)
		}
		if v.f64.grad != nil {
			addGrad(v.param, v.f64.grad, 1)
		}
		v.f32.grad, v.f64.grad = nil, nil
	}
}

// propagate runs the operations in reverse from loss, whose own gradient is seed.
func (t *Tape) propagate(loss *Value, seed float64) {
	t.check("Tape.Backward", loss)
	if loss.rows != 1 || loss.cols != 1 {
		panic(fmt.Sprintf("ad: Tape.Backward: got a %d×%d value, want 1×1; take its Sum or Mean first", loss.rows, loss.cols))
	}
	if !t.gradients {
		panic("ad: Tape.Backward: the tape was made by NewEvalTape and records nothing; use NewTape")
	}
	if !loss.needs {
		return
	}
	if t.precision == Float32 {
		gradient[float32](loss)[0] += float32(seed)
	} else {
		gradient[float64](loss)[0] += seed
	}
	if loss.param != nil {
		return
	}
	t.reverse(loss.id, 0, t.spends)
}

// reverse runs the backward pass of the values with the numbers hi to lo, both included, that have a gradient. With spend, their gradients
// are not kept.
func (t *Tape) reverse(hi, lo int, spend bool) {
	for i := hi; i >= lo; i-- {
		v := t.values[i]
		if !v.needs || v.op.backward64 == nil {
			continue
		}
		if t.precision == Float32 {
			if v.f32.grad != nil || v.twin != nil && v.twin.f32.grad != nil {
				v.op.backward32(v)
				if spend {
					t.f32.spare(v.f32.grad)
				}
			}
		} else if v.f64.grad != nil || v.twin != nil && v.twin.f64.grad != nil {
			v.op.backward64(v)
			if spend {
				t.f64.spare(v.f64.grad)
			}
		}
	}
}

// value returns a fresh value for an operation to fill. Its elements are undefined.
func (t *Tape) value(o *op, rows, cols int) *Value {
	if t.n == len(t.values) {
		block := make([]Value, 64)
		for i := range block {
			block[i].tape = t
			block[i].id = len(t.values)
			t.values = append(t.values, &block[i])
		}
	}
	v := t.values[t.n]
	t.n++
	v.op, v.rows, v.cols = o, rows, cols
	v.args, v.needs, v.packed, v.twin, v.index, v.solved, v.detached = nil, false, false, nil, nil, nil, nil
	if t.precision == Float32 {
		v.f32 = buffers[float32]{data: t.f32.take(rows * cols)}
	} else {
		v.f64 = buffers[float64]{data: t.f64.take(rows * cols)}
	}
	return v
}

// apply records an operation on args that returns rows×cols, without computing it.
func (t *Tape) apply(o *op, rows, cols int, args ...*Value) *Value {
	v := t.value(o, rows, cols)
	lo := len(t.args)
	t.args = append(t.args, args...)
	v.args = t.args[lo:len(t.args):len(t.args)]
	for _, a := range args {
		v.needs = v.needs || a.needs
	}
	return v
}

// run computes v in the precision of the tape.
func (v *Value) run() *Value {
	if v.tape.precision == Float32 {
		v.op.forward32(v)
	} else {
		v.op.forward64(v)
	}
	return v
}

// check panics unless v is alive on t.
func (t *Tape) check(op string, v *Value) {
	switch {
	case v == nil:
		panic(fmt.Sprintf("ad: %s: got a nil value", op))
	case v.tape != t:
		panic(fmt.Sprintf("ad: %s: the operands are on two tapes", op))
	case v.param == nil && v.id >= t.n, v.param != nil && v.generation != t.generation:
		panic(fmt.Sprintf("ad: %s: an operand is from before the tape's Reset", op))
	}
}

// op is a kind of operation: its name, and how it computes and differentiates in each precision.
// All functions find operands and result in the value. backward adds to the gradients of the operands; tangent makes
// the tangents of the result, and of its twin, from those of the operands: see tangent.go.
type op struct {
	name                  string
	forward64, backward64 func(*Value)
	forward32, backward32 func(*Value)
	tangent               func(*Value) (dy, dtwin *Value)
}

var (
	constOp = &op{name: "Const"}
	paramOp = &op{name: "Param"}
)

// count returns 0, 1, … n−1.
func (t *Tape) count(n int) []int {
	for len(t.counted) < n {
		t.counted = append(t.counted, len(t.counted))
	}
	return t.counted[:n]
}

// arena hands out slices of one type and takes them all back at once.
type arena[T kernel.Float] struct {
	blocks [][]T
	block  int // the block in use
	used   int // of that block
	spares [][]T
	work   []T // of the operation that runs
}

const arenaBlock = 1 << 14 // elements

// take returns n elements with undefined contents.
func (a *arena[T]) take(n int) []T {
	for a.block < len(a.blocks) {
		if b := a.blocks[a.block]; a.used+n <= len(b) {
			s := b[a.used : a.used+n : a.used+n]
			a.used += (n + 7) &^ 7 // keep slices aligned to a cache line
			return s
		}
		a.block++
		a.used = 0
	}
	a.blocks = append(a.blocks, make([]T, max(arenaBlock, (n+7)&^7)))
	a.used = (n + 7) &^ 7
	return a.blocks[a.block][:n:n]
}

// worthSparing is the least length of a slice that is used again before the others are taken back.
const worthSparing = 1 << 10

// spare takes s back for again: one that has just been used is still in the cache.
func (a *arena[T]) spare(s []T) {
	if len(s) >= worthSparing {
		a.spares = append(a.spares, s)
	}
}

// again is take, of a spare slice if there is one of that length.
func (a *arena[T]) again(n int) []T {
	if n >= worthSparing {
		for i, s := range slices.Backward(a.spares) {
			if len(s) == n {
				a.spares = slices.Delete(a.spares, i, i+1)
				return s
			}
		}
	}
	return a.take(n)
}

func (a *arena[T]) reset() { a.block, a.used, a.spares = 0, 0, a.spares[:0] }

func fill[T any](s []T, c T) {
	for i := range s {
		s[i] = c
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
