package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// KickDrift moves points v, n×d, by their velocities w, n×d, after a force, n×d, has changed these: it is what [leapfrog] integrators do between two
// gradients,
//
//	w ← w + force⊙k,  v ← v + w,
//
// in one pass. k, 1×d, is how strongly the force acts on each component. It returns the new points and velocities.
//
// [leapfrog]: https://en.wikipedia.org/wiki/Leapfrog_integration
func (v *Value) KickDrift(w, force, k Operand) (points, velocities *Value) {
	t := v.tape
	a, f, s := w.operand(t), force.operand(t), k.operand(t)
	for _, o := range [...]*Value{v, a, f, s} {
		t.check("KickDrift", o)
	}
	if a.rows != v.rows || a.cols != v.cols || f.rows != v.rows || f.cols != v.cols || s.rows != 1 || s.cols != v.cols {
		panic(fmt.Sprintf("ad: KickDrift: got %d×%d points with %d×%d velocities and %d×%d forces times %d×%d; want the same size, and a row of as many columns",
			v.rows, v.cols, a.rows, a.cols, f.rows, f.cols, s.rows, s.cols))
	}
	points = t.apply(kickDriftOp, v.rows, v.cols, v, a, f, s)
	velocities = t.apply(twinOp, v.rows, v.cols, points)
	points.twin = velocities
	return points.run(), velocities
}

var kickDriftOp = &op{name: "KickDrift",
	forward64: kickDriftForward[float64], backward64: kickDriftBackward[float64],
	forward32: kickDriftForward[float32], backward32: kickDriftBackward[float32]}

func kickDriftForward[T kernel.Float](v *Value) {
	to, speed, d := of[T](v).data, of[T](v.twin).data, v.cols
	x, w, f, k := of[T](v.args[0]).data, of[T](v.args[1]).data, of[T](v.args[2]).data, of[T](v.args[3]).data
	for i := 0; i < len(to); i += d {
		to, speed, x, w, f := to[i:i+d], speed[i:i+d], x[i:i+d], w[i:i+d], f[i:i+d]
		for j, k := range k[:len(to)] {
			u := w[j] + T(f[j]*k)
			speed[j] = u
			to[j] = x[j] + u
		}
	}
}

// With G the gradient of the velocities, which the points have a part in: dv = dpoints, dw = G, dforce = G⊙k, dk = Σ G⊙force.
func kickDriftBackward[T kernel.Float](v *Value) {
	g := ownGradient[T](v)
	all := append(take[T](v.tape, len(g))[:0], g...)
	if more := twinGradient[T](v); more != nil {
		kernel.Add(all, all, more)
	}
	addGradient(v.args[0], 1, v, g)
	addGradient(v.args[1], 1, v, all)
	f, k, d := of[T](v.args[2]).data, of[T](v.args[3]).data, v.cols
	df, dk := gradient[T](v.args[2]), gradient[T](v.args[3])
	for i := 0; i < len(all); i += d {
		if df != nil {
			kernel.MulAcc(df[i:i+d], all[i:i+d], k)
		}
		if dk != nil {
			kernel.MulAcc(dk, all[i:i+d], f[i:i+d])
		}
	}
}

func init() {
	kickDriftOp.tangent = partsTangent(func(v *Value) (points, velocities *Value) {
		velocities = v.args[1].Add(v.args[2].Mul(v.args[3]))
		return v.args[0].Add(velocities), velocities
	})
}
