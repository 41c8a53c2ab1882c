package tables_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/tables"
)

func ExampleParseCSV() {
	const file = `site,mass,eggs,direction
Bern,1.25,3,350
Basel,,4,10
Chur,0.75,0,-5
`
	t, err := tables.ParseCSV(strings.NewReader(file), &tables.CSVOptions{Columns: []string{"mass", "eggs", "direction"}, DropMissing: true})
	nf.Check(err)
	t = nf.Must(t.As(tables.Circular("direction", 0, 360)))
	fmt.Print(t)
	// Output:
	// 2 rows
	// column     type                     least  mean   greatest
	// mass       positive                 0.75   1      1.25
	// eggs       whole, from 0            0      1.5    3
	// direction  circular, from 0 to 360  -5     172.5  350
}

// From a table to a model of one column given another, in its units.
func ExampleNewModel() {
	r := rand.New(rand.NewPCG(1, 2))
	x := mat.NewDense(800, 2, nil)
	for i := range 800 { // parts per hour grow with the speed
		speed := 1 + 4*r.Float64()
		x.SetRow(i, []float64{speed, math.Round(20*speed + 4*r.NormFloat64())})
	}
	t := nf.Must(tables.FromMatrix([]string{"speed", "parts"}, x))
	train, valid, test := t.Split(0.7, 0.15, rand.NewPCG(3, 4))

	newFlow := func(s tables.Shape, src rand.Source) *nf.NormalizingFlow {
		return nf.NewMAF(s.Dim, &nf.ModelOptions{Layers: 2, Hidden: 16, Context: s.Context}, src)
	}
	model := nf.Must(tables.NewModel(train, &tables.ModelOptions{Given: []string{"speed"}, NewFlow: newFlow}, rand.NewPCG(5, 6)))
	nf.Must(nf.Fit(context.Background(), model.NLL(), nf.Must(model.Rows(train)), &nf.FitOptions{
		Steps: 300, BatchSize: 140, Adam: nf.NewAdam(model.Params(), &nf.AdamOptions{LearningRate: 0.01}), Validation: nf.Must(model.Matrix(valid)),
	}, rand.NewPCG(7, 8)))

	fmt.Printf("mean ln P(parts | speed): %.0f\n", stat.Mean(nf.Must(model.LogProb(test)), nil))
	at3 := nf.Must(tables.New([]tables.Column{tables.Positive("speed")}, mat.NewDense(1, 1, []float64{3})))
	parts := nf.Must(model.Given(at3)).Sample(1000, rand.NewPCG(9, 10)).Column("parts")
	fmt.Printf("parts at speed 3: about %.0f ± %.0f\n", 5*math.Round(stat.Mean(parts, nil)/5), stat.StdDev(parts, nil))
	// Output:
	// mean ln P(parts | speed): -3
	// parts at speed 3: about 60 ± 4
}

// A file has all that a model needs but the function that makes its flow, here the default.
func ExampleLoad() {
	folder := nf.Must(os.MkdirTemp("", "example"))
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "wind.safetensors")

	x := mat.NewDense(4, 2, []float64{350, 0.2, 10, 0.3, 340, 0.6, 20, 0.4})
	columns := []tables.Column{tables.Circular("direction", 0, 360), tables.Bounded("humidity", 0, 1)}
	model := nf.Must(tables.NewModel(nf.Must(tables.New(columns, x)), nil, rand.NewPCG(1, 2)))
	nf.Check(model.Save(path))

	loaded := nf.Must(tables.Load(path, nil))
	fmt.Println(loaded.Columns())
	humidity := loaded.Sample(1000, rand.NewPCG(3, 4)).Column("humidity")
	fmt.Println(slices.Min(humidity) > 0, slices.Max(humidity) < 1)
	// Output:
	// ["direction" (circular, from 0 to 360) "humidity" (bounded, from 0 to 1)]
	// true true
}
