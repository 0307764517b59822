package load_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/load"
)

func TestRunCountsWhatWasAnsweredInTime(t *testing.T) {
	t.Parallel()
	var began, ended atomic.Bool
	var n load.Sequence
	figures, err := load.Run(load.Plan{Clients: 2, Warm: 20 * time.Millisecond, Duration: 200 * time.Millisecond},
		func() { began.Store(true) }, func() { ended.Store(true) },
		func(client int) (load.Call, error) {
			return func() string {
				n.Next()
				time.Sleep(5 * time.Millisecond)
				return []string{"", "SLOW"}[client]
			}, nil
		})
	if err != nil || !began.Load() || !ended.Load() {
		t.Fatal(err, began.Load(), ended.Load())
	}
	refused := int64(figures.Refused["SLOW"])
	if figures.Accepted == 0 || figures.Accepted > 40 || figures.Done <= figures.Accepted || refused == 0 || figures.Accepted+refused >= n.Next() {
		t.Errorf("%+v of %d", figures, n.Next())
	}
	if figures.P50 < 5 || figures.P99 < figures.P50 || figures.Max < figures.P99 {
		t.Errorf("times: %+v", figures)
	}
}

func TestConnReadsBothKindsOfAnswer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 5000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			_, _ = w.Write([]byte(long))
			w.(http.Flusher).Flush()
			_, _ = w.Write([]byte(long))
			return
		}
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte("short"))
	}))
	defer server.Close()
	conn, err := load.Dial(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for range 2 {
		status, body, err := conn.Do([]byte("GET /short HTTP/1.1\r\nHost: x\r\n\r\n"))
		if err != nil || status != http.StatusConflict || string(body) != "short" {
			t.Errorf("short: %d %q %v", status, body, err)
		}
		status, body, err = conn.Do([]byte("GET /long HTTP/1.1\r\nHost: x\r\n\r\n"))
		if err != nil || status != http.StatusOK || string(body) != long+long {
			t.Errorf("long: %d %d bytes %v", status, len(body), err)
		}
	}
	server.CloseClientConnections()
	if _, _, err := conn.Do([]byte("GET /short HTTP/1.1\r\nHost: x\r\n\r\n")); err == nil {
		t.Error("a closed connection answers")
	}
	if _, _, err := conn.Do([]byte("GET /short HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Errorf("it does not connect anew: %v", err)
	}
}
