package onnx

import (
	"fmt"
	"io"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Options are the options of [Density] and [Sampling].
type Options struct {
	Precision ad.Precision // of all numbers of the graph, its parameters included; the zero value is ad.Float64
}

// Density writes the log-density of m as an ONNX model: from x, N×d, and context, N×c, if m takes one, to log_prob, N. It is what
// [nf.NormalizingFlow.LogProb] returns, except that a point so far out that numbers overflow on the way has NaN in place of −Inf.
//
// The error names the layer and the operation that cannot be translated, or is that of w, to which all is written at once. A nil opts means the defaults.
// It panics when m is nil, or has been given a context: that is an input here. The file grows with the parameters, and with the number of operations; for
// flows whose densities are slow (IAF), with the dimension times that.
func Density(w io.Writer, m *nf.NormalizingFlow, opts *Options) error {
	e := newExport("Density", m, opts)
	return e.write(w, "x", m.Dim(), []string{"log_prob"}, func(x, context *ad.Value) []*ad.Value {
		return []*ad.Value{e.whole.LogProb(x, context)}
	})
}

// Sampling writes how m makes samples of noise as an ONNX model: from noise, N×k, and context, N×c, if m takes one, to x, N×d, and log_prob, N. k is
// the NoiseDim of its base, see [Noise]. It is what [nf.NormalizingFlow.SampleLogProb] returns for the same noise.
//
// Errors and panics are those of [Density]. For flows whose samples are slow (MAF), the file grows with the dimension times the number of operations.
func Sampling(w io.Writer, m *nf.NormalizingFlow, opts *Options) error {
	e := newExport("Sampling", m, opts)
	return e.write(w, "noise", e.whole.NoiseDim(), []string{"x", "log_prob"}, func(noise, context *ad.Value) []*ad.Value {
		x, logProb := e.whole.Sample(noise, context)
		return []*ad.Value{x, logProb}
	})
}

// Noise returns n rows of what the graph of [Sampling] takes, by rows: standard normal numbers for bases that are normal distributions, others as the
// documentation of the base says. A program that runs the graph without this package draws them itself.
func Noise(m *nf.NormalizingFlow, n int, src rand.Source) []float64 {
	base := nf.NewModelBase(m)
	noise := make([]float64, n*base.NoiseDim())
	base.Noise(noise, rand.New(src))
	return noise
}

// export is a model on its way into a file.
type export struct {
	call      string
	model     *nf.NormalizingFlow
	whole     *nf.ModelBase // with an embedding of the context
	precision ad.Precision
}

func newExport(call string, m *nf.NormalizingFlow, opts *Options) export {
	if m == nil {
		panic(fmt.Sprintf("onnx: %s: got a nil model", call))
	}
	e := export{call: call, model: m, whole: nf.NewModelBase(m)}
	if opts != nil {
		e.precision = opts.Precision
	}
	return e
}

// write writes f as a model, with an input of the given name and number of columns.
func (e export) write(w io.Writer, input string, columns int, outputs []string, f func(in, context *ad.Value) []*ad.Value) error {
	element := float64Type
	if e.precision == ad.Float32 {
		element = float32Type
	}
	g := newGraph(element)
	names, widths := []string{input}, []int{columns}
	if c := e.whole.ContextDim(); c > 0 {
		names, widths = append(names, "context"), append(widths, c)
	}
	results, err := translate(g, names, e.record(widths, f))
	if err != nil {
		return fmt.Errorf("onnx: %s: %s: %w", e.call, e.culprit(), err)
	}
	var ports message
	for i, name := range names {
		ports = ports.bytes(11, valueInfo(name, element, dim{name: "N"}, dim{size: int64(widths[i])}))
	}
	for i, name := range outputs {
		if name == "log_prob" {
			g.add("Reshape", []string{results[i], g.ints(-1)}, []string{name})
			ports = ports.bytes(12, valueInfo(name, element, dim{name: "N"}))
		} else {
			g.add("Identity", []string{results[i]}, []string{name})
			ports = ports.bytes(12, valueInfo(name, element, dim{name: "N"}, dim{size: int64(e.model.Dim())}))
		}
	}
	graph := append(g.close().text(2, e.call), append(g.initializers, ports...)...)
	_, err = w.Write(model(graph, fmt.Sprint(e.model)))
	return err
}

// record makes a recording of f for inputs of the given widths: samples of the model would be as good as any, but rows of different sizes show more.
func (e export) record(widths []int, f func(in, context *ad.Value) []*ad.Value) recording {
	return func(t *ad.Tape, rows int) (inputs, outputs []*ad.Value) {
		r := rand.New(rand.NewPCG(uint64(rows), 1))
		for i, c := range widths {
			data := make([]float64, rows*c)
			if i == 0 && e.call == "Sampling" {
				e.whole.Noise(data, r)
			} else {
				for k := range data {
					data[k] = r.NormFloat64()
				}
			}
			inputs = append(inputs, t.Variable(rows, c, data))
		}
		var context *ad.Value
		if len(inputs) > 1 {
			context = inputs[1]
		}
		return inputs, f(inputs[0], context)
	}
}

// culprit returns the name of the first flow that cannot be translated, or of the base if all can.
func (e export) culprit() string {
	for i, f := range e.model.Flows() {
		names, widths := []string{"x"}, []int{f.Dim()}
		if c, ok := f.(nf.Conditional); ok && c.ContextDim() > 0 {
			names, widths = append(names, "context"), append(widths, c.ContextDim())
		}
		alone := e
		alone.call = "Density" // any points will do
		_, err := translate(newGraph(float64Type), names, alone.record(widths, func(x, context *ad.Value) []*ad.Value {
			if e.call == "Sampling" {
				x, l := f.Forward(x, context)
				return []*ad.Value{x, l}
			}
			z, l := f.Inverse(x, context)
			return []*ad.Value{z, l}
		}))
		if err != nil {
			return fmt.Sprintf("flow %d (%T)", i, f)
		}
	}
	return "the base"
}
