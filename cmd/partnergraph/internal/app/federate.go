package app

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/bind"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/wire"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
)

// federate is what the SAML door and the rooms see of each other: each method translates between the door's words and a
// room's, and decides nothing.
type federate struct {
	exposure   *exposure.Service
	federation *federation.Service
	recorder   *events.Recorder
	db         *store.DB
	site       *pages.Site
	sessions   *session.Service
	sp         *sp.Handler
	log        *slog.Logger
	now        func() time.Time
	random     io.Reader
	dev        bool
	parsed     parsed
	remembered remembered
}

var (
	_ sp.Connections              = (*federate)(nil)
	_ sp.Requests                 = (*federate)(nil)
	_ sp.Replays                  = (*federate)(nil)
	_ sp.Services                 = (*federate)(nil)
	_ sp.People                   = (*federate)(nil)
	_ sp.Pages                    = (*federate)(nil)
	_ sp.Logouts                  = (*federate)(nil)
	_ sp.Sessions                 = (*federate)(nil)
	_ sp.Tests                    = (*federate)(nil)
	_ pages.Departures            = (*federate)(nil)
	_ federation.Signer           = (*federate)(nil)
	_ exposure.MetadataChecker    = (*federate)(nil)
	_ federation.ProviderMetadata = (*federate)(nil)
)

// ConnectionByPlatform reads the platform and its keys as they are now.
func (f *federate) ConnectionByPlatform(ctx context.Context, platformID string) (sp.Connection, error) {
	read, found, err := f.federation.Connection(ctx, platformID)
	if err == nil && !found {
		// The first visit to a platform's endpoints gives it its key, so that metadata can be fetched before anything else.
		read, found, err = f.firstVisit(ctx, platformID)
	}
	if err != nil {
		return sp.Connection{}, err
	}
	if !found {
		f.remembered.drop(platformID)
		return sp.Connection{}, sp.ErrUnknownPlatform
	}
	connection := sp.Connection{
		Version:    read.Version,
		PlatformID: platformID, PartnerBPID: string(read.PartnerID), IdPMetadata: []byte(read.IDPMetadata), Disabled: read.State != models.ExposureEnabled,
		AllowCBC: read.AllowCBC, Attributes: sp.Mapping(read.Attributes), AuthnContexts: read.AuthnContexts, SubjectScopes: read.SubjectScopes,
	}
	connection.IdP = f.parsed.metadata(read.IDPMetadata, f.dev)
	for _, key := range read.Keys {
		connection.Keys = append(connection.Keys, saml.SigningKey{Signer: key.Private, Cert: key.Certificate, State: saml.KeyState(key.State)})
	}
	f.remembered.keep(connection, read.KeptUntil())
	return connection, nil
}

// Remembered returns the platform as it was read last.
func (f *federate) Remembered(platformID string) (sp.Connection, bool) {
	return f.remembered.find(platformID, f.now())
}

// firstVisit makes the key of a platform that has none; found is false when there is no such platform.
func (f *federate) firstVisit(ctx context.Context, platformID string) (read federation.Connection, found bool, err error) {
	if _, err := f.exposure.ByPlatform(ctx, platformID); models.CodeOf(err) == models.CodeNotFound {
		return federation.Connection{}, false, nil
	} else if err != nil {
		return federation.Connection{}, false, err
	}
	if _, err := f.federation.EnsureKey(ctx, platformID); err != nil {
		return federation.Connection{}, false, err
	}
	return f.federation.Connection(ctx, platformID)
}

// isActive reports whether the service provider, and whoever else every peer must be able to verify, signs with the key.
func isActive(key federation.Key) bool { return key.State == models.KeyActive && key.Algorithm.IsRSA() }

// Park keeps a login that was sent out.
func (f *federate) Park(ctx context.Context, p sp.ParkedRequest, version string) error {
	hash, err := hex.DecodeString(p.BrowserHash)
	if err != nil {
		return err
	}
	err = f.federation.ParkAt(ctx, models.ParkedRequest{
		RelayID: p.RelayID, PlatformID: p.PlatformID, RequestID: p.RequestID, Issuer: p.Issuer, BrowserHash: hash, FirstLogin: p.FirstLogin,
		Service: p.Service, TestLoginID: models.ID(p.TestID), CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt,
	}, version)
	return inDoorsWords(err)
}

