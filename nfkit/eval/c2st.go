package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/team"
)

// C2STOptions are the options of [C2ST].
type C2STOptions struct {
	// EarlyStopping trains each network until the cross-entropy of a tenth of its points, which it leaves out, has not been less for ten epochs, and takes it
	// as it was when that was least. It does not learn the noise in the points then: the test is stronger where samples are hard to tell apart, and costs a
	// tenth in five dimensions or more; but its accuracies are not to be compared with published ones.
	EarlyStopping bool
	// Folds is the number of folds that are classified, from 1 to 5; 0 means 5. Fewer cost less and have a larger error.
	Folds int
}

// C2ST is the classifier two-sample test: the accuracy with which a neural network tells samples of a model, the rows of
// x, from those of the reference, both n×d, on points that it was not trained with. ½ is perfect, 1 is useless.
//
// Both are scaled to mean 0 and standard deviation 1 of the reference. The network has two layers of 10·d ReLUs and is
// trained by Adam with the learning rate 1e-3 on the cross-entropy of batches of 200, until the loss of an epoch has not
// been less by 1e-4 for more than ten epochs, or for a thousand. The accuracy is the mean over five folds, each of which
// is classified by a network that was trained on the others. This is the test of the benchmark of Lueckmann et al. 2021,
// arXiv:2101.04653, appendix A, with scikit-learn's MLPClassifier; networks start and stop as there. The error is
// √(a(1−a)/N), that of counting N points.
//
// That network learns noise in more than a few dimensions. Two normal distributions in five, 0.3 standard deviations apart, are told apart by the best rule
// in 0.560 of the cases, by this network in 0.524, and with EarlyStopping in 0.563 ± 0.004, for n = 10 000.
//
// Lopez-Paz & Oquab 2017, arXiv:1610.06545. Cost O(nd²) an epoch and fold. A nil opts means the defaults. The same source gives the same accuracy for any
// GOMAXPROCS. It returns an error when a number is not finite. It panics when the numbers of rows or columns differ,
// there are fewer than 5 rows, or an option is out of range.
func C2ST(reference, x mat.Matrix, opts *C2STOptions, src rand.Source) (Estimate, error) {
	var o C2STOptions
	if opts != nil {
		o = *opts
	}
	if o.Folds == 0 {
		o.Folds = folds
	}
	d := checkSamples("C2ST", reference, x)
	n, _ := reference.Dims()
	if m, _ := x.Dims(); n != m || n < folds || o.Folds < 1 || o.Folds > folds {
		panic(fmt.Sprintf("eval: C2ST: got samples of %d and %d rows and %d folds, want as many in both, at least %d, and 1 to 5 folds", n, m, o.Folds, folds))
	}
	rows := mat.NewDense(2*n, d+1, nil) // the last column is 1 for the reference and −1 for x
	rows.Slice(0, n, 0, d).(*mat.Dense).Copy(reference)
	rows.Slice(n, 2*n, 0, d).(*mat.Dense).Copy(x)
	for j := range d {
		column := mat.Col(nil, j, rows)
		mean, sd := stat.MeanStdDev(column[:n], nil)
		if sd == 0 {
			sd = 1 // a constant is told apart by its value
		}
		floats.AddConst(-mean, column)
		floats.Scale(1/sd, column)
		for i, v := range column {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return Estimate{math.NaN(), math.NaN()}, fmt.Errorf("eval: C2ST: column %d has a number that is not finite, or too large to scale", j)
			}
			rows.Set(i, j, v)
		}
	}
	for i := range 2 * n {
		rows.Set(i, d, 1)
		if i >= n {
			rows.Set(i, d, -1)
		}
	}
	r := rand.New(src)
	rows = permuted(rows, r.Perm(2*n))
	var seeds [folds][2]uint64
	for i := range seeds {
		seeds[i] = [2]uint64{r.Uint64(), r.Uint64()}
	}
	var accuracy [folds]float64
	var failed [folds]error
	team.Do(cores(), o.Folds, func(_, i int) {
		lo, hi := i*2*n/folds, (i+1)*2*n/folds
		var rest mat.Dense
		switch {
		case lo == 0:
			rest.CloneFrom(rows.Slice(hi, 2*n, 0, d+1))
		case hi == 2*n:
			rest.CloneFrom(rows.Slice(0, lo, 0, d+1))
		default:
			rest.Stack(rows.Slice(0, lo, 0, d+1), rows.Slice(hi, 2*n, 0, d+1))
		}
		source := rand.NewPCG(seeds[i][0], seeds[i][1])
		c := newClassifier(d, source)
		if o.EarlyStopping {
			failed[i] = c.trainStopping(&rest, source)
		} else {
			failed[i] = c.train(&rest, source)
		}
		accuracy[i] = c.accuracy(rows.Slice(lo, hi, 0, d+1).(*mat.Dense))
	})
	if err := errors.Join(failed[:]...); err != nil {
		return Estimate{math.NaN(), math.NaN()}, fmt.Errorf("eval: C2ST: %w", err)
	}
	a := stat.Mean(accuracy[:o.Folds], nil)
	return Estimate{a, math.Sqrt(a * (1 - a) / float64(o.Folds*2*n/folds))}, nil
}

