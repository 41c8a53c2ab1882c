package workload

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/continuous"
)

const (
	NAF  Kind = "naf"  // neural autoregressive flows: deep sigmoidal transformers of 2 layers of 8 units, 2 residual blocks
	UMNN Kind = "umnn" // the same with unconstrained monotone networks of 8 units, integrated by 48 points
	CNF  Kind = "cnf"  // a continuous flow: the field is a network of two hidden layers with SiLU; Layers are steps of RK4
)

// Matching is a training step of flow matching: the loss of pairs of points, whose times are drawn, its gradient, and the optimiser.
const Matching Task = "matching"

// FamilyTable has families whose layers are not affine or splines, with the sizes that their constructors have by default.
var FamilyTable = []Row{
	{Name: "naf", Task: Train, Model: Model{NAF, 2, 3, 64, LU}, N: 512, Ratio: wanted(3, 3)},
	{Name: "naf-16", Task: Train, Model: Model{NAF, 16, 3, 128, LU}, N: 512, Ratio: wanted(3, 3)},
	{Name: "umnn", Task: Train, Model: Model{UMNN, 2, 3, 64, LU}, N: 512, Ratio: wanted(3, 3)},
	{Name: "cnf", Task: Train, Model: cnf2, N: 512, Ratio: wanted(3, 3)},
	{Name: "cnf", Task: Matching, Model: cnf2, N: 512, Ratio: wanted(3, 3)},
}

var cnf2 = Model{Kind: CNF, Dim: 2, Layers: 8, Hidden: 64}

// cnf returns the model of a CNF.
func (m Model) cnf(src rand.Source) *nf.NormalizingFlow {
	model, _ := continuous.NewCNF(m.Dim, &continuous.CNFOptions{FlowOptions: continuous.FlowOptions{Steps: m.Layers}, Hidden: m.Hidden}, src)
	return model
}

// Field returns the field of a CNF.
func Field(m *nf.NormalizingFlow) *continuous.Field { return m.Flows()[0].(*continuous.Flow).Field() }

// monotone returns a layer whose transformer is an increasing network.
func (m Model) monotone(transformer nf.Transformer, src rand.Source) nf.Flow {
	return nf.NewAutoregressive(transformer, nf.NewMADE(m.Dim, transformer.Params(), m.Hidden, nil, src), nil)
}

// familyWeights are those of a layer's network, as flop counts them: of a CNF, whose trace is exact, each evaluation is as many as 1 and the dimension.
func (m Model) familyWeights() int {
	d, h := m.Dim, m.Hidden
	switch m.Kind {
	case NAF:
		return d*h + 4*h*h + d*nf.DeepSigmoid{}.Params()*h
	case UMNN:
		return d*h + 4*h*h + d*nf.UnconstrainedMonotone{}.Params()*h
	}
	return 4 * (1 + d) * m.fieldWeights()
}

// fieldWeights are those of the network of a CNF, which sees the point, the time, and three frequencies of it.
func (m Model) fieldWeights() int { return (m.Dim+7)*m.Hidden + m.Hidden*m.Hidden + m.Dim*m.Hidden }

// pairs draws rows of flow matching: a standard normal point, and one of the data.
func (m Model) pairs(n int, src rand.Source) *mat.Dense {
	r, x := rand.New(src), mat.NewDense(n, 2*m.Dim, nil)
	for i := range n {
		for j := range m.Dim {
			x.Set(i, j, r.NormFloat64())
		}
	}
	x.Slice(0, n, m.Dim, 2*m.Dim).(*mat.Dense).Copy(m.Rows(n, src))
	return x
}

// matching returns the objective of a Matching row.
func (m Model) matching(model *nf.NormalizingFlow, p ad.Precision) nf.Objective {
	objective := continuous.FlowMatching(Field(model), nil)
	objective.Precision = p
	return objective
}
