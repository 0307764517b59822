package transport_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/graph/guard"
	"github.com/partnergraph/partnergraph/graph/transport"
	"github.com/partnergraph/partnergraph/graph/transport/internal/testschema"
)

const (
	jsonType = "application/json"
	respType = "application/graphql-response+json"
)

// answer is what a client sees.
type answer struct {
	status int
	header http.Header
	body   string
	parsed struct {
		Data       json.RawMessage
		Errors     []graphQLError
		Extensions map[string]any
	}
}

type graphQLError struct {
	Message    string
	Path       []any
	Extensions map[string]any
}

func (a answer) code() string {
	if len(a.parsed.Errors) == 0 {
		return ""
	}
	code, _ := a.parsed.Errors[0].Extensions["code"].(string)
	return code
}

// serve starts a server of the test schema.
func serve(t *testing.T, cfg transport.Config) (*httptest.Server, *testschema.Root) {
	t.Helper()
	root := &testschema.Root{}
	srv := httptest.NewServer(transport.Server(testschema.NewExecutableSchema(testschema.Config{Resolvers: root}), cfg))
	t.Cleanup(srv.Close)
	return srv, root
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if len(body) > 0 && strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(body, &a.parsed); err != nil {
			t.Fatalf("the answer is not JSON: %v: %.200s", err, body)
		}
	}
	return a
}

func post(t *testing.T, url, accept, body string) answer {
	t.Helper()
	return do(t, request(t, http.MethodPost, url, body, "Content-Type", jsonType, "Accept", accept))
}

func request(t *testing.T, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return r
}

