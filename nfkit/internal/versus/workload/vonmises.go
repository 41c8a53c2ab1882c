package workload

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// gaussianVonMises is the density of a number x and an angle φ of Stimper et al. 2023, arXiv:2302.12014:
//
//	ln p = −x²/2 + cos(φ − 3x) − (3/2)·ln 2π − ln I₀(1).
type gaussianVonMises struct{}

// LogDensity returns ln p of each row.
func (gaussianVonMises) LogDensity(x *ad.Value) *ad.Value {
	const logBessel = 0.23591435850717854 // ln I₀(1)
	number, angle := x.Slice(0, 1), x.Slice(1, 2)
	return number.Square().Scale(-0.5).Add(angle.Sub(number.Scale(3)).Cos()).Shift(-1.5*math.Log(2*math.Pi) - logBessel)
}
