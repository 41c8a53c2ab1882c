package grids_test

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// small options, so that the checks are quick.
func pixelFlow(s grids.Shape, classes int, pixels mat.Matrix) *nf.NormalizingFlow {
	return grids.NewPixelFlow(s, &grids.PixelFlowOptions{Hidden: 4, Blocks: 1, Bins: 4, Classes: classes, Pixels: pixels, Levels: 16}, source())
}

// dark are images most of whose pixels are 0.
func dark(n, dim, levels int) *mat.Dense {
	r := rand.New(rand.NewPCG(7, 8))
	x := mat.NewDense(n, dim, nil)
	x.Apply(func(_, _ int, _ float64) float64 { return float64(max(r.IntN(3*levels)-2*levels, 0)) }, x)
	return x
}

// The layers keep the contract of a flow, whatever the shape of the smallest image.
func TestPixelFlow(t *testing.T) {
	for name, m := range map[string]*nf.NormalizingFlow{
		"two scales": pixelFlow(shape(4, 8, 1), 0, nil),
		"classes":    pixelFlow(shape(2, 6, 1), 2, dark(20, 12, 16)),
		"channels":   pixelFlow(shape(2, 2, 2), 1, dark(20, 8, 16)),
		"odd":        pixelFlow(shape(1, 3, 1), 2, nil),
	} {
		t.Run(name, func(t *testing.T) {
			perturb(m, rand.New(rand.NewPCG(5, 6)))
			unit := nftest.Interval{Lo: 0, Hi: 1}
			if err := nftest.Flow(nf.NewChain(m.Flows()...), &nftest.FlowOptions{Latent: unit, Data: unit}, rand.NewPCG(3, 4)); err != nil {
				t.Error(err)
			}
		})
	}
}

// The density of a model of two pixels integrates to 1.
func TestPixelFlowDensity(t *testing.T) {
	m := pixelFlow(shape(1, 2, 1), 0, dark(20, 2, 16))
	perturb(m, rand.New(rand.NewPCG(5, 6)))
	const edge = 16 * 8 // cells, at whose boundaries are those of the levels, where the density jumps
	x := mat.NewDense(edge*edge, 2, nil)
	for i := range edge * edge {
		x.SetRow(i, []float64{(float64(i/edge) + 0.5) / edge, (float64(i%edge) + 0.5) / edge})
	}
	var sum float64
	for _, l := range m.LogProb(x) {
		sum += math.Exp(l) / (edge * edge)
	}
	if !(math.Abs(sum-1) < 1e-4) {
		t.Errorf("the density integrates to %v, want 1", sum)
	}
}

// Bins are groups of neighbouring levels, about equally frequent, and the model starts with pixels that have the frequencies of these.
func TestPixelFlowGroups(t *testing.T) {
	pixels := mat.NewDense(1, 75, nil) // 60 times 0, and 1 to 15
	for k := range 15 {
		pixels.Set(0, 60+k, float64(1+k))
	}
	m := pixelFlow(shape(2, 2, 1), 0, pixels)
	share, width := []float64{0.8, 5. / 75, 5. / 75, 5. / 75}, []float64{1. / 16, 5. / 16, 5. / 16, 5. / 16}
	const corner = 0.3 // the pixel of the smallest image starts with equal groups, of which this is the second
	var x, want []float64
	for k := range 16 {
		at := (float64(k) + 0.5) / 16
		x = append(x, corner, at, at, at)
		group := (k + 4) / 5
		want = append(want, 3*math.Log(share[group]/width[group])+math.Log(1/(4*width[1])))
	}
	if got := m.LogProb(mat.NewDense(16, 4, x)); !floats.EqualApprox(got, want, 1e-2) { // the last layer of a network is near 0, not 0
		t.Errorf("the model starts with the log-densities\n%v, want\n%v", got, want)
	}
	// Samples are of the levels in these frequencies, of which one pixel in four has equal ones.
	var zeros float64
	const n = 2000
	y := m.Sample(n, rand.NewPCG(3, 4))
	for _, v := range y.RawMatrix().Data {
		if v < 1./16 {
			zeros += 1. / (4 * n)
		}
	}
	if want := (3*0.8 + 0.25) / 4; !(math.Abs(zeros-want) < 4*math.Sqrt(want*(1-want)/(4*n))) {
		t.Errorf("%v of the pixels are 0, want %v", zeros, want)
	}
}

