package kernel

// isa is an instruction set that the package has code for. Each one that a processor has includes those before it.
type isa uint8

const goOnly isa = 0

func (s isa) String() string { return isaNames[s] }

// active is the instruction set in use. Only tests change it.
var active = bestISA()
