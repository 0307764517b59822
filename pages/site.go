package pages

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/partners"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/sales/settlements"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
)

// Limiter slows down who tries too often: registrations and sign-ins from one address.
type Limiter interface {
	Allow(ctx context.Context, key string, limit int64, window time.Duration) (ok bool, retryAfter time.Duration)
}

// SingleLogout tells the services that a session signed in to of its end. When its error is not nil, nothing was written.
type SingleLogout interface {
	BeginLogout(w http.ResponseWriter, r *http.Request, platformID, sessionID string) error
}

// Site serves the pages. All fields are required and set once, before use.
type Site struct {
	Views      *Views
	DB         *store.DB
	Identity   *identity.Service
	Partners   *partners.Service
	Exposure   *exposure.Service
	Federation *federation.Service
	Customers  *customers.Service
	Funds      *funds.Service
	// Settlements says what customers may pay on account; nil = nothing.
	Settlements *settlements.Service
	Orders      *orders.Service
	Resources   *resources.Service
	Brands      *brands.Service
	Sessions    *session.Service
	Logout      SingleLogout
	Departures  Departures // nil: platforms are not told of logouts
	Limits      Limiter
	Now         func() time.Time
	Log         *slog.Logger
	// Wake wakes whoever delivers the outbox, after a first login has written to it.
	Wake func()
	// FormKey keys the form tokens of visitors, see FormToken.
	FormKey []byte
}

// maxForm bounds a posted form.
const maxForm = 64 << 10

// Register mounts the pages.
func (s *Site) Register(mux *http.ServeMux, wrap func(http.Handler) http.Handler) {
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /sign-in": s.showSignIn, "POST /sign-in": s.signIn, "POST /sign-out": s.signOut,
		"GET /first-login": s.showFirstLogin, "POST /first-login": s.firstLogin,
		"GET /unbind": s.showUnbind, "POST /unbind": s.unbind,
		"GET /bound": s.showNotification, "GET /console": s.console,
		"GET /checkout/{orderId}": s.showCheckout, "POST /checkout/{orderId}": s.checkout,
		"GET /checkout/{orderId}/recharge": s.recharge,
	} {
		mux.Handle(pattern, wrap(bounded(handle)))
	}
	s.registerInvitation(mux, wrap)
	s.registerBrand(mux, wrap)
	mux.Handle("GET "+AssetsPath, s.Views.Assets())
	mux.Handle("GET /{$}", wrap(http.RedirectHandler("/console", http.StatusSeeOther)))
}

func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// visitorCookie ties a form to the browser that it was shown in before anybody is signed in, so that nobody can be signed in
// to somebody else's account by a form on another site.
const visitorCookie = "__Host-partnergraph-visitor"

// FormToken is the token of the forms of one browser: of the session when there is one, else of the visitor's cookie.
func (s *Site) FormToken(r *http.Request) string {
	if who := session.Who(r.Context()); who.SessionID != "" {
		return Token(s.FormKey, string(who.SessionID))
	}
	if cookie, err := r.Cookie(visitorCookie); err == nil && len(cookie.Value) == 43 {
		return Token(s.FormKey, cookie.Value)
	}
	return ""
}

// ensureVisitor gives the browser a visitor's cookie before a form is shown.
func (s *Site) ensureVisitor(w http.ResponseWriter, r *http.Request) error {
	if s.FormToken(r) != "" {
		return nil
	}
	raw := make([]byte, 32)
	if _, err := io.ReadFull(rand.Reader, raw); err != nil {
		return err
	}
	cookie := &http.Cookie{
		Name: visitorCookie, Value: base64.RawURLEncoding.EncodeToString(raw), Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	http.SetCookie(w, cookie)
	r.AddCookie(cookie)
	return nil
}

// common is what every page shows of the visitor, in the brand that is the visitor's to see.
func (s *Site) common(r *http.Request) Common {
	return Common{SignedInAs: s.visitor(r), Brand: s.brandOf(r)}
}

// visitor is the login name of whoever is signed in, or "".
func (s *Site) visitor(r *http.Request) string {
	who := session.Who(r.Context())
	if who.UserID == "" {
		return ""
	}
	user, err := s.Identity.UserByID(r.Context(), who.UserID)
	if err != nil {
		return ""
	}
	return user.LoginName
}

// Fail shows the error page for whatever went wrong. Strangers' errors are logged with the request id and shown as INTERNAL.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, err error) {
	status, code := http.StatusInternalServerError, string(models.CodeInternal)
	var ours *models.Error
	switch {
	case errors.Is(err, store.ErrUnavailable):
		status, code = http.StatusServiceUnavailable, string(models.CodeUnavailable)
	case errors.As(err, &ours):
		status, code = statusOf(ours.Code), string(ours.Code)
		if reason := ours.Reason(); reason != "" {
			code = reason
		}
	}
	if status >= http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "page failed", slog.String("request_id", session.Who(r.Context()).RequestID), slog.Any("error", err))
	}
	s.ShowError(w, r, status, code)
}

// ShowError shows the error page for a machine code.
func (s *Site) ShowError(w http.ResponseWriter, r *http.Request, status int, code string) {
	s.ShowErrorWithHelp(w, r, status, code, "")
}

// ShowErrorWithHelp is ShowError with the address of somebody who can help; empty: none.
func (s *Site) ShowErrorWithHelp(w http.ResponseWriter, r *http.Request, status int, code, help string) {
	common := Common{}
	if status != http.StatusTooManyRequests { // whoever calls too often has nothing read for it
		common = s.common(r)
	}
	s.Views.Render(w, r, status, Error, ErrorPage{Common: common, Code: code, RequestID: session.Who(r.Context()).RequestID, HelpURL: help})
}

func statusOf(code models.Code) int {
	switch code {
	case models.CodeInvalid:
		return http.StatusBadRequest
	case models.CodeUnauthenticated:
		return http.StatusUnauthorized
	case models.CodeForbidden:
		return http.StatusForbidden
	case models.CodeNotFound:
		return http.StatusNotFound
	case models.CodeConflict, models.CodePreconditionFailed, models.CodeInsufficientBalance:
		return http.StatusConflict
	case models.CodeRateLimited:
		return http.StatusTooManyRequests
	case models.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// local returns next when it is a path of this server, else the fallback; nothing sends a visitor to a stranger.
func local(next, fallback string) string {
	if !models.IsLocalPath(next) {
		return fallback
	}
	return next
}

// signedIn reports who is signed in, or sends the browser to the sign-in page and back here afterwards.
func (s *Site) signedIn(w http.ResponseWriter, r *http.Request) (models.Principal, bool) {
	who := session.Who(r.Context())
	if who.UserID != "" {
		return who, true
	}
	http.Redirect(w, r, "/sign-in?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
	return models.Principal{}, false
}

// shownTime writes an instant for people; the pages say that it is UTC.
func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func shownOptional(t *time.Time) string {
	if t == nil {
		return ""
	}
	return shownTime(*t)
}
