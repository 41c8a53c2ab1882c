package nfkit_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Ready-made models differ in what is fast: densities, samples, or both.
func Example_readyMadeModels() {
	src := rand.NewPCG(1, 2)
	small := &nf.ModelOptions{Layers: 2, Hidden: 16}
	for _, model := range []*nf.NormalizingFlow{
		nf.NewRealNVP(2, small, src), // both
		nf.NewNICE(2, small, src),    // both
		nf.NewNSF(2, &nf.NSFOptions{ModelOptions: *small, Coupling: true, Bins: 4}, src), // both
		nf.NewMAF(2, small, src),                              // densities
		nf.NewResidualFlow(2, small, src),                     // densities
		nf.NewIAF(2, small, src),                              // samples
		nf.NewPlanarFlow(2, &nf.ModelOptions{Layers: 2}, src), // samples
	} {
		fmt.Printf("%.3f\n", model.LogProb(mat.NewDense(1, 2, []float64{0.5, 1})))
	}
	// Output:
	// [-2.463]
	// [-2.463]
	// [-2.463]
	// [-2.463]
	// [-2.401]
	// [-2.463]
	// [-2.527]
}

// A model prints its architecture.
func ExampleNewNormalizingFlow() {
	src := rand.NewPCG(1, 2)
	var flows []nf.Flow
	for range 2 {
		net := nf.NewMLP([]int{1, 64, 64, 2}, &nf.MLPOptions{InitZeros: true}, src)
		flows = append(flows, nf.NewAffineCouplingBlock(net, nil), nf.NewLULinearPermute(2, nil, src))
	}
	fmt.Println(nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), flows))
	// Output:
	// NormalizingFlow in 2 dimensions, 8852 parameters
	// base  DiagGaussian                                        4
	// 0     Coupling(Affine, 1 of 2 components, MLP 1-64-64-2)  4418
	// 1     LULinearPermute                                     6
	// 2     Coupling(Affine, 1 of 2 components, MLP 1-64-64-2)  4418
	// 3     LULinearPermute                                     6
}

// Own data: a matrix with a row for each point, some of it held back to judge by.
func ExampleNewRows() {
	src := rand.NewPCG(1, 2)
	r := rand.New(src)
	x := mat.NewDense(600, 2, nil)
	for i := range 600 {
		u := r.NormFloat64()
		x.SetRow(i, []float64{u, 0.5*u + 0.2*r.NormFloat64()})
	}
	model := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 16}, src)
	opts := &nf.FitOptions{Epochs: 20, BatchSize: 100, Adam: nf.NewAdam(model.Params(), &nf.AdamOptions{LearningRate: 0.01}), Validation: x.Slice(500, 600, 0, 2), ValidateEvery: 20}
	history := nf.Must(nf.Fit(nf.UntilInterrupt(), model.NLL(nil), nf.NewRows(x.Slice(0, 500, 0, 2)), opts, src))
	before, after := history.Validation[0], slices.Min(history.Validation)
	fmt.Println(len(history.Loss), "steps")
	fmt.Printf("validation loss: from %.1f to %.1f nats\n", before, after)
	// Output:
	// 100 steps
	// validation loss: from 2.4 to 1.2 nats
}

// A conditional model learns from rows of a point and its context, and weights if they have some; Given asks it for a distribution.
func ExampleJoinColumns() {
	src := rand.NewPCG(1, 2)
	r := rand.New(src)
	x, angle, weight := mat.NewDense(500, 2, nil), mat.NewDense(500, 1, nil), mat.NewDense(500, 1, nil)
	for i := range 500 { // points near the circle, in the direction of the angle
		a := 2 * math.Pi * r.Float64()
		x.SetRow(i, []float64{math.Cos(a) + 0.1*r.NormFloat64(), math.Sin(a) + 0.1*r.NormFloat64()})
		angle.Set(i, 0, a)
		weight.Set(i, 0, 1)
	}
	model := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 16, Context: 1}, src)
	data := nf.NewRows(nf.JoinColumns(x, angle, weight))
	opts := &nf.FitOptions{Steps: 200, BatchSize: 100, Schedule: nf.Cosine(0.02, 0, 200)}
	nf.Must(nf.Fit(context.Background(), model.NLL(&nf.NLLOptions{Weighted: true}), data, opts, src))
	up := model.Given(mat.NewDense(1, 1, []float64{math.Pi / 2})).Sample(100, src)
	fmt.Println("most points are in the upper half:", stat.Mean(mat.Col(nil, 1, up), nil) > 0.5)
	// Output:
	// most points are in the upper half: true
}

// One context for all rows, or one for each.
func ExampleNormalizingFlow_Given() {
	encoder := nf.NewMLP([]int{1, 16, 4}, nil, rand.NewPCG(1, 2))
	model := nf.NewNormalizingFlow(nf.NewConditionalDiagGaussian(encoder), nil)
	x := mat.NewDense(3, 2, []float64{0, 0, 0, 0, 0, 0})
	same := model.Given(mat.NewDense(1, 1, []float64{0.5})).LogProb(x)
	own := model.Given(mat.NewDense(3, 1, []float64{0.5, 1, 2})).LogProb(x)
	fmt.Printf("%.3f\n%.3f\n", same, own)
	// Output:
	// [-2.574 -2.574 -2.574]
	// [-2.574 -3.516 -11.250]
}

