package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// file puts a file together by the format's description: length, header, data.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func open(b []byte) (*tensorfile.File, error) { return Open(bytes.NewReader(b), int64(len(b))) }

func TestWriteMatchesTheFormat(t *testing.T) {
	var b bytes.Buffer
	err := Write(&b, []Tensor{
		{Name: "w", Shape: []int{1, 2}, Floats: []float64{1, -2}},
		{Name: "n", Ints: []int{-3}},
		{Name: "none", Shape: []int{0, 4}, Floats: []float64{}},
	}, map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":{"format":"pt"},"w":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]},` +
		`"n":{"dtype":"I64","shape":[],"data_offsets":[16,24]},"none":{"dtype":"F64","shape":[0,4],"data_offsets":[24,24]}}`
	header += strings.Repeat(" ", 7-(len(header)+7)%8)
	want := file(header,
		0, 0, 0, 0, 0, 0, 0xf0, 0x3f,
		0, 0, 0, 0, 0, 0, 0x00, 0xc0,
		0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("Write wrote\n%q, want\n%q", b.Bytes(), want)
	}
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tensors := []Tensor{{Name: `odd "name" ünder 漢`, Shape: []int{3, 5}, Floats: make([]float64, 15)}, {Name: "i", Shape: []int{4}, Ints: []int{math.MinInt, -1, 0, math.MaxInt}}}
	for i := range tensors[0].Floats {
		tensors[0].Floats[i] = math.Float64frombits(r.Uint64() &^ (1 << 62)) // any finite number below 2
	}
	var b bytes.Buffer
	if err := Write(&b, tensors, map[string]string{"format": "pt", "b": "<&>\""}); err != nil {
		t.Fatal(err)
	}
	f, err := open(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	floats, ints := make([]float64, 15), make([]int, 4)
	if err := errors.Join(f.ReadFloats(floats, f.Tensors[0]), f.ReadInts(ints, f.Tensors[1])); err != nil {
		t.Fatal(err)
	}
	if f.Tensors[0].Name != tensors[0].Name || !slices.Equal(floats, tensors[0].Floats) || !slices.Equal(ints, tensors[1].Ints) {
		t.Errorf("got %s %v %v, want %+v", f.Tensors[0].Name, floats, ints, tensors)
	}
}

func TestOpenRefuses(t *testing.T) {
	const a = `"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	data := make([]byte, 4)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":            {nil, "0 bytes are too few"},
		"short":            {[]byte("abc"), "3 bytes are too few"},
		"text":             {[]byte("hello, world"), "not in the safetensors format"},
		"no header":        {file(""), "not in the safetensors format"},
		"header cut":       {file("{" + a + "}")[:20], "truncated"},
		"huge header":      {binary.LittleEndian.AppendUint64(nil, 99_999_999), "truncated"},
		"data cut":         {file("{"+a+"}", data[:3]...), "the file is truncated: it has 3 bytes of data, its header says 4"},
		"data over":        {file("{"+a+"}", make([]byte, 9)...), "5 bytes after"},
		"array":            {file("[1,2]"), `got '[', want '{'`},
		"not JSON":         {file("{hello}"), "damaged"},
		"unfinished":       {file(`{"a":{"dtype":"F32",`), "damaged"},
		"two values":       {file("{}{}"), "2 bytes follow its end"},
		"bad UTF-8":        {file("{\"\xff\":0}"), "UTF-8"},
		"twice":            {file("{"+a+","+a+"}", data...), `"a" is there twice`},
		"metadata numbers": {file(`{"__metadata__":{"a":1}}`), "__metadata__"},
		"no shape":         {file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, data...), "want dtype, shape and two"},
		"null shape":       {file(`{"a":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}`, data...), `got 'n', want '['`},
		"three offsets":    {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, data...), "more than 2 numbers"},
		"one offset":       {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}`, data...), "got 1 data_offsets, want 2"},
		"null in a shape":  {file(`{"a":{"dtype":"F32","shape":[1,null],"data_offsets":[0,0]}}`), "want a whole number"},
		"null in offsets":  {file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[null,0]}}`), "want a whole number"},
		"null type":        {file(`{"a":{"dtype":null,"shape":[0],"data_offsets":[0,0]}}`), `got 'n', want '"'`},
		"null tensor":      {file(`{"a":null}`), `got 'n', want '{'`},
		"leading zero":     {file(`{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}`, data...), "want a whole number"},
		"minus zero":       {file(`{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}`), "want a whole number"},
		"beyond 64 bits":   {file(`{"a":{"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]}}`, data...), "fits 64 bits"},
		"shape twice":      {file(`{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}`, data...), "shape is there twice"},
		"another case":     {file(`{"a":{"DType":"F32","shape":[1],"data_offsets":[0,4]}}`, data...), `a field "DType"`},
		"another field":    {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, data...), `a field "x"`},
		"metadata twice":   {file(`{"__metadata__":{},"__metadata__":{}}`), "twice"},
		"escaped twice":    {file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`), `"a" is there twice`},
		"control":          {file("{\"a\nb\":0}"), "control character"},
		"open text":        {file(`{"a`), "ends in the middle"},
		"open escape":      {file(`{"a\`), "ends in the middle"},
		"trailing comma":   {file("{"+a+",}", data...), `got '}', want '"'`},
		"no comma":         {file("{"+a+a+"}", data...), `want ','`},
		"rank":             {file(`{"a":{"dtype":"F32","shape":[`+strings.Repeat("1,", 100)+`1],"data_offsets":[0,4]}}`, data...), "more than 8 numbers"},
		"long name":        {file(`{"` + strings.Repeat("a", 10_000) + `":0}`), "more than 512 bytes"},
		"long type":        {file(`{"a":{"dtype":"` + strings.Repeat("F", 10_000) + `"}}`), "more than 16 bytes"},
		"many tensors":     {file(many(tensorfile.MaxTensors + 1)), "more than 65536 tensors"},
		"fraction":         {file(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, data...), "damaged"},
		"unknown type":     {file(`{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}`, data...), `type "F8_E4M3"`},
		"negative shape":   {file(`{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, data...), "negative"},
		"zero, negative":   {file(`{"a":{"dtype":"F32","shape":[0,-1],"data_offsets":[0,0]}}`), "negative"},
		"overflow":         {file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}}`), "larger than any file"},
		"wraps to one":     {file(`{"a":{"dtype":"U8","shape":[4294967297,4294967297],"data_offsets":[0,4]}}`, data...), "larger than any file"},
		"shape and size":   {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, data...), "want 8 for F32"},
		"backwards":        {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, data...), "bytes 4 to 0"},
		"before the data":  {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, data...), "bytes -4 to 0"},
		"out of range":     {file(`{"a":{"dtype":"F32","shape":[2305843009213693951],"data_offsets":[0,9223372036854775804]}}`, data...), "larger than any file"},
		"hole":             {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, make([]byte, 8)...), "begins at byte 4 of the data, want 0"},
		"overlap": {file("{"+a+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, make([]byte, 6)...),
			`"b" begins at byte 2 of the data, want 4`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error that says %q", err, c.want)
			} else if len(err.Error()) > 1000 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

// many returns a header of n tensors without elements.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// The worst that a header can be takes no more than its own size beyond it, whatever is wrong with it.
func TestMemoryOfHostileHeaders(t *testing.T) {
	const size = 2 << 20
	name := `{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"`
	for what, header := range map[string]string{
		"one long name": name + strings.Repeat("a", size) + `":0}`,
		"escapes":       name + strings.Repeat(`\n`, size/2) + `":0}`,
		"a long shape":  `{"a":{"dtype":"F32","shape":[` + strings.Repeat("0,", size/2) + "0]}}",
		"deep":          strings.Repeat(`{"a":`, size/5),
		"many tensors":  many(tensorfile.MaxTensors),
		"space":         "{" + strings.Repeat(" ", size) + "}",
		"metadata":      `{"__metadata__":{` + strings.Repeat(`"a":"b",`, size/8) + `"c":"d"}}`,
	} {
		b := file(header)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := open(b)
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > uint64(2*len(b)+40<<20) { // 40 MB: lists of 65536 tensors that grow
			t.Errorf("%s: a file of %d bytes took %d bytes", what, len(b), taken)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: the message has %d bytes", what, len(err.Error()))
		}
	}
}

func TestWritePanics(t *testing.T) {
	for name, tensors := range map[string][]Tensor{
		"one name twice":  {{Name: "a", Shape: []int{1}, Ints: []int{1}}, {Name: "a", Shape: []int{1}, Ints: []int{1}}},
		"reserved name":   {{Name: metadataKey, Shape: []int{1}, Ints: []int{1}}},
		"too few numbers": {{Name: "a", Shape: []int{2}, Floats: []float64{1}}},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.WantPanic(t, "safetensors: ", func() { Write(&bytes.Buffer{}, tensors, nil) })
		})
	}
}

// What Open accepts, whatever the bytes, can be read without a panic and within the size of the file.
func FuzzOpen(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}`, 0, 0, 0x80, 0x3f))
	f.Add(file(`{"b":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]},"i":{"dtype":"I64","shape":[],"data_offsets":[2,10]}}`, make([]byte, 10)...))
	f.Add([]byte("PK\x03\x04 a zip archive"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := open(b)
		if err != nil {
			return
		}
		total := int64(0)
		if len(file.Tensors) > tensorfile.MaxTensors {
			t.Fatalf("got %d tensors", len(file.Tensors))
		}
		for _, s := range file.Tensors {
			n, err := tensorfile.Elements(s.Shape)
			if err != nil {
				t.Fatal(err)
			}
			total += n
			if total > int64(len(b)) {
				t.Fatalf("got %d numbers from %d bytes", total, len(b))
			}
			if err := file.ReadFloats(make([]float64, n), s); err != nil {
				t.Fatal(err)
			}
			if s.DType.Whole() {
				if err := file.ReadInts(make([]int, n), s); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
