package idp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/internal/autopost"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// proceed is /continue: it answers a parked request once somebody suitable is signed in. Platform and service provider are judged again,
// because the person may have taken ten minutes over a form while somebody switched them off.
func (h *Handler) proceed(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx := r.Context()
	platform, err := h.enabled(r, v)
	if err != nil {
		return err
	}
	q, err := singly(r, "request")
	if err != nil {
		return err
	}
	parked, err := h.find(r, platform.PlatformID, q.Get("request"))
	if err != nil {
		return err
	}
	if !h.holds(r, parked.BrowserHash) {
		return refuse(saml.BrowserMismatch, "")
	}
	provider, err := h.providerByID(ctx, platform.PlatformID, parked.ProviderID, v)
	if err != nil {
		return err
	}
	if err := stillAllowed(parked, provider); err != nil {
		return err
	}
	person, found, err := h.cfg.People.Current(r, platform.PlatformID)
	if err != nil {
		return fmt.Errorf("idp: who is signed in: %w", err)
	}
	fresh := !parked.ForceAuthn || !person.SignedInAt.Before(parked.CreatedAt)
	if !parked.IsPassive && (!found || !fresh) {
		address, err := h.cfg.People.SignInURL(ctx, SignIn{
			PlatformID: platform.PlatformID, RequestID: parked.ID, Resume: ContinuePath(platform.PlatformID, parked.ID), Fresh: found,
		})
		if err != nil {
			return fmt.Errorf("idp: sign-in page: %w", err)
		}
		http.Redirect(w, r, address, http.StatusSeeOther)
		return nil
	}
	if parked, err = h.take(w, r, parked); err != nil {
		return err
	}
	if !found || !fresh {
		return h.decline(w, v, platform, provider, parked, statusResponder, statusNoPassive)
	}
	return h.answer(w, r, v, platform, provider, parked, person)
}

// find reads a parked request of this platform.
func (h *Handler) find(r *http.Request, platformID, id string) (ParkedRequest, error) {
	if !rowIDs.MatchString(id) {
		return ParkedRequest{}, refuse(saml.RequestUnknown, "id")
	}
	p, err := h.cfg.Requests.Find(r.Context(), platformID, id)
	switch {
	case errors.Is(err, ErrUnknownRequest):
		return ParkedRequest{}, refuse(saml.RequestUnknown, "")
	case err != nil:
		return ParkedRequest{}, fmt.Errorf("idp: find parked request: %w", err)
	case p.PlatformID != platformID || p.ID != id:
		return ParkedRequest{}, errGone
	case !h.cfg.Now().Before(p.ExpiresAt):
		return ParkedRequest{}, refuse(saml.RequestUnknown, "expired")
	}
	return p, nil
}

// take uses the row up: of two tabs at most one gets an answer out of it.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, seen ParkedRequest) (ParkedRequest, error) {
	p, err := h.cfg.Requests.Take(r.Context(), seen.PlatformID, seen.ID)
	switch {
	case errors.Is(err, ErrUnknownRequest):
		return ParkedRequest{}, refuse(saml.RequestUnknown, "taken")
	case err != nil:
		return ParkedRequest{}, fmt.Errorf("idp: take parked request: %w", err)
	case p.PlatformID != seen.PlatformID || p.ID != seen.ID || p.ProviderID != seen.ProviderID:
		return ParkedRequest{}, errGone
	}
	h.releaseBrowser(w, r, p.BrowserHash)
	return p, nil
}

// stillAllowed repeats at answer time what was true when the request came.
func stillAllowed(p ParkedRequest, provider ServiceProvider) error {
	if _, ok := provider.Metadata.ConsumerByURL(p.ACSURL); !ok {
		return refuse(saml.ConsumerUnknown, "metadata changed")
	}
	if p.RequestID == "" && !provider.Unsolicited {
		return refuse(saml.LaunchRefused, "")
	}
	return nil
}

