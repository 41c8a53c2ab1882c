package ad

import "testing"

// An operation without a tangent panics with its name, rather than being a constant.
func TestMissingTangent(t *testing.T) {
	o := *expOp
	o.name, o.tangent = "Odd", nil
	defer func() {
		if got, want := recover(), "ad: JVP: the operation Odd has no tangent"; got != want {
			t.Errorf("got panic %v, want %q", got, want)
		}
	}()
	x := NewTape(Float64).Full(1, 1, 1)
	JVP(func(x *Value) *Value { return x.Square().unary(&o) }, x, x)
}
