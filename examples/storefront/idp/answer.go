package idp

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"

	crewjam "github.com/crewjam/saml"
)

const attributeFormat = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

// answer posts the signed response through the browser.
func (p *Provider) answer(w http.ResponseWriter, r *http.Request, req *crewjam.IdpAuthnRequest, who Person) error {
	req.HTTPRequest, req.Now = r, p.cfg.Now()
	p.assert(req, who)
	if err := req.MakeResponse(); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return req.WriteResponse(w)
}

// assert makes the assertion. Unlike the library's default it names no network addresses, against which some service providers
// compare and fail, and is valid for five minutes instead of ninety seconds.
func (p *Provider) assert(req *crewjam.IdpAuthnRequest, who Person) {
	now := round(req.Now)
	signedIn := now
	if !who.SignedInAt.IsZero() {
		signedIn = round(who.SignedInAt)
	}
	req.Assertion = &crewjam.Assertion{
		ID: "_" + rand.Text(), IssueInstant: now, Version: "2.0",
		Issuer: crewjam.Issuer{Value: p.cfg.EntityID},
		Subject: &crewjam.Subject{
			NameID: &crewjam.NameID{Format: string(crewjam.TransientNameIDFormat), Value: "_" + rand.Text()},
			SubjectConfirmations: []crewjam.SubjectConfirmation{{
				Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer",
				SubjectConfirmationData: &crewjam.SubjectConfirmationData{
					InResponseTo: req.Request.ID, NotOnOrAfter: now.Add(validFor), Recipient: req.ACSEndpoint.Location,
				},
			}},
		},
		Conditions: &crewjam.Conditions{
			NotBefore: now.Add(-clockSkew), NotOnOrAfter: now.Add(validFor),
			AudienceRestrictions: []crewjam.AudienceRestriction{{Audience: crewjam.Audience{Value: req.ServiceProviderMetadata.EntityID}}},
		},
		AuthnStatements: []crewjam.AuthnStatement{{
			AuthnInstant: signedIn, SessionIndex: who.SessionID,
			AuthnContext: crewjam.AuthnContext{AuthnContextClassRef: &crewjam.AuthnContextClassRef{
				Value: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
			}},
		}},
		AttributeStatements: []crewjam.AttributeStatement{{Attributes: attributes(who)}},
	}
}

// attributes lists the contract's attributes; optional ones only when known.
func attributes(who Person) []crewjam.Attribute {
	var out []crewjam.Attribute
	known := []struct{ name, value string }{
		{"xUserId", who.UserID}, {"xAccountId", who.AccountID}, {"bpId", who.BPID},
		{"name", who.Name}, {"email", who.Email}, {"mobile", who.Mobile},
	}
	for _, name := range slices.Sorted(maps.Keys(who.Others)) {
		known = append(known, struct{ name, value string }{name, who.Others[name]})
	}
	for _, a := range known {
		if a.value != "" {
			out = append(out, crewjam.Attribute{
				Name: a.name, FriendlyName: a.name, NameFormat: attributeFormat,
				Values: []crewjam.AttributeValue{{Type: "xs:string", Value: a.value}},
			})
		}
	}
	return out
}