// answer signs the person in to the service provider. The participant is recorded first: a logout must never miss somebody who was told.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, v *visit, platform Platform, provider ServiceProvider, p ParkedRequest, person Person) error {
	persistent := h.cfg.People.PairwiseID(platform.PlatformID, provider.Metadata.EntityID, person.SubjectID)
	if p.SubjectName != "" && p.SubjectName != persistent {
		return h.decline(w, v, platform, provider, p, statusResponder, statusUnknownPrincipal)
	}
	class, ok := contextFor(person.Context, p.Contexts)
	if !ok {
		return h.decline(w, v, platform, provider, p, statusResponder, statusNoAuthnContext)
	}
	key, err := signingKey(platform, provider.ECDSA)
	if err != nil {
		return err
	}
	a := Answer{
		Issuer: h.entityID(platform.PlatformID), Audience: provider.Metadata.EntityID, ACSURL: p.ACSURL, InResponseTo: p.RequestID,
		Context: class, SignedInAt: person.SignedInAt, SessionNotOnOrAfter: person.ExpiresAt,
		Attributes: h.attributes(provider, person, persistent), Now: h.cfg.Now().UTC(),
		Key: key, SignAssertion: provider.Metadata.WantAssertionsSigned, Methods: provider.Metadata.EncryptionMethods,
	}
	if provider.Encrypt != EncryptNever {
		a.EncryptTo = provider.Metadata.EncryptionCert
	}
	if provider.Encrypt == EncryptAlways && a.EncryptTo == nil {
		return refuse(saml.EncryptionKeyMissing, "")
	}
	if err := h.join(r, &a, provider, p, person, persistent); err != nil {
		return err
	}
	response, assertionID, err := a.Write(h.cfg.Rand)
	if err != nil {
		return err
	}
	v.done, v.detail = saml.RequestAnswered, assertionID
	return post(w, p, response)
}

// join gives the answer its name and session index and records who is told them. Within one session a service provider is told the
// same ones again, so that its own sessions, and our list, do not grow with every visit.
func (h *Handler) join(r *http.Request, a *Answer, provider ServiceProvider, p ParkedRequest, person Person, persistent string) error {
	ctx := r.Context()
	format := p.NameIDFormat
	if format == "" {
		format = formatTransient
		if provider.Persistent {
			format = formatPersistent
		}
	}
	known, err := h.cfg.Participants.BySession(ctx, person.SessionID)
	if err != nil {
		return fmt.Errorf("idp: participants: %w", err)
	}
	own := Participant{SessionID: person.SessionID, PlatformID: p.PlatformID, ProviderID: provider.ID}
	for _, k := range known {
		if k.PlatformID == own.PlatformID && k.ProviderID == own.ProviderID && k.NameID.Format == format {
			own = k
		}
	}
	if own.SessionIndex == "" {
		if own.SessionIndex, err = newID(h.cfg.Rand); err != nil {
			return err
		}
		if format == formatPersistent {
			own.NameID = wire.NameID{Format: format, NameQualifier: a.Issuer, SPNameQualifier: a.Audience, Value: persistent}
		} else if own.NameID, err = h.transient(); err != nil {
			return err
		}
	}
	own.ExpiresAt = person.ExpiresAt
	if own.ExpiresAt.IsZero() {
		own.ExpiresAt = a.Now.Add(24 * time.Hour)
	}
	if err := h.cfg.Participants.Join(ctx, own); err != nil {
		return fmt.Errorf("idp: join: %w", err)
	}
	a.Name, a.SessionIndex = own.NameID, own.SessionIndex
	return nil
}

func (h *Handler) transient() (wire.NameID, error) {
	value, err := newID(h.cfg.Rand)
	return wire.NameID{Format: formatTransient, Value: value}, err
}

// attributes fills in the registration's mapping. What is not known of the person is left out.
func (h *Handler) attributes(provider ServiceProvider, person Person, persistent string) []Value {
	var out []Value
	for _, a := range released(provider) {
		value := ""
		switch a.Source {
		case SourceUserID:
			value = person.UserID
		case SourceAccountID:
			value = person.AccountID
		case SourceBPID:
			value = provider.BPID
		case SourceName:
			value = person.Name
		case SourceEmail:
			value = person.Email
		case SourceMobile:
			value = person.Mobile
		case SourceLoginName:
			value = person.LoginName
		case SourcePairwiseID:
			value = persistent
		case SourceSubjectID:
			value = h.scoped(person.OpaqueID)
		case SourceScopedPairwiseID:
			value = h.scoped(persistent)
		}
		if a.Name != "" && value != "" {
			out = append(out, Value{a.Name, value})
		}
	}
	return out
}

// released is the registration's mapping with the scoped identifier that the service provider's metadata asks for (SDP-IDP13). A mapping
// that names one itself was made by somebody who knew better. Where either will do, it is the one that nobody else is told.
func released(provider ServiceProvider) []Attribute {
	if slices.ContainsFunc(provider.Attributes, func(a Attribute) bool { return saml.IsSubjectID(a.Name) }) {
		return provider.Attributes
	}
	switch provider.Metadata.SubjectIDRequirement {
	case saml.RequireSubjectID:
		return append(slices.Clone(provider.Attributes), Attribute{saml.SubjectID, SourceSubjectID})
	case saml.RequirePairwiseID, saml.RequireAny:
		return append(slices.Clone(provider.Attributes), Attribute{saml.PairwiseID, SourceScopedPairwiseID})
	}
	return provider.Attributes
}

