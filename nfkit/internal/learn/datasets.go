package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	nftables "github.com/nfkit/nfkit-go/nfkit/tables"
)

//go:embed data/*.csv.gz
var datasetFiles embed.FS

// dataset is a table. Numbers come with a last digit, so that many rows share them: a model has the probability of
// each number as it is written.
type dataset struct {
	name   string
	digits []float64 // the unit of the last digit of each column; 0 where the numbers are as good as real ones
}

var datasets = []dataset{
	{"ames", []float64{0, 0, 1, 1, 1, 1}},
	{"concrete", []float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 1, 0.01}},
	{"lending_club", []float64{1, 0.01, 1, 0.1, 1, 1, 1, 1}},
}

// read returns the table, in units of the last digit.
func (d dataset) read() (*nftables.Table, error) {
	file, err := datasetFiles.ReadFile("data/" + d.name + ".csv.gz")
	if err != nil {
		return nil, err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	t, err := nftables.ParseCSV(unzipped, nil)
	if err != nil {
		return nil, err
	}
	x := mat.DenseCopyOf(t.Matrix())
	var columns []nftables.Column
	for j, c := range t.Columns() {
		if d.digits[j] == 0 {
			columns = append(columns, nftables.Real(c.Name))
			continue
		}
		columns = append(columns, nftables.Whole(c.Name, 0, math.Inf(1)))
		for i := range t.Len() {
			x.Set(i, j, math.Round(x.At(i, j)/d.digits[j]))
		}
	}
	return nftables.New(columns, x)
}

// spread returns x with noise between 0 and 1 in the columns of whole numbers.
func (d dataset) spread(x mat.Matrix, src rand.Source) *mat.Dense {
	r, y := rand.New(src), mat.DenseCopyOf(x)
	for i := range y.RawMatrix().Rows {
		for j, v := range y.RawRowView(i) {
			if d.digits[j] > 0 {
				y.Set(i, j, v+r.Float64())
			}
		}
	}
	return y
}

// probability has the probability of whole numbers of a density that was fitted to spread ones.
type probability struct {
	eval.Density
	dataset
}

// LogProb is the logarithm of the mean density over draws of the noise.
func (p probability) LogProb(x mat.Matrix) []float64 {
	const draws = 16
	n, _ := x.Dims()
	logProb := make([][]float64, n)
	for k := range draws {
		for i, l := range p.Density.LogProb(p.spread(x, rand.NewPCG(uint64(k), 0))) {
			logProb[i] = append(logProb[i], l-math.Log(draws))
		}
	}
	sums := make([]float64, n)
	for i, l := range logProb {
		sums[i] = floats.LogSumExp(l)
	}
	return sums
}

// baselines are what a flow has to beat: a Gaussian, the mixture of Gaussians that is best on the validation table, and
// a kernel density.
func (d dataset) baselines(train, valid mat.Matrix) ([]eval.LogProber, error) {
	train = d.spread(train, rand.NewPCG(11, 12))
	gaussian, err := eval.FitGaussian(train)
	if err != nil {
		return nil, err
	}
	var mixture eval.LogProber
	best := math.Inf(-1)
	for _, k := range []int{2, 5, 10, 20, 40} {
		m, err := eval.FitGaussianMixture(train, k, nil, rand.NewPCG(13, uint64(k)))
		if err != nil {
			return nil, err
		}
		if l := eval.LogLikelihood(probability{m, d}, valid).Value; l > best {
			best, mixture = l, probability{m, d}
		}
	}
	kernel, err := eval.NewKernelDensity(train, eval.Scott)
	return []eval.LogProber{probability{gaussian, d}, mixture, probability{kernel, d}}, err
}

// datasetTable fits a flow and its baselines to tables, and prints how likely they make rows that none of them has seen.
func datasetTable(args []string, out io.Writer) error {
	f := flag.NewFlagSet("learn tables", flag.ContinueOnError)
	f.SetOutput(out)
	seeds := f.Int("seeds", 1, "seeds of each data set: the split and the start")
	steps := f.Int("steps", 1000, "steps of training")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	fmt.Fprintf(out, "mean log-likelihood of held-out rows, in nats, with its standard error\n\n%-13s %5s %15s %15s %15s %15s %22s %8s\n",
		"table", "seed", "Gaussian", "mixture", "kernel density", "flow", "flow above the best", "seconds")
	var missed []string
	for _, d := range datasets {
		if f.NArg() > 0 && !strings.Contains(" "+strings.Join(f.Args(), " ")+" ", " "+d.name+" ") {
			continue
		}
		for seed := range uint64(*seeds) {
			above, err := d.compare(seed, *steps, out)
			if err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			if !(above.Value > 2*above.Error) {
				missed = append(missed, fmt.Sprintf("%s with seed %d", d.name, seed))
			}
		}
	}
	if missed != nil {
		return fmt.Errorf("the flow is not better than all others by two standard errors: %s", strings.Join(missed, ", "))
	}
	return nil
}

// compare prints a row of the table, and returns how far the flow is above the best baseline.
func (d dataset) compare(seed uint64, steps int, out io.Writer) (eval.Estimate, error) {
	t, err := d.read()
	if err != nil {
		return eval.Estimate{}, err
	}
	train, valid, test := t.Split(0.7, 0.1, rand.NewPCG(seed, 0))
	start := time.Now()
	model, err := nftables.NewModel(train, nil, rand.NewPCG(seed, 1))
	if err != nil {
		return eval.Estimate{}, err
	}
	rows, err := model.Rows(train)
	if err != nil {
		return eval.Estimate{}, err
	}
	_, err = nf.Fit(context.Background(), model.NLL(), rows, &nf.FitOptions{Steps: steps, BatchSize: 256,
		Schedule: nf.Cosine(3e-3, 0, steps), Average: 0.99, Validation: valid.Matrix(), ValidateEvery: min(100, steps)}, rand.NewPCG(seed, 2))
	if err != nil {
		return eval.Estimate{}, err
	}
	seconds := time.Since(start).Seconds()
	baselines, err := d.baselines(train.Matrix(), valid.Matrix())
	if err != nil {
		return eval.Estimate{}, err
	}
	x := test.Matrix()
	fmt.Fprintf(out, "%-13s %5d", d.name, seed)
	for _, q := range append(baselines, model.Density()) {
		e := eval.LogLikelihood(q, x)
		fmt.Fprintf(out, " %7.2f ± %.2f ", e.Value, e.Error)
	}
	least := eval.Estimate{Value: math.Inf(1)}
	for _, q := range baselines {
		if e := eval.LogLikelihoodDifference(model.Density(), q, x); e.Value < least.Value {
			least = e
		}
	}
	fmt.Fprintf(out, " %13.2f ± %.2f %8.0f\n", least.Value, least.Error, seconds)
	return least, nil
}
