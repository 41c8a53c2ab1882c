package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/onnx"
)

// fields are those of a protobuf message, by number: an integer or bytes each.
type fields map[int][]any

func decode(t *testing.T, m []byte) fields {
	t.Helper()
	f := fields{}
	next := func() uint64 {
		x, n := binary.Uvarint(m)
		if n <= 0 {
			t.Fatal("a message ends within a number")
		}
		m = m[n:]
		return x
	}
	for len(m) > 0 {
		key := next()
		switch key & 7 {
		case 0:
			f[int(key>>3)] = append(f[int(key>>3)], int64(next()))
		case 2:
			n := next()
			if n > uint64(len(m)) {
				t.Fatal("a message ends within a field")
			}
			f[int(key>>3)] = append(f[int(key>>3)], m[:n])
			m = m[n:]
		case 5:
			f[int(key>>3)] = append(f[int(key>>3)], m[:4])
			m = m[4:]
		default:
			t.Fatalf("field %d has wire type %d", key>>3, key&7)
		}
	}
	return f
}

func (f fields) text(field int) string {
	if len(f[field]) != 1 {
		return fmt.Sprintf("%d values of field %d", len(f[field]), field)
	}
	return string(f[field][0].([]byte))
}

// checkGraph checks that each tensor has one origin, before its uses, and that initializers have as many numbers as they say. known are the tensors
// outside. It returns the inputs and outputs, as text.
func checkGraph(t *testing.T, m []byte, known map[string]bool, element int64) (ports string) {
	t.Helper()
	g := decode(t, m)
	outside := known
	known = map[string]bool{}
	maps.Copy(known, outside)
	define := func(name string) {
		if name == "" || known[name] {
			t.Errorf("tensor %q has two origins", name)
		}
		known[name] = true
	}
	for _, x := range g[5] {
		tensor := decode(t, x.([]byte))
		n, of := int64(1), tensor[2][0].(int64)
		for _, d := range tensor[1] {
			n *= d.(int64)
		}
		if of != 7 && of != 9 && of != element && of != 11 {
			t.Errorf("an initializer has element type %d", of)
		}
		size := map[int64]int64{1: 4, 7: 8, 9: 1, 11: 8}[of]
		if got := int64(len(tensor[9][0].([]byte))); got != n*size {
			t.Errorf("initializer %s has %d bytes for %d numbers of %d", tensor.text(8), got, n, size)
		}
		define(tensor.text(8))
	}
	port := func(x any) string {
		info := decode(t, x.([]byte))
		of := decode(t, decode(t, info[2][0].([]byte))[1][0].([]byte))
		s := info.text(1) + "["
		for _, d := range decode(t, of[2][0].([]byte))[1] {
			if d := decode(t, d.([]byte)); d[2] != nil {
				s += d.text(2) + " "
			} else if d[1] != nil {
				s += fmt.Sprint(d[1][0], " ")
			}
		}
		return strings.TrimSpace(s) + fmt.Sprintf("]%d ", of[1][0])
	}
	for _, x := range g[11] {
		ports += port(x)
		define(decode(t, x.([]byte)).text(1))
	}
	for _, x := range g[1] {
		n := decode(t, x.([]byte))
		for _, in := range n[1] {
			if name := string(in.([]byte)); !known[name] {
				t.Errorf("node %s takes %q, which no one has computed", n.text(4), name)
			}
		}
		for _, a := range n[5] {
			if a := decode(t, a.([]byte)); a[6] != nil {
				checkGraph(t, a[6][0].([]byte), known, element)
			}
		}
		for _, out := range n[2] {
			define(string(out.([]byte)))
		}
	}
	ports += "→ "
	for _, x := range g[12] {
		ports += port(x)
		if name := decode(t, x.([]byte)).text(1); !known[name] {
			t.Errorf("no one computes the result %q", name)
		}
	}
	return strings.TrimSpace(ports)
}

// checkFile checks a whole file.
func checkFile(t *testing.T, file []byte, element int64) (ports string) {
	t.Helper()
	m := decode(t, file)
	if len(m[1]) != 1 || m[1][0] != int64(8) || m.text(2) != "nfkit" || decode(t, m[8][0].([]byte))[2][0] != int64(17) {
		t.Errorf("the file has format %v of %v", m[1], m[2])
	}
	return checkGraph(t, m[7][0].([]byte), nil, element)
}

