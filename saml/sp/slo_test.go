package sp_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/sp/sptest"
	"github.com/partnergraph/partnergraph/saml/wire"
)

const (
	cloudURL = "https://cloud.example"
	peerID   = "https://shop.example/metadata"
	peerSLO  = "https://shop.example/slo"
	peerBack = "https://shop.example/slo/answer"
)

// exit is a cloud and a platform that takes logouts.
type exit struct {
	t       *testing.T
	world   *sptest.World
	handler *sp.Handler
	now     time.Time
	idp     saml.IdPMetadata
}

func newExit(t *testing.T) *exit {
	t.Helper()
	e := &exit{t: t, now: samltest.Now()}
	e.world = &sptest.World{Now: func() time.Time { return e.now }}
	e.idp = saml.IdPMetadata{
		EntityID: peerID, SSORedirectURL: "https://shop.example/sso", SLORedirectURL: peerSLO, SLORedirectResponseURL: peerBack,
		SigningCerts: []*x509.Certificate{samltest.RSA(t, "other", 2048).Cert, samltest.RSA(t, "idp", 2048).Cert},
	}
	e.connect("shop")
	h, err := sp.New(e.world.Config(cloudURL))
	if err != nil {
		t.Fatal(err)
	}
	e.handler = h
	return e
}

func (e *exit) connect(id string) {
	key := samltest.RSA(e.t, "sp", 2048)
	idp := e.idp
	e.world.SetConnection(sp.Connection{
		PlatformID: id, PartnerBPID: bpid, IdP: &idp, Keys: []saml.SigningKey{{Signer: key.Signer, Cert: key.Cert, State: saml.KeyActive}},
	})
}

func signer(t *testing.T, name string) saml.SigningKey {
	k := samltest.RSA(t, name, 2048)
	return saml.SigningKey{Signer: k.Signer, Cert: k.Cert, State: saml.KeyActive}
}

// send delivers a message as the platform's browser trip would.
func (e *exit) send(binding wire.Binding, param, relay, key string, message *etree.Element, unsigned bool) *httptest.ResponseRecorder {
	e.t.Helper()
	out := wire.Outgoing{Param: param, Element: message, Location: sp.SLOURL(cloudURL, "shop"), RelayState: relay, Key: signer(e.t, key), AsIs: unsigned}
	w := httptest.NewRecorder()
	if binding == wire.Redirect {
		target, err := out.RedirectURL(nil)
		if err != nil {
			e.t.Fatal(err)
		}
		if unsigned {
			target, _, _ = strings.Cut(target, "&SigAlg=")
		}
		e.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		return w
	}
	form := httptest.NewRecorder()
	if err := out.Send(form, httptest.NewRequest(http.MethodGet, "/", nil), binding, nil); err != nil {
		e.t.Fatal(err)
	}
	_, fields := formIn(e.t, form.Body.String())
	r := httptest.NewRequest(http.MethodPost, sp.SLOURL(cloudURL, "shop"), strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	e.handler.ServeHTTP(w, r)
	return w
}

func formIn(t *testing.T, body string) (string, url.Values) { return form(t, page{body: body}) }

func (e *exit) request(change func(*wire.LogoutRequest)) *etree.Element {
	q := wire.LogoutRequest{
		ID: "_out-1", Issuer: peerID, Destination: sp.SLOURL(cloudURL, "shop"), IssueInstant: e.now,
		NameID: wire.NameID{Value: "alice", Format: "urn:f", NameQualifier: "nq", SPNameQualifier: "spnq"}, SessionIndexes: []string{"s1", "s2"},
	}
	if change != nil {
		change(&q)
	}
	return q.Element()
}

// answer reads the signed LogoutResponse that the cloud sent to the platform.
func (e *exit) answer(w *httptest.ResponseRecorder, param string) (wire.Incoming, []byte) {
	e.t.Helper()
	target := w.Header().Get("Location")
	if refresh := w.Header().Get("Refresh"); refresh != "" {
		target = strings.TrimPrefix(refresh, "0;url=")
	}
	in, err := wire.Read(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil), param)
	if err != nil {
		e.t.Fatalf("%d %s %q: %v", w.Code, w.Header().Get("X-Reason"), target, err)
	}
	message, err := in.Verified([]*x509.Certificate{samltest.RSA(e.t, "sp", 2048).Cert})
	if err != nil {
		e.t.Fatal(err)
	}
	return in, message
}

