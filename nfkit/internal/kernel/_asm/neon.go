package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/types"
	"slices"
	"strings"
)

// neon writes functions for arm64, whose vectors are the 16 bytes of a register of NEON: in text assembly of Go, with the declarations
// that go with it. As with avo, registers are taken as needed and numbered at the end of the function.
type neon struct {
	*listing
	bits int // of an element: 32 or 64
}

// listing is a file, and the function that is being written.
type listing struct {
	text, stubs bytes.Buffer
	constants   []uint64 // in the file's table, each of them twice

	code   []instruction
	params map[string]int // offsets in bytes
	table  *register      // where the table starts, if the function has constants
	kept   map[uint64]*register
	used   map[uint64]int // how often a constant is used
}

// register is a vector register or one of the general ones.
type register struct {
	vector      bool
	number      int
	first, last int // instruction that it is used in
}

func (r *register) String() string {
	if r.vector {
		return fmt.Sprintf("V%d", r.number)
	}
	return fmt.Sprintf("R%d", r.number)
}

// scalar is how instructions that move a vector register name it.
type scalar struct{ *register }

func (r scalar) String() string { return fmt.Sprintf("F%d", r.number) }

// instruction is a line of assembly, once its registers have numbers.
type instruction struct {
	label    string // the line is one
	target   string // of a branch
	text     func() string
	regs     []*register
	to, from *register // of a copy, which is left out if both turn out to be the same
}

// The registers in the order in which they are taken. Of the general ones the assembler, the linker and the runtime use others.
var (
	vectorNumbers  = numbers(0, 31)
	generalNumbers = append(numbers(0, 15), numbers(19, 26)...)
)

func numbers(first, last int) (all []int) {
	for i := first; i <= last; i++ {
		all = append(all, i)
	}
	return all
}

var errRegisters = errors.New("too few registers")

