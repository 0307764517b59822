package sp

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// logoutFor is how long a logout that we sent out may stay unanswered.
const logoutFor = 15 * time.Minute

// slo takes a platform's logout request and its answer to ours, by redirect and by post. Both work without a cookie: what counts is
// the platform's signature, and browsers withhold cookies from what another site posts.
func (h *Handler) slo(w http.ResponseWriter, r *http.Request, v *visit) error {
	if id := r.PathValue("platformID"); platformIDs.MatchString(id) {
		v.platformID = id
	}
	in, err := wire.Read(w, r, wire.Request, wire.Response)
	if err != nil {
		return err
	}
	c, err := h.connection(r.Context(), v, r.PathValue("platformID"))
	if err != nil {
		return err
	}
	idp, err := h.identityProvider(c)
	if err != nil {
		return err
	}
	message, err := in.Verified(idp.SigningCerts)
	if err != nil {
		return err
	}
	want := wire.Expected{Issuer: idp.EntityID, Destination: SLOURL(h.cfg.BaseURL, c.PlatformID), Now: h.cfg.Now()}
	switch in.Name {
	case "LogoutRequest":
		return h.serveLogout(w, r, v, c, idp, want, in.RelayState, message)
	case "LogoutResponse":
		return h.finishLogout(w, r, v, c, want, in.RelayState, message)
	}
	return refuse(saml.ResponseMalformed, "no logout message")
}

// serveLogout ends the local sessions first and then tells the truth about it (SDP-SP24..36). A person who has no session left is
// signed out, which is what was asked for.
func (h *Handler) serveLogout(w http.ResponseWriter, r *http.Request, v *visit, c Connection, idp saml.IdPMetadata, want wire.Expected, relay string, message []byte) error {
	request, err := wire.ParseLogoutRequest(message)
	if err != nil {
		return err
	}
	if err := request.Check(want); err != nil {
		return err
	}
	first, err := h.cfg.Replays.Once(r.Context(), c.PlatformID, "logout:"+request.ID, request.UsableUntil())
	if err != nil {
		return fmt.Errorf("sp: replay row: %w", err)
	}
	if !first {
		return refuse(saml.Replayed, "logout request")
	}
	status := wire.StatusSuccess
	if _, err := h.cfg.Sessions.EndFederated(r.Context(), c.PlatformID, request.NameID, request.SessionIndexes); err != nil {
		h.cfg.Logger.ErrorContext(r.Context(), "saml logout failed", "platform_id", c.PlatformID, "error", err)
		status = wire.StatusResponder
	}
	binding, location := wire.Redirect, idp.SLORedirectResponseURL
	if location == "" {
		binding, location = wire.Post, idp.SLOPostResponseURL
	}
	if location == "" {
		if status != wire.StatusSuccess {
			return refuse(saml.Unavailable, "sessions not ended")
		}
		v.accepted = saml.LogoutServed
		h.cfg.Pages.SignedOut(w, r, true)
		return nil
	}
	key, err := saml.ActiveRSA(c.Keys)
	if err != nil {
		return err
	}
	id, err := h.random(24)
	if err != nil {
		return fmt.Errorf("sp: random: %w", err)
	}
	v.accepted = saml.LogoutServed
	return wire.Outgoing{
		Param: wire.Response, Location: location, RelayState: relay, Key: key, Element: wire.LogoutResponse{
			ID: "_" + id, InResponseTo: request.ID, Issuer: EntityID(h.cfg.BaseURL, c.PlatformID), Destination: location,
			IssueInstant: h.cfg.Now(), Status: status,
		}.Element(),
	}.Send(w, r, binding, h.cfg.Rand)
}

