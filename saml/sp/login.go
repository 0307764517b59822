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
// comes back.
func (h *Handler) login(w http.ResponseWriter, r *http.Request, v *visit) error {
	link, err := readLink(r.URL.RawQuery)
	if err != nil {
		return err
	}
	ctx := r.Context()
	c, err := h.connection(ctx, v, link.platformID)
	if err != nil {
		return err
	}
	if c.Disabled && link.test == "" {
		return refuse(saml.PlatformDisabled, "")
	}
	if err := h.checkService(ctx, c.PlatformID, link.service); err != nil {
		return err
	}
	idp, err := h.identityProvider(c)
	if err != nil {
		return err
	}
	key, err := saml.ActiveRSA(c.Keys)
	if err != nil {
		return err
	}
	testID := ""
	if link.test != "" {
		if testID, err = h.beginTest(r, c.PlatformID, link.test); err != nil {
			return err
		}
	}
	parked, err := h.park(w, r, link, idp, testID)
	if err != nil {
		return err
	}
	v.accepted = saml.LoginStarted
	return h.sendRequest(w, r, key, idp, parked)
}

// park writes the row and binds the browser.
func (h *Handler) park(w http.ResponseWriter, r *http.Request, link loginLink, idp saml.IdPMetadata, testID string) (ParkedRequest, error) {
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
	p := ParkedRequest{
		PlatformID: link.platformID, RelayID: relay, RequestID: "_" + id, Issuer: idp.EntityID,
		Service: link.service, FirstLogin: link.firstLogin, TestID: testID, BrowserHash: hash,
		CreatedAt: now, ExpiresAt: now.Add(h.cfg.ParkFor),
	}
	if err := h.cfg.Requests.Park(r.Context(), p); err != nil {
		return ParkedRequest{}, fmt.Errorf("sp: park: %w", err)
	}
	return p, nil
}
