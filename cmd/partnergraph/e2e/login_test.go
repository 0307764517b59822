//go:build e2e

package e2e_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/examples/storefront/client"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

// badLogins are all logins that are refused. The tally is that of the customer of demoPlatform.
func (h *house) badLogins(t *testing.T) {
	v := h.open(t)
	v.visit(h.info.Storefront)
	h.signInAtStorefront(v, "harbour-bakery")
	v.click("#console")
	v.lands(h.info.Console, "#orders")
	id := h.signedIn(t, v)
	for name, test := range map[string]func(*testing.T){
		"links":                    h.badLinks,
		"not bound":                h.notBound,
		"used twice":               h.usedTwice,
		"too late":                 h.tooLate,
		"unsigned and foreign":     h.forged,
		"begun in another browser": h.otherBrowser,
	} {
		t.Run(name, func(t *testing.T) {
			before := h.tally(t, id)
			test(t)
			if after := h.tally(t, id); after != before {
				t.Errorf("refused logins changed %+v to %+v", before, after)
			}
		})
	}
	t.Run("platform switched off", h.switchedOff)
}

// login is a link without isFirstLogin.
func (h *house) login(extra string) string {
	return strings.Replace(h.info.SAML.Login, "&isFirstLogin=true", extra, 1)
}

func (h *house) badLinks(t *testing.T) {
	v := h.open(t)
	for _, link := range []struct {
		address, code string
		status        int
	}{
		{strings.Replace(h.info.SAML.Login, h.info.PlatformID, "nobody_IDP", 1), "UNKNOWN_PLATFORM", http.StatusNotFound},
		{strings.Replace(h.info.SAML.Login, h.info.PlatformID, url.QueryEscape("../demo"), 1), "UNKNOWN_PLATFORM", http.StatusNotFound},
		{h.login("&isFirstLogin=perhaps"), "LOGIN_LINK_INVALID", http.StatusBadRequest},
		{h.login("&service=" + url.QueryEscape("https://phisher.example/console")), "SERVICE_NOT_ALLOWED", http.StatusBadRequest},
		{h.login("&service=" + url.QueryEscape(origin(h.info.Console)+".phisher.example/")), "SERVICE_NOT_ALLOWED", http.StatusBadRequest},
	} {
		v.visit(link.address)
		v.refused(link.code, link.status)
	}
}

// newcomer is signed in at the storefront, and bound to nothing.
func (h *house) newcomer(t *testing.T) *visitor {
	t.Helper()
	v := h.open(t)
	v.visit(h.info.Storefront)
	h.signInAtStorefront(v, "nobody-yet")
	return v
}

func (h *house) notBound(t *testing.T) {
	v := h.newcomer(t)
	v.visit(h.login(""))
	v.refused("IDENTITY_NOT_BOUND", http.StatusForbidden)
}

// usedTwice takes a login that succeeded up to the create-or-bind page, which binds nothing yet, and posts it again.
func (h *house) usedTwice(t *testing.T) {
	v := h.newcomer(t)
	var used url.Values
	target := h.consumer()
	v.atConsumer(func(form url.Values) url.Values { used = form; return form })
	v.visit(h.info.SAML.Login)
	v.lands(origin(h.info.Console)+"/first-login", "#consent")
	v.visit(h.info.Storefront)
	v.post(target, used)
	v.refused("LOGIN_UNKNOWN", http.StatusBadRequest)

	// The old assertion in the place of the answer to a new request.
	v.atConsumer(func(form url.Values) url.Values {
		form.Set("SAMLResponse", used.Get("SAMLResponse"))
		return form
	})
	v.visit(h.info.SAML.Login)
	v.refused("IN_RESPONSE_TO_MISMATCH", http.StatusBadRequest)

	// An answer that nobody here asked for.
	v.visit(h.info.Storefront)
	v.post(target, url.Values{"SAMLResponse": used["SAMLResponse"]})
	v.refused("UNSOLICITED_RESPONSE", http.StatusBadRequest)
}

func (h *house) consumer() string {
	return origin(h.info.Console) + "/saml/sp/" + h.info.PlatformID + "/acs"
}

