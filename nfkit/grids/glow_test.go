package grids_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// stripes are images of 4×4 pixels from 0 to 3: dark and bright rows for class 0, columns for class 1, with one pixel in ten wrong.
func stripes(n int, r *rand.Rand) (pixels *mat.Dense, labels []int) {
	pixels = mat.NewDense(n, 16, nil)
	for i := range n {
		label := r.IntN(2)
		labels = append(labels, label)
		for y := range 4 {
			for x := range 4 {
				k := 3 * ([]int{y, x}[label] % 2)
				if r.Float64() < 0.1 {
					k = r.IntN(4)
				}
				pixels.Set(i, 4*y+x, float64(k))
			}
		}
	}
	return pixels, labels
}

// perturb moves all parameters that are trained, so that nothing is at a special place.
func perturb(m nf.Stateful, r *rand.Rand) {
	for _, p := range m.State().Params() {
		for i := range p.Data {
			if p.Frozen {
				break
			}
			p.Data[i] += 0.1 * r.NormFloat64()
		}
	}
}

// A multiscale model has the tensors of the reference, and a density that its samples and its parts agree with.
func TestMultiscaleFlow(t *testing.T) {
	r := rand.New(source())
	m := grids.NewGlow(shape(4, 8, 1), &grids.GlowOptions{Classes: 3, Blocks: 1, Hidden: 4}, source())
	perturb(m, r)
	var names []string
	for _, t := range m.State() {
		if strings.HasPrefix(t.Name, "q0") || strings.HasSuffix(t.Name, "data_dep_init_done") || strings.HasSuffix(t.Name, ".L") {
			names = append(names, fmt.Sprint(t.Name, t.Shape))
		}
	}
	// MultiscaleFlow of the reference with L = 2 and K = 1: levels from the deepest, and blocks that see the grid after the squeeze.
	want := "q0.0.loc[8 1 2 3] q0.0.log_scale[8 1 2 3] q0.1.loc[2 2 4 3] q0.1.log_scale[2 2 4 3]" +
		" flows.0.0.flows.1.L[8 8] flows.0.0.flows.2.data_dep_init_done[] flows.1.0.flows.1.L[4 4] flows.1.0.flows.2.data_dep_init_done[]"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got tensors\n%s\nwant\n%s", got, want)
	}

	given := m.Given(grids.OneHot([]int{1}, 3))
	x, logProb := given.SampleLogProb(20, rand.NewPCG(5, 6))
	for i, l := range given.LogProb(x) {
		if !(math.Abs(l-logProb[i]) < 1e-7*math.Abs(l)) { // pixels near 0 and 1 lose digits in the logit
			t.Errorf("sample %d comes with log-density %v, LogProb says %v", i, logProb[i], l)
		}
	}
	if mat.Max(x) > 1.056 || mat.Min(x) < -0.056 || mat.Max(x) < 0.5 { // the logit's α is 0.05 of 0.9
		t.Errorf("pixels are from %v to %v", mat.Min(x), mat.Max(x))
	}
	if got, want := m.Clone().Given(grids.OneHot([]int{1}, 3)).LogProb(x), given.LogProb(x); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("a clone has the densities %v, want %v", got, want)
	}
	path := filepath.Join(t.TempDir(), "glow.safetensors")
	if err := nf.Save(path, m); err != nil {
		t.Fatal(err)
	}
	other := grids.NewGlow(shape(4, 8, 1), &grids.GlowOptions{Classes: 3, Blocks: 1, Hidden: 4}, rand.NewPCG(7, 8))
	if err := nf.Load(path, other); err != nil {
		t.Fatal(err)
	}
	if got, want := other.Given(grids.OneHot([]int{1}, 3)).LogProb(x), given.LogProb(x); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after loading the densities are %v, want %v", got, want)
	}
}

// The density of a model of two pixels, with a level for each, integrates to 1.
func TestMultiscaleDensity(t *testing.T) {
	r := rand.New(source())
	kept := shape(1, 1, 1)
	net := grids.NewConvNet2d(kept, []int{8, 2}, []int{1, 1}, &grids.ConvNet2dOptions{Activation: nf.ActTanh, RandomLast: true}, r)
	board := shape(1, 2, 1)
	m := grids.NewMultiscaleFlow([]nf.Base{grids.NewGlowBase(kept, 0), grids.NewGlowBase(kept, 0)},
		[][]nf.Flow{{grids.NewActNorm(kept)}, {grids.NewAffineCouplingBlock(board, net, &nf.AffineCouplingOptions{Split: nf.SplitCheckerboard})}},
		[]nf.Flow{grids.NewMerge(board, nf.SplitCheckerboard)}, nil)
	if err := nftest.Flow(nf.NewChain(m.Flows()...), nil, rand.NewPCG(3, 4)); err != nil {
		t.Error(err)
	}
	perturb(m, r)
	if err := nftest.Density(m, nil, rand.NewPCG(3, 4)); err != nil {
		t.Error(err)
	}
}

