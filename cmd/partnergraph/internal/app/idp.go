package app

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/bind"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/wire"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
)

// provide is what the identity provider's door and the rooms see of each other: each method translates between the door's words and a
// room's, and decides nothing.
type provide struct {
	exposure   *exposure.Service
	federation *federation.Service
	customers  *customers.Service
	sessions   *session.Service
	recorder   *events.Recorder
	db         *store.DB
	site       *pages.Site
	log        *slog.Logger
	dev        bool
	contacts   []saml.Contact // of the installation
}

var (
	_ idp.Platforms    = (*provide)(nil)
	_ idp.Requests     = (*provide)(nil)
	_ idp.Replays      = (*provide)(nil)
	_ idp.People       = (*provide)(nil)
	_ idp.Participants = (*provide)(nil)
	_ idp.Logouts      = (*logouts)(nil)
	_ idp.Bindings     = (*provide)(nil)
	_ idp.Pages        = (*provide)(nil)
)

// Platform reads the platform and its keys as they are now. A service provider that wants ECDSA gives the platform an EC key.
func (p *provide) Platform(ctx context.Context, platformID string) (idp.Platform, error) {
	config, err := p.exposure.ByPlatform(ctx, platformID)
	if models.CodeOf(err) == models.CodeNotFound {
		return idp.Platform{}, idp.ErrUnknownPlatform
	}
	if err != nil {
		return idp.Platform{}, err
	}
	keys, err := p.federation.Keys(ctx, platformID)
	if err != nil {
		return idp.Platform{}, err
	}
	if keys, err = p.complete(ctx, platformID, keys); err != nil {
		return idp.Platform{}, err
	}
	platform := idp.Platform{PlatformID: platformID, Disabled: config.State != models.ExposureEnabled}
	for _, key := range keys {
		platform.Keys = append(platform.Keys, saml.SigningKey{Signer: key.Private, Cert: key.Certificate, State: saml.KeyState(key.State)})
	}
	return platform, nil
}

