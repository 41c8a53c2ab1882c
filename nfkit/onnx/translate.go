package onnx

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Numbers of rows of the two recordings.
const rowsA, rowsB = 29, 31

// recording is a computation on a batch of the given number of rows: inputs, and what it made of them.
type recording func(t *ad.Tape, rows int) (inputs, outputs []*ad.Value)

// translation turns a recorded computation into a graph. There are two recordings, with different rows and other numbers of them: what is the same in
// both is constant, and the number of rows of a value tells what it is in general. A value is known by its first recording.
type translation struct {
	*graph
	twinOf map[*ad.Value]*ad.Value   // its second recording
	inputs map[*ad.Value]bool        // of the computation
	causes map[*ad.Value][]*ad.Value // inputs, and arguments of functions that are being solved, which a value depends on
}

// failure is a panic with what cannot be translated.
type failure struct{ error }

func fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// translate records a computation and adds it to g, whose inputs have the given names. It returns the tensors of the results.
func translate(g *graph, names []string, record recording) (results []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f.error
		}
	}()
	t := &translation{graph: g, twinOf: map[*ad.Value]*ad.Value{}, inputs: map[*ad.Value]bool{}, causes: map[*ad.Value][]*ad.Value{}}
	inputsA, outputsA := record(ad.NewTape(ad.Float64), rowsA)
	inputsB, outputsB := record(ad.NewTape(ad.Float64), rowsB)
	for i, v := range inputsA {
		t.twinOf[v], t.inputs[v], t.causes[v] = inputsB[i], true, []*ad.Value{v}
		g.scope.tensor[v] = names[i]
	}
	g.rowCount = g.slice(g.op("Shape", names[0]), 0, 0, 1)
	for i, v := range outputsA {
		t.match(v, outputsB[i])
		results = append(results, t.full(v))
	}
	return results, nil
}

// match notes that v and w are the same value in the two recordings.
func (t *translation) match(v, w *ad.Value) {
	if known, ok := t.twinOf[v]; ok {
		if known != w {
			fail("the computation depends on the points in other ways than by operations of package ad")
		}
		return
	}
	t.twinOf[v] = w
	a, b := v.Operation(), w.Operation()
	same := a.Name == b.Name && len(a.Args) == len(b.Args) && a.Number == b.Number && a.Upper == b.Upper && a.First == b.First &&
		a.Activation == b.Activation && a.Half == b.Half && slices.Equal(a.Index, b.Index) && reflect.DeepEqual(a.Spline, b.Spline)
	if !same {
		fail("the computation depends on the points in other ways than by operations of package ad: it has another %s for others", a.Name)
	}
	for i, u := range a.Args {
		t.match(u, b.Args[i])
	}
	if a.Second != nil {
		t.twinOf[a.Second] = b.Second
	}
}

