package nfkit

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// layersOf calls see once for each layer that the tensors of s name, and for the given parts themselves.
func layersOf(s State, see func(layer any), parts ...any) {
	var seen []any
	for _, t := range s {
		seen = addLayers(seen, t.Layers...)
	}
	for _, l := range addLayers(seen, parts...) {
		see(l)
	}
}

// addLayers appends those of layers that are not in seen yet. Values that cannot be compared are not known again.
func addLayers(seen []any, layers ...any) []any {
	for _, l := range layers {
		if !reflect.ValueOf(l).Comparable() || !slices.Contains(seen, l) {
			seen = append(seen, l)
		}
	}
	return seen
}

// contextDim returns the number of columns of the context that f takes, 0 for none: what f says, or else its parts. It panics when these disagree.
func contextDim(f any) int {
	if c, ok := f.(Conditional); ok {
		return c.ContextDim()
	}
	s, ok := f.(Stateful)
	if !ok {
		return 0
	}
	var parts []any
	for _, t := range s.State() {
		for _, l := range slices.Backward(t.Layers) { // the outermost knows what those inside of it get
			if _, ok := l.(Conditional); ok {
				parts = addLayers(parts, l)
				break
			}
		}
	}
	return commonContextDim(fmt.Sprintf("%T", f), parts...)
}

// commonContextDim returns the number of columns of the context that all those of parts take that take one.
// It panics when two disagree.
func commonContextDim[T any](caller string, parts ...T) int {
	dim, first := 0, 0
	for i, p := range parts {
		switch c := contextDim(p); {
		case c == 0 || c == dim:
		case dim == 0:
			dim, first = c, i
		default:
			panic(fmt.Sprintf("nfkit: %s: part %d (%T) takes a context of %d columns, part %d (%T) one of %d", caller, first, parts[first], dim, i, p, c))
		}
	}
	return dim
}

// columnMoments returns mean and (n−1) variance of each column of a training batch that a layer observes. It returns an
// error for fewer than two rows and for a column that is constant, and a [*NonFiniteError] for one that is not finite.
func columnMoments(layer string, v *ad.Value) (mean, variance []float64, err error) {
	n, d := v.Dims()
	if n < 2 {
		return nil, nil, fmt.Errorf("nfkit: %s: the training batch has %d row; the layer takes standard deviations from it and needs at least 2", layer, n)
	}
	data := v.Data()
	mean, variance = make([]float64, d), make([]float64, d)
	constant := slices.Repeat([]bool{true}, d)
	for k, x := range data {
		mean[k%d] += x / float64(n)
		constant[k%d] = constant[k%d] && x == data[k%d]
	}
	for k, x := range data {
		variance[k%d] += (x - mean[k%d]) * (x - mean[k%d]) / float64(n-1)
	}
	for j := range d {
		if constant[j] {
			return nil, nil, fmt.Errorf("nfkit: %s: component %d of the training batch is %v in all %d rows; a constant component has no density", layer, j, data[j], n)
		}
		if !isFinite(mean[j]) || !isFinite(variance[j]) {
			return nil, nil, &NonFiniteError{What: "training batch", Row: -1,
				Where: fmt.Sprintf("what %s observes, component %d, with mean %v and variance %v", layer, j, mean[j], variance[j])}
		}
	}
	return mean, variance, nil
}
