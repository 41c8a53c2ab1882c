// Package live is what the page of notebooks/browser shows: a flow of the plane that learns a density, some steps at a time.
package live

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Layers is the number of layers of the flow. The model is small, as in a browser the same code takes tens of times as long as outside.
const (
	Layers = 6
	hidden = 32
	bins   = 8
	batch  = 256
	rate   = 5e-3 // of learning, in the first steps
	steady = 400  // steps after which it falls as 1/√step
)

// View is half the side of the square around 0 that pictures show.
const View = 4.0

// Lesson is a flow and what it learns from.
type Lesson struct {
	data      nf.Sampler
	base      *nf.DiagGaussian
	model     *nf.NormalizingFlow
	layers    []*nf.NormalizingFlow // each layer of the model as a model of its own
	objective nf.Objective
	adam      *nf.Adam
	src       rand.Source
}

// NewLesson returns a lesson that has not begun: the flow is the identity, or near it. Each of its layers is a coupling of splines, which moves points
// along one axis by what a network makes of the other coordinate. The axes take turns.
func NewLesson(data nf.Sampler, src rand.Source) *Lesson {
	l := &Lesson{data: data, base: nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true}), src: src}
	var flows []nf.Flow
	for k := range Layers {
		spline := nf.NewRationalQuadraticSpline(2, nil, &nf.SplineOptions{Bins: bins, Bound: View})
		net := nf.NewMLP([]int{1, hidden, hidden, spline.Params()}, nil, src)
		flow := nf.NewCoupling(spline, net, []int{k % 2}, nil)
		flows = append(flows, flow)
		l.layers = append(l.layers, nf.NewNormalizingFlow(l.base, []nf.Flow{flow}))
	}
	l.model = nf.NewNormalizingFlow(l.base, flows)
	l.objective, l.adam = l.model.NLL(nil), nf.NewAdam(l.model.Params(), nil)
	return l
}

// Learn goes on with other data.
func (l *Lesson) Learn(data nf.Sampler) { l.data = data }

// Steps returns the number of steps taken.
func (l *Lesson) Steps() int { return l.adam.Steps() }

// Train takes steps and returns the loss before each of them, in nats, and an error if one is not finite.
func (l *Lesson) Train(steps int) ([]float64, error) {
	losses := make([]float64, 0, steps)
	for range steps {
		l.adam.LearningRate = rate * min(1, math.Sqrt(steady/float64(1+l.Steps())))
		loss, err := l.objective.LossGrad(l.data.Sample(batch, l.src), l.src)
		if err != nil {
			return losses, err
		}
		l.adam.Step()
		losses = append(losses, loss)
	}
	return losses, nil
}

// Picture returns the density of the model at the centres of n×n cells of the view, row by row from the top: 0 for none, 1 for a density that
// a hundredth of the cells surpass, and for what surpasses it.
func (l *Lesson) Picture(n int) []float64 {
	x, side := mat.NewDense(n*n, 2, nil), 2*View/float64(n)
	for k := range n * n {
		x.Set(k, 0, (float64(k%n)+0.5)*side-View)
		x.Set(k, 1, View-(float64(k/n)+0.5)*side)
	}
	density := l.model.LogProb(x)
	for k, logProb := range density {
		density[k] = math.Exp(logProb)
	}
	sorted := slices.Sorted(slices.Values(density))
	top := sorted[len(sorted)-1-len(sorted)/100]
	for k, p := range density {
		density[k] = min(p/top, 1)
	}
	return density
}

// Path returns n points of the base, the same ones in each call, and where each layer takes them: 1+Layers matrices n×2.
func (l *Lesson) Path(n int) []*mat.Dense {
	path := []*mat.Dense{nf.NewNormalizingFlow(l.base, nil).Sample(n, rand.NewPCG(1, 2))}
	for k, layer := range l.layers {
		x, _ := layer.Forward(path[k])
		path = append(path, x)
	}
	return path
}
