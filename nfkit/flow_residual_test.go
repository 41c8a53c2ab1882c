package nfkit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// residualCase has contractions with room to spare: nftest moves the weights without a training step, so the singular
// vectors of the network are not those of its weights.
func residualCase(explicitForward bool) flowCase {
	return flowCase{new: func(dim, context int, src rand.Source) nf.Flow {
		net := nf.NewLipschitzMLP([]int{dim, 16, dim}, &nf.LipschitzMLPOptions{Lipschitz: 0.1, Context: context}, src)
		return nf.NewResidual(net, &nf.ResidualOptions{ExplicitForward: explicitForward})
	}}
}

func parityResidual(c parityConfig) nf.Flow {
	net := c.config("net")
	return nf.NewResidual(nf.NewLipschitzMLP(net.ints("channels"), &nf.LipschitzMLPOptions{Lipschitz: net.float("lipschitz_const")}, paritySource()), nil)
}

// stirredResidual has a network that uses its bound.
func stirredResidual(layers []int, c float64, seed uint64) *nf.Residual {
	net := nf.NewLipschitzMLP(layers, &nf.LipschitzMLPOptions{Lipschitz: c}, rand.NewPCG(seed, 1))
	stirLipschitz(net, rand.NewPCG(seed, 2))
	return nf.NewResidual(net, nil)
}

// The estimate of a training step has the exact value and gradients as its means, for each row and with weights of
// rows.
func TestResidualEstimate(t *testing.T) {
	for _, c := range []struct {
		layers    []int
		lipschitz float64
		diagonal  float64 // added to the weights of a single layer: eigenvalues of the Jacobian are then near c or −c
	}{{[]int{9, 9}, 0.9, 10}, {[]int{10, 10}, 0.8, -10}, {[]int{12, 30, 12}, 0.9, 0}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			f := stirredResidual(c.layers, c.lipschitz, 1)
			d := f.Dim()
			if c.diagonal != 0 {
				w := tensorNamed(t, f.State(), "iresblock.nnet.net.1.weight").Param.Data
				for j := range d {
					w[j*d+j] += c.diagonal
				}
				f.Prepare()
			}
			points, weights := testkit.NormalRows(3, d, 3).RawMatrix().Data, []float64{0, 1, -2}
			floats.AddConst(1, points) // where activations are steep
			// what returns the log-determinants and the gradients of their weighted sum.
			what := func(tape *ad.Tape) []float64 {
				tape.Reset()
				for _, p := range f.State().Params() {
					clear(p.Grad)
				}
				x := tape.Variable(3, d, points)
				_, l := f.Inverse(x, nil)
				tape.Backward(l.Mul(tape.Const(3, 1, weights)).Sum())
				all := append(l.Data(), x.Grad()...)
				for _, p := range f.State().Params() {
					all = append(all, p.Grad...)
				}
				return all
			}
			tape := ad.NewTape(ad.Float64)
			want := what(tape)
			if floats.Norm(want[:3], math.Inf(1)) < 0.02 {
				t.Fatalf("log-determinants are %v, want some that differ from 0", want[:3])
			}
			tape.SetTraining(true)
			const draws = 10000
			samples := make([][]float64, len(want))
			for range draws {
				for i, y := range what(tape) {
					samples[i] = append(samples[i], y)
				}
			}
			for i, s := range samples {
				mean, std := stat.MeanStdDev(s, nil)
				if std == 0 && want[i] != 0 || std > 30 {
					t.Errorf("number %d has standard deviation %v", i, std)
				}
				z := math.Abs(mean-want[i]) / (std/math.Sqrt(draws) + 1e-12)
				if z > 4 && i < 3 || z > 5 {
					t.Errorf("number %d has mean %v, want %v: that is %.1f standard errors off", i, mean, want[i], z)
				}
			}
		})
	}
}

// The loss of training steps is, on average, the negative log-likelihood that an evaluation computes.
func TestResidualTrainingLoss(t *testing.T) {
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(10, nil), []nf.Flow{stirredResidual([]int{10, 20, 10}, 0.9, 1), stirredResidual([]int{10, 10}, 0.9, 2)})
	x := testkit.NormalRows(128, 10, 1)
	want, err := model.NLL(nil).Loss(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	src := rand.NewPCG(3, 4)
	for range 400 {
		loss, err := model.NLL(nil).LossGrad(x, src)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss)
	}
	mean, std := stat.MeanStdDev(losses, nil)
	if e := std / math.Sqrt(float64(len(losses))); std == 0 || math.Abs(mean-want) > 4*e || e > 0.02 {
		t.Errorf("the mean training loss is %v ± %v, want %v", mean, e, want)
	}
}

