package nfkit

import (
	"fmt"
	"math"
)

// Cosine returns the learning rate as a function of the step, counted from 0: it rises along a line to peak in the
// first warmup steps, then falls along half a cosine, and is 0 after the given number of steps,
//
//	η(k) = peak·(k+1)/warmup for k < warmup,  else peak·½(1 + cos(π(k−warmup)/(steps−warmup))).
//
// It panics unless peak is positive and 0 ≤ warmup < steps. Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5.
func Cosine(peak float64, warmup, steps int) func(step int) float64 {
	if !(peak > 0) || math.IsInf(peak, 1) || warmup < 0 || warmup >= steps {
		panic(fmt.Sprintf("nfkit: Cosine: got peak %v, warmup %d and %d steps, want a positive peak and 0 ≤ warmup < steps", peak, warmup, steps))
	}
	return func(step int) float64 {
		switch {
		case step < warmup:
			return peak * float64(step+1) / float64(warmup)
		case step >= steps:
			return 0
		}
		return peak * 0.5 * (1 + math.Cos(math.Pi*float64(step-warmup)/float64(steps-warmup)))
	}
}
