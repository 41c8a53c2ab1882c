package targets

import (
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ring is the density exp(−(‖x‖−radius)²/2σ²) in the plane, without its normaliser.
type ring struct{ radius, sd float64 }

// mass returns the integral of the ring over the plane,
//
//	2π·(σ²·exp(−R²/2σ²) + R·σ·√2π·Φ(R/σ)).
func (g ring) mass() float64 {
	u := g.radius / g.sd
	phi := 0.5 * math.Erfc(-u/math.Sqrt2)
	return 2 * math.Pi * (g.sd*g.sd*math.Exp(-u*u/2) + g.radius*g.sd*math.Sqrt(2*math.Pi)*phi)
}

// draw sets x to a point of the ring.
//
// The distance r has the density r·exp(−(r−R)²/2σ²), whose mode m solves m − R = σ²/m. As r ≤ m·exp(r/m − 1), it lies
// below a normal density with mean m and deviation σ: r is drawn from that and accepted with probability (r/m)·exp(1 −
// r/m), which is 1 − σ²/2m² on average.
func (g ring) draw(x []float64, r *rand.Rand) {
	m := 0.5 * (g.radius + math.Sqrt(g.radius*g.radius+4*g.sd*g.sd))
	for {
		u := 1 + g.sd/m*r.NormFloat64()
		if u > 0 && r.Float64() < u*math.Exp(1-u) {
			sin, cos := math.Sincos(2 * math.Pi * r.Float64())
			x[0], x[1] = m*u*cos, m*u*sin
			return
		}
	}
}

// normal returns −½((v − mean)/sd)², element by element.
func normal(v *ad.Value, mean, sd float64) *ad.Value {
	return v.Shift(-mean).Scale(1 / sd).Square().Scale(-0.5)
}
