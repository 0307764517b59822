package sp

import (
	"net/http"

	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// sendRequest answers with the AuthnRequest, by redirect where the platform takes that, else by a self-submitting form.
func (h *Handler) sendRequest(w http.ResponseWriter, r *http.Request, key saml.SigningKey, idp saml.IdPMetadata, p ParkedRequest) error {
	binding, location := wire.Redirect, idp.SSORedirectURL
	if location == "" {
		binding, location = wire.Post, idp.SSOPostURL
	}
	if location == "" {
		return refuse(saml.MetadataInvalid, "no sign-on address")
	}
	return wire.Outgoing{
		Param: wire.Request, Element: h.authnRequest(location, p).Element(), Location: location, RelayState: p.RelayID, Key: key,
	}.Send(w, r, binding, h.cfg.Rand)
}

// authnRequest builds the request without NameIDPolicy, which platforms need not understand (SDP-SP04), and with the consumer's
// address written out exactly as in our metadata (SDP-SP05).
func (h *Handler) authnRequest(destination string, p ParkedRequest) *crewjam.AuthnRequest {
	return &crewjam.AuthnRequest{
		ID: p.RequestID, Version: "2.0", IssueInstant: p.CreatedAt, Destination: destination,
		AssertionConsumerServiceURL: ACSURL(h.cfg.BaseURL, p.PlatformID),
		ProtocolBinding:             crewjam.HTTPPostBinding,
		Issuer:                      &crewjam.Issuer{Value: EntityID(h.cfg.BaseURL, p.PlatformID)},
	}
}
