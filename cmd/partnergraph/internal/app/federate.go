package app

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
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
	log        *slog.Logger
	now        func() time.Time
	random     io.Reader
	dev        bool
}

var (
	_ sp.Connections              = (*federate)(nil)
	_ sp.Requests                 = (*federate)(nil)
	_ sp.Replays                  = (*federate)(nil)
	_ sp.Services                 = (*federate)(nil)
	_ sp.People                   = (*federate)(nil)
	_ sp.Pages                    = (*federate)(nil)
	_ pages.Signer                = (*federate)(nil)
	_ exposure.MetadataChecker    = (*federate)(nil)
	_ federation.ProviderMetadata = (*federate)(nil)
)

// ConnectionByPlatform reads the platform and its keys as they are now.
func (f *federate) ConnectionByPlatform(ctx context.Context, platformID string) (sp.Connection, error) {
	config, err := f.exposure.ByPlatform(ctx, platformID)
	if models.CodeOf(err) == models.CodeNotFound {
		return sp.Connection{}, sp.ErrUnknownPlatform
	}
	if err != nil {
		return sp.Connection{}, err
	}
	keys, err := f.federation.Keys(ctx, platformID)
	if err != nil {
		return sp.Connection{}, err
	}
	// The first visit to a platform's endpoints gives it its key, so that metadata can be fetched before anything else.
	if !slices.ContainsFunc(keys, isActive) {
		key, err := f.federation.EnsureKey(ctx, platformID)
		if err != nil {
			return sp.Connection{}, err
		}
		keys = append(keys, key)
	}
	connection := sp.Connection{
		PlatformID: platformID, PartnerBPID: string(config.PartnerID), IdPMetadata: []byte(config.IDPMetadata), Disabled: config.State != models.ExposureEnabled,
	}
	for _, key := range keys {
		connection.Keys = append(connection.Keys, saml.SigningKey{Signer: key.Private, Cert: key.Certificate, State: saml.KeyState(key.State)})
	}
	return connection, nil
}

// isActive reports whether the service provider, and whoever else every peer must be able to verify, signs with the key.
func isActive(key federation.Key) bool { return key.State == models.KeyActive && key.Algorithm.IsRSA() }

// Park keeps a login that was sent out.
func (f *federate) Park(ctx context.Context, p sp.ParkedRequest) error {
	hash, err := hex.DecodeString(p.BrowserHash)
	if err != nil {
		return err
	}
	return f.federation.Park(ctx, models.ParkedRequest{
		RelayID: p.RelayID, PlatformID: p.PlatformID, RequestID: p.RequestID, Issuer: p.Issuer, BrowserHash: hash, FirstLogin: p.FirstLogin,
		Service: p.Service, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt,
	})
}

// Take returns and deletes it.
func (f *federate) Take(ctx context.Context, platformID, relayID string) (sp.ParkedRequest, error) {
	row, err := f.federation.Take(ctx, platformID, relayID)
	switch {
	case errors.Is(err, federation.ErrUnknownRequest):
		return sp.ParkedRequest{}, sp.ErrUnknownRequest
	case errors.Is(err, federation.ErrExpired):
		return sp.ParkedRequest{}, sp.ErrExpired
	case err != nil:
		return sp.ParkedRequest{}, err
	}
	return sp.ParkedRequest{
		PlatformID: row.PlatformID, RelayID: row.RelayID, RequestID: row.RequestID, Issuer: row.Issuer, Service: row.Service,
		FirstLogin: row.FirstLogin, BrowserHash: hex.EncodeToString(row.BrowserHash), CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt,
	}, nil
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

// Arrive hands a verified person to the pages.
func (f *federate) Arrive(w http.ResponseWriter, r *http.Request, a sp.Arrival) (string, error) {
	next, err := f.site.Arrive(w, r, pages.Arrival{
		PlatformID: a.PlatformID, XAccountID: a.XAccountID, XUserID: a.XUserID, Name: a.Name, Email: a.Email, Mobile: a.Mobile,
		NameID: a.NameID, SessionIndex: a.SessionIndex, SessionNotOnOrAfter: a.SessionNotOnOrAfter, FirstLogin: a.FirstLogin, Service: a.Service,
	})
	switch {
	case errors.Is(err, pages.ErrNotBound):
		return "", &saml.Refusal{Reason: saml.IdentityNotBound}
	case errors.Is(err, pages.ErrPersonRefused):
		return "", &saml.Refusal{Reason: saml.PersonRefused}
	}
	return next, err
}

// Error shows the page for a refused login.
func (f *federate) Error(w http.ResponseWriter, r *http.Request, status int, reason saml.Reason) {
	f.site.ShowError(w, r, status, string(reason))
}

// SignBinding signs a bind notification with the platform's active key.
func (f *federate) SignBinding(ctx context.Context, platformID string, told pages.Told) ([]pages.Field, error) {
	keys, err := f.federation.Keys(ctx, platformID)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if !isActive(key) {
			continue
		}
		form, err := bind.Build(bind.Notification{
			XAccountType: platformID, XAccountID: told.XAccountID, XUserID: told.XUserID, DomainID: string(told.CustomerID),
			DomainName: told.CustomerName, BindAction: bind.Bind, Nonce: told.Nonce,
		}, key.Private, f.now(), f.random)
		if err != nil {
			return nil, err
		}
		return []pages.Field{
			{Name: "bindRequest", Value: form.BindRequest}, {Name: "SigAlg", Value: form.SigAlg}, {Name: "Signature", Value: form.Signature},
		}, nil
	}
	return nil, errors.New("the platform has no active signing key")
}

// CheckIDPMetadata reads an identity provider's metadata for the access configuration.
func (f *federate) CheckIDPMetadata(xml []byte) (string, error) {
	metadata, findings, err := saml.ParseIdPMetadata(xml, saml.AllowLoopback(f.dev), saml.At(f.now()))
	if err == nil {
		return metadata.EntityID, nil
	}
	return "", unusable("idpMetadata", "The identity provider's metadata cannot be used", findings, err)
}

// audit writes each refused or accepted login to the log and, when the platform exists, to the audit record.
func (f *federate) audit(ctx context.Context, platformID string, reason saml.Reason, assertionID string) {
	who := session.Who(ctx)
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("saml.platform_id", platformID), attribute.String("saml.outcome", string(reason)))
	f.log.InfoContext(ctx, "saml login", slog.String("request_id", who.RequestID), slog.String("platform_id", platformID), slog.String("reason", string(reason)))
	if reason == saml.LoginStarted || reason == saml.LoginAccepted || platformID == "" {
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
