package eval

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/team"
)

// Local is a test of a posterior at observations of one's choice, see [NewLocalC2ST].
type Local struct {
	mean, scale []float64     // of parameters and data
	dim         int           // parameters
	trained     *classifier   // tells truths from draws
	null        []*classifier // tell them apart with labels that mean nothing
}

// NewLocalC2ST trains the networks of the local classifier two-sample test: whether a posterior q(θ | x) is right for one observation, of which no sample of
// the true posterior is known. It takes n simulations that the posterior was not trained with,
//
//	θᵢ ~ p(θ),  xᵢ ~ p(x|θᵢ),  θ̃ᵢ ~ q(θ|xᵢ):
//
// truth has the θᵢ, n×d, draws one θ̃ᵢ each, n×d, and x the data, n×m. A network learns the probability D(θ, x) that θ is a truth and not a draw, which is ½
// everywhere if q is the posterior. It has two layers of 10·(d+m) ReLUs, and stops as that of [C2ST] with EarlyStopping. The given number of further networks, 1
// or more, learn the same with truth and draw swapped at random in each pair: they show what D is by chance. A hundred are usual; p-values are no
// smaller than 1/(null + 1).
//
// Linhart, Gramfort & Rodrigues 2023, arXiv:2306.03580, algorithms 1 and 2. Cost: null + 1 trainings. The same source gives the same test for any
// GOMAXPROCS. It returns an error when a number is not finite. It panics when the numbers of rows or columns do not fit, there are fewer than 20 rows, or null
// is not positive.
func NewLocalC2ST(truth, draws, x mat.Matrix, null int, src rand.Source) (*Local, error) {
	d := checkSamples("NewLocalC2ST", truth, draws)
	n, _ := truth.Dims()
	rows, m := x.Dims()
	if k, _ := draws.Dims(); k != n || rows != n || n < 20 || null < 1 {
		panic(fmt.Sprintf("eval: NewLocalC2ST: got %d truths, %d draws, %d rows of data and %d networks of the null distribution, want as many rows in all, at least 20, and 1 network or more", n, k, rows, null))
	}
	t := &Local{dim: d}
	pairs := [2]*mat.Dense{mat.NewDense(n, d+m, nil), mat.NewDense(n, d+m, nil)} // truths and draws, each with the data
	for k, theta := range []mat.Matrix{truth, draws} {
		pairs[k].Slice(0, n, 0, d).(*mat.Dense).Copy(theta)
		pairs[k].Slice(0, n, d, d+m).(*mat.Dense).Copy(x)
	}
	for j := range d + m {
		mean, sd := stat.MeanStdDev(mat.Col(nil, j, pairs[0]), nil)
		if sd == 0 {
			sd = 1
		}
		t.mean, t.scale = append(t.mean, mean), append(t.scale, sd)
	}
	for _, p := range pairs {
		t.standardize(p)
		for i := range n {
			for j, v := range p.RawRowView(i) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return nil, fmt.Errorf("eval: NewLocalC2ST: column %d of parameters and data has a number that is not finite, or too large to scale", j)
				}
			}
		}
	}
	r := rand.New(src)
	sets, sources := make([]*mat.Dense, null+1), make([]rand.Source, null+1)
	for k := range sets {
		sets[k] = labelled(pairs, k > 0, r)
		sources[k] = rand.NewPCG(r.Uint64(), r.Uint64())
	}
	networks, failed := make([]*classifier, null+1), make([]error, null+1)
	team.Do(cores(), null+1, func(_, k int) {
		networks[k] = newClassifier(d+m, sources[k])
		failed[k] = networks[k].trainStopping(sets[k], sources[k])
	})
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("eval: NewLocalC2ST: %w", err)
	}
	t.trained, t.null = networks[0], networks[1:]
	return t, nil
}

// labelled returns the rows of both, in a random order of the pairs, with a last column of 1 for the first and −1 for the second, or for either if swapped.
func labelled(pairs [2]*mat.Dense, swap bool, r *rand.Rand) *mat.Dense {
	n, c := pairs[0].Dims()
	rows := mat.NewDense(2*n, c+1, nil)
	for at, i := range r.Perm(n) {
		label := 1.0
		if swap && r.Uint64()&1 == 1 {
			label = -1
		}
		for k, p := range pairs {
			row := rows.RawRowView(2*at + k)
			copy(row, p.RawRowView(i))
			row[c] = label * float64(1-2*k)
		}
	}
	return rows
}

func (t *Local) standardize(rows *mat.Dense) {
	rows.Apply(func(_, j int, v float64) float64 { return (v - t.mean[j]) / t.scale[j] }, rows)
}

// LocalTest is the outcome of [Local.Test].
type LocalTest struct {
	Test
	Null []float64 // statistics of the networks with labels that mean nothing, to draw beside Statistic
}

// Test tests the posterior at the observation x, by draws of it, L×d. The statistic is
//
//	1/L·Σ (D(θₗ, x) − ½)²,  θₗ ~ q(θ|x),
//
// and the p-value the share of those by chance that are as large or larger, this one counted among them. A statistic of 0 means that no difference was
// found, ¼ that draws are told from truths without error. Cost O(L·(d+m)²) for each network. It panics when there are no draws, or numbers of columns differ
// from those of the simulations.
func (t *Local) Test(draws mat.Matrix, x []float64) LocalTest {
	n, d := draws.Dims()
	if d != t.dim || n == 0 || len(x) != len(t.mean)-d {
		panic(fmt.Sprintf("eval: Local.Test: got %d draws of %d parameters and %d numbers of data, want at least one draw, %d and %d", n, d, len(x), t.dim, len(t.mean)-t.dim))
	}
	rows := mat.NewDense(n, len(t.mean)+1, nil)
	points := rows.Slice(0, n, 0, len(t.mean)).(*mat.Dense)
	points.Slice(0, n, 0, d).(*mat.Dense).Copy(draws)
	for i := range n {
		copy(points.RawRowView(i)[d:], x)
		rows.Set(i, len(t.mean), 1)
	}
	t.standardize(points)
	test := LocalTest{Test: Test{Statistic: t.trained.distance(rows)}, Null: make([]float64, len(t.null))}
	larger := 1
	for k, c := range t.null {
		if test.Null[k] = c.distance(rows); test.Null[k] >= test.Statistic {
			larger++
		}
	}
	test.PValue = float64(larger) / float64(len(t.null)+1)
	return test
}

// distance returns the mean of (D − ½)² over rows whose last column is 1.
func (c *classifier) distance(rows *mat.Dense) float64 {
	n, _ := rows.Dims()
	margins := make([]float64, n)
	ad.NewShards(ad.Float32, 10*c.dim).Each(n, func(t *ad.Tape, lo, hi int) { c.margin(t.Rows(rows, lo, hi)).DataTo(margins[lo:hi]) })
	var sum float64
	for _, m := range margins {
		half := math.Tanh(m/2) / 2 // D − ½
		sum += half * half
	}
	return sum / float64(n)
}
