package simulators

import (
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
)

// observed is the file of each task: ten lines of the parameters, then the data. Source and licence are beside them.
//
//go:embed data
var observed embed.FS

// observation implements Observation.
func observation(t Task, k int) (theta, x []float64) {
	file, err := observed.Open("data/" + t.Name() + ".csv")
	if err != nil {
		panic("simulators: " + err.Error()) // it is part of the program
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		panic("simulators: " + err.Error())
	}
	if k < 1 || k > len(lines) {
		panic(fmt.Sprintf("simulators: %T.Observation: got number %d, want 1 to %d", t, k, len(lines)))
	}
	numbers := make([]float64, len(lines[k-1]))
	for i, s := range lines[k-1] {
		if numbers[i], err = strconv.ParseFloat(s, 64); err != nil {
			panic("simulators: " + err.Error())
		}
	}
	d := t.Prior().Dim()
	return numbers[:d:d], numbers[d:]
}
