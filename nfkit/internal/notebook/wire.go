package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/go-zeromq/zmq4"
)

// protocolVersion is the Jupyter messaging protocol that is spoken here,
// https://jupyter-client.readthedocs.io/en/stable/messaging.html.
const protocolVersion = "5.3"

// sendLimit is how long a kernel may take to accept a request.
const sendLimit = 5 * time.Second

// delimiter separates the routing part of a message from its signature.
const delimiter = "<IDS|MSG>"

// connection is the connection file that a kernel reads at its start. With the
// ipc transport a "port" is the suffix of a Unix socket's name and IP its prefix:
// no port of the machine is taken and no other user can connect.
type connection struct {
	Transport       string `json:"transport"`
	IP              string `json:"ip"`
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HBPort          int    `json:"hb_port"`
	Key             string `json:"key"`
	SignatureScheme string `json:"signature_scheme"`
}

// newConnection returns the connection of a new kernel whose sockets have names
// that start with prefix.
func newConnection(prefix string) connection {
	return connection{
		Transport: "ipc", IP: prefix,
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
		Key: randomHex(), SignatureScheme: "hmac-sha256",
	}
}

func (c connection) endpoint(port int) string { return fmt.Sprintf("ipc://%s-%d", c.IP, port) }

// channel is the socket on which a message came.
type channel int

const (
	onShell channel = iota
	onIOPub
)

// message is what a kernel sent: a reply on the shell channel or something
// published while the request parent is worked on.
type message struct {
	on      channel
	kind    string
	parent  string
	content map[string]any
}

// text returns the string at key of the content, "" if there is none.
func (m message) text(key string) string {
	s, _ := m.content[key].(string)
	return s
}

// object returns the object at key of the content, an empty one if there is none.
func (m message) object(key string) map[string]any {
	o, ok := m.content[key].(map[string]any)
	if !ok {
		o = map[string]any{}
	}
	return o
}

// client is the front end's side of a kernel's sockets. Everything that the kernel
// sends arrives on in.
type client struct {
	key, session          string
	shell, control, iopub zmq4.Socket
	in                    chan message
	broken                chan error // what made a socket unreadable
	cancel                context.CancelFunc
}

// dial connects to a kernel that is starting, and waits for its sockets to appear
// as long as ctx allows.
func dial(ctx context.Context, c connection) (*client, error) {
	life, cancel := context.WithCancel(context.Background())
	quiet := []zmq4.Option{
		zmq4.WithDialerRetry(20 * time.Millisecond),
		zmq4.WithDialerMaxRetries(-1),
		zmq4.WithTimeout(sendLimit),
		zmq4.WithLogger(log.New(io.Discard, "", 0)),
	}
	cl := &client{
		key: c.Key, session: randomHex(),
		shell:   zmq4.NewDealer(life, quiet...),
		control: zmq4.NewDealer(life, quiet...),
		iopub:   zmq4.NewSub(life, quiet...),
		in:      make(chan message, 256),
		broken:  make(chan error, 2),
		cancel:  cancel,
	}
	stop := context.AfterFunc(ctx, cancel) // ends the retries
	defer stop()
	if err := cl.iopub.SetOption(zmq4.OptionSubscribe, ""); err != nil {
		cancel()
		return nil, err
	}
	for _, s := range []struct {
		socket zmq4.Socket
		port   int
	}{{cl.iopub, c.IOPubPort}, {cl.shell, c.ShellPort}, {cl.control, c.ControlPort}} {
		if err := s.socket.Dial(c.endpoint(s.port)); err != nil {
			cl.close()
			return nil, errors.Join(ctx.Err(), err)
		}
	}
	go cl.receive(life, cl.shell, onShell)
	go cl.receive(life, cl.iopub, onIOPub)
	return cl, nil
}

// close closes the sockets and ends the goroutines that read them.
func (c *client) close() {
	c.cancel()
	for _, s := range []zmq4.Socket{c.shell, c.control, c.iopub} {
		s.Close() // nothing is left to be done about an error here
	}
}

// send sends a request on a socket and returns its id, which is the parent of
// every message that answers it.
func (c *client) send(socket zmq4.Socket, kind string, content map[string]any) (string, error) {
	id := randomHex()
	header := map[string]any{
		"msg_id": id, "msg_type": kind, "session": c.session, "username": "nfkit",
		"date": time.Now().UTC().Format(time.RFC3339Nano), "version": protocolVersion,
	}
	frames := [][]byte{[]byte(delimiter), nil}
	for _, part := range []any{header, map[string]any{}, map[string]any{}, content} {
		b, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		frames = append(frames, b)
	}
	frames[1] = []byte(c.sign(frames[2:]))
	return id, socket.SendMulti(zmq4.NewMsgFrom(frames...))
}

// receive passes the messages of a socket on until life ends.
func (c *client) receive(life context.Context, socket zmq4.Socket, on channel) {
	for {
		raw, err := socket.Recv()
		if life.Err() != nil {
			return
		}
		var m message
		if err == nil {
			m, err = c.decode(raw.Frames)
		}
		if err != nil {
			c.broken <- fmt.Errorf("reading from the kernel: %w", err)
			return
		}
		m.on = on
		select {
		case c.in <- m:
		case <-life.Done():
			return
		}
	}
}

// decode checks the signature of a message and takes it apart.
func (c *client) decode(frames [][]byte) (message, error) {
	for len(frames) > 0 && string(frames[0]) != delimiter {
		frames = frames[1:]
	}
	if len(frames) < 6 {
		return message{}, fmt.Errorf("a message of %d parts after its routing part, want 6", len(frames))
	}
	if !hmac.Equal(frames[1], []byte(c.sign(frames[2:6]))) {
		return message{}, errors.New("a message with a wrong signature")
	}
	var header, parent struct {
		ID   string `json:"msg_id"`
		Kind string `json:"msg_type"`
	}
	var content map[string]any
	for i, dst := range map[int]any{2: &header, 3: &parent, 5: &content} {
		d := json.NewDecoder(bytes.NewReader(frames[i]))
		d.UseNumber() // numbers go to the file as they came
		if err := d.Decode(dst); err != nil {
			return message{}, err
		}
	}
	return message{kind: header.Kind, parent: parent.ID, content: content}, nil
}

func (c *client) sign(parts [][]byte) string {
	mac := hmac.New(sha256.New, []byte(c.key))
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// randomHex returns 16 random bytes in hexadecimal.
func randomHex() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
