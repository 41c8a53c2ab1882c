package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/sweep"
)

// sweepNotebook has what a notebook needs to be one run of many: a seed and a folder that can be set, and a result.
func sweepNotebook() *notebook {
	return newNotebook(preamble, "import (\n\t\"math/rand/v2\"\n\n\tnf \""+modulePath+"/nfkit\"\n\t\""+modulePath+"/nfkit/sweep\"\n)",
		"const (\n\tseed   = 0\n\tlayers = 1\n\tfolder = \"results/0\"\n)", `%%
model := nf.NewRealNVP(2, &nf.ModelOptions{Layers: layers, Hidden: 4}, rand.NewPCG(seed, 0))
r := sweep.Result{Name: "moons", Seed: seed, Constants: map[string]any{"layers": layers}, Numbers: map[string]float64{"nll": 1 + seed}}
nf.Check(r.Save(folder, model))`)
}

// A notebook takes seed, constants and folder from -set and leaves a result; gather finds it, and what is missing.
func TestGatherNotebooks(t *testing.T) {
	results := t.TempDir()
	file := saveNotebook(t, sweepNotebook())
	run := filepath.Join(results, "3")
	if status, out, errs := runCommand(t, "-set", "seed=3", "-set", "layers=2", "-set", "folder="+run, "-o", t.TempDir(), file); status != statusOK {
		t.Fatalf("the notebook ends with %d:\n%s%s", status, out, errs)
	}
	r, err := sweep.Load(run)
	if err != nil {
		t.Fatal(err)
	}
	if r.Seed != 3 || r.Constants["layers"] != 2.0 || r.Numbers["nll"] != 4 {
		t.Errorf("the result is %+v", r)
	}
	status, out, errs := runCommand(t, "gather", results, "-runs", "4")
	if status != statusFailed || !strings.Contains(out, "moons layers=2, runs: 1\n  nll = 4, least") || !strings.Contains(errs, "2: there is no such folder") {
		t.Errorf("gather ends with %d:\n%s%s", status, out, errs)
	}
}

// The summary compares settings by the mean over seeds, and writes the models of the best.
func TestGather(t *testing.T) {
	results := t.TempDir()
	newModel := func(seed uint64) *nf.NormalizingFlow {
		return nf.NewRealNVP(2, &nf.ModelOptions{Layers: 1, Hidden: 4}, rand.NewPCG(seed, 0))
	}
	save := func(name string, seed uint64, layers int, numbers map[string]float64) {
		t.Helper()
		r := sweep.Result{Name: "moons", Seed: seed, Constants: map[string]any{"layers": layers}, Numbers: numbers}
		if err := r.Save(filepath.Join(results, name), newModel(seed)); err != nil {
			t.Fatal(err)
		}
	}
	for k, nll := range []float64{1, 2, 3, 5, 7} {
		save(fmt.Sprint(k), uint64(k), 2+k/3, map[string]float64{"nll": nll, "other": -nll}) // three seeds of one setting, two of another
	}
	ensemble := filepath.Join(results, "ensemble.safetensors")
	status, out, errs := runCommand(t, "gather", results)
	for _, want := range []string{
		"moons layers=2, runs: 3\n  nll = 2 ± 0.58, least 1 in " + filepath.Join(results, "0") + "\n  other = -2 ± 0.58",
		"moons layers=3, runs: 2\n  nll = 6 ± 1,",
		"best nll: moons layers=2, seed 0, in " + filepath.Join(results, "0", "weights.safetensors"),
		"mixture of 3 models: " + ensemble,
	} {
		if status != statusOK || !strings.Contains(out, want) {
			t.Fatalf("gather ends with %d, want 0 and %q:\n%s%s", status, want, out, errs)
		}
	}
	if err := nf.Load(ensemble, nf.NewEnsemble([]*nf.NormalizingFlow{newModel(9), newModel(9), newModel(9)})); err != nil {
		t.Error(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "best")
	if status, out, errs := runCommand(t, "gather", "-by", "other", "-o", elsewhere, results); status != statusOK ||
		!strings.Contains(out, "best other: moons layers=3, seed 4") || !strings.Contains(out, "mixture of 2 models: "+elsewhere) {
		t.Errorf("by another number, gather ends with %d:\n%s%s", status, out, errs)
	}
	if err := os.Remove(filepath.Join(results, "4", "weights.safetensors")); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := runCommand(t, "gather", results); status != statusFailed || !strings.Contains(out, "layers=3, runs: 1") ||
		!strings.Contains(errs, "left out:\n  4: weights.safetensors: there is no such file") {
		t.Errorf("without a file of weights, gather ends with %d:\n%s%s", status, out, errs)
	}
}

func TestGatherErrors(t *testing.T) {
	two := t.TempDir()
	r := sweep.Result{Name: "a", Numbers: map[string]float64{"x": 1, "y": 2}}
	if err := r.Save(filepath.Join(two, "0"), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"gather"}, statusUsage, "got 0 folders of results, want one"},
		{[]string{"gather", "a", "b"}, statusUsage, "got 2 folders"},
		{[]string{"gather", "-runs", "-1", "a"}, statusUsage, "got -runs -1"},
		{[]string{"gather", "-no", "a"}, statusUsage, "not defined"},
		{[]string{"gather", filepath.Join(two, "none")}, statusFailed, "none"},
		{[]string{"gather", t.TempDir()}, statusFailed, "there are no results in "},
		{[]string{"gather", two}, statusFailed, "which number says what is best? -by can be one of: x, y"},
		{[]string{"gather", two, "-by", "z"}, statusFailed, "-by can be one of: x, y"},
		{[]string{"gather", two, "-by", "x"}, statusFailed, "has no weights"},
	} {
		if status, _, errs := runCommand(t, c.args...); status != c.status || !strings.Contains(errs, c.want) {
			t.Errorf("%q ends with %d and %q, want %d and %q", c.args, status, errs, c.status, c.want)
		}
	}
	if status, out, _ := runCommand(t, "gather", "-h"); status != statusOK || out != gatherUsage {
		t.Errorf("-h ends with %d and\n%s", status, out)
	}
}
