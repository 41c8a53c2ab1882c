package sweep_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/sweep"
)

func newModel(seed uint64) *nf.NormalizingFlow {
	return nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 4}, rand.NewPCG(seed, 0))
}

// write keeps the run seed of a setting in folder/name.
func write(t *testing.T, folder, name string, seed uint64, layers int, nll float64) *nf.NormalizingFlow {
	t.Helper()
	model := newModel(seed)
	for _, p := range model.Params() {
		floats.AddConst(0.1*float64(seed), p.Data)
	}
	r := sweep.Result{Name: "moons", Seed: seed, Constants: map[string]any{"layers": layers, "rate": 1e-3, "loss": "nll", "fast": true},
		Numbers: map[string]float64{"nll": nll, "error": 2 * nll}}
	if err := r.Save(filepath.Join(folder, name), model); err != nil {
		t.Fatal(err)
	}
	return model
}

func TestSaveAndLoad(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	want := sweep.Result{Name: "n", Seed: math.MaxUint64, Constants: map[string]any{"k": 3.0, "s": "x", "on": false},
		Numbers: map[string]float64{"nll": -1.2345678901234567, "tiny": 5e-324, "huge": math.MaxFloat64}}
	for _, weights := range []string{"weights.safetensors", ""} {
		var model nf.Stateful
		if weights != "" {
			model = newModel(1)
		}
		if err := want.Save(folder, model); err != nil {
			t.Fatal(err)
		}
		got, err := sweep.Load(folder)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != want.Name || got.Seed != want.Seed || !maps.Equal(got.Constants, want.Constants) || !maps.Equal(got.Numbers, want.Numbers) || got.Weights != weights {
			t.Errorf("loaded %v, want %v with the weights %q", got, want, weights)
		}
	}
	if err := want.Save(folder, newModel(1)); err != nil {
		t.Fatal(err)
	}
	if err := nf.Load(filepath.Join(folder, "weights.safetensors"), newModel(2)); err != nil {
		t.Error(err)
	}
}

// A run that is repeated and ends in the middle leaves no result with the weights of another run.
func TestSaveAgain(t *testing.T) {
	folder := t.TempDir()
	r := sweep.Result{Name: "n", Numbers: map[string]float64{"nll": 1}}
	if err := r.Save(folder, newModel(1)); err != nil {
		t.Fatal(err)
	}
	broken := newModel(2)
	broken.Params()[0].Data[0] = math.Inf(1)
	if err := r.Save(folder, broken); err == nil {
		t.Error("weights that are not finite are saved")
	}
	if _, err := sweep.Load(folder); err == nil || !strings.HasSuffix(err.Error(), "there is no result.json") {
		t.Errorf("after an error there is a result (%v)", err)
	}
	if err := r.Save(folder, newModel(2)); err != nil {
		t.Error(err)
	}
	if _, err := sweep.Load(folder); err != nil {
		t.Error(err)
	}
}

// What cannot be a result is refused, and leaves none.
func TestSaveErrors(t *testing.T) {
	one := map[string]float64{"nll": 1}
	broken := newModel(1)
	broken.Params()[0].Data[0] = math.NaN()
	for want, c := range map[string]struct {
		r     sweep.Result
		model nf.Stateful
	}{
		"it has no name":                  {sweep.Result{Numbers: one}, nil},
		"it has no numbers":               {sweep.Result{Name: "n"}, nil},
		"its number nll is NaN":           {sweep.Result{Name: "n", Numbers: map[string]float64{"nll": math.NaN()}}, nil},
		"its number nll is -Inf":          {sweep.Result{Name: "n", Numbers: map[string]float64{"nll": math.Inf(-1)}}, nil},
		"its constant k is of type []int": {sweep.Result{Name: "n", Numbers: one, Constants: map[string]any{"k": []int{1}}}, nil},
		"its constant k is of type <nil>": {sweep.Result{Name: "n", Numbers: one, Constants: map[string]any{"k": nil}}, nil},
		"json: unsupported value: NaN":    {sweep.Result{Name: "n", Numbers: one, Constants: map[string]any{"k": math.NaN()}}, nil},
		"is NaN; nothing was written":     {sweep.Result{Name: "n", Numbers: one}, broken},
	} {
		folder := filepath.Join(t.TempDir(), "run")
		if err := c.r.Save(folder, c.model); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sweep: Result.Save ") {
			t.Errorf("got the error %v, want %q in it", err, want)
		}
		if _, err := os.Stat(filepath.Join(folder, "result.json")); err == nil {
			t.Errorf("%s: there is a result all the same", want)
		}
	}
}

