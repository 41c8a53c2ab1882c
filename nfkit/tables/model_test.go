package tables_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/tables"
)

var _ eval.Density = (*tables.Density)(nil)

// kinds has a column of each type, with how to fill it.
var kinds = []struct {
	column tables.Column
	draw   func(r *rand.Rand) float64
	grid   func(points int) (at, width []float64) // points and widths of a quadrature, which leaves out a negligible part
}{
	{tables.Real("real"), func(r *rand.Rand) float64 { return -100 + 7*r.NormFloat64() },
		grid(func(v float64) float64 { return -100 + 7*v })},
	{tables.Positive("positive"), func(r *rand.Rand) float64 { return 1e4 * math.Exp(r.NormFloat64()) },
		grid(func(v float64) float64 { return 1e4 * math.Exp(v) })},
	{tables.Bounded("bounded", -2, 3), func(r *rand.Rand) float64 { return -2 + 5*r.Float64() },
		grid(func(v float64) float64 { return -2 + 5/(1+math.Exp(-1.8*v)) })},
	{tables.Circular("circular", 0, 360), func(r *rand.Rand) float64 { return math.Mod(330+50*r.Float64(), 360) },
		grid(func(v float64) float64 { return 360 * (v + gridEnd) / (2 * gridEnd) })},
	{tables.Whole("class", 0, 1), func(r *rand.Rand) float64 { return float64(r.IntN(2)) }, numbers(0, 1)},
	{tables.Whole("count", 0, math.Inf(1)), func(r *rand.Rand) float64 { return math.Floor(3 * r.ExpFloat64()) }, numbers(0, 2000)},
	{tables.Whole("difference", math.Inf(-1), math.Inf(1)), func(r *rand.Rand) float64 { return math.Round(2 * r.NormFloat64()) }, numbers(-100, 100)},
}

const gridEnd = 8 // in units of the standard deviation

// grid returns the midpoints and widths of the images of equal intervals.
func grid(f func(v float64) float64) func(points int) (at, width []float64) {
	return func(points int) (at, width []float64) {
		h := 2. * gridEnd / float64(points)
		for k := range points {
			v := -gridEnd + h*(float64(k)+0.5)
			at, width = append(at, f(v)), append(width, f(v+h/2)-f(v-h/2))
		}
		return at, width
	}
}

func numbers(lo, hi int) func(points int) (at, width []float64) {
	return func(int) (at, width []float64) {
		for k := lo; k <= hi; k++ {
			at, width = append(at, float64(k)), append(width, 1)
		}
		return at, width
	}
}

// table returns n rows of columns of the given kinds.
func table(n int, src rand.Source, which ...int) *tables.Table {
	r := rand.New(src)
	x, columns := mat.NewDense(n, len(which), nil), make([]tables.Column, len(which))
	for k, i := range which {
		columns[k] = kinds[i].column
		for row := range n {
			x.Set(row, k, kinds[i].draw(r))
		}
	}
	return nf.Must(tables.New(columns, x))
}

// small is a flow that is fast.
func small(s tables.Shape, src rand.Source) *nf.NormalizingFlow {
	if len(s.Circular) > 0 {
		scale := slices.Repeat([]float64{1}, s.Dim)
		for _, j := range s.Circular {
			scale[j] = 2 * math.Pi
		}
		spline := nf.AutoregressiveSplineOptions{SplineOptions: nf.SplineOptions{Bins: 4, Bound: math.Pi}, Net: nf.MADEOptions{Context: s.Context}}
		return nf.NewNormalizingFlow(nf.NewUniformGaussian(s.Dim, s.Circular, &nf.UniformGaussianOptions{Scale: scale}),
			[]nf.Flow{nf.NewCircularAutoregressiveRationalQuadraticSpline(s.Dim, 8, s.Circular, &spline, src)})
	}
	return nf.NewMAF(s.Dim, &nf.ModelOptions{Layers: 2, Hidden: 8, Context: s.Context}, src)
}

// perturbed returns a model whose trainable parameters are not those of the start.
func perturbed(t *tables.Table, given []string, src rand.Source) *tables.Model {
	return perturbedFlow(t, given, small, src)
}

