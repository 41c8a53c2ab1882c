package eval

import "gonum.org/v1/gonum/mat"

// LogLikelihood returns the mean log-likelihood of held-out points, the rows of x,
//
//	1/n·Σ ln q(xᵢ),
//
// in nats, with its standard error s/√n. It estimates −H(p) − KL(p‖q) for points of p, if q was not made from them. For
// bits per dimension divide both numbers by −d·ln 2. One point has the error NaN, no point the value NaN; a density that
// is 0 at a point gives −Inf. Cost that of LogProb.
//
// Two models that are judged by the same points are told apart by [LogLikelihoodDifference], whose error is smaller.
func LogLikelihood(q LogProber, x mat.Matrix) Estimate { return meanOf(q.LogProb(x)) }

// LogLikelihoodDifference returns the mean of ln q(xᵢ) − ln r(xᵢ) over the rows of x, in nats, with the standard error of
// paired points: the difficulty of a point, which both models share, drops out.
func LogLikelihoodDifference(q, r LogProber, x mat.Matrix) Estimate {
	l := q.LogProb(x)
	for i, other := range r.LogProb(x) {
		l[i] -= other
	}
	return meanOf(l)
}
