package continuous

import (
	"fmt"
	"math"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Path is a way from a point x₀ to a point x₁.
type Path uint8

const (
	Linear             Path = iota // x_t = (1−t)·x₀ + t·x₁
	VariancePreserving             // x_t = cos(πt/2)·x₀ + sin(πt/2)·x₁
)

// MatchingOptions are the options of [FlowMatching].
type MatchingOptions struct{ Path Path }

// FlowMatching returns the conditional flow matching loss, of a pair of points of either end and their context,
//
//	E_t ‖v(x_t, t | context) − dx_t/dt‖²,  t uniform in (0, 1),
//
// as an objective for [nf.Fit]. A row of data has x₀, x₁, d columns each, and the columns of the context, if the field takes one: [Pairs] draws them.
// The field that minimises it carries the distribution of x₀ to that of x₁; the least loss is not 0, since ways cross. With pairs by
// optimal transport they hardly do. Cost: one evaluation of the network a row. A nil opts means the defaults. It panics when the field is nil
// or the path unknown. Lipman et al. 2023, arXiv:2210.02747; Tong et al. 2024, arXiv:2302.00482, algorithms 2 and 3; the second path is Albergo &
// Vanden-Eijnden's, 2023, arXiv:2209.15571.
func FlowMatching(field *Field, opts *MatchingOptions) *nf.RowObjective {
	var o MatchingOptions
	if opts != nil {
		o = *opts
	}
	if field == nil || o.Path > VariancePreserving {
		panic(fmt.Sprintf("continuous: FlowMatching: got field %v and path %d, want a field, and Linear or VariancePreserving", field, o.Path))
	}
	d, c := field.dim, field.ContextDim()
	return nf.NewObjective(field.State(), 2*d+c, func(rows *ad.Value) *ad.Value {
		x0, x1 := rows.Slice(0, d), rows.Slice(d, 2*d)
		var context *ad.Value
		if c > 0 {
			context = rows.Slice(2*d, 2*d+c)
		}
		time := rows.Tape().Uniform(rows.Rows(), 1)
		x, u := o.Path.at(x0, x1, time)
		return field.At(x, time, context).Sub(u).Square().RowSum()
	})
}

// at returns x_t and its derivative.
func (p Path) at(x0, x1, time *ad.Value) (x, dx *ad.Value) {
	if p == Linear {
		way := x1.Sub(x0)
		return x0.Add(way.Mul(time)), way
	}
	angle := time.Scale(math.Pi / 2)
	cos, sin := angle.Cos(), angle.Sin()
	return x0.Mul(cos).Add(x1.Mul(sin)), x1.Mul(cos).Sub(x0.Mul(sin)).Scale(math.Pi / 2)
}