func perturbedFlow(t *tables.Table, given []string, newFlow tables.NewFlow, src rand.Source) *tables.Model {
	m := nf.Must(tables.NewModel(t, &tables.ModelOptions{Given: given, NewFlow: newFlow}, src))
	r := rand.New(src)
	for _, p := range m.Params() {
		for i := range p.Data {
			if !p.Frozen {
				p.Data[i] += 0.1 * r.NormFloat64()
			}
		}
	}
	return m
}

// mass returns the integral of the density over the columns of the given kinds, with numbers that are given, if any.
func mass(t *testing.T, m *tables.Model, which ...int) float64 {
	t.Helper()
	points, weights := [][]float64{nil}, []float64{1}
	columns := make([]tables.Column, len(which))
	for k, i := range which {
		columns[k] = kinds[i].column
		at, width := kinds[i].grid(2000)
		if len(which) > 1 {
			at, width = kinds[i].grid(150)
		}
		if len(which) > 1 && len(at) > 400 { // of counts, when there is a second column
			at, width = at[:120], width[:120]
		}
		var p [][]float64
		var w []float64
		for j := range points {
			for l := range at {
				p, w = append(p, append(slices.Clone(points[j]), at[l])), append(w, weights[j]*width[l])
			}
		}
		points, weights = p, w
	}
	x := mat.NewDense(len(points), len(which), slices.Concat(points...))
	sum := 0.0
	for i, l := range nf.Must(m.LogProb(nf.Must(tables.New(columns, x)))) {
		sum += weights[i] * math.Exp(l)
	}
	return sum
}

// The density of one column of each type, alone and given all others, and of two columns, integrates to 1 in the units of the table.
func TestDensityIntegratesToOne(t *testing.T) {
	const tol = 1e-3 // of midpoint rules, the lattice, and the tails that they leave out
	check := func(m *tables.Model, which ...int) {
		t.Helper()
		if got := mass(t, m, which...); math.Abs(got-1) > tol {
			t.Errorf("the density of %v integrates to %v, want 1", m.Columns(), got)
		}
	}
	for i := range kinds {
		check(perturbed(table(200, rand.NewPCG(1, 2), i), nil, rand.NewPCG(3, 4)), i)

		var all []int
		var given []string
		for k, other := range kinds {
			all = append(all, k)
			if k != i {
				given = append(given, other.column.Name)
			}
		}
		data := table(200, rand.NewPCG(5, 6), all...)
		m := perturbed(data, given, rand.NewPCG(7, 8))
		check(nf.Must(m.Given(data.Slice(3, 4))), i)
	}
	check(perturbedFlow(table(200, rand.NewPCG(1, 2), 3), nil, nil, rand.NewPCG(9, 10)), 3) // the default, on a circle and a line
	check(perturbedFlow(table(200, rand.NewPCG(1, 2), 1), nil, nil, rand.NewPCG(9, 10)), 1)
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {2, 3}, {4, 0}, {4, 6}} {
		check(perturbed(table(200, rand.NewPCG(1, 2), pair[:]...), nil, rand.NewPCG(3, 4)), pair[:]...)
	}
}

// everything is a table with all types, and a model of some of its columns given the others.
func everything() (*tables.Table, *tables.Model) {
	data := table(300, rand.NewPCG(1, 2), 0, 1, 2, 3, 4, 5, 6)
	return data, perturbed(data, []string{"circular", "positive"}, rand.NewPCG(3, 4))
}

// Samples of each type of column follow its density: their distribution function is the integral of it.
func TestSamplesFollowDensity(t *testing.T) {
	const n = 10_000
	for i, kind := range kinds {
		m := perturbed(table(200, rand.NewPCG(1, 2), i), nil, rand.NewPCG(3, 4))
		at, width := kind.grid(2000)
		logProb := nf.Must(m.LogProb(nf.Must(tables.New([]tables.Column{kind.column}, mat.NewDense(len(at), 1, at)))))
		samples := m.Sample(n, rand.NewPCG(5, 6)).Column(kind.column.Name)
		slices.Sort(samples)
		sum, worst := 0.0, 0.0
		for k, x := range at {
			sum += width[k] * math.Exp(logProb[k])
			end := x + width[k]/2
			below, _ := slices.BinarySearch(samples, end)
			worst = max(worst, math.Abs(sum-float64(below)/n))
		}
		if worst > 2.3/math.Sqrt(n) { // as far apart with a probability of 5·10⁻⁵ (Kolmogorov)
			t.Errorf("column %v: the distribution functions differ by %v", kind.column, worst)
		}
	}
}