const folds = 5

// permuted returns the rows of x in the given order.
func permuted(x *mat.Dense, order []int) *mat.Dense {
	_, c := x.Dims()
	y := mat.NewDense(len(order), c, nil)
	for i, k := range order {
		y.SetRow(i, x.RawRowView(k))
	}
	return y
}

// classifier tells rows of two classes apart: their last column is 1 or −1.
type classifier struct {
	dim       int
	net       *nf.MLP
	objective *nf.RowObjective
}

// newClassifier returns a network whose weights and biases are uniform in ±√(6/(in+out)), as scikit-learn's are.
func newClassifier(dim int, src rand.Source) *classifier {
	c := &classifier{dim: dim, net: nf.NewMLP([]int{dim, 10 * dim, 10 * dim, 1}, nil, src)}
	c.objective = nf.NewObjective(c.net.State(), dim+1, func(v *ad.Value) *ad.Value { return c.margin(v).LogSigmoid().Neg() }) // cross-entropy
	c.objective.Precision = ad.Float32
	params := c.net.State().Params()
	r := rand.New(src)
	for k := 0; k < len(params); k += 2 {
		out, in := params[k].Dims()
		limit := math.Sqrt(6 / float64(in+out))
		for _, p := range params[k : k+2] { // weight and bias
			for i := range p.Data {
				p.Data[i] = limit * (2*r.Float64() - 1)
			}
		}
	}
	return c
}

// margin returns, for each row, ln p/(1−p) of its own class.
func (c *classifier) margin(rows *ad.Value) *ad.Value {
	return c.net.Apply(rows.Slice(0, c.dim), nil).Mul(rows.Slice(c.dim, c.dim+1))
}

// train minimises the cross-entropy of rows, with the L2 penalty of scikit-learn: 1e-4 over the size of a batch.
func (c *classifier) train(rows *mat.Dense, src rand.Source) error {
	n, _ := rows.Dims()
	size := min(200, n)
	perEpoch := (n + size - 1) / size // steps
	best, stale := math.Inf(1), 0
	var sum float64
	_, err := nf.Fit(context.Background(), c.objective, nf.NewRows(rows), &nf.FitOptions{
		Epochs: 1000, BatchSize: size,
		Adam: nf.NewAdam(c.net.State().Params(), &nf.AdamOptions{WeightDecay: 1e-4 / float64(size)}),
		OnStep: func(s nf.Step) error {
			if sum += s.Loss; s.Number%perEpoch != 0 {
				return nil
			}
			loss := sum / float64(perEpoch)
			sum = 0
			if stale++; loss <= best-1e-4 {
				stale = 0
			}
			best = min(best, loss)
			if stale > 10 {
				return nf.ErrStop
			}
			return nil
		},
	}, src)
	return err
}

// trainStopping minimises the cross-entropy of nine tenths of rows, which are in no order, until that of the others has not been less for ten epochs.
func (c *classifier) trainStopping(rows *mat.Dense, src rand.Source) error {
	n, columns := rows.Dims()
	held := (n + 9) / 10
	size := min(200, n-held)
	perEpoch := (n - held + size - 1) / size
	_, err := nf.Fit(context.Background(), c.objective, nf.NewRows(rows.Slice(held, n, 0, columns)), &nf.FitOptions{
		Epochs: 1000, BatchSize: size,
		Validation: rows.Slice(0, held, 0, columns), ValidateEvery: perEpoch, Patience: 10,
	}, src)
	return err
}

// accuracy returns the share of rows whose class has the higher probability.
func (c *classifier) accuracy(rows *mat.Dense) float64 {
	n, _ := rows.Dims()
	margins := make([]float64, n)
	ad.NewShards(ad.Float32, 10*c.dim).Each(n, func(t *ad.Tape, lo, hi int) { c.margin(t.Rows(rows, lo, hi)).DataTo(margins[lo:hi]) })
	right := 0
	for _, m := range margins {
		if m > 0 {
			right++
		}
	}
	return float64(right) / float64(n)
}