// Every run that is not whole is named with its reason, and does not count.
func TestGatherNamesWhatIsLeftOut(t *testing.T) {
	folder := t.TempDir()
	for k := range 12 {
		write(t, folder, fmt.Sprint(k), uint64(k), 2, 1+0.1*float64(k))
	}
	at := func(name ...string) string { return filepath.Join(append([]string{folder}, name...)...) }
	whole := string(must(os.ReadFile(at("1", "result.json"))))
	must(0, os.Remove(at("1", "result.json")))
	must(0, os.WriteFile(at("2", "result.json"), []byte(whole[:len(whole)/2]), 0o666))
	must(0, os.WriteFile(at("3", "result.json"), nil, 0o666))
	must(0, os.Truncate(at("4", "weights.safetensors"), 500))
	must(0, os.Remove(at("5", "weights.safetensors")))
	must(0, os.RemoveAll(at("6")))
	must(0, os.Mkdir(at(".6.aBcDeF"), 0o777))
	must(0, os.RemoveAll(at("7")))
	must(0, os.WriteFile(at("8", "result.json"), []byte(strings.Replace(whole, `"nll": 1.1`, `"nll": null`, 1)), 0o666))
	must(0, os.WriteFile(at("9", "result.json"), []byte(whole+"{}"), 0o666))
	write(t, folder, "10", 0, 2, 3)
	must(0, os.WriteFile(at("12"), []byte("not a folder"), 0o666))
	must(0, os.Mkdir(at("13"), 0o777))
	must(0, os.WriteFile(at("13", "result.json"), []byte(`{"name":"moons","seed":1,"constants":{"fast":true,"layers":2,"loss":"nll","rate":1e-3},"numbers":{"nll":2}}`), 0o666))
	must(0, os.Mkdir(at("14"), 0o777))
	must(0, os.WriteFile(at("14", "result.json"), []byte(strings.Replace(whole, "weights.safetensors", "../0/weights.safetensors", 1)), 0o666))

	settings, leftOut, err := sweep.Gather(folder, 17)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []string{
		"1: there is no result.json", "2: result.json: it is truncated", "3: result.json: it is truncated",
		"4: weights.safetensors: the file is truncated", "5: weights.safetensors: there is no such file",
		"6: it was started and has not ended; what it has written is in .6.aBcDeF", "7: there is no such folder",
		"8: result.json: its number nll is NaN", "9: result.json: something follows its end", "10: it has the seed and constants of 0",
		"12: there is no such folder", "13: it has no number error, which others have",
		"14: result.json: its weights are in ../0/weights.safetensors", "15: there is no such folder", "16: there is no such folder",
	} {
		if k >= len(leftOut) || !strings.HasPrefix(leftOut[k], want) {
			t.Fatalf("what is left out is\n%s\nwant, as number %d, %s", strings.Join(leftOut, "\n"), k, want)
		}
	}
	if len(leftOut) != 15 {
		t.Errorf("left out are %q", leftOut)
	}
	if len(settings) != 1 || len(settings[0].Runs) != 2 || filepath.Base(settings[0].Runs[1].Folder) != "11" {
		t.Errorf("gathered %v, want the runs 0 and 11 of one setting", settings)
	}
}

