package transport_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	coderws "github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/partnergraph/partnergraph/graph/transport"
)

func TestEventStream(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{})
	send := func(body, accept string) answer {
		return do(t, request(t, http.MethodPost, srv.URL, body, "Content-Type", jsonType, "Accept", accept))
	}
	a := send(query(t, "subscription { ticks(count: 3) }"), "text/event-stream")
	if got := a.header.Get("Content-Type"); a.status != 200 || got != "text/event-stream" {
		t.Fatalf("got %d %s", a.status, got)
	}
	if n := strings.Count(a.body, "event: next\ndata: {"); n != 3 || !strings.HasSuffix(a.body, "event: complete\n\n") {
		t.Errorf("got %s", a.body)
	}
	// A query is answered as a stream of one; clients that merely name the type too are not.
	if a := send(query(t, "{ hello }"), "text/event-stream"); strings.Count(a.body, "event: next") != 1 {
		t.Errorf("got %s", a.body)
	}
	if a := send(query(t, "{ hello }"), respType+", application/json, text/event-stream"); !strings.HasPrefix(a.header.Get("Content-Type"), respType) {
		t.Errorf("got %s", a.header.Get("Content-Type"))
	}
	if a := send(query(t, "subscription { nope }"), "text/event-stream"); !strings.Contains(a.body, `"code":"GRAPHQL_VALIDATION_FAILED"`) {
		t.Errorf("got %s", a.body)
	}
	if a := send(query(t, "{ items(first: 90000) { nodes { id } } }"), "text/event-stream"); !strings.Contains(a.body, `"code":"TOO_COMPLEX"`) {
		t.Errorf("got %s", a.body)
	}
	if a := send(query(t, strings.Repeat(" ", 1<<20)+"{ hello }"), "text/event-stream"); a.status != 413 {
		t.Errorf("got %d", a.status)
	}
	if a := send(`{"query":{}}`, "text/event-stream"); a.status != 400 || a.code() != "INVALID" {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestEventStreamOutlivesTheDeadlineAndEndsWithItsClient(t *testing.T) {
	t.Parallel()
	srv, root := serve(t, transport.Config{Deadline: 20 * time.Millisecond, PingInterval: 30 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := request(t, http.MethodPost, srv.URL, query(t, "subscription { forever }"), "Content-Type", jsonType, "Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(r.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	// The second ping comes well after the deadline of queries.
	lines := bufio.NewScanner(resp.Body)
	for pings := 0; pings < 2 && lines.Scan(); {
		if lines.Text() == ": ping" {
			pings++
		}
		if strings.Contains(lines.Text(), "complete") {
			t.Fatal("the stream was completed")
		}
	}
	cancel()
	for end := time.Now().Add(5 * time.Second); root.Gone.Load() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the subscription outlived its client")
		}
	}
}

func TestEventStreamOutlivesTheTimesOfSingleRequests(t *testing.T) {
	t.Parallel()
	inner, _ := serve(t, transport.Config{PingInterval: 50 * time.Millisecond})
	srv := httptest.NewUnstartedServer(inner.Config.Handler)
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	srv.Start()
	defer srv.Close()
	defer srv.CloseClientConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r := request(t, http.MethodPost, srv.URL, query(t, "subscription { forever }"), "Content-Type", jsonType, "Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(r.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	pings := 0
	for lines := bufio.NewScanner(resp.Body); pings < 12 && lines.Scan(); {
		if lines.Text() == ": ping" {
			pings++
		}
	}
	if pings < 12 {
		t.Errorf("the stream was cut after %d pings", pings)
	}
}

// message is one of graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func dial(t *testing.T, url string, header http.Header, protocols ...string) (*coderws.Conn, *http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, resp, err := coderws.Dial(ctx, url, &coderws.DialOptions{Subprotocols: protocols, HTTPHeader: header})
	if err == nil {
		t.Cleanup(func() { _ = c.CloseNow() })
	}
	return c, resp, err
}

// next reads the next message that is not a ping.
func next(t *testing.T, c *coderws.Conn) (message, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		var m message
		if err := wsjson.Read(ctx, c, &m); err != nil || m.Type != "ping" && m.Type != "pong" {
			return m, err
		}
	}
}

func say(t *testing.T, c *coderws.Conn, m message) {
	t.Helper()
	if err := wsjson.Write(t.Context(), c, m); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) *coderws.Conn {
	t.Helper()
	c, _, err := dial(t, url, nil, "graphql-transport-ws")
	if err != nil {
		t.Fatal(err)
	}
	say(t, c, message{Type: "connection_init"})
	if m, err := next(t, c); err != nil || m.Type != "connection_ack" {
		t.Fatalf("got %+v, %v", m, err)
	}
	return c
}

func TestWebsocket(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{})
	c := connect(t, srv.URL)
	say(t, c, message{ID: "1", Type: "subscribe", Payload: json.RawMessage(query(t, "subscription { ticks(count: 2) }"))})
	for _, want := range []string{"next", "next", "complete"} {
		if m, err := next(t, c); err != nil || m.Type != want || m.ID != "1" {
			t.Fatalf("got %+v, %v; want %s", m, err, want)
		}
	}
	for text, code := range map[string]string{
		"{ nope }": "GRAPHQL_VALIDATION_FAILED",
		"{ items(first: 90000) { nodes { id } } }": "TOO_COMPLEX",
		"{ fail }": "INTERNAL",
	} {
		say(t, c, message{ID: "2", Type: "subscribe", Payload: json.RawMessage(query(t, text))})
		m, err := next(t, c)
		if err != nil || !strings.Contains(string(m.Payload), `"code":"`+code+`"`) {
			t.Errorf("%s: got %+v %s, %v", text, m.Type, m.Payload, err)
		}
		for m.Type != "complete" {
			if m, err = next(t, c); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestWebsocketRefusesOriginsAndProtocols(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{
		CSRF:                transport.CSRF{AllowedOrigin: allowShop},
		CookieAuthenticated: func(r *http.Request) bool { return r.Header.Get("Cookie") != "" },
	})
	for name, c := range map[string]struct {
		header   http.Header
		protocol []string
		want     int
	}{
		"no origin":              {nil, []string{"graphql-transport-ws"}, 101},
		"own origin":             {http.Header{"Origin": {srv.URL}, "Cookie": {"s=1"}}, []string{"graphql-transport-ws"}, 101},
		"a listed origin":        {http.Header{"Origin": {shop}}, []string{"graphql-ws", "graphql-transport-ws"}, 101},
		"a foreign origin":       {http.Header{"Origin": {"https://evil.example"}}, []string{"graphql-transport-ws"}, 403},
		"a cookie but no origin": {http.Header{"Cookie": {"s=1"}}, []string{"graphql-transport-ws"}, 403},
		"the older protocol":     {nil, []string{"graphql-ws"}, 400},
		"no protocol":            {nil, nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, resp, err := dial(t, srv.URL, c.header, c.protocol...)
			if resp == nil || resp.StatusCode != c.want {
				t.Fatalf("got %v, %v", resp, err)
			}
			if err == nil && conn.Subprotocol() != "graphql-transport-ws" {
				t.Errorf("speaks %s", conn.Subprotocol())
			}
		})
	}
}

func TestWebsocketIsBounded(t *testing.T) {
	t.Parallel()
	srv, root := serve(t, transport.Config{OperationsPerConnection: 2, WebsocketInitTimeout: 50 * time.Millisecond})

	silent, _, err := dial(t, srv.URL, nil, "graphql-transport-ws")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := next(t, silent); err == nil {
		t.Errorf("a silent client got %+v", m)
	}

	c := connect(t, srv.URL)
	for _, id := range []string{"1", "2"} {
		say(t, c, message{ID: id, Type: "subscribe", Payload: json.RawMessage(query(t, "subscription { forever }"))})
		if m, err := next(t, c); err != nil || m.Type != "next" {
			t.Fatalf("got %+v, %v", m, err)
		}
	}
	say(t, c, message{ID: "3", Type: "subscribe", Payload: json.RawMessage(query(t, "{ hello }"))})
	m, err := next(t, c)
	if err != nil || !strings.Contains(string(m.Payload), "RATE_LIMITED") {
		t.Fatalf("got %+v %s, %v", m, m.Payload, err)
	}
	for m.Type != "complete" {
		if m, err = next(t, c); err != nil {
			t.Fatal(err)
		}
	}
	// One that completes makes room.
	say(t, c, message{ID: "1", Type: "complete"})
	if m, err = next(t, c); err != nil || m.Type != "complete" || m.ID != "1" {
		t.Fatalf("got %+v, %v", m, err)
	}
	say(t, c, message{ID: "4", Type: "subscribe", Payload: json.RawMessage(query(t, "{ hello }"))})
	if m, err = next(t, c); err != nil || !strings.Contains(string(m.Payload), "hello") {
		t.Errorf("got %+v %s, %v", m, m.Payload, err)
	}
	_ = c.CloseNow()
	for end := time.Now().Add(5 * time.Second); root.Gone.Load() < 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of 2 subscriptions ended with their client", root.Gone.Load())
		}
	}
}
