package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
)

// header reads the JSON header. It is a reader of its own, since that of the standard library takes null for 0, the last
// of two equal names, and several times the memory of the text; this one takes what a [stored] needs, for at most
// [tensorfile.MaxTensors].
type header struct {
	text string
	at   int
}

// stored is what the header says of a tensor.
type stored struct {
	name       string
	dtype      tensorfile.DType
	shape      []int
	begin, end int64
}

// read returns the tensors, in the order of the text.
func (h *header) read() ([]stored, error) {
	if !utf8.ValidString(h.text) {
		return nil, errors.New("it is not valid UTF-8")
	}
	var list []stored
	seen := map[string]bool{}
	err := h.object(tensorfile.MaxName, func(name string) error {
		if seen[name] {
			return fmt.Errorf("%q is there twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			return h.metadata()
		}
		if len(list) == tensorfile.MaxTensors {
			return fmt.Errorf("it has more than %d tensors", tensorfile.MaxTensors)
		}
		t, err := h.tensor(name)
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		list = append(list, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if h.space(); h.at < len(h.text) {
		return nil, fmt.Errorf("%d bytes follow its end", len(h.text)-h.at)
	}
	return list, nil
}

// metadata reads what has no meaning here: texts with names.
func (h *header) metadata() error {
	err := h.object(len(h.text), func(string) error {
		_, err := h.string(len(h.text))
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", metadataKey, err)
	}
	return nil
}

func (h *header) tensor(name string) (stored, error) {
	t := stored{name: name}
	const most = 16 // bytes of a field's name, or a type
	var dtype, shape, offsets bool
	err := h.object(most, func(field string) (err error) {
		var had bool
		switch field {
		case "dtype":
			var text string
			text, err = h.string(most)
			had, dtype, t.dtype = dtype, true, tensorfile.DType(text)
		case "shape":
			had, shape = shape, true
			err = h.list(tensorfile.MaxRank, func(x int64) error {
				if int64(int(x)) != x {
					return fmt.Errorf("a dimension of %d is larger than any file", x)
				}
				t.shape = append(t.shape, int(x))
				return nil
			})
		case "data_offsets":
			had, offsets = offsets, true
			n := 0
			err = h.list(2, func(x int64) error { t.begin, t.end, n = t.end, x, n+1; return nil })
			if err == nil && n != 2 {
				err = fmt.Errorf("got %d data_offsets, want 2", n)
			}
		default:
			err = fmt.Errorf("there is a field %q, want dtype, shape and data_offsets", field)
		}
		if had {
			err = fmt.Errorf("%s is there twice", field)
		}
		return err
	})
	if err == nil && !(dtype && shape && offsets) {
		err = errors.New("want dtype, shape and two data_offsets")
	}
	return t, err
}

// object reads an object, and calls value, which reads the value, for each name, of at most most bytes.
func (h *header) object(most int, value func(name string) error) error {
	return h.sequence('{', '}', func() error {
		name, err := h.string(most)
		if err != nil {
			return err
		}
		if err := h.expect(':'); err != nil {
			return err
		}
		return value(name)
	})
}

// list reads an array of at most most whole numbers.
func (h *header) list(most int, value func(x int64) error) error {
	n := 0
	return h.sequence('[', ']', func() error {
		if n++; n > most {
			return fmt.Errorf("a list has more than %d numbers", most)
		}
		h.space()
		start := h.at
		for h.at < len(h.text) && (h.text[h.at] >= '0' && h.text[h.at] <= '9' || h.text[h.at] == '-' && h.at == start) {
			h.at++
		}
		digits := h.text[start:min(h.at, start+32)]
		x, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || strconv.FormatInt(x, 10) != digits {
			return fmt.Errorf("byte %d: want a whole number that fits 64 bits", start)
		}
		return value(x)
	})
}

// sequence reads items, which item reads, with commas between them and brackets around.
func (h *header) sequence(open, end byte, item func() error) error {
	if err := h.expect(open); err != nil {
		return err
	}
	if h.next() == end {
		h.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if h.next() == end {
			h.at++
			return nil
		}
		if err := h.expect(','); err != nil {
			return err
		}
	}
}

// string reads a text of at most most bytes.
func (h *header) string(most int) (string, error) {
	if err := h.expect('"'); err != nil {
		return "", err
	}
	start, escaped := h.at, false
	for ; h.at < len(h.text) && h.text[h.at] != '"'; h.at++ {
		switch c := h.text[h.at]; {
		case c < ' ':
			return "", fmt.Errorf("byte %d: there is a control character in a text", h.at)
		case c == '\\':
			escaped = true
			h.at++
		}
		if h.at-start > most {
			return "", fmt.Errorf("byte %d: a text has more than %d bytes", start, most)
		}
	}
	if h.at >= len(h.text) {
		return "", errors.New("it ends in the middle")
	}
	h.at++
	if !escaped {
		return h.text[start : h.at-1], nil
	}
	var s string
	if err := json.Unmarshal([]byte(h.text[start-1:h.at]), &s); err != nil {
		return "", fmt.Errorf("byte %d: %w", start, err)
	}
	return s, nil
}

// expect goes past c.
func (h *header) expect(c byte) error {
	if got := h.next(); got == 0 {
		return fmt.Errorf("it ends where %q should be", c)
	} else if got != c {
		return fmt.Errorf("byte %d: got %q, want %q", h.at, got, c)
	}
	h.at++
	return nil
}

// next returns the next character that is not space, 0 at the end.
func (h *header) next() byte {
	if h.space(); h.at < len(h.text) {
		return h.text[h.at]
	}
	return 0
}

func (h *header) space() {
	for h.at < len(h.text) && (h.text[h.at] == ' ' || h.text[h.at] == '\t' || h.text[h.at] == '\r' || h.text[h.at] == '\n') {
		h.at++
	}
}
