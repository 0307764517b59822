package app

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// farewell is how long a stream has, when the server goes down, to send its last message before its connection is closed.
const farewell = 250 * time.Millisecond

// streams are the requests that last: websockets, which http.Server forgets, and event streams, which it would wait for.
type streams struct {
	closing context.Context
	close   context.CancelFunc
	open    atomic.Int64
	running sync.WaitGroup
}

func newStreams() *streams {
	s := &streams{}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// serve serves a request, and ends it with the server when it lasts.
func (s *streams) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" && !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		next.ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	s.running.Add(1)
	s.open.Add(1)
	defer s.running.Done()
	defer s.open.Add(-1)
	next.ServeHTTP(w, r.WithContext(ctx))
}

// end closes the connections of what still lasts, after its farewell.
func (s *streams) end() {
	for until := time.Now().Add(farewell); s.open.Load() > 0 && time.Now().Before(until); {
		time.Sleep(5 * time.Millisecond)
	}
	s.close()
}

// wait waits until all have ended, or ctx has. Call it when no request can begin any more.
func (s *streams) wait(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}