// Either direction undoes the other to the last digits, also in more dimensions than nftest tries and for weak
// contractions.
func TestResidualRoundTrip(t *testing.T) {
	for p, tol := range map[ad.Precision]float64{ad.Float64: 1e-10, ad.Float32: 1e-4} {
		for _, layers := range [][]int{{2, 32, 32, 2}, {1, 1}, {20, 40, 20}} {
			f := stirredResidual(layers, 0.97, 1)
			model := nf.NewNormalizingFlow(nf.NewDiagGaussian(f.Dim(), nil), []nf.Flow{f}).WithPrecision(p)
			z := testkit.NormalRows(100, f.Dim(), 1)
			x, l := model.Forward(z)
			back, k := model.Inverse(x)
			if !mat.EqualApprox(back, z, tol) {
				t.Errorf("%v %v: a round trip ends %v from its start", layers, p, largestDifference(back, z))
			}
			floats.Add(k, l)
			if worst := floats.Norm(k, math.Inf(1)); !(worst <= 100*tol) {
				t.Errorf("%v %v: log-determinants of a round trip sum to %v", layers, p, worst)
			}
			if f.Dim() > 1 && mat.EqualApprox(x, z, 0.1) {
				t.Errorf("%v: the flow is near the identity", layers)
			}
		}
	}
}

// Training through the direction that is solved has the gradient of the loss.
func TestResidualTrainsWhatIsSolved(t *testing.T) {
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewInvert(stirredResidual([]int{2, 8, 2}, 0.9, 1)), stirredResidual([]int{2, 8, 2}, 0.9, 2)})
	x, r := testkit.NormalRows(130, 2, 1), rand.New(rand.NewPCG(3, 4))
	for range 3 { // the first step still moves singular vectors by a rounding
		if _, err := model.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err != nil {
			t.Fatal(err)
		}
	}
	var want float64
	var directions [][]float64
	for _, p := range model.Params() {
		u := make([]float64, len(p.Data))
		for i := range u {
			u[i] = r.NormFloat64()
		}
		directions = append(directions, u)
		want += floats.Dot(u, p.Grad)
	}
	const h = 1e-5 // error of central differences h²
	at := func(h float64) float64 {
		for i, p := range model.Params() {
			floats.AddScaled(p.Data, h, directions[i])
		}
		loss, err := model.NLL(nil).Loss(x, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range model.Params() {
			floats.AddScaled(p.Data, -h, directions[i])
		}
		return loss
	}
	if got := (at(h) - at(-h)) / (2 * h); math.Abs(got-want) > 1e-7*math.Abs(want) {
		t.Errorf("the derivative of the loss is %v, its gradient along the direction %v", got, want)
	}
}

func largestDifference(a, b mat.Matrix) float64 {
	var d mat.Dense
	d.Sub(a, b)
	return mat.Norm(&d, math.Inf(1))
}

// Where the network is no contraction, the direction that is solved gives NaN, not a wrong point.
func TestResidualWithoutContraction(t *testing.T) {
	f := nf.NewResidual(nf.NewLipschitzMLP([]int{2, 2}, nil, rand.NewPCG(1, 2)), nil)
	s := f.State()
	copy(tensorNamed(t, s, "iresblock.nnet.net.1.u").Floats, []float64{1, 0})
	copy(tensorNamed(t, s, "iresblock.nnet.net.1.v").Floats, []float64{0, 1})
	copy(tensorNamed(t, s, "iresblock.nnet.net.1.weight").Param.Data, []float64{30, 0, 0, 30})
	tape := ad.NewEvalTape(ad.Float64)
	x, l := f.Forward(tape.Const(1, 2, []float64{50, -1}), nil)
	if !math.IsNaN(x.At(0, 0)) || !math.IsNaN(l.At(0, 0)) {
		t.Errorf("got %v with log-determinant %v, want NaN", x.Data(), l.Data())
	}
	f.Prepare()
	if x, l := f.Forward(tape.Const(1, 2, []float64{50, -1}), nil); !x.Finite() || !l.Finite() {
		t.Errorf("after Prepare: got %v with log-determinant %v, want numbers", x.Data(), l.Data())
	}
}