// tooLate holds the answer back until the parked login has expired: the row's clock is turned instead of waiting.
func (h *house) tooLate(t *testing.T) {
	v := h.newcomer(t)
	v.atConsumer(func(form url.Values) url.Values {
		_, err := h.rooms.DB.NewUpdate().Model((*models.ParkedRequest)(nil)).Set("expires_at = ?", time.Now().UTC().Add(-time.Second)).
			Where("relay_id = ?", form.Get("RelayState")).Exec(t.Context())
		if err != nil {
			t.Error(err)
		}
		return form
	})
	v.visit(h.info.SAML.Login)
	v.refused("LOGIN_EXPIRED", http.StatusBadRequest)
}

// forged changes the genuine answer on its way, as the person at the browser can.
func (h *house) forged(t *testing.T) {
	v := h.newcomer(t)
	strange := samltest.RSA(t, "somebody else's", 2048)
	for _, forgery := range []struct {
		code string
		make func(genuine []byte) []byte
	}{
		{"SIGNATURE_MISSING", func(genuine []byte) []byte { return unsigned(t, genuine) }},
		{"SIGNATURE_INVALID", func(genuine []byte) []byte {
			return []byte(strings.ReplaceAll(string(genuine), "nobody-yet", "harbour-bakery"))
		}},
		{"SIGNATURE_INVALID", func(genuine []byte) []byte {
			root := samltest.Parse(t, unsigned(t, genuine))
			assertion := samltest.Find(t, root, "Assertion")
			root.RemoveChild(assertion)
			root.AddChild(samltest.Recipe{Key: strange}.Sign(t, assertion))
			return samltest.Write(t, root)
		}},
		{"RESPONSE_MALFORMED", func(genuine []byte) []byte { return genuine[:len(genuine)/2] }},
	} {
		v.atConsumer(func(form url.Values) url.Values {
			genuine, err := base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
			if err != nil {
				t.Error(err)
			}
			made := forgery.make(genuine)
			if string(made) == string(genuine) {
				t.Errorf("%s: the forgery is the genuine message", forgery.code)
			}
			form.Set("SAMLResponse", base64.StdEncoding.EncodeToString(made))
			return form
		})
		v.visit(h.info.SAML.Login)
		v.refused(forgery.code, http.StatusBadRequest)
	}
}

// unsigned takes every signature out of a message.
func unsigned(t *testing.T, genuine []byte) []byte {
	root := samltest.Parse(t, genuine)
	for _, signature := range root.FindElements("//Signature") {
		signature.Parent().RemoveChild(signature)
	}
	return samltest.Write(t, root)
}

// otherBrowser plants an answer that somebody got for himself into the browser of somebody else.
func (h *house) otherBrowser(t *testing.T) {
	attacker, victim := h.newcomer(t), h.open(t)
	caught := make(chan url.Values, 1)
	attacker.atConsumer(func(form url.Values) url.Values { caught <- form; return nil })
	attacker.eval("location.href = " + "'" + h.info.SAML.Login + "'")
	var form url.Values
	select {
	case form = <-caught:
	case <-time.After(15 * time.Second):
		t.Fatal("the answer did not come")
	}
	victim.visit(h.info.Storefront)
	victim.post(h.consumer(), form)
	victim.refused("BROWSER_MISMATCH", http.StatusForbidden)
}

// switchedOff is refused at the link and, when it happens during a login, at the answer.
func (h *house) switchedOff(t *testing.T) {
	api, v := h.as(h.info.Keys.SolutionProvider), h.newcomer(t)
	set := func(state client.ExposureState) {
		input := client.UpdateAccessConfigurationInput{PartnerId: h.info.PartnerID, State: &state}
		if _, err := client.SaveExposure(t.Context(), api, input); err != nil {
			t.Error(err)
		}
	}
	defer set(client.ExposureStateEnabled)
	sent := h.notified(t)
	v.atConsumer(func(form url.Values) url.Values { set(client.ExposureStateDisabled); return form })
	v.visit(h.info.SAML.Login)
	v.refused("PLATFORM_DISABLED", http.StatusForbidden)
	v.visit(h.info.SAML.Login)
	v.refused("PLATFORM_DISABLED", http.StatusForbidden)
	if now := h.notified(t); now != sent {
		t.Errorf("a platform that is switched off was notified")
	}
}
