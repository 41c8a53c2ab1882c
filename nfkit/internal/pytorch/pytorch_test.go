package pytorch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(b []byte, key string) (*tensorfile.File, error) {
	return Open(bytes.NewReader(b), int64(len(b)), key)
}

// texts returns the tensors of a file as text: type, shape and numbers by name.
func texts(t *testing.T, b []byte, key string) map[string]string {
	t.Helper()
	f, err := open(b, key)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, x := range f.Tensors {
		n, err := tensorfile.Elements(x.Shape)
		if err != nil {
			t.Fatal(err)
		}
		v := make([]float64, n)
		if err := f.ReadFloats(v, x); err != nil {
			t.Fatal(err)
		}
		got[x.Name] = fmt.Sprintf("%s %v %v", x.DType, x.Shape, v)
	}
	return got
}

// What PyTorch wrote, by testdata/make.py.
func TestOpen(t *testing.T) {
	model := map[string]string{"0.weight": "F32 [3 2] [0 1 2 3 4 5]", "0.bias": "F32 [3] [10 11 12]",
		"1.weight": "F32 [3] [20 21 22]", "1.bias": "F32 [3] [30 31 32]", "1.num_batches_tracked": "I64 [] [1]"}
	parameters := map[string]string{"0.weight": model["0.weight"], "0.bias": model["0.bias"], "1.weight": model["1.weight"], "1.bias": model["1.bias"]}
	const numbers = " [2 3] [-2 -1 0 1 2 3]"
	for file, c := range map[string]struct {
		key  string
		want map[string]string
	}{
		"model.pt":      {"", model},
		"protocol4.pt":  {"", model},
		"parameters.pt": {"", parameters},
		"checkpoint.pt": {"model", model},
		"types.pt": {"", map[string]string{"float64": "F64" + numbers, "float32": "F32" + numbers, "float16": "F16" + numbers,
			"bfloat16": "BF16" + numbers, "int64": "I64" + numbers, "int32": "I32" + numbers, "int16": "I16" + numbers,
			"int8": "I8" + numbers, "uint8": "U8 [2 3] [0 0 0 1 2 3]", "bool": "BOOL [2 3] [1 1 0 1 1 1]"}},
		"strides.pt": {"", map[string]string{"rows": "F64 [2 3] [4 5 6 7 8 9]", "transposed": "F64 [3 2] [0 3 1 4 2 5]",
			"column": "F64 [4] [5 11 17 23]", "expanded": "F64 [3 2] [7 8 7 8 7 8]", "number": "F64 [] [9]", "none": "F64 [0 4] []",
			"ones": "F64 [1 1 1] [3]", "block": "F64 [2 2 2] [4 6 8 10 16 18 20 22]"}},
	} {
		t.Run(file, func(t *testing.T) {
			got := texts(t, fixture(t, file), c.key)
			delete(got, "1.running_mean") // what they are does not matter here
			delete(got, "1.running_var")
			if fmt.Sprint(got) != fmt.Sprint(c.want) { // with sorted names
				t.Errorf("got %v\nwant %v", got, c.want)
			}
		})
	}
}

func TestOpenRefusesWhatIsNoStateDict(t *testing.T) {
	for file, want := range map[string][]string{
		"module.pt":     {"torch.nn.modules.container.Sequential", "torch.save(model.state_dict(), path)"},
		"script.pt":     {"compressed", "torch.save(model.state_dict(), path)"},
		"tensor.pt":     {"it holds a tensor", "torch.save(model.state_dict(), path)"},
		"mixed.pt":      {`"b" is a list`},
		"complex.pt":    {"torch.ComplexFloatStorage, which cannot be read"},
		"checkpoint.pt": {`"epoch" is a number, not a tensor`, "end the path with #model or #ema"},
	} {
		_, err := open(fixture(t, file), "")
		mustSay(t, file, err, want...)
	}
	_, err := open(fixture(t, "checkpoint.pt"), "modell")
	mustSay(t, "another key", err, `nothing under the key "modell"`, "#model or #ema")
	_, err = open(fixture(t, "checkpoint.pt"), "epoch")
	mustSay(t, "a number", err, `under the key "epoch" there is a number`, "#model or #ema")
	_, err = open(fixture(t, "checkpoint.pt"), "adam")
	mustSay(t, "the optimiser", err, `"state" is a dictionary`)
	_, err = open(fixture(t, "model.pt"), "model")
	mustSay(t, "no checkpoint", err, `nothing under the key "model"`)
}

