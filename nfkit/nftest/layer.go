package nftest

import (
	"fmt"
	"reflect"
	"slices"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// finish makes a panic of what is under test an error, and says in the error what that is. It is to be deferred.
func finish(err *error, object any) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
	}
	if *err == nil {
		return
	}
	what := fmt.Sprintf("%T", object)
	if o, ok := object.(interface{ Dim() int }); ok {
		what += fmt.Sprintf(" of dimension %d", o.Dim())
	}
	*err = fmt.Errorf("nftest: %s: %w", what, *err)
}

// checkWrapped checks that what a model must find of a layer is found when another type, which passes on its State, is around it.
func checkWrapped(object nf.Stateful) error {
	s := object.State()
	if len(s) == 0 {
		return nil // a layer without tensors cannot be wrapped unseen: its wrapper has to implement what it does
	}
	for _, want := range []struct {
		name   string
		wanted bool
	}{
		{"nf.Observer", is[nf.Observer](object)},
		{"nf.Preparer", is[nf.Preparer](object)},
		{"nf.Wide", is[nf.Wide](object)},
	} {
		if want.wanted && !slices.ContainsFunc(s, func(t nf.Tensor) bool { return has(t.Layers, object) }) {
			return fmt.Errorf("it is an %s, but its tensors do not say so, and inside of another layer it would be missed: end State with .OwnedBy(receiver)", want.name)
		}
	}
	if c, ok := object.(nf.Conditional); ok && c.ContextDim() > 0 {
		found := 0
		for _, t := range s {
			for _, l := range slices.Backward(t.Layers) { // the outermost that says so
				if l, ok := l.(nf.Conditional); ok {
					found = max(found, l.ContextDim())
					break
				}
			}
		}
		if found != c.ContextDim() {
			return fmt.Errorf("it takes a context of %d columns, but inside of another layer it would seem to take %d: end State with .OwnedBy(receiver)", c.ContextDim(), found)
		}
	}
	return nil
}

// has reports whether layer, if it can be compared, is one of layers.
func has(layers []any, layer any) bool {
	return reflect.ValueOf(layer).Comparable() && slices.Contains(layers, layer)
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// checkListed checks that all parameters that have been read on t are in the state.
func checkListed(name string, t *ad.Tape, s nf.State) error {
	listed := s.Params()
	for _, p := range t.Params() {
		if !slices.Contains(listed, p) {
			r, c := p.Dims()
			return fmt.Errorf("%s reads a parameter of %d×%d elements that State does not list: it would be neither trained nor saved", name, r, c)
		}
	}
	return nil
}
