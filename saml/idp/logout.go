package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/internal/browser"
	"github.com/partnergraph/partnergraph/saml/wire"
)

const (
	// logoutUsableFor is how long a participant may take our request.
	logoutUsableFor = 5 * time.Minute
	// maxSessions bounds how many sessions one request of a service provider can end, maxTold how many participants are told of it.
	maxSessions = 64
	maxTold     = 64
)

// slo takes logout messages: a service provider's request, a participant's answer, or a browser that comes back without any because a
// participant did not send it on.
func (h *Handler) slo(w http.ResponseWriter, r *http.Request, v *visit) error {
	// A disabled platform goes on ending sessions: nobody is signed in by it.
	platform, err := h.platform(r, v)
	if err != nil {
		return err
	}
	if r.Method == http.MethodGet && r.URL.RawQuery == "" {
		return h.resume(w, r, v, platform)
	}
	m, err := wire.Read(w, r, wire.Request, wire.Response)
	if err != nil {
		return err
	}
	switch m.Name {
	case "LogoutRequest":
		return h.logoutAsked(w, r, v, platform, m)
	case "LogoutResponse":
		return h.logoutTold(w, r, v, platform, m)
	}
	return refuse(saml.ResponseMalformed, "another message was expected")
}

// logoutAsked ends the sessions that a service provider names, here first (SDP-IDP24), and tells the other participants.
func (h *Handler) logoutAsked(w http.ResponseWriter, r *http.Request, v *visit, platform Platform, m wire.Incoming) error {
	ctx := r.Context()
	q, provider, err := h.readLogoutRequest(ctx, v, platform, m)
	if err != nil {
		return err
	}
	first, err := h.cfg.Replays.Once(ctx, replayScope(provider), q.ID, q.UsableUntil())
	if err != nil {
		return fmt.Errorf("idp: replay row: %w", err)
	}
	if !first {
		return refuse(saml.Replayed, "logout request")
	}
	row := Logout{
		PlatformID: platform.PlatformID, Asker: provider.ID, AskerRequestID: q.ID, AskerRelayState: m.RelayState, AskerBinding: m.Binding,
	}
	if q.Asynchronous {
		row.Asker = "" // no answer is wanted; the browser ends here
	}
	named, err := h.cfg.Participants.Named(ctx, platform.PlatformID, provider.ID, h.qualified(q.NameID, platform, provider), q.SessionIndexes)
	if err != nil {
		return fmt.Errorf("idp: participants: %w", err)
	}
	if len(named) == 0 {
		v.done, v.detail = saml.LogoutFinished, "nobody"
		return h.finish(w, r, v, platform, row, wire.StatusRequester, statusUnknownPrincipal)
	}
	sessions := map[string]bool{}
	for _, p := range named {
		sessions[p.SessionID] = true
	}
	if len(sessions) > maxSessions {
		return refuse(saml.RequestInvalid, "sessions")
	}
	if row.Waiting, err = h.endSessions(w, r, platform, sessions, named); err != nil {
		return err
	}
	return h.begin(w, r, v, platform, row)
}

// readLogoutRequest returns a request that its service provider signed (SDP-IDP22), addressed to us and in time.
func (h *Handler) readLogoutRequest(ctx context.Context, v *visit, platform Platform, m wire.Incoming) (wire.LogoutRequest, ServiceProvider, error) {
	claimed, err := wire.ParseLogoutRequest(m.XML)
	if err != nil {
		return wire.LogoutRequest{}, ServiceProvider{}, err
	}
	provider, err := h.providerByEntity(ctx, platform.PlatformID, claimed.Issuer, v)
	if err != nil {
		return wire.LogoutRequest{}, ServiceProvider{}, err
	}
	covered, err := m.Verified(provider.Metadata.SigningCerts)
	if err != nil {
		return wire.LogoutRequest{}, ServiceProvider{}, err
	}
	q, err := wire.ParseLogoutRequest(covered)
	if err != nil {
		return wire.LogoutRequest{}, ServiceProvider{}, err
	}
	return q, provider, q.Check(h.expected(platform, provider))
}

func (h *Handler) expected(platform Platform, provider ServiceProvider) wire.Expected {
	return wire.Expected{Issuer: provider.Metadata.EntityID, Destination: SLOURL(h.cfg.BaseURL, platform.PlatformID), Now: h.cfg.Now()}
}