// A file has names and numbers; the architecture is that of the program.
func ExampleSave() {
	folder := nf.Must(os.MkdirTemp("", "example"))
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.safetensors")

	newModel := func(src rand.Source) *nf.NormalizingFlow { return nf.NewRealNVP(2, nil, src) }
	saved, loaded := newModel(rand.NewPCG(1, 2)), newModel(rand.NewPCG(3, 4))
	x := mat.NewDense(1, 2, []float64{0.5, 1})
	nf.Check(nf.Save(path, saved))
	nf.Check(nf.Load(path, loaded))
	fmt.Println("same density:", saved.LogProb(x)[0] == loaded.LogProb(x)[0])

	fmt.Println("error for another architecture:", nf.Load(path, nf.NewNICE(2, nil, rand.NewPCG(1, 2))) != nil)
	// Output:
	// same density: true
	// error for another architecture: true
}

// A model goes over any connection, here a buffer.
func ExampleWrite() {
	sent, received := nf.NewRealNVP(2, nil, rand.NewPCG(1, 2)), nf.NewRealNVP(2, nil, rand.NewPCG(3, 4))
	var connection bytes.Buffer
	nf.Check(nf.Write(&connection, sent))
	nf.Check(nf.Read(&connection, received))
	x := mat.NewDense(1, 2, []float64{0.5, 1})
	fmt.Println("same density:", sent.LogProb(x)[0] == received.LogProb(x)[0])
	// Output:
	// same density: true
}

// Samples of a model, weighted, stand for a density that is known up to a factor.
func ExampleNormalizingFlow_ImportanceSample() {
	model := nf.NewNormalizingFlow(nf.NewStudentT(2, 5, nil), nil)
	target := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { // 10 times a normal density of mean (1, 1)
		return x.Shift(-1).Square().RowSum().Scale(-0.5).Shift(math.Log(10 / (2 * math.Pi)))
	})
	x, logWeights := model.ImportanceSample(target, 10_000, rand.NewPCG(1, 2))
	fmt.Printf("worth %.0f points of the target\n", eval.EffectiveSampleSize(logWeights))
	fmt.Printf("normaliser %.1f\n", math.Exp(eval.LogNormalizer(logWeights).Value))
	fmt.Printf("mean of the first component %.1f\n", eval.Expectation(mat.Col(nil, 0, x), logWeights).Value)
	// Output:
	// worth 2584 points of the target
	// normaliser 9.9
	// mean of the first component 1.0
}

// Any loss of rows can be fitted: here, the squared error of a regression.
func ExampleNewObjective() {
	src := rand.NewPCG(1, 2)
	rows := mat.NewDense(200, 2, nil) // x and its sine
	for i := range 200 {
		x := float64(i)/50 - 2
		rows.SetRow(i, []float64{x, math.Sin(x)})
	}
	net := nf.NewMLP([]int{1, 16, 1}, &nf.MLPOptions{Activation: nf.ActTanh}, src)
	objective := nf.NewObjective(net.State(), 2, func(v *ad.Value) *ad.Value {
		return net.Apply(v.Slice(0, 1), nil).Sub(v.Slice(1, 2)).Square()
	})
	nf.Must(nf.Fit(context.Background(), objective, nf.NewRows(rows), &nf.FitOptions{Steps: 1000, BatchSize: 100, Schedule: nf.Cosine(0.05, 0, 1000)}, src))
	loss := nf.Must(objective.Loss(rows, nil))
	fmt.Println("mean squared error below 0.001:", loss < 1e-3)
	// Output:
	// mean squared error below 0.001: true
}

// A loss without data draws what it needs: here, a base learns another one's mean from its own samples.
func ExampleNewDataFreeObjective() {
	src := rand.NewPCG(1, 2)
	q := nf.NewDiagGaussian(1, nil)
	objective := nf.NewDataFreeObjective(q.State(), 100, func(t *ad.Tape, k int) *ad.Value { // ln q − ln p, for p normal about 3
		z, logQ := q.Sample(t.Normal(k, 1), nil)
		return logQ.Add(z.Shift(-3).Square().Scale(0.5))
	})
	nf.Must(nf.Fit(context.Background(), objective, nil, &nf.FitOptions{Steps: 300, Schedule: nf.Cosine(0.1, 0, 300)}, src))
	fmt.Printf("mean %.1f\n", q.State().Params()[0].Data[0])
	// Output:
	// mean 3.0
}

// A copy serves while the model is trained, and a newer one takes its place.
func ExampleNormalizingFlow_Clone() {
	src := rand.NewPCG(1, 2)
	model := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 16}, src)
	var serving atomic.Pointer[nf.NormalizingFlow] // handlers of requests, in goroutines of their own, call serving.Load().LogProb
	serving.Store(model.Clone())
	x := targets.TwoModes{}.Sample(1, src)
	first := serving.Load().LogProb(x)[0]
	opts := &nf.FitOptions{Steps: 25, BatchSize: 50, OnStep: func(s nf.Step) error {
		if s.Number%10 == 0 {
			serving.Store(model.Clone())
			fmt.Println("from now on with what was learned in", s.Number, "steps")
		}
		return nil
	}}
	nf.Must(nf.Fit(context.Background(), model.NLL(nil), targets.TwoModes{}, opts, src))
	served, trained := serving.Load().LogProb(x)[0], model.LogProb(x)[0]
	fmt.Println("served is neither the first nor the last:", served != first, served != trained)
	// Output:
	// from now on with what was learned in 10 steps
	// from now on with what was learned in 20 steps
	// served is neither the first nor the last: true true
}

// The score is the gradient of the log-density at each point; of a standard normal distribution, that is −x.
func ExampleNormalizingFlow_Score() {
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	fmt.Println(mat.Formatted(model.Score(mat.NewDense(2, 2, []float64{1, 2, 0, -3}))))
	// Output:
	// ⎡-1  -2⎤
	// ⎣ 0   3⎦
}