// No sample is beyond a bound, and names and types are those of the table; so too where the flow is far from the data.
func TestSamplesFit(t *testing.T) {
	data := table(300, rand.NewPCG(1, 2), 0, 1, 2, 3, 4, 5, 6)
	near := perturbed(data, nil, rand.NewPCG(3, 4))
	data = data.Select("real", "positive", "bounded", "class", "count", "difference") // affine layers go further than those of a circle
	far := perturbed(data, nil, rand.NewPCG(3, 4))
	for _, p := range far.Params() {
		for i := range p.Data {
			if !p.Frozen {
				p.Data[i] *= 12
			}
		}
		p.Changed()
	}
	x := near.Sample(1000, rand.NewPCG(5, 6))
	if _, err := tables.New(x.Columns(), x.Matrix()); err != nil {
		t.Error(err)
	}
	if angles := x.Column("circular"); slices.Min(angles) < 0 || slices.Max(angles) >= 360 {
		t.Errorf("angles are from %v to %v", slices.Min(angles), slices.Max(angles))
	}
	for i, l := range nf.Must(near.LogProb(x.Slice(0, 200))) {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			t.Fatalf("sample %d has log-density %v", i, l)
		}
	}
	x = far.Sample(1000, rand.NewPCG(5, 6))
	if !reflect.DeepEqual(x.Columns(), data.Columns()) {
		t.Errorf("got the columns %v", x.Columns())
	}
	atBound := 0 // samples next to a bound
	for _, c := range data.Columns() {
		for _, v := range x.Column(c.Name) {
			inside := c.Lo < v && (v < c.Hi || math.IsInf(c.Hi, 1)) // what is too large for float64 is infinite
			if c.Kind == "whole" {
				inside = c.Lo <= v && v <= c.Hi
			}
			if !inside || c.Kind == "whole" && v != math.Floor(v) {
				t.Fatalf("column %v has the sample %v", c, v)
			}
			if c.Kind == "bounded" && min(v-c.Lo, c.Hi-v) < 1e-9 {
				atBound++
			}
		}
	}
	if atBound == 0 {
		t.Error("the flow is not far enough to come near a bound")
	}
}

// A model of given columns samples under each condition, or under one, and its density is that of the rows' own conditions.
func TestModelString(t *testing.T) {
	data, _ := everything()
	m := nf.Must(tables.NewModel(data, &tables.ModelOptions{Given: []string{"positive"}}, rand.NewPCG(1, 2)))
	text := m.String()
	for _, want := range []string{`"real" (real)`, "\ngiven \"positive\" (positive)\n", "NormalizingFlow in 6 dimensions"} {
		if !strings.Contains(text, want) {
			t.Errorf("the model is %q, want it to say %q", text, want)
		}
	}
}

func TestGiven(t *testing.T) {
	data, m := everything()
	one, each := nf.Must(m.Given(data.Slice(7, 8))), nf.Must(m.Given(data))
	x := each.Sample(data.Len(), rand.NewPCG(5, 6))
	if !slices.Equal(x.Column("circular"), data.Column("circular")) || !slices.Equal(x.Column("positive"), data.Column("positive")) {
		t.Error("samples do not have their conditions")
	}
	for i, v := range one.Sample(5, rand.NewPCG(5, 6)).Column("positive") {
		if want := data.Column("positive")[7]; v != want {
			t.Errorf("sample %d has the condition %v, want %v", i, v, want)
		}
	}
	all := nf.Must(m.LogProb(data))
	if got := nf.Must(each.LogProb(data.Select("real", "bounded", "class", "count", "difference"))); !slices.Equal(got, all) {
		t.Error("LogProb with conditions from Given differs from that with those of the table")
	}
	if got := nf.Must(one.LogProb(data.Slice(7, 8)))[0]; got != all[7] {
		t.Errorf("one condition: got %v, want %v", got, all[7])
	}
	if got := m.Density().LogProb(nf.Must(m.Matrix(data))); !slices.Equal(got, all) {
		t.Error("the density of a matrix differs from that of the table")
	}
	y := each.Density().Sample(data.Len(), rand.NewPCG(5, 6))
	if want := x.Select("real", "bounded", "class", "count", "difference"); !mat.Equal(y, want.Matrix()) {
		t.Error("samples of a matrix differ from those of a table")
	}
	if got, want := each.Density().LogProb(y), nf.Must(m.LogProb(x)); !slices.Equal(got, want) {
		t.Error("the density of a matrix under Given differs from that of the table")
	}
	if got := nf.Must(one.LogProb(data))[0]; got == all[0] {
		t.Error("the condition changes nothing")
	}
	turned := data.Matrix()
	for i := range data.Len() {
		turned.Set(i, 3, turned.At(i, 3)+720)
	}
	for i, l := range nf.Must(m.LogProb(nf.Must(tables.New(data.Columns(), turned)))) {
		if math.Abs(l-all[i]) > 1e-9 {
			t.Fatalf("two turns of an angle that is given change ln p from %v to %v", all[i], l)
		}
	}
}

