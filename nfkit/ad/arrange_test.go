package ad_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// Units of a hidden layer may stand in any order: the result of the network is the same, and so are the gradients in the order of the parameters.
func TestArrange(t *testing.T) {
	const rows, in, hidden, out = 300, 3, 70, 40
	for _, precision := range precisions {
		for _, masked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/masked=%v", precision, masked), func(t *testing.T) {
				tol := 1e-12
				if precision == ad.Float32 {
					tol = 1e-4
				}
				network := func(order []int) (params []*ad.Param) {
					r := newRand()
					for _, s := range [][2]int{{hidden, in}, {1, hidden}, {out, hidden}} {
						data, mask := make([]float64, s[0]*s[1]), make([]float64, s[0]*s[1])
						for i := range data {
							data[i] = r.NormFloat64()
							if (i/s[1]+i%s[1])%3 > 0 && i%s[1] < 50 {
								mask[i] = 1
							}
						}
						if masked && s[0] > 1 {
							params = append(params, ad.NewMaskedParam(s[0], s[1], data, mask))
						} else {
							params = append(params, ad.NewParam(s[0], s[1], data))
						}
					}
					params[0].Arrange(order, nil)
					params[1].Arrange(nil, order)
					params[2].Arrange(nil, order)
					return params
				}
				r := newRand()
				x := mat.NewDense(rows, in, nil)
				for i := range rows {
					x.SetRow(i, []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()})
				}
				evaluate := func(order []int) (results [][]float64) {
					p := network(order)
					loss := func(t *ad.Tape, lo, hi int) *ad.Value {
						return t.Rows(x, lo, hi).Dense(p[0], p[1], ad.LeakyReLU, 0.1).Linear(p[2], nil).Square().Sum()
					}
					tape := ad.NewTape(precision)
					tape.Backward(loss(tape, 0, rows).Scale(1.0 / rows))
					for _, q := range p {
						results = append(results, slices.Clone(q.Grad))
					}
					s := ad.NewShards(precision, 1)
					for range 2 { // the second time with what the first has packed
						results = append(results, []float64{s.Gradient(rows, p, 1.0/rows, loss) / rows})
						for _, q := range p {
							results = append(results, slices.Clone(q.Grad))
						}
					}
					return results
				}
				compare(t, "loss and gradients", evaluate(r.Perm(hidden)), evaluate(nil), tol)
			})
		}
	}
}

func TestArrangeRefuses(t *testing.T) {
	p := ad.NewParam(2, 3, make([]float64, 6))
	for _, order := range [][2][]int{{{0, 0}, nil}, {{0}, nil}, {nil, {0, 1, 3}}, {nil, {-1, 0, 1}}, {{}, nil}} {
		if got := testkit.Panic(func() { p.Arrange(order[0], order[1]) }); !strings.Contains(got, "want a permutation") {
			t.Errorf("Arrange(%v, %v) panics with %q", order[0], order[1], got)
		}
	}
}
