package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// perturbed returns a model whose parameters are not those of the identity, and are others for each seed.
func perturbed(seed uint64) *nf.NormalizingFlow {
	m, r := newModel(), rand.New(rand.NewPCG(seed, 0))
	for _, p := range m.Params() {
		for i := range p.Data {
			p.Data[i] += 0.1 * r.NormFloat64()
		}
		p.Changed()
	}
	return m
}

// start serves the model that perturbed makes of the seed.
func start(t testing.TB, seed uint64) (*server, *httptest.Server) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "model.safetensors")
	if err := nf.Save(file, perturbed(seed)); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(file, newModel())
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.handler())
	t.Cleanup(h.Close)
	return s, h
}

func post(t testing.TB, address, body string) (int, string) {
	t.Helper()
	response, err := http.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

// rowsOf returns rows as JSON.
func rowsOf(x *mat.Dense) string {
	var rows [][]float64
	n, _ := x.Dims()
	for i := range n {
		rows = append(rows, x.RawRowView(i))
	}
	b, err := json.Marshal(map[string]any{"rows": rows})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Densities and samples are those of the model, to the last bit, with any number of rows.
func TestAnswers(t *testing.T) {
	_, h := start(t, 1)
	model := perturbed(1)
	for _, n := range []int{0, 1, 3, block + 1} {
		status, body := post(t, h.URL+"/sample", fmt.Sprintf(`{"n": %d, "seed": 5}`, n))
		var samples struct {
			Rows  [][]float64
			Model int
		}
		if err := json.Unmarshal([]byte(body), &samples); err != nil || status != http.StatusOK || len(samples.Rows) != n || samples.Model != 1 {
			t.Fatalf("%d samples: %d %.100s (%v)", n, status, body, err)
		}
		if n == 0 {
			if status, body := post(t, h.URL+"/logprob", `{"rows": []}`); status != http.StatusOK || body != `{"log_prob": [], "model": 1}` {
				t.Errorf("no row: %d %s", status, body)
			}
			continue
		}
		x := mat.NewDense(n, columns, nil)
		for i, row := range samples.Rows {
			x.SetRow(i, row)
		}
		if n <= block && !mat.Equal(x, model.Sample(n, rand.NewPCG(5, 0))) {
			t.Errorf("%d samples are not those of the model", n)
		}
		status, body = post(t, h.URL+"/logprob", rowsOf(x))
		var answer struct {
			LogProb []float64 `json:"log_prob"`
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || len(answer.LogProb) != n {
			t.Fatalf("%d rows: %d %.100s (%v)", n, status, body, err)
		}
		for i, want := range model.LogProb(x) {
			if answer.LogProb[i] != want {
				t.Fatalf("%d rows: row %d has log-density %v, want %v", n, i, answer.LogProb[i], want)
			}
		}
	}
	far := `{"rows": [[1e200, 0, 0, 0, 0, 0, 0, 0]]}` // the square overflows
	if _, body := post(t, h.URL+"/logprob", far); body != `{"log_prob": ["-Inf"], "model": 1}` {
		t.Errorf("a row far away: %s", body)
	}
}

// What is wrong with a request is said, and the next one is answered.
func TestRefuses(t *testing.T) {
	_, h := start(t, 1)
	for _, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/logprob", `{"rows": [[1, 2]]}`, 400, "row 0 has 2 numbers, want 8"},
		{"/logprob", `{"rows": [[1, 2, 3, 4, 5, 6, 7, "8"]]}`, 400, "string"},
		{"/logprob", `{"rows": [[1e999]]}`, 400, "1e999"},
		{"/logprob", `{"row": []}`, 400, `unknown field "row"`},
		{"/logprob", `{"rows": []} {}`, 400, "more than one value"},
		{"/logprob", ``, 400, "EOF"},
		{"/logprob", `{"rows": [[` + strings.Repeat("1,", maxBody/2) + `1]]}`, 413, "too large"},
		{"/sample", `{"n": -1}`, 400, "n is -1, want 0 to 100000"},
		{"/sample", `{"n": 100001}`, 400, "n is 100001"},
		{"/sample", `{"n": 1, "seed": -1}`, 400, "seed"},
		{"/healthz", `{}`, 405, "Method Not Allowed"},
		{"/model", `{}`, 404, "not found"},
	} {
		if status, body := post(t, h.URL+c.path, c.body); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s with %.50s: %d %s, want %d and a text with %q", c.path, c.body, status, body, c.status, c.says)
		}
	}
	if status, _ := post(t, h.URL+"/sample", `{"n": 1}`); status != http.StatusOK {
		t.Errorf("after requests that were refused: %d", status)
	}
}

// While requests are answered the model is replaced: each answer is that of one of the two, and the one that it names. A file that is
// no model changes nothing.
func TestReload(t *testing.T) {
	s, h := start(t, 1)
	x := perturbed(1).Sample(20, rand.NewPCG(1, 2))
	body := rowsOf(x)
	var want [2]string
	for k := range want {
		numbers := appendRow(nil, perturbed(uint64(k+1)).LogProb(x), false)
		want[k] = fmt.Sprintf(`{"log_prob": [%s], "model": %d}`, numbers, k+1)
	}
	first, done := make(chan struct{}), make(chan struct{})
	var once, wait sync.WaitGroup
	once.Add(3)
	for range 3 {
		wait.Go(func() {
			for k := 0; ; k++ {
				_, got := post(t, h.URL+"/logprob", body)
				if got != want[0] && got != want[1] {
					t.Errorf("an answer of neither model: %.100s", got)
				}
				if k == 0 {
					once.Done()
				}
				select {
				case <-done:
					if k > 0 && got != want[1] {
						if _, got := post(t, h.URL+"/logprob", body); got != want[1] {
							t.Errorf("after the change an answer of the model before: %.100s", got)
						}
					}
					return
				default:
				}
			}
		})
	}
	go func() {
		once.Wait()
		close(first)
	}()
	<-first // each of them has had an answer
	if err := os.WriteFile(s.file, []byte("no model"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.reload(); err == nil || s.active.Load().number != 1 {
		t.Errorf("a broken file: %v, and model %d, want an error and model 1", err, s.active.Load().number)
	}
	if _, got := post(t, h.URL+"/logprob", body); got != want[0] {
		t.Errorf("after a broken file: %.100s", got)
	}
	if err := nf.Save(s.file, perturbed(2)); err != nil {
		t.Fatal(err)
	}
	if err := s.reload(); err != nil {
		t.Fatal(err)
	}
	close(done)
	wait.Wait()
	if response, err := http.Get(h.URL + "/healthz"); err != nil {
		t.Error(err)
	} else if b, _ := io.ReadAll(response.Body); string(b) != `{"columns": 8, "model": 2}` {
		t.Errorf("health: %s", b)
	}
}

// A client that has gone is not computed for.
func TestCancelled(t *testing.T) {
	s, _ := start(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range [][2]string{{"/sample", `{"n": 100000}`}, {"/logprob", rowsOf(mat.NewDense(1, columns, nil))}} {
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, c[0], strings.NewReader(c[1])))
		if w.Body.Len() != 0 {
			t.Errorf("%s: a client that has gone gets %.100s", c[0], w.Body)
		}
	}
}

// A model is trained and served, loaded anew on SIGHUP, and a request that has come when the program is to end is answered.
func TestServes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "model.safetensors")
	if err := run(t.Context(), file, "localhost:0"); err == nil {
		t.Error("a file that is not there is served")
	}
	if err := train(t.Context(), file, 2); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(file, newModel())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.serve(ctx, listener) }()
	address := "http://" + listener.Addr().String()
	post(t, address+"/sample", `{"n": 1}`) // from here on it listens to signals
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for s.active.Load().number < 2 { // for ever, if the signal does nothing
		time.Sleep(time.Millisecond)
	}

	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	const body = `{"n": 1, "seed": 1}`
	fmt.Fprintf(connection, "POST /sample HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	answers := bufio.NewReader(connection)
	for range 2 { // 100 Continue, and an empty line: it waits for the body
		if line, err := answers.ReadString('\n'); err != nil {
			t.Fatalf("%q (%v)", line, err)
		}
	}
	cancel()
	io.WriteString(connection, body)
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || !strings.HasSuffix(string(b), `"model": 2}`) {
		t.Errorf("the last request: %s %s (%v)", response.Status, b, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("serving ends with %v", err)
	}
}

// The density of one row, without HTTP, also by the time of the CPU, which other programs lengthen less.
func BenchmarkOneRow(b *testing.B) {
	m := perturbed(1)
	x := mat.NewDense(1, columns, []float64{1, 0, -1, 0.5, 1, 0, -1, 0.5})
	dst := make([]float64, 1)
	used := cpu(b)
	for b.Loop() {
		m.LogProbTo(dst, x)
	}
	b.ReportMetric(float64(cpu(b)-used)/float64(b.N), "cpu-ns/op")
	if math.IsNaN(dst[0]) {
		b.Error("the log-density is NaN")
	}
}

// cpu returns the time that this process has computed.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
