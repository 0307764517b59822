package web_test

import (
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/web"
)

var address = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

// built stands in for the outcome of `npm run build`.
func built() fstest.MapFS {
	big := []byte(strings.Repeat("window.GraphiQL = 1;\n", 100))
	return fstest.MapFS{
		"react.production.min.js":     {Data: []byte("window.React = 1;")},
		"react-dom.production.min.js": {Data: []byte("window.ReactDOM = 1;")},
		"graphiql.min.js":             {Data: big},
		"graphiql.min.css":            {Data: []byte("body{}")},
		"LICENSES.txt":                {Data: []byte("MIT")},
	}
}

func get(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func addresses(page string) []string {
	var list []string
	for _, m := range address.FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "data:") {
			list = append(list, html.UnescapeString(m[1]))
		}
	}
	return list
}

func TestBuiltPageAsksNobodyElse(t *testing.T) {
	t.Parallel()
	h := web.GraphiQL(web.Config{Assets: built()})
	res := get(t, h, "/graphiql")
	page := body(t, res)

	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("page: %d %q", res.StatusCode, res.Header.Get("Content-Type"))
	}
	if strings.Contains(page, "https://") || strings.Contains(page, "cdn-notice") {
		t.Errorf("the built page names another host:\n%s", page)
	}
	policy := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'self'; script-src 'self'; ") || strings.Contains(policy, "http") {
		t.Errorf("policy is not strict: %s", policy)
	}
	found := addresses(page)
	if len(found) != 6 {
		t.Fatalf("want 6 files, got %q", found)
	}
	for _, a := range found {
		res := get(t, h, a)
		if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, cache %q", a, res.StatusCode, res.Header.Get("Cache-Control"))
		}
		if !strings.Contains(res.Header.Get("Content-Type"), "charset=utf-8") {
			t.Errorf("%s: content type %q", a, res.Header.Get("Content-Type"))
		}
	}
}

func TestPageHasNoInlineScript(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]web.Config{
		"built": {Assets: built()}, "fallback": {Assets: fstest.MapFS{}},
	} {
		page := body(t, get(t, web.GraphiQL(cfg), "/graphiql"))
		for _, tag := range regexp.MustCompile(`<script[^>]*>[^<]*`).FindAllString(page, -1) {
			if !strings.Contains(tag, " src=") || !strings.HasSuffix(tag, ">") {
				t.Errorf("%s: inline script %q", name, tag)
			}
		}
	}
}

func TestMissingAssetsFallBackToTheCDNAndSaySo(t *testing.T) {
	t.Parallel()
	partial := built()
	delete(partial, "graphiql.min.js")
	h := web.GraphiQL(web.Config{Assets: partial})
	res := get(t, h, "/graphiql")
	page, policy := body(t, res), res.Header.Get("Content-Security-Policy")

	if !strings.Contains(page, `id="cdn-notice"`) || !strings.Contains(page, "npm ci") {
		t.Errorf("the page does not say that it uses a CDN:\n%s", page)
	}
	external := 0
	for _, a := range addresses(page) {
		if !strings.HasPrefix(a, "https://") {
			continue
		}
		external++
		if !strings.HasPrefix(a, "https://cdn.jsdelivr.net/npm/") || !strings.Contains(policy, a) {
			t.Errorf("%s is not allowed by %q", a, policy)
		}
	}
	if external != 4 || strings.Count(page, `integrity="sha384-`) != 4 {
		t.Errorf("want 4 CDN files with digests, got %d:\n%s", external, page)
	}
}

func TestFilesAreCompressedOnlyForWhoAccepts(t *testing.T) {
	t.Parallel()
	h := web.GraphiQL(web.Config{Assets: built()})
	var big string
	for _, a := range addresses(body(t, get(t, h, "/graphiql"))) {
		if strings.HasSuffix(a, "graphiql.min.js") {
			big = a
		}
	}
	plain := body(t, get(t, h, big))
	for accept, want := range map[string]string{
		"gzip, br": "gzip", "gzip;q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.0": "", "br": "", "": "",
	} {
		res := get(t, h, big, "Accept-Encoding", accept)
		if got := res.Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: encoding %q, want %q", accept, got, want)
		}
		if want == "" {
			continue
		}
		z, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(z)
		if err != nil || string(raw) != plain {
			t.Errorf("Accept-Encoding %q: unpacked to other content (%v)", accept, err)
		}
	}
}

func TestOnlyKnownAddressesAndMethodsAnswer(t *testing.T) {
	t.Parallel()
	h := web.GraphiQL(web.Config{Assets: built()})
	for _, path := range []string{"/graphiql/assets/graphiql.min.js", "/graphiql/assets/0000000000000000/page.js",
		"/graphiql/assets/../web.go", "/graphiql/x", "/"} {
		if res := get(t, h, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/graphiql", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	etag := get(t, h, "/graphiql").Header.Get("ETag")
	if res := get(t, h, "/graphiql", "If-None-Match", etag); etag == "" || res.StatusCode != http.StatusNotModified {
		t.Errorf("ETag %q: %d", etag, res.StatusCode)
	}
}

func TestConfigIsEscapedIntoThePage(t *testing.T) {
	t.Parallel()
	page := body(t, get(t, web.GraphiQL(web.Config{Assets: built(), Endpoint: `/q"><script>x`, Title: "</title><b>"}), "/graphiql"))
	if strings.Contains(page, "<script>x") || strings.Contains(page, "<b>") {
		t.Errorf("configuration breaks out of its place:\n%s", page)
	}
	// The examples survive the trip through an HTML attribute.
	m := regexp.MustCompile(`data-examples="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no examples on the page")
	}
	var got []web.Example
	if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &got); err != nil {
		t.Fatal(err)
	}
	want, err := web.Examples()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExamplesAreValidAgainstTheSchema(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../graph/*.graphqls")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no schema files: %v", err)
	}
	var sources []*ast.Source
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: p, Input: string(raw)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := web.Examples()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, e := range list {
		if names[e.Name] {
			t.Errorf("two examples are called %s", e.Name)
		}
		names[e.Name] = true
		if _, err := gqlparser.LoadQueryWithRules(schema, e.Query, nil); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if e.Variables != "" && !json.Valid([]byte(e.Variables)) {
			t.Errorf("%s: variables are not JSON", e.Name)
		}
	}
	if len(names) == 0 {
		t.Error("there are no examples")
	}
}

// The digests guard the CDN's files; what npm delivered must be the same bytes.
func TestBuiltFilesHaveTheWrittenDigests(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("assets.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ File, Integrity string }
	if err := json.Unmarshal(raw, &list); err != nil || len(list) != 4 {
		t.Fatalf("assets.json: %d files, %v", len(list), err)
	}
	for _, a := range list {
		content, err := os.ReadFile(filepath.Join("dist", a.File))
		if os.IsNotExist(err) {
			t.Fatal("GraphiQL's assets are not built: run `make web`; `make test` does")
		}
		sum := sha512.Sum384(content)
		if got := "sha384-" + base64.StdEncoding.EncodeToString(sum[:]); got != a.Integrity {
			t.Errorf("%s: digest %s, want %s", a.File, got, a.Integrity)
		}
	}
}
