package main

import (
	"os"
	"regexp"
	"testing"
)

// No ready-made model is left out.
func TestModelsAreAll(t *testing.T) {
	constructors, found := regexp.MustCompile(`(?m)^func New(\w+)\(.*\) \*NormalizingFlow \{`), 0
	for _, path := range []string{"../../model_presets.go", "../../model_families.go"} {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range constructors.FindAllSubmatch(source, -1) {
			found++
			if models[string(m[1])] == nil {
				t.Errorf("New%s is not checked", m[1])
			}
		}
	}
	if want := len(models) - 1; found != want { // NSF is there twice
		t.Errorf("found %d ready-made models, want %d", found, want)
	}
}
