//go:build js

// Command flow runs in a browser, in the worker of the page, as WebAssembly. It gives the worker an object flow with what the page needs.
package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"syscall/js"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/notebooks/browser/live"
)

func main() {
	var s session
	names := []any{}
	for _, pick := range live.Picks() {
		names = append(names, pick.Name)
	}
	js.Global().Set("flow", map[string]any{
		"picks": names, "layers": live.Layers, "view": live.View, "brush": live.Brush,
		"pick": function(s.pick), "draw": function(s.draw),
		"train": function(s.train), "data": function(s.points), "picture": function(s.picture), "path": function(s.path),
	})
	js.Global().Call("flowReady")
	select {} // functions are called from now on
}

func function(f func(args []js.Value) any) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any { return f(args) })
}

// session is the lesson of the page.
type session struct {
	data   nf.Sampler
	lesson *live.Lesson
}

// pick begins a lesson with the density of the given number. It returns the density's entropy.
func (s *session) pick(args []js.Value) any {
	data := live.Picks()[args[0].Int()].Data()
	s.data, s.lesson = data, nil
	return data.Entropy()
}

// draw goes on with the strokes of an array of arrays, or begins with them if the second argument is true. It returns whether there is paint.
func (s *session) draw(args []js.Value) any {
	strokes := make([][]float64, args[0].Length())
	for i := range strokes {
		stroke := args[0].Index(i)
		for k := range stroke.Length() {
			strokes[i] = append(strokes[i], stroke.Index(k).Float())
		}
	}
	drawing := live.NewDrawing(strokes)
	if drawing == nil {
		s.data, s.lesson = nil, nil
		return false
	}
	s.data = drawing
	if args[1].Bool() {
		s.lesson = nil
	}
	if s.lesson != nil {
		s.lesson.Learn(drawing)
	}
	return true
}

func (s *session) current() *live.Lesson {
	if s.lesson == nil {
		s.lesson = live.NewLesson(s.data, rand.NewPCG(1, 2))
	}
	return s.lesson
}

// train takes steps. It returns their losses, or an error's text.
func (s *session) train(args []js.Value) any {
	losses, err := s.current().Train(args[0].Int())
	if err != nil {
		return err.Error()
	}
	return array(losses)
}

// points returns points of the data.
func (s *session) points(args []js.Value) any {
	return array(s.data.Sample(args[0].Int(), rand.NewPCG(3, 4)).RawMatrix().Data)
}

// picture returns a picture of the density, of the given number of cells in each direction.
func (s *session) picture(args []js.Value) any { return array(s.current().Picture(args[0].Int())) }

// path returns where each layer takes points, one place after the other.
func (s *session) path(args []js.Value) any {
	var all []float64
	for _, x := range s.current().Path(args[0].Int()) {
		all = append(all, x.RawMatrix().Data...)
	}
	return array(all)
}

// array returns the numbers as a Float32Array.
func array(v []float64) js.Value {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
	}
	bytes := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(bytes, b)
	return js.Global().Get("Float32Array").New(bytes.Get("buffer"))
}
