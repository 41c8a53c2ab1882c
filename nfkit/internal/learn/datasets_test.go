package main

import (
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
)

// Tables are read as they are written: whole numbers of the last digit.
func TestDatasets(t *testing.T) {
	rows := map[string]int{"ames": 2930, "concrete": 1030, "lending_club": 9857}
	for _, d := range datasets {
		table, err := d.read()
		if err != nil {
			t.Fatal(err)
		}
		if table.Len() != rows[d.name] || len(table.Columns()) != len(d.digits) {
			t.Errorf("%s: %d rows, %d columns", d.name, table.Len(), len(table.Columns()))
		}
	}
	concrete, _ := datasets[1].read()
	if got := concrete.Column("compressive_strength")[0]; got != 7999 {
		t.Errorf("the strength of the first row is %v hundredths, want 7999", got)
	}
}

// halves is the density of a coin that falls on 0 with probability ¾ and on 1 with ¼, as one of spread numbers.
type halves struct{}

func (halves) Dim() int                           { return 1 }
func (halves) Sample(int, rand.Source) *mat.Dense { panic("not needed") }
func (halves) LogProb(x mat.Matrix) (logProb []float64) {
	n, _ := x.Dims()
	for i := range n {
		switch v := x.At(i, 0); {
		case 0 <= v && v < 0.5:
			logProb = append(logProb, math.Log(1.5))
		case 1 <= v && v < 1.25:
			logProb = append(logProb, 0)
		default:
			logProb = append(logProb, math.Inf(-1))
		}
	}
	return logProb
}

// The probability of a whole number is the mean of the density over the noise.
func TestDatasetProbability(t *testing.T) {
	const n = 4000
	x := mat.NewDense(n, 1, nil) // half of them 0, half of them 1: the mean over rows is the mean over the noise
	p := probability{halves{}, dataset{digits: []float64{1}}}
	var zero, one float64
	for i := range n {
		x.Set(i, 0, float64(i%2))
	}
	for i, l := range p.LogProb(x) {
		if i%2 == 0 {
			zero += math.Exp(l) * 2 / n
		} else {
			one += math.Exp(l) * 2 / n
		}
	}
	if math.Abs(zero-0.75) > 0.02 || math.Abs(one-0.25) > 0.02 { // the standard errors are 0.004 and 0.002
		t.Errorf("probabilities %v and %v, want 0.75 and 0.25", zero, one)
	}
}

// A short training is ranked like any other.
func TestDatasetCompare(t *testing.T) {
	above, err := datasets[1].compare(0, 20, io.Discard)
	if err != nil || above == (eval.Estimate{}) {
		t.Errorf("above %v, error %v", above, err)
	}
}
