package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitter writes instructions for one element type and one vector length.
type emitter struct {
	*build.Context
	bits int // of an element: 32 or 64
	wide int // bytes of a vector: 32 or 64; with 16 it holds a single element
}

func (e emitter) size() int  { return e.bits / 8 }
func (e emitter) lanes() int { return e.wide / e.size() }
func (e emitter) elem() string {
	return fmt.Sprintf("float%d", e.bits)
}

// vec returns a new vector register.
func (e emitter) vec() reg.VecVirtual {
	switch e.wide {
	case 64:
		return e.ZMM()
	case 32:
		return e.YMM()
	}
	return e.XMM()
}

// move loads or stores a vector.
func (e emitter) move(from, to operand.Op) {
	if e.wide == 16 {
		e.s("VMOV", from, to)
	} else {
		e.p("VMOVU", from, to)
	}
}

// p emits the packed form of an instruction for the element type: p("VADD") is VADDPS or VADDPD, and p("VMOVU_Z")
// is VMOVUPS.Z or VMOVUPD.Z.
func (e emitter) p(name string, ops ...operand.Op) {
	name, zeroing := strings.CutSuffix(name, "_Z")
	name += map[int]string{32: "PS", 64: "PD"}[e.bits]
	if zeroing {
		name += "_Z"
	}
	e.emit(name, ops)
}

// s emits the scalar form: s("VADD") is VADDSS or VADDSD.
func (e emitter) s(name string, ops ...operand.Op) {
	e.emit(name+map[int]string{32: "SS", 64: "SD"}[e.bits], ops)
}

func (e emitter) emit(name string, ops []operand.Op) {
	method := reflect.ValueOf(e.Context).MethodByName(name)
	if !method.IsValid() {
		panic("no instruction " + name)
	}
	args := make([]reflect.Value, len(ops))
	for i, op := range ops {
		args[i] = reflect.ValueOf(op)
	}
	method.Call(args)
}

// broadcast fills a new vector with a parameter of the element type.
func (e emitter) broadcast(param string) reg.VecVirtual {
	v := e.vec()
	addr, err := e.Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	e.s("VBROADCAST", addr.Addr, v)
	return v
}

// zero returns a vector of zeros.
func (e emitter) zero() reg.VecVirtual {
	v := e.vec()
	if e.wide == 64 {
		e.VPXORQ(v, v, v)
	} else {
		e.VPXOR(v, v, v)
	}
	return v
}

// load loads a parameter into a general register.
func (e emitter) load(param string) reg.GPVirtual {
	r := e.GP64()
	e.Load(e.Param(param), r)
	return r
}

// stride loads a parameter that counts elements and turns it into bytes.
func (e emitter) stride(param string) reg.GPVirtual {
	r := e.load(param)
	e.SHLQ(operand.Imm(map[int]uint64{32: 2, 64: 3}[e.bits]), r)
	return r
}
