package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
)

const checkSteps = 3 // training steps whose losses are compared

// tolerance is how far the numbers of both sides may be apart, as a part of the larger of 1 and themselves. Sums over rows and units
// are taken in another order, which Adam magnifies where a gradient is almost 0.
var tolerance = [2]float64{ad.Float64: 1e-12, ad.Float32: 1e-5}

// newModel returns the model of a row, with parameters that make no layer the identity, and its rows.
func newModel(row workload.Row) (*nf.NormalizingFlow, *mat.Dense) {
	m := row.New(rand.NewPCG(1, 2))
	r := rand.New(rand.NewPCG(3, 4))
	for _, p := range m.Params() {
		if !p.Frozen {
			for i := range p.Data {
				p.Data[i] += 0.04 * (r.Float64() - 0.5)
			}
		}
	}
	return m, row.Rows(row.N, rand.NewPCG(5, 6))
}

// exchange is what goes to the other side: the model, rows, and their context if the model takes one.
type exchange struct {
	*nf.NormalizingFlow
	x, context *mat.Dense
}

func (e exchange) State() nf.State {
	s := append(e.NormalizingFlow.State(), matrix("x", e.x))
	if e.context != nil {
		s = append(s, matrix("context", e.context))
	}
	return s
}

func matrix(name string, x *mat.Dense) nf.Tensor {
	n, d := x.Dims()
	return nf.Tensor{Name: name, Shape: []int{n, d}, Floats: x.RawMatrix().Data}
}

// agree builds the model on the other side and returns an error unless both compute the same numbers.
func agree(row workload.Row, p ad.Precision, m *nf.NormalizingFlow, x *mat.Dense, t *torch) error {
	f, err := os.CreateTemp("", "versus-*.safetensors")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	if err := nf.Save(f.Name(), exchange{m, x, row.Context()}); err != nil {
		return err
	}
	theirs, err := t.build(row, p, f.Name())
	if err != nil {
		return err
	}
	ours, err := check(row, m.WithPrecision(p), p, x)
	if err != nil {
		return err
	}
	for k, got := range ours {
		if want := theirs[k]; !(math.Abs(got-want) <= tolerance[p]*max(1, math.Abs(want))) {
			return fmt.Errorf("the two sides disagree: nfkit finds %v, PyTorch %v; want differences below %v", ours, theirs, tolerance[p])
		}
	}
	return nil
}

// check returns the numbers by which the sides are compared, of m, which computes in the precision p: losses, or for samples the means of their
// elements, of the squares and of the log-densities, with the rows as noise.
func check(row workload.Row, m *nf.NormalizingFlow, p ad.Precision, x *mat.Dense) ([]float64, error) {
	switch row.Task {
	case workload.Train, workload.Gradient:
		return losses(m, m.NLL(nil), x)
	case workload.ReverseKL:
		m = nf.NewNormalizingFlow(given{row.Base(), x}, m.Flows()).WithPrecision(p)
		return losses(m, m.ReverseKL(row.Target(), row.N, nil), nil)
	case workload.Hamiltonian:
		return trajectories(row, x), nil
	case workload.Matching:
		return losses(m, matching(m, p, row.Dim), timed(x))
	case workload.LogProb:
		return repeated(checkSteps, -stat.Mean(m.LogProb(x), nil)), nil
	}
	y, logDet := m.Forward(x)
	logQ := nf.NewNormalizingFlow(row.Base(), nil).LogProb(x)
	var square, logProb float64
	for i, l := range logDet {
		logProb += (logQ[i] - l) / float64(row.N)
	}
	for _, y := range y.RawMatrix().Data {
		square += y * y / float64(row.N*row.Dim)
	}
	return []float64{stat.Mean(y.RawMatrix().Data, nil), square, logProb}, nil
}

// losses returns those of a few training steps.
func losses(m *nf.NormalizingFlow, objective nf.Objective, rows mat.Matrix) ([]float64, error) {
	var losses []float64
	adam, src := workload.NewAdam(m), rand.NewPCG(1, 2)
	for range checkSteps {
		loss, err := objective.LossGrad(rows, src)
		if err != nil {
			return nil, err
		}
		adam.Step()
		losses = append(losses, loss)
	}
	return losses, nil
}

// given is a base whose samples are given.
type given struct {
	nf.Base
	x *mat.Dense
}

// Noise copies the rows.
func (g given) Noise(dst []float64, _ *rand.Rand) { copy(dst, g.x.RawMatrix().Data) }

// Sample returns the noise.
func (g given) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	return noise, g.LogProb(noise, context)
}

// trajectories returns what a draw comes to that begins at the rows, with the rows in reverse order as velocities, where all is accepted: the means
// of the elements, of their squares, and of the changes of the log-density.
func trajectories(row workload.Row, x *mat.Dense) []float64 {
	n, d := x.Dims()
	noise := mat.NewDense(n, d+1, nil)
	for i := range n {
		copy(noise.RawRowView(i), x.RawRowView(n-1-i))
		noise.Set(i, d, -1e30) // the logarithm of a uniform number
	}
	t := ad.NewEvalTape(ad.Float64)
	y, logWeight := montecarlo.NewHamiltonianMonteCarlo(row.Target(), d, workload.StepSize, workload.Leapfrogs).Forward(t.Matrix(x), t.Matrix(noise), nil)
	return []float64{y.Mean().At(0, 0), y.Square().Mean().At(0, 0), -logWeight.Mean().At(0, 0)}
}

// timed appends a time to each row, from 0 to 1 in equal steps.
func timed(x *mat.Dense) *mat.Dense {
	n, c := x.Dims()
	y := mat.NewDense(n, c+1, nil)
	for i := range n {
		copy(y.RawRowView(i), x.RawRowView(i))
		y.Set(i, c, (float64(i)+0.5)/float64(n))
	}
	return y
}

// matching is the objective of flow matching with times that are given.
func matching(m *nf.NormalizingFlow, p ad.Precision, dim int) nf.Objective {
	field := workload.Field(m)
	objective := nf.NewObjective(field.State(), 2*dim+1, func(rows *ad.Value) *ad.Value {
		x0, x1, time := rows.Slice(0, dim), rows.Slice(dim, 2*dim), rows.Slice(2*dim, 2*dim+1)
		way := x1.Sub(x0)
		return field.At(x0.Add(way.Mul(time)), time, nil).Sub(way).Square().RowSum()
	})
	objective.Precision = p
	return objective
}

func repeated(n int, x float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = x
	}
	return s
}
