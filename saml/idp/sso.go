package idp

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// Status codes of an answer that signs nobody in: the first is the top level, the others stand below it (Core 3.2.2.2).
const (
	statusRequester           = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	statusResponder           = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	statusNoPassive           = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
	statusNoAuthnContext      = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
	statusNoSupportedIDP      = "urn:oasis:names:tc:SAML:2.0:status:NoSupportedIDP"
	statusInvalidNameIDPolicy = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy"
	statusUnknownPrincipal    = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
	statusRequestUnsupported  = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported"
)

// maxRelayState bounds the RelayState of a launch; wire bounds that of a request alike.
const maxRelayState = 2048

// sso takes a service provider's request. Until its signature is judged nothing of it is used but the name of whom to look up; after
// that only what the signature covers.
func (h *Handler) sso(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx := r.Context()
	platform, err := h.enabled(r, v)
	if err != nil {
		return err
	}
	m, err := wire.Read(w, r, wire.Request)
	if err != nil {
		return err
	}
	if m.Name != "AuthnRequest" {
		return refuse(saml.ResponseMalformed, "another message was expected")
	}
	claimed, err := wire.ParseAuthnRequest(m.XML)
	if err != nil {
		return err
	}
	provider, err := h.providerByEntity(ctx, platform.PlatformID, claimed.Issuer, v)
	if err != nil {
		return err
	}
	q, err := believed(m, claimed, provider)
	if err != nil {
		return err
	}
	now := h.cfg.Now().UTC()
	want := wire.Expected{Issuer: provider.Metadata.EntityID, Destination: SSOURL(h.cfg.BaseURL, platform.PlatformID), Now: now}
	if err := q.Check(want, m.Signed()); err != nil {
		return err
	}
	consumer, err := consumerOf(q, provider.Metadata)
	if err != nil {
		return err
	}
	first, err := h.cfg.Replays.Once(ctx, replayScope(provider), q.ID, q.UsableUntil())
	if err != nil {
		return fmt.Errorf("idp: replay row: %w", err)
	}
	if !first {
		return refuse(saml.Replayed, "request")
	}
	parked := ParkedRequest{
		PlatformID: platform.PlatformID, ProviderID: provider.ID, RequestID: q.ID, ACSURL: consumer.URL, RelayState: m.RelayState,
		ForceAuthn: q.ForceAuthn, IsPassive: q.IsPassive,
	}
	if sub := h.demand(q, provider, &parked); sub != "" {
		return h.decline(w, v, platform, provider, parked, statusRequester, sub)
	}
	return h.park(w, r, v, parked)
}

// believed returns the request that may be acted upon (SDP-IDP04, SDP-IDP05, SDP-IDP32): a signature that is there must verify with one
// of the registered certificates, and one must be there when the metadata says that requests are signed.
func believed(m wire.Incoming, claimed wire.AuthnRequest, provider ServiceProvider) (wire.AuthnRequest, error) {
	if !m.Signed() && !provider.Metadata.AuthnRequestsSigned {
		return claimed, nil
	}
	covered, err := m.Verified(provider.Metadata.SigningCerts)
	if err != nil {
		return wire.AuthnRequest{}, err
	}
	return wire.ParseAuthnRequest(covered)
}

func replayScope(p ServiceProvider) string { return "idp:" + p.PlatformID + "/" + p.ID }

// consumerOf finds where the answer goes: only ever to an address of the registered metadata (SDP-IDP06), by POST.
func consumerOf(q wire.AuthnRequest, md saml.SPMetadata) (saml.ACS, error) {
	if q.ProtocolBinding != "" && q.ProtocolBinding != string(wire.Post) {
		return saml.ACS{}, refuse(saml.RequestInvalid, "protocol binding")
	}
	var found bool
	var acs saml.ACS
	switch {
	case q.ACSIndex != wire.NoIndex:
		acs, found = md.ConsumerByIndex(q.ACSIndex)
	case q.ACSURL != "":
		acs, found = md.ConsumerByURL(q.ACSURL)
	default:
		acs, found = md.DefaultConsumer()
	}
	if !found {
		return saml.ACS{}, refuse(saml.ConsumerUnknown, "")
	}
	return acs, nil
}

// demand reads into the row what the request wants of the answer. It returns the second-level status of what we can never give.
func (h *Handler) demand(q wire.AuthnRequest, provider ServiceProvider, p *ParkedRequest) (status string) {
	if len(q.Providers) != 0 && !slices.Contains(q.Providers, h.entityID(p.PlatformID)) {
		return statusNoSupportedIDP
	}
	switch q.NameIDFormat {
	case "", formatUnspecified:
	case formatPersistent, formatTransient:
		p.NameIDFormat = q.NameIDFormat
	default:
		return statusInvalidNameIDPolicy
	}
	if q.SPNameQualifier != "" && q.SPNameQualifier != provider.Metadata.EntityID {
		return statusInvalidNameIDPolicy
	}
	if status := h.demandSubject(q, provider, p); status != "" {
		return status
	}
	var ok bool
	if p.Contexts, ok = acceptedContexts(q); !ok {
		return statusNoAuthnContext
	}
	return ""
}

// demandSubject takes note of whom the request wants. Only persistent names are known for good; transient ones name nobody twice.
func (h *Handler) demandSubject(q wire.AuthnRequest, provider ServiceProvider, p *ParkedRequest) (status string) {
	name := q.Subject
	switch {
	case !q.HasSubject:
		return ""
	case name.Value == "":
		return statusRequestUnsupported
	case name.Format != formatPersistent && name.Format != formatUnspecified && name.Format != "",
		name.NameQualifier != "" && name.NameQualifier != h.entityID(p.PlatformID),
		name.SPNameQualifier != "" && name.SPNameQualifier != provider.Metadata.EntityID:
		return statusUnknownPrincipal
	case p.NameIDFormat == formatTransient:
		return statusInvalidNameIDPolicy
	}
	p.SubjectName, p.NameIDFormat = name.Value, formatPersistent
	return ""
}

