package continuous

import "github.com/nfkit/nfkit-go/nfkit/ad"

// Method is a Runge–Kutta method.
type Method uint8

const (
	RK4           Method = iota // the classical method: order 4, 4 evaluations a step
	Midpoint                    // order 2, 2 evaluations
	DormandPrince               // order 5, 6 evaluations: the solution of Dormand & Prince 1980, without its step size control
)

// String returns the name of the constant.
func (m Method) String() string { return tableaux[m].name }

// tableau has the coefficients of a method: stage i is at from + nodes[i]·h, where the state is moved by stages[i] of those before.
type tableau struct {
	name    string
	order   int
	nodes   []float64
	stages  [][]float64
	weights []float64
}

var tableaux = [...]tableau{
	RK4:      {"RK4", 4, []float64{0, 0.5, 0.5, 1}, [][]float64{{}, {0.5}, {0, 0.5}, {0, 0, 1}}, []float64{1. / 6, 1. / 3, 1. / 3, 1. / 6}},
	Midpoint: {"Midpoint", 2, []float64{0, 0.5}, [][]float64{{}, {0.5}}, []float64{0, 1}},
	DormandPrince: {"DormandPrince", 5, []float64{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1}, [][]float64{
		{},
		{1. / 5},
		{3. / 40, 9. / 40},
		{44. / 45, -56. / 15, 32. / 9},
		{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
		{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
	}, []float64{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}},
}

// velocity is the right side of a differential equation.
type velocity func(state *ad.Value, time float64) *ad.Value

// integrate returns the state at time to, given that at time from.
func integrate(state *ad.Value, v velocity, from, to float64, steps int, method Method) *ad.Value {
	m, h := tableaux[method], (to-from)/float64(steps)
	for k := range steps {
		at, start := from+float64(k)*h, state
		state = start.Tape().Scratch(func() *ad.Value {
			var slopes []*ad.Value
			for i, node := range m.nodes {
				slopes = append(slopes, v(moved(start, h, m.stages[i], slopes), at+node*h))
			}
			return moved(start, h, m.weights, slopes)
		})
	}
	return state
}

// moved returns state + h·Σᵢ wᵢ·slopesᵢ.
func moved(state *ad.Value, h float64, w []float64, slopes []*ad.Value) *ad.Value {
	for i, w := range w {
		if w != 0 {
			state = state.Add(slopes[i].Scale(h * w))
		}
	}
	return state
}
