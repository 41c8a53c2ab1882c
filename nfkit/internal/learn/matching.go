package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/continuous"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/cputime"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// transport is to carry a base to data.
type transport struct {
	name    string
	dim     int
	newBase func() nf.Base
	data    nf.Sampler // to learn from
	held    *mat.Dense // to judge by
	other   *mat.Dense // of the same distribution: how far apart samples of it are
	entropy float64    // NaN if it is not known
}

// heldTransport is the number of held-out points, and of samples that are compared with them. A density of a field takes as long as many steps of its
// training: that of fewer points has to do.
const heldTransport, heldDensity = 20_000, 5000

// batchTransport is the number of rows of a step.
const batchTransport = 512

// transports are from 8 Gaussians to moons, and from a normal distribution to the posterior of the eight schools and to a table.
func transports() ([]transport, error) {
	var all []transport
	for _, t := range []struct {
		name    string
		target  targets.Target
		newBase func() nf.Base
	}{
		{"moons", targets.Moons{}, eightGaussians},
		{"schools", targets.EightSchools{}, func() nf.Base { return normalBase(10) }},
	} {
		sampler := t.target.(nf.Sampler)
		all = append(all, transport{t.name, t.target.Dim(), t.newBase, nf.NewRows(sampler.Sample(100_000, rand.NewPCG(1, 0))),
			sampler.Sample(heldTransport, rand.NewPCG(2, 0)), sampler.Sample(heldTransport, rand.NewPCG(3, 0)), t.target.Entropy()})
	}
	train, test, err := loans()
	if err != nil {
		return nil, err
	}
	_, d := train.Dims()
	return append(all, transport{"loans", d, func() nf.Base { return normalBase(d) }, nf.NewRows(train), test, train, math.NaN()}), nil
}

func normalBase(dim int) nf.Base {
	return nf.NewDiagGaussian(dim, &nf.DiagGaussianOptions{Fixed: true})
}

// eightGaussians is targets.CircularGaussianMixture as a base.
func eightGaussians() nf.Base {
	loc, scale := mat.NewDense(8, 2, nil), mat.NewDense(8, 2, nil)
	for i := range 8 {
		sin, cos := math.Sincos(math.Pi / 4 * float64(i))
		sd := 2. / 3 * math.Sin(math.Pi/8)
		loc.SetRow(i, []float64{2 * sin, 2 * cos})
		scale.SetRow(i, []float64{sd, sd})
	}
	return nf.NewGaussianMixture(8, 2, &nf.GaussianMixtureOptions{Loc: loc, Scale: scale, Fixed: true}, nil)
}

// loans returns rows of the table lending_club as they are learned, and others: logarithms, with noise in the last digit, standardised.
func loans() (train, test *mat.Dense, err error) {
	d := datasets[2]
	t, err := d.read()
	if err != nil {
		return nil, nil, err
	}
	x := d.spread(t.Matrix(), rand.NewPCG(4, 0))
	n, columns := x.Dims()
	rand.New(rand.NewPCG(5, 0)).Shuffle(n, func(i, j int) {
		for k := range columns {
			a, b := x.At(i, k), x.At(j, k)
			x.Set(i, k, b)
			x.Set(j, k, a)
		}
	})
	split := n * 7 / 10
	for j := range columns {
		column := mat.Col(nil, j, x)
		for i, v := range column {
			column[i] = math.Log1p(v)
		}
		mean, sd := stat.MeanStdDev(column[:split], nil)
		for i, v := range column {
			x.Set(i, j, (v-mean)/sd)
		}
	}
	return mat.DenseCopyOf(x.Slice(0, split, 0, columns)), mat.DenseCopyOf(x.Slice(split, n, 0, columns)), nil
}

