package pytorch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
)

// The values of a pickle are nil, bool, int64, float64, string, *[tensorfile.Tensor], and these.
type (
	tuple   []any
	list    struct{ items []any }
	dict    struct{ keys, values []any } // as they came, for a key that comes twice must be seen
	global  string                       // module and name, with a space between
	storage struct {
		dtype          tensorfile.DType
		begin, numbers int64
	}
)

// storages are the types of numbers, by the names of their storages.
var storages = map[global]tensorfile.DType{
	"torch DoubleStorage":   tensorfile.F64,
	"torch FloatStorage":    tensorfile.F32,
	"torch HalfStorage":     tensorfile.F16,
	"torch BFloat16Storage": tensorfile.BF16,
	"torch LongStorage":     tensorfile.I64,
	"torch IntStorage":      tensorfile.I32,
	"torch ShortStorage":    tensorfile.I16,
	"torch CharStorage":     tensorfile.I8,
	"torch ByteStorage":     tensorfile.U8,
	"torch BoolStorage":     tensorfile.Bool,
}

// The other names that a pickle may use. Nothing is behind them but the code in [machine.reduce].
const (
	orderedDict      global = "collections OrderedDict"
	rebuildTensor    global = "torch._utils _rebuild_tensor_v2"
	rebuildParameter global = "torch._utils _rebuild_parameter"
)

// machine runs a pickle, whose instructions work on a stack.
// https://github.com/python/cpython/blob/main/Lib/pickletools.py describes them.
type machine struct {
	text    []byte
	stack   []any
	marks   []int // places in the stack
	memo    []any
	deepest int   // the stack has been
	budget  int64 // bytes of memory that are left
	storage func(dtype tensorfile.DType, name string, numbers int64) (*storage, error)
}

// What values take of the budget, in bytes: their own, and 16 where they are kept.
const slot = 16

var errShort = errors.New("it ends in the middle")

func (m *machine) run() (any, error) {
	size := len(m.text)
	if size < 2 || m.text[0] != 0x80 {
		return nil, errors.New("it does not begin as one")
	}
	for {
		at := size - len(m.text)
		b, err := m.take(1)
		if err != nil {
			return nil, err
		}
		if b[0] == '.' {
			break
		}
		if err := m.step(b[0]); err != nil {
			return nil, fmt.Errorf("%w (byte %d)", err, at)
		}
		if m.budget < 0 {
			return nil, errors.New("it takes more memory than four times the size of the file")
		}
	}
	if len(m.stack) != 1 || len(m.marks) != 0 || len(m.text) != 0 {
		return nil, errors.New("it does not end with one value")
	}
	return m.stack[0], nil
}

// step carries out one instruction.
func (m *machine) step(code byte) error {
	switch code {
	case 0x80: // PROTO
		b, err := m.take(1)
		if err == nil && (b[0] < 2 || b[0] > 5) {
			err = fmt.Errorf("its protocol is %d, want 2 to 5", b[0])
		}
		return err
	case 0x95: // FRAME: a hint for readers
		_, err := m.take(8)
		return err
	case '(': // MARK
		m.budget -= slot
		m.marks = append(m.marks, len(m.stack))
		return nil
	case 'N':
		return m.push(nil, 0)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return m.push(code == 0x88, 0)
	case 'K', 'M', 'J', 0x8a: // BININT1, BININT2, BININT, LONG1
		return m.integer(code)
	case 'G': // BINFLOAT
		b, err := m.take(8)
		if err != nil {
			return err
		}
		return m.push(math.Float64frombits(binary.BigEndian.Uint64(b)), 8)
	case 'X', 0x8c: // BINUNICODE, SHORT_BINUNICODE
		s, err := m.string(code)
		if err != nil {
			return err
		}
		return m.push(s, slot+int64(len(s)))
	case '}':
		return m.push(&dict{}, 48)
	case ']':
		return m.push(&list{}, 24)
	case ')':
		return m.push(tuple(nil), 24)
	case 't': // TUPLE
		items, err := m.popMark()
		if err != nil {
			return err
		}
		return m.pushTuple(items)
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		items, err := m.pop(int(code - 0x84))
		if err != nil {
			return err
		}
		return m.pushTuple(items)
	case 'a', 'e', 's', 'u':
		return m.fill(code)
	case 'q', 'r', 0x94, 'h', 'j':
		return m.remember(code)
	case 'c', 0x93:
		return m.global(code)
	case 'Q': // BINPERSID
		return m.persistent()
	case 'R':
		return m.reduce()
	case 'b': // BUILD: of attributes of a dictionary, which have no meaning here
		v, err := m.pop(2)
		if err != nil {
			return err
		}
		_, isDict := v[0].(*dict)
		if _, ok := v[1].(*dict); !ok || !isDict {
			return fmt.Errorf("it sets attributes of %s", kind(v[0]))
		}
		return m.push(v[0], 0)
	}
	return fmt.Errorf("there is an instruction %#02x, which the tensors of a state dictionary do not need; %s", code, wayOut)
}

