package main

import (
	"fmt"
	"math"
	"strings"
)

// arithNEON writes the loops of arith.go as arith does: pairs of vectors first, then the rest one element at a time, in a vector too.
func arithNEON(k neon) {
	for _, k.bits = range []int{32, 64} {
		for _, op := range []string{"Add", "Sub", "Mul", "Div"} {
			k.eachElement(strings.ToLower(op), "a b", "", func(v map[string]pair) pair {
				return k.each("F"+strings.ToUpper(op), v["a"], v["b"])
			})
		}
		k.eachElement("mulAcc", "dst a b", "", func(v map[string]pair) pair {
			return k.each("FADD", v["dst"], k.each("FMUL", v["a"], v["b"]))
		})
		k.eachElement("axpy", "dst x", "alpha", func(v map[string]pair) pair {
			return k.each("FADD", v["dst"], k.each("FMUL", v["x"], v["alpha"]))
		})
		k.eachElement("scale", "x", "alpha", func(v map[string]pair) pair {
			return k.each("FMUL", v["x"], v["alpha"])
		})
		k.eachElement("leakyReLU", "x", "slope", func(v map[string]pair) pair {
			return k.choose(k.each("FCMGT0", v["x"]), v["x"], k.each("FMUL", v["x"], v["slope"]))
		})
		k.eachElement("leakyGrad", "dst y", "slope", func(v map[string]pair) pair {
			return k.choose(k.each("FCMGT0", v["y"]), v["dst"], k.each("FMUL", v["dst"], v["slope"]))
		})
		k.eachElement("tanhGrad", "dst y", "one", func(v map[string]pair) pair { // 1 − y²
			return k.each("FMUL", v["dst"], k.each("FSUB", v["one"], k.each("FMUL", v["y"], v["y"])))
		})
		k.eachElement("sigmoidGrad", "dst y", "one", func(v map[string]pair) pair { // y·(1 − y)
			return k.each("FMUL", v["dst"], k.each("FMUL", v["y"], k.each("FSUB", v["one"], v["y"])))
		})
		k.eachElement("eluGrad", "dst y", "one", func(v map[string]pair) pair { // 1 where y > 0, else y + 1
			scaled := k.each("FMUL", v["dst"], k.each("FADD", v["y"], v["one"]))
			return k.choose(k.each("FCMGT0", v["y"]), v["dst"], scaled)
		})
		k.leakyGradSums()
		k.laneSums("sum", "x", func(v []*register) *register { return v[0] })
		k.laneSums("dot", "a b", func(v []*register) *register { return k.op("FMUL", k.vector(), v[0], v[1]) })
	}
	convert32NEON(k)
	scaleConvert64NEON(k)
}

// one returns a vector of ones.
func (k neon) one() *register {
	if k.bits == 32 {
		one := uint64(math.Float32bits(1))
		return k.constant(one<<32 | one)
	}
	return k.constant(math.Float64bits(1))
}

// eachElement writes a loop that stores in dst what body makes of the elements of the inputs, a list of names which may contain dst.
// The scalar is a parameter that body finds in all lanes, or "one".
func (k neon) eachElement(name, inputs, scalarName string, body func(v map[string]pair) pair) {
	asm := fmt.Sprintf("%s%d", name, k.bits)
	signature := fmt.Sprintf("func(dst *%s, n int", k.elem())
	for _, in := range strings.Fields(inputs) {
		if in != "dst" {
			signature += fmt.Sprintf(", %s *%s", in, k.elem())
		}
	}
	if scalarName != "" && scalarName != "one" {
		signature += fmt.Sprintf(", %s %s", scalarName, k.elem())
	}
	k.function(asm, signature+")", fmt.Sprintf("%s is %s for n elements.", asm, name), func() {
		pointers := map[string]*register{"dst": k.load("dst")}
		n := k.load("n")
		for _, in := range strings.Fields(inputs) {
			if in != "dst" {
				pointers[in] = k.load(in)
			}
		}
		var constant *register
		switch scalarName {
		case "":
		case "one":
			constant = k.one()
		default:
			constant = k.broadcast(scalarName)
		}
		// Loads and stores move their pointer on, but for the load of a dst that is stored yet.
		pass := func(label string, step, registers int, load func(p *register, v pair, keep bool), store func(v pair)) {
			k.label(label)
			k.emit("SUBS $%d, %v", step, n)
			k.branch("BLT", label+"End")
			v := map[string]pair{scalarName: pair{constant, constant}[:registers]}
			for _, in := range strings.Fields(inputs) {
				r := pair{k.vector(), k.vector()}[:registers]
				load(pointers[in], r, in == "dst")
				v[in] = r
			}
			store(body(v))
			k.branch("JMP", label)
			k.label(label + "End")
			k.emit("ADD $%d, %v", step, n)
		}
		pass("vectors", 2*k.lanes(), 2, func(p *register, v pair, keep bool) {
			if keep {
				k.emit("FLDPQ (%v), (%v, %v)", p, scalar{v[0]}, scalar{v[1]})
			} else {
				k.emit("FLDPQ.P 32(%v), (%v, %v)", p, scalar{v[0]}, scalar{v[1]})
			}
		}, func(v pair) { k.storePair(v, pointers["dst"]) })
		pass("rest", 1, 1, func(p *register, v pair, keep bool) {
			if keep {
				k.emit(k.scalarMove()+" (%v), %v", p, scalar{v[0]})
			} else {
				k.emit(k.scalarMove()+".P %d(%v), %v", k.size(), p, scalar{v[0]})
			}
		}, func(v pair) { k.emit(k.scalarMove()+".P %v, %d(%v)", scalar{v[0]}, k.size(), pointers["dst"]) })
	})
}

