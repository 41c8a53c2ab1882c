package tensorfile

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

// numbers are two of each type, little-endian, and what they are.
var numbers = map[DType]struct {
	bytes []byte
	want  []float64
}{
	F64:  {[]byte{0, 0, 0, 0, 0, 0, 0xf8, 0xbf, 1, 0, 0, 0, 0, 0, 0, 0}, []float64{-1.5, math.SmallestNonzeroFloat64}},
	F32:  {[]byte{0, 0, 0x20, 0x41, 0, 0, 0x80, 0xff}, []float64{10, math.Inf(-1)}},
	F16:  {[]byte{0, 0x3c, 0xff, 0x7b, 0, 0xc0, 1, 0, 0, 4, 0, 0xfc, 0, 0x80}, []float64{1, 65504, -2, 0x1p-24, 0x1p-14, math.Inf(-1), math.Copysign(0, -1)}},
	BF16: {[]byte{0x80, 0x3f, 0x49, 0x40}, []float64{1, 3.140625}},
	I64:  {[]byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 5, 0, 0, 0, 0, 0, 0, 0}, []float64{-2, 5}},
	I32:  {[]byte{0xfd, 0xff, 0xff, 0xff, 0, 1, 0, 0}, []float64{-3, 256}},
	I16:  {[]byte{0xfc, 0xff, 0, 1}, []float64{-4, 256}},
	I8:   {[]byte{0xfb, 7}, []float64{-5, 7}},
	U8:   {[]byte{200, 7}, []float64{200, 7}},
	Bool: {[]byte{1, 0}, []float64{1, 0}},
}

func TestTypes(t *testing.T) {
	for d, c := range numbers {
		f := &File{R: bytes.NewReader(append([]byte("head"), c.bytes...))}
		x := Tensor{Name: "x", DType: d, Shape: []int{len(c.want)}, Begin: 4}
		got := make([]float64, len(c.want))
		if err := f.ReadFloats(got, x); err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if math.Float64bits(got[i]) != math.Float64bits(want) {
				t.Errorf("%s: element %d is %v, want %v", d, i, got[i], want)
			}
		}
		if !d.Whole() {
			continue
		}
		ints := make([]int, len(got))
		if err := f.ReadInts(ints, x); err != nil {
			t.Fatal(err)
		}
		for i, x := range ints {
			if float64(x) != c.want[i] {
				t.Errorf("%s: element %d is %d as int, want %v", d, i, x, c.want[i])
			}
		}
	}
	if x := float16(0x7e01); !math.IsNaN(x) {
		t.Errorf("float16(0x7e01) = %v, want NaN", x)
	}
}

func TestStrides(t *testing.T) {
	data := make([]byte, 24)
	for i := range data {
		data[i] = byte(i)
	}
	f := &File{R: bytes.NewReader(data)}
	for name, c := range map[string]struct {
		shape   []int
		strides []int64
		begin   int64
		want    []int
	}{
		"rows":       {[]int{2, 3}, []int64{3, 1}, 0, []int{0, 1, 2, 3, 4, 5}},
		"transposed": {[]int{3, 2}, []int64{1, 3}, 0, []int{0, 3, 1, 4, 2, 5}},
		"a column":   {[]int{4}, []int64{6}, 5, []int{5, 11, 17, 23}},
		"expanded":   {[]int{2, 2}, []int64{0, 1}, 7, []int{7, 8, 7, 8}},
		"three":      {[]int{2, 2, 2}, []int64{1, 12, 2}, 0, []int{0, 2, 12, 14, 1, 3, 13, 15}},
		"a number":   {nil, []int64{}, 9, []int{9}},
		"none":       {[]int{2, 0}, []int64{5, 1}, 24, []int{}},
	} {
		got := make([]int, len(c.want))
		err := f.ReadInts(got, Tensor{Name: name, DType: U8, Shape: c.shape, Strides: c.strides, Begin: c.begin})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, c.want)
		}
	}
}

// A file longer than a block, and one that is cut while it is read.
func TestLong(t *testing.T) {
	data := make([]byte, 8*30_000)
	for i := range 30_000 {
		data[8*i], data[8*i+1] = byte(i), byte(i>>8)
	}
	f := &File{R: bytes.NewReader(data)}
	x := Tensor{Name: "x", DType: I64, Shape: []int{3, 10_000}}
	got := make([]int, 30_000)
	if err := f.ReadInts(got, x); err != nil {
		t.Fatal(err)
	}
	for i, x := range got {
		if x != i {
			t.Fatalf("element %d is %d", i, x)
		}
	}
	f.R = bytes.NewReader(data[:len(data)-1])
	if err := f.ReadInts(got, x); err == nil || !strings.Contains(err.Error(), "became shorter") {
		t.Errorf("of a file that was cut: got %v, want an error that says so", err)
	}
}
