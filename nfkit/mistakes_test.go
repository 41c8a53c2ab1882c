package nfkit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// mistake is a call and what it panics with.
type mistake struct {
	want string
	call func()
}

func checkMistakes(t *testing.T, mistakes []mistake) {
	t.Helper()
	for _, m := range mistakes {
		if got := testkit.Panic(m.call); got != m.want {
			t.Errorf("got panic %q,\nwant %q", got, m.want)
		}
	}
}

// What cannot be built is refused when it is built, with the numbers.
func TestConstructionMistakes(t *testing.T) {
	src := rand.NewPCG(1, 2)
	mlp := func(widths ...int) nf.Net { return nf.NewMLP(widths, nil, src) }
	lu := func(dim int) nf.Flow { return nf.NewLULinearPermute(dim, nil, src) }
	gauss := func(dim int) nf.Base { return nf.NewDiagGaussian(dim, nil) }
	conditional := func(context int) nf.Flow { return newCoupling(nf.ScaleExp, nf.SplitChannel, 2, context, src) }
	params := nf.NewDiagGaussian(2, nil).State().Params()
	checkMistakes(t, []mistake{
		{"nfkit: NewAffineCouplingBlock: got a nil network", func() { nf.NewAffineCouplingBlock(nil, nil) }},
		{"nfkit: NewAffineCouplingBlock: got a network from 1 to 1 columns, that is dimension 1; a coupling splits a point in two and needs 2 or more", func() {
			nf.NewAffineCouplingBlock(mlp(1, 1), nil)
		}},
		{"nfkit: NewAffineCouplingBlock: got a network from 2 to 6 columns; dimension 5 with this split wants 3 to 4", func() {
			nf.NewAffineCouplingBlock(mlp(2, 6), nil)
		}},
		{"nfkit: NewAffineCouplingBlock: got a network from 1 to 3 columns; dimension 2 with this split wants 1 to 2", func() {
			nf.NewAffineCouplingBlock(mlp(1, 3), nil)
		}},
		{"nfkit: NewAffineCouplingBlock: got a network from 2 to 2 columns; dimension 3 with this split wants 1 to 4", func() {
			nf.NewAffineCouplingBlock(mlp(2, 2), &nf.AffineCouplingOptions{Split: nf.SplitChannelInv})
		}},
		{"nfkit: NewAffineCouplingBlock: got split 4 and scale map 0, want SplitChannel to SplitCheckerboardInv and ScaleExp to ScaleBounded", func() {
			nf.NewAffineCouplingBlock(mlp(1, 2), &nf.AffineCouplingOptions{Split: 4})
		}},
		{"nfkit: NewAffineCouplingBlock: got split 0 and scale map 9, want SplitChannel to SplitCheckerboardInv and ScaleExp to ScaleBounded", func() {
			nf.NewAffineCouplingBlock(mlp(1, 2), &nf.AffineCouplingOptions{Scale: 9})
		}},
		{"nfkit: NewMLP: got layers [3], want at least an input and an output", func() { nf.NewMLP([]int{3}, nil, src) }},
		{"nfkit: NewMLP: got layers [3 0 2], want widths of 1 or more", func() { nf.NewMLP([]int{3, 0, 2}, nil, src) }},
		{"nfkit: NewMLP: got output function 99, want one of OutputNone to OutputClampExp", func() {
			nf.NewMLP([]int{3, 2}, &nf.MLPOptions{Output: 99}, src)
		}},
		{"nfkit: NewMLP: got ScoreScale 2 and OutputScale 0 without an Output function to scale", func() {
			nf.NewMLP([]int{3, 2}, &nf.MLPOptions{ScoreScale: 2}, src)
		}},
		{"nfkit: NewMLP: got a context of -1 columns, want 0 or more", func() { nf.NewMLP([]int{3, 2}, &nf.MLPOptions{Context: -1}, src) }},
		{"nfkit: NewLULinearPermute: got dimension 0, want 1 or more", func() { nf.NewLULinearPermute(0, nil, src) }},
		{"nfkit: NewPermute: got dimension -1, want 1 or more", func() { nf.NewPermute(-1, nf.PermuteSwap, nil) }},
		{"nfkit: NewPermute: got mode 7, want PermuteShuffle, PermuteSwap or PermuteReverse", func() { nf.NewPermute(2, 7, nil) }},
		{"nfkit: NewDiagGaussian: got dimension 0, want 1 or more", func() { nf.NewDiagGaussian(0, nil) }},
		{"nfkit: NewChain: got no flows, want at least one", func() { nf.NewChain() }},
		{"nfkit: NewChain: flow 1 is nil", func() { nf.NewChain(lu(2), nil) }},
		{"nfkit: NewChain: flow 1 (*nfkit.LULinearPermute) has dimension 3, want 2", func() { nf.NewChain(lu(2), lu(3)) }},
		{"nfkit: NewChain: part 0 (*nfkit.Coupling) takes a context of 2 columns, part 2 (*nfkit.Coupling) one of 3", func() {
			nf.NewChain(conditional(2), lu(2), conditional(3))
		}},
		{"nfkit: NewInvert: got a nil flow", func() { nf.NewInvert(nil) }},
		{"nfkit: NewNormalizingFlow: got a nil base", func() { nf.NewNormalizingFlow(nil, nil) }},
		{"nfkit: NewNormalizingFlow: flow 0 (*nfkit.LULinearPermute) has dimension 3, want 2", func() { nf.NewNormalizingFlow(gauss(2), []nf.Flow{lu(3)}) }},
		{"nfkit: NewAdam: got {LearningRate:-1 Betas:[0.9 0.999] Epsilon:1e-08 WeightDecay:0}, want a positive learning rate and epsilon, betas in [0, 1) and a weight decay of 0 or more", func() {
			nf.NewAdam(params, &nf.AdamOptions{LearningRate: -1})
		}},
		{"nfkit: NewAdam: got {LearningRate:0.001 Betas:[0.9 1] Epsilon:1e-08 WeightDecay:0}, want a positive learning rate and epsilon, betas in [0, 1) and a weight decay of 0 or more", func() {
			nf.NewAdam(params, &nf.AdamOptions{Betas: [2]float64{0.9, 1}})
		}},
		{"nfkit: NewAdam: got {LearningRate:0.001 Betas:[0.9 0.999] Epsilon:1e-08 WeightDecay:NaN}, want a positive learning rate and epsilon, betas in [0, 1) and a weight decay of 0 or more", func() {
			nf.NewAdam(params, &nf.AdamOptions{WeightDecay: math.NaN()})
		}},
	})
}

