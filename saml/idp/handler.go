package idp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/internal/door"
)

// Config wires a Handler.
type Config struct {
	// BaseURL is our origin as browsers see it, without path or trailing slash, such as https://cloud.example. Required.
	BaseURL string

	Platforms    Platforms    // required
	Requests     Requests     // required
	Replays      Replays      // required
	People       People       // required
	Participants Participants // required
	Logouts      Logouts      // required
	Bindings     Bindings     // required
	Pages        Pages        // required
	Audit        Audit        // optional

	// ErrorURL stands in our metadata as the page where service providers send people when something went wrong. Optional.
	ErrorURL string
	// Scope stands behind the @ of subject-id and pairwise-id: 1 to 127 lower-case letters, digits, dots and hyphens. Empty: neither is sent.
	Scope string

	Logger *slog.Logger     // default slog.Default()
	Now    func() time.Time // default time.Now
	Rand   io.Reader        // default crypto/rand

	// ParkFor is how long a request waits for its person, and a logout for its participants. Default 15 minutes: people read,
	// mistype and fetch second factors.
	ParkFor time.Duration
	// Dev accepts plain http on loopback hosts, for BaseURL and service providers. Never in production.
	Dev bool
}

// Handler serves /saml/idp/{platformId}/metadata|sso|continue|launch|ticket|slo|bind.
type Handler struct {
	cfg Config
	mux *http.ServeMux
}

var _ http.Handler = (*Handler)(nil)

// New checks the configuration and returns the handler. The error names what is missing.
func New(cfg Config) (*Handler, error) {
	if !saml.UsableURL(cfg.BaseURL, cfg.Dev) {
		return nil, errors.New("idp: BaseURL must be an https origin")
	}
	if u, err := url.Parse(cfg.BaseURL); err != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery {
		return nil, errors.New("idp: BaseURL must have neither path nor query")
	}
	if cfg.ErrorURL != "" && !saml.UsableURL(cfg.ErrorURL, cfg.Dev) {
		return nil, errors.New("idp: ErrorURL must be an https address")
	}
	if _, _, ok := saml.ParseSubjectID("x@" + cfg.Scope); cfg.Scope != "" && (!ok || cfg.Scope != strings.ToLower(cfg.Scope)) {
		return nil, errors.New("idp: Scope must be 1 to 127 lower-case letters, digits, dots and hyphens")
	}
	for name, missing := range map[string]bool{
		"Platforms": cfg.Platforms == nil, "Requests": cfg.Requests == nil, "Replays": cfg.Replays == nil, "People": cfg.People == nil,
		"Participants": cfg.Participants == nil, "Logouts": cfg.Logouts == nil, "Bindings": cfg.Bindings == nil, "Pages": cfg.Pages == nil,
	} {
		if missing {
			return nil, fmt.Errorf("idp: %s is required", name)
		}
	}
	h := &Handler{cfg: cfg.withDefaults(), mux: http.NewServeMux()}
	h.mux.Handle("GET /saml/idp/{platformID}/metadata", h.guarded(h.metadata))
	h.mux.Handle("/saml/idp/{platformID}/sso", h.guarded(h.sso))
	h.mux.Handle("GET /saml/idp/{platformID}/continue", h.guarded(h.proceed))
	h.mux.Handle("GET /saml/idp/{platformID}/launch", h.guarded(h.launch))
	h.mux.Handle("GET /saml/idp/{platformID}/ticket", h.guarded(h.ticket))
	h.mux.Handle("/saml/idp/{platformID}/slo", h.guarded(h.slo))
	h.mux.Handle("/saml/idp/{platformID}/bind", h.guarded(h.bind))
	return h, nil
}

