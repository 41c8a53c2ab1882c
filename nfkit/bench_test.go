package nfkit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/cputime"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
)

var precisions = []ad.Precision{ad.Float64, ad.Float32}

// tutorialModel is the model of the first notebook: 16 couplings with an MLP 1-64-64-2, each followed by an LU
// permutation.
func tutorialModel(src rand.Source) *nf.NormalizingFlow { return workload.Tutorial.New(src) }

// tutorialRows draws n rows (a, b): a uniform on [1, 2], b normal with mean and variance a.
func tutorialRows(n int, src rand.Source) *mat.Dense { return workload.Tutorial.Rows(n, src) }

// One step: loss and gradient of a batch, then Adam.
func BenchmarkTrain(b *testing.B) { benchmarkTask(b, workload.Train) }

// The log-density of each row of a batch.
func BenchmarkLogProb(b *testing.B) { benchmarkTask(b, workload.LogProb) }

// New rows with their log-density.
func BenchmarkSample(b *testing.B) { benchmarkTask(b, workload.Sample) }

func benchmarkTask(b *testing.B, task workload.Task) {
	for _, row := range slices.Concat(workload.Table, workload.WideTable, workload.FamilyTable) {
		if row.Task != task {
			continue
		}
		for _, p := range precisions {
			b.Run(fmt.Sprintf("%s/%d-rows/%v", row.Name, row.N, p), func(b *testing.B) {
				step := row.Step(row.New(rand.NewPCG(1, 2)), p, row.Rows(row.N, rand.NewPCG(3, 4)))
				do := func() {
					if err := step(); err != nil {
						b.Fatal(err)
					}
				}
				do() // takes the memory that the others use again
				b.ReportAllocs()
				for b.Loop() {
					do()
				}
				seconds := b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(row.Flop()/seconds/1e9, "GFLOP/s")
				b.ReportMetric(float64(row.N)/seconds, "rows/s")
			})
		}
	}
}

// Goroutines that score one row at a time: 16 of them should do as much on each core as one alone, and take no more processor time for a row.
func BenchmarkGoroutines(b *testing.B) {
	for _, row := range workload.OneRow {
		for _, p := range precisions {
			for _, goroutines := range []int{1, 16} {
				b.Run(fmt.Sprintf("%s/%v/%d", row.Name, p, goroutines), func(b *testing.B) {
					m, x := row.New(rand.NewPCG(1, 2)).WithPrecision(p), row.Rows(256, rand.NewPCG(3, 4))
					workload.Score(m, x, 256, goroutines)
					b.ReportAllocs()
					b.ResetTimer()
					before := cputime.Seconds()
					workload.Score(m, x, b.N, goroutines)
					b.ReportMetric((cputime.Seconds()-before)/float64(b.N)*1e9, "cpu-ns/op")
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				})
			}
		}
	}
}