// Outside of the bounds, and between whole numbers, the density is 0; an angle is the same after a turn.
func TestDensityOutside(t *testing.T) {
	for i, at := range map[int]float64{1: -1, 2: 3, 4: 2, 5: 1.5, 6: 0.25} {
		m := perturbed(table(100, rand.NewPCG(1, 2), i), nil, rand.NewPCG(3, 4))
		x := nf.Must(tables.New([]tables.Column{tables.Real(kinds[i].column.Name)}, mat.NewDense(1, 1, []float64{at})))
		if got := nf.Must(m.LogProb(x))[0]; !math.IsInf(got, -1) {
			t.Errorf("%v: the log-density of %v is %v", kinds[i].column, at, got)
		}
	}
	m := perturbed(table(100, rand.NewPCG(1, 2), 3), nil, rand.NewPCG(3, 4))
	l := nf.Must(m.LogProb(column("circular", 359.999999, -0.000001, 0, 360, 12.5, -347.5)))
	for _, pair := range [][2]int{{0, 1}, {0, 2}, {2, 3}, {4, 5}} {
		if math.Abs(l[pair[0]]-l[pair[1]]) > 1e-4 { // the first two pairs are 10⁻⁶ degrees apart
			t.Errorf("points %v of a circle have log-densities %v and %v", pair, l[pair[0]], l[pair[1]])
		}
	}
}

// A saved model is the same when it comes back: same bytes of file, densities and samples.
func TestSaveLoad(t *testing.T) {
	data, m := everything()
	folder := t.TempDir()
	first, second := filepath.Join(folder, "1.safetensors"), filepath.Join(folder, "2.safetensors")
	nf.Check(m.Save(first))
	loaded, err := tables.Load(first, small)
	if err != nil {
		t.Fatal(err)
	}
	nf.Check(loaded.Save(second))
	if !bytes.Equal(nf.Must(os.ReadFile(first)), nf.Must(os.ReadFile(second))) {
		t.Error("the files differ")
	}
	if !reflect.DeepEqual(loaded.Columns(), m.Columns()) || !reflect.DeepEqual(loaded.GivenColumns(), m.GivenColumns()) {
		t.Errorf("got the columns %v given %v", loaded.Columns(), loaded.GivenColumns())
	}
	if !slices.Equal(nf.Must(loaded.LogProb(data)), nf.Must(m.LogProb(data))) {
		t.Error("the densities differ")
	}
	sample := func(m *tables.Model) *tables.Table {
		return nf.Must(m.Given(data)).Sample(data.Len(), rand.NewPCG(5, 6))
	}
	if !reflect.DeepEqual(sample(loaded), sample(m)) {
		t.Error("the samples differ")
	}
	for name, c := range map[string]struct {
		path string
		want string
	}{
		"other architecture": {first, "architecture"},
		"no file":            {filepath.Join(folder, "none"), "no such file"},
		"other file":         {write(t, []byte("real,positive\n")), "safetensors"},
		"no columns":         {plain(t), "no columns"},
		"cut off":            {write(t, nf.Must(os.ReadFile(first))[:20_000]), ""},
	} {
		if _, err := tables.Load(c.path, nil); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tables: Load") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	other := perturbed(table(100, rand.NewPCG(1, 2), 0), nil, rand.NewPCG(3, 4))
	renamed := nf.Must(tables.NewModel(column("laer", -1.5, 2), &tables.ModelOptions{NewFlow: small}, rand.NewPCG(1, 2)))
	nf.Check(other.Save(first))
	if err := nf.Load(first, renamed); err == nil || !strings.Contains(err.Error(), `"real" (real)`) || !strings.Contains(err.Error(), `"laer" (real)`) {
		t.Errorf("columns of other names: got %v", err)
	}
}

func write(t *testing.T, b []byte) string {
	path := filepath.Join(t.TempDir(), "file")
	nf.Check(os.WriteFile(path, b, 0o600))
	return path
}

// plain returns a file of a model of package nfkit.
func plain(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "plain.safetensors")
	nf.Check(nf.Save(path, nf.NewRealNVP(2, &nf.ModelOptions{Layers: 1, Hidden: 2}, rand.NewPCG(1, 2))))
	return path
}

