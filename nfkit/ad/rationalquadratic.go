package ad

import "math"

// piece is the part of a rational-quadratic spline over one bin, and the place of a point (x, y) on it. The formulas
// are those of [Value.Spline].
type piece struct {
	w, h       float64 // width and height of the bin
	d0, d1     float64 // slopes at its ends
	theta, phi float64 // distances of x from its left and its right end in units of w
}

// parts returns δ = h/w, D and M = d₁θ² + 2δθφ + d₀φ², of which the value and the derivative are made.
func (q *piece) parts() (delta, den, moment float64) {
	delta = q.h / q.w
	tt, pp, tp := q.theta*q.theta, q.phi*q.phi, q.theta*q.phi
	return delta, delta*(tt+pp) + (q.d0+q.d1)*tp, q.d1*tt + 2*delta*tp + q.d0*pp
}

// value returns the distances u and v of y from the lower and the upper end of the bin in units of h, and dy/dx.
func (q *piece) value() (u, v, derivative float64) {
	delta, den, moment := q.parts()
	u = q.theta * (delta*q.theta + q.d0*q.phi) / den
	v = q.phi * (delta*q.phi + q.d1*q.theta) / den
	delta /= den
	return u, v, moment * delta * delta
}

// solve finds theta and phi from the distances u and v of y.
func (q *piece) solve(u, v float64) {
	delta, a := q.h/q.w, q.d0*v-q.d1*u
	root := math.Hypot(a, 2*delta*math.Sqrt(u*v))
	if a < 0 {
		q.phi = 2 * delta * v / (2*delta*v - a + root)
		q.theta = 1 - q.phi
	} else {
		q.theta = 2 * delta * u / (2*delta*u + a + root)
		q.phi = 1 - q.theta
	}
}

// curvature returns d ln(dy/dx)/dx.
func (q *piece) curvature() float64 {
	delta, den, moment := q.parts()
	m := q.d1*q.theta + delta*(q.phi-q.theta) - q.d0*q.phi
	return 2 * (m/moment - (q.phi-q.theta)*(q.d0+q.d1-2*delta)/den) / q.w
}

// pieceGradient is the gradient of a function of y and dy/dx with respect to what they depend on.
type pieceGradient struct {
	x           float64
	left, right float64 // ends of the bin
	bottom, top float64 // ends of its height
	d0, d1      float64
}

// gradient returns the gradient of g·y + l·ln(dy/dx).
func (q *piece) gradient(g, l float64) pieceGradient {
	delta, den, moment := q.parts()
	u, v, derivative := q.value()
	tt, pp, tp := q.theta*q.theta, q.phi*q.phi, q.theta*q.phi
	r := 1 / den
	gh := g * q.h * tp * r

	// With respect to x and δ = h/w; then θ = (x − left)/w, y = bottom·v + top·u.
	x := g*derivative + l*q.curvature()
	slope := gh*r*(q.d1*tt-q.d0*pp) + 2*l*tp*((q.d0+q.d1)*r/delta+1/moment)
	return pieceGradient{
		x:      x,
		left:   slope*delta/q.w - x*q.phi,
		right:  -slope*delta/q.w - x*q.theta,
		bottom: g*v - slope/q.w,
		top:    g*u + slope/q.w,
		d0:     gh*v + l*(pp/moment-2*tp*r),
		d1:     -gh*u + l*(tt/moment-2*tp*r),
	}
}

// inverseGradient is gradient for the inverse: that of g·x − l·ln(dy/dx) as functions of y, which is in the place of x
// of the result. The place x solves y(x) = y, so a change of a parameter moves it by −1/(dy/dx) times the change of
// y(x): with G = (g − l·∂ln(dy/dx)/∂x)/(dy/dx), the gradient of y is G and that of the parameters that of −G·y −
// l·ln(dy/dx).
func (q *piece) inverseGradient(g, l float64) pieceGradient {
	_, _, derivative := q.value()
	y := (g - l*q.curvature()) / derivative
	d := q.gradient(-y, -l)
	d.x = y
	return d
}

// between returns the point at the fraction a of the distance from lo to hi, and b back from hi.
func between(lo, hi, a, b float64) float64 {
	if a <= b {
		return lo + (hi-lo)*a
	}
	return hi - (hi-lo)*b // hi itself for b = 0; NaN if a is
}
