package pytorch

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
)

// entry is a file in an archive: size bytes from begin on, as they are.
type entry struct {
	name        string
	local       int64 // where its header is
	begin, size int64
}

// Sizes and signatures of the records of an archive.
const (
	endBytes, endMark             = 22, 0x06054b50
	locatorBytes, locatorMark     = 20, 0x07064b50
	end64Bytes, end64Mark         = 56, 0x06064b50
	directoryBytes, directoryMark = 46, 0x02014b50
	localBytes, localMark         = 30, 0x04034b50

	maxEntries   = tensorfile.MaxTensors + 64
	maxDirectory = 16 << 20 // bytes
)

var le = binary.LittleEndian

// readZip lists an archive such as PyTorch writes: without compression, so that nothing can grow when it is read, and
// without a comment, encryption or parts elsewhere. Entries must lie one behind the other, and names be different.
// That of the standard library takes several times the memory of a directory, and has no limit for it.
func readZip(r io.ReaderAt, size int64) (map[string]entry, error) {
	count, begin, end, err := findDirectory(r, size)
	if err != nil {
		return nil, err
	}
	if count > maxEntries || end-begin > maxDirectory {
		return nil, fmt.Errorf("it has %d entries in a directory of %d bytes, want at most %d and %d", count, end-begin, maxEntries, maxDirectory)
	}
	text, err := bytesAt(r, begin, end-begin)
	if err != nil {
		return nil, err
	}
	var list []entry
	for range count {
		var e entry
		if e, text, err = readDirectory(text); err != nil {
			return nil, err
		}
		if err := e.locate(r, begin); err != nil {
			return nil, fmt.Errorf("entry %q: %w", e.name, err)
		}
		list = append(list, e)
	}
	if len(text) > 0 {
		return nil, fmt.Errorf("%d bytes follow the %d entries of its directory", len(text), count)
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.local, b.local) })
	entries := make(map[string]entry, len(list))
	for i, e := range list {
		if i > 0 && e.local < list[i-1].begin+list[i-1].size {
			return nil, fmt.Errorf("entries %q and %q overlap", list[i-1].name, e.name)
		}
		if _, ok := entries[e.name]; ok {
			return nil, fmt.Errorf("%q is there twice", e.name)
		}
		entries[e.name] = e
	}
	return entries, nil
}

// findDirectory returns the number of entries, and where the directory of the archive begins and ends.
func findDirectory(r io.ReaderAt, size int64) (count, begin, end int64, err error) {
	end = size - endBytes
	b, err := bytesAt(r, end, endBytes)
	if err != nil || le.Uint32(b) != endMark || le.Uint16(b[20:]) != 0 {
		return 0, 0, 0, errors.New("its last 22 bytes are not the end of an archive; the file may be truncated")
	}
	disks := uint32(le.Uint16(b[4:])) | uint32(le.Uint16(b[6:]))
	count, length, begin := int64(le.Uint16(b[10:])), int64(le.Uint32(b[12:])), int64(le.Uint32(b[16:]))
	if l, err := bytesAt(r, end-locatorBytes, locatorBytes); err == nil && le.Uint32(l) == locatorMark {
		end -= locatorBytes + end64Bytes
		b, err := bytesAt(r, end, end64Bytes)
		if err != nil || le.Uint32(b) != end64Mark || le.Uint64(b[4:]) != end64Bytes-12 || le.Uint64(l[8:]) != uint64(end) {
			return 0, 0, 0, errors.New("its end is not that of an archive")
		}
		disks = le.Uint32(b[16:]) | le.Uint32(b[20:])
		count, length, begin = int64(le.Uint64(b[32:])), int64(le.Uint64(b[40:])), int64(le.Uint64(b[48:]))
	}
	if disks != 0 || count < 0 || begin < 0 || length < 0 || length > end || begin != end-length || count > length/directoryBytes {
		return 0, 0, 0, fmt.Errorf("its directory of %d entries has %d bytes from byte %d on, want it to end at byte %d", count, length, begin, end)
	}
	return count, begin, end, nil
}

// readDirectory reads an entry of the directory, and returns the rest.
func readDirectory(b []byte) (e entry, rest []byte, err error) {
	if len(b) < directoryBytes || le.Uint32(b) != directoryMark {
		return e, nil, errors.New("its directory is damaged")
	}
	flags, method := le.Uint16(b[8:]), le.Uint16(b[10:])
	packed, size, local := uint64(le.Uint32(b[20:])), uint64(le.Uint32(b[24:])), uint64(le.Uint32(b[42:]))
	name, extra, comment := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	disk := le.Uint16(b[34:])
	b = b[directoryBytes:]
	if len(b) < name+extra+comment || name > tensorfile.MaxName {
		return e, nil, errors.New("its directory is damaged")
	}
	e.name = string(b[:name])
	for x := b[name : name+extra]; len(x) >= 4; {
		id, n := le.Uint16(x), int(le.Uint16(x[2:]))
		if n > len(x)-4 {
			return e, nil, fmt.Errorf("entry %q is damaged", e.name)
		}
		if id == 1 { // sizes in 64 bits, of those that do not fit 32
			wide := x[4 : 4+n]
			for _, field := range []*uint64{&size, &packed, &local} {
				if *field == math.MaxUint32 && len(wide) >= 8 {
					*field, wide = le.Uint64(wide), wide[8:]
				}
			}
		}
		x = x[4+n:]
	}
	switch {
	case flags&1 != 0:
		return e, nil, fmt.Errorf("entry %q is encrypted", e.name)
	case method != 0 || packed != size:
		return e, nil, fmt.Errorf("entry %q is compressed", e.name)
	case size > math.MaxInt64 || local > math.MaxInt64 || disk != 0:
		return e, nil, fmt.Errorf("entry %q is damaged", e.name)
	}
	e.size, e.local = int64(size), int64(local)
	return e, b[name+extra+comment:], nil
}

// locate finds the contents of e, which must end before the directory begins.
func (e *entry) locate(r io.ReaderAt, directory int64) error {
	if e.local > directory-localBytes-int64(len(e.name)) {
		return errors.New("it is outside the archive")
	}
	b, err := bytesAt(r, e.local, localBytes+int64(len(e.name)))
	if err != nil {
		return err
	}
	if le.Uint32(b) != localMark || int(le.Uint16(b[26:])) != len(e.name) || string(b[localBytes:]) != e.name || le.Uint16(b[8:]) != 0 {
		return errors.New("the directory and its header say different things")
	}
	e.begin = e.local + int64(len(b)) + int64(le.Uint16(b[28:]))
	if e.begin > directory || e.size > directory-e.begin {
		return errors.New("it is outside the archive")
	}
	return nil
}

// bytesAt reads n bytes.
func bytesAt(r io.ReaderAt, at, n int64) ([]byte, error) {
	if at < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	if got, err := r.ReadAt(b, at); int64(got) < n {
		return nil, err
	}
	return b, nil
}
