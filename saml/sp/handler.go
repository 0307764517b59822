package sp

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

	Connections Connections // required
	Requests    Requests    // required
	Logouts     Logouts     // required
	Sessions    Sessions    // required
	Replays     Replays     // required
	Services    Services    // required
	People      People      // required
	Pages       Pages       // required
	Tests       Tests       // optional; without it there are no test logins
	Audit       Audit       // optional

	Logger *slog.Logger     // default slog.Default()
	Now    func() time.Time // default time.Now
	Rand   io.Reader        // default crypto/rand

	// About is what our metadata says for people: the installation's words, the same towards every platform. Optional.
	About saml.About

	// ParkFor is how long a login may stay unanswered. Default 15 minutes: people read, mistype and fetch second factors.
	ParkFor time.Duration
	// Dev accepts plain http on loopback hosts, for BaseURL and identity providers. Never in production.
	Dev bool
}

// Handler serves /saml/login and /saml/sp/{platformId}/metadata|acs|slo.
type Handler struct {
	cfg Config
	mux *http.ServeMux
}

var _ http.Handler = (*Handler)(nil)

// maxForm bounds the posted form: a 256 KiB message grows by a third in base64 and a little in form encoding.
const maxForm = 512 << 10

// New checks the configuration and returns the handler. The error names what is missing.
func New(cfg Config) (*Handler, error) {
	if !saml.UsableURL(cfg.BaseURL, cfg.Dev) {
		return nil, errors.New("sp: BaseURL must be an https origin")
	}
	if u, err := url.Parse(cfg.BaseURL); err != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery {
		return nil, errors.New("sp: BaseURL must have neither path nor query")
	}
	for name, missing := range map[string]bool{
		"Connections": cfg.Connections == nil, "Requests": cfg.Requests == nil, "Logouts": cfg.Logouts == nil, "Sessions": cfg.Sessions == nil, "Replays": cfg.Replays == nil,
		"Services": cfg.Services == nil, "People": cfg.People == nil, "Pages": cfg.Pages == nil,
	} {
		if missing {
			return nil, fmt.Errorf("sp: %s is required", name)
		}
	}
	h := &Handler{cfg: cfg.withDefaults(), mux: http.NewServeMux()}
	h.mux.Handle("GET /saml/login", h.guarded(h.login))
	h.mux.Handle("GET /saml/sp/{platformID}/metadata", h.guarded(h.metadata))
	h.mux.Handle("/saml/sp/{platformID}/acs", h.guarded(h.acs))
	h.mux.Handle("/saml/sp/{platformID}/slo", h.guarded(h.slo))
	return h, nil
}

func (c Config) withDefaults() Config {
	if c.Audit == nil {
		c.Audit = func(context.Context, string, saml.Reason, string) {}
	}
	door.Defaults(&c.Logger, &c.Now, &c.Rand, &c.ParkFor)
	return c
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// visit collects what is known of a request, for the audit line of its end.
type visit struct {
	platformID  string
	assertionID string
	help        string      // where the platform helps its people, when it says so
	accepted    saml.Reason // reason of the audit line on success; empty: no line
}

// guarded is the guard around a handler.
func (h *Handler) guarded(serve func(http.ResponseWriter, *http.Request, *visit) error) http.Handler {
	return door.Guard[visit]{
		Logger: h.cfg.Logger,
		About:  func(v *visit) []any { return []any{"platform_id", v.platformID} },
		Refused: func(w http.ResponseWriter, r *http.Request, v *visit, ref *saml.Refusal) {
			h.cfg.Audit(r.Context(), v.platformID, ref.Reason, v.assertionID)
			h.cfg.Pages.Error(w, r, ref.Reason.Status(), ref.Reason, v.help)
		},
		Done: func(r *http.Request, v *visit) {
			if v.accepted != "" {
				h.cfg.Audit(r.Context(), v.platformID, v.accepted, v.assertionID)
			}
		},
	}.Handle(serve)
}

func refuse(r saml.Reason, detail string) error { return &saml.Refusal{Reason: r, Detail: detail} }

var platformIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// connection finds an existing platform, enabled or not.
func (h *Handler) connection(ctx context.Context, v *visit, platformID string) (Connection, error) {
	if err := v.at(platformID); err != nil {
		return Connection{}, err
	}
	c, err := h.cfg.Connections.ConnectionByPlatform(ctx, platformID)
	return found(c, err, platformID)
}

// at notes the platform, unless it has no id that a platform can have.
func (v *visit) at(platformID string) error {
	if !platformIDs.MatchString(platformID) || strings.Trim(platformID, ".") == "" {
		return refuse(saml.UnknownPlatform, "id")
	}
	v.platformID = platformID
	return nil
}

func found(c Connection, err error, platformID string) (Connection, error) {
	if errors.Is(err, ErrUnknownPlatform) {
		return Connection{}, refuse(saml.UnknownPlatform, "")
	}
	if err == nil && c.PlatformID != platformID {
		return Connection{}, fmt.Errorf("sp: asked for platform %s, got another", platformID)
	}
	return c, err
}

// identityProvider returns the platform's metadata.
func (h *Handler) identityProvider(c Connection) (saml.IdPMetadata, error) {
	if c.IdP != nil {
		return *c.IdP, nil
	}
	md, _, err := saml.ParseIdPMetadata(c.IdPMetadata, saml.AllowLoopback(h.cfg.Dev))
	if err != nil {
		return saml.IdPMetadata{}, refuse(saml.MetadataInvalid, "")
	}
	return md, nil
}

// EntityID returns our entityID towards one platform; it is also the address of our metadata.
func EntityID(baseURL, platformID string) string {
	return baseURL + "/saml/sp/" + platformID + "/metadata"
}

// ACSURL returns the only address at which a platform's answers are taken.
func ACSURL(baseURL, platformID string) string { return baseURL + "/saml/sp/" + platformID + "/acs" }
