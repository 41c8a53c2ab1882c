package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

const (
	maxBody    = 8 << 20 // bytes of a request
	maxSamples = 100_000 // of a request
	block      = 4096    // rows that are evaluated before it is asked whether the client still waits
)

// server answers with a model, which can be replaced at any time. A request is answered by one model from its beginning to its end.
type server struct {
	file   string
	active atomic.Pointer[version]
}

// version is a model and how many were loaded up to it.
type version struct {
	model  *nf.NormalizingFlow
	number int
}

// newServer returns a server of the model in the file, whose architecture is that of model.
func newServer(file string, model *nf.NormalizingFlow) (*server, error) {
	if err := nf.Load(file, model); err != nil {
		return nil, err
	}
	s := &server{file: file}
	s.active.Store(&version{model, 1})
	return s, nil
}

// reload reads the file again and serves what is in it. After an error, which says what is wrong with the file, the model stays. It must not be called by
// two goroutines at a time.
func (s *server) reload() error {
	v := s.active.Load()
	next := v.model.Clone()
	if err := nf.Load(s.file, next); err != nil {
		return err
	}
	s.active.Store(&version{next, v.number + 1})
	return nil
}

// handler returns what answers requests:
//
//	POST /logprob  {"rows": [[…], …]}         {"log_prob": […], "model": 1}
//	POST /sample   {"n": 10, "seed": 1}       {"rows": [[…], …], "model": 1}
//	GET  /healthz                             {"columns": 8, "model": 1}
//
// A number that JSON cannot have is a string: "-Inf", where the density is 0, or "NaN". Without a seed, samples are others each time. Errors are lines of text.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /logprob", s.logProb)
	mux.HandleFunc("POST /sample", s.sample)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		v := s.active.Load()
		reply(w, fmt.Appendf(nil, `{"columns": %d, "model": %d}`, v.model.Dim(), v.number))
	})
	return mux
}

func (s *server) logProb(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Rows [][]float64 `json:"rows"`
	}
	if !read(w, r, &request) {
		return
	}
	v := s.active.Load()
	n, d := len(request.Rows), v.model.Dim()
	data := make([]float64, 0, n*d)
	for i, row := range request.Rows {
		if len(row) != d {
			http.Error(w, fmt.Sprintf("row %d has %d numbers, want %d", i, len(row), d), http.StatusBadRequest)
			return
		}
		data = append(data, row...)
	}
	b := []byte(`{"log_prob": [`)
	for from := 0; from < n; from += block {
		if r.Context().Err() != nil { // nobody waits for the answer
			return
		}
		to := min(from+block, n)
		b = appendRow(b, v.model.LogProb(mat.NewDense(to-from, d, data[from*d:to*d])), from > 0)
	}
	reply(w, fmt.Appendf(b, `], "model": %d}`, v.number))
}

func (s *server) sample(w http.ResponseWriter, r *http.Request) {
	var request struct {
		N    int     `json:"n"`
		Seed *uint64 `json:"seed"`
	}
	if !read(w, r, &request) {
		return
	}
	if request.N < 0 || request.N > maxSamples {
		http.Error(w, fmt.Sprintf("n is %d, want 0 to %d", request.N, maxSamples), http.StatusBadRequest)
		return
	}
	seed := rand.Uint64()
	if request.Seed != nil {
		seed = *request.Seed
	}
	v, src := s.active.Load(), rand.NewPCG(seed, 0)
	b := []byte(`{"rows": [`)
	for from := 0; from < request.N; from += block {
		if r.Context().Err() != nil {
			return
		}
		x := v.model.Sample(min(block, request.N-from), src)
		n, _ := x.Dims()
		for i := range n {
			if from+i > 0 {
				b = append(b, ", "...)
			}
			b = append(appendRow(append(b, '['), x.RawRowView(i), false), ']')
		}
	}
	reply(w, fmt.Appendf(b, `], "model": %d}`, v.number))
}

// read reads the body into what request points to, or answers what is wrong with it and returns false.
func read(w http.ResponseWriter, r *http.Request, request any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(request)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return true
		}
		err = errors.Join(errors.New("there is more than one value"), err)
	}
	status := http.StatusBadRequest
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, "the request: "+err.Error(), status)
	return false
}

// appendRow appends numbers to JSON, behind a comma if they go on.
func appendRow(b []byte, row []float64, goesOn bool) []byte {
	for j, v := range row {
		if j > 0 || goesOn {
			b = append(b, ", "...)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = strconv.AppendQuote(b, strconv.FormatFloat(v, 'g', -1, 64))
		} else {
			b = strconv.AppendFloat(b, v, 'g', -1, 64)
		}
	}
	return b
}

func reply(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(b) // a client that has gone needs no answer
}