// The objective keeps its contract; its loss is the likelihood without whole numbers, and a bound of it with them.
func TestNLL(t *testing.T) {
	data, m := everything()
	rows := nf.Must(m.Matrix(data.Slice(0, 20)))
	small := perturbed(data.Select("real", "positive", "count"), []string{"positive"}, rand.NewPCG(3, 4))
	if err := nftest.Objective(small.NLL(), nf.Must(small.Matrix(data.Slice(0, 20))), rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
	exact := perturbed(data.Select("real", "positive", "circular"), []string{"positive"}, rand.NewPCG(3, 4))
	got := nf.Must(exact.NLL().Loss(nf.Must(exact.Matrix(data)), nil))
	if want := -stat.Mean(nf.Must(exact.LogProb(data)), nil); math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("loss %v, mean of −ln p %v", got, want)
	}
	var loss float64
	const draws = 50
	for k := range uint64(draws) {
		loss += nf.Must(m.NLL().Loss(rows, rand.NewPCG(k, 0))) / draws
	}
	bound := -stat.Mean(nf.Must(m.LogProb(data.Slice(0, 20))), nil)
	if !(loss > bound && loss < bound+2) {
		t.Errorf("loss %v, want more than −ln P %v by a little", loss, bound)
	}
	a, b := nf.Must(m.NLL().Loss(rows, rand.NewPCG(1, 2))), nf.Must(m.NLL().Loss(rows, rand.NewPCG(1, 3)))
	if a == b {
		t.Error("noise of whole numbers does not follow the source")
	}
}

// Training, densities and samples are the same to the last bit on any number of cores.
func TestSameOnAllCores(t *testing.T) {
	data := table(300, rand.NewPCG(1, 2), 0, 3, 5)
	var logProb []float64
	var sample *tables.Table
	testkit.OnCores(func(cores int) {
		m := perturbed(data, []string{"circular"}, rand.NewPCG(3, 4))
		nf.Must(nf.Fit(context.Background(), m.NLL(), nf.Must(m.Rows(data)), &nf.FitOptions{Steps: 3, BatchSize: 200}, rand.NewPCG(5, 6)))
		l, x := nf.Must(m.LogProb(data)), nf.Must(m.Given(data)).Sample(data.Len(), rand.NewPCG(7, 8))
		if cores == 1 {
			logProb, sample = l, x
		} else if !slices.Equal(l, logProb) || !reflect.DeepEqual(x, sample) {
			t.Errorf("%d cores give other numbers than one", cores)
		}
	})
}

// A model learns the density of a column given another, in the units of the table.
func TestFitConditional(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, sigma = 600, 0.3
	x := mat.NewDense(n, 2, nil)
	for i := range n {
		v := math.Exp(2 + 0.5*r.NormFloat64())
		x.SetRow(i, []float64{v, v * v * math.Exp(sigma*r.NormFloat64())})
	}
	data := nf.Must(tables.FromMatrix([]string{"length", "area"}, x))
	train, valid, test := data.Split(0.6, 0.2, rand.NewPCG(3, 4))
	m := nf.Must(tables.NewModel(train, &tables.ModelOptions{Given: []string{"length"}, NewFlow: small}, rand.NewPCG(5, 6)))
	before := slices.Clone(m.State().Params()[len(m.State().Params())-1].Data)
	nf.Must(nf.Fit(context.Background(), m.NLL(), nf.Must(m.Rows(train)),
		&nf.FitOptions{Steps: 300, BatchSize: 120, Adam: nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 0.01}), Validation: nf.Must(m.Matrix(valid))}, rand.NewPCG(7, 8)))
	var want float64
	for i, a := range test.Column("area") {
		l := test.Column("length")[i]
		d := math.Log(a/(l*l)) / sigma
		want -= (d*d/2 + math.Log(sigma*a*math.Sqrt(2*math.Pi))) / float64(test.Len())
	}
	if got := stat.Mean(nf.Must(m.LogProb(test)), nil); got < want-0.1 || got > want+0.1 { // 360 rows leave an error of about a twentieth
		t.Errorf("mean ln p(area | length) is %v, that of the truth %v", got, want)
	}
	if params := m.State().Params(); !slices.Equal(params[len(params)-1].Data, before) {
		t.Error("training changed the scaling")
	}
}

