// Package workload lists what the benchmarks of nfkit measure, and what its comparison with PyTorch runs on either side.
package workload

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Kind is a family of models.
type Kind string

const (
	Coupling Kind = "coupling"  // affine couplings with networks of two hidden layers
	Spline   Kind = "spline"    // spline couplings: 8 bins, 2 residual blocks
	MAF      Kind = "maf"       // masked autoregressive flows, the fast direction that of the density: 2 residual blocks
	IAF      Kind = "iaf"       // the same, the fast direction that of samples
	ARSpline Kind = "ar-spline" // autoregressive splines: 8 bins, 2 residual blocks
	Glow     Kind = "glow"      // couplings of images in 3 levels, with convolutional networks
	Lattice  Kind = "lattice"   // couplings of a periodic lattice, with circular convolutions

	ContextSpline Kind = "context-ar-spline" // ARSpline whose networks see a context
	Circular      Kind = "circular"          // ARSpline of a number and an angle
	Circular10    Kind = "circular-10"       // the same with 10 bins
	Residual      Kind = "residual"          // contractions with networks of two hidden layers, sampled by iteration
	LULayer       Kind = "lu"                // LULinearPermute alone
	AffineLayer   Kind = "invertible-affine" // InvertibleAffine alone
)

// Mix is the layer that follows each one.
type Mix string

const (
	None Mix = ""
	LU   Mix = "lu"      // a linear map
	Swap Mix = "swap"    // the halves change places
	Norm Mix = "actnorm" // none, but a scale and a shift
)

// Model is an architecture: layers of one kind, each followed by a mixing one, over a base that is not trained. A Glow has that number of layers in each
// level, for square images of one channel; a Lattice is square, and has no mixing layers.
type Model struct {
	Kind                Kind
	Dim, Layers, Hidden int
	Mix                 Mix
}

// New returns the model with parameters drawn from src.
func (m Model) New(src rand.Source) *nf.NormalizingFlow {
	switch m.Kind {
	case Glow:
		return m.glow(src)
	case Lattice:
		return m.lattice(src)
	case CNF:
		return m.cnf(src)
	}
	var flows []nf.Flow
	for range m.Layers {
		flows = append(flows, m.layer(src))
		if m.Mix != None {
			flows = append(flows, m.mix(src))
		}
	}
	model := nf.NewNormalizingFlow(m.Base(), flows)
	settle(model)
	return model
}

// settle makes layers that begin with the first batch keep what they have.
func settle(m *nf.NormalizingFlow) {
	for _, t := range m.State() {
		if strings.HasSuffix(t.Name, ".data_dep_init_done") {
			t.Floats[0] = 1
		}
	}
}

// Base returns the distribution before all layers: standard normal, or for a number and an angle normal and uniform.
func (m Model) Base() nf.Base {
	if m.angle() {
		return nf.NewUniformGaussian(2, []int{1}, &nf.UniformGaussianOptions{Scale: []float64{1, 2 * math.Pi}})
	}
	return nf.NewDiagGaussian(m.Dim, &nf.DiagGaussianOptions{Fixed: true})
}

// angle reports whether the second of two components is an angle.
func (m Model) angle() bool { return m.Kind == Circular || m.Kind == Circular10 }

// bins returns the number of bins of a spline.
func (m Model) bins() int {
	if m.Kind == Circular10 {
		return 10
	}
	return 8
}

