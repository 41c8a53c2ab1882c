package targets

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// integrals are ln Z = ln ∫p̃ and the entropy of a density.
type integrals struct{ logZ, entropy float64 }

// integrator adds up the nodes of a rule of integration in the plane, in memory that does not depend on their number.
// Cost: one LogDensity per node.
type integrator struct {
	density            func(x *ad.Value) *ad.Value
	points, logWeights []float64 // nodes that are not in the sums yet
	top, sum, weighted float64   // Σ w·p̃ and Σ w·p̃·ln p̃, both divided by eᵗᵒᵖ lest they overflow
}

func newIntegrator(density func(x *ad.Value) *ad.Value) *integrator {
	return &integrator{density: density, top: math.Inf(-1)}
}

// add takes the node (x, y) with the given weight.
func (q *integrator) add(x, y, weight float64) {
	q.points = append(q.points, x, y)
	q.logWeights = append(q.logWeights, math.Log(weight))
	if len(q.logWeights) == 1<<16 {
		q.flush()
	}
}

// flush evaluates the density at the nodes, on all cores.
func (q *integrator) flush() {
	logP := make([]float64, len(q.logWeights))
	ad.NewShards(ad.Float64, 1).Each(len(logP), func(tape *ad.Tape, lo, hi int) {
		q.density(tape.Const(hi-lo, 2, q.points[2*lo:2*hi])).DataTo(logP[lo:hi])
	})
	top := q.top
	for i, l := range logP {
		top = max(top, l+q.logWeights[i])
	}
	if top > q.top {
		scale := math.Exp(q.top - top)
		q.top, q.sum, q.weighted = top, q.sum*scale, q.weighted*scale
	}
	for i, l := range logP {
		if p := math.Exp(l + q.logWeights[i] - q.top); p != 0 { // 0·ln 0 is 0
			q.sum += p
			q.weighted += p * l
		}
	}
	q.points, q.logWeights = q.points[:0], q.logWeights[:0]
}

func (q *integrator) result() integrals {
	if len(q.logWeights) > 0 {
		q.flush()
	}
	logZ := q.top + math.Log(q.sum)
	return integrals{logZ, logZ - q.weighted/q.sum}
}

// grid integrates a density by the rule of the trapezoid on the box from lo to hi.
//
// For a smooth density that is nothing at the border of the box, the error falls like exp(−2π²σ²/step²), where σ is the
// width of the narrowest feature: step = σ/2 is as exact as float64.
func grid(density func(x *ad.Value) *ad.Value, lo, hi [2]float64, step float64) integrals {
	q := newIntegrator(density)
	nx, ny := int(math.Ceil((hi[0]-lo[0])/step)), int(math.Ceil((hi[1]-lo[1])/step))
	for i := range nx {
		for j := range ny {
			q.add(lo[0]+float64(i)*step, lo[1]+float64(j)*step, step*step)
		}
	}
	return q.result()
}

// polar integrates a density by the Gauss-Legendre rule: nr radii on each interval between the numbers of radii and, for each
// radius r, nθ angles on each interval between those of angles(r). The density repeats itself so many times as copies
// says.
func polar(density func(x *ad.Value) *ad.Value, radii []float64, nr int, angles func(r float64) []float64, nθ int, copies float64) integrals {
	q := newIntegrator(density)
	across, around := newRule(nr), newRule(nθ)
	across.each(radii, func(r, dr float64) {
		around.each(angles(r), func(θ, dθ float64) {
			sin, cos := math.Sincos(θ)
			q.add(r*cos, r*sin, copies*r*dr*dθ)
		})
	})
	return q.result()
}

// rule is a Gauss-Legendre rule on [0, 1].
type rule struct{ x, w []float64 }

func newRule(n int) rule {
	r := rule{make([]float64, n), make([]float64, n)}
	quad.Legendre{}.FixedLocations(r.x, r.w, 0, 1)
	return r
}

// each calls f for the points, and their weights, of the rule on each interval between edges. It leaves out intervals of
// no length.
func (r rule) each(edges []float64, f func(x, dx float64)) {
	for i := range len(edges) - 1 {
		lo, length := edges[i], edges[i+1]-edges[i]
		if !(length > 0) {
			continue
		}
		for j, u := range r.x {
			f(lo+length*u, length*r.w[j])
		}
	}
}

// memo remembers the integrals of targets, which are values that can be compared: LogProb needs ln Z at every call.
var memo struct {
	sync.Mutex
	known map[Target]integrals
}

// memoSize bounds the memory of memo, for programs that try many parameters.
const memoSize = 256

// remember returns the integrals of t, which compute finds if they are not known.
func remember(t Target, compute func() integrals) integrals {
	memo.Lock()
	defer memo.Unlock()
	if v, ok := memo.known[t]; ok {
		return v
	}
	v := compute()
	if memo.known == nil || len(memo.known) >= memoSize {
		memo.known = map[Target]integrals{}
	}
	memo.known[t] = v
	return v
}

// maxComponents is the largest number of components of a mixture: its density has an n×k intermediate.
const maxComponents = 200

// components returns k, or usual if k is 0. It panics unless it lies between least and 200.
func components(target, what string, k, usual, least int) int {
	if k == 0 {
		k = usual
	}
	if k < least || k > maxComponents {
		panic(fmt.Sprintf("targets: %s: got %d %s, want %d to %d", target, k, what, least, maxComponents))
	}
	return k
}

// dims returns d, or usual if d is 0. It panics when d is less than least.
func dims(target string, d, usual, least int) int {
	if d == 0 {
		d = usual
	}
	if d < least {
		panic(fmt.Sprintf("targets: %s: got %d dimensions, want %d or more", target, d, least))
	}
	return d
}

// orDefault returns x, or d if x is 0.
func orDefault(x, d float64) float64 {
	if x == 0 {
		return d
	}
	return x
}

// within panics unless x, the field of a target, lies between lo and hi.
func within(target, field string, x, lo, hi float64) float64 {
	if !(x >= lo && x <= hi) {
		panic(fmt.Sprintf("targets: %s: got %s %v, want a number from %v to %v", target, field, x, lo, hi))
	}
	return x
}
