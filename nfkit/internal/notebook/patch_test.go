package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The patches fit the GoNB that go.mod pins; one that does not is an error.
func TestPatches(t *testing.T) {
	scratch := t.TempDir()
	modfile, err := patchedGonb(t.Context(), mustGetwd(t), scratch, helpPatches)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(modfile); err != nil || !strings.Contains(string(b), "replace github.com/janpfeifer/gonb => ") {
		t.Errorf("its go.mod is\n%s(%v)", b, err)
	}
	for _, p := range helpPatches {
		if b, err := os.ReadFile(filepath.Join(scratch, "gonb", p.file)); err != nil || !strings.Contains(string(b), p.new) {
			t.Errorf("%s has no\n%s(%v)", p.file, p.new, err)
		}
	}
	lost := patch{helpPatches[0].file, "no such line", ""}
	if _, err := patchedGonb(t.Context(), mustGetwd(t), t.TempDir(), []patch{lost}); err == nil || !strings.Contains(err.Error(), "has 0 times, want once:\nno such line") {
		t.Errorf("a patch that does not fit: %v", err)
	}
	if patchesName(helpPatches) == patchesName(append(helpPatches, lost)) {
		t.Error("other patches have the same name")
	}
}
