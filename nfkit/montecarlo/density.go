package montecarlo

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// logDensity is ln p̃ of each row of x, n×1.
type logDensity func(x *ad.Value) *ad.Value

// within is positive for rows of x whose elements are all so small that densities can be computed there, −Inf for others, NaN where x is: n×1.
func within(x *ad.Value) *ad.Value {
	far := 1e100
	if x.Tape().Precision() == ad.Float32 {
		far = 1e30
	}
	return x.LogIndicator(-far, far).RowSum().Shift(1)
}

// positive is positive where the density is, −Inf where it is 0, NaN where it is.
func positive(logP *ad.Value) *ad.Value {
	lowest := -math.MaxFloat64
	if logP.Tape().Precision() == ad.Float32 {
		lowest = -math.MaxFloat32
	}
	return logP.LogIndicator(lowest, math.Inf(1)).Shift(1)
}