// Take returns and deletes it, with the platform as it is now: as it is remembered, when the row comes with the same version.
func (f *federate) Take(ctx context.Context, platformID, relayID string) (sp.ParkedRequest, sp.Connection, error) {
	row, version, taken := f.federation.TakeAt(ctx, platformID, relayID)
	if taken = inDoorsWords(taken); taken != nil && !errors.Is(taken, sp.ErrUnknownRequest) && !errors.Is(taken, sp.ErrExpired) {
		return sp.ParkedRequest{}, sp.Connection{}, taken
	}
	connection, ok := f.Remembered(platformID)
	if !ok || version == "" || connection.Version != version {
		var err error
		if connection, err = f.ConnectionByPlatform(ctx, platformID); err != nil {
			return sp.ParkedRequest{}, sp.Connection{}, err
		}
	}
	if taken != nil {
		return sp.ParkedRequest{}, connection, taken
	}
	return sp.ParkedRequest{
		PlatformID: row.PlatformID, RelayID: row.RelayID, RequestID: row.RequestID, Issuer: row.Issuer, Service: row.Service,
		FirstLogin: row.FirstLogin, TestID: string(row.TestLoginID), BrowserHash: hex.EncodeToString(row.BrowserHash), CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt,
	}, connection, nil
}

// Once remembers an assertion.
func (f *federate) Once(ctx context.Context, platformID, assertionID string, until time.Time) (bool, error) {
	return f.federation.Once(ctx, platformID, assertionID, until)
}

// ServiceAllowed asks the platform's list; when nobody can tell, nothing is allowed.
func (f *federate) ServiceAllowed(ctx context.Context, platformID, service string) bool {
	allowed, err := f.exposure.ServiceAllowed(ctx, platformID, service)
	if err != nil {
		f.log.WarnContext(ctx, "allowed services not read", slog.String("platform_id", platformID), slog.Any("error", err))
	}
	return allowed && err == nil
}

// Meet hands a verified person to the pages.
func (f *federate) Meet(ctx context.Context, a sp.Arrival, until time.Time) (bool, sp.Enter, error) {
	arrival := pages.Arrival{
		PlatformID: a.PlatformID, XAccountID: a.XAccountID, XUserID: a.XUserID, Name: a.Name, Email: a.Email, Mobile: a.Mobile,
		NameID: a.NameID, NameIDFormat: a.NameIDFormat, NameQualifier: a.NameQualifier, SPNameQualifier: a.SPNameQualifier, SessionIndex: a.SessionIndex, SessionNotOnOrAfter: a.SessionNotOnOrAfter, FirstLogin: a.FirstLogin, Service: a.Service,
	}
	first, met, err := f.site.Meet(ctx, arrival, a.AssertionID, until)
	return first, func(w http.ResponseWriter, r *http.Request) (string, error) { return f.enter(w, r, arrival, met) }, err
}

func (f *federate) enter(w http.ResponseWriter, r *http.Request, a pages.Arrival, met federation.Met) (string, error) {
	next, err := f.site.Arrive(w, r, a, met)
	switch {
	case errors.Is(err, pages.ErrNotBound):
		return "", &saml.Refusal{Reason: saml.IdentityNotBound}
	case errors.Is(err, pages.ErrPersonRefused):
		return "", &saml.Refusal{Reason: saml.PersonRefused}
	}
	return next, err
}

// Error shows the page for a refused login.
func (f *federate) Error(w http.ResponseWriter, r *http.Request, status int, reason saml.Reason, help string) {
	f.site.ShowErrorWithHelp(w, r, status, string(reason), help)
}

// SignBinding signs a bind notification with the platform's active key.
func (f *federate) SignBinding(ctx context.Context, n models.BindNotification) (federation.Form, error) {
	connection, err := f.ConnectionByPlatform(ctx, n.PlatformID)
	if err != nil {
		return federation.Form{}, err
	}
	key, err := saml.ActiveRSA(connection.Keys)
	if err != nil {
		return federation.Form{}, err
	}
	form, err := bind.Build(bind.Notification{
		XAccountType: n.PlatformID, XAccountID: n.XAccountID, XUserID: n.XUserID, DomainID: string(n.CustomerID), DomainName: n.CustomerName,
		BindAction: bind.Action(n.Action), Nonce: n.Nonce,
	}, key.Signer, f.now(), f.random)
	return federation.Form(form), err
}

// ParkLogout keeps a logout that was sent out.
func (f *federate) ParkLogout(ctx context.Context, p sp.ParkedLogout) error {
	return f.federation.ParkLogout(ctx, models.ParkedLogout{
		RelayID: p.RelayID, PlatformID: p.PlatformID, RequestID: p.RequestID, Issuer: p.Issuer, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt,
	})
}

// TakeLogout returns and deletes it.
func (f *federate) TakeLogout(ctx context.Context, platformID, relayID string) (sp.ParkedLogout, error) {
	row, err := f.federation.TakeLogout(ctx, platformID, relayID)
	return sp.ParkedLogout{
		PlatformID: row.PlatformID, RelayID: row.RelayID, RequestID: row.RequestID, Issuer: row.Issuer, CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt,
	}, inDoorsWords(err)
}

