package sp

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// acs takes the platform's answer. The order matters: cheap refusals first, the parked login is used up before anything is
// verified, and the platform is looked up afresh because it may have been disabled or changed since the login began.
func (h *Handler) acs(w http.ResponseWriter, r *http.Request, v *visit) error {
	platformID := r.PathValue("platformID")
	unknown := v.at(platformID)
	message, relay, err := readAnswer(w, r)
	if err != nil {
		return err
	}
	if unknown != nil {
		return unknown
	}
	parked, c, err := h.takeParked(w, r, platformID, relay)
	if err != nil {
		return err
	}
	if idp, err := h.identityProvider(c); err == nil {
		v.help = idp.ErrorURL
	}
	if parked.TestID != "" {
		return h.finishTest(w, r, v, c, parked, message)
	}
	if c.Disabled {
		return refuse(saml.PlatformDisabled, "")
	}
	verified, err := h.verify(c, parked, message)
	if err != nil {
		return err
	}
	v.assertionID = verified.Assertion.ID
	enter, err := h.meet(r.Context(), c, parked, verified)
	if err != nil {
		return err
	}
	target, err := enter(w, r)
	if err != nil {
		return err
	}
	v.accepted = saml.LoginAccepted
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// meet uses the assertion up, also one that speaks of nobody whom we could take in, and finds out who the person is.
func (h *Handler) meet(ctx context.Context, c Connection, parked ParkedRequest, verified verify.Verified) (Enter, error) {
	arrival, unfit := arrive(c, parked, verified)
	var first bool
	var enter Enter
	var err error
	if unfit != nil {
		first, err = h.cfg.Replays.Once(ctx, c.PlatformID, verified.Assertion.ID, verified.UsableUntil)
	} else {
		first, enter, err = h.cfg.People.Meet(ctx, arrival, verified.UsableUntil)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("sp: replay row: %w", err)
	case !first:
		return nil, refuse(saml.Replayed, "")
	}
	return enter, unfit
}

var relayIDs = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// readAnswer reads the form: exactly one SAMLResponse and one RelayState in the body, nothing of SAML in the query.
func readAnswer(w http.ResponseWriter, r *http.Request) (message []byte, relay string, err error) {
	query := r.URL.Query()
	if query.Has("SAMLart") {
		return nil, "", refuse(saml.ArtifactRefused, "")
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, "", refuse(saml.MethodNotAllowed, "")
	}
	if query.Has("SAMLResponse") || query.Has("SAMLRequest") || query.Has("RelayState") {
		return nil, "", refuse(saml.ResponseMalformed, "message in the query")
	}
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != "application/x-www-form-urlencoded" {
		return nil, "", refuse(saml.ResponseMalformed, "content type")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, "", refuse(saml.ResponseTooLarge, "form")
		}
		return nil, "", refuse(saml.ResponseMalformed, "form")
	}
	f := r.PostForm
	switch {
	case f.Has("SAMLart"):
		return nil, "", refuse(saml.ArtifactRefused, "")
	case f.Has("SAMLRequest") || len(f["SAMLResponse"]) != 1 || len(f["RelayState"]) > 1:
		return nil, "", refuse(saml.ResponseMalformed, "fields")
	case f.Get("RelayState") == "":
		return nil, "", refuse(saml.UnsolicitedResponse, "")
	case !relayIDs.MatchString(f.Get("RelayState")):
		return nil, "", refuse(saml.LoginUnknown, "relay state")
	}
	message, err = base64.StdEncoding.DecodeString(unspaced(f.Get("SAMLResponse")))
	if err != nil {
		return nil, "", refuse(saml.ResponseMalformed, "base64")
	}
	return message, f.Get("RelayState"), nil
}

// unspaced leaves blanks out, which senders break base64 with; without any it is what it was.
func unspaced(text string) string {
	if !strings.ContainsAny(text, " \t\r\n") {
		return text
	}
	return strings.Join(strings.Fields(text), "")
}

// takeParked uses the login up and checks that this browser began it: an answer that an attacker obtained for himself and planted in
// a victim's browser stops here.
func (h *Handler) takeParked(w http.ResponseWriter, r *http.Request, platformID, relay string) (ParkedRequest, Connection, error) {
	p, c, err := h.cfg.Requests.Take(r.Context(), platformID, relay)
	switch {
	case errors.Is(err, ErrUnknownRequest):
		return p, c, refuse(saml.LoginUnknown, "")
	case errors.Is(err, ErrExpired):
		return p, c, refuse(saml.LoginExpired, "")
	case err == nil && (p.PlatformID != platformID || p.RelayID != relay):
		return p, c, refuse(saml.LoginUnknown, "row of another login")
	}
	if c, err = found(c, err, platformID); err != nil {
		return p, c, err
	}
	switch {
	case !h.cfg.Now().Before(p.ExpiresAt):
		return p, c, refuse(saml.LoginExpired, "")
	case !h.releaseBrowser(w, r, p.BrowserHash):
		return p, c, refuse(saml.BrowserMismatch, "")
	}
	return p, c, nil
}

func (h *Handler) verify(c Connection, p ParkedRequest, message []byte) (verify.Verified, error) {
	want, err := h.expect(c, p)
	if err != nil {
		return verify.Verified{}, err
	}
	return verify.Response(message, want)
}

// expect says what the answer to a parked login must look like, by what the platform's settings are now.
func (h *Handler) expect(c Connection, p ParkedRequest) (verify.Expect, error) {
	idp, err := h.identityProvider(c)
	if err != nil {
		return verify.Expect{}, err
	}
	if idp.EntityID != p.Issuer {
		return verify.Expect{}, refuse(saml.IssuerMismatch, "metadata changed during the login")
	}
	var keys []crypto.Decrypter
	for _, k := range c.Keys {
		if d, ok := k.Signer.(crypto.Decrypter); ok {
			keys = append(keys, d)
		}
	}
	return verify.Expect{
		Issuer: p.Issuer, Audience: EntityID(h.cfg.BaseURL, c.PlatformID), ACS: ACSURL(h.cfg.BaseURL, c.PlatformID),
		RequestID: p.RequestID, Certificates: idp.SigningCerts, Keys: keys, AllowCBC: c.AllowCBC, AuthnContexts: c.AuthnContexts, Now: h.cfg.Now(),
	}, nil
}
