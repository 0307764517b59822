package sp

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/partnergraph/partnergraph/saml"
)

// loginLink is GET /saml/login as documented for platforms (domain 2.2).
type loginLink struct {
	platformID, service string
	firstLogin          bool
	test                string // one-time token of a test login; empty: none
}

// readLink accepts each parameter at most once: two readings of one link are how a check and a use come apart.
func readLink(rawQuery string) (loginLink, error) {
	var l loginLink
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return l, refuse(saml.LoginLinkInvalid, "query")
	}
	for _, name := range []string{"xAccountType", "isFirstLogin", "service", "testLogin"} {
		if len(q[name]) > 1 {
			return l, refuse(saml.LoginLinkInvalid, "parameter repeated")
		}
	}
	if l.platformID = q.Get("xAccountType"); l.platformID == "" {
		return l, refuse(saml.LoginLinkInvalid, "no xAccountType")
	}
	switch q.Get("isFirstLogin") {
	case "true":
		l.firstLogin = true
	case "", "false":
	default:
		return l, refuse(saml.LoginLinkInvalid, "isFirstLogin")
	}
	l.service, l.test = q.Get("service"), q.Get("testLogin")
	return l, nil
}

// login sends the browser to the platform's identity provider with a signed request, after parking what must be known when it
// comes back. What is remembered of the platform will do when parking finds it unchanged; whatever else comes of it, the platform is
// asked for anew.
func (h *Handler) login(w http.ResponseWriter, r *http.Request, v *visit) error {
	link, err := readLink(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if err := v.at(link.platformID); err != nil {
		return err
	}
	b := beginning{link: link}
	if c, ok := h.cfg.Connections.Remembered(link.platformID); ok && c.Version != "" && c.PlatformID == link.platformID && link.test == "" {
		if h.begin(w, r, &b, c) == nil {
			return h.send(w, r, v, b)
		}
	}
	c, err := h.connection(r.Context(), v, link.platformID)
	if err != nil {
		return err
	}
	c.Version = "" // it is new, so that there is nothing to compare
	if err := h.begin(w, r, &b, c); err != nil {
		return err
	}
	return h.send(w, r, v, b)
}

// beginning is a login that begins.
type beginning struct {
	link   loginLink
	idp    saml.IdPMetadata
	wanted []string // authentication context classes
	key    saml.SigningKey
	parked ParkedRequest
}

// begin judges the link by the platform and parks the login.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, b *beginning, c Connection) (err error) {
	ctx := r.Context()
	if c.Disabled && b.link.test == "" {
		return refuse(saml.PlatformDisabled, "")
	}
	if err := h.checkService(ctx, c.PlatformID, b.link.service); err != nil {
		return err
	}
	if b.idp, err = h.identityProvider(c); err != nil {
		return err
	}
	if b.key, err = saml.ActiveRSA(c.Keys); err != nil {
		return err
	}
	testID := ""
	if b.link.test != "" {
		if testID, err = h.beginTest(r, c.PlatformID, b.link.test); err != nil {
			return err
		}
	}
	if b.parked.RelayID == "" { // once, since it gives the browser a cookie
		if b.parked, err = h.newRequest(w, r, b.link); err != nil {
			return err
		}
	}
	b.parked.Issuer, b.parked.TestID, b.wanted = b.idp.EntityID, testID, c.AuthnContexts
	if err := h.cfg.Requests.Park(ctx, b.parked, c.Version); err != nil {
		return fmt.Errorf("sp: park: %w", err)
	}
	return nil
}

func (h *Handler) send(w http.ResponseWriter, r *http.Request, v *visit, b beginning) error {
	v.accepted = saml.LoginStarted
	return h.sendRequest(w, r, b)
}

// newRequest makes the row and binds the browser.
func (h *Handler) newRequest(w http.ResponseWriter, r *http.Request, link loginLink) (ParkedRequest, error) {
	relay, err := h.random(32)
	if err != nil {
		return ParkedRequest{}, fmt.Errorf("sp: random: %w", err)
	}
	id, err := h.random(24)
	if err != nil {
		return ParkedRequest{}, fmt.Errorf("sp: random: %w", err)
	}
	hash, err := h.bindBrowser(w, r)
	if err != nil {
		return ParkedRequest{}, fmt.Errorf("sp: random: %w", err)
	}
	now := h.cfg.Now().UTC()
	return ParkedRequest{
		PlatformID: link.platformID, RelayID: relay, RequestID: "_" + id, Service: link.service, FirstLogin: link.firstLogin, BrowserHash: hash,
		CreatedAt: now, ExpiresAt: now.Add(h.cfg.ParkFor),
	}, nil
}
