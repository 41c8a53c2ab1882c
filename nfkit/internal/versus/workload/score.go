package workload

import (
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// Score computes the log-density of n rows, those of x again and again, one row in a call, on the given number of goroutines.
func Score(m *nf.NormalizingFlow, x *mat.Dense, n, goroutines int) {
	rows, columns := x.Dims()
	var next atomic.Int64
	var wait sync.WaitGroup
	for range goroutines {
		wait.Go(func() {
			dst := make([]float64, 1)
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				k := int(i) % rows
				m.LogProbTo(dst, x.Slice(k, k+1, 0, columns))
			}
		})
	}
	wait.Wait()
}

// OneRow has the models whose rows are scored one at a time, in [Score].
var OneRow = []Row{
	{Name: "readme", Task: LogProb, Model: Model{Coupling, 2, 32, 64, Swap}, N: 1},
	{Name: "spline-8", Task: LogProb, Model: Model{Spline, 8, 4, 64, LU}, N: 1},
	{Name: "maf-64", Task: LogProb, Model: Model{MAF, 64, 5, 512, Swap}, N: 1},
}