// SDP-SP24, SDP-SP25, SDP-SP28, IIP-SP14, IIP-SP15: both bindings, without a cookie; the name goes on in all its parts; the answer is
// signed and goes to the ResponseLocation.
func TestSDPSP24PlatformSignsOut(t *testing.T) {
	t.Parallel()
	for _, binding := range []wire.Binding{wire.Redirect, wire.Post} {
		e := newExit(t)
		w := e.send(binding, wire.Request, "opaque & more", "idp", e.request(nil), false)
		if diff := cmp.Diff([]string{"shop {Value:alice Format:urn:f NameQualifier:nq SPNameQualifier:spnq} [s1 s2]"}, e.world.Ended()); diff != "" {
			t.Errorf("%s: %s", binding, diff)
		}
		in, message := e.answer(w, wire.Response)
		got, err := wire.ParseLogoutResponse(message)
		if err != nil || got.Status != wire.StatusSuccess || got.InResponseTo != "_out-1" || got.Destination != peerBack || in.RelayState != "opaque & more" ||
			got.Issuer != sp.EntityID(cloudURL, "shop") {
			t.Errorf("%s: %+v %q %v", binding, got, in.RelayState, err)
		}
		if diff := cmp.Diff([]string{"shop LOGOUT_SERVED false"}, e.world.AuditLines()); diff != "" {
			t.Error(diff)
		}
	}
}

// SDP-SP29: the status tells the truth when the sessions could not be ended.
func TestSDPSP29StatusIsTruthful(t *testing.T) {
	t.Parallel()
	e := newExit(t)
	e.world.EndFails = errors.New("database away")
	_, message := e.answer(e.send(wire.Redirect, wire.Request, "", "idp", e.request(nil), false), wire.Response)
	if got, err := wire.ParseLogoutResponse(message); err != nil || got.Status != wire.StatusResponder {
		t.Errorf("%+v %v", got, err)
	}
}

// A platform that names no address for answers gets none; the person sees that it is over.
func TestLogoutWithoutAnAddressForTheAnswer(t *testing.T) {
	t.Parallel()
	e := newExit(t)
	e.idp.SLORedirectURL, e.idp.SLORedirectResponseURL = "", ""
	e.connect("shop")
	if w := e.send(wire.Post, wire.Request, "", "idp", e.request(nil), false); !strings.Contains(w.Body.String(), "everywhere: true") || len(e.world.Ended()) != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	e.idp.SLOPostURL, e.idp.SLOPostResponseURL = peerSLO, peerBack
	e.connect("shop")
	w := e.send(wire.Post, wire.Request, "r", "idp", e.request(func(q *wire.LogoutRequest) { q.ID = "_out-2" }), false)
	if action, fields := formIn(t, w.Body.String()); action != peerBack || fields.Get("SAMLResponse") == "" || fields.Get("RelayState") != "r" {
		t.Errorf("%s %v", action, fields)
	}
}

