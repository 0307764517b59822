package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"
)

//go:embed templates catalogue static
var embedded embed.FS

// AssetsPath is where Views.Assets must be mounted.
const AssetsPath = "/pages/assets/"

// Options say what the views need from the program.
type Options struct {
	// FormToken returns the token of the request's session, or "" when there is
	// none; see Token. Required.
	FormToken func(*http.Request) string
	// Logger hears of pages that could not be rendered. Required.
	Logger *slog.Logger
	// Brand is shown in every page's header. Default "partnergraph".
	Brand string
}

// Views renders the pages. It is immutable and safe for concurrent use.
type Views struct {
	formToken func(*http.Request) string
	logger    *slog.Logger
	brand     string
	matcher   language.Matcher
	langs     []*lang
	pages     []map[string]*template.Template // by language, then by name
	assets    map[string]asset                // by address
	css, js   string                          // addresses
}

// asset is one static file; its address contains its digest.
type asset struct {
	kind string
	body []byte
}

// page is what every struct of data.go is.
type page interface{ common() Common }

// view is what a template sees: the page and what surrounds it.
type view struct {
	Lang, Brand, CSRF string
	CSS, JS           string
	Common            Common
	Page              page
}

// NewViews parses every template once per language. It fails only on what is
// compiled into the program or missing from opts.
func NewViews(opts Options) (*Views, error) {
	if opts.FormToken == nil || opts.Logger == nil {
		return nil, fmt.Errorf("pages: FormToken and Logger are required")
	}
	if opts.Brand == "" {
		opts.Brand = "partnergraph"
	}
	langs, err := loadLanguages()
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	v := &Views{
		formToken: opts.FormToken, logger: opts.Logger, brand: opts.Brand,
		matcher: language.NewMatcher(languages()), langs: langs, assets: make(map[string]asset),
	}
	for _, l := range langs {
		set, err := parse(l)
		if err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
		v.pages = append(v.pages, set)
	}
	if v.css, err = v.addAsset("pages.css", "text/css; charset=utf-8"); err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	if v.js, err = v.addAsset("submit.js", "text/javascript; charset=utf-8"); err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return v, nil
}

// parse returns the templates by page name, speaking one language.
func parse(l *lang) (map[string]*template.Template, error) {
	base, err := template.New("layout.html").
		Funcs(template.FuncMap{"t": l.say, "tOr": l.sayOr, "in": l.of}).
		Option("missingkey=error").
		ParseFS(embedded, "templates/layout.html")
	if err != nil {
		return nil, err
	}
	set := make(map[string]*template.Template)
	for _, name := range []string{SignIn, FirstLogin, Checkout, BindNotification, Console, Unbind, SignedOut, TestLogin, Invitation, BrandPreview, Error} {
		clone, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if set[name], err = clone.ParseFS(embedded, "templates/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return set, nil
}

func (v *Views) addAsset(name, kind string) (address string, err error) {
	body, err := embedded.ReadFile("static/" + name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	address = AssetsPath + hex.EncodeToString(sum[:8]) + "/" + name
	v.assets[address] = asset{kind: kind, body: body}
	return address, nil
}

// Render answers r with the named page in the visitor's language. data is the
// struct that goes with the name, by value. A page that cannot be rendered is
// logged and answered as 500 in plain text; nothing of it is sent.
func (v *Views) Render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	index := choose(v.matcher, r)
	body, c, err := v.execute(r, index, name, data)
	if err != nil {
		v.logger.ErrorContext(r.Context(), "page not rendered", "page", name, "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.langs[index].tag)
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy(name, c, data))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Addresses here hold ids that no platform needs; a stricter value would turn
	// the Origin of our own forms into null.
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that has gone needs no answer
	}
}

func (v *Views) execute(r *http.Request, index int, name string, data any) ([]byte, Common, error) {
	p, ok := data.(page)
	if !ok || nameOf(data) != name {
		return nil, Common{}, fmt.Errorf("page %q does not take a %T", name, data)
	}
	see := view{
		Lang: v.langs[index].tag, Brand: v.brand, CSRF: v.formToken(r),
		CSS: v.css, JS: v.js, Common: p.common(), Page: p,
	}
	var out bytes.Buffer
	if err := v.pages[index][name].ExecuteTemplate(&out, "layout.html", see); err != nil {
		return nil, Common{}, err
	}
	return out.Bytes(), p.common(), nil
}

// nameOf returns the name of the page that data belongs to.
func nameOf(data any) string {
	switch data.(type) {
	case SignInPage:
		return SignIn
	case FirstLoginPage:
		return FirstLogin
	case CheckoutPage:
		return Checkout
	case BindNotificationPage:
		return BindNotification
	case ConsolePage:
		return Console
	case UnbindPage:
		return Unbind
	case SignedOutPage:
		return SignedOut
	case TestLoginPage:
		return TestLogin
	case InvitationPage:
		return Invitation
	case BrandPreviewPage:
		return BrandPreview
	case ErrorPage:
		return Error
	default:
		return ""
	}
}

// policy allows a page its style sheet, its own forms and no more. Only the
// bind notification has a script.
func policy(name string, c Common, data any) string {
	script, targets, frames := "'none'", "'self'", "'none'"
	if bind, ok := data.(BindNotificationPage); ok && name == BindNotification {
		// Where the platform sends the browser after it took the notification is
		// its own affair, so any https address may follow.
		script, frames = "'self'", "https:"
		targets = "https:"
		if o := origin(bind.Target); o != "" {
			frames += " " + o
		}
		c.RedirectTo = append([]string{bind.Target}, c.RedirectTo...)
	}
	for _, address := range c.RedirectTo {
		if o := origin(address); o != "" {
			targets += " " + o
		}
	}
	return "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src " + script + "; frame-src " + frames +
		"; form-action " + targets + "; base-uri 'none'; frame-ancestors 'none'"
}

// origin returns scheme and host of an http(s) address, or "" for anything that
// could not stand in a policy.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"*") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Assets serves the style sheet and the one script under AssetsPath. Their
// addresses change with their content, so they may be kept for ever.
func (v *Views) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := v.assets[r.URL.Path]
		if !ok || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Length", fmt.Sprint(len(a.body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(a.body) // a client that has gone needs no answer
		}
	})
}