func query(t *testing.T, text string, members ...any) string {
	t.Helper()
	body := map[string]any{"query": text}
	for i := 0; i+1 < len(members); i += 2 {
		body[members[i].(string)] = members[i+1]
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAcceptChoosesTheMediaType(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{})
	for accept, want := range map[string]string{
		"":                                     jsonType,
		"*/*":                                  jsonType,
		"application/*":                        jsonType,
		jsonType:                               jsonType,
		respType:                               respType,
		respType + ", " + jsonType:             respType,
		jsonType + ", " + respType:             jsonType,
		jsonType + ";q=0.5, " + respType:       respType,
		respType + ";q=0.8, " + jsonType:       jsonType,
		respType + ";q=0, */*":                 jsonType,
		"text/html, */*;q=0.1":                 jsonType,
		respType + "; charset=utf-8":           respType,
		jsonType + ";q=0, */*;q=0.2":           respType,
		"application/JSON":                     jsonType,
		"nonsense, ;;;, " + respType:           respType,
		jsonType + ";q=7, " + respType:         respType,
		"text/html":                            "",
		respType + "; charset=latin1":          "",
		strings.Repeat(",", 5000) + "a/b":      "",
		"text/event-stream;q=0.1, " + jsonType: jsonType,
	} {
		a := post(t, srv.URL, accept, query(t, "{ hello }"))
		if want == "" {
			if a.status != http.StatusNotAcceptable || a.code() != "INVALID" {
				t.Errorf("Accept %.60q: got %d %s", accept, a.status, a.body)
			}
			continue
		}
		if got := a.header.Get("Content-Type"); got != want+"; charset=utf-8" || a.status != http.StatusOK {
			t.Errorf("Accept %.60q: got %d %s, want %s", accept, a.status, got, want)
		}
	}
}

func TestAnswersAreWholeAndSealed(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{})
	a := post(t, srv.URL, respType, query(t, "{ hello }"))
	if want := `{"data":{"hello":"hello <world>"},"extensions":{"cost":{"requestedQueryCost":1,"maximum":50000}}}`; a.body != want {
		t.Errorf("got %s", a.body)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Vary": "Accept",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	// A large answer arrives whole.
	a = post(t, srv.URL, respType, query(t, "{ items(first: 10000) { nodes { id name } } }"))
	if a.status != 200 || strings.Count(a.body, `"item"`) != 10_000 {
		t.Errorf("got %d with %d items", a.status, strings.Count(a.body, `"item"`))
	}
}

func TestStatusAndCodeOfEveryRefusal(t *testing.T) {
	t.Parallel()
	srv, root := serve(t, transport.Config{BodyLimit: 200_000})
	long := strings.Repeat("x", 100_000)
	for name, c := range map[string]struct {
		method, query, contentType, body string
		strict, legacy                   int // under graphql-response+json and under json
		code                             string
	}{
		"syntax":               {body: query(t, "{"), strict: 400, legacy: 200, code: "GRAPHQL_PARSE_FAILED"},
		"an unknown field":     {body: query(t, "{ nope }"), strict: 400, legacy: 200, code: "GRAPHQL_VALIDATION_FAILED"},
		"a long unknown field": {body: query(t, "{ "+long+" }"), strict: 400, legacy: 200, code: "GRAPHQL_VALIDATION_FAILED"},
		"an unknown operation": {body: query(t, "query a { hello }", "operationName", "b"), strict: 400, legacy: 200, code: "GRAPHQL_VALIDATION_FAILED"},
		"a missing variable":   {body: query(t, "query($f: Int!) { items(first: $f) { nodes { id } } }"), strict: 400, legacy: 200, code: "GRAPHQL_VALIDATION_FAILED"},
		"too costly":           {body: query(t, "{ items(first: 90000) { nodes { id } } }"), strict: 400, legacy: 200, code: "TOO_COMPLEX"},
		"too many fields":      {body: query(t, "{ "+strings.Repeat("hello ", 1001)+" nope }"), strict: 400, legacy: 200, code: "TOO_COMPLEX"},
		"too many tokens":      {body: query(t, "{ "+strings.Repeat("hello ", 6000)+" }"), strict: 400, legacy: 200, code: "TOO_COMPLEX"},
		"introspection off":    {body: query(t, "{ __schema { queryType { name } } }"), strict: 403, legacy: 200, code: "FORBIDDEN"},
		"a number too large":   {body: query(t, "{ echo(amount: 1e50000000) }"), strict: 400, legacy: 200, code: "INVALID"},
		"an unknown hash": {body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("a", 64) + `"}}}`,
			strict: 400, legacy: 200, code: "PERSISTED_QUERY_NOT_FOUND"},
		"a hash that is none":           {body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"../x"}}}`, strict: 400, legacy: 200, code: "INVALID"},
		"a subscription without stream": {body: query(t, "subscription { ticks(count: 1) }"), strict: 400, legacy: 400, code: "INVALID"},
		"an array":                      {body: "[" + query(t, "{ hello }") + "]", strict: 400, legacy: 400, code: "INVALID"},
		"an empty body":                 {body: "", strict: 400, legacy: 400, code: "INVALID"},
		"two objects":                   {body: query(t, "{ hello }") + "{}", strict: 400, legacy: 400, code: "INVALID"},
		"not JSON":                      {body: "{", strict: 400, legacy: 400, code: "INVALID"},
		"a string":                      {body: `"{ hello }"`, strict: 400, legacy: 400, code: "INVALID"},
		"no query":                      {body: `{"variables":{}}`, strict: 400, legacy: 400, code: "INVALID"},
		"a query that is a number":      {body: `{"query":1}`, strict: 400, legacy: 400, code: "INVALID"},
		"variables in a list":           {body: `{"query":"{ hello }","variables":[]}`, strict: 400, legacy: 400, code: "INVALID"},
		"a body too large":              {body: query(t, strings.Repeat(" ", 200_001)+"{ hello }"), strict: 413, legacy: 413, code: "TOO_COMPLEX"},
		"text/plain":                    {contentType: "text/plain", body: query(t, "{ hello }"), strict: 415, legacy: 415, code: "INVALID"},
		"a form":                        {contentType: "application/x-www-form-urlencoded", body: "query={hello}", strict: 415, legacy: 415, code: "INVALID"},
		"a multipart form":              {contentType: "multipart/form-data; boundary=x", body: "--x--", strict: 415, legacy: 415, code: "INVALID"},
		"another charset":               {contentType: "application/json; charset=utf-16", body: query(t, "{ hello }"), strict: 415, legacy: 415, code: "INVALID"},
		"a mutation by GET":             {method: "GET", query: "mutation { bump }", strict: 405, legacy: 405, code: "INVALID"},
		"nothing by GET":                {method: "GET", strict: 400, legacy: 400, code: "INVALID"},
		"PUT":                           {method: "PUT", body: query(t, "{ hello }"), strict: 405, legacy: 405, code: "INVALID"},
		"DELETE":                        {method: "DELETE", strict: 405, legacy: 405, code: "INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for accept, want := range map[string]int{respType: c.strict, jsonType: c.legacy} {
				target := srv.URL
				if c.query != "" {
					target += "?query=" + url.QueryEscape(c.query)
				}
				method, contentType := c.method, c.contentType
				if method == "" {
					method = http.MethodPost
				}
				if contentType == "" {
					contentType = jsonType
				}
				a := do(t, request(t, method, target, c.body, "Content-Type", contentType, "Accept", accept))
				if a.status != want || a.code() != c.code {
					t.Errorf("Accept %s: got %d %s, want %d %s: %.300s", accept, a.status, a.code(), want, c.code, a.body)
				}
				if strings.Contains(a.body, `"data"`) {
					t.Errorf("a request error has data: %.300s", a.body)
				}
				if len(a.body) > 5000 {
					t.Errorf("the refusal has %d bytes", len(a.body))
				}
				if a.status == http.StatusMethodNotAllowed && !strings.Contains(a.header.Get("Allow"), "POST") {
					t.Errorf("405 allows %q", a.header.Get("Allow"))
				}
				if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, accept) {
					t.Errorf("refused as %s, asked for %s", got, accept)
				}
			}
		})
	}
	t.Cleanup(func() {
		if n := root.Bumps.Load(); n != 0 {
			t.Errorf("%d refused mutations were executed", n)
		}
	})
}

func TestErrorsAreFewShortAndCoded(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{})
	var fields strings.Builder
	for i := range 25 {
		fields.WriteString(strings.Repeat("b", 500+i) + " ")
	}
	a := post(t, srv.URL, respType, query(t, "{ "+fields.String()+"}"))
	if len(a.parsed.Errors) != 10 {
		t.Errorf("got %d errors", len(a.parsed.Errors))
	}
	for _, e := range a.parsed.Errors {
		if n := len([]rune(e.Message)); n > 300 || e.Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("a message of %d characters with %v", n, e.Extensions)
		}
	}
	// A message in another script is cut between characters.
	a = post(t, srv.URL, respType, query(t, "query($f: Int!) { items(first: $f) { nodes { id } } }", "variables", map[string]any{"f": map[string]any{}}))
	if a.code() != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("got %s", a.body)
	}
	a = post(t, srv.URL, respType, query(t, `query { shade(of: "`+strings.Repeat("漢", 1000)+`") }`))
	if len(a.parsed.Errors) == 0 || strings.Contains(a.parsed.Errors[0].Message, "\uFFFD") || len([]rune(a.parsed.Errors[0].Message)) > 300 {
		t.Errorf("got %.400s", a.body)
	}
}

func TestResolverErrorsShowTheirCodeAndNothingElse(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{})
	for _, text := range []string{"{ fail }", "{ panic }", "{ requiredFail }"} {
		a := post(t, srv.URL, respType, query(t, text))
		if a.status != 200 || a.code() != "INTERNAL" || strings.Contains(a.body, testschema.Secret) || !strings.Contains(a.body, `"data":`) {
			t.Errorf("%s: got %d %s", text, a.status, a.body)
		}
	}
	for name, c := range map[string]struct{ text, code, field string }{
		"a scalar that refuses":   {`{ echo(amount: 12.5) }`, "INVALID", "amount"},
		"an enum in another case": {`query($s: Shade!) { shade(of: $s) }`, "GRAPHQL_VALIDATION_FAILED", ""},
		"an int that is none":     {`query($n: Int) { items(first: $n) { nodes { id } } }`, "GRAPHQL_VALIDATION_FAILED", ""},
	} {
		a := post(t, srv.URL, respType, query(t, c.text, "variables", map[string]any{"s": "light", "n": "007e"}))
		field, _ := a.parsed.Errors[0].Extensions["field"].(string)
		if a.code() != c.code || field != c.field {
			t.Errorf("%s: got %d %s", name, a.status, a.body)
		}
	}
	a := post(t, srv.URL, respType, query(t, `{ echo(amount: "12.50") }`))
	if a.status != 200 || !strings.Contains(a.body, `"echo":"12.50"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestGETServesQueries(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{})
	values := url.Values{
		"query":         {"query a { hello } query b($n: Int) { items(first: $n) { nodes { id } } }"},
		"operationName": {"b"}, "variables": {`{"n":2}`}, "extensions": {`{}`},
	}
	a := do(t, request(t, http.MethodGet, srv.URL+"?"+values.Encode(), ""))
	if a.status != 200 || !strings.Contains(a.body, `"nodes":[{"id":"0"},{"id":"1"}]`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for name, bad := range map[string]string{
		"variables": `{"n":`, "extensions": "[]", "variables ": "",
	} {
		bent := url.Values{"query": {"{ hello }"}, strings.TrimSpace(name): {bad}}
		a := do(t, request(t, http.MethodGet, srv.URL+"?"+bent.Encode(), ""))
		if want := map[bool]int{true: 200, false: 400}[bad == ""]; a.status != want {
			t.Errorf("%s=%s: got %d %s", name, bad, a.status, a.body)
		}
	}
	if a := do(t, request(t, http.MethodGet, srv.URL+"?query=%zz", "")); a.status != 400 {
		t.Errorf("a malformed URL: got %d", a.status)
	}
	options := do(t, request(t, http.MethodOptions, srv.URL, ""))
	if options.status != 204 || options.header.Get("Allow") != "GET, POST, OPTIONS" {
		t.Errorf("OPTIONS: got %d %v", options.status, options.header)
	}
	if head := do(t, request(t, http.MethodHead, srv.URL, "")); head.status != 405 {
		t.Errorf("HEAD: got %d", head.status)
	}
}

func TestAnOperationPastItsDeadlineIsUnavailable(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{Deadline: 30 * time.Millisecond})
	start := time.Now()
	a := post(t, srv.URL, respType, query(t, "{ slow }"))
	if a.code() != "UNAVAILABLE" || !strings.Contains(a.parsed.Errors[0].Message, "operation deadline") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if time.Since(start) > 10*time.Second {
		t.Error("the deadline did not end the operation")
	}
}

