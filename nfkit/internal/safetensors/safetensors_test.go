package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// file puts a file together by the format's description: length, header, data.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func open(b []byte) (*File, error) { return Open(bytes.NewReader(b), int64(len(b))) }

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

func TestReadTypes(t *testing.T) {
	b := file(`{"f64":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},
		"f32":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},
		"f16":{"dtype":"F16","shape":[7],"data_offsets":[16,30]},
		"bf16":{"dtype":"BF16","shape":[2],"data_offsets":[30,34]},
		"i64":{"dtype":"I64","shape":[1],"data_offsets":[34,42]},
		"i32":{"dtype":"I32","shape":[1],"data_offsets":[42,46]},
		"u8":{"dtype":"U8","shape":[1],"data_offsets":[46,47]},
		"bool":{"dtype":"BOOL","shape":[2],"data_offsets":[47,49]}}`,
		0, 0, 0, 0, 0, 0, 0xf8, 0xbf, // -1.5
		0, 0, 0x20, 0x41, 0, 0, 0x80, 0xff, // 10, -Inf
		0, 0x3c, 0xff, 0x7b, 0, 0xc0, 1, 0, 0, 4, 0, 0xfc, 0, 0x80, // 1, largest, -2, smallest, smallest normal, -Inf, -0
		0x80, 0x3f, 0x49, 0x40, // 1, 3.140625
		0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // -2
		0xfd, 0xff, 0xff, 0xff, // -3
		200,
		1, 0)
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{
		"f64": {-1.5}, "f32": {10, math.Inf(-1)}, "bf16": {1, 3.140625},
		"f16": {1, 65504, -2, math.Ldexp(1, -24), math.Ldexp(1, -14), math.Inf(-1), math.Copysign(0, -1)},
		"i64": {-2}, "i32": {-3}, "u8": {200}, "bool": {1, 0},
	}
	for _, s := range f.Stored {
		got := make([]float64, len(want[s.Name]))
		if err := f.ReadFloats(got, s); err != nil {
			t.Fatal(err)
		}
		for i, x := range want[s.Name] {
			if math.Float64bits(got[i]) != math.Float64bits(x) {
				t.Errorf("%s[%d] = %v, want %v", s.Name, i, got[i], x)
			}
		}
		if s.DType.Whole() {
			ints := make([]int, len(got))
			if err := f.ReadInts(ints, s); err != nil {
				t.Fatal(err)
			}
			for i, x := range ints {
				if float64(x) != want[s.Name][i] {
					t.Errorf("%s[%d] = %d as int, want %v", s.Name, i, x, want[s.Name][i])
				}
			}
		}
	}
	if len(f.Stored) != len(want) {
		t.Errorf("got %d tensors, want %d", len(f.Stored), len(want))
	}
	if x := float16(0x7e01); !math.IsNaN(x) {
		t.Errorf("float16(0x7e01) = %v, want NaN", x)
	}
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tensors := []Tensor{{Name: `odd "name" ünder 漢`, Shape: []int{3, 5}, Floats: make([]float64, 15)}, {Name: "i", Shape: []int{4}, Ints: []int{math.MinInt, -1, 0, math.MaxInt}}}
	for i := range tensors[0].Floats {
		tensors[0].Floats[i] = math.Float64frombits(r.Uint64() &^ (1 << 62)) // any finite number below 2
	}
	var b bytes.Buffer
	metadata := map[string]string{"format": "pt", "b": "<&>"}
	if err := Write(&b, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	f, err := open(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Metadata, metadata) {
		t.Errorf("metadata %v, want %v", f.Metadata, metadata)
	}
	floats, ints := make([]float64, 15), make([]int, 4)
	if err := errors.Join(f.ReadFloats(floats, f.Stored[0]), f.ReadInts(ints, f.Stored[1])); err != nil {
		t.Fatal(err)
	}
	if f.Stored[0].Name != tensors[0].Name || !slices.Equal(floats, tensors[0].Floats) || !slices.Equal(ints, tensors[1].Ints) {
		t.Errorf("got %s %v %v, want %+v", f.Stored[0].Name, floats, ints, tensors)
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
		"png":              {[]byte("\x89PNG\r\n\x1a\n0000"), "PNG image"},
		"zip":              {[]byte("PK\x03\x04\x00\x00\x08\x08\x00\x00"), "zip archive"},
		"pickle":           {[]byte("\x80\x02\x8a\nl\xfc\x9cF"), "pickle"},
		"text":             {[]byte("hello, world"), "not in the safetensors format"},
		"no header":        {file(""), "not in the safetensors format"},
		"header cut":       {file("{" + a + "}")[:20], "truncated"},
		"huge header":      {binary.LittleEndian.AppendUint64(nil, 99_999_999), "truncated"},
		"data cut":         {file("{"+a+"}", data[:3]...), "the file is truncated: it has 3 bytes of data, its header says 4"},
		"data over":        {file("{"+a+"}", make([]byte, 9)...), "5 bytes after"},
		"array":            {file("[1,2]"), `begins with '['`},
		"not JSON":         {file("{hello}"), "damaged"},
		"unfinished":       {file(`{"a":{"dtype":"F32",`), "damaged"},
		"two values":       {file("{}{}"), "2 bytes follow its end"},
		"bad UTF-8":        {file("{\"\xff\":0}"), "UTF-8"},
		"twice":            {file("{"+a+","+a+"}", data...), "a is there twice"},
		"metadata numbers": {file(`{"__metadata__":{"a":1}}`), "__metadata__"},
		"no shape":         {file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, data...), "want dtype, shape"},
		"null shape":       {file(`{"a":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}`, data...), "want dtype, shape"},
		"three offsets":    {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, data...), "two data_offsets"},
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
			"b begins at byte 2 of the data, want 4"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error that says %q", err, c.want)
			}
		})
	}
}

func TestWritePanics(t *testing.T) {
	for name, tensors := range map[string][]Tensor{
		"one name twice":  {{Name: "a", Shape: []int{1}, Ints: []int{1}}, {Name: "a", Shape: []int{1}, Ints: []int{1}}},
		"reserved name":   {{Name: metadataKey, Shape: []int{1}, Ints: []int{1}}},
		"too few numbers": {{Name: "a", Shape: []int{2}, Floats: []float64{1}}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("Write did not panic")
				}
			}()
			Write(&bytes.Buffer{}, tensors, nil)
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
		for _, s := range file.Stored {
			n, err := elements(s.Shape)
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
