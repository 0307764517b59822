package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
)

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// persisted is the body of an automatic persisted query.
func persisted(t *testing.T, hash, text string) string {
	t.Helper()
	body := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
	if text != "" {
		body["query"] = text
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestPersistedQueriesAreKept(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"memory": "memory:", "redis": redisURL(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{ viewer { kind } } # ` + t.TempDir() // a document that no earlier run has left in the cache
			s := world(t, func(c *app.Config) { c.CacheURL = url })
			ask := func(hash, text string) answer {
				return s.ask(t, "POST", "/graphql", persisted(t, hash, text), append(bearer(demo.FixedKeys().Customer), "Content-Type", jsonType)...)
			}
			if got := ask(sha(text), ""); got.code(t) != "PERSISTED_QUERY_NOT_FOUND" {
				t.Errorf("%d %s", got.status, got.body)
			}
			if got := ask(sha("another"), text); got.code(t) != "INVALID" {
				t.Errorf("under a wrong hash: %d %s", got.status, got.body)
			}
			if got := ask(sha(text), text); !strings.Contains(got.body, "CUSTOMER_USER") {
				t.Errorf("with its text: %d %s", got.status, got.body)
			}
			if got := ask(sha(text), ""); !strings.Contains(got.body, "CUSTOMER_USER") {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	const trusted, other = `query Who { viewer { kind } }`, `{ viewer { permissions } }`
	raw, err := json.Marshal(map[string]string{sha(trusted): trusted})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "documents.json")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s := world(t, func(c *app.Config) { c.TrustedDocuments = path })
	for name, c := range map[string]struct {
		body string
		code string
	}{
		"by document id":                  {`{"documentId":"sha256:` + sha(trusted) + `"}`, ""},
		"by hash":                         {persisted(t, sha(trusted), ""), ""},
		"by its text":                     {document2body(t, trusted), ""},
		"another text":                    {document2body(t, other), "FORBIDDEN"},
		"another text, persisted":         {persisted(t, sha(other), other), "FORBIDDEN"},
		"what was refused is not kept":    {persisted(t, sha(other), ""), "PERSISTED_QUERY_NOT_FOUND"},
		"an unknown id":                   {`{"documentId":"sha256:` + sha(other) + `"}`, "PERSISTED_QUERY_NOT_FOUND"},
		"introspection":                   {document2body(t, `{ __schema { queryType { name } } }`), "FORBIDDEN"},
		"the trusted text, but with more": {document2body(t, trusted+` query More { viewer { permissions } }`), "FORBIDDEN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.ask(t, "POST", "/graphql", c.body, append(bearer(demo.FixedKeys().Customer), "Content-Type", jsonType)...)
			if got.code(t) != c.code || (c.code == "") != strings.Contains(got.body, "CUSTOMER_USER") {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

func TestIntrospectionSwitch(t *testing.T) {
	t.Parallel()
	on, off := world(t, nil), world(t, func(c *app.Config) { c.Introspection = false })
	for _, document := range []string{`{ __schema { queryType { name } } }`, `{ __type(name: "Partner") { name } }`} {
		if got := on.query(t, document); got.code(t) != "" {
			t.Errorf("on: %s", got.body)
		}
		if got := off.query(t, document); got.code(t) == "" || strings.Contains(got.body, `"Query"`) || strings.Contains(got.body, `"data":{`) {
			t.Errorf("off: %s", got.body)
		}
	}
	if got := off.query(t, `{ __typename }`); !strings.Contains(got.body, `"data":{"__typename":"Query"}`) {
		t.Errorf("__typename is not introspection: %s", got.body)
	}
	if got := off.query(t, `{ viewr { kind } }`); strings.Contains(got.body, "viewer") {
		t.Errorf("errors tell the schema: %s", got.body)
	}
	for _, path := range []string{"/graphiql", "/graphiql/assets/x"} {
		if got := off.ask(t, "GET", path, ""); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := on.ask(t, "GET", "/graphiql", ""); got.status != 200 {
		t.Errorf("GraphiQL: %d", got.status)
	}
}

func TestCredentialThatIsNotValidFailsTheRequest(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	for _, header := range []string{"Bearer pgk_wrong", "Bearer ", "Basic YTpi"} {
		got := s.query(t, `{ __typename }`, "Authorization", header)
		if got.status != 401 || got.code(t) != "UNAUTHENTICATED" {
			t.Errorf("%q: %d %s", header, got.status, got.body)
		}
	}
}