// finishLogout takes the answer to our request. The local session is over since before we asked, so all that is left is to say
// whether the platform has signed the person out as well.
func (h *Handler) finishLogout(w http.ResponseWriter, r *http.Request, v *visit, c Connection, want wire.Expected, relay string, message []byte) error {
	response, err := wire.ParseLogoutResponse(message)
	if err != nil {
		return err
	}
	if err := response.Check(want); err != nil {
		return err
	}
	if !relayIDs.MatchString(relay) {
		return refuse(saml.LogoutUnknown, "relay state")
	}
	parked, err := h.cfg.Logouts.TakeLogout(r.Context(), c.PlatformID, relay)
	switch {
	case errors.Is(err, ErrUnknownRequest), errors.Is(err, ErrExpired):
		return refuse(saml.LogoutUnknown, "")
	case err != nil:
		return fmt.Errorf("sp: take parked logout: %w", err)
	case parked.PlatformID != c.PlatformID || parked.RequestID != response.InResponseTo:
		return refuse(saml.InResponseToMismatch, "logout response")
	case parked.Issuer != want.Issuer:
		return refuse(saml.IssuerMismatch, "metadata changed during the logout")
	}
	v.accepted = saml.LogoutFinished
	h.cfg.Pages.SignedOut(w, r, response.Status == wire.StatusSuccess && response.SubStatus != wire.StatusPartialLogout)
	return nil
}

// Departure is a session that has ended here and came from a platform.
type Departure struct {
	PlatformID   string
	Name         wire.NameID // as in the assertion, part by part
	SessionIndex string
}

// StartLogout asks the platform to sign the person out as well, and answers the browser. It is called once the local session is
// over and only when a person asked for it, never for a session that ran out (SDP-SP36). started is false, and nothing is written,
// when the platform takes no logout requests or cannot be asked now.
func (h *Handler) StartLogout(w http.ResponseWriter, r *http.Request, d Departure) (started bool, err error) {
	if d.Name.Value == "" {
		return false, nil
	}
	ctx, v := r.Context(), &visit{}
	c, err := h.connection(ctx, v, d.PlatformID)
	if err != nil || c.Disabled {
		return false, ignoreRefusal(err)
	}
	idp, err := h.identityProvider(c)
	if err != nil {
		return false, ignoreRefusal(err)
	}
	binding, location := wire.Redirect, idp.SLORedirectURL
	if location == "" {
		binding, location = wire.Post, idp.SLOPostURL
	}
	key, err := saml.ActiveRSA(c.Keys)
	if location == "" || err != nil {
		return false, ignoreRefusal(err)
	}
	relay, err := h.random(32)
	if err != nil {
		return false, fmt.Errorf("sp: random: %w", err)
	}
	id, err := h.random(24)
	if err != nil {
		return false, fmt.Errorf("sp: random: %w", err)
	}
	now := h.cfg.Now().UTC()
	if err := h.cfg.Logouts.ParkLogout(ctx, ParkedLogout{
		PlatformID: c.PlatformID, RelayID: relay, RequestID: "_" + id, Issuer: idp.EntityID, CreatedAt: now, ExpiresAt: now.Add(logoutFor),
	}); err != nil {
		return false, fmt.Errorf("sp: park logout: %w", err)
	}
	request := wire.LogoutRequest{
		ID: "_" + id, Issuer: EntityID(h.cfg.BaseURL, c.PlatformID), Destination: location, IssueInstant: now, NotOnOrAfter: now.Add(logoutFor),
		NameID: d.Name,
	}
	if d.SessionIndex != "" {
		request.SessionIndexes = []string{d.SessionIndex}
	}
	out := wire.Outgoing{Param: wire.Request, Element: request.Element(), Location: location, RelayState: relay, Key: key}
	h.cfg.Audit(ctx, c.PlatformID, saml.LogoutStarted, "")
	if binding == wire.Post {
		return true, out.Send(w, r, binding, h.cfg.Rand)
	}
	// A form of ours led here, and browsers hold a redirect to another site against that form's page; a page that moves on is free.
	target, err := out.RedirectURL(h.cfg.Rand)
	if err != nil {
		return false, err
	}
	h.cfg.Pages.Leave(w, r, target)
	return true, nil
}

// ignoreRefusal keeps what a platform's settings do not allow from being an error of somebody who signs out.
func ignoreRefusal(err error) error {
	if ref := (*saml.Refusal)(nil); errors.As(err, &ref) {
		return nil
	}
	return err
}

// SLOURL returns the address at which a platform's logout messages are taken.
func SLOURL(baseURL, platformID string) string { return baseURL + "/saml/sp/" + platformID + "/slo" }