// inDoorsWords gives a room's refusals the names that the door knows.
func inDoorsWords(err error) error {
	switch {
	case errors.Is(err, federation.ErrUnknownRequest):
		return sp.ErrUnknownRequest
	case errors.Is(err, federation.ErrExpired):
		return sp.ErrExpired
	case errors.Is(err, federation.ErrChanged):
		return sp.ErrChanged
	}
	return err
}

// EndFederated ends the sessions that a platform signs out.
func (f *federate) EndFederated(ctx context.Context, platformID string, name wire.NameID, indexes []string) (int, error) {
	return f.sessions.EndFederated(ctx, platformID, session.Name(name), indexes)
}

// Depart asks the platform of a session that has ended to sign the person out as well.
func (f *federate) Depart(w http.ResponseWriter, r *http.Request, ended models.Session) (bool, error) {
	return f.sp.StartLogout(w, r, sp.Departure{
		PlatformID: ended.PlatformID, SessionIndex: ended.SessionIndex,
		Name: wire.NameID{Value: ended.NameID, Format: ended.NameIDFormat, NameQualifier: ended.NameQualifier, SPNameQualifier: ended.SPNameQualifier},
	})
}

// Leave moves on to the platform.
func (f *federate) Leave(w http.ResponseWriter, r *http.Request, target string) {
	f.site.Leave(w, r, target)
}

// SignedOut shows the end of a logout.
func (f *federate) SignedOut(w http.ResponseWriter, r *http.Request, everywhere bool) {
	f.site.ShowSignedOut(w, r, everywhere)
}

// BeginTest uses the link of a test login up.
func (f *federate) BeginTest(ctx context.Context, platformID, token string) (string, error) {
	id, err := f.federation.BeginTest(ctx, platformID, token)
	return string(id), inDoorsWords(err)
}

// FinishTest keeps and shows what a test login found.
func (f *federate) FinishTest(w http.ResponseWriter, r *http.Request, id string, found sp.TestReport) error {
	report := models.TestReport{
		Accepted: found.OK(), ResponseSigned: found.ResponseSigned, AssertionSigned: found.AssertionSigned, Encrypted: found.Encrypted,
		ResponseSignatureMethod: found.ResponseSignatureMethod, AssertionSignatureMethod: found.AssertionSignatureMethod,
		EncryptionMethod: found.EncryptionMethod, KeyTransport: found.KeyTransport,
	}
	if a := found.Assertion; a != nil && a.Subject != nil && a.Subject.NameID != nil {
		report.NameID = a.Subject.NameID.Value
	}
	for _, c := range found.Checks {
		report.Checks = append(report.Checks, models.TestCheck{
			Name: c.Name, Verdict: models.TestVerdict(c.Verdict), Reason: orNil(string(c.Reason)), Detail: orNil(c.Detail),
		})
	}
	for _, a := range found.Attributes {
		report.Attributes = append(report.Attributes, models.TestAttribute{Name: a.Name, Values: a.Values, Fills: orNil(a.Fills)})
	}
	if err := f.federation.FinishTest(r.Context(), models.ID(id), report); err != nil {
		return err
	}
	f.site.ShowTest(w, r, report)
	return nil
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// CheckIDPMetadata reads an identity provider's metadata for the access configuration.
func (f *federate) CheckIDPMetadata(xml []byte) (models.IDPFacts, error) {
	metadata, findings, err := saml.ParseIdPMetadata(xml, saml.AllowLoopback(f.dev), saml.At(f.now()))
	if err == nil {
		facts := models.IDPFacts{EntityID: metadata.EntityID}
		facts.DisplayNames, facts.Logos = shownOf(metadata.UI)
		return facts, nil
	}
	return models.IDPFacts{}, unusable("idpMetadata", "The identity provider's metadata cannot be used", findings, err)
}

// audit adds each refused or accepted login to its request's line in the log, and to the audit record
// when it is refused and the platform exists.
func (f *federate) audit(ctx context.Context, platformID string, reason saml.Reason, assertionID string) {
	who := session.Who(ctx)
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("saml.platform_id", platformID), attribute.String("saml.outcome", string(reason)))
	if platform, outcome := slog.String("platform_id", platformID), slog.String("saml_outcome", string(reason)); !annotate(ctx, platform, outcome) {
		f.log.InfoContext(ctx, "saml login", slog.String("request_id", who.RequestID), platform, outcome)
	}
	if !reason.IsRefusal() || platformID == "" {
		return
	}
	config, err := f.exposure.ByPlatform(ctx, platformID)
	if err != nil {
		return
	}
	err = f.recorder.Record(ctx, f.db, who, models.Event{
		Type: models.EventSignInRefused, PartnerID: config.PartnerID, SubjectID: string(config.ID),
		Data: map[string]any{"platformId": platformID, "reason": string(reason), "assertionId": assertionID},
	})
	if err != nil {
		f.log.WarnContext(ctx, "refused login not recorded", slog.String("request_id", who.RequestID), slog.Any("error", err))
	}
}