// complete makes the keys that the platform has to have and does not.
func (p *provide) complete(ctx context.Context, platformID string, keys []federation.Key) ([]federation.Key, error) {
	active := func(rsa bool) bool {
		return slices.ContainsFunc(keys, func(k federation.Key) bool { return isActive(k) && k.Algorithm.IsRSA() == rsa })
	}
	if !active(true) {
		key, err := p.federation.EnsureKey(ctx, platformID)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if active(false) {
		return keys, nil
	}
	wanted, err := p.federation.WantsECDSA(ctx, platformID)
	if err != nil || !wanted {
		return keys, err
	}
	key, err := p.federation.EnsureECKey(ctx, platformID)
	return append(keys, key), err
}

// ProviderByEntity finds a service provider by its entity id.
func (p *provide) ProviderByEntity(ctx context.Context, platformID, entityID string) (idp.ServiceProvider, error) {
	return p.provider(p.federation.ServiceProviderByEntity(ctx, platformID, entityID))
}

// ProviderByID finds a service provider by its id.
func (p *provide) ProviderByID(ctx context.Context, platformID, id string) (idp.ServiceProvider, error) {
	return p.provider(p.federation.ServiceProviderByID(ctx, platformID, id))
}

// Providers returns those that are enabled.
func (p *provide) Providers(ctx context.Context, platformID string) ([]idp.ServiceProvider, error) {
	rows, err := p.federation.EnabledServiceProviders(ctx, platformID)
	if err != nil {
		return nil, err
	}
	all := make([]idp.ServiceProvider, len(rows))
	for i, row := range rows {
		if all[i], err = p.provider(row, nil); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// provider reads the metadata again: it is the file that counts, not what was once made of it.
func (p *provide) provider(row models.ServiceProvider, err error) (idp.ServiceProvider, error) {
	if models.CodeOf(err) == models.CodeNotFound {
		return idp.ServiceProvider{}, idp.ErrUnknownProvider
	}
	if err != nil {
		return idp.ServiceProvider{}, err
	}
	metadata, _, err := saml.ParseSPMetadata([]byte(row.Metadata), saml.AllowLoopback(p.dev))
	if err != nil {
		return idp.ServiceProvider{}, fmt.Errorf("service provider %s: %w", row.ID, err)
	}
	provider := idp.ServiceProvider{
		ID: string(row.ID), PlatformID: row.PlatformID, Disabled: row.State != models.ServiceProviderEnabled, Metadata: metadata,
		Persistent: row.NameIDFormat == models.NameIDPersistent, BPID: row.BPID, Unsolicited: row.IDPInitiated, LoginURL: row.LoginURL,
		Encrypt: idp.Encryption(row.Encryption), ECDSA: row.SignatureAlgorithm == models.SignECDSASHA256,
	}
	for _, a := range row.Attributes {
		provider.Attributes = append(provider.Attributes, idp.Attribute{Name: a.Name, Source: idp.Source(a.Source)})
	}
	return provider, nil
}

// Park keeps a request whose person is signing in.
func (p *provide) Park(ctx context.Context, r idp.ParkedRequest) error {
	hash, err := hex.DecodeString(r.BrowserHash)
	if err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return p.federation.ParkIDPRequest(ctx, federation.Waiting{
		ID: r.ID, PlatformID: r.PlatformID, BrowserHash: hash, Body: body, ExpiresAt: r.ExpiresAt,
	})
}

// Find returns it and leaves it.
func (p *provide) Find(ctx context.Context, platformID, id string) (idp.ParkedRequest, error) {
	return waiting[idp.ParkedRequest](p.federation.FindIDPRequest(ctx, platformID, id))
}

// Take returns and deletes it.
func (p *provide) Take(ctx context.Context, platformID, id string) (idp.ParkedRequest, error) {
	return waiting[idp.ParkedRequest](p.federation.TakeIDPRequest(ctx, platformID, id))
}

// waiting reads what the door wrote.
func waiting[T any](w federation.Waiting, err error) (T, error) {
	var t T
	if errors.Is(err, federation.ErrUnknownRequest) {
		return t, idp.ErrUnknownRequest
	}
	if err != nil {
		return t, err
	}
	err = json.Unmarshal(w.Body, &t)
	return t, err
}

// Once remembers a message. Its key has room for any id, which peers choose.
func (p *provide) Once(ctx context.Context, scope, id string, until time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(id))
	return p.federation.Once(ctx, scope, hex.EncodeToString(sum[:]), until)
}

// Current returns who is signed in in this browser and belongs to the platform.
func (p *provide) Current(r *http.Request, platformID string) (idp.Person, bool, error) {
	ctx := r.Context()
	current, found, err := p.sessions.Current(ctx, r)
	if err != nil || !found {
		return idp.Person{}, false, err
	}
	person, found, err := p.federation.PersonOn(ctx, platformID, current.UserID)
	if err != nil || !found {
		return idp.Person{}, false, err
	}
	known, err := p.customers.ByIDs(ctx, models.SystemPrincipal("identity-provider"), []models.ID{person.CustomerID})
	if err != nil {
		return idp.Person{}, false, err
	}
	customer := known[person.CustomerID]
	return idp.Person{
		SessionID: string(current.ID), SignedInAt: current.CreatedAt, Context: current.AuthnContext, SubjectID: string(person.User.ID),
		OpaqueID: p.federation.SubjectID(platformID, string(person.User.ID)),
		UserID:   person.UserKey, AccountID: person.AccountKey, Name: customer.Name, Email: deref(customer.Email), Mobile: deref(customer.Phone),
		LoginName: person.User.LoginName, ExpiresAt: current.ExpiresAt,
	}, true, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// SignInURL is the storefront's own page when the platform has one, else ours.
func (p *provide) SignInURL(ctx context.Context, s idp.SignIn) (string, error) {
	config, err := p.exposure.ByPlatform(ctx, s.PlatformID)
	if err != nil {
		return "", err
	}
	if address := config.SignInAddress(s.RequestID); address != "" {
		return address, nil
	}
	return "/sign-in?" + url.Values{"next": {s.Resume}}.Encode(), nil
}

// Redeem uses a ticket up and signs its person in.
func (p *provide) Redeem(w http.ResponseWriter, r *http.Request, platformID, ticket string) (idp.Redeemed, error) {
	user, trip, err := p.federation.RedeemTicket(r.Context(), platformID, ticket)
	if errors.Is(err, federation.ErrTicketRefused) {
		return idp.Redeemed{}, idp.ErrTicketRefused
	}
	if err != nil {
		return idp.Redeemed{}, err
	}
	if _, err := p.sessions.Issue(r.Context(), w, r, user, session.Origin{PlatformID: platformID, Method: session.MethodTicket}); err != nil {
		return idp.Redeemed{}, err
	}
	return idp.Redeemed{RequestID: trip.RequestID, ProviderID: string(trip.ServiceProviderID), RelayState: trip.RelayState, Next: trip.Next}, nil
}

// PairwiseID is the person's name for one service provider, in characters that every peer keeps as they are.
func (p *provide) PairwiseID(platformID, entityID, subjectID string) string {
	sum := sha256.Sum256([]byte(p.federation.PairwiseID(platformID, entityID, subjectID)))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}

// End ends the session of this browser.
func (p *provide) End(w http.ResponseWriter, r *http.Request) error {
	return p.sessions.End(r.Context(), w, r)
}

// EndSessions ends sessions without their browsers.
func (p *provide) EndSessions(ctx context.Context, sessionIDs []string) error {
	ids := make([]models.ID, len(sessionIDs))
	for i, id := range sessionIDs {
		ids[i] = models.ID(id)
	}
	_, err := p.sessions.EndByIDs(ctx, ids)
	return err
}

// Join remembers who was told of a session.
func (p *provide) Join(ctx context.Context, told idp.Participant) error {
	row, err := participant(told)
	if err != nil {
		return err
	}
	return p.federation.Join(ctx, row)
}

// BySession returns who was told of a session.
func (p *provide) BySession(ctx context.Context, sessionID string) ([]idp.Participant, error) {
	return participants(p.federation.ParticipantsOf(ctx, models.ID(sessionID)))
}

// Named returns who was told this name.
func (p *provide) Named(ctx context.Context, platformID, providerID string, name wire.NameID, indexes []string) ([]idp.Participant, error) {
	text, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	return participants(p.federation.ParticipantsNamed(ctx, platformID, models.ID(providerID), string(text), indexes))
}

// Leave forgets that somebody was told.
func (p *provide) Leave(ctx context.Context, told idp.Participant) error {
	row, err := participant(told)
	if err != nil {
		return err
	}
	return p.federation.LeaveParticipant(ctx, row)
}

// participant writes the whole name as one text, whose fields come in one order.
func participant(told idp.Participant) (federation.Participant, error) {
	name, err := json.Marshal(told.NameID)
	return federation.Participant{
		SessionID: models.ID(told.SessionID), PlatformID: told.PlatformID, ServiceProviderID: models.ID(told.ProviderID), Name: string(name),
		SessionIndex: told.SessionIndex, ExpiresAt: told.ExpiresAt,
	}, err
}

func participants(rows []federation.Participant, err error) ([]idp.Participant, error) {
	if err != nil {
		return nil, err
	}
	all := make([]idp.Participant, len(rows))
	for i, row := range rows {
		all[i] = idp.Participant{
			SessionID: string(row.SessionID), PlatformID: row.PlatformID, ProviderID: string(row.ServiceProviderID), SessionIndex: row.SessionIndex,
			ExpiresAt: row.ExpiresAt,
		}
		if err := json.Unmarshal([]byte(row.Name), &all[i].NameID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// logouts keeps logouts under way; its Take is not that of requests.
type logouts struct{ federation *federation.Service }

// Save writes a logout, new or changed.
func (l *logouts) Save(ctx context.Context, row idp.Logout) error {
	body, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return l.federation.SaveIDPLogout(ctx, federation.Waiting{ID: row.ID, PlatformID: row.PlatformID, Body: body, ExpiresAt: row.ExpiresAt})
}

// Take returns and deletes it.
func (l *logouts) Take(ctx context.Context, platformID, id string) (idp.Logout, error) {
	return waiting[idp.Logout](l.federation.TakeIDPLogout(ctx, platformID, id))
}

// Record writes down what a cloud says.
func (p *provide) Record(ctx context.Context, provider idp.ServiceProvider, n bind.Notification) error {
	notice := federation.CloudNotice{
		PlatformID: provider.PlatformID, ServiceProviderID: models.ID(provider.ID), XAccountID: n.XAccountID, XUserID: n.XUserID,
		DomainID: n.DomainID, DomainName: n.DomainName, Unbound: n.BindAction == bind.Unbind, Nonce: n.Nonce,
	}
	if n.IssuedAt != 0 {
		notice.IssuedAt = time.Unix(n.IssuedAt, 0)
	}
	_, err := p.federation.RecordCloudBinding(ctx, notice)
	if models.CodeOf(err) == models.CodeInvalid {
		return &saml.Refusal{Reason: saml.NotificationInvalid, Detail: err.Error()}
	}
	return err
}

// Error shows the page for what was refused.
func (p *provide) Error(w http.ResponseWriter, r *http.Request, status int, reason saml.Reason) {
	p.site.ShowError(w, r, status, string(reason))
}

// SignedOut shows the end of a logout.
func (p *provide) SignedOut(w http.ResponseWriter, r *http.Request, partial bool) {
	p.site.ShowSignedOut(w, r, !partial)
}

// audit writes each request to the log and, when it was refused and the platform exists, to the audit record.
func (p *provide) audit(ctx context.Context, platformID, providerID string, reason saml.Reason, detail string) {
	who := session.Who(ctx)
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("saml.platform_id", platformID), attribute.String("saml.outcome", string(reason)))
	p.log.InfoContext(ctx, "saml identity provider", slog.String("request_id", who.RequestID), slog.String("platform_id", platformID),
		slog.String("service_provider_id", providerID), slog.String("reason", string(reason)))
	if done(reason) || platformID == "" {
		return
	}
	config, err := p.exposure.ByPlatform(ctx, platformID)
	if err != nil {
		return
	}
	err = p.recorder.Record(ctx, p.db, who, models.Event{
		Type: models.EventSignInRefused, PartnerID: config.PartnerID, SubjectID: string(config.ID),
		Data: map[string]any{"platformId": platformID, "serviceProviderId": providerID, "reason": string(reason), "detail": detail},
	})
	if err != nil {
		p.log.WarnContext(ctx, "refused sign-in not recorded", slog.String("request_id", who.RequestID), slog.Any("error", err))
	}
}

// done reports whether the reason is no refusal.
func done(reason saml.Reason) bool {
	return slices.Contains([]saml.Reason{
		saml.RequestParked, saml.RequestAnswered, saml.RequestDeclined, saml.TicketRedeemed, saml.LogoutStarted, saml.LogoutFinished,
		saml.LogoutPartial, saml.NotificationTaken,
	}, reason)
}

// CheckSPMetadata reads a service provider's metadata for its registration.
func (f *federate) CheckSPMetadata(xml []byte) (models.ProviderFacts, []models.MetadataFinding, error) {
	metadata, findings, err := saml.ParseSPMetadata(xml, saml.AllowLoopback(f.dev), saml.At(f.now()))
	if err != nil {
		return models.ProviderFacts{}, nil, unusable("metadata", "The service provider's metadata cannot be used", findings, err)
	}
	facts := models.ProviderFacts{
		EntityID: metadata.EntityID, ConsumerURLs: []string{}, Fingerprints: []string{}, SLOURL: metadata.SLORedirectURL,
		CanEncrypt: metadata.EncryptionCert != nil, SignsRequests: metadata.AuthnRequestsSigned, SubjectID: requirementOf(metadata.SubjectIDRequirement),
	}
	facts.DisplayNames, facts.Logos = shownOf(metadata.UI)
	first, _ := metadata.DefaultConsumer()
	facts.ConsumerURLs = append(facts.ConsumerURLs, first.URL)
	for _, consumer := range metadata.Consumers {
		if consumer.URL != first.URL {
			facts.ConsumerURLs = append(facts.ConsumerURLs, consumer.URL)
		}
	}
	if facts.SLOURL == "" {
		facts.SLOURL = metadata.SLOPostURL
	}
	for _, certificate := range metadata.SigningCerts {
		sum := sha256.Sum256(certificate.Raw)
		facts.Fingerprints = append(facts.Fingerprints, hex.EncodeToString(sum[:]))
	}
	if !metadata.ValidUntil.IsZero() {
		until := metadata.ValidUntil.UTC()
		facts.ValidUntilTime = &until
	}
	remarks := []models.MetadataFinding{}
	for _, finding := range findings {
		remarks = append(remarks, models.MetadataFinding{Code: finding.Code, Message: finding.Message})
	}
	return facts, remarks, nil
}

// unusable words what is wrong with a metadata file.
func unusable(field, says string, findings []saml.Finding, cause error) *models.Error {
	refusal := models.Invalid(field, says+".")
	list := []map[string]any{}
	for _, finding := range findings {
		if !finding.Fatal {
			continue
		}
		if len(list) == 0 {
			refusal.Message = says + ": " + finding.Message
		}
		list = append(list, map[string]any{"code": finding.Code, "message": finding.Message})
	}
	refusal.Details, refusal.Cause = map[string]any{"findings": list}, cause
	return refusal
}
