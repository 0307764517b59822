// Package sptest implements the interfaces of sp in memory, for tests of anything that signs people in through SAML.
//
// Owns: a World with connections, parked logins, replay rows, an allow-list and a door that records who arrived. Does not own any
// rule; nothing outside tests may import it. A World may be used concurrently.
package sptest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// World is everything a Handler needs. Exported fields are set before use; the rest is reached through methods.
type World struct {
	Now func() time.Time // required
	// AllowServices lists addresses under which every platform's people may land.
	AllowServices []string
	// OnArrive replaces the usual answer, a redirect to the service or to /home.
	OnArrive func(w http.ResponseWriter, r *http.Request, a sp.Arrival) (string, error)

	mu          sync.Mutex
	connections map[string]sp.Connection
	remembered  map[string]sp.Connection
	changes     map[string]int // of each platform
	parked      map[string]sp.ParkedRequest
	replays     map[string]time.Time
	arrivals    []sp.Arrival
	logouts     map[string]sp.ParkedLogout
	ended       []string
	tests       map[string]string // token -> id
	reports     map[string]sp.TestReport
	// EndFails makes every end of sessions fail.
	EndFails error
	audit    []string
}

var (
	_ sp.Connections = (*World)(nil)
	_ sp.Requests    = (*World)(nil)
	_ sp.Replays     = (*World)(nil)
	_ sp.Services    = (*World)(nil)
	_ sp.People      = (*World)(nil)
	_ sp.Pages       = (*World)(nil)
	_ sp.Logouts     = (*World)(nil)
	_ sp.Sessions    = (*World)(nil)
	_ sp.Tests       = (*World)(nil)
)

// ParkLogout implements sp.Logouts.
func (w *World) ParkLogout(_ context.Context, p sp.ParkedLogout) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logouts == nil {
		w.logouts = map[string]sp.ParkedLogout{}
	}
	w.logouts[p.RelayID] = p
	return nil
}

// TakeLogout implements sp.Logouts.
func (w *World) TakeLogout(_ context.Context, platformID, relayID string) (sp.ParkedLogout, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.logouts[relayID]
	if !ok || p.PlatformID != platformID {
		return sp.ParkedLogout{}, fmt.Errorf("sptest: %w", sp.ErrUnknownRequest)
	}
	delete(w.logouts, relayID)
	if !w.Now().Before(p.ExpiresAt) {
		return sp.ParkedLogout{}, fmt.Errorf("sptest: %w", sp.ErrExpired)
	}
	return p, nil
}

// ParkedLogouts returns the logouts under way.
func (w *World) ParkedLogouts() []sp.ParkedLogout {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []sp.ParkedLogout
	for _, p := range w.logouts {
		out = append(out, p)
	}
	return out
}

// EndFederated implements sp.Sessions: it records what was to end.
func (w *World) EndFederated(_ context.Context, platformID string, name wire.NameID, indexes []string) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.EndFails != nil {
		return 0, w.EndFails
	}
	w.ended = append(w.ended, fmt.Sprintf("%s %+v %v", platformID, name, indexes))
	return 1, nil
}

// Ended returns "platform name indexes" of every logout that was served, in order.
func (w *World) Ended() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ended)
}

// AddTest makes a test login with this link token.
func (w *World) AddTest(token, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tests == nil {
		w.tests, w.reports = map[string]string{}, map[string]sp.TestReport{}
	}
	w.tests[token] = id
}

// BeginTest implements sp.Tests.
func (w *World) BeginTest(_ context.Context, _, token string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.tests[token]
	if !ok {
		return "", fmt.Errorf("sptest: %w", sp.ErrUnknownRequest)
	}
	delete(w.tests, token)
	return id, nil
}

// FinishTest implements sp.Tests.
func (w *World) FinishTest(rw http.ResponseWriter, _ *http.Request, id string, report sp.TestReport) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports[id] = report
	_, err := fmt.Fprint(rw, "test ", id)
	return err
}

// Report returns what a test login found.
func (w *World) Report(id string) (sp.TestReport, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	report, ok := w.reports[id]
	return report, ok
}

// Leave implements sp.Pages: the target stands in a header.
func (w *World) Leave(rw http.ResponseWriter, _ *http.Request, target string) {
	rw.Header().Set("Refresh", "0;url="+target)
}

// SignedOut implements sp.Pages.
func (w *World) SignedOut(rw http.ResponseWriter, _ *http.Request, everywhere bool) {
	_, _ = fmt.Fprint(rw, "signed out, everywhere: ", everywhere)
}

// SetConnection adds or replaces a platform.
func (w *World) SetConnection(c sp.Connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.connections == nil {
		w.connections = map[string]sp.Connection{}
	}
	w.connections[c.PlatformID] = c
	w.changed(c.PlatformID)
}

// DropConnection deletes a platform.
func (w *World) DropConnection(platformID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.connections, platformID)
	w.changed(platformID)
}

