package nfkit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/safetensors"
)

// smallModel returns a model with parameters and buffers of every kind, and no layer at the identity.
func smallModel(hidden int, seed uint64) *NormalizingFlow {
	src := rand.NewPCG(seed, 1)
	var flows []Flow
	for range 2 {
		net := NewMLP([]int{1, hidden, 2}, nil, src)
		flows = append(flows, NewAffineCouplingBlock(net, nil), NewLULinearPermute(2, nil, src))
	}
	return NewNormalizingFlow(NewDiagGaussian(2, nil), flows)
}

// contents returns the elements of every tensor, to compare.
func contents(s State) string {
	var b strings.Builder
	for _, t := range s {
		fmt.Fprintf(&b, "%s %v %x %v\n", t.Name, t.Shape, t.floats(), t.Ints)
	}
	return b.String()
}

func mustFail(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one that says %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got error\n%v\nwant one that says %q", err, w)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flow.safetensors")
	saved, loaded := smallModel(8, 1), smallModel(8, 2)
	if contents(saved.State()) == contents(loaded.State()) {
		t.Fatal("both models start equal: the test would pass for a Load that does nothing")
	}
	Must(Save(path, saved))
	Must(Load(path, loaded))
	if got, want := contents(loaded.State()), contents(saved.State()); got != want {
		t.Errorf("loaded\n%s\nwant\n%s", got, want)
	}
	x := mat.NewDense(3, 2, []float64{0, 1, 2, 3, 4, 5})
	if got, want := loaded.LogProb(x), saved.LogProb(x); !slices.Equal(got, want) {
		t.Errorf("log-probability after loading %v, want %v", got, want)
	}
}

// The model of parity case tutorial_model, written in normflows' names by a few lines of Python that follow the
// description of the format; the log-probabilities are those that normflows computes for it in float64.
func TestLoadNormflows(t *testing.T) {
	const tol = 1e-9 // relative: the tolerance of the parity cases
	src := rand.NewPCG(1, 2)
	var flows []Flow
	for range 4 {
		flows = append(flows, NewAffineCouplingBlock(NewMLP([]int{1, 32, 32, 2}, nil, src), nil), NewLULinearPermute(2, nil, src))
	}
	model := NewNormalizingFlow(NewDiagGaussian(2, &DiagGaussianOptions{Fixed: true}), flows)
	Must(Load("testdata/tutorial_model.safetensors", model))
	x := mat.NewDense(4, 2, []float64{
		1.2997413559342013, 1.4715463602574994, 1.627800648911243, 1.3911016744047693,
		1.1163561143629166, 2.010038452838702, 1.408502002626426, 3.076234435645924})
	want := []float64{-4.933455198647432, -5.17633302850832, -6.2002657602024325, -10.577609300760255}
	for i, got := range model.LogProb(x) {
		if math.Abs(got-want[i]) > tol*math.Abs(want[i]) {
			t.Errorf("log-probability of row %d is %v, want %v", i, got, want[i])
		}
	}
}

// twoTensors is something to load with a tensor of each kind.
type twoTensors struct {
	w    *ad.Param
	mask []float64
	perm []int
}

func newTwoTensors() *twoTensors {
	return &twoTensors{ad.NewParam(1, 2, []float64{1, 2}), []float64{1, 1, 0}, []int{1, 0}}
}

func (m *twoTensors) State() State {
	return State{paramTensor("w", m.w, 1, 2), {Name: "mask", Shape: []int{3}, Floats: m.mask}, permutationTensor("perm", m.perm)}
}

// raw writes a safetensors file with the given header and data.
func raw(t *testing.T, header string, data ...byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raw.safetensors")
	b := append([]byte{byte(len(header)), byte(len(header) >> 8), 0, 0, 0, 0, 0, 0}, header...)
	Must(os.WriteFile(path, append(b, data...), 0o666))
	return path
}

func TestLoadOtherTypes(t *testing.T) {
	path := raw(t, `{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
		"mask":{"dtype":"BOOL","shape":[3],"data_offsets":[8,11]},
		"perm":{"dtype":"I32","shape":[2],"data_offsets":[11,19]}}`,
		0, 0, 0x80, 0x3e, 0, 0, 0x40, 0xc0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0)
	m := newTwoTensors()
	Must(Load(path, m))
	if !slices.Equal(m.w.Data, []float64{0.25, -3}) || !slices.Equal(m.mask, []float64{0, 1, 1}) || !slices.Equal(m.perm, []int{0, 1}) {
		t.Errorf("loaded %v %v %v, want [0.25 -3] [0 1 1] [0 1]", m.w.Data, m.mask, m.perm)
	}
}

