package montecarlo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Symmetry is a map that does not change volumes: component j of its result is component From[j], with the sign of Sign[j].
type Symmetry struct {
	From []int     // a permutation
	Sign []float64 // 1 or −1 each; nil means 1 for all
}

// Symmetrized is the density of a base made symmetric under a group G of maps,
//
//	p(z) = 1/|G| · Σ_g p₀(g z),
//
// whose points are those of the base, each moved by a map drawn at random: a model of particles that are alike, or of a density with mirror images,
// that has to learn one of them. Cost of a density: |G| times that of the base.
type Symmetrized struct {
	base  nf.Base
	group []Symmetry
	to    [][]int // of each map, where its inverse takes components from
}

var _ nf.Base = (*Symmetrized)(nil)

// NewSymmetrized returns the base symmetrised; [nf.NewModelBase] makes a base of a model. group is a whole group, as [Reflections] and
// [ParticlePermutations] return it: the inverse of each map and the composition of any two are in it. It panics when base is nil, or group is not a group.
func NewSymmetrized(base nf.Base, group []Symmetry) *Symmetrized {
	if base == nil || len(group) == 0 {
		panic(fmt.Sprintf("montecarlo: NewSymmetrized: got base %v and %d maps, want a base and a group", base, len(group)))
	}
	d := base.Dim()
	s := &Symmetrized{base: base}
	known := map[string]bool{}
	for i, g := range group {
		g = Symmetry{slices.Clone(g.From), slices.Clone(g.Sign)}
		if g.Sign == nil {
			g.Sign = slices.Repeat([]float64{1}, d)
		}
		to := make([]int, d)
		for j := range to {
			to[j] = slices.Index(g.From, j)
		}
		if len(g.From) != d || len(g.Sign) != d || slices.Contains(to, -1) || slices.ContainsFunc(g.Sign, func(c float64) bool { return math.Abs(c) != 1 }) {
			panic(fmt.Sprintf("montecarlo: NewSymmetrized: map %d is from %v with signs %v, want a permutation of 0 to %d and as many signs", i, group[i].From, group[i].Sign, d-1))
		}
		if known[fmt.Sprint(g)] {
			panic(fmt.Sprintf("montecarlo: NewSymmetrized: map %d is there twice", i))
		}
		known[fmt.Sprint(g)] = true
		s.group, s.to = append(s.group, g), append(s.to, to)
	}
	for i, g := range s.group {
		for k, h := range s.group {
			if !known[fmt.Sprint(g.after(h))] {
				panic(fmt.Sprintf("montecarlo: NewSymmetrized: the %d maps are no group: map %d after map %d is not one of them", len(group), i, k))
			}
		}
	}
	return s
}

// after returns the composition of g after h.
func (g Symmetry) after(h Symmetry) Symmetry {
	c := Symmetry{make([]int, len(g.From)), make([]float64, len(g.From))}
	for j, k := range g.From {
		c.From[j], c.Sign[j] = h.From[k], g.Sign[j]*h.Sign[k]
	}
	return c
}

// Reflections returns the group that changes the sign of each of the given components of a point of dim, and of none of the others: 2 to the power of
// their number. It panics when a component is not there, or there are more than 16.
func Reflections(dim int, components ...int) []Symmetry {
	if len(components) > 16 || slices.ContainsFunc(components, func(j int) bool { return j < 0 || j >= dim }) {
		panic(fmt.Sprintf("montecarlo: Reflections: got components %v of %d, want at most 16, each from 0 to %d", components, dim, dim-1))
	}
	group := []Symmetry{identity(dim)}
	for _, j := range components {
		for _, g := range group[:len(group):len(group)] {
			m := Symmetry{g.From, slices.Clone(g.Sign)}
			m.Sign[j] = -m.Sign[j]
			group = append(group, m)
		}
	}
	return group
}

// ParticlePermutations returns the group that permutes particles, which have the given number of components each, one particle after the other: the
// factorial of their number. It panics when a number is not positive, or there are more than 8 particles.
func ParticlePermutations(particles, components int) []Symmetry {
	if particles < 1 || components < 1 || particles > 8 {
		panic(fmt.Sprintf("montecarlo: ParticlePermutations: got %d particles of %d components, want 1 to 8 of 1 or more", particles, components))
	}
	var group []Symmetry
	var choose func(order []int)
	choose = func(order []int) {
		if len(order) == particles {
			g := identity(particles * components)
			for j := range g.From {
				g.From[j] = order[j/components]*components + j%components
			}
			group = append(group, g)
			return
		}
		for p := range particles {
			if !slices.Contains(order, p) {
				choose(append(slices.Clip(order), p))
			}
		}
	}
	choose(nil)
	return group
}

func identity(dim int) Symmetry {
	g := Symmetry{make([]int, dim), slices.Repeat([]float64{1}, dim)}
	for j := range g.From {
		g.From[j] = j
	}
	return g
}

// on returns the map g of each row of z.
func (g Symmetry) on(z *ad.Value) *ad.Value {
	return z.Columns(g.From).Mul(z.Tape().Const(1, len(g.Sign), g.Sign))
}

// Dim returns the dimension of the base.
func (s *Symmetrized) Dim() int { return s.base.Dim() }

// LogProb returns the log-density of each row of z.
func (s *Symmetrized) LogProb(z, context *ad.Value) *ad.Value {
	var all *ad.Value
	for _, g := range s.group {
		if l := s.base.LogProb(g.on(z), context); all == nil {
			all = l
		} else {
			all = all.Concat(l)
		}
	}
	return all.LogSumExp().Shift(-math.Log(float64(len(s.group))))
}

// NoiseDim returns one more than that of the base: the first number chooses the map.
func (s *Symmetrized) NoiseDim() int { return 1 + s.base.NoiseDim() }

// Noise draws the noise of the base behind the number of a map.
func (s *Symmetrized) Noise(dst []float64, r *rand.Rand) {
	for k := s.NoiseDim(); len(dst) > 0; dst = dst[k:] {
		dst[0] = float64(r.IntN(len(s.group)))
		s.base.Noise(dst[1:k], r)
	}
}

// Sample moves points of the base, each by its map.
func (s *Symmetrized) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	chosen := noise.Slice(0, 1)
	x, _ := s.base.Sample(noise.Slice(1, noise.Cols()), context)
	for i, g := range s.group {
		moved := x.Mul(x.Tape().Const(1, len(g.Sign), g.Sign)).Columns(s.to[i]) // the inverse of g
		if z == nil {
			z = moved
		} else {
			z = chosen.Shift(0.5-float64(i)).Where(moved, z)
		}
	}
	return z, s.LogProb(z, context)
}

// State lists the tensors of the base.
func (s *Symmetrized) State() nf.State { return s.base.State() }
