package nfkit

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Clone returns a copy of the model that shares nothing with it: one that can be trained while the other one serves, and take its place when it
// is done. All that base and flows point to is copied, of types of one's own as well; functions and channels, which cannot be
// copied, must not refer to what is. A context that was given is shared.
func (m *NormalizingFlow) Clone() *NormalizingFlow {
	m.engine.guard.RLock()
	defer m.engine.guard.RUnlock()
	return (&cloner{copies: map[clonedPointer]reflect.Value{}}).model(m)
}

// model returns a copy of m with an engine of its own.
func (c *cloner) model(m *NormalizingFlow) *NormalizingFlow {
	base := cloneOf(c, m.base)
	var flows []Flow
	for _, f := range m.chain.flows {
		flows = append(flows, cloneOf(c, f))
	}
	n := NewNormalizingFlow(base, flows)
	if m.embedding != nil {
		n = n.WithEmbedding(cloneOf(c, m.embedding))
	}
	n.precision, n.context = m.precision, m.context
	return n
}

// cloner copies values, and what is pointed to from several places once.
type cloner struct {
	copies map[clonedPointer]reflect.Value
}

type clonedPointer struct {
	at  unsafe.Pointer
	typ reflect.Type
	len int
}

func cloneOf[T any](c *cloner, v T) T {
	to := reflect.New(reflect.TypeFor[T]()).Elem()
	c.clone(to, reflect.ValueOf(&v).Elem())
	return to.Interface().(T)
}

var paramType = reflect.TypeFor[ad.Param]()

// clone makes to, which can be set, a copy of from, which has an address or is not reached through an unexported field.
func (c *cloner) clone(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Pointer:
		if from.IsNil() {
			return
		}
		at := clonedPointer{from.UnsafePointer(), from.Type(), 0}
		if m, ok := from.Interface().(*NormalizingFlow); ok && !c.copies[at].IsValid() { // inside of a [ModelBase]
			c.copies[at] = reflect.ValueOf(c.model(m))
		}
		if _, ok := c.copies[at]; !ok {
			p := reflect.New(from.Type().Elem())
			c.copies[at] = p
			c.clone(p.Elem(), from.Elem())
		}
		to.Set(c.copies[at])
	case reflect.Interface:
		if from.IsNil() {
			return
		}
		p := reflect.New(from.Elem().Type()).Elem()
		held := reflect.New(from.Elem().Type()).Elem()
		held.Set(from.Elem())
		c.clone(p, held)
		to.Set(p)
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		at := clonedPointer{from.UnsafePointer(), from.Type(), from.Len()}
		if s, ok := c.copies[at]; ok && from.Len() > 0 {
			to.Set(s)
			return
		}
		s := reflect.MakeSlice(from.Type(), from.Len(), from.Len())
		c.copies[at] = s
		for i := range from.Len() {
			c.clone(s.Index(i), from.Index(i))
		}
		to.Set(s)
	case reflect.Array:
		for i := range from.Len() {
			c.clone(to.Index(i), from.Index(i))
		}
	case reflect.Struct:
		for i := range from.NumField() {
			if from.Type() == paramType && from.Type().Field(i).Name == "guard" {
				continue // the copy gets one of its own
			}
			c.clone(exposed(to.Field(i)), exposed(from.Field(i)))
		}
	case reflect.Map:
		if from.IsNil() {
			return
		}
		m := reflect.MakeMapWithSize(from.Type(), from.Len())
		for key, value := range from.Seq2() {
			held, v := reflect.New(from.Type().Elem()).Elem(), reflect.New(from.Type().Elem()).Elem()
			held.Set(value)
			c.clone(v, held)
			m.SetMapIndex(key, v)
		}
		to.Set(m)
	case reflect.UnsafePointer:
		panic(fmt.Sprintf("nfkit: NormalizingFlow.Clone: got a layer with an %v, which cannot be copied", from.Type()))
	default: // numbers, strings, functions, channels
		to.Set(from)
	}
}

// exposed returns a field as if it were exported; it has an address.
func exposed(field reflect.Value) reflect.Value {
	if field.CanSet() {
		return field
	}
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}
