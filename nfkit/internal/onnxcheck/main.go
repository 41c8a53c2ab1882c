// Command onnxcheck writes every ready-made model as ONNX, and models of all other layers, with what nfkit computes on 1000 rows, into a folder:
//
//	go run ./nfkit/internal/onnxcheck FOLDER [MODEL...]
//
// check.py and run.mjs compare. .ci/onnx runs all three.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/onnx"
)

const (
	rows    = 1000
	context = 2 // columns
)

// constructor makes a model of the given dimension.
type constructor func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow

// models are the ready-made models, by name.
var models = map[string]constructor{
	"RealNVP": nf.NewRealNVP, "NICE": nf.NewNICE, "MAF": nf.NewMAF, "IAF": nf.NewIAF, "NSF": nsf(false), "NSF-coupling": nsf(true),
	"PlanarFlow": nf.NewPlanarFlow, "ResidualFlow": nf.NewResidualFlow,
	"TransformerFlow": func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		return nf.NewTransformerFlow(nf.LogisticMixtureCDF{}, dim, opts, src)
	},
	"NAF": nf.NewNAF, "UNAF": nf.NewUNAF, "SOSPF": nf.NewSOSPF, "BPF": nf.NewBPF, "GF": nf.NewGF, "TriangularSplineFlow": nf.NewTriangularSplineFlow,
	"BNAF": nf.NewBNAF, "NCSF": nf.NewNCSF,
}

func nsf(coupling bool) constructor {
	return func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		return nf.NewNSF(dim, &nf.NSFOptions{ModelOptions: *opts, Coupling: coupling}, src)
	}
}

// graph is a file and what it must compute, in the order in which tensors are in files of float64.
type graph struct {
	Name      string
	File      string
	Precision string
	Inputs    map[string]tensor
	Outputs   map[string]tensor
	Own       map[string]tensor // what nfkit has in the precision of the graph
}

type tensor struct {
	File string
	Dims []int
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: onnxcheck FOLDER [MODEL...]")
	}
	w := writer{folder: os.Args[1]}
	all := maps.Clone(others)
	for name, build := range models {
		all[name] = build
		all[name+"-context"] = func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
			o := *opts
			o.Context = context
			return build(dim, &o, src)
		}
	}
	names := os.Args[2:]
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(all))
	}
	for _, name := range names {
		if all[name] == nil {
			log.Fatalf("there is no model %q", name)
		}
		w.model(name, all[name])
	}
	index, err := json.MarshalIndent(w.graphs, "", " ")
	if err != nil {
		log.Fatal(err)
	}
	w.file("index.json", index)
	fmt.Printf("%d graphs of %d models\n", len(w.graphs), len(names))
}

type writer struct {
	folder string
	graphs []graph
	files  int
}

func (w *writer) file(name string, data []byte) {
	if err := os.WriteFile(filepath.Join(w.folder, name), data, 0o644); err != nil {
		log.Fatal(err)
	}
}

func (w *writer) tensor(data []float64, dims ...int) tensor {
	w.files++
	name := fmt.Sprintf("%d.f64", w.files)
	var raw []byte
	for _, x := range data {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
	}
	w.file(name, raw)
	return tensor{name, dims}
}

// model writes the graphs of a model.
func (w *writer) model(name string, build constructor) {
	m := build(3, &nf.ModelOptions{Layers: 3}, rand.NewPCG(1, 2))
	dim, context := m.Dim(), m.ContextDim()
	perturb(m, rand.New(rand.NewPCG(3, 4)))
	noise := single(onnx.Noise(m, rows, rand.NewPCG(5, 6)))
	var given []float64
	inputs := map[string]tensor{"noise": w.tensor(noise, rows, len(noise)/rows)}
	of := m
	if context > 0 {
		r := rand.New(rand.NewPCG(7, 8))
		given = make([]float64, rows*context)
		for i := range given {
			given[i] = r.NormFloat64()
		}
		given = single(given)
		inputs["context"] = w.tensor(given, rows, context)
		of = m.Given(mat.NewDense(rows, context, given))
	}
	points := single(of.Sample(rows, rand.NewPCG(9, 10)).RawMatrix().Data)
	x := mat.NewDense(rows, dim, points)
	inputs["x"] = w.tensor(points, rows, dim)

	sample := func(p ad.Precision) map[string]tensor {
		t := ad.NewEvalTape(p)
		var c *ad.Value
		if context > 0 {
			c = t.Const(rows, context, given)
		}
		y, l := nf.NewModelBase(m).Sample(t.Const(rows, len(noise)/rows, noise), c)
		return map[string]tensor{"x": w.tensor(y.Data(), rows, dim), "log_prob": w.tensor(l.Data(), rows)}
	}
	density := func(p ad.Precision) map[string]tensor {
		return map[string]tensor{"log_prob": w.tensor(of.WithPrecision(p).LogProb(x), rows)}
	}
	exactSample, exactDensity := sample(ad.Float64), density(ad.Float64)
	for _, p := range []ad.Precision{ad.Float32, ad.Float64} {
		ownSample, ownDensity := exactSample, exactDensity
		if p == ad.Float32 {
			ownSample, ownDensity = sample(p), density(p)
		}
		of := func(input string) map[string]tensor {
			all := map[string]tensor{input: inputs[input]}
			if context > 0 {
				all["context"] = inputs["context"]
			}
			return all
		}
		add := func(kind, input string, export func(*os.File) error, outputs, own map[string]tensor) {
			g := graph{Name: name + " " + kind, File: fmt.Sprintf("%s-%s-%v.onnx", name, kind, p), Precision: p.String(), Inputs: of(input), Outputs: outputs, Own: own}
			f, err := os.Create(filepath.Join(w.folder, g.File))
			if err != nil {
				log.Fatal(err)
			}
			if err := export(f); err != nil {
				log.Fatal(err)
			}
			if err := f.Close(); err != nil {
				log.Fatal(err)
			}
			w.graphs = append(w.graphs, g)
		}
		opts := &onnx.Options{Precision: p}
		add("density", "x", func(f *os.File) error { return onnx.Density(f, m, opts) }, exactDensity, ownDensity)
		add("sampling", "noise", func(f *os.File) error { return onnx.Sampling(f, m, opts) }, exactSample, ownSample)
	}
}

// perturb moves a model away from where training starts, to where no layer is the identity. Much further away, splines have bins so narrow that nfkit
// itself differs by more between float32 and float64 than the graphs may.
func perturb(m *nf.NormalizingFlow, r *rand.Rand) {
	for _, p := range m.Params() {
		if p.Frozen {
			continue
		}
		for i := range p.Data {
			p.Data[i] += 0.03 * r.NormFloat64()
		}
		p.Changed()
	}
	for _, f := range m.Flows() {
		if p, ok := f.(nf.Preparer); ok {
			p.Prepare()
		}
	}
}

// single rounds to float32, so that graphs of either precision have the same inputs.
func single(data []float64) []float64 {
	for i, x := range data {
		data[i] = float64(float32(x))
	}
	return data
}
