package nfkit_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// A model that is made without training is near the density of data that it has not seen, and samples what it says.
func TestGaussianize(t *testing.T) {
	for name, c := range map[string]struct {
		target nf.Sampler
		most   float64
		opts   *nf.GaussianizeOptions
	}{
		"moons":        {targets.Moons{}, 1.35, nil},                   // entropy 1.008, a normal distribution 2.1
		"normal":       {targets.StandardNormal{}, 2.8379 + 0.03, nil}, // entropy 2.838: there is nothing to find
		"pinwheel":     {targets.Pinwheel{}, 2.7, nil},                 // entropy 2.321
		"moons by PCA": {targets.Moons{}, 1.45, &nf.GaussianizeOptions{PCA: true}},
	} {
		src := rand.NewPCG(1, 2)
		m, err := nf.Gaussianize(c.target.Sample(4000, src), c.opts, src)
		if err != nil {
			t.Fatal(err)
		}
		loss, err := m.NLL(nil).Loss(c.target.Sample(2000, src), nil)
		if err != nil || !(loss < c.most) {
			t.Errorf("%s: the negative log-likelihood is %v with error %v, want less than %v", name, loss, err, c.most)
		}
		if name == "moons" {
			if err := nftest.Density(m, nil, src); err != nil {
				t.Error(err)
			}
		}
	}
}

// One column, of a density with a long tail, is mapped by its quantiles.
func TestGaussianizeOneColumn(t *testing.T) {
	src := rand.NewPCG(1, 2)
	r := rand.New(src)
	x := mat.NewDense(2000, 1, nil)
	for i := range 2000 {
		x.Set(i, 0, 100+math.Exp(0.5*r.NormFloat64()))
	}
	m, err := nf.Gaussianize(x, &nf.GaussianizeOptions{Layers: 2, Bins: 12}, src)
	if err != nil {
		t.Fatal(err)
	}
	z, _ := m.Inverse(x)
	var mean, square, cube float64
	for _, z := range z.RawMatrix().Data {
		mean, square, cube = mean+z/2000, square+z*z/2000, cube+z*z*z/2000
	}
	if math.Abs(mean) > 0.02 || math.Abs(square-1) > 0.05 || math.Abs(cube) > 0.15 {
		t.Errorf("latent points have moments %v, %v, %v, want 0, 1, 0", mean, square, cube)
	}
}

func TestGaussianizeMistakes(t *testing.T) {
	src := rand.NewPCG(1, 2)
	constant, bad := testkit.NormalRows(30, 2, 1), testkit.NormalRows(30, 2, 1)
	for i := range 30 {
		constant.Set(i, 1, 7)
	}
	bad.Set(3, 1, math.NaN())
	for want, x := range map[string]*mat.Dense{
		"got 5 rows, want 20 or more":            testkit.NormalRows(5, 2, 1),
		"column 1 of the data is constant, at 7": constant,
		"got column 1 of the data, which is NaN": bad,
	} {
		if _, err := nf.Gaussianize(x, nil, src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
	testkit.WantPanic(t, "Gaussianize: got 0 layers and 3 bins", func() { nf.Gaussianize(bad, &nf.GaussianizeOptions{Bins: 3}, src) })
}
