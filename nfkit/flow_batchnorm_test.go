package nfkit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// batchNormCase has random running statistics: the flow is one of evaluation.
func batchNormCase() flowCase {
	return flowCase{new: func(dim, context int, src rand.Source) nf.Flow {
		f, r := nf.NewBatchNorm(dim, nil), rand.New(src)
		for j := range dim {
			stateOf(f, "running_mean")[j] = r.NormFloat64()
			stateOf(f, "running_var")[j] = math.Exp(r.NormFloat64())
		}
		return unconditional(context, f)
	}}
}

// parityBatchNorm is a BatchNorm as the reference has it: always in training, without running statistics.
type parityBatchNorm struct{ *nf.BatchNorm }

func (b parityBatchNorm) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	z.Tape().SetTraining(true)
	return b.BatchNorm.Forward(z, context)
}

func (b parityBatchNorm) State() nf.State { return b.BatchNorm.State()[:1] }

// In training, what leaves the layer has mean 0 and variance 1 on each tape; a few rows, and evaluations, get the
// running statistics.
func TestBatchNormTraining(t *testing.T) {
	f := nf.NewBatchNorm(2, &nf.BatchNormOptions{Epsilon: 1e-5})
	copy(stateOf(f, "running_mean"), []float64{1, 2})
	copy(stateOf(f, "running_var"), []float64{4, 9})
	fixed := func(x *mat.Dense) []float64 {
		var y []float64
		for i := range x.RawMatrix().Rows {
			y = append(y, (x.At(i, 0)-1)/math.Sqrt(4+1e-5), (x.At(i, 1)-2)/math.Sqrt(9+1e-5))
		}
		return y
	}
	for _, n := range []int{1, 2, 5, 6, 64, 300} {
		for _, training := range []bool{false, true} {
			x := actNormBatch(n, uint64(n))
			tape := ad.NewTape(ad.Float64)
			tape.SetTraining(training)
			y, logDet := f.Forward(tape.Matrix(x), nil)
			want, logWant := fixed(x), -0.5*(math.Log(4+1e-5)+math.Log(9+1e-5))
			if training && n >= 6 {
				logWant = 0
				for j := range 2 {
					mean, std := stat.MeanStdDev(mat.Col(nil, j, x), nil)
					scale := math.Sqrt(std*std + 1e-5)
					logWant -= math.Log(scale)
					for i := range n {
						want[2*i+j] = (x.At(i, j) - mean) / scale
					}
				}
			}
			if err := near("the result", y.Data(), want, 1e-12, 1e-12); err != nil {
				t.Errorf("%d rows, training %v: %v", n, training, err)
			}
			if err := near("the log-determinant", logDet.Data(), slices.Repeat([]float64{logWant}, n), 1e-12, 1e-12); err != nil {
				t.Errorf("%d rows, training %v: %v", n, training, err)
			}
		}
	}
}

// Running statistics are averages over the first batches and follow later ones by the momentum. The flow observes in
// the direction of Forward alone.
func TestBatchNormRunning(t *testing.T) {
	f := nf.NewBatchNorm(2, &nf.BatchNormOptions{Momentum: 0.25})
	var mean, variance [2]float64
	for k := range 8 {
		x := actNormBatch(20+k, uint64(k))
		weight := 0.25
		if k < 4 {
			weight = 1 / float64(k+1)
		}
		for j := range 2 {
			m, std := stat.MeanStdDev(mat.Col(nil, j, x), nil)
			mean[j] = (1-weight)*mean[j] + weight*m
			variance[j] = (1-weight)*variance[j] + weight*std*std
		}
		if err := observe(f, x, false); err != nil {
			t.Fatal(err)
		}
		before := nf.StateText(f.State())
		if err := observe(f, x, true); err != nil || nf.StateText(f.State()) != before {
			t.Errorf("a batch of Inverse changes the running statistics (error %v)", err)
		}
		if err := near("the running mean", stateOf(f, "running_mean"), mean[:], 1e-12, 1e-12); err != nil {
			t.Errorf("batch %d: %v", k, err)
		}
		if err := near("the running variance", stateOf(f, "running_var"), variance[:], 1e-12, 1e-12); err != nil {
			t.Errorf("batch %d: %v", k, err)
		}
	}
	for want, x := range map[string]*mat.Dense{
		"BatchNorm: the training batch has 1 row":                          actNormBatch(1, 1),
		"BatchNorm: component 1 of the training batch is 0.1 in all 7 row": mat.NewDense(7, 2, []float64{1, .1, 2, .1, 3, .1, 4, .1, 5, .1, 6, .1, 7, .1}),
	} {
		before := nf.StateText(f.State())
		if err := observe(f, x, false); err == nil || !strings.Contains(err.Error(), want) || nf.StateText(f.State()) != before {
			t.Errorf("got error %v, want one with %q and the state as it was", err, want)
		}
	}
}

// A model with normalisation between couplings learns data of another scale, and its density is that of an evaluation:
// of one row as of many.
func TestBatchNormLearns(t *testing.T) {
	src := rand.NewPCG(1, 2)
	var flows []nf.Flow
	for range 2 {
		flows = append(flows, nf.NewPlanar(2, nil, src), nf.NewInvert(nf.NewBatchNorm(2, nil)), nf.NewLULinearPermute(2, nil, src))
	}
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), flows)
	adam := nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 0.01})
	for step := range 150 {
		if _, err := m.NLL(nil).LossGrad(actNormBatch(200, uint64(step)), rand.NewPCG(1, 2)); err != nil {
			t.Fatal(err)
		}
		adam.Step()
	}
	x := actNormBatch(2000, 1000)
	nll, err := m.NLL(nil).Loss(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	entropy := math.Log(2*math.Pi*math.E) + math.Log(1) + math.Log(4) // of independent normals with deviations 1 and 4
	if nll > entropy+0.15 {
		t.Errorf("the held-out NLL is %v, want at most 0.15 above the entropy %v", nll, entropy)
	}
	all := m.LogProb(x)
	for i := range 20 {
		if one := m.LogProb(mat.NewDense(1, 2, x.RawRowView(i))); one[0] != all[i] {
			t.Errorf("the log-density of row %d is %v alone and %v in a batch", i, one[0], all[i])
		}
	}
}

func TestBatchNormMisuse(t *testing.T) {
	for want, f := range map[string]func(){
		"nfkit: NewBatchNorm: got dimension 0": func() { nf.NewBatchNorm(0, nil) },
		"got epsilon -1 and momentum 0.1":      func() { nf.NewBatchNorm(2, &nf.BatchNormOptions{Epsilon: -1}) },
		"got epsilon NaN":                      func() { nf.NewBatchNorm(2, &nf.BatchNormOptions{Epsilon: math.NaN()}) },
		"got epsilon 1e-10 and momentum 1.5":   func() { nf.NewBatchNorm(2, &nf.BatchNormOptions{Momentum: 1.5}) },
		"nfkit: BatchNorm.Forward: got a 1×3":  func() { nf.NewBatchNorm(2, nil).Forward(ad.NewTape(ad.Float64).Full(1, 3, 0), nil) },
	} {
		testkit.WantPanic(t, want, f)
	}
	f := nf.NewBatchNorm(2, nil)
	for _, s := range f.State() {
		if s.Name == "running_var" {
			s.Floats = []float64{1, 0}
			if err := s.Check(s); err == nil {
				t.Error("a variance of 0 is accepted")
			}
		}
	}
}
