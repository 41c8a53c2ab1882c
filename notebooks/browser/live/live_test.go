package live

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// A picture is recognisable after some seconds: the loss is near the entropy of the data.
func TestLearns(t *testing.T) {
	const steps, last = 150, 30
	data := Picks()[0].Data()
	l := NewLesson(data, rand.NewPCG(1, 2))
	losses, err := l.Train(steps)
	if err != nil {
		t.Fatal(err)
	}
	if gap := stat.Mean(losses[steps-last:], nil) - data.Entropy(); !(gap < 0.12) || l.Steps() != steps { // 0.08 was seen
		t.Errorf("after %d steps the loss is %.3f above the entropy, want less than 0.12 after %d", l.Steps(), gap, steps)
	}
}

// Data fill the view, and their entropy is that of what is drawn: no Gaussian with their covariance has less than they have.
func TestPicks(t *testing.T) {
	for _, pick := range Picks() {
		data := pick.Data()
		x := data.Sample(4000, rand.NewPCG(3, 4))
		farthest := max(mat.Max(x), -mat.Min(x))
		if farthest < 0.9*reach || farthest > View {
			t.Errorf("%s: data reach to %.2f, want about %v and less than %v", pick.Name, farthest, reach, View)
		}
		var c mat.SymDense
		stat.CovarianceMatrix(&c, x, nil)
		normal := 1 + math.Log(2*math.Pi) + 0.5*math.Log(mat.Det(&c))
		if h := data.Entropy(); h > normal || h < normal-3 {
			t.Errorf("%s: entropy %.3f, that of a normal distribution with the same covariance is %.3f", pick.Name, h, normal)
		}
	}
}

// A path ends where the model's own samples are, and a lesson that has not begun does not move points far.
func TestPath(t *testing.T) {
	l := NewLesson(Picks()[0].Data(), rand.NewPCG(1, 2))
	if _, err := l.Train(20); err != nil {
		t.Fatal(err)
	}
	path := l.Path(50)
	if len(path) != 1+Layers {
		t.Fatalf("a path has %d places, want %d", len(path), 1+Layers)
	}
	want, _ := l.model.Forward(path[0])
	if !mat.EqualApprox(path[Layers], want, 1e-12) {
		t.Error("a path does not end where the model takes its points")
	}
	for k := range Layers { // a layer moves points along one axis
		if !mat.Equal(path[k].ColView(1-k%2), path[k+1].ColView(1-k%2)) || mat.Equal(path[k].ColView(k%2), path[k+1].ColView(k%2)) {
			t.Errorf("layer %d does not move points along axis %d alone", k+1, k%2)
		}
	}
}

// A picture has the density where it is: with the flow near the identity, a round hill.
func TestPicture(t *testing.T) {
	l := NewLesson(Picks()[0].Data(), rand.NewPCG(1, 2))
	const n = 21
	p := l.Picture(n)
	if len(p) != n*n || p[n*n/2] != 1 || p[0] > 1e-3 || floats.Min(p) < 0 {
		t.Errorf("the picture of the base has %d cells, %v in its middle and %v in its corner, want %d, 1 and about 0", len(p), p[n*n/2], p[0], n*n)
	}
	l.Learn(NewDrawing([][]float64{{-2, 3}})) // left, at the top
	if _, err := l.Train(150); err != nil {
		t.Fatal(err)
	}
	at := floats.MaxIdx(l.Picture(n))
	if row, column := at/n, at%n; row > n/3 || column > n/2 {
		t.Errorf("having learned a point at (−2, 3), the model is highest in row %d and column %d of %d", row, column, n)
	}
}

func TestDrawing(t *testing.T) {
	for _, strokes := range [][][]float64{nil, {}, {{}}, {{1}}} {
		if d := NewDrawing(strokes); d != nil {
			t.Errorf("NewDrawing(%v) is %v, want nil", strokes, d)
		}
	}
	// A line of length 3 to the right and a point: paint 3+Brush and Brush.
	d := NewDrawing([][]float64{{0, 1, 3, 1}, {-2, -2}})
	const n = 20000
	x := d.Sample(n, rand.NewPCG(1, 2))
	below, sum, square := 0.0, 0.0, 0.0
	for i := range n {
		if x.At(i, 1) < 0 {
			below++
			continue
		}
		sum += x.At(i, 0)
		square += (x.At(i, 1) - 1) * (x.At(i, 1) - 1)
	}
	above := n - below
	share, mean, spread := Brush/(3+2*Brush), 4.5/(3+Brush), Brush // of the point; along the line, with its beginning; across
	if math.Abs(below/n-share) > 5*math.Sqrt(share/n) || math.Abs(sum/above-mean) > 5*0.9/math.Sqrt(above) || math.Abs(math.Sqrt(square/above)-spread) > 5*Brush/math.Sqrt(2*above) {
		t.Errorf("a point has %.4f of the paint, want %.4f; the mean of a line is %.3f, want %.3f; it spreads by %.4f, want %.4f", below/n, share, sum/above, mean, math.Sqrt(square/above), spread)
	}
}