// qualified writes a name as it is kept. Qualifiers that a persistent name may leave out mean the two entities (Core 8.3.7); a
// transient one was given none, and some service providers add them.
func (h *Handler) qualified(n wire.NameID, platform Platform, provider ServiceProvider) wire.NameID {
	ours, theirs := h.entityID(platform.PlatformID), provider.Metadata.EntityID
	switch n.Format {
	case formatPersistent:
		if n.NameQualifier == "" {
			n.NameQualifier = ours
		}
		if n.SPNameQualifier == "" {
			n.SPNameQualifier = theirs
		}
	case formatTransient:
		if n.NameQualifier == ours {
			n.NameQualifier = ""
		}
		if n.SPNameQualifier == theirs {
			n.SPNameQualifier = ""
		}
	}
	return n
}

// endSessions ends the sessions and returns who else was told of them. Those in known are told already.
func (h *Handler) endSessions(w http.ResponseWriter, r *http.Request, platform Platform, sessions map[string]bool, known []Participant) ([]Participant, error) {
	ctx := r.Context()
	var ids []string
	var waiting []Participant
	for id := range sessions {
		ids = append(ids, id)
		all, err := h.cfg.Participants.BySession(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("idp: participants: %w", err)
		}
		for _, p := range all {
			if !slices.ContainsFunc(known, func(k Participant) bool { return sameParticipant(k, p) }) {
				waiting = append(waiting, p)
			}
		}
	}
	person, found, err := h.cfg.People.Current(r, platform.PlatformID)
	if err != nil {
		return nil, fmt.Errorf("idp: who is signed in: %w", err)
	}
	if err := h.cfg.People.EndSessions(ctx, ids); err != nil {
		return nil, fmt.Errorf("idp: end sessions: %w", err)
	}
	if found && sessions[person.SessionID] {
		if err := h.cfg.People.End(w, r); err != nil {
			return nil, fmt.Errorf("idp: end session: %w", err)
		}
	}
	for _, p := range known {
		if err := h.cfg.Participants.Leave(ctx, p); err != nil {
			return nil, fmt.Errorf("idp: leave: %w", err)
		}
	}
	return waiting, nil
}

// sameParticipant leaves the end out, which two reads of a row may write differently.
func sameParticipant(a, b Participant) bool {
	a.ExpiresAt, b.ExpiresAt = time.Time{}, time.Time{}
	return a == b
}

// BeginLogout ends the person's session and tells every service provider that knows of it, one after the other; the browser ends on
// Pages.SignedOut. The caller has made sure that the session is this browser's, and that the person meant it. When the error is not
// nil, nothing was written.
func (h *Handler) BeginLogout(w http.ResponseWriter, r *http.Request, platformID, sessionID string) error {
	v := &visit{platformID: platformID}
	platform, err := h.cfg.Platforms.Platform(r.Context(), platformID)
	if err != nil {
		return fmt.Errorf("idp: platform: %w", err)
	}
	row := Logout{PlatformID: platformID}
	if row.Waiting, err = h.endSessions(w, r, platform, map[string]bool{sessionID: true}, nil); err != nil {
		return err
	}
	if err := h.cfg.People.End(w, r); err != nil {
		return fmt.Errorf("idp: end session: %w", err)
	}
	// What an earlier logout of this browser left undone is done now.
	if old, err := h.takeOwn(r, platformID); err == nil {
		row.Partial = old.Partial || old.Current != nil
		row.Waiting = append(row.Waiting, old.Waiting...)
	}
	if err := h.begin(w, r, v, platform, row); err != nil {
		return err
	}
	h.audit(r.Context(), v, v.done, v.detail)
	return nil
}

// begin gives the logout its row and its browser, and tells the first participant.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, v *visit, platform Platform, row Logout) error {
	if len(row.Waiting) > maxTold {
		row.Waiting, row.Partial = row.Waiting[:maxTold], true
	}
	var err error
	if row.ID, err = h.random(32); err != nil {
		return err
	}
	if len(row.Waiting) != 0 {
		if row.BrowserHash, err = h.bindLogout(w, row.ID); err != nil {
			return err
		}
	}
	row.ExpiresAt = h.cfg.Now().UTC().Add(h.cfg.ParkFor)
	v.done = saml.LogoutStarted
	return h.next(w, r, v, platform, row)
}

