package onnx

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// untranslated are the operations of package ad that have no translation, with the reason.
var untranslated = map[string]string{
	"Const": "is an initializer", "Param": "is an initializer", "twin": "comes with the operation before",
	"Sum": "mixes rows", "ColSum": "mixes rows", "Transpose": "mixes rows", "Inverse": "of a matrix of parameters", "Cholesky": "of a matrix of parameters",
	"Conv2D": "of grids", "KickDrift": "of dynamics", "RowPolynomial": "of dynamics",
	"RowGradient": "is no formula", "inverses": "of derivatives", "matrices": "of derivatives", "Dropout": "of training",
}

// Every operation of package ad has a translation or a reason to have none.
func TestOperations(t *testing.T) {
	paths, err := filepath.Glob("../ad/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?:&op\{\s*name: |(?:unary|binary|slopes)Op\()"(\w+)"`)
	found := 0
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllSubmatch(source, -1) {
			found++
			name := string(m[1])
			switch reason := untranslated[name]; {
			case operations[name] == nil && reason == "":
				t.Errorf("the operation %s of package ad has neither a translation nor a reason to have none", name)
			case operations[name] != nil && reason != "":
				t.Errorf("the operation %s has a translation, and a reason to have none: %s", name, reason)
			}
		}
	}
	if want := len(operations) - 1 + len(untranslated); found != want { // Detach is Const to package ad
		t.Errorf("package ad declares %d operations, want %d", found, want)
	}
}

// The polynomial of the normal tail has the digits of ad.LogNormalCDF.
func TestNormalTail(t *testing.T) {
	var x []float64
	for e := -10.0; e <= 7; e += 0.05 {
		x = append(x, math.Exp(e))
	}
	x = append(x, 0)
	tape := ad.NewEvalTape(ad.Float64)
	want := tape.Const(len(x), 1, x).Neg().LogNormalCDF().Data()
	for i, x := range x {
		s := 1 / (1 + x/math.Sqrt(8))
		p := 0.0
		for k := normalTailDegree; k >= 0; k-- {
			p = p*(2*s-1) + normalTail()[k]
		}
		got := math.Log(s) + p - x*x/2
		if !(math.Abs(got-want[i]) <= 4e-15*math.Max(1, math.Abs(want[i]))) { // some roundings of numbers near 1
			t.Errorf("ln Φ(−%v) = %v, want %v", x, got, want[i])
		}
	}
}