func TestExtensionsCostIsReported(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{Guard: guard.Config{Cost: 100}})
	for text, want := range map[string]float64{"{ items(first: 7) { nodes { id } } }": 9, "{ items(first: 700) { nodes { id } } }": 702} {
		a := post(t, srv.URL, respType, query(t, text))
		if diff := cmp.Diff(map[string]any{"cost": map[string]any{"requestedQueryCost": want, "maximum": 100.0}}, a.parsed.Extensions); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestSuggestionsAreASwitch(t *testing.T) {
	t.Parallel()
	for on, want := range map[bool]bool{true: true, false: false} {
		srv, _ := serve(t, transport.Config{Suggestions: on})
		a := post(t, srv.URL, respType, query(t, "{ helo }"))
		if got := strings.Contains(a.body, "hello"); got != want {
			t.Errorf("suggestions %v: %s", on, a.body)
		}
	}
}

// TestACrowdIsServedInTurnAndNotAtOnce: with one place, the second waits, and is refused when that does not help.
func TestACrowdIsServedInTurnAndNotAtOnce(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{Crowd: transport.NewCrowd(1), Deadline: 600 * time.Millisecond})
	slow := make(chan answer, 1)
	go func() { slow <- post(t, srv.URL, respType, `{"query":"{slow}"}`) }()
	refused := answer{}
	for range 100 { // until the slow one is in
		if refused = post(t, srv.URL, respType, `{"query":"{hello}"}`); refused.code() != "" {
			break
		}
	}
	if refused.status != http.StatusTooManyRequests || refused.code() != "RATE_LIMITED" || refused.parsed.Errors[0].Extensions["retryAfter"] != float64(1) {
		t.Errorf("the crowd: %d %s", refused.status, refused.body)
	}
	<-slow
	if served := post(t, srv.URL, respType, `{"query":"{hello}"}`); served.code() != "" {
		t.Errorf("afterwards: %s", served.body)
	}
}