func (m Model) layer(src rand.Source) nf.Flow {
	h := m.Hidden
	switch m.Kind {
	case Coupling:
		kept := (m.Dim + 1) / 2
		return nf.NewAffineCouplingBlock(nf.NewMLP([]int{kept, h, h, 2 * (m.Dim - kept)}, &nf.MLPOptions{InitZeros: true}, src), nil)
	case Spline:
		return nf.NewCoupledRationalQuadraticSpline(m.Dim, h, nil, src)
	case MAF:
		return nf.NewInvert(m.autoregressive(src))
	case IAF:
		return m.autoregressive(src)
	case ARSpline:
		return nf.NewAutoregressiveRationalQuadraticSpline(m.Dim, h, nil, src)
	case ContextSpline:
		return nf.NewAutoregressiveRationalQuadraticSpline(m.Dim, h, &nf.AutoregressiveSplineOptions{Net: nf.MADEOptions{Context: contextDim}}, src)
	case Circular, Circular10:
		o := &nf.AutoregressiveSplineOptions{SplineOptions: nf.SplineOptions{Bins: m.bins(), Bounds: []float64{5, math.Pi}}}
		o.Net.Order = rand.New(src).Perm(m.Dim)
		return nf.NewCircularAutoregressiveRationalQuadraticSpline(m.Dim, h, []int{1}, o, src)
	case Residual:
		return nf.NewResidual(nf.NewLipschitzMLP([]int{m.Dim, h, h, m.Dim}, &nf.LipschitzMLPOptions{Lipschitz: 0.9}, src), nil)
	case LULayer:
		return nf.NewLULinearPermute(m.Dim, nil, src)
	case AffineLayer:
		return nf.NewInvertibleAffine(m.Dim, nil, src)
	case NAF:
		return m.monotone(nf.DeepSigmoid{}, src)
	case UMNN:
		return m.monotone(nf.UnconstrainedMonotone{}, src)
	}
	panic(fmt.Sprintf("workload: Model.New: got kind %q, want one of those of this package", m.Kind))
}

func (m Model) autoregressive(src rand.Source) nf.Flow {
	return nf.NewMaskedAffineAutoregressive(nf.NewMADE(m.Dim, 2, m.Hidden, nil, src), nil)
}

func (m Model) mix(src rand.Source) nf.Flow {
	switch m.Mix {
	case LU:
		return nf.NewLULinearPermute(m.Dim, nil, src)
	case Swap:
		return nf.NewPermute(m.Dim, nf.PermuteSwap, nil)
	case Norm:
		return nf.NewActNorm(m.Dim)
	}
	panic(fmt.Sprintf("workload: Model.New: got mixing layer %q, want lu, swap or actnorm", m.Mix))
}

// flop returns the floating-point operations for one row of the networks, and of linear maps of more than two components: two for each
// weight. Masked weights count, as a network without masks has them. It is 0 where the number of evaluations depends on the row.
func (m Model) flop() float64 {
	d, h, weights := m.Dim, m.Hidden, 0
	switch m.Kind {
	case Glow:
		return m.glowFlop()
	case Lattice:
		weights = 9 * d * (h + h*h + 2*h)
	case Coupling:
		kept := (d + 1) / 2
		weights = kept*h + h*h + 2*(d-kept)*h
	case Spline:
		kept := (d + 1) / 2
		weights = kept*h + 4*h*h + 23*(d-kept)*h
	case ARSpline:
		weights = d*h + 4*h*h + 23*d*h
	case NAF, UMNN, CNF:
		weights = m.familyWeights()
	case ContextSpline:
		weights = (d+3*contextDim)*h + 4*h*h + 23*d*h
	case Circular, Circular10:
		weights = d*h + 4*h*h + (3*m.bins()+1)*d*h
	case LULayer, AffineLayer:
		weights = d * d
	case Residual:
	default:
		weights = d*h + 4*h*h + 2*d*h
	}
	if m.Mix == LU && d > 2 {
		weights += d * d
	}
	return float64(2 * m.Layers * weights)
}

// Rows draws n rows. In two dimensions they are those of the tutorial, (a, b) with a uniform on [1, 2] and b normal with mean and
// variance a; where the second is an angle, points of the base; else standard normal.
func (m Model) Rows(n int, src rand.Source) *mat.Dense {
	r := rand.New(src)
	x := mat.NewDense(n, m.Dim, nil)
	for i := range n {
		if m.angle() {
			x.SetRow(i, []float64{r.NormFloat64(), 2 * math.Pi * (r.Float64() - 0.5)})
			continue
		}
		if m.Dim == 2 {
			a := 1 + r.Float64()
			x.SetRow(i, []float64{a, a + math.Sqrt(a)*r.NormFloat64()})
			continue
		}
		for j := range m.Dim {
			x.Set(i, j, r.NormFloat64())
		}
	}
	return x
}

// Task is what is done with a model.
type Task string