// matching trains a coupling flow by likelihood and fields by flow matching for equal times of processors, and prints what either reaches.
//
//	go run ./nfkit/internal/learn matching -seconds 20
func matching(args []string, out io.Writer) error {
	f := flag.NewFlagSet("learn matching", flag.ContinueOnError)
	f.SetOutput(out)
	seconds := f.Float64("seconds", 20, "time of processors of each training")
	seed := f.Uint64("seed", 0, "of the start and of batches")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if !(*seconds > 0) {
		return fmt.Errorf("got %v seconds, want a positive time", *seconds)
	}
	tasks, err := transports()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-8s %-24s %7s %11s %18s %9s\n", "to", "model", "steps", "evaluations", "sliced Wasserstein", "NLL")
	for _, t := range tasks {
		if err := t.compare(*seconds, *seed, out); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

// compare prints the rows of one transport.
func (t transport) compare(seconds float64, seed uint64, out io.Writer) error {
	row := func(model string, steps, evaluations int, samples *mat.Dense, nll float64) {
		w := eval.SlicedWasserstein(samples, t.held, 100, rand.NewPCG(6, 0))
		fmt.Fprintf(out, "%-8s %-24s %7d %11d %18.4f %9.4f\n", t.name, model, steps, evaluations, w, nll)
	}
	n, _ := t.held.Dims()
	row("data", 0, 0, t.other, t.entropy)
	src := rand.NewPCG(seed, 1)
	coupling := nf.NewNSF(t.dim, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: 6, Base: t.newBase()}, Coupling: true, Bins: 16}, src)
	steps, err := fitFor(seconds, coupling.WithPrecision(ad.Float32).NLL(nil), t.data, src)
	if err != nil {
		return err
	}
	row("coupling", steps, 1, coupling.Sample(n, rand.NewPCG(7, 0)), t.nll(coupling))
	for _, paired := range []bool{false, true} {
		src := rand.NewPCG(seed, 1)
		_, field := continuous.NewCNF(t.dim, &continuous.CNFOptions{Hidden: 64, Depth: 3}, src)
		objective := continuous.FlowMatching(field, nil)
		objective.Precision = ad.Float32
		var data nf.Sampler = continuous.NewPairs(nf.NewNormalizingFlow(t.newBase(), nil), t.data, t.dim, &continuous.PairsOptions{Transport: paired})
		left := seconds
		if paired { // to find partners takes longer than a step: a quarter of the time is for that, and pairs are used again
			start := cputime.Seconds()
			var pool []float64
			for cputime.Seconds() < start+seconds/4 {
				pool = append(pool, data.Sample(batchTransport, src).RawMatrix().Data...)
			}
			data = nf.NewRows(mat.NewDense(len(pool)/(2*t.dim), 2*t.dim, pool))
			left -= cputime.Seconds() - start
		}
		steps, err := fitFor(left, objective, data, src)
		if err != nil {
			return err
		}
		name := "matching"
		if paired {
			name += ", transport"
		}
		for _, o := range []continuous.FlowOptions{{Steps: 2, Method: continuous.Midpoint}, {Steps: 2}, {Steps: 8}} {
			flow := continuous.NewFlow(field, &o)
			model, nll := nf.NewNormalizingFlow(t.newBase(), []nf.Flow{flow}), math.NaN()
			if o.Steps == 8 { // with fewer it is that of another density
				nll = t.nll(model)
			}
			row(name, steps, flow.Evaluations(), model.Sample(n, rand.NewPCG(7, 0)), nll)
		}
	}
	return nil
}

func (t transport) nll(model *nf.NormalizingFlow) float64 {
	n, _ := t.held.Dims()
	return -stat.Mean(model.LogProb(t.held.Slice(0, min(n, heldDensity), 0, t.dim)), nil)
}

// fitFor trains for a time of processors, in which the learning rate falls to 0, and returns the number of steps.
func fitFor(seconds float64, objective nf.Objective, data nf.Sampler, src rand.Source) (int, error) {
	start := cputime.Seconds()
	done := func() float64 {
		if now := cputime.Seconds(); now < start+seconds {
			return (now - start) / seconds
		}
		return 1
	}
	history, err := nf.Fit(context.Background(), objective, data, &nf.FitOptions{
		Steps: math.MaxInt32, BatchSize: batchTransport, MaxGradNorm: 10,
		Schedule: func(int) float64 { return 5e-3 * (1 + math.Cos(math.Pi*done())) / 2 },
		OnStep: func(nf.Step) error {
			if done() == 1 {
				return nf.ErrStop
			}
			return nil
		},
	}, src)
	return len(history.Loss), err
}
