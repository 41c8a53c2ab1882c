// Learn trains models from their recipes and prints how well they learned: a table to hold against the entropy of
// the target, below which no negative log-likelihood can be, and against the reference.
//
//	go run ./nfkit/internal/learn            # all recipes
//	go run ./nfkit/internal/learn tutorial   # one
package main

import (
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
)

// recipe is a model, its training, and what to print of it.
type recipe struct {
	name  string
	print func() error
}

var recipes = []recipe{
	{"tutorial", tutorial},
}

func main() {
	log.SetFlags(0)
	var names []string
	for _, r := range recipes {
		names = append(names, r.name)
	}
	for _, a := range os.Args[1:] {
		if !slices.Contains(names, a) {
			log.Fatalf("learn: there is no recipe %q; recipes: %s", a, strings.Join(names, ", "))
		}
	}
	for _, r := range recipes {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], r.name) {
			continue
		}
		if err := r.print(); err != nil {
			log.Fatalf("learn: %s: %v", r.name, err)
		}
		fmt.Println()
	}
}
