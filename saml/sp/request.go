package sp

import (
	"net/http"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// sendRequest answers with the AuthnRequest, by redirect where the platform takes that, else by a self-submitting form.
func (h *Handler) sendRequest(w http.ResponseWriter, r *http.Request, b beginning) error {
	binding, location := wire.Redirect, b.idp.SSORedirectURL
	if location == "" {
		binding, location = wire.Post, b.idp.SSOPostURL
	}
	if location == "" {
		return refuse(saml.MetadataInvalid, "no sign-on address")
	}
	return wire.Outgoing{
		Param: wire.Request, Element: h.authnRequest(location, b), Location: location, RelayState: b.parked.RelayID, Key: b.key,
	}.Send(w, r, binding, h.cfg.Rand)
}

// authnRequest builds the request without NameIDPolicy, which platforms need not understand (SDP-SP04), and with the consumer's
// address written out exactly as in our metadata (SDP-SP05). Authentication contexts are asked for where the platform's settings say so
// and nowhere else, with the comparison that everybody understands (SDP-SP07, IIP-SP06).
func (h *Handler) authnRequest(destination string, b beginning) *etree.Element {
	p := b.parked
	e := (&crewjam.AuthnRequest{
		ID: p.RequestID, Version: "2.0", IssueInstant: p.CreatedAt, Destination: destination,
		AssertionConsumerServiceURL: ACSURL(h.cfg.BaseURL, p.PlatformID),
		ProtocolBinding:             crewjam.HTTPPostBinding,
		Issuer:                      &crewjam.Issuer{Value: EntityID(h.cfg.BaseURL, p.PlatformID)},
	}).Element()
	if len(b.wanted) == 0 {
		return e
	}
	// The library's type has room for one class. Behind the issuer is where the schema has it, as there is no NameIDPolicy.
	requested := e.CreateElement("samlp:RequestedAuthnContext")
	requested.CreateAttr("Comparison", "exact")
	for _, class := range b.wanted {
		requested.CreateElement("saml:AuthnContextClassRef").SetText(class)
	}
	return e
}