// Many more levels than bins, and as many, make groups that a spline can have: none is below a hundredth of the mean.
func TestPixelFlowManyLevels(t *testing.T) {
	for _, levels := range []int{4, 5, 399, 400, 1 << 16} {
		m := grids.NewPixelFlow(shape(2, 2, 1), &grids.PixelFlowOptions{Hidden: 2, Blocks: 1, Bins: 4, Pixels: dark(50, 4, levels), Levels: levels}, source())
		knots := nf.NewNormalizingFlow(nf.NewUniform(1, &nf.UniformOptions{High: 1}), []nf.Flow{lastBins(m)})
		x, _ := knots.Forward(mat.NewDense(3, 1, []float64{0.25, 0.5, 0.75}))
		for _, v := range x.RawMatrix().Data {
			if edge := v * float64(levels); !(math.Abs(edge-math.Round(edge)) < 1e-4) {
				t.Errorf("%d levels: a group ends at level %v, want a whole number", levels, edge)
			}
		}
	}
}

// lastBins returns a flow with the frozen parameters of m: those of its groups of levels.
func lastBins(m *nf.NormalizingFlow) nf.Flow {
	f := nf.NewElementwise(nf.LinearSpline{Bins: 4, Hi: 1}, 1)
	for _, p := range m.State().Params() {
		if p.Frozen {
			copy(f.State().Params()[0].Data, p.Data)
		}
	}
	return nf.NewInvert(f)
}

// A model that was made without pixels is that of a file after loading it, groups of levels included.
func TestPixelFlowLoads(t *testing.T) {
	x := mat.NewDense(3, 8, nil)
	x.Apply(func(i, j int, _ float64) float64 { return float64(8*i+j) / 24 }, x)
	m, other := pixelFlow(shape(4, 2, 1), 3, dark(20, 8, 16)), pixelFlow(shape(4, 2, 1), 3, nil)
	perturb(m, rand.New(rand.NewPCG(5, 6)))
	path := filepath.Join(t.TempDir(), "pixels.safetensors")
	if err := nf.Save(path, m); err != nil {
		t.Fatal(err)
	}
	if err := nf.Load(path, other); err != nil {
		t.Fatal(err)
	}
	y := grids.OneHot([]int{1}, 3)
	if got, want := other.Given(y).LogProb(x), m.Given(y).LogProb(x); !floats.Equal(got, want) {
		t.Errorf("after loading the densities are %v, want %v", got, want)
	}
	if got, want := m.Clone().WithPrecision(ad.Float32).Given(y).LogProb(x), m.Given(y).LogProb(x); !floats.EqualApprox(got, want, 1e-3) {
		t.Errorf("in float32 the densities are %v, want %v", got, want)
	}
}

// Pixels that have a few values only are learned nearly to their entropy.
func TestPixelFlowLearns(t *testing.T) {
	pixels, labels := stripes(400, rand.New(source()))
	m := grids.NewPixelFlow(shape(4, 4, 1), &grids.PixelFlowOptions{Hidden: 8, Blocks: 1, Bins: 4, Classes: 2, Pixels: pixels, Levels: 4}, source()).WithPrecision(ad.Float32)
	train, err := grids.NewDequantized(pixels, 4, grids.OneHot(labels, 2))
	if err != nil {
		t.Fatal(err)
	}
	_, err = nf.Fit(context.Background(), m.NLL(nil), train, &nf.FitOptions{Steps: 150, BatchSize: 100, Schedule: nf.Cosine(1e-2, 10, 150), MaxGradNorm: 50}, source())
	if err != nil {
		t.Fatal(err)
	}
	test, labels := stripes(400, rand.New(rand.NewPCG(9, 10)))
	x := mat.NewDense(400, 16, nil)
	x.Apply(func(_, _ int, k float64) float64 { return (k + 0.5) / 4 }, test)
	bits := grids.BitsPerDim(m.Given(grids.OneHot(labels, 2)).LogProb(x), 16, 4)
	if !(bits < 0.56 && bits > 0.45) { // the entropy is 0.503, see TestGlowLearns
		t.Errorf("a pixel takes %v bits, want about 0.51", bits)
	}
}
