// Command serving answers requests for densities and samples of a trained model over HTTP. README.md shows how to use it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	file := flag.String("model", "model.safetensors", "`file` of the trained model")
	address := flag.String("addr", "localhost:8080", "address to listen at")
	steps := flag.Int("train", 0, "train the model in so many steps, write the file and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := fmt.Errorf("got the arguments %q, want none", flag.Args())
	switch {
	case flag.NArg() > 0:
	case *steps > 0:
		err = train(ctx, *file, *steps)
	default:
		err = run(ctx, *file, *address)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run serves the model in the file at the address.
func run(ctx context.Context, file, address string) error {
	s, err := newServer(file, newModel())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	log.Printf("serving %s at http://%s", file, listener.Addr())
	return s.serve(ctx, listener)
}

// serve answers requests until the context ends, and then those that have come before. SIGHUP loads the model anew.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	h := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(listener) }()
	for {
		select {
		case <-reload:
			if err := s.reload(); err != nil {
				log.Printf("the model stays as it is: %v", err)
			} else {
				log.Printf("model %d of %s is served", s.active.Load().number, s.file)
			}
		case <-ctx.Done():
			log.Print("ending")
			limit, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			return h.Shutdown(limit)
		case err := <-ended:
			return err
		}
	}
}
