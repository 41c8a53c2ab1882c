// Command _asm generates the assembly of package kernel and the Go declarations that go with it. Run it through
// go generate in the folder of the package: it writes to the parent of its own folder.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	for name, emit := range map[string]func(*build.Context){
		"panel":   panels,
		"pack":    packs,
		"dots":    dots,
		"adam":    adam,
		"arith":   arith,
		"math":    mathFunctions,
		"muladds": mulAdds,
	} {
		if err := generate(name, emit); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// generate writes NAME_amd64.s and its declarations, NAME_asm_amd64.go.
func generate(name string, emit func(*build.Context)) error {
	ctx := build.NewContext()
	ctx.ConstraintExpr("amd64,!purego")
	emit(ctx)
	file, err := ctx.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	cfg := printer.Config{Name: "go generate from _asm/" + name + ".go", Pkg: "kernel"}
	for path, p := range map[string]printer.Printer{
		name + "_amd64.s":      printer.NewGoAsm(cfg),
		name + "_asm_amd64.go": printer.NewStubs(cfg),
	} {
		text, err := p.Print(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join("..", path), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