// next tells the next participant that can be told, and ends the logout when there is none.
func (h *Handler) next(w http.ResponseWriter, r *http.Request, v *visit, platform Platform, row Logout) error {
	ctx := r.Context()
	for len(row.Waiting) != 0 {
		p := row.Waiting[0]
		row.Waiting = row.Waiting[1:]
		// It is told once: whatever becomes of it, no later logout asks again.
		if err := h.cfg.Participants.Leave(ctx, p); err != nil {
			return fmt.Errorf("idp: leave: %w", err)
		}
		if !h.cfg.Now().Before(p.ExpiresAt) {
			continue // its session is over by what it was told
		}
		out, binding, ok, err := h.logoutRequest(ctx, platform, p, row.ID)
		if err != nil {
			return err
		}
		if !ok {
			row.Partial = true
			continue
		}
		row.Current, row.CurrentRequestID = &p, out.Element.SelectAttrValue("ID", "")
		if err := h.cfg.Logouts.Save(ctx, row); err != nil {
			return fmt.Errorf("idp: save logout: %w", err)
		}
		return out.Send(w, r, binding, h.cfg.Rand)
	}
	row.Current, row.CurrentRequestID = nil, ""
	v.done = saml.LogoutFinished
	status, sub := wire.StatusSuccess, ""
	if row.Partial {
		// The session here has ended, so the request succeeded; that others could not be told stands below (Core 3.7.3.2).
		v.done, sub = saml.LogoutPartial, wire.StatusPartialLogout
	}
	return h.finish(w, r, v, platform, row, status, sub)
}

// logoutRequest builds what a participant is told. ok is false when it cannot be told: unknown, disabled or without an address.
func (h *Handler) logoutRequest(ctx context.Context, platform Platform, p Participant, relay string) (out wire.Outgoing, binding wire.Binding, ok bool, err error) {
	provider, err := tellable(h.cfg.Platforms.ProviderByID(ctx, platform.PlatformID, p.ProviderID))
	if err != nil || provider == nil {
		return out, "", false, err
	}
	binding, location := wire.Redirect, provider.Metadata.SLORedirectURL
	if location == "" {
		binding, location = wire.Post, provider.Metadata.SLOPostURL
	}
	if location == "" {
		return out, "", false, nil
	}
	key, err := signingKey(platform, provider.ECDSA)
	if err != nil {
		return out, "", false, err
	}
	id, err := newID(h.cfg.Rand)
	if err != nil {
		return out, "", false, err
	}
	now := h.cfg.Now().UTC()
	request := wire.LogoutRequest{
		ID: id, Issuer: h.entityID(platform.PlatformID), Destination: location, IssueInstant: now, NotOnOrAfter: now.Add(logoutUsableFor),
		NameID: p.NameID, SessionIndexes: []string{p.SessionIndex},
	}
	return wire.Outgoing{Param: wire.Request, Element: request.Element(), Location: location, RelayState: relay, Key: key}, binding, true, nil
}

// tellable is judged for logout: a service provider that is unknown or disabled is no failure, it just cannot be told.
func tellable(p ServiceProvider, err error) (*ServiceProvider, error) {
	switch {
	case errors.Is(err, ErrUnknownProvider), err == nil && p.Disabled:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("idp: service provider: %w", err)
	}
	return &p, nil
}

// logoutTold takes a participant's answer and goes on. Until it is verified the row stays as it was, so that a planted answer neither
// ends a logout nor stands in for the genuine one.
func (h *Handler) logoutTold(w http.ResponseWriter, r *http.Request, v *visit, platform Platform, m wire.Incoming) error {
	ctx := r.Context()
	row, err := h.takeOwn(r, platform.PlatformID)
	if err != nil {
		return err
	}
	a, err := h.readLogoutResponse(ctx, v, platform, row, m)
	if err != nil {
		if saved := h.cfg.Logouts.Save(ctx, row); saved != nil {
			return fmt.Errorf("idp: save logout: %w", saved)
		}
		return err
	}
	if a.Status != wire.StatusSuccess || a.SubStatus == wire.StatusPartialLogout {
		row.Partial = true
	}
	return h.next(w, r, v, platform, row)
}