// scoped makes a scoped identifier; empty when there is no scope, or when it could not be one.
func (h *Handler) scoped(id string) string {
	value := id + "@" + h.cfg.Scope
	if _, _, ok := saml.ParseSubjectID(value); !ok {
		return ""
	}
	return value
}

// decline answers with an error status (IIP-IDP05), signed, and only ever to a consumer of the registered metadata. Nobody who was not
// asked gets one: a launch ends on our page.
func (h *Handler) decline(w http.ResponseWriter, v *visit, platform Platform, provider ServiceProvider, p ParkedRequest, status, sub string) error {
	if p.RequestID == "" {
		return refuse(saml.RequestInvalid, "launch")
	}
	key, err := signingKey(platform, provider.ECDSA)
	if err != nil {
		return err
	}
	response, err := envelope{
		Issuer: h.entityID(platform.PlatformID), Destination: p.ACSURL, InResponseTo: p.RequestID, Now: h.cfg.Now(), Status: status, SubStatus: sub, Key: key,
	}.write(h.cfg.Rand)
	if err != nil {
		return err
	}
	v.done, v.detail = saml.RequestDeclined, sub[strings.LastIndexByte(sub, ':')+1:]
	return post(w, p, response)
}

func post(w http.ResponseWriter, p ParkedRequest, response []byte) error {
	fields := []autopost.Field{{Name: wire.Response, Value: base64.StdEncoding.EncodeToString(response)}}
	if p.RelayState != "" {
		fields = append(fields, autopost.Field{Name: "RelayState", Value: p.RelayState})
	}
	return autopost.Write(w, p.ACSURL, fields...)
}

var tickets = regexp.MustCompile(`^[A-Za-z0-9._~-]{16,512}$`)

// ticket redeems a storefront's one-time ticket and goes on to what it was made for.
//
// A ticket in an address that somebody else opens would sign that browser in as its owner. For a parked request that cannot happen: it
// must have come from this very browser, and the session's cookie is held back until that is known. A ticket for nothing in particular
// has no such anchor; it is short-lived, works once, and signs in to nothing by itself.
func (h *Handler) ticket(w http.ResponseWriter, r *http.Request, v *visit) error {
	platform, err := h.enabled(r, v)
	if err != nil {
		return err
	}
	q, err := singly(r, "ticket")
	if err != nil {
		return err
	}
	if err := navigated(r); err != nil {
		return err
	}
	if !tickets.MatchString(q.Get("ticket")) {
		return refuse(saml.TicketRefused, "shape")
	}
	held := heldHeader{http.Header{}}
	redeemed, err := h.cfg.People.Redeem(held, r, platform.PlatformID, q.Get("ticket"))
	if errors.Is(err, ErrTicketRefused) {
		return refuse(saml.TicketRefused, "")
	}
	if err != nil {
		return fmt.Errorf("idp: redeem ticket: %w", err)
	}
	target, err := h.target(r, platform.PlatformID, redeemed)
	if err != nil {
		return err
	}
	for _, c := range held.header["Set-Cookie"] {
		w.Header().Add("Set-Cookie", c)
	}
	v.done = saml.TicketRedeemed
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// target is where a redeemed ticket leads.
func (h *Handler) target(r *http.Request, platformID string, t Redeemed) (string, error) {
	switch {
	case t.RequestID != "":
		parked, err := h.find(r, platformID, t.RequestID)
		if err != nil {
			return "", err
		}
		if !h.holds(r, parked.BrowserHash) {
			return "", refuse(saml.TicketRefused, "another browser")
		}
		return ContinuePath(platformID, parked.ID), nil
	case t.ProviderID != "":
		q := url.Values{"sp": {t.ProviderID}}
		if t.RelayState != "" {
			q.Set("RelayState", t.RelayState)
		}
		return "/saml/idp/" + platformID + "/launch?" + q.Encode(), nil
	case localPath(t.Next):
		return t.Next, nil
	}
	return "/", nil
}

// localPath reports whether a browser would stay on this server.
func localPath(s string) bool {
	u, err := url.Parse(s)
	return err == nil && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.Contains(s, "\\") && u.Host == "" && u.Scheme == "" &&
		!strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f })
}

// heldHeader is a response of which only the cookies matter, and those later.
type heldHeader struct{ header http.Header }

func (h heldHeader) Header() http.Header         { return h.header }
func (h heldHeader) Write(p []byte) (int, error) { return len(p), nil }
func (h heldHeader) WriteHeader(int)             {}