// A wrong number of columns, or a context that does not fit, is refused by the method that is called, with the numbers.
func TestModelMistakes(t *testing.T) {
	m, c := testModel(2, 0), testModel(2, 3)
	x, src := mat.NewDense(5, 3, nil), rand.NewPCG(1, 2)
	good := mat.NewDense(5, 2, nil)
	given := c.Given(mat.NewDense(4, 3, nil))
	checkMistakes(t, []mistake{
		{"nfkit: NormalizingFlow.LogProb: got a 5×3 batch, want 2 columns", func() { m.LogProb(x) }},
		{"nfkit: NormalizingFlow.NLL: Loss: got a 5×3 batch, want 2 columns: 2 of a point, 0 of its context, 0 of its weight", func() { m.NLL(nil).Loss(x, nil) }},
		{"nfkit: NormalizingFlow.NLL: LossGrad: got a 5×3 batch, want 2 columns: 2 of a point, 0 of its context, 0 of its weight", func() { m.NLL(nil).LossGrad(x, rand.NewPCG(1, 2)) }},
		{"nfkit: NormalizingFlow.Forward: got a 5×3 batch, want 2 columns", func() { m.Forward(x) }},
		{"nfkit: NormalizingFlow.Inverse: got a 5×3 batch, want 2 columns", func() { m.Inverse(x) }},
		{"nfkit: NormalizingFlow.LogProbTo: got room for 4 numbers, want 5", func() { m.LogProbTo(make([]float64, 4), good) }},
		{"nfkit: NormalizingFlow.Sample: got 0 points, want 1 or more", func() { m.Sample(0, src) }},
		{"nfkit: NormalizingFlow.Sample: got -3 points, want 1 or more", func() { m.SampleLogProb(-3, src) }},
		{"nfkit: NormalizingFlow.Given: no layer of the model takes a context", func() { m.Given(good) }},
		{"nfkit: NormalizingFlow.Given: got a context of 2 columns, want 3", func() { c.Given(good) }},
		{"nfkit: NormalizingFlow.LogProb: the model takes a context of 3 columns; call Given first", func() { c.LogProb(good) }},
		{"nfkit: NormalizingFlow.Sample: the model takes a context of 3 columns; call Given first", func() { c.Sample(5, src) }},
		{"nfkit: NormalizingFlow.NLL: LossGrad: got a 5×2 batch, want 5 columns: 2 of a point, 3 of its context, 0 of its weight", func() { c.NLL(nil).LossGrad(good, rand.NewPCG(1, 2)) }},
		{"nfkit: NormalizingFlow.LogProb: got a context of 4 rows for 5 points, want 1 or 5", func() { given.LogProb(good) }},
		{"nfkit: NormalizingFlow.Sample: got a context of 4 rows for 5 points, want 1 or 5", func() { given.Sample(5, src) }},
		{"nfkit: Distribution.Rand: got room for 3 numbers, want 2", func() { m.Distribution(src).Rand(make([]float64, 3)) }},
	})
	if err := m.LogProb(good); len(err) != 5 { // works after all of that
		t.Errorf("got %d numbers for 5 points", len(err))
	}
}

func contains(s string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
}

// Every flow refuses a batch with another number of columns in both directions, and a context that it cannot use.
func TestFlowMistakes(t *testing.T) {
	for name, c := range flowCases {
		for _, context := range []int{0, 2} {
			f := c.new(3, context, rand.NewPCG(1, 2))
			if f == nil {
				continue
			}
			tape := ad.NewTape(ad.Float64)
			x, wide := tape.Const(4, 3, make([]float64, 12)), tape.Const(4, 5, make([]float64, 20))
			for direction, apply := range map[string]func(x, context *ad.Value) (y, logDet *ad.Value){"Forward": f.Forward, "Inverse": f.Inverse} {
				if got := testkit.Panic(func() { apply(wide, nil) }); !contains(got, "nfkit: ", "got a 4×5 batch, want 3 columns") {
					t.Errorf("%s: %s of 5 columns: got panic %q", name, direction, got)
				}
				if context == 0 {
					continue
				}
				if got := testkit.Panic(func() { apply(x, nil) }); !contains(got, "nfkit: ", "got no context, want 2 columns") {
					t.Errorf("%s: %s without context: got panic %q", name, direction, got)
				}
				if got := testkit.Panic(func() { apply(x, wide) }); !contains(got, "nfkit: ", "got a 4×5 context, want 2 columns") {
					t.Errorf("%s: %s with a wide context: got panic %q", name, direction, got)
				}
			}
		}
	}
}