func (h *Handler) readLogoutResponse(ctx context.Context, v *visit, platform Platform, row Logout, m wire.Incoming) (wire.LogoutResponse, error) {
	if row.Current == nil || m.RelayState != row.ID {
		return wire.LogoutResponse{}, refuse(saml.LogoutUnknown, "relay state")
	}
	provider, err := h.cfg.Platforms.ProviderByID(ctx, platform.PlatformID, row.Current.ProviderID)
	if errors.Is(err, ErrUnknownProvider) {
		return wire.LogoutResponse{}, refuse(saml.UnknownServiceProvider, "")
	}
	if err != nil {
		return wire.LogoutResponse{}, fmt.Errorf("idp: service provider: %w", err)
	}
	v.providerID = provider.ID
	covered, err := m.Verified(provider.Metadata.SigningCerts)
	if err != nil {
		return wire.LogoutResponse{}, err
	}
	a, err := wire.ParseLogoutResponse(covered)
	if err != nil {
		return wire.LogoutResponse{}, err
	}
	if err := a.Check(h.expected(platform, provider)); err != nil {
		return wire.LogoutResponse{}, err
	}
	if a.InResponseTo != row.CurrentRequestID {
		return wire.LogoutResponse{}, refuse(saml.InResponseToMismatch, "logout response")
	}
	return a, nil
}

// takeOwn takes the logout that this browser has under way.
func (h *Handler) takeOwn(r *http.Request, platformID string) (Logout, error) {
	id, t, ok := logoutOf(r)
	if !ok {
		return Logout{}, refuse(saml.LogoutUnknown, "no cookie")
	}
	row, err := h.cfg.Logouts.Take(r.Context(), platformID, id)
	switch {
	case errors.Is(err, ErrUnknownRequest):
		return Logout{}, refuse(saml.LogoutUnknown, "")
	case err != nil:
		return Logout{}, fmt.Errorf("idp: take logout: %w", err)
	case row.PlatformID != platformID || row.ID != id:
		return Logout{}, errGone
	case !h.cfg.Now().Before(row.ExpiresAt):
		return Logout{}, refuse(saml.LogoutUnknown, "expired")
	case !browser.SameHash(t, row.BrowserHash):
		if err := h.cfg.Logouts.Save(r.Context(), row); err != nil {
			return Logout{}, fmt.Errorf("idp: save logout: %w", err)
		}
		return Logout{}, refuse(saml.LogoutUnknown, "another browser")
	}
	return row, nil
}

// resume goes on with a logout whose current participant did not send the browser back: it is left behind as not told.
func (h *Handler) resume(w http.ResponseWriter, r *http.Request, v *visit, platform Platform) error {
	row, err := h.takeOwn(r, platform.PlatformID)
	if err != nil {
		return err
	}
	row.Partial = row.Partial || row.Current != nil
	return h.next(w, r, v, platform, row)
}

// finish ends a logout: with an answer to the service provider that asked, at its ResponseLocation, or on our own page.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, v *visit, platform Platform, row Logout, status, sub string) error {
	if _, _, ok := logoutOf(r); ok || row.BrowserHash != "" {
		h.binder(LogoutCookieName).Set(w, "")
	}
	if row.Asker == "" {
		h.cfg.Pages.SignedOut(w, r, row.Partial)
		return nil
	}
	asker, err := tellable(h.cfg.Platforms.ProviderByID(r.Context(), platform.PlatformID, row.Asker))
	if err != nil {
		return err
	}
	binding, location := wire.Binding(""), ""
	if asker != nil {
		v.providerID = asker.ID
		binding, location = answerAddress(asker.Metadata, row.AskerBinding)
	}
	if location == "" {
		h.cfg.Pages.SignedOut(w, r, row.Partial)
		return nil
	}
	key, err := signingKey(platform, asker.ECDSA)
	if err != nil {
		return err
	}
	id, err := newID(h.cfg.Rand)
	if err != nil {
		return err
	}
	response := wire.LogoutResponse{
		ID: id, InResponseTo: row.AskerRequestID, Issuer: h.entityID(platform.PlatformID), Destination: location, IssueInstant: h.cfg.Now(),
		Status: status, SubStatus: sub,
	}
	return wire.Outgoing{
		Param: wire.Response, Element: response.Element(), Location: location, RelayState: row.AskerRelayState, Key: key,
	}.Send(w, r, binding, h.cfg.Rand)
}

// answerAddress is where a LogoutResponse goes: by the binding of the request if the service provider takes answers that way.
func answerAddress(md saml.SPMetadata, asked wire.Binding) (wire.Binding, string) {
	redirect, post := md.SLORedirectResponseURL, md.SLOPostResponseURL
	if redirect == "" {
		redirect = md.SLORedirectURL
	}
	if post == "" {
		post = md.SLOPostURL
	}
	if post != "" && (asked == wire.Post || redirect == "") {
		return wire.Post, post
	}
	return wire.Redirect, redirect
}
