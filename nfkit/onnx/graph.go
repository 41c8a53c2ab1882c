package onnx

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// graph is an ONNX graph that grows. A tensor is known by its name.
type graph struct {
	element      elementType // of numbers
	scope        *scope      // where nodes go
	initializers message     // fields of the GraphProto
	known        map[string]string
	names        int
	rowCount     string // tensor with the number of rows, [1]
}

// scope is a graph or the body of a loop, which sees what is outside.
type scope struct {
	outer  *scope
	nodes  message // fields of the GraphProto
	at     *ad.Value
	tensor map[*ad.Value]string
}

func newGraph(element elementType) *graph {
	g := &graph{element: element, known: map[string]string{}}
	g.open(nil)
	return g
}

func (g *graph) open(at *ad.Value) {
	g.scope = &scope{outer: g.scope, at: at, tensor: map[*ad.Value]string{}}
}

func (g *graph) close() (nodes message) {
	nodes, g.scope = g.scope.nodes, g.scope.outer
	return nodes
}

// main returns the scope of the whole graph.
func (g *graph) main() *scope {
	s := g.scope
	for s.outer != nil {
		s = s.outer
	}
	return s
}

// in runs f with nodes going to s, which the present scope is in.
func (g *graph) in(s *scope, f func() string) string {
	inner := g.scope
	g.scope = s
	name := f()
	g.scope = inner
	return name
}

// name returns a new name.
func (g *graph) name() string {
	g.names++
	return "t" + strconv.Itoa(g.names)
}

// op adds a node with one result.
func (g *graph) op(kind string, inputs ...string) string { return g.with(kind, inputs) }

// with is op for a node with attributes.
func (g *graph) with(kind string, inputs []string, attributes ...attribute) string {
	out := g.name()
	g.add(kind, inputs, []string{out}, attributes...)
	return out
}

func (g *graph) add(kind string, inputs, outputs []string, attributes ...attribute) {
	g.scope.nodes = g.scope.nodes.bytes(1, node(outputs[0], kind, inputs, outputs, attributes))
}

// initializer returns a tensor with given contents, the same one for the same contents.
func (g *graph) initializer(of elementType, dims []int, raw []byte) string {
	m := tensor(of, dims, raw)
	if name, ok := g.known[string(m)]; ok {
		return name
	}
	name := g.name()
	g.known[string(m)] = name
	g.initializers = g.initializers.bytes(5, m.text(8, name))
	return name
}

// numbers returns a constant tensor.
func (g *graph) numbers(data []float64, dims ...int) string {
	var raw []byte
	for _, x := range data {
		if g.element == float32Type {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(x)))
		} else {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
		}
	}
	return g.initializer(g.element, dims, raw)
}

// number returns a constant that goes with any shape.
func (g *graph) number(x float64) string { return g.numbers([]float64{x}) }

// ints returns a constant list of integers.
func (g *graph) ints(all ...int) string {
	var raw []byte
	for _, x := range all {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return g.initializer(int64Type, []int{len(all)}, raw)
}

// count returns a constant integer without dimensions.
func (g *graph) count(n int) string {
	return g.initializer(int64Type, nil, binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// yes returns the constant true.
func (g *graph) yes() string { return g.initializer(boolType, nil, []byte{1}) }

// epsilon returns the distance from 1 to the next number.
func (g *graph) epsilon() float64 {
	if g.element == float32Type {
		return 0x1p-23
	}
	return 0x1p-52
}

// largest returns the largest number.
func (g *graph) largest() float64 {
	if g.element == float32Type {
		return math.MaxFloat32
	}
	return math.MaxFloat64
}

// reshape gives x other dimensions, one of which may be −1.
func (g *graph) reshape(x string, dims ...int) string { return g.op("Reshape", x, g.ints(dims...)) }

// sum adds up an axis, which stays with size 1.
func (g *graph) sum(x string, axis int) string { return g.op("ReduceSum", x, g.ints(axis)) }

// slice returns part of an axis.
func (g *graph) slice(x string, axis, lo, hi int) string {
	return g.op("Slice", x, g.ints(lo), g.ints(hi), g.ints(axis))
}

// gather returns the elements of an axis with the given numbers.
func (g *graph) gather(x string, axis int, index []int) string {
	return g.with("Gather", []string{x, g.ints(index...)}, integer("axis", int64(axis)))
}

// concat puts tensors side by side on an axis.
func (g *graph) concat(axis int, parts ...string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return g.with("Concat", parts, integer("axis", int64(axis)))
}

// cast turns truth values, integers, or numbers of another precision to numbers.
func (g *graph) cast(x string) string {
	return g.with("Cast", []string{x}, integer("to", int64(g.element)))
}

// carried is what a loop takes from one step to the next, and what it had at first.
type carried struct {
	start string
	of    elementType
	dims  int // their number
}

// loop repeats a body at most steps times, while it says that there is more to do, "" for always. It returns what is carried in the end.
func (g *graph) loop(steps int, at *ad.Value, start []carried, body func(now []string) (next []string, more string)) []string {
	g.open(at)
	step, before := g.name(), g.name()
	inputs := message(nil).bytes(11, valueInfo(step, int64Type)).bytes(11, valueInfo(before, boolType))
	var now, outside []string
	for _, c := range start {
		name := g.name()
		now, outside = append(now, name), append(outside, c.start)
		inputs = inputs.bytes(11, c.info(name))
	}
	next, more := body(now)
	if more == "" {
		more = before
	}
	done := g.op("Identity", more)
	outputs := message(nil).bytes(12, valueInfo(done, boolType))
	var results []string
	for i, c := range start {
		out := g.op("Identity", next[i]) // the same tensor must not be two results, nor an outer one
		outputs = outputs.bytes(12, c.info(out))
		results = append(results, g.name())
	}
	nodes := g.close()
	graph := append(append(nodes, message(nil).text(2, "body")...), append(inputs, outputs...)...)
	g.add("Loop", append([]string{g.count(steps), g.yes()}, outside...), results, subgraph("body", graph))
	return results
}

func (c carried) info(name string) message {
	dims := make([]dim, c.dims)
	for i := range dims {
		dims[i].size = -1
	}
	return valueInfo(name, c.of, dims...)
}

// anyOf tells, for truth values of any shape, whether one is true.
func (g *graph) anyOf(x string) string {
	count := g.with("ReduceSum", []string{g.cast(x)}, integer("keepdims", 0))
	return g.op("Greater", count, g.number(0))
}