const (
	Train   Task = "train"    // loss, gradient, and a step of Adam with weight decay
	LogProb Task = "log-prob" // the log-density of each row
	Sample  Task = "sample"   // new rows, with their log-density

	Gradient    Task = "gradient"    // loss and gradient alone
	ReverseKL   Task = "reverse-kl"  // a training step without data: loss on new rows, gradient, and the optimiser, for the density of Target
	Hamiltonian Task = "hamiltonian" // Draws of each of as many chains as there are rows, on pairs of double wells
)

// Row is one measurement.
type Row struct {
	Name string
	Task Task
	Model
	N int // rows of the batch

	Ratio [2]float64 // how many times as fast as PyTorch it should be, by precision; 0 where there is nothing to measure
	Share [2]float64 // the share of the machine's multiply-adds that it should reach, by precision; 0 means any
}

// Tutorial is the model of the first notebook.
var Tutorial = Model{Coupling, 2, 16, 64, LU}

// Table has the rows of the tutorial's size and of usual ones.
var Table = []Row{
	{Name: "tutorial", Task: Train, Model: Tutorial, N: 512, Ratio: wanted(5, 10), Share: wanted(0.55, 0.5)},
	{Name: "tutorial", Task: LogProb, Model: Tutorial, N: 100_000, Ratio: wanted(8, 4)},
	{Name: "tutorial", Task: Sample, Model: Tutorial, N: 100_000, Ratio: wanted(8, 6)},
	{Name: "hidden-256", Task: Train, Model: Model{Coupling, 2, 8, 256, LU}, N: 2048, Ratio: wanted(1.5, 1.5)},
	{Name: "hidden-256", Task: Train, Model: Model{Coupling, 2, 8, 256, LU}, N: 8192, Ratio: wanted(1.5, 1.5)},
	{Name: "hidden-512", Task: Train, Model: Model{Coupling, 2, 8, 512, LU}, N: 2048, Ratio: wanted(1, 1)},
	{Name: "hidden-512", Task: Train, Model: Model{Coupling, 2, 8, 512, LU}, N: 8192, Ratio: wanted(1, 1)},
	{Name: "spline", Task: Train, Model: Model{Spline, 2, 16, 128, LU}, N: 512, Ratio: wanted(2, 3)},
	{Name: "maf-16", Task: Train, Model: Model{MAF, 16, 8, 128, LU}, N: 512, Ratio: wanted(2, 3)},
	{Name: "glow-32x32", Task: Train, Model: glow32, N: 64, Ratio: wanted(1.5, 1.5)},
	{Name: "glow-32x32", Task: Sample, Model: glow32, N: 64, Ratio: wanted(1.5, 1.5)},
	{Name: "lattice-8x8", Task: Train, Model: lattice8, N: 256, Ratio: wanted(1.5, 1.5)},
	{Name: "lattice-8x8", Task: Sample, Model: lattice8, N: 8192, Ratio: wanted(1.5, 1.5)},
}

// glow32 is for images of 28×28 pixels with a margin of 2, as three levels halve them three times.
var glow32 = Model{Kind: Glow, Dim: 32 * 32, Layers: 4, Hidden: 32}

// lattice8 is the model of the tutorial of lattice field theory.
var lattice8 = Model{Kind: Lattice, Dim: 8 * 8, Layers: 16, Hidden: 8}

