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
	"testing"
	"testing/iotest"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/safetensors"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
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

// StateText returns the elements of every tensor, to compare.
func StateText(s State) string {
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
	if StateText(saved.State()) == StateText(loaded.State()) {
		t.Fatal("both models start equal: the test would pass for a Load that does nothing")
	}
	Check(Save(path, saved))
	Check(Load(path, loaded))
	if got, want := StateText(loaded.State()), StateText(saved.State()); got != want {
		t.Errorf("loaded\n%s\nwant\n%s", got, want)
	}
	x := mat.NewDense(3, 2, []float64{0, 1, 2, 3, 4, 5})
	if got, want := loaded.LogProb(x), saved.LogProb(x); !slices.Equal(got, want) {
		t.Errorf("log-probability after loading %v, want %v", got, want)
	}
}

// The model of parity case tutorial_model, written in normflows' names by a few lines of Python that follow the
// description of the format; the log-probabilities are those that normflows computes for it in float64.
// Masks take a byte each, behind all numbers of eight; a mask that somebody wrote other numbers to is kept as it is.
func TestMasksAreBytes(t *testing.T) {
	saved, loaded := NewMAF(16, nil, rand.NewPCG(1, 2)), NewMAF(16, nil, rand.NewPCG(3, 4))
	var b bytes.Buffer
	if err := Write(&b, saved); err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	masks := 0
	for _, f := range file.Tensors {
		size := int64(8)
		if strings.HasSuffix(f.Name, ".mask") {
			size = 1
			masks++
		}
		if got := f.DType.Size(); got != size || f.Begin%size != 0 {
			t.Errorf("%s is written as %s at byte %d, want %d bytes a number and a multiple of that", f.Name, f.DType, f.Begin, size)
		}
	}
	if masks == 0 {
		t.Error("there are no masks")
	}
	if err := Read(&b, loaded); err != nil {
		t.Fatal(err)
	}
	if StateText(saved.State()) != StateText(loaded.State()) {
		t.Error("what was read differs from what was written")
	}

	affine := NewInvertibleAffine(3, nil, rand.NewPCG(1, 2))
	for _, tensor := range affine.State() {
		if tensor.Name == "eye" {
			tensor.Floats[1] = 0.5
		}
	}
	if err := Write(&b, affine); err != nil {
		t.Fatal(err)
	}
	again := NewInvertibleAffine(3, nil, rand.NewPCG(5, 6))
	if err := Read(&b, again); err != nil {
		t.Fatal(err)
	}
	if StateText(affine.State()) != StateText(again.State()) {
		t.Error("a mask with 0.5 is not kept")
	}
}

func TestLoadNormflows(t *testing.T) {
	const tol = 1e-9 // relative: the tolerance of the parity cases
	src := rand.NewPCG(1, 2)
	var flows []Flow
	for range 4 {
		flows = append(flows, NewAffineCouplingBlock(NewMLP([]int{1, 32, 32, 2}, nil, src), nil), NewLULinearPermute(2, nil, src))
	}
	model := NewNormalizingFlow(NewDiagGaussian(2, &DiagGaussianOptions{Fixed: true}), flows)
	Check(Load("testdata/tutorial_model.safetensors", model))
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
	return State{ParamTensor("w", m.w, 1, 2), {Name: "mask", Shape: []int{3}, Floats: m.mask}, permutationTensor("perm", m.perm)}
}

// raw writes a safetensors file with the given header and data.
func raw(t *testing.T, header string, data ...byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raw.safetensors")
	b := append([]byte{byte(len(header)), byte(len(header) >> 8), 0, 0, 0, 0, 0, 0}, header...)
	Check(os.WriteFile(path, append(b, data...), 0o666))
	return path
}

func TestLoadOtherTypes(t *testing.T) {
	path := raw(t, `{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
		"mask":{"dtype":"BOOL","shape":[3],"data_offsets":[8,11]},
		"perm":{"dtype":"I32","shape":[2],"data_offsets":[11,19]}}`,
		0, 0, 0x80, 0x3e, 0, 0, 0x40, 0xc0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0)
	m := newTwoTensors()
	Check(Load(path, m))
	if !slices.Equal(m.w.Data, []float64{0.25, -3}) || !slices.Equal(m.mask, []float64{0, 1, 1}) || !slices.Equal(m.perm, []int{0, 1}) {
		t.Errorf("loaded %v %v %v, want [0.25 -3] [0 1 1] [0 1]", m.w.Data, m.mask, m.perm)
	}
}