// Tables and models that do not go together are told apart by name.
func TestModelMistakes(t *testing.T) {
	data, m := everything()
	inf := math.Inf(1)
	lacking := nf.Must(tables.FromMatrix([]string{"real", "length"}, mat.NewDense(1, 2, []float64{1, 2})))
	for name, f := range map[string]func() error{
		"Matrix":  func() error { _, err := m.Matrix(lacking); return err },
		"Rows":    func() error { _, err := m.Rows(lacking); return err },
		"LogProb": func() error { _, err := m.LogProb(lacking); return err },
		"Given":   func() error { _, err := m.Given(lacking); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), `lacks "`) || !strings.Contains(err.Error(), `"length", which the model does not know`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	negative := data.Matrix()
	negative.Set(2, 1, -3)
	columns := data.Columns()
	columns[1] = tables.Real("positive")
	wrong := nf.Must(tables.New(columns, negative))
	for name, f := range map[string]func() error{
		"Matrix":  func() error { _, err := m.Matrix(wrong); return err },
		"LogProb": func() error { _, err := m.LogProb(wrong); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), `"positive" (positive)`) || !strings.Contains(err.Error(), "-3 in row 2") {
			t.Errorf("%s of a negative number: got %v", name, err)
		}
	}
	if _, err := tables.NewModel(column("a", 3, 3, 3), nil, rand.NewPCG(1, 2)); err == nil || !strings.Contains(err.Error(), `column "a" (whole, from 0) is constant: all 3 values are 3`) {
		t.Errorf("constant column: got %v", err)
	}
	if got := tables.Whole("n", 0, inf).String(); got != `"n" (whole, from 0)` {
		t.Errorf("got %s", got)
	}
	src := func() rand.Source { return rand.NewPCG(1, 2) }
	given := func(names ...string) func() {
		return func() { tables.NewModel(data, &tables.ModelOptions{Given: names}, src()) }
	}
	flow := func(table *tables.Table, f tables.NewFlow) func() {
		return func() { tables.NewModel(table, &tables.ModelOptions{NewFlow: f}, src()) }
	}
	for name, f := range map[string]func(){
		"no such column":  given("b"),
		"twice":           given("real", "real"),
		"all given":       given(data.Names()...),
		"no source":       func() { tables.NewModel(data, nil, nil) },
		"nil flow":        flow(data, func(tables.Shape, rand.Source) *nf.NormalizingFlow { return nil }),
		"other dimension": flow(data, func(_ tables.Shape, src rand.Source) *nf.NormalizingFlow { return nf.NewMAF(3, nil, src) }),
		"no circle":       flow(data, func(s tables.Shape, src rand.Source) *nf.NormalizingFlow { return nf.NewMAF(s.Dim, nil, src) }),
		"no condition":    func() { m.Sample(3, src()) },
		"two conditions":  func() { nf.Must(m.Given(data.Slice(0, 2))).Sample(3, src()) },
		"nothing given":   func() { perturbed(data.Select("real"), nil, src()).Given(data) },
		"no rows":         func() { nf.Must(m.Given(data)).Sample(0, src()) },
		"NLL of given":    func() { nf.Must(m.Given(data)).NLL() },
		"noise":           func() { m.NLL().Loss(nf.Must(m.Matrix(data)), nil) },
		"density":         func() { m.Density().LogProb(mat.NewDense(2, 3, nil)) },
		"columns":         func() { m.NLL().Loss(mat.NewDense(2, 3, nil), src()) },
	} {
		if message := testkit.Panic(f); !strings.HasPrefix(message, "tables: ") {
			t.Errorf("%s: got the panic %q", name, message)
		}
	}
}
