package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// DeepSigmoid returns increasing networks of one input and one output, n×1, for the numbers h₀ = v, n×1,
//
//	h_{l+1} = logit Σⱼ πⱼ·σ(aⱼ·h_l + bⱼ),  π = softmax(w),  a = exp(u/(1 + |u|/c)),
//
// and the logarithm of their derivatives dh_L/dh₀, n×1. Each row of params, n×3mL, has m weights w, rates u and shifts b of each of the L layers; c is
// what the rates are clipped at. Each layer is a [Value.LogisticMixture]. Cost O(nmL). It panics when sizes differ, and unless c is positive and finite.
// Huang et al. 2018, arXiv:1804.00779, eq. 8.
func (v *Value) DeepSigmoid(params *Value, layers int, c float64) (y, logSlope *Value) {
	t := v.tape
	t.check("DeepSigmoid", v)
	t.check("DeepSigmoid", params)
	if layers < 1 || v.cols != 1 || params.rows != v.rows || params.cols == 0 || params.cols%(3*layers) != 0 || !(c > 0) || c-c != 0 {
		panic(fmt.Sprintf("ad: DeepSigmoid: got %d×%d numbers, %d×%d parameters, %d layers and the limit %v, want a column, parameters for each row, three times as many for each layer, and a positive number",
			v.rows, v.cols, params.rows, params.cols, layers, c))
	}
	y = t.apply(deepSigmoidOp, v.rows, 1, v, params)
	logSlope = t.apply(twinOp, v.rows, 1, y)
	y.c, y.c2, y.twin = float64(layers), c, logSlope
	y.run()
	return y, logSlope
}

var deepSigmoidOp = &op{name: "DeepSigmoid",
	forward64: deepSigmoidForward[float64], backward64: deepSigmoidBackward[float64],
	forward32: deepSigmoidForward[float32], backward32: deepSigmoidBackward[float32]}

// sigmoidRows is the number of rows that go through a layer at once.
const sigmoidRows = 64

// sigmoidLayer is what the forward pass keeps of a layer: the shares of its parts, the slopes a, all n×m, and its input h, n×1.
type sigmoidLayer[T kernel.Float] struct {
	parts   mixtureParts[T]
	rate, h []T
}

// sigmoidLayerOf returns that of layer l.
func sigmoidLayerOf[T kernel.Float](extra []T, l, n, m int) sigmoidLayer[T] {
	size := 5*n*m + n
	extra = extra[l*size : (l+1)*size]
	return sigmoidLayer[T]{partsOf(extra[:4*n*m]), extra[4*n*m : 5*n*m], extra[5*n*m:]}
}

func deepSigmoidForward[T kernel.Float](v *Value) {
	n, layers, clip := v.rows, int(v.c), T(v.c2)
	x, params, k := of[T](v.args[0]).data, of[T](v.args[1]).data, v.args[1].cols
	m := k / (3 * layers)
	y, logSlope := of[T](v).data, of[T](v.twin).data
	extra := take[T](v.tape, layers*(5*n*m+n))
	of[T](v).extra = extra
	clear(logSlope)
	tile := min(n, sigmoidRows)
	memory := take[T](v.tape, 3*tile*m+tile)
	logits, memory := memory[:tile*m], memory[tile*m:]
	a, memory := memory[:tile*m], memory[tile*m:]
	logRate := memory[:tile*m]
	slope := memory[tile*m:]
	for lo := 0; lo < n; lo += tile {
		hi := min(lo+tile, n)
		rows := hi - lo
		h := x[lo:hi]
		for l := range layers {
			layer := sigmoidLayerOf(extra, l, n, m)
			copy(layer.h[lo:hi], h)
			rate := layer.rate[lo*m : hi*m]
			for i := range rows {
				p := params[(lo+i)*k+3*l*m:][:3*m]
				w, r, b := logits[i*m:][:m], logRate[i*m:][:m], a[i*m:][:m]
				for j := range w {
					w[j], r[j], b[j] = p[j], clipped(p[m+j], clip), p[2*m+j]
				}
			}
			kernel.Exp(rate, logRate[:rows*m])
			for i, h := range layer.h[lo:hi] {
				a, rate := a[i*m:][:m], rate[i*m:][:m]
				for j, b := range a {
					a[j] = rate[j]*h + b
				}
			}
			h = y[lo:hi]
			mixtureRows(h, slope[:rows], layer.parts.rows(lo, hi, m), logits[:rows*m], a[:rows*m], logRate[:rows*m], rate, m)
			kernel.Add(logSlope[lo:hi], logSlope[lo:hi], slope[:rows])
		}
	}
}

