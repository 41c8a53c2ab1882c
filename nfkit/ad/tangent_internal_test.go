package ad

import (
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// An operation without a tangent panics with its name, rather than being a constant.
func TestMissingTangent(t *testing.T) {
	o := *expOp
	o.name, o.tangent = "Odd", nil
	x := NewTape(Float64).Full(1, 1, 1)
	testkit.WantPanic(t, "ad: JVP: the operation Odd has no tangent", func() {
		JVP(func(x *Value) *Value { return x.Square().unary(&o) }, x, x)
	})
}
