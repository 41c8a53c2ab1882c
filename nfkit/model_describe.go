package nfkit

import (
	"fmt"
	"strconv"
	"strings"
)

// String describes the architecture: base and flows in the order of Forward, with the number of parameters that training changes in each.
//
//	NormalizingFlow in 2 dimensions, 70688 parameters
//	base  DiagGaussian
//	0     Coupling(Affine, 1 of 2 components, MLP 1-64-64-2)  4418
//	1     LULinearPermute                                     …
func (m *NormalizingFlow) String() string {
	lines := [][3]string{{"base", describe(m.base), trained(m.base)}}
	for k, f := range m.chain.flows {
		lines = append(lines, [3]string{strconv.Itoa(k), describe(f), trained(f)})
	}
	if m.embedding != nil {
		lines = append(lines, [3]string{"embedding", describe(m.embedding), trained(m.embedding)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "NormalizingFlow in %d dimensions, %s parameters", m.Dim(), trained(m))
	if c := m.ContextDim(); c > 0 {
		fmt.Fprintf(&b, ", given a context of %d columns", c)
	}
	var widths [2]int
	for _, l := range lines {
		for i := range widths {
			widths[i] = max(widths[i], len([]rune(l[i])))
		}
	}
	for _, l := range lines {
		row := fmt.Sprintf("%-*s  %-*s  %s", widths[0], l[0], widths[1], l[1], l[2])
		b.WriteString("\n" + strings.TrimRight(row, " "))
	}
	return b.String()
}

// trained returns the number of elements that training changes, nothing if there are none.
func trained(s Stateful) string {
	n := 0
	for _, p := range s.State().Params() {
		if !p.Frozen {
			n += len(p.Data)
		}
	}
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// describe returns what v says of itself, or the name of its type.
func describe(v any) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	name := fmt.Sprintf("%T", v)
	return name[strings.LastIndex(name, ".")+1:]
}

// describeAll describes parts, separated by commas.
func describeAll[T any](parts ...T) string {
	var all []string
	for _, p := range parts {
		all = append(all, describe(p))
	}
	return strings.Join(all, ", ")
}

// String describes the parts.
func (c *Chain) String() string { return "Chain(" + describeAll(c.flows...) + ")" }

// String describes the flow.
func (v *Invert) String() string { return "Invert(" + describe(v.flow) + ")" }

// String describes the flow and its place.
func (x *Indexed) String() string { return fmt.Sprintf("Indexed(%v, %s)", x.index, describe(x.flow)) }

// String describes the model that is the base.
func (b *ModelBase) String() string {
	return fmt.Sprintf("ModelBase(%s, %s)", describe(b.model.base), describeAll(b.model.chain.flows...))
}

// String describes transformer, split and network.
func (c *Coupling) String() string {
	return fmt.Sprintf("Coupling(%s, %d of %d components, %s)", describe(c.transformer), len(c.changed), c.Dim(), describe(c.net))
}

// String describes transformer and network.
func (a *Autoregressive) String() string {
	latent := ""
	if a.latent {
		latent = ", latent"
	}
	return fmt.Sprintf("Autoregressive(%s, %s%s)", describe(a.transformer), describe(a.net), latent)
}

// String describes the transformer.
func (e *Elementwise) String() string { return "Elementwise(" + describe(e.transformer) + ")" }

// String names the transformer.
func (f Affine) String() string {
	if f.Scale == ScaleNone {
		return "Additive"
	}
	return "Affine"
}

// String names the transformer and the number of its bins.
func (s *RationalQuadraticSpline) String() string {
	return fmt.Sprintf("RationalQuadraticSpline %d bins", s.Bins)
}

// String lists the widths of the layers.
func (m *MLP) String() string {
	widths := strconv.Itoa(m.In() + m.opts.Context)
	for _, l := range m.layers {
		out, _ := l.weight.Dims()
		widths += "-" + strconv.Itoa(out)
	}
	return "MLP " + widths
}

// String tells the widths of the layers.
func (n *ResidualNet) String() string {
	hidden, in := n.initial.weight.Dims()
	return fmt.Sprintf("ResidualNet %d-%d×%d-%d", in, hidden, len(n.blocks), n.Out())
}

// String tells the widths of the layers.
func (m *MADE) String() string {
	_, hidden := m.final.weight.Dims()
	return fmt.Sprintf("MADE %d-%d-%d", m.dim, hidden, m.Out())
}