// A class-conditional model learns what the classes look like.
func TestGlowLearns(t *testing.T) {
	pixels, labels := stripes(400, rand.New(source()))
	m := grids.NewGlow(shape(4, 4, 1), &grids.GlowOptions{Classes: 2, Blocks: 2, Hidden: 12}, source()).WithPrecision(ad.Float32)
	train, err := grids.NewDequantized(pixels, 4, grids.OneHot(labels, 2))
	if err != nil {
		t.Fatal(err)
	}
	_, err = nf.Fit(context.Background(), m.NLL(nil), train, &nf.FitOptions{Steps: 150, BatchSize: 100, Schedule: nf.Cosine(1e-2, 10, 150), MaxGradNorm: 50}, source())
	if err != nil {
		t.Fatal(err)
	}
	test, labels := stripes(400, rand.New(rand.NewPCG(9, 10)))
	data, err := grids.NewDequantized(test, 4, grids.OneHot(labels, 2))
	if err != nil {
		t.Fatal(err)
	}
	rows := data.Sample(400, source())
	x, y := rows.Slice(0, 400, 0, 16), rows.Slice(0, 400, 16, 18)
	bits := grids.BitsPerDim(m.Given(y).LogProb(x), 16, 4)
	// The pixels are right with probability 0.925, the others each have 0.025: an entropy of 0.503 bits. Pixels alike need 2.
	if !(bits < 1.1 && bits > 0.5) {
		t.Errorf("a pixel takes %v bits, want less than 1.1", bits)
	}
	// The class is in the density: the right label beats the wrong one.
	wrong := mat.NewDense(400, 2, nil)
	for i := range 400 {
		wrong.Set(i, 0, y.At(i, 1))
		wrong.Set(i, 1, y.At(i, 0))
	}
	right := 0
	a, b := m.Given(y).LogProb(x), m.Given(wrong).LogProb(x)
	for i := range a {
		if a[i] > b[i] {
			right++
		}
	}
	if right < 360 {
		t.Errorf("%d of 400 images are more likely under their own class, want 360 or more", right)
	}
}

// A training step that has run before allocates nothing.
func TestGlowAllocations(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	pixels, labels := stripes(40, rand.New(source()))
	data, err := grids.NewDequantized(pixels, 4, grids.OneHot(labels, 2))
	if err != nil {
		t.Fatal(err)
	}
	x, src := data.Sample(40, source()), source()
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		opts := &grids.GlowOptions{Classes: 2, Blocks: 1, Hidden: 4, Block: grids.GlowBlockOptions{Context: 2, NetActNorm: true}}
		loss := grids.NewGlow(shape(4, 4, 1), opts, source()).WithPrecision(p).NLL(nil)
		step := func() {
			if _, err := loss.LossGrad(x, src); err != nil {
				t.Fatal(err)
			}
		}
		step() // is observed
		if n := testing.AllocsPerRun(3, step); n > 0 {
			t.Errorf("%v: a step allocates %v times, want none", p, n)
		}
	}
}

// An epoch of images is a pass over all of them.
func TestDequantizedEpochs(t *testing.T) {
	pixels, _ := stripes(50, rand.New(source()))
	data, err := grids.NewDequantized(pixels, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(16, nil), nil)
	h, err := nf.Fit(context.Background(), m.NLL(nil), data, &nf.FitOptions{Epochs: 3, BatchSize: 20}, source())
	if err != nil || len(h.Loss) != 8 { // of 150 rows
		t.Errorf("3 epochs of 50 images in batches of 20 are %d steps, want 8 (%v)", len(h.Loss), err)
	}
}

func TestDequantized(t *testing.T) {
	pixels := mat.NewDense(3, 2, []float64{0, 1, 2, 3, 3, 0})
	d, err := grids.NewDequantized(pixels, 4, grids.OneHot([]int{0, 1, 1}, 2))
	if err != nil {
		t.Fatal(err)
	}
	a := d.Sample(300, source())
	for i := range 300 {
		for j := range 2 {
			if v := a.At(i, j); !(v >= 0 && v < 1) {
				t.Fatalf("row %d, column %d is %v, want a number in [0, 1)", i, j, v)
			}
		}
		if k := int(4 * a.At(i, 0)); (a.At(i, 2) == 1) != (k == 0) {
			t.Errorf("a pixel %d has class %v", k, a.RawRowView(i)[2:])
		}
	}
	var noise []float64 // of each pixel
	for i := range 300 {
		noise = append(noise, 4*a.At(i, 0)-math.Floor(4*a.At(i, 0)))
	}
	if mean := stat.Mean(noise, nil); math.Abs(mean-0.5) > 4*math.Sqrt(1./12/300) {
		t.Errorf("the noise has mean %v, want 0.5", mean)
	}
	if pixels.At(1, 1) != 3 {
		t.Error("the pixels have been changed")
	}
	for _, bad := range []float64{-1, 4, 0.5, math.NaN(), math.Inf(1)} {
		_, err := grids.NewDequantized(mat.NewDense(2, 2, []float64{0, 0, 0, bad}), 4, nil)
		if want := fmt.Sprintf("grids: NewDequantized: the pixel in row 1 and column 1 is %v, want a whole number from 0 to 3", bad); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	if got := grids.BitsPerDim([]float64{0, 0}, 5, 256); got != 8 {
		t.Errorf("the uniform density takes %v bits, want 8", got)
	}
}
