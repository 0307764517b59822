// Package idptest implements the interfaces of idp in memory, and starts a whole identity provider on a socket, for tests of anything
// that signs people in to service providers.
//
// Owns: a World with platforms, service providers, rows and people, and a sign-in page that signs in whoever comes. Does not own any
// rule; nothing outside tests may import it. A World may be used concurrently.
package idptest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/bind"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// SessionCookie carries the session's id, as it is: this is no real session.
const SessionCookie = "idptest-session"

// SignInPath is where nobody signed in is sent, with platform, request, resume and fresh in the query.
const SignInPath = "/sign-in"

// Scope is that of the scoped identifiers of a World's configuration.
const Scope = "partner.example"

// World is everything a Handler needs. Exported fields are set before use; the rest is reached through methods.
type World struct {
	Now func() time.Time // required
	// Fail, when set, is asked before every method with its name; a non-nil answer is the method's error.
	Fail func(method string) error
	// Says is what every platform's metadata says for people.
	Says saml.About

	mu           sync.Mutex
	platforms    map[string]idp.Platform
	providers    []idp.ServiceProvider
	parked       map[string]idp.ParkedRequest
	replays      map[string]time.Time
	sessions     map[string]idp.Person
	tickets      map[string]ticket
	participants []idp.Participant
	logouts      map[string]idp.Logout
	recorded     []bind.Notification
	audit        []string
	serial       int
}

type ticket struct {
	platformID string
	person     idp.Person
	made       idp.Redeemed
}

var (
	_ idp.Platforms    = (*World)(nil)
	_ idp.Requests     = (*World)(nil)
	_ idp.Replays      = (*World)(nil)
	_ idp.People       = (*World)(nil)
	_ idp.Participants = (*World)(nil)
	_ idp.Logouts      = logouts{}
	_ idp.Bindings     = (*World)(nil)
	_ idp.Pages        = (*World)(nil)
)

func (w *World) fails(method string) error {
	if w.Fail == nil {
		return nil
	}
	return w.Fail(method)
}

func put[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

// SetPlatform adds or replaces a platform.
func (w *World) SetPlatform(p idp.Platform) {
	w.mu.Lock()
	defer w.mu.Unlock()
	put(&w.platforms, p.PlatformID, p)
}

// SetProvider adds or replaces a service provider, by its ID.
func (w *World) SetProvider(p idp.ServiceProvider) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.IndexFunc(w.providers, func(o idp.ServiceProvider) bool { return o.ID == p.ID }); i >= 0 {
		w.providers[i] = p
		return
	}
	w.providers = append(w.providers, p)
}

// DropProvider deletes a service provider.
func (w *World) DropProvider(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.providers = slices.DeleteFunc(w.providers, func(o idp.ServiceProvider) bool { return o.ID == id })
}