// WideTable has models of many components and units, few rows, and the slow directions.
var WideTable = []Row{
	{Name: "realnvp-lu-784", Task: Train, Model: Model{Coupling, 784, 2, 512, LU}, N: 128, Ratio: wanted(2, 2)},
	{Name: "realnvp-lu-64", Task: Train, Model: Model{Coupling, 64, 8, 256, LU}, N: 256, Ratio: wanted(2, 2)},
	{Name: "realnvp-lu-64", Task: Sample, Model: Model{Coupling, 64, 8, 256, LU}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "realnvp-784", Task: Train, Model: Model{Coupling, 784, 8, 512, Swap}, N: 128, Ratio: wanted(2, 2)},
	{Name: "realnvp-64", Task: LogProb, Model: Model{Coupling, 64, 8, 512, Swap}, N: 1, Ratio: wanted(2, 2)},
	{Name: "realnvp-64", Task: LogProb, Model: Model{Coupling, 64, 8, 512, Swap}, N: 64, Ratio: wanted(2, 2)},
	{Name: "realnvp-64", Task: Sample, Model: Model{Coupling, 64, 8, 256, Swap}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "readme", Task: LogProb, Model: Model{Coupling, 2, 32, 64, Swap}, N: 1, Ratio: wanted(2, 2)},
	{Name: "maf-64", Task: LogProb, Model: Model{MAF, 64, 5, 512, Swap}, N: 1, Ratio: wanted(2, 2)},
	{Name: "maf-64", Task: LogProb, Model: Model{MAF, 64, 5, 512, Swap}, N: 8, Ratio: wanted(2, 2)},
	{Name: "maf-64", Task: LogProb, Model: Model{MAF, 64, 5, 512, Swap}, N: 64, Ratio: wanted(2, 2)},
	{Name: "maf-64", Task: LogProb, Model: Model{MAF, 64, 5, 512, Swap}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "maf-64", Task: Train, Model: Model{MAF, 64, 5, 512, Swap}, N: 16, Ratio: wanted(2, 2)},
	{Name: "maf-64", Task: Train, Model: Model{MAF, 64, 5, 512, Swap}, N: 256, Ratio: wanted(2, 2)},
	{Name: "maf-64", Task: Sample, Model: Model{MAF, 64, 5, 512, Swap}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "maf-784", Task: LogProb, Model: Model{MAF, 784, 5, 1024, Swap}, N: 100, Ratio: wanted(2, 2)},
	{Name: "maf-784", Task: Train, Model: Model{MAF, 784, 5, 1024, Swap}, N: 100, Ratio: wanted(2, 2)},
	{Name: "iaf-16", Task: Sample, Model: Model{IAF, 16, 5, 64, Swap}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "iaf-16", Task: LogProb, Model: Model{IAF, 16, 5, 64, Swap}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "spline-8", Task: LogProb, Model: Model{Spline, 8, 4, 64, LU}, N: 1, Ratio: wanted(2, 2)},
	{Name: "spline-8", Task: Sample, Model: Model{Spline, 8, 4, 64, LU}, N: 10_000, Ratio: wanted(2, 2)},
	{Name: "spline-64", Task: LogProb, Model: Model{Spline, 64, 8, 256, LU}, N: 1, Ratio: wanted(2, 2)},
	{Name: "spline-64", Task: Sample, Model: Model{Spline, 64, 8, 256, LU}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "spline-64", Task: Train, Model: Model{Spline, 64, 8, 256, LU}, N: 256, Ratio: wanted(2, 2)},
	{Name: "ar-spline-2", Task: Sample, Model: Model{ARSpline, 2, 4, 128, LU}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "context-ar-spline-2", Task: Sample, Model: Model{ContextSpline, 2, 4, 128, LU}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "circular-nsf", Task: Train, Model: Model{Circular, 2, 20, 128, None}, N: 1024, Ratio: wanted(2, 2)},
	{Name: "circular-nsf", Task: Sample, Model: Model{Circular, 2, 20, 128, None}, N: 1000, Ratio: wanted(2, 2)},
	{Name: "paper-example", Task: ReverseKL, Model: Model{Circular10, 2, 12, 512, None}, N: 1024, Ratio: wanted(2, 2)},
	{Name: "residual", Task: Sample, Model: Model{Residual, 2, 16, 128, Norm}, N: 2000, Ratio: wanted(2, 2)},
	layer(LULayer, 64), layer(LULayer, 128), layer(LULayer, 256), layer(LULayer, 512), layer(LULayer, 784),
	layer(AffineLayer, 64), layer(AffineLayer, 128), layer(AffineLayer, 256), layer(AffineLayer, 512), layer(AffineLayer, 784),
}

// layer is the row of a linear layer alone.
func layer(k Kind, dim int) Row {
	return Row{Name: fmt.Sprintf("%s-%d", k, dim), Task: Gradient, Model: Model{k, dim, 1, 0, None}, N: 128, Ratio: wanted(2, 2)}
}