// causesOf returns what v depends on, nothing for a constant.
func (t *translation) causesOf(v *ad.Value) []*ad.Value {
	if c, ok := t.causes[v]; ok {
		return c
	}
	var all []*ad.Value
	add := func(of []*ad.Value, but *ad.Value) {
		for _, c := range of {
			if c != but && !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	switch o := v.Operation(); o.Name {
	case "FixedPoint", "Root":
		x := o.Args[0]
		start := x.Operation().Args
		t.causes[x] = []*ad.Value{x}
		add(t.causesOf(o.Args[1]), x)
		for _, a := range append(start, o.Args[2:]...) {
			add(t.causesOf(a), x)
		}
	default:
		for _, a := range o.Args {
			add(t.causesOf(a), nil)
		}
	}
	t.causes[v] = all
	return all
}

// constant reports whether v does not depend on the batch.
func (t *translation) constant(v *ad.Value) bool { return len(t.causesOf(v)) == 0 }

// home returns the innermost scope of whose argument v depends.
func (t *translation) home(v *ad.Value) *scope {
	s, causes := t.scope, t.causesOf(v)
	for s.outer != nil && !slices.Contains(causes, s.at) {
		s = s.outer
	}
	return s
}

// perRow returns the number k of rows that v has for each row of the batch, and 0 if its number of rows is fixed.
func (t *translation) perRow(v *ad.Value) int {
	w := t.twinOf[v]
	switch a, b := v.Rows(), w.Rows(); {
	case v.Cols() != w.Cols():
		fail("%s has another number of columns for another number of rows", v.Operation().Name)
	case a == b:
		return 0
	case a%rowsA == 0 && b == a/rowsA*rowsB:
		return a / rowsA
	default:
		fail("%s has %d rows for a batch of %d rows and %d for one of %d", v.Operation().Name, a, rowsA, b, rowsB)
	}
	return 0
}

// value returns the tensor of v. A constant whose rows are all the same may have one of them, see full.
func (t *translation) value(v *ad.Value) string {
	if t.constant(v) {
		return t.ofConstant(v)
	}
	s := t.home(v)
	if name, ok := s.tensor[v]; ok {
		return name
	}
	return t.in(s, func() string {
		o := v.Operation()
		if o.Name == "twin" {
			t.value(o.Args[0])
			return s.tensor[v]
		}
		if t.perRow(v) == 0 {
			fail("%s mixes the rows of the batch", o.Name)
		}
		f, ok := operations[o.Name]
		if !ok {
			fail("the operation %s has no translation", o.Name)
		}
		name := f(t, v, o)
		s.tensor[v] = name
		return name
	})
}

// second notes the tensor of the second result of an operation.
func (t *translation) second(o ad.Operation, name string) {
	if o.Second != nil {
		t.scope.tensor[o.Second] = name
	}
}

// ofConstant returns a constant, whose rows must be the same for each row of the batch: these once if they are more than one for each.
func (t *translation) ofConstant(v *ad.Value) string {
	k, c, data := t.perRow(v), v.Cols(), v.Data()
	if k == 0 {
		if !same(data, t.twinOf[v].Data()) {
			fail("%s differs from batch to batch", constantName(v))
		}
		return t.numbers(data, v.Rows(), c)
	}
	once := data[:k*c]
	for _, all := range [][]float64{data, t.twinOf[v].Data()} {
		for i := 0; i < len(all); i += len(once) {
			if !same(all[i:i+len(once)], once) {
				fail("%s differs from row to row", constantName(v))
			}
		}
	}
	if k == 1 {
		return t.numbers(once, 1, c)
	}
	return t.in(t.main(), func() string {
		shape := t.concat(0, t.rowCount, t.ints(1, 1))
		return t.reshape(t.op("Expand", t.numbers(once, 1, k, c), shape), -1, c)
	})
}

// constantName says what a constant is.
func constantName(v *ad.Value) string {
	if name := v.Operation().Name; name != "Const" {
		return "a constant " + name
	}
	return "a constant, from noise of the tape, a step of a derivative, or numbers that are not operations of package ad,"
}

// same reports whether two lists have the same bits, or NaN.
func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) })
}

// full is value with all rows.
func (t *translation) full(v *ad.Value) string {
	name := t.value(v)
	if !t.constant(v) || t.perRow(v) != 1 {
		return name
	}
	return t.in(t.main(), func() string { return t.op("Expand", name, t.concat(0, t.rowCount, t.ints(1))) })
}

// fixed returns the elements of an operand that must be constant.
func (t *translation) fixed(o ad.Operation, v *ad.Value) []float64 {
	if !t.constant(v) || t.perRow(v) != 0 {
		fail("%s has weights that depend on the points", o.Name)
	}
	t.ofConstant(v) // checks it
	return v.Data()
}

// weights is fixed as a tensor.
func (t *translation) weights(o ad.Operation, v *ad.Value) string {
	t.fixed(o, v)
	return t.value(v)
}
