package kernel

// isa is an instruction set that the package has code for. Each one includes those before it.
type isa uint8

const (
	goOnly isa = iota
	avx2       // AVX2 and FMA
	avx512     // AVX-512 F, VL, DQ and BW
)

func (s isa) String() string { return [...]string{"go", "avx2", "avx512"}[s] }

// active is the instruction set in use. Only tests change it.
var active = bestISA()