// function writes one. body may be called several times: constants stay in registers while these suffice for the rest.
func (k neon) function(name, signature, doc string, body func()) {
	var all []uint64
	k.reset(signature, nil)
	body()
	for c := range k.used {
		all = append(all, c)
	}
	used := k.used
	slices.SortFunc(all, func(a, b uint64) int { // the least used last
		return cmp.Or(used[b]-used[a], cmp.Compare(a, b))
	})
	for {
		k.reset(signature, all)
		body()
		err := k.number()
		if err == nil {
			break
		}
		if len(all) == 0 {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
		all = all[:len(all)-1]
	}
	fmt.Fprintf(&k.stubs, "\n// %s\n//\n//go:noescape\nfunc %s%s\n", doc, name, strings.TrimPrefix(signature, "func"))
	fmt.Fprintf(&k.text, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name, strings.TrimPrefix(signature, "func"), name, k.params[""])
	for _, i := range k.code {
		switch {
		case i.label != "":
			fmt.Fprintf(&k.text, "\n%s:\n", i.label)
		case i.to == nil || i.to.number != i.from.number:
			fmt.Fprintf(&k.text, "\t%s\n", i.text())
		}
	}
	fmt.Fprintf(&k.text, "\tRET\n")
}

// reset begins a function that keeps the given constants in registers.
func (k neon) reset(signature string, constants []uint64) {
	k.code, k.params, k.table, k.kept, k.used = nil, map[string]int{}, nil, map[uint64]*register{}, map[uint64]int{}
	names, kinds := arguments(signature)
	offset := 0
	for i, name := range names {
		size := 8
		if kinds[i] == "float32" {
			size = 4
		}
		offset = (offset + size - 1) / size * size
		k.params[name] = offset
		offset += size
	}
	k.params[""] = offset
	for _, c := range constants {
		k.kept[c] = k.constant(c)
	}
	clear(k.used)
}

// arguments returns the names and the types of the parameters of a function without results.
func arguments(signature string) (names, kinds []string) {
	expr, err := parser.ParseExpr("func" + strings.TrimPrefix(signature, "func"))
	if err != nil {
		panic(err)
	}
	for _, field := range expr.(*ast.FuncType).Params.List {
		for _, name := range field.Names {
			names, kinds = append(names, name.Name), append(kinds, types.ExprString(field.Type))
		}
	}
	return names, kinds
}

// number gives each register a number that no other has from its first to its last use.
func (k neon) number() error {
	labels := map[string]int{}
	for i, in := range k.code {
		if in.label != "" {
			labels[in.label] = i
		}
		for _, r := range in.regs {
			r.first, r.last = -1, -1
		}
	}
	var all []*register
	for i, in := range k.code {
		for _, r := range in.regs {
			if r.first < 0 {
				r.first = i
				all = append(all, r)
			}
			r.last = i
		}
	}
	// What a loop uses and what was set before it stays until the loop ends.
	for changed := true; changed; {
		changed = false
		for i, in := range k.code {
			start, ok := labels[in.target]
			if !ok || start > i {
				continue
			}
			for _, r := range all {
				if r.first < start && r.last >= start && r.last < i {
					r.last, changed = i, true
				}
			}
		}
	}
	free := map[bool][]int{true: slices.Clone(vectorNumbers), false: slices.Clone(generalNumbers)}
	var live []*register
	for i, in := range k.code {
		live = slices.DeleteFunc(live, func(r *register) bool {
			if r.last > i {
				return false
			}
			free[r.vector] = append(free[r.vector], r.number)
			return true
		})
		slices.Sort(free[true])
		slices.Sort(free[false])
		for _, r := range in.regs {
			if r.first != i || slices.Contains(live, r) {
				continue
			}
			pool := free[r.vector]
			if len(pool) == 0 {
				return errRegisters
			}
			at := 0
			if in.to == r {
				at = max(0, slices.Index(pool, in.from.number))
			}
			r.number = pool[at]
			free[r.vector] = slices.Delete(pool, at, at+1)
			live = append(live, r)
		}
	}
	return nil
}

// emit writes an instruction in the Go assembler's words. Registers among the arguments may still lack their numbers.
func (k neon) emit(format string, args ...any) {
	in := instruction{text: func() string { return fmt.Sprintf(format, args...) }}
	for _, a := range args {
		switch r := a.(type) {
		case *register:
			in.regs = append(in.regs, r)
		case scalar:
			in.regs = append(in.regs, r.register)
		}
	}
	k.code = append(k.code, in)
}

func (k neon) label(name string) { k.code = append(k.code, instruction{label: name}) }

// branch writes an instruction whose last operand is a label.
func (k neon) branch(name, target string, args ...any) {
	k.emit(name+strings.Repeat(" %v,", len(args))+" "+target, args...)
	k.code[len(k.code)-1].target = target
}

func (k neon) size() int    { return k.bits / 8 }
func (k neon) lanes() int   { return 16 / k.size() }
func (k neon) elem() string { return fmt.Sprintf("float%d", k.bits) }

// scalarMove is the instruction that loads or stores one element.
func (k neon) scalarMove() string { return map[int]string{32: "FMOVS", 64: "FMOVD"}[k.bits] }

// arrangement is how the Go assembler calls a vector of elements.
func (k neon) arrangement() string { return map[int]string{32: "S4", 64: "D2"}[k.bits] }

func (k neon) vector() *register  { return &register{vector: true} }
func (k neon) general() *register { return &register{} }

// param returns where a parameter is.
func (k neon) param(name string) string { return fmt.Sprintf("%s+%d(FP)", name, k.params[name]) }

// load loads a parameter into a general register.
func (k neon) load(param string) *register {
	r := k.general()
	k.emit("MOVD "+k.param(param)+", %v", r)
	return r
}

// stride loads a parameter that counts elements and turns it into bytes.
func (k neon) stride(param string) *register {
	r := k.load(param)
	k.emit("LSL $%d, %v, %v", map[int]int{32: 2, 64: 3}[k.bits], r, r)
	return r
}

// broadcast fills a vector with a parameter of the element type.
func (k neon) broadcast(param string) *register {
	v := k.vector()
	k.emit(k.scalarMove()+" "+k.param(param)+", %v", scalar{v})
	k.emit("VDUP %v."+k.arrangement()[:1]+"[0], %v."+k.arrangement(), v, v)
	return v
}

// zero returns a vector of zeros.
func (k neon) zero() *register {
	v := k.vector()
	k.emit("VMOVI $0, %v.B16", v)
	return v
}

// copy returns a register with what is in v; the same one, if v is not used any more.
func (k neon) copy(v *register) *register {
	c := k.vector()
	k.emit("VMOV %v.B16, %v.B16", v, c)
	in := &k.code[len(k.code)-1]
	in.to, in.from = c, v
	return c
}

// constant returns a register with a constant in both halves.
func (k neon) constant(bits uint64) *register {
	k.used[bits]++
	if r := k.kept[bits]; r != nil {
		return r
	}
	if k.table == nil {
		k.table = k.general()
		k.emit("MOVD $constants<>(SB), %v", k.table)
	}
	at := slices.Index(k.constants, bits)
	if at < 0 {
		at = len(k.constants)
		k.constants = append(k.constants, bits)
	}
	v := k.vector()
	k.emit("FMOVQ %d(%v), %v", 16*at, k.table, scalar{v})
	return v
}

// tableText returns the data of the table of constants.
func (k neon) tableText() string {
	if len(k.constants) == 0 {
		return ""
	}
	text := "\n"
	for i, c := range k.constants {
		text += fmt.Sprintf("DATA constants<>+%d(SB)/8, $%#016x\nDATA constants<>+%d(SB)/8, $%#016x\n", 16*i, c, 16*i+8, c)
	}
	return text + fmt.Sprintf("GLOBL constants<>(SB), RODATA|NOPTR, $%d\n", 16*len(k.constants))
}

// encodings are the vector instructions that the Go assembler lacks, with 0 for all registers, and what the manual calls them. The
// elements T are of 32 bits unless bit 22 is set.
var encodings = map[string]struct {
	code     uint32
	operands string
}{
	"FADD":   {0x4e20d400, "Vd.T, Vn.T, Vm.T"},
	"FADDP":  {0x6e20d400, "Vd.T, Vn.T, Vm.T"},
	"FSUB":   {0x4ea0d400, "Vd.T, Vn.T, Vm.T"},
	"FMUL":   {0x6e20dc00, "Vd.T, Vn.T, Vm.T"},
	"FDIV":   {0x6e20fc00, "Vd.T, Vn.T, Vm.T"},
	"FMAX":   {0x4e20f400, "Vd.T, Vn.T, Vm.T"},
	"FMIN":   {0x4ea0f400, "Vd.T, Vn.T, Vm.T"},
	"FSQRT":  {0x6ea1f800, "Vd.T, Vn.T"},
	"FCMEQ":  {0x4e20e400, "Vd.T, Vn.T, Vm.T"},
	"FCMGE":  {0x6e20e400, "Vd.T, Vn.T, Vm.T"},
	"FCMGT":  {0x6ea0e400, "Vd.T, Vn.T, Vm.T"},
	"FCMGT0": {0x4ea0c800, "Vd.T, Vn.T, #0.0"},
	"FCMLT0": {0x4ea0e800, "Vd.T, Vn.T, #0.0"},
	"FMLA0":  {0x4f801000, "Vd.T, Vn.T, Vm.E[0]"},
	"FCVTNS": {0x4e21a800, "Vd.T, Vn.T"},
	"FCVTL":  {0x0e617800, "Vd.2D, Vn.2S"},
	"FCVTL2": {0x4e617800, "Vd.2D, Vn.4S"},
	"FCVTN":  {0x0e616800, "Vd.2S, Vn.2D"},
	"FCVTN2": {0x4e616800, "Vd.4S, Vn.2D"},
	"SSHR1":  {0x4f7f0400, "Vd.2D, Vn.2D, #1"},
	"BIC":    {0x4e601c00, "Vd.16B, Vn.16B, Vm.16B"},
	"NOT":    {0x6e205800, "Vd.16B, Vn.16B"},
}

// op emits an instruction of the table with the destination d, which some of them read as well, and returns d.
func (k neon) op(name string, d *register, sources ...*register) *register {
	e, ok := encodings[name]
	if !ok {
		panic("no instruction " + name)
	}
	code, size, element := e.code, "4S", "S"
	if k.bits == 64 && strings.Contains(e.operands, ".T") {
		code, size, element = code|1<<22, "2D", "D"
	}
	regs := append([]*register{d}, sources...)
	k.code = append(k.code, instruction{regs: regs, text: func() string {
		code, operands := code, strings.NewReplacer(".T", "."+size, ".E", "."+element).Replace(e.operands)
		for i, r := range regs {
			code |= uint32(r.number) << []int{0, 5, 16}[i]
			operands = strings.Replace(operands, []string{"Vd", "Vn", "Vm"}[i], r.String(), 1)
		}
		return fmt.Sprintf("WORD $%#08x // %s %s", code, strings.TrimRight(name, "01"), operands)
	}})
	return d
}