// Without a number of runs, a gap between them is seen, and folders with other names are runs too.
func TestGatherMissing(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "2", 2, 2, 1)
	write(t, folder, "5", 5, 2, 1)
	if _, leftOut, err := sweep.Gather(folder, 0); err != nil || !slices.Equal(leftOut, []string{"3: there is no such folder", "4: there is no such folder"}) {
		t.Errorf("left out are %q (%v)", leftOut, err)
	}
	write(t, folder, "last", 6, 2, 1)
	if settings, leftOut, err := sweep.Gather(folder, 0); err != nil || len(leftOut) > 0 || len(settings[0].Runs) != 3 {
		t.Errorf("gathered %v without %q (%v)", settings, leftOut, err)
	}
	if settings, leftOut, err := sweep.Gather(t.TempDir(), 0); err != nil || len(leftOut)+len(settings) > 0 {
		t.Errorf("in an empty folder are %v, %q, %v", settings, leftOut, err)
	}
	if _, _, err := sweep.Gather(filepath.Join(folder, "none"), 0); err == nil || !strings.HasPrefix(err.Error(), "sweep: Gather: ") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// Mean and standard error are over the seeds of one setting; the best run is that with the least number.
func TestMeanAndBest(t *testing.T) {
	folder := t.TempDir()
	for seed, nll := range []float64{1, 4, 1, 2} {
		write(t, folder, fmt.Sprint("a", seed), uint64(seed), 2, nll)
	}
	write(t, folder, "b", 0, 4, -1)
	settings, leftOut, err := sweep.Gather(folder, 0)
	if err != nil || len(leftOut) > 0 || len(settings) != 2 {
		t.Fatalf("gathered %v without %q (%v), want two settings", settings, leftOut, err)
	}
	if mean, se := settings[0].Mean("nll"); mean != 2 || !(math.Abs(se-math.Sqrt(6./3/4)) <= 1e-15) {
		t.Errorf("the mean is %v ± %v, want 2 ± 0.7071", mean, se)
	}
	if mean, se := settings[1].Mean("error"); mean != -2 || !math.IsNaN(se) {
		t.Errorf("the mean of one run is %v ± %v, want -2 ± NaN", mean, se)
	}
	if mean, se := settings[0].Mean("other"); !math.IsNaN(mean) || !math.IsNaN(se) {
		t.Errorf("the mean of a number that is not there is %v ± %v", mean, se)
	}
	if best := settings[0].Best("nll"); best.Seed != 0 {
		t.Errorf("the best run has seed %d, want 0", best.Seed)
	}
	if got := settings[0].Numbers(); !slices.Equal(got, []string{"error", "nll"}) {
		t.Errorf("the numbers are %q", got)
	}
	testkit.WantPanic(t, "sweep: Setting.Best: the run "+filepath.Join(folder, "a0")+" has no number other", func() { settings[0].Best("other") })
	testkit.WantPanic(t, "got a setting without runs", func() { sweep.Setting{}.Best("nll") })
}

// The file of an ensemble loads as one density, the mean of those of the runs.
func TestSaveEnsemble(t *testing.T) {
	folder := t.TempDir()
	x := testkit.NormalRows(50, 2, 3)
	var all [][]float64
	for seed := range uint64(3) {
		all = append(all, write(t, folder, fmt.Sprint(seed), seed, 2, 1).LogProb(x))
	}
	settings, leftOut, err := sweep.Gather(folder, 3)
	if err != nil || len(leftOut) > 0 {
		t.Fatal(leftOut, err)
	}
	path := filepath.Join(folder, "ensemble.safetensors")
	if err := settings[0].SaveEnsemble(path); err != nil {
		t.Fatal(err)
	}
	ensemble := nf.NewEnsemble([]*nf.NormalizingFlow{newModel(7), newModel(8), newModel(9)})
	if err := nf.Load(path, ensemble); err != nil {
		t.Fatal(err)
	}
	for i, got := range ensemble.LogProb(x) {
		if want := floats.LogSumExp([]float64{all[0][i], all[1][i], all[2][i]}) - math.Log(3); !(math.Abs(got-want) <= 1e-12*(1+math.Abs(want))) {
			t.Fatalf("row %d: the log-density is %v, want %v", i, got, want)
		}
	}
	must(0, os.Remove(filepath.Join(folder, "1", "weights.safetensors")))
	if err := settings[0].SaveEnsemble(path); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("without the weights of a run: %v", err)
	}
	settings[0].Runs[1].Weights = ""
	if err := settings[0].SaveEnsemble(path); err == nil || !strings.Contains(err.Error(), "has no weights") {
		t.Errorf("a run without weights: %v", err)
	}
	if err := nf.Load(path, ensemble); err != nil {
		t.Errorf("after an error the file is not what it was: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