func TestLoadRefuses(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.safetensors")
	Must(Save(whole, newTwoTensors()))
	b, err := os.ReadFile(whole)
	Must(err)
	cut := func(n int) string {
		path := filepath.Join(t.TempDir(), "cut.safetensors")
		Must(os.WriteFile(path, b[:n], 0o666))
		return path
	}
	png := filepath.Join(t.TempDir(), "figure.png")
	Must(os.WriteFile(png, []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), 0o666))
	missing := filepath.Join(t.TempDir(), "none.safetensors")

	wrong := newTwoTensors()
	wrong.w.Data[1] = math.NaN()
	wrong.perm[0] = 7
	damaged := filepath.Join(t.TempDir(), "damaged.safetensors")
	f, err := os.Create(damaged)
	Must(err)
	Must(safetensors.Write(f, []safetensors.Tensor{{Name: "w", Shape: []int{1, 2}, Floats: wrong.w.Data},
		{Name: "mask", Shape: []int{3}, Floats: []float64{5, 5, math.Inf(1)}}, {Name: "perm", Shape: []int{2}, Ints: wrong.perm}}, nil))
	Must(f.Close())

	for name, c := range map[string]struct {
		path string
		want []string
	}{
		"no such file": {missing, []string{"nfkit: Load " + missing, "no such file"}},
		"a folder":     {filepath.Dir(whole), []string{"this is a folder"}},
		"cut":          {cut(len(b) - 1), []string{"truncated"}},
		"header cut":   {cut(20), []string{"truncated"}},
		"empty":        {cut(0), []string{"0 bytes are too few"}},
		"a picture":    {png, []string{png, "PNG image"}},
		"another architecture": {raw(t, `{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
			"perm":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"bias":{"dtype":"F32","shape":[],"data_offsets":[16,20]}}`, make([]byte, 20)...),
			[]string{"another architecture", "nothing was changed", "w: got 2 numbers, want 1×2", "missing: mask, 3 numbers",
				"perm: got type F32, want whole numbers", "unexpected: bias, a single number"}},
		"bad numbers": {damaged, []string{"w: element 1 is NaN", "mask: element 2 is +Inf", "perm: [7 0] is not a permutation"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newTwoTensors()
			before := contents(m.State())
			mustFail(t, Load(c.path, m), c.want...)
			if after := contents(m.State()); after != before {
				t.Errorf("Load failed and changed\n%sto\n%s", before, after)
			}
		})
	}
	if err := Load(missing, newTwoTensors()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

// names lists a folder.
func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, e := range entries {
		s = append(s, e.Name())
	}
	return s
}

func TestSaveRefuses(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "flow.safetensors")
	m := newTwoTensors()
	Must(Save(path, m))
	before, err := os.ReadFile(path)
	Must(err)

	m.w.Data[1] = math.Inf(-1)
	mustFail(t, Save(path, m), path, "element 1 of w is -Inf", "nothing was written")
	m.w.Data[1] = 2
	mustFail(t, Save(folder, m), folder, "this is a folder")
	mustFail(t, Save(filepath.Join(folder, "runs", "flow.safetensors"), m), "there is no folder "+filepath.Join(folder, "runs"), "create it first")
	mustFail(t, Save(filepath.Join(path, "flow.safetensors"), m), "cannot write to the folder "+path, "not a directory")

	func() {
		defer func() {
			if r := recover(); r == nil {
				t.Error("Save of two tensors with one name did not panic")
			}
		}()
		Save(path, stateOf(append(m.State(), m.State()...)))
	}()

	after, err := os.ReadFile(path)
	Must(err)
	if !bytes.Equal(before, after) {
		t.Error("a Save that failed changed the file")
	}
	if got := names(t, folder); !slices.Equal(got, []string{"flow.safetensors"}) {
		t.Errorf("the folder has %q, want flow.safetensors alone", got)
	}
}

type stateOf State

func (s stateOf) State() State { return State(s) }

// What is not a regular file is refused at once by whatever saves or loads, and stays what it is. Links are followed.
func TestSaveLoadOtherThanFiles(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	Must(syscall.Mkfifo(in("pipe"), 0o666))
	Must(os.Symlink("nothing", in("dangling")))
	Must(os.Symlink("loop", in("loop")))
	m := newTwoTensors()
	point := Checkpoint{Model: m}
	for name, want := range map[string]struct{ save, load string }{
		os.DevNull:     {"this is a device", "this is a device"},
		in("pipe"):     {"this is a named pipe", "this is a named pipe"},
		in("dangling"): {"a link to nothing", "no such file"},
		in("loop"):     {"round in a circle", "too many levels"},
	} {
		before, err := os.Lstat(name)
		Must(err)
		mustFail(t, Save(name, m), "nfkit: Save "+name, want.save)
		mustFail(t, point.Save(name), "nfkit: Checkpoint.Save "+name, want.save)
		mustFail(t, Load(name, m), "nfkit: Load "+name, want.load)
		mustFail(t, point.Load(name), "nfkit: Checkpoint.Load "+name, want.load)
		if after, err := os.Lstat(name); err != nil || after.Mode() != before.Mode() {
			t.Errorf("%s became %v, %v", name, after.Mode(), err)
		}
	}
	path, link := in("flow.safetensors"), in("link")
	Must(Save(path, m))
	Must(os.Chmod(path, 0o600))
	Must(os.Symlink("flow.safetensors", link))
	m.w.Data[0] = 7
	Must(Save(link, m))
	loaded := newTwoTensors()
	Must(Load(path, loaded))
	if info, err := os.Lstat(path); loaded.w.Data[0] != 7 || err != nil || info.Mode() != 0o600 {
		t.Errorf("after a save through a link the file has w[0] = %v, mode %v, %v, want 7, 0600", loaded.w.Data[0], info.Mode(), err)
	}
}
