package nfplot

import (
	"bytes"
	"crypto/rand"
	"encoding/gob"
	"fmt"
	"os"
	"sync"
	"time"
)

// A cell that GoNB runs finds two named pipes in its environment. It writes displays to the one, in the encoding of
// encoding/gob, and reads answers from the other. The types below are those of GoNB's package gonbui/protocol, as gob
// sees them: by the names and kinds of their fields. None is map[string]any or the like, which gonbui may send as well: on
// one pipe a type can be introduced once.
const (
	pipeVariable     = "GONB_PIPE"
	pipeBackVariable = "GONB_PIPE_BACK"
)

type mimeType string

const (
	mimeHTML      mimeType = "text/html"
	mimePlain     mimeType = "text/plain"
	mimePNG       mimeType = "image/png"
	mimeCommValue mimeType = "gonb/comm_value"
)

type (
	mimeBundle map[mimeType]any
	metadata   map[string]any

	// display is what the kernel shows, in the place of what has the same id if there is one.
	display struct {
		Data      mimeBundle
		Metadata  metadata
		DisplayID string
	}

	// commValue is a request to the kernel, in a display, and its answer.
	commValue struct {
		Address string
		Request bool
		Value   any
	}
)

const (
	syncAddress    = "#gonbui/sync"
	syncAckAddress = "#gonbui/sync_ack"
)

// A value in an interface carries the name under which its type is registered, and the registry is one for the program:
// gonb's package, where it is linked in, has its name for its own type. So ours has another of the same length, which is
// exchanged in what is written.
const (
	commValueName    = "github.com/janpfeifer/gonb/gonbui/protocol.CommValue"
	ourCommValueName = "github.com/nfkit/nfkit-go/nfkit/nfplot/kernelMessage"
)

// inNotebook reports whether a GoNB kernel started the program.
func inNotebook() bool { return os.Getenv(pipeVariable) != "" }

// kernel is the program's connection to the kernel of its notebook.
var kernel connection

type connection struct {
	mu      sync.Mutex
	opened  bool
	err     error // the first one, after which nothing is sent
	out     *os.File
	encoder *gob.Encoder // to buffer
	buffer  bytes.Buffer
	decoder *gob.Decoder // nil: answers are another's
	syncs   int
}

// open opens the pipes once. If gonb's own package is linked in, it may open them too: two readers would take each other's
// answers, so they are left to it.
func (k *connection) open() {
	if k.opened {
		return
	}
	k.opened = true
	gob.RegisterName(ourCommValueName, commValue{})
	gob.Register(map[string]int{})
	k.encoder = gob.NewEncoder(&k.buffer)
	var err error
	if k.out, err = os.OpenFile(os.Getenv(pipeVariable), os.O_WRONLY, 0); err != nil {
		k.fail(err)
		return
	}
	if gonbIsLinked() {
		return
	}
	back, err := os.Open(os.Getenv(pipeBackVariable))
	if err != nil {
		k.fail(err)
		return
	}
	k.decoder = gob.NewDecoder(back)
}

// gonbIsLinked reports whether gonb's name for a type is in the registry: what is sent under it can be read.
var gonbIsLinked = func() bool {
	gob.RegisterName(ourCommValueName, commValue{})
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(display{Data: mimeBundle{mimeCommValue: commValue{}}}); err != nil {
		panic("nfplot: " + err.Error()) // a buffer takes everything
	}
	return gob.NewDecoder(bytes.NewReader(withGonbsName(b.Bytes()))).Decode(&display{}) == nil
}

func withGonbsName(message []byte) []byte {
	return bytes.Replace(message, []byte(ourCommValueName), []byte(commValueName), 1)
}

// send shows data under the cell.
func (k *connection) send(d display) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.write(d, func(message []byte) []byte { return message })
}

// sync returns when the kernel has shown what was sent: it answers in order. What a program leaves in the pipe when it
// ends is lost.
func (k *connection) sync() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open()
	if k.err == nil && k.decoder == nil {
		time.Sleep(100 * time.Millisecond) // for programs that do not call gonbui.Sync, which waits as long as it takes
		return
	}
	k.syncs++
	k.write(display{Data: mimeBundle{mimeCommValue: commValue{Address: syncAddress, Value: k.syncs}}}, withGonbsName)
	for k.err == nil {
		var answer commValue
		if err := k.decoder.Decode(&answer); err != nil {
			k.fail(err)
		} else if answer.Address == syncAckAddress && answer.Value == k.syncs {
			return
		}
	}
}

// write sends one message.
func (k *connection) write(d display, finish func([]byte) []byte) {
	k.open()
	if k.err != nil {
		return
	}
	k.buffer.Reset()
	if err := k.encoder.Encode(d); err != nil {
		panic("nfplot: " + err.Error()) // a buffer takes everything, and the types are ours
	}
	if _, err := k.out.Write(finish(k.buffer.Bytes())); err != nil {
		k.fail(err)
	}
}

// fail prints the first error. Nothing is sent after it.
func (k *connection) fail(err error) {
	k.err = err
	fmt.Fprintf(os.Stderr, "nfplot: the notebook cannot be reached: %v\n", err)
}

// newDisplayID returns an id that no other display has.
func newDisplayID() string { return rand.Text()[:8] }