const (
	contextUnspecified = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
	contextPassword    = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
	contextProtected   = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
)

// contexts are the classes that can be ours, from the weakest to the strongest: each says all that those before it say.
func contexts() []string { return []string{contextUnspecified, contextPassword, contextProtected} }

// acceptedContexts returns which of our classes would satisfy the request; none when any would. ok is false when no class of ours can
// (Core 3.3.2.2.1).
func acceptedContexts(q wire.AuthnRequest) (accepted []string, ok bool) {
	if q.ContextDeclared {
		return nil, false
	}
	if len(q.Contexts) == 0 {
		return nil, true
	}
	ours := contexts()
	low, high := len(ours), -1 // ranks of those that are named
	for _, c := range q.Contexts {
		if i := slices.Index(ours, c); i >= 0 {
			low, high = min(low, i), max(high, i)
		} else if q.Comparison == "better" {
			return nil, false // how could anything be known to be stronger than a class that we do not know
		}
	}
	for i, c := range ours {
		switch q.Comparison {
		case "exact":
			ok = slices.Contains(q.Contexts, c)
		case "minimum":
			ok = i >= low
		case "better":
			ok = i > high
		case "maximum":
			ok = i <= high
		default:
			return nil, false
		}
		if ok {
			accepted = append(accepted, c)
		}
	}
	return accepted, len(accepted) != 0
}

// contextFor returns the class to state: the person's own when the request accepts it, else the strongest weaker one that it accepts and
// that is as true.
func contextFor(own string, accepted []string) (string, bool) {
	if own == "" {
		own = contextProtected
	}
	if len(accepted) == 0 || slices.Contains(accepted, own) {
		return own, true
	}
	ours := contexts()
	for i := slices.Index(ours, own); i >= 0; i-- {
		if slices.Contains(accepted, ours[i]) {
			return ours[i], true
		}
	}
	return "", false
}

// park writes the row, binds the browser and sends it on.
func (h *Handler) park(w http.ResponseWriter, r *http.Request, v *visit, p ParkedRequest) error {
	var err error
	if p.ID, err = h.random(32); err != nil {
		return err
	}
	if p.BrowserHash, err = h.bindBrowser(w, r); err != nil {
		return err
	}
	// Whole microseconds, which is what databases keep: a sign-in must not seem older than the row because a row was rounded.
	p.CreatedAt = h.cfg.Now().UTC().Truncate(time.Microsecond)
	p.ExpiresAt = p.CreatedAt.Add(h.cfg.ParkFor)
	if err := h.cfg.Requests.Park(r.Context(), p); err != nil {
		return fmt.Errorf("idp: park: %w", err)
	}
	v.done = saml.RequestParked
	http.Redirect(w, r, ContinuePath(p.PlatformID, p.ID), http.StatusSeeOther)
	return nil
}

// launch starts an answer that nobody asked for.
//
// Any page can send a browser here. What that does is what the person could do with one click: sign in, as themselves, to a service
// provider that agreed to such answers, at an address it registered. It happens in the open: a frame, an image or a script is refused
// where browsers say what they are, a cross-site frame has no session cookie, and the answer's page forbids framing. The RelayState is
// the caller's and a service provider must treat it so; registrations that cannot leave Unsolicited off and give a LoginURL.
func (h *Handler) launch(w http.ResponseWriter, r *http.Request, v *visit) error {
	platform, err := h.enabled(r, v)
	if err != nil {
		return err
	}
	q, err := singly(r, "sp", "RelayState")
	if err != nil {
		return err
	}
	if err := navigated(r); err != nil {
		return err
	}
	relay := q.Get("RelayState")
	if len(relay) > maxRelayState || strings.ContainsFunc(relay, unicode.IsControl) {
		return refuse(saml.RequestInvalid, "relay state")
	}
	provider, err := h.providerByID(r.Context(), platform.PlatformID, q.Get("sp"), v)
	if err != nil {
		return err
	}
	if !provider.Unsolicited {
		if !saml.UsableURL(provider.LoginURL, h.cfg.Dev) {
			return refuse(saml.LaunchRefused, "")
		}
		http.Redirect(w, r, provider.LoginURL, http.StatusSeeOther)
		return nil
	}
	consumer, ok := provider.Metadata.DefaultConsumer()
	if !ok {
		return refuse(saml.ConsumerUnknown, "")
	}
	return h.park(w, r, v, ParkedRequest{PlatformID: platform.PlatformID, ProviderID: provider.ID, ACSURL: consumer.URL, RelayState: relay})
}

// singly reads a query in which each of these parameters stands at most once.
func singly(r *http.Request, names ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > 16<<10 {
		return nil, refuse(saml.RequestInvalid, "query")
	}
	for _, name := range names {
		if len(q[name]) > 1 {
			return nil, refuse(saml.RequestInvalid, "parameter repeated")
		}
	}
	return q, nil
}

// navigated refuses what a browser says is no visit of a person: loads inside a page, and loads ahead of a click.
func navigated(r *http.Request) error {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
		return refuse(saml.RequestInvalid, "not a navigation")
	}
	if strings.Contains(r.Header.Get("Sec-Purpose")+r.Header.Get("Purpose"), "prefetch") {
		return refuse(saml.RequestInvalid, "prefetch")
	}
	return nil
}

var errGone = errors.New("idp: the row is not the one that was asked for")