// ConnectionByPlatform implements sp.Connections.
func (w *World) ConnectionByPlatform(_ context.Context, platformID string) (sp.Connection, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c, ok := w.connections[platformID]; ok {
		return c, nil
	}
	return sp.Connection{}, fmt.Errorf("sptest: %w", sp.ErrUnknownPlatform)
}

// Remembered implements sp.Connections: nothing is, unless Remember was called.
func (w *World) Remembered(platformID string) (sp.Connection, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.remembered[platformID]
	return c, ok
}

// Remember keeps a platform as it is now for Remembered, under a version that SetConnection and DropConnection make an old one.
func (w *World) Remember(platformID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.remembered == nil {
		w.remembered = map[string]sp.Connection{}
	}
	c := w.connections[platformID]
	c.Version = w.versionOf(platformID)
	w.remembered[platformID] = c
}

func (w *World) versionOf(platformID string) string { return fmt.Sprint("v", w.changes[platformID]) }

// changed makes what is remembered of a platform old.
func (w *World) changed(platformID string) {
	if w.changes == nil {
		w.changes = map[string]int{}
	}
	w.changes[platformID]++
}

// Park implements sp.Requests.
func (w *World) Park(_ context.Context, p sp.ParkedRequest, version string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if version != "" && version != w.versionOf(p.PlatformID) {
		return fmt.Errorf("sptest: %w", sp.ErrChanged)
	}
	if w.parked == nil {
		w.parked = map[string]sp.ParkedRequest{}
	}
	w.parked[p.RelayID] = p
	return nil
}

// Take implements sp.Requests.
func (w *World) Take(_ context.Context, platformID, relayID string) (sp.ParkedRequest, sp.Connection, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, known := w.connections[platformID]
	if !known {
		return sp.ParkedRequest{}, c, fmt.Errorf("sptest: %w", sp.ErrUnknownPlatform)
	}
	p, ok := w.parked[relayID]
	if !ok || p.PlatformID != platformID {
		return sp.ParkedRequest{}, c, fmt.Errorf("sptest: %w", sp.ErrUnknownRequest)
	}
	delete(w.parked, relayID)
	if !w.Now().Before(p.ExpiresAt) {
		return sp.ParkedRequest{}, c, fmt.Errorf("sptest: %w", sp.ErrExpired)
	}
	return p, c, nil
}

// Parked returns the logins under way.
func (w *World) Parked() []sp.ParkedRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []sp.ParkedRequest
	for _, p := range w.parked {
		out = append(out, p)
	}
	return out
}

// Once implements sp.Replays.
func (w *World) Once(_ context.Context, platformID, assertionID string, until time.Time) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.replays == nil {
		w.replays = map[string]time.Time{}
	}
	key := platformID + "\x00" + assertionID
	if end, ok := w.replays[key]; ok && w.Now().Before(end) {
		return false, nil
	}
	w.replays[key] = until
	return true, nil
}

// ServiceAllowed implements sp.Services.
func (w *World) ServiceAllowed(_ context.Context, _, service string) bool {
	return sp.ServiceInList(service, w.AllowServices)
}

// Meet implements sp.People.
func (w *World) Meet(ctx context.Context, a sp.Arrival, until time.Time) (bool, sp.Enter, error) {
	if first, err := w.Once(ctx, a.PlatformID, a.AssertionID, until); err != nil || !first {
		return false, nil, err
	}
	return true, func(rw http.ResponseWriter, r *http.Request) (string, error) { return w.arrive(rw, r, a) }, nil
}

func (w *World) arrive(rw http.ResponseWriter, r *http.Request, a sp.Arrival) (string, error) {
	w.mu.Lock()
	w.arrivals = append(w.arrivals, a)
	w.mu.Unlock()
	if w.OnArrive != nil {
		return w.OnArrive(rw, r, a)
	}
	if a.Service != "" {
		return a.Service, nil
	}
	return "/home", nil
}

// Arrivals returns who arrived, in order.
func (w *World) Arrivals() []sp.Arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.arrivals)
}

// Error implements sp.Pages: the reason stands alone in the body and in a header, the platform's help in another.
func (w *World) Error(rw http.ResponseWriter, _ *http.Request, status int, reason saml.Reason, help string) {
	rw.Header().Set("X-Reason", string(reason))
	rw.Header().Set("X-Help", help)
	rw.WriteHeader(status)
	_, _ = fmt.Fprint(rw, reason)
}

// Audit is an sp.Audit.
func (w *World) Audit(_ context.Context, platformID string, reason saml.Reason, assertionID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.audit = append(w.audit, fmt.Sprintf("%s %s %t", platformID, reason, assertionID != ""))
}

// AuditLines returns "platform reason hasAssertion" for every line, in order.
func (w *World) AuditLines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.audit)
}

// Config returns a configuration with this World behind every interface.
func (w *World) Config(baseURL string) sp.Config {
	return sp.Config{
		BaseURL: baseURL, Connections: w, Requests: w, Logouts: w, Sessions: w, Tests: w, Replays: w, Services: w, People: w, Pages: w, Audit: w.Audit, Now: w.Now,
	}
}