func mustSay(t *testing.T, what string, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want one that says %q", what, want)
		return
	}
	if len(err.Error()) > 1000 {
		t.Errorf("%s: the message has %d bytes", what, len(err.Error()))
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: got %v, want an error that says %q", what, err, w)
		}
	}
}

// archive puts a file together: an archive without compression, with the given pickle, and a storage "0" of 16 bytes
// that count up.
func archive(pickle string, more ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name, text string) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			panic(err)
		}
	}
	add("archive/data.pkl", pickle)
	add("archive/data/0", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f")
	for i := 0; i < len(more); i += 2 {
		add(more[i], more[i+1])
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Parts of pickles.
const (
	proto   = "\x80\x02"
	persid  = "(X\x07\x00\x00\x00storagectorch\nByteStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x10tQ"
	rebuild = "ctorch._utils\n_rebuild_tensor_v2\n"
)

// tensorOf is a tensor of the storage with an offset, sizes and strides, themselves parts of a pickle.
func tensorOf(offset, size, stride string) string {
	return rebuild + "(" + persid + offset + "(" + size + "t(" + stride + "t\x89}tR"
}

// item is the dictionary {"a": value}, and value.
func item(value string) string { return proto + "}X\x01\x00\x00\x00a" + value + "s." }

func TestPickle(t *testing.T) {
	for name, c := range map[string]struct{ pickle, want string }{
		"rows":               {item(tensorOf("K\x02", "K\x02K\x03", "K\x03K\x01")), "U8 [2 3] [2 3 4 5 6 7]"},
		"any stride of one":  {item(tensorOf("K\x0f", "K\x01", "J\xff\xff\xff\x7f")), "U8 [1] [15]"},
		"empty at the end":   {item(tensorOf("K\x10", "K\x00", "K\x01")), "U8 [0] []"},
		"to the last number": {item(tensorOf("K\x00", "K\x06", "K\x03")), "U8 [6] [0 3 6 9 12 15]"},
		"long numbers":       {item(tensorOf("\x8a\x01\x02", "\x8a\x02\x02\x00", "\x8a\x08\x01\x00\x00\x00\x00\x00\x00\x00")), "U8 [2] [2 3]"},
	} {
		if got := texts(t, archive(c.pickle), "")["a"]; got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	if got := texts(t, archive(proto+"}(X\x01\x00\x00\x00a"+tensorOf("K\x00", "", "")+"q\x00X\x01\x00\x00\x00bh\x00u."), ""); got["a"] != "U8 [] [0]" || got["b"] != got["a"] {
		t.Errorf("a tensor with two names is %v", got)
	}
}

func TestPickleRefuses(t *testing.T) {
	ok := tensorOf("K\x00", "K\x02", "K\x01")
	negative := "J\xff\xff\xff\xff"
	huge := "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"
	for name, c := range map[string]struct{ pickle, want string }{
		"empty":                  {"", "does not begin as one"},
		"protocol 0":             {"(dp0\n.", "does not begin as one"},
		"protocol 9":             {"\x80\x09}.", "protocol is 9"},
		"unfinished":             {item(ok)[:40], "ends in the middle"},
		"no stop":                {strings.TrimSuffix(item(ok), "."), "ends in the middle"},
		"after the stop":         {item(ok) + "N", "does not end with one value"},
		"two values":             {proto + "}}.", "does not end with one value"},
		"nothing":                {proto + ".", "does not end with one value"},
		"open mark":              {proto + "}(.", "does not end with one value"},
		"below the mark":         {proto + "}(s.", "value that is not there"},
		"no mark":                {proto + "}u.", "mark that is not there"},
		"below the stack":        {proto + "R.", "value that is not there"},
		"code":                   {proto + "cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", `"os.system"`},
		"code by the stack":      {"\x80\x04\x8c\x02os\x8c\x06system\x93X\x02\x00\x00\x00ls\x85R.", `"os.system"`},
		"builtins":               {proto + "cbuiltins\neval\n.", `"builtins.eval"`},
		"another of torch":       {proto + "ctorch\nload\n.", `"torch.load"`},
		"instance":               {proto + "(ios\nsystem\n.", "instruction 0x69"},
		"new object":             {proto + "ccollections\nOrderedDict\n)\x81.", "instruction 0x81"},
		"extension":              {proto + "\x82\x01.", "instruction 0x82"},
		"storage as a function":  {proto + "ctorch\nFloatStorage\n)R.", "it makes something"},
		"a number as a function": {proto + "K\x01)R.", "it makes something"},
		"dictionary of pairs":    {proto + "ccollections\nOrderedDict\n]\x85R.", "it makes something"},
		"attributes of a tensor": {item(ok + "}b"), "attributes of a tensor"},
		"into a tuple":           {proto + ")Na.", "puts values into a tuple"},
		"pairs into a list":      {proto + "]NNs.", "puts values into a list"},
		"odd":                    {proto + "}(Nu.", "puts values into a dictionary"},
		"forgotten":              {proto + "h\x07.", "takes value 7 of 0"},
		"memo out of order":      {proto + "}r\xff\xff\xff\x7f.", "as number 2147483647, want 0"},
		"memo of nothing":        {proto + "q\x00.", "value that is not there"},
		"no such storage":        {item(strings.Replace(ok, "X\x01\x00\x00\x000", "X\x01\x00\x00\x001", 1)), `no storage "1"`},
		"storage elsewhere":      {item(strings.Replace(ok, "X\x01\x00\x00\x000", "X\x0b\x00\x00\x00../data.pkl", 1)), "no storage"},
		"storage too short":      {item(strings.Replace(ok, "ByteStorage", "LongStorage", 1)), "has 16 bytes, want 16 numbers of I64"},
		"storage too long":       {item(strings.Replace(ok, "K\x10", "K\x11", 1)), "has 16 bytes, want 17"},
		"storage overflows":      {item(strings.Replace(strings.Replace(ok, "K\x10", "\x8a\x08\x02\x00\x00\x00\x00\x00\x00\x20", 1), "ByteStorage", "LongStorage", 1)), "has 16 bytes"},
		"storage without length": {item(strings.Replace(ok, "K\x10", "N", 1)), "without type, name, device and length"},
		"offset":                 {item(tensorOf("K\x11", "K\x00", "K\x01")), "outside its storage"},
		"negative offset":        {item(tensorOf(negative, "K\x02", "K\x01")), "outside its storage"},
		"size":                   {item(tensorOf("K\x00", "K\x11", "K\x01")), "outside its storage"},
		"size from offset":       {item(tensorOf("K\x01", "K\x10", "K\x01")), "outside its storage"},
		"negative size":          {item(tensorOf("K\x00", negative, "K\x01")), "negative"},
		"negative stride":        {item(tensorOf("K\x08", "K\x02", negative)), "outside its storage"},
		"stride":                 {item(tensorOf("K\x00", "K\x03", "K\x08")), "outside its storage"},
		"overflow":               {item(tensorOf("K\x00", "K\x03", huge)), "outside its storage"},
		"overflow of size":       {item(tensorOf("K\x00", huge, huge)), "larger than any file"},
		"sum overflows":          {item(tensorOf("K\x00", "K\x02K\x02K\x02", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x3f\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x3fK\x01")), "outside its storage"},
		"number outside":         {item(tensorOf("K\x10", "", "")), "outside its storage"},
		"strides missing":        {item(tensorOf("K\x00", "K\x02", "")), "sizes [2] and strides []"},
		"rank":                   {item(tensorOf("K\x00", strings.Repeat("K\x01", 9), strings.Repeat("K\x01", 9))), "it makes something"},
		"wide number":            {proto + "\x8a\x09123456789.", "9 bytes"},
		"bad text":               {proto + "X\x01\x00\x00\x00\xff.", "UTF-8"},
		"long text":              {proto + "X\xff\xff\xff\xffabc", "ends in the middle"},
		"endless name":           {proto + "c" + strings.Repeat("a", 5000), "ends in the middle"},
		"twice":                  {proto + "}(X\x01\x00\x00\x00a" + ok + "X\x01\x00\x00\x00a" + ok + "u.", `"a" is there twice`},
		"numbers as names":       {proto + "}K\x01" + ok + "s.", "have a number for a name"},
		"long name":              {proto + "}X\x00\x04\x00\x00" + strings.Repeat("a", 1024) + ok + "s.", "a name has 1024 bytes"},
		"itself":                 {proto + "}q\x00X\x01\x00\x00\x00ah\x00s.", `"a" is a dictionary`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(archive(c.pickle), "")
			mustSay(t, name, err, c.want)
		})
	}
}

func TestZipRefuses(t *testing.T) {
	whole := archive(item(tensorOf("K\x00", "K\x02", "K\x01")))
	directory := bytes.Index(whole, []byte("PK\x01\x02"))
	second := directory + 1 + bytes.Index(whole[directory+1:], []byte("PK\x01\x02"))
	change := func(at int, with ...byte) []byte {
		b := slices.Clone(whole)
		copy(b[at:], with)
		return b
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	w, _ := z.Create("archive/data.pkl")
	w.Write(make([]byte, 10<<20))
	z.Close()
	name := bytes.Index(whole, []byte("archive/data/0"))
	for what, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":            {nil, "not the end of an archive"},
		"cut":              {whole[:len(whole)-1], "truncated"},
		"longer":           {append(slices.Clone(whole), 0), "not the end of an archive"},
		"before":           {append([]byte("#!"), whole...), "want it to end at"},
		"bomb":             {packed.Bytes(), "compressed"},
		"sizes differ":     {change(second+20, 17), "compressed"},
		"size":             {change(second+20, 0xff, 0, 0, 0, 0xff), "outside the archive"},
		"overlap":          {change(second+42, whole[directory+42:directory+46]...), "say different things"},
		"place":            {change(second+42, 0xff, 0xff, 0xff, 0x7f), "outside the archive"},
		"encrypted":        {change(second+8, 1), "encrypted"},
		"other name":       {change(name, 'b'), "say different things"},
		"more entries":     {change(len(whole)-12, 3), "directory of 3 entries"},
		"fewer entries":    {change(len(whole)-12, 1), "follow the 1 entries"},
		"most entries":     {change(len(whole)-12, 0xff, 0xff), "want it to end at"},
		"directory":        {change(len(whole)-6, 1), "want it to end at"},
		"disks":            {change(len(whole)-18, 1), "want it to end at"},
		"name twice":       {archive(".", "archive/data/0", ""), "twice"},
		"two pickles":      {archive(".", "b/data.pkl", ""), "two pickles"},
		"other archive":    {bytes.ReplaceAll(whole, []byte("data.pkl"), []byte("word.xml")), "there is no data.pkl"},
		"big-endian":       {archive(item(tensorOf("K\x00", "K\x02", "K\x01")), "archive/byteorder", "big"), `byte order "big"`},
		"pickle too large": {archive(strings.Repeat("N", maxPickle+1)), "want at most"},
	} {
		_, err := open(c.file, "")
		mustSay(t, what, err, c.want)
	}
	if got := texts(t, archive(item(tensorOf("K\x00", "K\x02", "K\x01")), "archive/byteorder", "little"), ""); got["a"] != "U8 [2] [0 1]" {
		t.Errorf("of a little-endian file: %v", got)
	}

	// An entry that begins inside another one.
	inner := archive(proto + ".")
	e := binary.LittleEndian
	outer := archive("", "archive/inner", string(inner))
	start := bytes.Index(outer, inner)
	d := bytes.Index(outer[start+len(inner):], []byte("PK\x01\x02")) + start + len(inner)
	e.PutUint32(outer[d+42:], uint32(start)) // archive/data.pkl is that of the inner archive
	e.PutUint32(outer[d+20:], 3)
	e.PutUint32(outer[d+24:], 3)
	_, err := open(outer, "")
	mustSay(t, "nested", err, "overlap")
}

// The worst that a pickle can do takes no more than four times the size of the file and a few megabytes.
func TestMemoryOfHostilePickles(t *testing.T) {
	const size = 1 << 20
	for what, pickle := range map[string]string{
		"values":       proto + strings.Repeat("N", size),
		"dictionaries": proto + strings.Repeat("}", size),
		"marks":        proto + strings.Repeat("(", size),
		"nested":       proto + strings.Repeat("]", size/2) + strings.Repeat("a", size/2),
		"memo":         "\x80\x04}" + strings.Repeat("\x94", size),
		"tuples":       proto + "N" + strings.Repeat("\x85", size),
		"text":         proto + "X\x00\x00\x10\x00" + strings.Repeat("a", size) + ".",
		"names":        proto + strings.Repeat("ctorch\nByteStorage\n", size/18),
		"tensors":      proto + strings.Repeat(tensorOf("K\x00", "K\x02", "K\x01"), size/100),
	} {
		b := archive(pickle)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		_, err := open(b, "")
		runtime.ReadMemStats(&after)
		mustSay(t, what, err)
		// All that was ever allocated, with the copies of lists that grew and the text itself.
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 20*uint64(len(b))+40<<20 {
			t.Errorf("%s: a file of %d bytes took %d bytes", what, len(b), taken)
		}
	}
}

// What Open accepts, whatever the bytes, can be read without a panic.
func checkOpen(t *testing.T, b []byte) {
	file, err := open(b, "")
	if err != nil {
		return
	}
	for _, x := range file.Tensors {
		n, err := tensorfile.Elements(x.Shape)
		if err != nil {
			t.Fatal(err)
		}
		if n > 1<<16 { // by strides of 0: a caller compares shapes first
			continue
		}
		if err := file.ReadFloats(make([]float64, n), x); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/*.pt")
	if err != nil || len(files) < 10 {
		f.Fatalf("got files %q, %v", files, err)
	}
	for _, name := range files {
		f.Add(fixture(f, filepath.Base(name)))
	}
	f.Fuzz(checkOpen)
}

func FuzzPickle(f *testing.F) {
	f.Add(item(tensorOf("K\x02", "K\x02K\x03", "K\x03K\x01")))
	f.Add(proto + "ccollections\nOrderedDict\n)R(X\x01\x00\x00\x00a" + tensorOf("K\x00", "K\x08", "K\x02") + "u}X\x01\x00\x00\x00m}sb.")
	f.Add("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}(\x8c\x01a\x94G\x3f\xf0\x00\x00\x00\x00\x00\x00\x8c\x01b]\x94(K\x01M\x00\x01J\x00\x00\x00\x80\x8a\x01\xff\x88\x89Neu.")
	f.Fuzz(func(t *testing.T, pickle string) { checkOpen(t, archive(pickle)) })
}