func (c Config) withDefaults() Config {
	if c.Audit == nil {
		c.Audit = func(context.Context, string, string, saml.Reason, string) {}
	}
	door.Defaults(&c.Logger, &c.Now, &c.Rand, &c.ParkFor)
	return c
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// visit collects what is known of a request, for the audit line of its end.
type visit struct {
	platformID, providerID string
	done                   saml.Reason // reason of the audit line on success; empty: no line
	detail                 string
}

// guarded is the guard around a handler.
func (h *Handler) guarded(serve func(http.ResponseWriter, *http.Request, *visit) error) http.Handler {
	return door.Guard[visit]{
		Logger: h.cfg.Logger,
		About:  func(v *visit) []any { return []any{"platform_id", v.platformID, "provider_id", v.providerID} },
		Refused: func(w http.ResponseWriter, r *http.Request, v *visit, ref *saml.Refusal) {
			h.audit(r.Context(), v, ref.Reason, ref.Detail)
			h.cfg.Pages.Error(w, r, ref.Reason.Status(), ref.Reason)
		},
		Done: func(r *http.Request, v *visit) {
			if v.done != "" {
				h.audit(r.Context(), v, v.done, v.detail)
			}
		},
	}.Handle(serve)
}

func (h *Handler) audit(ctx context.Context, v *visit, reason saml.Reason, detail string) {
	h.cfg.Audit(ctx, v.platformID, v.providerID, reason, detail)
}

func refuse(r saml.Reason, detail string) error { return &saml.Refusal{Reason: r, Detail: detail} }

var (
	platformIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	rowIDs      = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	providerIDs = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// platform finds the platform of the address, disabled or not.
func (h *Handler) platform(r *http.Request, v *visit) (Platform, error) {
	id := r.PathValue("platformID")
	if !platformIDs.MatchString(id) || strings.Trim(id, ".") == "" {
		return Platform{}, refuse(saml.UnknownPlatform, "id")
	}
	v.platformID = id
	p, err := h.cfg.Platforms.Platform(r.Context(), id)
	switch {
	case errors.Is(err, ErrUnknownPlatform):
		return Platform{}, refuse(saml.UnknownPlatform, "")
	case err != nil:
		return Platform{}, fmt.Errorf("idp: platform: %w", err)
	case p.PlatformID != id:
		return Platform{}, errors.New("idp: asked for one platform, got another")
	}
	return p, nil
}

// enabled is platform for everything but metadata.
func (h *Handler) enabled(r *http.Request, v *visit) (Platform, error) {
	p, err := h.platform(r, v)
	if err == nil && p.Disabled {
		return Platform{}, refuse(saml.PlatformDisabled, "")
	}
	return p, err
}

// judged turns what Platforms said about a service provider into a refusal, when there is none or it is disabled. It is asked anew
// whenever something leaves for the service provider.
func judged(p ServiceProvider, err error, platformID string, v *visit) (ServiceProvider, error) {
	switch {
	case errors.Is(err, ErrUnknownProvider):
		return ServiceProvider{}, refuse(saml.UnknownServiceProvider, "")
	case err != nil:
		return ServiceProvider{}, fmt.Errorf("idp: service provider: %w", err)
	case p.PlatformID != platformID:
		return ServiceProvider{}, errors.New("idp: asked for a service provider of one platform, got another's")
	}
	v.providerID = p.ID
	if p.Disabled {
		return ServiceProvider{}, refuse(saml.ServiceProviderDisabled, "")
	}
	return p, nil
}

func (h *Handler) providerByID(ctx context.Context, platformID, id string, v *visit) (ServiceProvider, error) {
	if !providerIDs.MatchString(id) {
		return ServiceProvider{}, refuse(saml.UnknownServiceProvider, "id")
	}
	p, err := h.cfg.Platforms.ProviderByID(ctx, platformID, id)
	return judged(p, err, platformID, v)
}

func (h *Handler) providerByEntity(ctx context.Context, platformID, entityID string, v *visit) (ServiceProvider, error) {
	if entityID == "" || len(entityID) > 1024 {
		return ServiceProvider{}, refuse(saml.UnknownServiceProvider, "issuer")
	}
	p, err := h.cfg.Platforms.ProviderByEntity(ctx, platformID, entityID)
	if err == nil && p.Metadata.EntityID != entityID {
		return ServiceProvider{}, errors.New("idp: asked for one service provider, got another")
	}
	return judged(p, err, platformID, v)
}

// signingKey is the key that signs for a service provider now.
func signingKey(p Platform, ecdsa bool) (saml.SigningKey, error) {
	if !ecdsa {
		return saml.ActiveRSA(p.Keys)
	}
	for _, k := range p.Keys {
		if k.State == saml.KeyActive && k.Cert != nil && k.Signer != nil && !k.IsRSA() {
			return k, nil
		}
	}
	return saml.SigningKey{}, refuse(saml.SigningKeyMissing, "ecdsa")
}

// EntityID returns a platform's entityID as identity provider; it is also the address of its metadata.
func EntityID(baseURL, platformID string) string {
	return baseURL + "/saml/idp/" + platformID + "/metadata"
}

// SSOURL returns where service providers send requests.
func SSOURL(baseURL, platformID string) string { return baseURL + "/saml/idp/" + platformID + "/sso" }

// SLOURL returns where service providers send logout messages.
func SLOURL(baseURL, platformID string) string { return baseURL + "/saml/idp/" + platformID + "/slo" }

// ContinuePath returns where a sign-in page sends the browser when somebody signed in for a parked request.
func ContinuePath(platformID, requestID string) string {
	return "/saml/idp/" + platformID + "/continue?request=" + url.QueryEscape(requestID)
}

// TicketPath returns where a storefront sends the browser with a sign-in ticket.
func TicketPath(platformID, ticket string) string {
	return "/saml/idp/" + platformID + "/ticket?ticket=" + url.QueryEscape(ticket)
}

func (h *Handler) entityID(platformID string) string { return EntityID(h.cfg.BaseURL, platformID) }