// laneSums writes a function that adds the terms of whole blocks of 16 elements to 16 sums.
func (k neon) laneSums(name, inputs string, body func(v []*register) *register) {
	asm := fmt.Sprintf("%s%d", name, k.bits)
	names := strings.Fields(inputs)
	k.function(asm, fmt.Sprintf("func(sums *[16]%[1]s, blocks int, %[2]s *%[1]s)", k.elem(), strings.Join(names, ", ")),
		fmt.Sprintf("%s stores in sums the sixteen partial sums of %s over whole blocks of sixteen elements.", asm, name), func() {
			dst, blocks := k.load("sums"), k.load("blocks")
			var pointers []*register
			for _, in := range names {
				pointers = append(pointers, k.load(in))
			}
			sums := make([]pair, 8/k.lanes())
			for s := range sums {
				sums[s] = pair{k.zero(), k.zero()}
			}
			k.label("block")
			k.emit("SUBS $1, %v", blocks)
			k.branch("BLT", "end")
			for _, sum := range sums {
				var v []pair
				for _, p := range pointers {
					v = append(v, k.loadPair(p))
				}
				for half := range sum {
					var terms []*register
					for _, t := range v {
						terms = append(terms, t[half])
					}
					k.op("FADD", sum[half], sum[half], body(terms))
				}
			}
			k.branch("JMP", "block")
			k.label("end")
			for _, sum := range sums {
				k.storePair(sum, dst)
			}
		})
}

// leakyGradSums writes a function that does leakyGrad to eight vectors of columns, and adds up the columns in the same pass.
func (k neon) leakyGradSums() {
	asm := fmt.Sprintf("leakyGradSums%d", k.bits)
	k.function(asm, fmt.Sprintf("func(sums, dy *%[1]s, rows, stride int, y *%[1]s, slope %[1]s)", k.elem()),
		fmt.Sprintf("%s is leakyGradSums for %d columns of rows that are stride apart.", asm, 8*k.lanes()), func() {
			dst, dy, y, rows := k.load("sums"), k.load("dy"), k.load("y"), k.load("rows")
			stride, slope := k.stride("stride"), k.broadcast("slope")
			gap := k.general() // from the end of the columns to the next row
			k.emit("SUB $128, %v, %v", stride, gap)
			var sums [4]pair
			for c := range sums {
				sums[c] = pair{k.vector(), k.vector()}
				k.emit("FLDPQ %d(%v), (%v, %v)", 32*c, dst, scalar{sums[c][0]}, scalar{sums[c][1]})
			}
			k.label("row")
			k.emit("SUBS $1, %v", rows)
			k.branch("BLT", "end")
			for _, sum := range sums {
				g := pair{k.vector(), k.vector()}
				k.emit("FLDPQ (%v), (%v, %v)", dy, scalar{g[0]}, scalar{g[1]})
				g = k.choose(k.each("FCMGT0", k.loadPair(y)), g, k.each("FMUL", g, pair{slope, slope}))
				k.storePair(g, dy)
				for half := range sum {
					k.op("FADD", sum[half], sum[half], g[half])
				}
			}
			k.emit("ADD %v, %v", gap, dy)
			k.emit("ADD %v, %v", gap, y)
			k.branch("JMP", "row")
			k.label("end")
			for _, sum := range sums {
				k.storePair(sum, dst)
			}
		})
}

func convert32NEON(k neon) {
	k.function("convert32", "func(dst *float32, n int, src *float64)", "convert32 is Convert32 for n elements, a multiple of 4.", func() {
		dst, n, src := k.load("dst"), k.load("n"), k.load("src")
		k.label("loop")
		k.emit("SUBS $4, %v", n)
		k.branch("BLT", "end")
		k.emit("FMOVQ.P %v, 16(%v)", scalar{k.narrow(k.loadPair(src))}, dst)
		k.branch("JMP", "loop")
		k.label("end")
	})
}

func scaleConvert64NEON(k neon) {
	k.bits = 64
	k.function("scaleConvert64", "func(dst *float64, n int, src *float32, alpha float64)",
		"scaleConvert64 is ScaleConvert64 for n elements, a multiple of 4.", func() {
			dst, n, src, alpha := k.load("dst"), k.load("n"), k.load("src"), k.broadcast("alpha")
			k.label("loop")
			k.emit("SUBS $4, %v", n)
			k.branch("BLT", "end")
			single := k.vector()
			k.emit("FMOVQ.P 16(%v), %v", src, scalar{single})
			k.storePair(k.each("FMUL", k.widen(single), pair{alpha, alpha}), dst)
			k.branch("JMP", "loop")
			k.label("end")
		})
}