type constructor = func(dim int, opts *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow

func models() map[string]constructor {
	return map[string]constructor{
		"RealNVP": nf.NewRealNVP, "NICE": nf.NewNICE, "MAF": nf.NewMAF, "IAF": nf.NewIAF, "PlanarFlow": nf.NewPlanarFlow, "ResidualFlow": nf.NewResidualFlow,
		"NAF": nf.NewNAF, "UNAF": nf.NewUNAF, "SOSPF": nf.NewSOSPF, "BPF": nf.NewBPF, "GF": nf.NewGF, "TriangularSplineFlow": nf.NewTriangularSplineFlow,
		"BNAF": nf.NewBNAF, "NCSF": nf.NewNCSF,
		"NSF": func(dim int, o *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
			return nf.NewNSF(dim, &nf.NSFOptions{ModelOptions: *o}, src)
		},
		"NSF/coupling": func(dim int, o *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
			return nf.NewNSF(dim, &nf.NSFOptions{ModelOptions: *o, Coupling: true}, src)
		},
		"TransformerFlow": func(dim int, o *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
			return nf.NewTransformerFlow(nf.LogisticMixtureCDF{}, dim, o, src)
		},
	}
}

func TestReadyMade(t *testing.T) {
	for name, build := range models() {
		for _, context := range []int{0, 3} {
			m := build(2, &nf.ModelOptions{Layers: 1, Context: context}, rand.NewPCG(1, 2))
			p, element, given := ad.Float64, int64(11), ""
			if context > 0 {
				p, element, given = ad.Float32, 1, "context[N 3]1 "
			}
			t.Run(fmt.Sprintf("%s/%d/%v", name, context, p), func(t *testing.T) {
				var file bytes.Buffer
				if err := onnx.Density(&file, m, &onnx.Options{Precision: p}); err != nil {
					t.Fatal(err)
				}
				if got, want := checkFile(t, file.Bytes(), element), fmt.Sprintf("x[N 2]%d %s→ log_prob[N]%d", element, given, element); got != want {
					t.Errorf("the density is %s, want %s", got, want)
				}
				var again bytes.Buffer
				if err := onnx.Density(&again, m, &onnx.Options{Precision: p}); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
					t.Errorf("the same model has two files, or the error %v", err)
				}
				file.Reset()
				if err := onnx.Sampling(&file, m, &onnx.Options{Precision: p}); err != nil {
					t.Fatal(err)
				}
				if got, want := checkFile(t, file.Bytes(), element), fmt.Sprintf("noise[N 2]%d %s→ x[N 2]%d log_prob[N]%d", element, given, element, element); got != want {
					t.Errorf("sampling is %s, want %s", got, want)
				}
			})
		}
	}
}

// own is a flow that moves points by what f says.
type own struct {
	f func(x *ad.Value) *ad.Value
}

func (o own) Dim() int { return 2 }
func (o own) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	return z.Add(o.f(z)), z.Tape().Full(z.Rows(), 1, 0)
}
func (o own) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	return x.Sub(o.f(x)), x.Tape().Full(x.Rows(), 1, 0)
}
func (o own) State() nf.State { return nil }

// What has no translation is refused, with the layer and the reason.
func TestRefused(t *testing.T) {
	shape := ad.Shape{Height: 1, Width: 2, Channels: 1}
	for want, f := range map[string]func(x *ad.Value) *ad.Value{
		"the operation Conv2D has no translation": func(x *ad.Value) *ad.Value {
			return x.Conv2D(shape, ad.NewParam(1, 1, []float64{2}), nil, ad.PadZero, ad.Identity, 0)
		},
		"mixes the rows of the batch":       func(x *ad.Value) *ad.Value { return x.Sum().Add(x.Scale(0)) },
		"differs from row to row":           func(x *ad.Value) *ad.Value { return x.Tape().Normal(x.Rows(), 2) },
		"a constant, from noise":            func(x *ad.Value) *ad.Value { return x.Tape().Const(x.Rows(), 2, x.Data()) },
		"differs from batch to batch":       func(x *ad.Value) *ad.Value { return x.Tape().Const(1, 1, x.Data()[:1]) },
		"weights that depend on the points": func(x *ad.Value) *ad.Value { return x.MatMul(x.Slice(0, 1).Sum().Mul(x.Tape().Eye(2))) },
		"by operations of package ad":       func(x *ad.Value) *ad.Value { return x.Scale(x.At(0, 0)) },
		"the operation RowGradient has no ": func(x *ad.Value) *ad.Value {
			_, g := ad.RowGradient(func(x *ad.Value) *ad.Value { return x.RowSum() }, x)
			return g
		},
	} {
		m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewActNorm(2), own{f}})
		for call, export := range map[string]func(*bytes.Buffer) error{
			"Density":  func(b *bytes.Buffer) error { return onnx.Density(b, m, nil) },
			"Sampling": func(b *bytes.Buffer) error { return onnx.Sampling(b, m, nil) },
		} {
			var file bytes.Buffer
			err := export(&file)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "onnx: "+call+": flow 1 (onnx_test.own): ") {
				t.Errorf("%s: got the error %v, want one of flow 1 with %q", call, err, want)
			}
			if file.Len() > 0 {
				t.Errorf("%s: %d bytes were written with the error %v", call, file.Len(), err)
			}
		}
	}
}

// A base that chooses by rejection has a density, but its samples are made by Go code.
func TestResampledGaussian(t *testing.T) {
	base := nf.NewResampledGaussian(nf.NewMLP([]int{2, 4, 1}, nil, rand.NewPCG(1, 2)), nil)
	m := nf.NewNormalizingFlow(base, nil)
	var file bytes.Buffer
	if err := onnx.Sampling(&file, m, nil); err == nil || !strings.Contains(err.Error(), "onnx: Sampling: the base: ") {
		t.Errorf("got the error %v, want one of the base", err)
	}
	if err := onnx.Density(&file, m, nil); err != nil {
		t.Error(err)
	}
}

type broken struct{}

var errBroken = errors.New("the disk is full")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestMisuse(t *testing.T) {
	m := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 1, Context: 1}, rand.NewPCG(1, 2))
	testkit.WantPanic(t, "onnx: Density: got a nil model", func() { _ = onnx.Density(&bytes.Buffer{}, nil, nil) })
	testkit.WantPanic(t, "with a 1×1 context", func() { _ = onnx.Sampling(&bytes.Buffer{}, m.Given(mat.NewDense(1, 1, nil)), nil) })
	if err := onnx.Density(broken{}, m, nil); !errors.Is(err, errBroken) {
		t.Errorf("got the error %v, want that of the writer", err)
	}
}