// take returns the next n bytes.
func (m *machine) take(n int) ([]byte, error) {
	if n < 0 || n > len(m.text) {
		return nil, errShort
	}
	b := m.text[:n]
	m.text = m.text[n:]
	return b, nil
}

// push puts a value on the stack, for which size bytes were allocated.
func (m *machine) push(v any, size int64) error {
	m.stack = append(m.stack, v)
	if m.budget -= size; len(m.stack) > m.deepest {
		m.deepest = len(m.stack)
		m.budget -= slot
	}
	return nil
}

func (m *machine) pushTuple(items []any) error {
	return m.push(append(tuple(nil), items...), 24+slot*int64(len(items)))
}

// pop takes the last n values, in the order in which they came. They stay until the next push.
func (m *machine) pop(n int) ([]any, error) {
	k := len(m.stack) - n
	if k < 0 || len(m.marks) > 0 && k < m.marks[len(m.marks)-1] {
		return nil, errors.New("it takes a value that is not there")
	}
	v := m.stack[k:]
	m.stack = m.stack[:k]
	return v, nil
}

// popMark takes the values since the last mark.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errors.New("it takes a mark that is not there")
	}
	k := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	v := m.stack[k:]
	m.stack = m.stack[:k]
	return v, nil
}

func (m *machine) integer(code byte) error {
	n := map[byte]int{'K': 1, 'M': 2, 'J': 4, 0x8a: 1}[code]
	b, err := m.take(n)
	if err != nil {
		return err
	}
	var x int64
	switch code {
	case 'K':
		x = int64(b[0])
	case 'M':
		x = int64(le.Uint16(b))
	case 'J':
		x = int64(int32(le.Uint32(b)))
	default: // bytes of a number in two's complement
		if b, err = m.take(int(b[0])); err != nil {
			return err
		}
		if len(b) > 8 {
			return fmt.Errorf("there is a whole number of %d bytes, want at most 8", len(b))
		}
		for i, c := range b {
			x |= int64(c) << (8 * i)
		}
		if n := len(b); n > 0 && n < 8 && b[n-1] >= 0x80 {
			x -= 1 << (8 * n)
		}
	}
	return m.push(x, 8)
}

func (m *machine) string(code byte) (string, error) {
	n := 1
	if code == 'X' {
		n = 4
	}
	b, err := m.take(n)
	if err != nil {
		return "", err
	}
	length := int64(b[0])
	if code == 'X' {
		length = int64(le.Uint32(b))
	}
	if length > int64(len(m.text)) {
		return "", errShort
	}
	if b, err = m.take(int(length)); err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", errors.New("a text is not valid UTF-8")
	}
	return string(b), nil
}

// fill puts values into the list or dictionary before them.
func (m *machine) fill(code byte) error {
	var v []any
	var err error
	switch code {
	case 'a': // APPEND
		v, err = m.pop(1)
	case 's': // SETITEM
		v, err = m.pop(2)
	default: // APPENDS, SETITEMS
		v, err = m.popMark()
	}
	if err != nil {
		return err
	}
	into, err := m.pop(1)
	if err != nil {
		return err
	}
	m.stack = m.stack[:len(m.stack)+1] // it stays
	m.budget -= slot * int64(len(v))
	switch c := into[0].(type) {
	case *list:
		if code == 'a' || code == 'e' {
			c.items = append(c.items, v...)
			return nil
		}
	case *dict:
		if (code == 's' || code == 'u') && len(v)%2 == 0 {
			for i := 0; i < len(v); i += 2 {
				c.keys, c.values = append(c.keys, v[i]), append(c.values, v[i+1])
			}
			return nil
		}
	}
	return fmt.Errorf("it puts values into %s", kind(into[0]))
}