// TestSLOAttacks are the attacks of class SLO and those of its bindings: no session ends.
// Attack classes: single logout.
func TestSLOAttacks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key      string
		unsigned bool
		change   func(*exit, *wire.LogoutRequest)
		want     saml.Reason
	}{
		"unsigned":                      {"idp", true, nil, saml.SignatureMissing},
		"signed by another platform":    {"rival", false, nil, saml.SignatureInvalid},
		"signed by ourselves":           {"sp", false, nil, saml.SignatureInvalid},
		"issued by another platform":    {"idp", false, func(_ *exit, q *wire.LogoutRequest) { q.Issuer = "https://rival.example" }, saml.IssuerMismatch},
		"addressed to another platform": {"idp", false, func(_ *exit, q *wire.LogoutRequest) { q.Destination = sp.SLOURL(cloudURL, "rival") }, saml.DestinationMismatch},
		"addressed to nobody":           {"idp", false, func(_ *exit, q *wire.LogoutRequest) { q.Destination = "" }, saml.DestinationMismatch},
		"expired":                       {"idp", false, func(e *exit, q *wire.LogoutRequest) { q.NotOnOrAfter = e.now.Add(-4 * time.Minute) }, saml.AssertionExpired},
		"old":                           {"idp", false, func(e *exit, q *wire.LogoutRequest) { q.IssueInstant = e.now.Add(-time.Hour) }, saml.AssertionExpired},
		"from the future":               {"idp", false, func(e *exit, q *wire.LogoutRequest) { q.IssueInstant = e.now.Add(time.Hour) }, saml.AssertionNotYetValid},
		"nobody's":                      {"idp", false, func(_ *exit, q *wire.LogoutRequest) { q.NameID.Value = "" }, saml.ResponseMalformed},
	} {
		for _, binding := range []wire.Binding{wire.Redirect, wire.Post} {
			e := newExit(t)
			w := e.send(binding, wire.Request, "", c.key, e.request(func(q *wire.LogoutRequest) {
				if c.change != nil {
					c.change(e, q)
				}
			}), c.unsigned)
			if got := saml.Reason(w.Header().Get("X-Reason")); got != c.want || len(e.world.Ended()) != 0 {
				t.Errorf("%s by %s: %q, ended %v", name, binding, got, e.world.Ended())
			}
		}
	}
	t.Run("replayed", func(t *testing.T) {
		t.Parallel()
		e := newExit(t)
		e.send(wire.Redirect, wire.Request, "", "idp", e.request(nil), false)
		w := e.send(wire.Post, wire.Request, "", "idp", e.request(nil), false)
		if got := w.Header().Get("X-Reason"); got != string(saml.Replayed) || len(e.world.Ended()) != 1 {
			t.Errorf("%q, ended %v", got, e.world.Ended())
		}
	})
	t.Run("relay state swapped under the signature", func(t *testing.T) {
		t.Parallel()
		e := newExit(t)
		target, err := wire.Outgoing{Param: wire.Request, Element: e.request(nil), Location: sp.SLOURL(cloudURL, "shop"), RelayState: "a", Key: signer(t, "idp")}.RedirectURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		for changed, want := range map[string]saml.Reason{
			strings.Replace(target, "RelayState=a", "RelayState=b", 1): saml.SignatureInvalid,
			target + "&RelayState=b":                                   saml.ResponseMalformed,
			target + "&SAMLResponse=x":                                 saml.ResponseMalformed,
			target + "&SAMLart=x":                                      saml.ArtifactRefused,
		} {
			w := httptest.NewRecorder()
			e.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, changed, nil))
			if got := saml.Reason(w.Header().Get("X-Reason")); got != want || len(e.world.Ended()) != 0 {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

// leave signs the person out here and asks the platform.
func (e *exit) leave(index string) *httptest.ResponseRecorder {
	e.t.Helper()
	w := httptest.NewRecorder()
	started, err := e.handler.StartLogout(w, httptest.NewRequest(http.MethodPost, "/sign-out", nil), sp.Departure{
		PlatformID: "shop", SessionIndex: index, Name: wire.NameID{Value: "alice", Format: "urn:f", NameQualifier: "nq", SPNameQualifier: "spnq"},
	})
	if err != nil || !started {
		e.t.Fatalf("started %v: %v", started, err)
	}
	return w
}

// SDP-SP26, SDP-SP27, IIP-SP16, IIP-SP17: our request is signed, by redirect, names the person exactly, and its answer says how far it
// came; SDP-SP30: partial logout is told apart.
func TestSDPSP26WeSignOut(t *testing.T) {
	t.Parallel()
	for status, want := range map[[2]string]string{
		{wire.StatusSuccess}:                                 "everywhere: true",
		{wire.StatusSuccess, wire.StatusPartialLogout}:       "everywhere: false",
		{wire.StatusResponder}:                               "everywhere: false",
		{wire.StatusResponder, wire.StatusPartialLogout}:     "everywhere: false",
		{"urn:oasis:names:tc:SAML:2.0:status:RequestDenied"}: "everywhere: false",
	} {
		e := newExit(t)
		in, message := e.answer(e.leave("s1"), wire.Request)
		q, err := wire.ParseLogoutRequest(message)
		if err != nil || q.Destination != peerSLO || q.Issuer != sp.EntityID(cloudURL, "shop") || len(in.RelayState) != 43 {
			t.Fatalf("%+v %v", q, err)
		}
		if diff := cmp.Diff(wire.NameID{Value: "alice", Format: "urn:f", NameQualifier: "nq", SPNameQualifier: "spnq"}, q.NameID); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"s1"}, q.SessionIndexes); diff != "" {
			t.Error(diff)
		}
		back := wire.LogoutResponse{
			ID: "_back", InResponseTo: q.ID, Issuer: peerID, Destination: sp.SLOURL(cloudURL, "shop"), IssueInstant: e.now, Status: status[0], SubStatus: status[1],
		}
		if w := e.send(wire.Redirect, wire.Response, in.RelayState, "idp", back.Element(), false); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%v: %d %s", status, w.Code, w.Body)
		}
		if w := e.send(wire.Redirect, wire.Response, in.RelayState, "idp", back.Element(), false); w.Header().Get("X-Reason") != string(saml.LogoutUnknown) {
			t.Errorf("the answer works twice: %d %s", w.Code, w.Body)
		}
	}
}

func TestLogoutAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key, relay string
		unsigned   bool
		change     func(*exit, *wire.LogoutResponse)
		want       saml.Reason
	}{
		"unsigned":                   {"idp", "", true, nil, saml.SignatureMissing},
		"signed by another platform": {"rival", "", false, nil, saml.SignatureInvalid},
		"issued by another platform": {"idp", "", false, func(_ *exit, a *wire.LogoutResponse) { a.Issuer = "https://rival.example" }, saml.IssuerMismatch},
		"addressed elsewhere":        {"idp", "", false, func(_ *exit, a *wire.LogoutResponse) { a.Destination = peerBack }, saml.DestinationMismatch},
		"foreign InResponseTo":       {"idp", "", false, func(_ *exit, a *wire.LogoutResponse) { a.InResponseTo = "_other" }, saml.InResponseToMismatch},
		"no InResponseTo":            {"idp", "", false, func(_ *exit, a *wire.LogoutResponse) { a.InResponseTo = "" }, saml.InResponseToMismatch},
		"never asked for":            {"idp", strings.Repeat("x", 43), false, nil, saml.LogoutUnknown},
		"an address as relay state":  {"idp", "https://evil.example", false, nil, saml.LogoutUnknown},
		"too late":                   {"idp", "", false, func(e *exit, a *wire.LogoutResponse) { e.now = e.now.Add(16 * time.Minute); a.IssueInstant = e.now }, saml.LogoutUnknown},
	} {
		e := newExit(t)
		in, message := e.answer(e.leave("s1"), wire.Request)
		q, err := wire.ParseLogoutRequest(message)
		if err != nil {
			t.Fatal(err)
		}
		back := wire.LogoutResponse{ID: "_back", InResponseTo: q.ID, Issuer: peerID, Destination: sp.SLOURL(cloudURL, "shop"), IssueInstant: e.now, Status: wire.StatusSuccess}
		if c.change != nil {
			c.change(e, &back)
		}
		relay := in.RelayState
		if c.relay != "" {
			relay = c.relay
		}
		w := e.send(wire.Redirect, wire.Response, relay, c.key, back.Element(), c.unsigned)
		if got := saml.Reason(w.Header().Get("X-Reason")); got != c.want {
			t.Errorf("%s: %d %q, want %q", name, w.Code, got, c.want)
		}
	}
}

// Nobody is held up by a platform that takes no logouts, is switched off or gone, or by a session that carries no name.
func TestLogoutThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*exit, *sp.Departure){
		"no endpoint": func(e *exit, _ *sp.Departure) { e.idp.SLORedirectURL = ""; e.connect("shop") },
		"gone":        func(e *exit, _ *sp.Departure) { e.world.DropConnection("shop") },
		"disabled": func(e *exit, _ *sp.Departure) {
			c, err := e.world.ConnectionByPlatform(context.Background(), "shop")
			if err != nil {
				t.Fatal(err)
			}
			c.Disabled = true
			e.world.SetConnection(c)
		},
		"no name": func(_ *exit, d *sp.Departure) { d.Name.Value = "" },
	} {
		e := newExit(t)
		d := sp.Departure{PlatformID: "shop", Name: wire.NameID{Value: "alice"}}
		change(e, &d)
		w := httptest.NewRecorder()
		if started, err := e.handler.StartLogout(w, httptest.NewRequest(http.MethodPost, "/sign-out", nil), d); started || err != nil || w.Body.Len() > 0 || len(e.world.ParkedLogouts()) > 0 {
			t.Errorf("%s: %v %v", name, started, err)
		}
	}
}