func TestLoadRefuses(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.safetensors")
	Check(Save(whole, newTwoTensors()))
	b, err := os.ReadFile(whole)
	Check(err)
	cut := func(n int) string {
		path := filepath.Join(t.TempDir(), "cut.safetensors")
		Check(os.WriteFile(path, b[:n], 0o666))
		return path
	}
	png := filepath.Join(t.TempDir(), "figure.png")
	Check(os.WriteFile(png, []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), 0o666))
	missing := filepath.Join(t.TempDir(), "none.safetensors")

	wrong := newTwoTensors()
	wrong.w.Data[1] = math.NaN()
	wrong.perm[0] = 7
	damaged := filepath.Join(t.TempDir(), "damaged.safetensors")
	f, err := os.Create(damaged)
	Check(err)
	Check(safetensors.Write(f, []safetensors.Tensor{{Name: "w", Shape: []int{1, 2}, Floats: wrong.w.Data},
		{Name: "mask", Shape: []int{3}, Floats: []float64{5, 5, math.Inf(1)}}, {Name: "perm", Shape: []int{2}, Ints: wrong.perm}}, nil))
	Check(f.Close())

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
			[]string{"another architecture", "nothing was changed", "w has 2 numbers in the file, 1×2 in the model", "the file has no mask (3 numbers)",
				"perm has type F32 in the file, whole numbers in the model", "the model has no bias (a single number in the file)"}},
		"bad numbers": {damaged, []string{"w: element 1 is NaN", "mask: element 2 is +Inf", "perm: [7 0] is not a permutation"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newTwoTensors()
			before := StateText(m.State())
			mustFail(t, Load(c.path, m), c.want...)
			if after := StateText(m.State()); after != before {
				t.Errorf("Load failed and changed\n%sto\n%s", before, after)
			}
		})
	}
	if err := Load(missing, newTwoTensors()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

// What a load into another architecture says: where counted parts are not as many, else the first few parts.
func TestLoadSaysWhatDiffers(t *testing.T) {
	src := rand.NewPCG(1, 2)
	model := func(layers, hidden int, base Base) *NormalizingFlow {
		var flows []Flow
		for range layers {
			net := NewMLP(append([]int{1}, append(slices.Repeat([]int{8}, hidden), 2)...), nil, src)
			flows = append(flows, NewAffineCouplingBlock(net, nil), NewLULinearPermute(2, nil, src))
		}
		return NewNormalizingFlow(base, flows)
	}
	gaussian := NewDiagGaussian(2, nil)
	path := filepath.Join(t.TempDir(), "flow.safetensors")
	Check(Save(path, model(16, 2, gaussian)))
	for name, c := range map[string]struct {
		m     Stateful
		lines int
		want  []string
	}{
		"fewer layers": {model(4, 2, gaussian), 2, []string{"the file has flows 0 to 31, the model 0 to 7"}},
		"deeper networks": {model(16, 3, gaussian), 8, []string{
			"the file has flows.0.flows.1.param_map.net 0, 2, 4, the model 0, 2, 4, 6", "the file has flows.2.flows.1.param_map.net", "and 42 more"}},
		"another base": {model(16, 2, NewGaussian(2, nil)), 2, []string{"the file has no q0.lower_entries (1 number)"}},
		"a part":       {gaussian, 5, []string{"the file has no loc (1×2)", "the model has no flows (176 tensors in the file)", "the model has no q0 (2 tensors in the file)"}},
	} {
		err := Load(path, c.m)
		mustFail(t, err, append(c.want, "another architecture; nothing was changed")...)
		if n := strings.Count(err.Error(), "\n") + 1; n > c.lines {
			t.Errorf("%s: the message has %d lines, want at most %d:\n%v", name, n, c.lines, err)
		}
	}
	// Names of a file cannot do anything to a terminal, nor fill it.
	err := Load(raw(t, `{"\u001b[2J":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"`+strings.Repeat("x", 400)+`":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`,
		make([]byte, 8)...), gaussian)
	mustFail(t, err, `"\x1b[2J"`, "xxx…")
	if strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 800 {
		t.Errorf("the message has %d bytes: %q", len(err.Error()), err)
	}
}

func TestWriteRead(t *testing.T) {
	saved, loaded := smallModel(8, 1), smallModel(8, 2)
	before := StateText(loaded.State())
	var b bytes.Buffer
	Check(Write(&b, saved))
	path := filepath.Join(t.TempDir(), "flow.safetensors")
	Check(Save(path, saved))
	if file, err := os.ReadFile(path); err != nil || !bytes.Equal(file, b.Bytes()) {
		t.Errorf("Write and Save differ, %v", err)
	}
	mustFail(t, Read(bytes.NewReader(b.Bytes()[:b.Len()-1]), loaded), "nfkit: Read: the file is truncated")
	mustFail(t, Read(iotest.ErrReader(fs.ErrPermission), loaded), "nfkit: Read: permission denied")
	mustFail(t, Read(bytes.NewReader(b.Bytes()), smallModel(4, 1)), "another architecture")
	if got := StateText(loaded.State()); got != before {
		t.Error("a Read that failed changed the model")
	}
	Check(Read(iotest.OneByteReader(&b), loaded))
	if got, want := StateText(loaded.State()), StateText(saved.State()); got != want {
		t.Errorf("read\n%s\nwant\n%s", got, want)
	}
	saved.State()[0].floats()[0] = math.NaN()
	mustFail(t, Write(&b, saved), "nfkit: Write: element 0 of q0.loc is NaN")
	if b.Len() != 0 {
		t.Errorf("a Write that was refused wrote %d bytes", b.Len())
	}
}

// linears is a torch.nn.Sequential of a linear map and a batch normalisation, as internal/pytorch/testdata has it.
func linears() stateOf {
	zeros := func(rows, cols int) *ad.Param { return ad.NewParam(rows, cols, make([]float64, rows*cols)) }
	return stateOf{
		ParamTensor("0.weight", zeros(3, 2), 3, 2), ParamTensor("0.bias", zeros(1, 3), 3),
		ParamTensor("1.weight", zeros(1, 3), 3), ParamTensor("1.bias", zeros(1, 3), 3),
		{Name: "1.running_mean", Shape: []int{3}, Floats: make([]float64, 3)}, {Name: "1.running_var", Shape: []int{3}, Floats: make([]float64, 3)},
		{Name: "1.num_batches_tracked", Ints: make([]int, 1)},
	}
}

func TestLoadPyTorch(t *testing.T) {
	const folder = "internal/pytorch/testdata/"
	for _, file := range []string{"model.pt", "protocol4.pt", "checkpoint.pt#model", "checkpoint.pt#ema"} {
		m := linears()
		Check(Load(folder+file, m))
		if !slices.Equal(m[0].Param.Data, []float64{0, 1, 2, 3, 4, 5}) || !slices.Equal(m[3].Param.Data, []float64{30, 31, 32}) || m[6].Ints[0] != 1 {
			t.Errorf("%s: got\n%s", file, StateText(State(m)))
		}
	}
	b, err := os.ReadFile(folder + "model.pt")
	Check(err)
	m := linears()
	Check(Read(bytes.NewReader(b), m))
	if m[3].Param.Data[2] != 32 {
		t.Errorf("read\n%s", StateText(State(m)))
	}
	hash := filepath.Join(t.TempDir(), "run#3.pt") // a name, not a key
	Check(os.WriteFile(hash, b, 0o666))
	Check(Load(hash, linears()))

	path := filepath.Join(t.TempDir(), "flow.safetensors")
	Check(Save(path, linears()))
	for file, want := range map[string][]string{
		folder + "checkpoint.pt":       {"end the path with #model or #ema"},
		folder + "checkpoint.pt#epoch": {`under the key "epoch" there is a number`},
		folder + "legacy.pt":           {"before version 1.6", "torch.save(model.state_dict(), path)"},
		folder + "module.pt":           {"torch.nn.modules.container.Sequential", "torch.save(model.state_dict(), path)"},
		folder + "strides.pt":          {"another architecture", "the model has no rows (2×3 in the file)"},
		folder + "none.pt#model":       {"no such file"},
		path + "#model":                {"not a checkpoint"},
	} {
		m := linears()
		before := StateText(State(m))
		mustFail(t, Load(file, m), append(want, "nfkit: Load "+file)...)
		if StateText(State(m)) != before {
			t.Errorf("a Load of %s that failed changed the model", file)
		}
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
	Check(Save(path, m))
	before, err := os.ReadFile(path)
	Check(err)

	m.w.Data[1] = math.Inf(-1)
	mustFail(t, Save(path, m), path, "element 1 of w is -Inf", "nothing was written")
	m.w.Data[1] = 2
	mustFail(t, Save(folder, m), folder, "this is a folder")
	mustFail(t, Save(filepath.Join(folder, "runs", "flow.safetensors"), m), "there is no folder "+filepath.Join(folder, "runs"), "create it first")
	mustFail(t, Save(filepath.Join(path, "flow.safetensors"), m), "cannot write to the folder "+path, "not a directory")

	testkit.WantPanic(t, "two tensors", func() { Save(path, stateOf(append(m.State(), m.State()...))) })

	after, err := os.ReadFile(path)
	Check(err)
	if !bytes.Equal(before, after) {
		t.Error("a Save that failed changed the file")
	}
	if got := names(t, folder); !slices.Equal(got, []string{"flow.safetensors"}) {
		t.Errorf("the folder has %q, want flow.safetensors alone", got)
	}
}

type stateOf State

func (s stateOf) State() State { return State(s) }
