package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
)

// Where the handler expects to be mounted: PagePath is the page, everything
// under AssetsPath is a file whose address contains its digest.
const (
	PagePath   = "/graphiql"
	AssetsPath = "/graphiql/assets/"
)

const (
	cdnHost        = "cdn.jsdelivr.net"
	placeholderKey = "YOUR_API_KEY"
)

// Config says what the page is made of. The zero value is usable.
type Config struct {
	// Endpoint is where queries are posted; a path of the same origin, because
	// the page's policy lets it speak to no other. Default "/graphql".
	Endpoint string
	// Title is the title of the browser tab. Default "GraphiQL - partnergraph".
	Title string
	// Assets holds the files assets.json names, at its root. Default: what was
	// embedded when the program was built. When one is missing, the page loads
	// them all from a CDN and says so.
	Assets fs.FS
}

// link is one script or style sheet of the page.
type link struct {
	URL       string
	Integrity string
}

// pageData is what page/graphiql.html shows.
type pageData struct {
	Title, Endpoint, Examples, PlaceholderKey, CDNHost string
	FromCDN                                            bool
	Styles, Scripts                                    []link
}

// handler serves one rendered page and a fixed set of files; it is immutable
// and so safe for concurrent use.
type handler struct {
	page   *file
	policy string
	files  map[string]*file
}

var _ http.Handler = (*handler)(nil)

// GraphiQL returns the handler of PagePath and of everything under AssetsPath.
// It answers GET and HEAD. Authentication is the caller's: what the page may
// see is decided at the endpoint, by the session's cookie or by the API key
// typed into the header editor.
//
// It panics when a file compiled into the program is broken, which a test of
// this package would have shown.
func GraphiQL(cfg Config) http.Handler {
	h, err := newHandler(cfg)
	if err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	return h
}

func newHandler(cfg Config) (*handler, error) {
	if cfg.Endpoint == "" {
		cfg.Endpoint = "/graphql"
	}
	if cfg.Title == "" {
		cfg.Title = "GraphiQL - partnergraph"
	}
	if cfg.Assets == nil {
		dist, err := fs.Sub(distFS, "dist")
		if err != nil {
			return nil, err
		}
		cfg.Assets = dist
	}
	list, err := manifest()
	if err != nil {
		return nil, err
	}
	files, built, err := collect(cfg.Assets, list)
	if err != nil {
		return nil, err
	}
	page, err := render(cfg, list, files, built)
	if err != nil {
		return nil, err
	}
	byAddress := make(map[string]*file, len(files))
	for _, f := range files {
		byAddress[f.address] = f
	}
	return &handler{page: newFile("graphiql.html", page), policy: policy(list, built), files: byAddress}, nil
}

// render fills the page in once: nothing on it depends on the request.
func render(cfg Config, list []asset, files map[string]*file, built bool) ([]byte, error) {
	examples, err := Examples()
	if err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(examples)
	if err != nil {
		return nil, err
	}
	data := pageData{
		Title: cfg.Title, Endpoint: cfg.Endpoint, Examples: string(asJSON),
		PlaceholderKey: placeholderKey, CDNHost: cdnHost, FromCDN: !built,
	}
	for _, a := range list {
		l := link{URL: cdnURL(a), Integrity: a.Integrity}
		if built {
			l = link{URL: files[a.File].address}
		}
		if strings.HasSuffix(a.File, ".css") {
			data.Styles = append(data.Styles, l)
		} else {
			data.Scripts = append(data.Scripts, l)
		}
	}
	data.Styles = append(data.Styles, link{URL: files["page.css"].address})
	data.Scripts = append(data.Scripts, link{URL: files["page.js"].address})

	t, err := template.ParseFS(ownFS, "page/graphiql.html")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func cdnURL(a asset) string {
	return "https://" + cdnHost + "/npm/" + a.Package + "@" + a.Version + "/" + a.Path
}

// policy is the page's Content-Security-Policy. Code runs from our own files
// only, or, where these were not built, from the exact CDN files as well.
// GraphiQL's editor sets styles from script and carries fonts and pictures as
// data, hence the two relaxations; neither lets code in.
func policy(list []asset, built bool) string {
	scripts, styles := "'self'", "'self' 'unsafe-inline'"
	if !built {
		for _, a := range list {
			if strings.HasSuffix(a.File, ".css") {
				styles += " " + cdnURL(a)
			} else {
				scripts += " " + cdnURL(a)
			}
		}
	}
	return "default-src 'self'; script-src " + scripts + "; style-src " + styles +
		"; img-src 'self' data:; font-src 'self' data:; connect-src 'self'" +
		"; worker-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// ServeHTTP answers the page and the files it is made of, and nothing else.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == PagePath || r.URL.Path == PagePath+"/" {
		h.servePage(w, r)
		return
	}
	f, ok := h.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	f.ServeHTTP(w, r)
}

func (h *handler) servePage(w http.ResponseWriter, r *http.Request) {
	// The digest in the page's own (never served) address identifies its content.
	etag := `"` + strings.Split(strings.TrimPrefix(h.page.address, AssetsPath), "/")[0] + `"`
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", h.policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "no-cache")
	head.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(h.page.body) // a client that has gone needs no answer
}