// Backwards through a layer, the gradient by its output becomes that by its input, Σⱼ ∂aⱼ·eʳ; that by ln slope is the same for all layers. A rate e^r
// has ∂r = ∂ln slope·d + ∂a·e^r·h, and r has the slope (c/(c + |u|))² by u.
func deepSigmoidBackward[T kernel.Float](v *Value) {
	n, layers, clip := v.rows, int(v.c), T(v.c2)
	params, k := of[T](v.args[1]).data, v.args[1].cols
	m := k / (3 * layers)
	dx, dp := gradient[T](v.args[0]), gradient[T](v.args[1])
	gy, gs := of[T](v).grad, twinGradient[T](v)
	byY := take[T](v.tape, n)
	clear(byY)
	copy(byY, gy)
	unused, cdf := take[T](v.tape, 3*m), take[T](v.tape, n) // for parameters without a gradient, and σ(h)
	output := of[T](v).data
	for l := layers - 1; l >= 0; l-- {
		layer := sigmoidLayerOf(of[T](v).extra, l, n, m)
		kernel.Sigmoid(cdf, output)
		for i := range byY {
			var bySlope T
			if gs != nil {
				bySlope = gs[i]
			}
			p := params[i*k+3*l*m:][:3*m]
			d := unused
			if dp != nil {
				d = dp[i*k+3*l*m:][:3*m]
			}
			byY[i] = deepSigmoidRow(d, p, layer, i, m, cdf[i], byY[i], bySlope, clip)
		}
		output = layer.h
	}
	if dx != nil {
		kernel.Add(dx, dx, byY)
	}
}

// deepSigmoidRow adds to the gradients d of the parameters p of a layer, for its row i, where the mixture is f, and returns that of its input.
func deepSigmoidRow[T kernel.Float](d, p []T, layer sigmoidLayer[T], i, m int, f, byY, bySlope, clip T) (byInput T) {
	at, h := i*m, layer.h[i]
	if h-h != 0 {
		h = 0 // units of an infinite input have no slope
	}
	dw, du, db, u := d[:m], d[m:][:m], d[2*m:][:m], p[m:][:m]
	rate, below, above, density, sigma := layer.rate[at:][:m], layer.parts.below[at:][:m], layer.parts.above[at:][:m], layer.parts.density[at:][:m], layer.parts.sigma[at:][:m]
	byCDF, byTail, sum, difference := byY+bySlope*(f-1), -byY-bySlope*f, byY+bySlope, byY-bySlope
	for j, a := range rate {
		p, q, e := below[j], above[j], bySlope*density[j]
		dw[j] += byCDF*p + byTail*q + e
		p, q = difference*p+e, sum*q-e
		da := p + sigma[j]*(q-p)
		db[j] += da
		da *= a
		byInput += da
		r := clipFactor(u[j], clip)
		du[j] += (e + da*h) * (r * r)
	}
	return byInput
}

func init() {
	deepSigmoidOp.tangent = partsTangent(func(v *Value) (y, logSlope *Value) {
		params, layers := v.args[1], int(v.c)
		m := params.cols / (3 * layers)
		y = v.args[0]
		for l := range layers {
			part := func(k int) *Value { return params.Slice((3*l+k)*m, (3*l+k+1)*m) }
			logRate := part(1).SoftClip(v.c2)
			h, s := part(0).LogisticMixture(logRate.Exp().Mul(y).Add(part(2)), logRate)
			if y = h; l > 0 {
				s = logSlope.Add(s)
			}
			logSlope = s
		}
		return y, logSlope
	})
}