// EnergyTable has densities without data: double wells in each pair of components.
var EnergyTable = []Row{
	{Name: "double-well", Task: ReverseKL, Model: Model{Coupling, 2, 6, 64, Swap}, N: 128, Ratio: wanted(3, 3)},
	{Name: "many-well", Task: ReverseKL, Model: Model{Coupling, 32, 8, 64, Swap}, N: 256, Ratio: wanted(3, 3)},
	{Name: "many-well", Task: Hamiltonian, Model: Model{Dim: 32}, N: 10_000, Ratio: wanted(3, 0)},
}

// What a measurement of chains is: they begin at standard normal points, and the first draw is not kept.
const (
	Draws     = 10
	Leapfrogs = 10
	StepSize  = 0.1
)

// Target returns the density that rows without data have to do with.
func (m Model) Target() nf.Target {
	if m.angle() {
		return gaussianVonMises{}
	}
	return targets.ManyWell{Dims: m.Dim}
}

func wanted(float64, float32 float64) (w [2]float64) {
	w[ad.Float64], w[ad.Float32] = float64, float32
	return w
}

// New returns the model with parameters drawn from src, and the context of the rows if it takes one.
func (r Row) New(src rand.Source) *nf.NormalizingFlow {
	m := r.Model.New(src)
	if c := r.Context(); c != nil {
		m = m.Given(c)
	}
	return m
}

// String names the row: what is done, with which model, to how many rows.
func (r Row) String() string { return fmt.Sprintf("%s/%s/%d-rows", r.Task, r.Name, r.N) }

// Flop returns the floating-point operations of the networks' products: three times those of an evaluation for a training step.
func (r Row) Flop() float64 {
	f := r.flop() * float64(r.N)
	switch r.Task {
	case Train, ReverseKL, Gradient:
		f *= 3
	case Matching:
		f = 3 * 2 * float64(r.fieldWeights()*r.N)
	}
	return f
}

// Rows draws n rows of the model, or pairs of points.
func (r Row) Rows(n int, src rand.Source) *mat.Dense {
	if r.Task == Matching {
		return r.pairs(n, src)
	}
	return r.Model.Rows(n, src)
}

// Options of the optimiser. The small learning rate keeps a model sane however often it sees the same batch.
const (
	LearningRate = 1e-5
	WeightDecay  = 1e-5
)

// NewAdam returns the optimiser of a training step.
func NewAdam(m *nf.NormalizingFlow) *nf.Adam {
	return nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: LearningRate, WeightDecay: WeightDecay})
}

// Step returns a function that does the row's task once with m in the precision p, on the rows x or, to sample, on new ones.
func (r Row) Step(m *nf.NormalizingFlow, p ad.Precision, x *mat.Dense) func() error {
	m = m.WithPrecision(p)
	switch r.Task {
	case Gradient:
		objective, src := m.NLL(nil), rand.NewPCG(1, 2)
		return func() error {
			_, err := objective.LossGrad(x, src)
			return err
		}
	case Train, Matching:
		adam, objective, src := NewAdam(m), m.NLL(nil), rand.NewPCG(1, 2)
		if r.Task == Matching {
			objective = r.matching(m, p)
		}
		return func() error {
			_, err := objective.LossGrad(x, src)
			if err == nil {
				adam.Step()
			}
			return err
		}
	case ReverseKL:
		adam, objective, src := NewAdam(m), m.ReverseKL(r.Target(), r.N, nil), rand.NewPCG(1, 2)
		return func() error {
			_, err := objective.LossGrad(nil, src)
			if err == nil {
				adam.Step()
			}
			return err
		}
	case Hamiltonian:
		src, opts := rand.NewPCG(1, 2), &montecarlo.ChainsOptions{WarmUp: 1, Leapfrogs: Leapfrogs, StepSize: StepSize}
		return func() error {
			_, err := montecarlo.HamiltonianChains(context.Background(), m, r.Target(), r.N, Draws, opts, src)
			return err
		}
	case LogProb:
		dst := make([]float64, r.N)
		return func() error {
			m.LogProbTo(dst, x)
			return nil
		}
	}
	src := rand.NewPCG(5, 6)
	return func() error {
		m.SampleLogProb(r.N, src)
		return nil
	}
}
