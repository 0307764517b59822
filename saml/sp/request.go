package sp

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/internal/autopost"
)

// activeKey returns the RSA key that signs now.
func activeKey(keys []SigningKey) (SigningKey, error) {
	for _, k := range keys {
		if k.State != KeyActive || k.Signer == nil || k.Cert == nil {
			continue
		}
		if _, ok := k.Signer.Public().(*rsa.PublicKey); ok {
			return k, nil
		}
	}
	return SigningKey{}, refuse(saml.SigningKeyMissing, "")
}

// sendRequest answers with the AuthnRequest, by redirect where the platform takes that, else by a self-submitting form.
func (h *Handler) sendRequest(w http.ResponseWriter, r *http.Request, key SigningKey, idp saml.IdPMetadata, p ParkedRequest) error {
	if idp.SSORedirectURL != "" {
		target, err := redirectURL(h.cfg, h.authnRequest(idp.SSORedirectURL, p), idp.SSORedirectURL, p.RelayID, key)
		if err != nil {
			return err
		}
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, target, http.StatusFound)
		return nil
	}
	if idp.SSOPostURL == "" {
		return refuse(saml.MetadataInvalid, "no sign-on address")
	}
	message, err := signEnveloped(h.authnRequest(idp.SSOPostURL, p), key)
	if err != nil {
		return err
	}
	return autopost.Write(w, idp.SSOPostURL,
		autopost.Field{Name: "SAMLRequest", Value: base64.StdEncoding.EncodeToString(message)},
		autopost.Field{Name: "RelayState", Value: p.RelayID})
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

func writeElement(e *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.SetRoot(e)
	return doc.WriteToBytes()
}

// redirectURL carries the request in the query with the detached signature over its octets in the prescribed order (Bindings 3.4.4.1).
func redirectURL(cfg Config, req *crewjam.AuthnRequest, location, relay string, key SigningKey) (string, error) {
	message, err := writeElement(req.Element())
	if err != nil {
		return "", fmt.Errorf("sp: write request: %w", err)
	}
	var deflated bytes.Buffer
	fw, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err == nil {
		_, err = fw.Write(message)
	}
	if err == nil {
		err = fw.Close()
	}
	if err != nil {
		return "", fmt.Errorf("sp: deflate request: %w", err)
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes())) +
		"&RelayState=" + url.QueryEscape(relay) + "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
	sum := sha256.Sum256([]byte(query))
	signature, err := key.Signer.Sign(cfg.Rand, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sp: sign request: %w", err)
	}
	sep := "?"
	if strings.Contains(location, "?") {
		sep = "&"
	}
	return location + sep + query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), nil
}

// signEnveloped signs the request inside itself, for the POST binding. The signature stands right behind the Issuer, as the schema
// wants it.
func signEnveloped(req *crewjam.AuthnRequest, key SigningKey) ([]byte, error) {
	ctx, err := dsig.NewSigningContext(key.Signer, [][]byte{key.Cert.Raw})
	if err != nil {
		return nil, fmt.Errorf("sp: signing context: %w", err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := ctx.ConstructSignature(req.Element(), true)
	if err != nil {
		return nil, fmt.Errorf("sp: sign request: %w", err)
	}
	req.Signature = signature
	message, err := writeElement(req.Element())
	if err != nil || len(message) == 0 {
		return nil, errors.Join(errors.New("sp: write request"), err)
	}
	return message, nil
}
