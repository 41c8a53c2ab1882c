package nfkit

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// A file whose inv_perm is a permutation, but not the inverse of perm, is refused.
func TestPermuteRefusesAnotherInverse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "permute.safetensors")
	p := NewPermute(4, PermuteShuffle, rand.NewPCG(1, 2))
	s := slices.Clone(p.State())
	s[1].Ints = slices.Clone(s[1].Ints)
	s[1].Ints[0], s[1].Ints[1] = s[1].Ints[1], s[1].Ints[0]
	Check(Save(path, stateOf(s)))
	before := StateText(p.State())
	mustFail(t, Load(path, p), "inv_perm: ", "is not the inverse of perm")
	if StateText(p.State()) != before {
		t.Error("a Load that failed changed something")
	}
}