// Platform implements idp.Platforms.
func (w *World) Platform(_ context.Context, platformID string) (idp.Platform, error) {
	if err := w.fails("Platform"); err != nil {
		return idp.Platform{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p, ok := w.platforms[platformID]; ok {
		return p, nil
	}
	return idp.Platform{}, fmt.Errorf("idptest: %w", idp.ErrUnknownPlatform)
}

// About implements idp.Platforms.
func (w *World) About(_ context.Context, _ string) (saml.About, error) {
	return w.Says, w.fails("About")
}

func (w *World) provider(match func(idp.ServiceProvider) bool) (idp.ServiceProvider, error) {
	if err := w.fails("Provider"); err != nil {
		return idp.ServiceProvider{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.IndexFunc(w.providers, match); i >= 0 {
		return w.providers[i], nil
	}
	return idp.ServiceProvider{}, fmt.Errorf("idptest: %w", idp.ErrUnknownProvider)
}

// ProviderByEntity implements idp.Platforms.
func (w *World) ProviderByEntity(_ context.Context, platformID, entityID string) (idp.ServiceProvider, error) {
	return w.provider(func(p idp.ServiceProvider) bool { return p.PlatformID == platformID && p.Metadata.EntityID == entityID })
}

// ProviderByID implements idp.Platforms.
func (w *World) ProviderByID(_ context.Context, platformID, id string) (idp.ServiceProvider, error) {
	return w.provider(func(p idp.ServiceProvider) bool { return p.PlatformID == platformID && p.ID == id })
}

// Providers implements idp.Platforms.
func (w *World) Providers(_ context.Context, platformID string) ([]idp.ServiceProvider, error) {
	if err := w.fails("Providers"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.providers), func(p idp.ServiceProvider) bool { return p.PlatformID != platformID || p.Disabled }), nil
}

// Park implements idp.Requests.
func (w *World) Park(_ context.Context, p idp.ParkedRequest) error {
	if err := w.fails("Park"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	put(&w.parked, p.ID, p)
	return nil
}

// Find implements idp.Requests.
func (w *World) Find(_ context.Context, platformID, id string) (idp.ParkedRequest, error) {
	if err := w.fails("Find"); err != nil {
		return idp.ParkedRequest{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.parked[id]
	if !ok || p.PlatformID != platformID || !w.Now().Before(p.ExpiresAt) {
		return idp.ParkedRequest{}, fmt.Errorf("idptest: %w", idp.ErrUnknownRequest)
	}
	return p, nil
}

// Take implements idp.Requests.
func (w *World) Take(ctx context.Context, platformID, id string) (idp.ParkedRequest, error) {
	p, err := w.Find(ctx, platformID, id)
	if err != nil {
		return p, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, still := w.parked[id]; !still {
		return idp.ParkedRequest{}, fmt.Errorf("idptest: %w", idp.ErrUnknownRequest)
	}
	delete(w.parked, id)
	return p, nil
}

// Parked returns the requests under way.
func (w *World) Parked() []idp.ParkedRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []idp.ParkedRequest
	for _, p := range w.parked {
		out = append(out, p)
	}
	return out
}

// Once implements idp.Replays.
func (w *World) Once(_ context.Context, scope, id string, until time.Time) (bool, error) {
	if err := w.fails("Once"); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := scope + "\x00" + id
	if end, ok := w.replays[key]; ok && w.Now().Before(end) {
		return false, nil
	}
	put(&w.replays, key, until)
	return true, nil
}

// Start gives a person a session and returns its id, to be sent as SessionCookie. Zero fields are filled in: a session of eight hours,
// begun now.
func (w *World) Start(p idp.Person) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.start(p)
}

func (w *World) start(p idp.Person) string {
	w.serial++
	p.SessionID = fmt.Sprintf("ses_%d", w.serial)
	if p.SignedInAt.IsZero() {
		p.SignedInAt = w.Now()
	}
	if p.ExpiresAt.IsZero() {
		p.ExpiresAt = w.Now().Add(8 * time.Hour)
	}
	put(&w.sessions, p.SessionID, p)
	return p.SessionID
}

// Sessions returns the ids of the sessions that have not ended.
func (w *World) Sessions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for id := range w.sessions {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// Current implements idp.People.
func (w *World) Current(r *http.Request, _ string) (idp.Person, bool, error) {
	if err := w.fails("Current"); err != nil {
		return idp.Person{}, false, err
	}
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		return idp.Person{}, false, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.sessions[c.Value]
	return p, ok, nil
}

// SignInURL implements idp.People.
func (w *World) SignInURL(_ context.Context, s idp.SignIn) (string, error) {
	if err := w.fails("SignInURL"); err != nil {
		return "", err
	}
	q := url.Values{"platform": {s.PlatformID}, "request": {s.RequestID}, "resume": {s.Resume}, "fresh": {fmt.Sprint(s.Fresh)}}
	return SignInPath + "?" + q.Encode(), nil
}

// Ticket makes a one-time ticket.
func (w *World) Ticket(platformID string, p idp.Person, made idp.Redeemed) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	id := fmt.Sprintf("ticket-%016d", w.serial)
	put(&w.tickets, id, ticket{platformID, p, made})
	return id
}

// Redeem implements idp.People.
func (w *World) Redeem(rw http.ResponseWriter, _ *http.Request, platformID, id string) (idp.Redeemed, error) {
	if err := w.fails("Redeem"); err != nil {
		return idp.Redeemed{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.tickets[id]
	if !ok || t.platformID != platformID {
		return idp.Redeemed{}, fmt.Errorf("idptest: %w", idp.ErrTicketRefused)
	}
	delete(w.tickets, id)
	setSession(rw, w.start(t.person))
	return t.made, nil
}

func setSession(rw http.ResponseWriter, id string) {
	c := &http.Cookie{Name: SessionCookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if id == "" {
		c.MaxAge = -1
	}
	http.SetCookie(rw, c)
}

// PairwiseID implements idp.People.
func (w *World) PairwiseID(platformID, entityID, subjectID string) string {
	mac := hmac.New(sha256.New, []byte("idptest"))
	_, _ = fmt.Fprintf(mac, "%s\x00%s\x00%s", platformID, entityID, subjectID)
	return hex.EncodeToString(mac.Sum(nil))
}

// End implements idp.People.
func (w *World) End(rw http.ResponseWriter, r *http.Request) error {
	if err := w.fails("End"); err != nil {
		return err
	}
	if c, err := r.Cookie(SessionCookie); err == nil {
		w.mu.Lock()
		delete(w.sessions, c.Value)
		w.mu.Unlock()
	}
	setSession(rw, "")
	return nil
}

// EndSessions implements idp.People.
func (w *World) EndSessions(_ context.Context, ids []string) error {
	if err := w.fails("EndSessions"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		delete(w.sessions, id)
	}
	return nil
}

// same compares what tells participants apart.
func same(a, b idp.Participant) bool {
	return a.SessionID == b.SessionID && a.PlatformID == b.PlatformID && a.ProviderID == b.ProviderID && a.NameID == b.NameID && a.SessionIndex == b.SessionIndex
}

// Join implements idp.Participants.
func (w *World) Join(_ context.Context, p idp.Participant) error {
	if err := w.fails("Join"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.participants = append(slices.DeleteFunc(w.participants, func(o idp.Participant) bool { return same(o, p) }), p)
	return nil
}

// Participants returns all of them, in the order in which they joined.
func (w *World) Participants() []idp.Participant {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.participants)
}

func (w *World) participantsWhere(match func(idp.Participant) bool) ([]idp.Participant, error) {
	if err := w.fails("Participants"); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(w.Participants(), func(p idp.Participant) bool { return !match(p) }), nil
}

// BySession implements idp.Participants.
func (w *World) BySession(_ context.Context, sessionID string) ([]idp.Participant, error) {
	return w.participantsWhere(func(p idp.Participant) bool { return p.SessionID == sessionID })
}

// Named implements idp.Participants.
func (w *World) Named(_ context.Context, platformID, providerID string, name wire.NameID, indexes []string) ([]idp.Participant, error) {
	return w.participantsWhere(func(p idp.Participant) bool {
		return p.PlatformID == platformID && p.ProviderID == providerID && p.NameID == name && (len(indexes) == 0 || slices.Contains(indexes, p.SessionIndex))
	})
}

// Leave implements idp.Participants.
func (w *World) Leave(_ context.Context, p idp.Participant) error {
	if err := w.fails("Leave"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.participants = slices.DeleteFunc(w.participants, func(o idp.Participant) bool { return same(o, p) })
	return nil
}

// Save implements idp.Logouts.
func (w *World) Save(_ context.Context, l idp.Logout) error {
	if err := w.fails("Save"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	put(&w.logouts, l.ID, l)
	return nil
}

// takeLogout is the Take of idp.Logouts, whose name idp.Requests has as well.
func (w *World) takeLogout(platformID, id string) (idp.Logout, error) {
	if err := w.fails("TakeLogout"); err != nil {
		return idp.Logout{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l, ok := w.logouts[id]
	if !ok || l.PlatformID != platformID {
		return idp.Logout{}, fmt.Errorf("idptest: %w", idp.ErrUnknownRequest)
	}
	delete(w.logouts, id)
	return l, nil
}

// LogoutsUnderWay returns the logout rows.
func (w *World) LogoutsUnderWay() []idp.Logout {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []idp.Logout
	for _, l := range w.logouts {
		out = append(out, l)
	}
	return out
}

// Record implements idp.Bindings.
func (w *World) Record(_ context.Context, _ idp.ServiceProvider, n bind.Notification) error {
	if err := w.fails("Record"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.ContainsFunc(w.recorded, func(o bind.Notification) bool { return o == n || n.Nonce != "" && o.Nonce == n.Nonce }) {
		w.recorded = append(w.recorded, n)
	}
	return nil
}

// Recorded returns the notifications, each once.
func (w *World) Recorded() []bind.Notification {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.recorded)
}

// Error implements idp.Pages: the reason stands alone in the body and in a header.
func (w *World) Error(rw http.ResponseWriter, _ *http.Request, status int, reason saml.Reason) {
	rw.Header().Set("X-Reason", string(reason))
	rw.WriteHeader(status)
	_, _ = fmt.Fprint(rw, reason)
}

// SignedOut implements idp.Pages: "signed out" or "signed out, partial".
func (w *World) SignedOut(rw http.ResponseWriter, _ *http.Request, partial bool) {
	rw.Header().Set("X-Signed-Out", fmt.Sprint(!partial))
	text := "signed out"
	if partial {
		text += ", partial"
	}
	_, _ = fmt.Fprint(rw, text)
}

// Audit is an idp.Audit.
func (w *World) Audit(_ context.Context, platformID, providerID string, reason saml.Reason, detail string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.audit = append(w.audit, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", platformID, providerID, reason, detail)))
}

// AuditLines returns "platform provider reason detail" for every line, in order.
func (w *World) AuditLines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.audit)
}

// Config returns a configuration with this World behind every interface.
func (w *World) Config(baseURL string) idp.Config {
	return idp.Config{
		BaseURL: baseURL, Platforms: w, Requests: w, Replays: w, People: w, Participants: w, Logouts: w.logoutsOf(), Bindings: w, Pages: w,
		Audit: w.Audit, Now: w.Now, Scope: Scope,
	}
}

type logouts struct{ *World }

// Take implements idp.Logouts.
func (l logouts) Take(_ context.Context, platformID, id string) (idp.Logout, error) {
	return l.takeLogout(platformID, id)
}

func (w *World) logoutsOf() idp.Logouts { return logouts{w} }
