package kernel

import "math"

// AdamStep holds the settings of one step of Adam.
type AdamStep struct {
	LR           float64 // learning rate
	Beta1, Beta2 float64 // decay of the means of gradients and of their squares
	Eps          float64
	WeightDecay  float64 // L2 penalty, added to the gradient
	Correction1  float64 // 1 − Beta1^t at step t, counted from 1
	Correction2  float64 // 1 − Beta2^t
}

// Adam moves the parameters p by one step against the gradient g and updates the means m and v:
//
//	g' = g + wd·p
//	m  = β1·m + (1−β1)·g'
//	v  = β2·v + (1−β2)·g'²
//	p  = p − lr/c1 · m/(√v/√c2 + ε)
//
// This is Kingma and Ba 2015, arXiv:1412.6980, with weight decay as PyTorch's Adam has it. g is not modified.
// g, m and v are at least as long as p.
func Adam(p, g, m, v []float64, step AdamStep) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	rate, root := step.LR/step.Correction1, 1/math.Sqrt(step.Correction2)
	done := adamAsm(p, g, m, v, &step, rate, root)
	adamGo(p[done:], g[done:], m[done:], v[done:], &step, rate, root)
}

func adamGo(p, g, m, v []float64, s *AdamStep, rate, root float64) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for i := range p {
		gi := g[i] + float64(s.WeightDecay*p[i])
		m[i] = float64(s.Beta1*m[i]) + float64((1-s.Beta1)*gi)
		v[i] = float64(s.Beta2*v[i]) + float64((1-s.Beta2)*float64(gi*gi))
		p[i] -= float64(rate*m[i]) / (float64(math.Sqrt(v[i])*root) + s.Eps)
	}
}