// Training lowers the loss, and keeps the spectral norms within their bound.
func TestResidualLearns(t *testing.T) {
	const c = 0.9
	moons := func(n int, src rand.Source) *mat.Dense {
		r, x := rand.New(src), mat.NewDense(n, 2, nil)
		for i := range n {
			angle, side := math.Pi*r.Float64(), float64(i%2)
			sin, cos := math.Sincos(angle)
			x.SetRow(i, []float64{(1-2*side)*cos + side - 0.5 + 0.1*r.NormFloat64(), (1-2*side)*(sin-0.25) + 0.1*r.NormFloat64()})
		}
		return x
	}
	var flows []nf.Flow
	src := rand.NewPCG(1, 2)
	for range 4 {
		net := nf.NewLipschitzMLP([]int{2, 32, 32, 2}, &nf.LipschitzMLPOptions{Lipschitz: c}, src)
		flows = append(flows, nf.NewResidual(net, nil), nf.NewActNorm(2))
	}
	flows[2] = nf.NewInvert(nf.NewChain(flows[2])) // containers pass Prepare on
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), flows)
	adam := nf.NewAdam(model.Params(), &nf.AdamOptions{LearningRate: 0.01})
	test := moons(1000, rand.NewPCG(5, 6))
	train := moons(256, rand.NewPCG(7, 8))
	if _, err := model.NLL(nil).LossGrad(train, rand.NewPCG(1, 2)); err != nil { // shows the data to ActNorm
		t.Fatal(err)
	}
	before, err := model.NLL(nil).Loss(test, nil)
	if err != nil {
		t.Fatal(err)
	}
	for step := range 200 {
		if step%50 == 49 {
			train = moons(256, rand.NewPCG(uint64(step), 8))
		}
		if _, err := model.NLL(nil).LossGrad(train, rand.NewPCG(1, 2)); err != nil {
			t.Fatal(err)
		}
		adam.Step()
	}
	after, err := model.NLL(nil).Loss(test, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !(after < before-0.4) {
		t.Errorf("200 steps take the loss from %v to %v", before, after)
	}
	blocks := []string{"flows.0.", "flows.2.flow._flows.0.", "flows.4.", "flows.6."}
	for i, prefix := range blocks { // the vectors are one step old, and the step was a long one
		norms := spectralNorms(t, model.State(), prefix+"iresblock.nnet.", 3, c)
		if !(slices.Max(norms) < c*1.05) {
			t.Errorf("block %d has spectral norms %v after training, want about %v at most", i, norms, c)
		}
	}
	if x, logQ := model.SampleLogProb(200, src); !mat.EqualApprox(mat.NewVecDense(200, logQ), mat.NewVecDense(200, model.LogProb(x)), 1e-8) {
		t.Error("samples have other densities than LogProb gives")
	}
	for range 20 {
		for _, f := range model.Flows() {
			if p, ok := f.(nf.Preparer); ok {
				p.Prepare()
			}
		}
	}
	for i, prefix := range blocks {
		norms := spectralNorms(t, model.State(), prefix+"iresblock.nnet.", 3, c)
		if !(slices.Max(norms) < c*1.001) {
			t.Errorf("block %d has spectral norms %v, want %v at most", i, norms, c)
		}
	}
}

// A step allocates nothing once memory is there.
func TestResidualAllocations(t *testing.T) {
	for _, d := range []int{2, 10} { // the exact log-determinant, the estimate
		model := nf.NewNormalizingFlow(nf.NewDiagGaussian(d, nil), []nf.Flow{stirredResidual([]int{d, 8, d}, 0.5, 1)})
		x := testkit.NormalRows(64, d, 1)
		likelihood, src := model.NLL(nil), rand.NewPCG(3, 4)
		step := func() {
			if _, err := likelihood.LossGrad(x, src); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 { // until the longest series has been there
			step()
		}
		if n := testing.AllocsPerRun(50, step); n != 0 {
			t.Errorf("dimension %d: a step allocates %v times", d, n)
		}
	}
}

func TestResidualState(t *testing.T) {
	f := stirredResidual([]int{2, 4, 2}, 0.9, 1)
	var names []string
	for _, s := range f.State() {
		names = append(names, fmt.Sprint(s.Name, s.Shape))
	}
	want := "iresblock.geom_p[] iresblock.lamb[] iresblock.last_n_samples[1] iresblock.last_firmom[1] iresblock.last_secmom[1] " +
		"iresblock.nnet.net.0.beta[1] iresblock.nnet.net.1.weight[4 2] iresblock.nnet.net.1.bias[4] iresblock.nnet.net.1.scale[] iresblock.nnet.net.1.u[4] iresblock.nnet.net.1.v[2] " +
		"iresblock.nnet.net.2.beta[1] iresblock.nnet.net.3.weight[2 4] iresblock.nnet.net.3.bias[2] iresblock.nnet.net.3.scale[] iresblock.nnet.net.3.u[2] iresblock.nnet.net.3.v[4]"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the state is %s, want %s", got, want)
	}
	path := filepath.Join(t.TempDir(), "residual.safetensors")
	tensorNamed(t, f.State(), "iresblock.geom_p").Floats[0] = -50
	nf.Check(nf.Save(path, f))
	if err := nf.Load(path, stirredResidual([]int{2, 4, 2}, 0.9, 2)); err == nil || !strings.Contains(err.Error(), "iresblock.geom_p: it is the logit of") {
		t.Errorf("got error %v, want one about geom_p", err)
	}
}

// 16 blocks with three layers of 128, each followed by ActNorm, on 512 rows: the reference's notebook.
func BenchmarkResidualStep(b *testing.B) {
	for _, p := range precisions {
		b.Run(p.String(), func(b *testing.B) {
			src := rand.NewPCG(1, 2)
			var flows []nf.Flow
			for range 16 {
				net := nf.NewLipschitzMLP([]int{2, 128, 128, 2}, &nf.LipschitzMLPOptions{Lipschitz: 0.9}, src)
				flows = append(flows, nf.NewResidual(net, nil), nf.NewActNorm(2))
			}
			model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), flows).WithPrecision(p)
			adam := nf.NewAdam(model.Params(), &nf.AdamOptions{LearningRate: 3e-4})
			x := tutorialRows(512, rand.NewPCG(3, 4))
			for b.Loop() {
				if _, err := model.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)); err != nil {
					b.Fatal(err)
				}
				adam.Step()
			}
		})
	}
}
