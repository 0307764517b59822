package transport_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/partnergraph/partnergraph/graph/transport"
)

// store is a cache of documents that tests look into.
type store struct{ sync.Map }

func (s *store) Get(_ context.Context, key string) (string, bool) {
	v, ok := s.Load(key)
	text, _ := v.(string)
	return text, ok
}

func (s *store) Add(_ context.Context, key, text string) { s.Store(key, text) }

func sum(text string) string {
	b := sha256.Sum256([]byte(text))
	return hex.EncodeToString(b[:])
}

func persisted(hash string) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}
}

func TestPersistedQueriesAreLearntOnceTheyAreGood(t *testing.T) {
	t.Parallel()
	cache := &store{}
	srv, _ := serve(t, transport.Config{PersistedQueries: cache})
	const good, bad = "{ hello }", "{ nope }"
	byHash := func(text string) string {
		return fmt.Sprintf(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"%s"}}}`, sum(text))
	}
	if a := post(t, srv.URL, respType, byHash(good)); a.code() != "PERSISTED_QUERY_NOT_FOUND" || a.parsed.Errors[0].Message != "PersistedQueryNotFound" {
		t.Fatalf("an unknown hash: %s", a.body)
	}
	if a := post(t, srv.URL, respType, query(t, good, "extensions", persisted(sum(good)))); a.status != 200 {
		t.Fatalf("text with its hash: %s", a.body)
	}
	if a := post(t, srv.URL, respType, byHash(good)); !strings.Contains(a.body, `"hello"`) {
		t.Errorf("a known hash: %s", a.body)
	}
	if a := post(t, srv.URL, respType, query(t, good, "extensions", persisted(sum(bad)))); a.code() != "INVALID" {
		t.Errorf("text with another's hash: %s", a.body)
	}
	// What does not validate, is over a limit or very long is not remembered.
	costly := "{ items(first: 90000) { nodes { id } } }"
	long := "{ hello } #" + strings.Repeat(" ", 16<<10)
	for _, text := range []string{bad, costly, long} {
		post(t, srv.URL, respType, query(t, text, "extensions", persisted(sum(text))))
		if _, ok := cache.Load(sum(text)); ok {
			t.Errorf("%.60s was remembered", text)
		}
	}
	// A cache that lies is not believed.
	cache.Store(sum("{ __typename }"), good)
	if a := post(t, srv.URL, respType, byHash("{ __typename }")); a.code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("a poisoned entry: %s", a.body)
	}
}

func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	const known, other = "query Hello { hello }", "{ items(first: 1) { nodes { id } } }"
	manifest := map[string]string{sum(known): known, "greeting": known}
	closed, _ := serve(t, transport.Config{TrustedDocuments: manifest, PersistedQueries: &store{}})
	open, _ := serve(t, transport.Config{TrustedDocuments: manifest, TrustedOnly: func(context.Context) bool { return false }})

	for name, c := range map[string]struct{ body, closed, open string }{
		"by id":                {`{"documentId":"greeting"}`, "", ""},
		"by sha256: and hash":  {`{"documentId":"sha256:` + sum(known) + `"}`, "", ""},
		"by persisted hash":    {`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + sum(known) + `"}}}`, "", ""},
		"by its very text":     {query(t, known), "", ""},
		"another text":         {query(t, other), "FORBIDDEN", ""},
		"another with hash":    {query(t, other, "extensions", persisted(sum(other))), "FORBIDDEN", ""},
		"an unknown id":        {`{"documentId":"nope"}`, "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND"},
		"an id and a text":     {query(t, other, "documentId", "greeting"), "INVALID", "INVALID"},
		"an id that is a list": {`{"documentId":["greeting"]}`, "INVALID", "INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for url, want := range map[string]string{closed.URL: c.closed, open.URL: c.open} {
				if a := post(t, url, respType, c.body); a.code() != want {
					t.Errorf("got %q, want %q: %s", a.code(), want, a.body)
				}
			}
		})
	}
	a := do(t, request(t, "GET", closed.URL+"?documentId=greeting", ""))
	if a.status != 200 || !strings.Contains(a.body, "hello") {
		t.Errorf("by GET: %d %s", a.status, a.body)
	}
}