// remember keeps the last value, or returns one that was kept. Numbers go up, as those of Python's writers do.
func (m *machine) remember(code byte) error {
	n := map[byte]int{'q': 1, 'h': 1, 'r': 4, 'j': 4}[code]
	b, err := m.take(n)
	if err != nil {
		return err
	}
	index := int64(len(m.memo)) // MEMOIZE
	switch n {
	case 1:
		index = int64(b[0])
	case 4:
		index = int64(le.Uint32(b))
	}
	if code == 'h' || code == 'j' { // BINGET, LONG_BINGET
		if index >= int64(len(m.memo)) {
			return fmt.Errorf("it takes value %d of %d that it kept", index, len(m.memo))
		}
		return m.push(m.memo[index], 0)
	}
	if index != int64(len(m.memo)) { // BINPUT, LONG_BINPUT
		return fmt.Errorf("it keeps a value as number %d, want %d", index, len(m.memo))
	}
	if len(m.stack) == 0 {
		return errors.New("it keeps a value that is not there")
	}
	m.memo = append(m.memo, m.stack[len(m.stack)-1])
	m.budget -= slot
	return nil
}

// global accepts the names that are known.
func (m *machine) global(code byte) error {
	var parts [2]string
	if code == 0x93 { // STACK_GLOBAL
		v, err := m.pop(2)
		if err != nil {
			return err
		}
		for i := range parts {
			s, ok := v[i].(string)
			if !ok {
				return errors.New("it names something by other than text")
			}
			parts[i] = s
		}
	} else { // GLOBAL
		for i := range parts {
			end := bytes.IndexByte(m.text[:min(len(m.text), 1024)], '\n')
			if end < 0 {
				return errShort
			}
			b, _ := m.take(end + 1)
			parts[i] = string(b[:end])
		}
	}
	g := global(parts[0] + " " + parts[1])
	if parts[0] == "torch" && strings.HasSuffix(parts[1], "Storage") && storages[g] == "" {
		return fmt.Errorf("it has numbers of the type of torch.%s, which cannot be read", shorten(parts[1]))
	}
	if _, ok := storages[g]; !ok && g != orderedDict && g != rebuildTensor && g != rebuildParameter {
		return fmt.Errorf("it has an object of Python's %q, and not only tensors; %s", shorten(parts[0])+"."+shorten(parts[1]), wayOut)
	}
	return m.push(g, slot+int64(len(g)))
}

// persistent makes a storage of ("storage", type, name, device, numbers).
func (m *machine) persistent() error {
	v, err := m.pop(1)
	if err != nil {
		return err
	}
	id, _ := v[0].(tuple)
	if len(id) != 5 || id[0] != any("storage") {
		return errors.New("it has a storage without type, name, device and length")
	}
	g, _ := id[1].(global)
	name, ok1 := id[2].(string)
	_, ok2 := id[3].(string)
	numbers, ok3 := id[4].(int64)
	dtype, ok := storages[g]
	if !ok || !ok1 || !ok2 || !ok3 {
		return errors.New("it has a storage without type, name, device and length")
	}
	s, err := m.storage(dtype, name, numbers)
	if err != nil {
		return err
	}
	return m.push(s, 48)
}

// reduce makes what one of the known names makes of its arguments.
func (m *machine) reduce() error {
	v, err := m.pop(2)
	if err != nil {
		return err
	}
	g, _ := v[0].(global)
	args, ok := v[1].(tuple)
	switch {
	case !ok:
	case g == orderedDict && len(args) == 0:
		return m.push(&dict{}, 48)
	case g == rebuildParameter && len(args) == 3: // tensor, whether it is trained, hooks
		if t, ok := args[0].(*tensorfile.Tensor); ok {
			return m.push(t, 0)
		}
	case g == rebuildTensor && (len(args) == 6 || len(args) == 7): // storage, offset, sizes, strides, whether it is trained, hooks, metadata
		s, ok1 := args[0].(*storage)
		offset, ok2 := args[1].(int64)
		size, ok3 := integers(args[2])
		stride, ok4 := integers(args[3])
		if !ok1 || !ok2 || !ok3 || !ok4 {
			break
		}
		t, err := s.tensor(offset, size, stride)
		if err != nil {
			return err
		}
		return m.push(t, 128+24*int64(len(size)))
	}
	return fmt.Errorf("it makes something of %s by %s", kind(v[1]), kind(v[0]))
}

// integers returns the few whole numbers of a tuple.
func integers(v any) ([]int64, bool) {
	t, ok := v.(tuple)
	if !ok || len(t) > tensorfile.MaxRank {
		return nil, false
	}
	list := make([]int64, len(t))
	for i, x := range t {
		if list[i], ok = x.(int64); !ok {
			return nil, false
		}
	}
	return list, true
}

// kind says what a value is.
func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a truth value"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case tuple:
		return "a tuple"
	case *list:
		return "a list"
	case *dict:
		return "a dictionary"
	case *tensorfile.Tensor:
		return "a tensor"
	case *storage:
		return "a storage"
	case global:
		return string(v)
	}
	return fmt.Sprintf("a %T", v)
}