// TestALongLineIsNotJoined: who comes while as many wait as are served is refused before anything is spent on it; streams pass.
func TestALongLineIsNotJoined(t *testing.T) {
	t.Parallel()
	crowd := transport.NewCrowd(1)
	inner, _ := serve(t, transport.Config{Crowd: crowd, Deadline: 2 * time.Second})
	var reached atomic.Int64
	srv := httptest.NewServer(crowd.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		w.WriteHeader(http.StatusTeapot)
	})))
	t.Cleanup(srv.Close)
	var busy sync.WaitGroup
	done := make(chan struct{})
	for range 8 { // one is served slowly, the others wait, are refused, and come again
		busy.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					post(t, inner.URL, respType, `{"query":"{slow}"}`)
				}
			}
		})
	}
	var refused answer
	for range 1000 {
		if refused = post(t, srv.URL, respType, `{"query":"{hello}"}`); refused.status != http.StatusTeapot {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if refused.status != http.StatusTooManyRequests || refused.code() != "RATE_LIMITED" || refused.header.Get("Retry-After") != "1" {
		t.Errorf("a long line: %d %s", refused.status, refused.body)
	}
	before := reached.Load()
	for range 20 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, strings.NewReader(`{"query":"subscription{x}"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/event-stream")
		streamed, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = streamed.Body.Close()
		if streamed.StatusCode != http.StatusTeapot {
			t.Fatalf("a stream: %d", streamed.StatusCode)
		}
	}
	if reached.Load() != before+20 {
		t.Errorf("%d streams passed, want 20", reached.Load()-before)
	}
	close(done)
	busy.Wait()
}
