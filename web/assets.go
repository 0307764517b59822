package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"
)

// The dot file in dist keeps this line compiling in a checkout without Node.
//
//go:embed all:dist
var distFS embed.FS

//go:embed page examples assets.json
var ownFS embed.FS

// asset is one file of assets.json.
type asset struct {
	// File is the name under dist/ and under AssetsPath.
	File string `json:"file"`
	// Package, Version and Path say where npm, and so the CDN, has it.
	Package string `json:"package"`
	Version string `json:"version"`
	Path    string `json:"path"`
	// Integrity is the subresource-integrity digest, "sha384-…".
	Integrity string `json:"integrity"`
}

// manifest returns the files GraphiQL consists of, in loading order.
func manifest() ([]asset, error) {
	raw, err := ownFS.ReadFile("assets.json")
	if err != nil {
		return nil, err
	}
	var list []asset
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("assets.json: %w", err)
	}
	return list, nil
}

// file is one served asset. Its address contains its digest, so that browsers
// may keep it for ever and still see the next version at once.
type file struct {
	name    string
	address string
	kind    string
	body    []byte
	packed  func() []byte
}

func newFile(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	return &file{
		name:    name,
		address: AssetsPath + hex.EncodeToString(sum[:8]) + "/" + name,
		kind:    contentType(name),
		body:    body,
		packed:  sync.OnceValue(func() []byte { return pack(body) }),
	}
}

// contentType does not ask the operating system's tables, which differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	default:
		return "text/plain; charset=utf-8"
	}
}

// pack returns body compressed with gzip, or nil where that gains nothing.
func pack(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(body); err != nil {
		return nil
	}
	if err := w.Close(); err != nil || out.Len() >= len(body) {
		return nil
	}
	return out.Bytes()
}

// collect reads our own page files and, from dist, every file of the manifest.
// built is false when dist lacks at least one of them; none is served then.
func collect(dist fs.FS, list []asset) (files map[string]*file, built bool, err error) {
	files = make(map[string]*file)
	for _, name := range []string{"page.js", "page.css"} {
		body, err := ownFS.ReadFile("page/" + name)
		if err != nil {
			return nil, false, err
		}
		files[name] = newFile(name, body)
	}
	found := make(map[string]*file)
	for _, a := range list {
		body, err := fs.ReadFile(dist, a.File)
		if err != nil {
			return files, false, nil //nolint:nilerr // an asset that was not built is no fault: the page then uses the CDN
		}
		found[a.File] = newFile(a.File, body)
	}
	maps.Copy(files, found)
	// The notices are an obligation of whoever passes the files on.
	if body, err := fs.ReadFile(dist, "LICENSES.txt"); err == nil {
		files["LICENSES.txt"] = newFile("LICENSES.txt", body)
	}
	return files, true, nil
}

// ServeHTTP answers with the file, compressed where the client accepts it.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Vary", "Accept-Encoding")
	body := f.body
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if packed := f.packed(); packed != nil {
			h.Set("Content-Encoding", "gzip")
			body = packed
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // a client that has gone needs no answer
}

// acceptsGzip reports whether the header names gzip without refusing it (q=0).
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q := strings.ReplaceAll(params, " ", "")
		return q == "" || strings.Trim(strings.TrimPrefix(q, "q="), "0.") != ""
	}
	return false
}
