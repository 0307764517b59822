package idp

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

// errRefused is the one word a stranger gets; the wrapped text is for whoever debugs the example.
var errRefused = errors.New("idp: request refused")

// readRequest returns a checked AuthnRequest of our service provider.
func (p *Provider) readRequest(w http.ResponseWriter, r *http.Request) (*crewjam.IdpAuthnRequest, error) {
	sp, role, certs, err := p.serviceProvider(r.Context())
	if err != nil {
		return nil, err
	}
	var message []byte
	var relay string
	if r.Method == http.MethodGet {
		message, relay, err = readRedirect(r.URL.RawQuery, certs)
	} else {
		message, relay, err = readPost(w, r, certs)
	}
	if err != nil {
		return nil, err
	}
	req := &crewjam.IdpAuthnRequest{
		IDP: p.idp, HTTPRequest: r, RequestBuffer: message, RelayState: relay, Now: p.cfg.Now(),
		ServiceProviderMetadata: sp, SPSSODescriptor: role,
	}
	if err := xml.Unmarshal(message, &req.Request); err != nil {
		return nil, fmt.Errorf("%w: not decoded", errRefused)
	}
	return req, p.check(req)
}

// serviceProvider reads the metadata. The encryption key is left out, because this example does not encrypt.
func (p *Provider) serviceProvider(ctx context.Context) (*crewjam.EntityDescriptor, *crewjam.SPSSODescriptor, []*x509.Certificate, error) {
	data, err := p.cfg.SPMetadata(ctx)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("idp: service provider's metadata: %w", err)
	}
	if err := xmlguard.Metadata(data); err != nil {
		return nil, nil, nil, err
	}
	entity := &crewjam.EntityDescriptor{}
	if err := xml.Unmarshal(data, entity); err != nil || len(entity.SPSSODescriptors) != 1 {
		return nil, nil, nil, errors.New("idp: unusable service provider metadata")
	}
	role := &entity.SPSSODescriptors[0]
	var certs []*x509.Certificate
	for _, k := range role.KeyDescriptors {
		if k.Use == "encryption" || len(k.KeyInfo.X509Data.X509Certificates) == 0 {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(k.KeyInfo.X509Data.X509Certificates[0].Data), ""))
		if err != nil {
			continue
		}
		if cert, err := x509.ParseCertificate(der); err == nil {
			certs = append(certs, cert)
		}
	}
	role.KeyDescriptors = nil
	return entity, role, certs, nil
}

// readRedirect verifies the detached signature over the query's octets as they came (Bindings 3.4.4.1) and inflates the message.
func readRedirect(rawQuery string, certs []*x509.Certificate) (message []byte, relay string, err error) {
	raw := map[string]string{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if _, twice := raw[name]; twice {
			return nil, "", fmt.Errorf("%w: parameter repeated", errRefused)
		}
		raw[name] = value
	}
	plain := map[string]string{}
	for name, value := range raw {
		if plain[name], err = url.QueryUnescape(value); err != nil {
			return nil, "", fmt.Errorf("%w: query", errRefused)
		}
	}
	signed := "SAMLRequest=" + raw["SAMLRequest"]
	if rs, ok := raw["RelayState"]; ok {
		signed += "&RelayState=" + rs
	}
	signed += "&SigAlg=" + raw["SigAlg"]
	signature, err := base64.StdEncoding.DecodeString(plain["Signature"])
	if err != nil || plain["SigAlg"] != dsig.RSASHA256SignatureMethod || !verifies(signed, signature, certs) {
		return nil, "", fmt.Errorf("%w: signature", errRefused)
	}
	deflated, err := base64.StdEncoding.DecodeString(plain["SAMLRequest"])
	if err != nil {
		return nil, "", fmt.Errorf("%w: base64", errRefused)
	}
	message, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxMessage+1))
	if err != nil || xmlguard.Request(message) != nil {
		return nil, "", fmt.Errorf("%w: message", errRefused)
	}
	return message, plain["RelayState"], nil
}

func verifies(text string, signature []byte, certs []*x509.Certificate) bool {
	sum := sha256.Sum256([]byte(text))
	return slices.ContainsFunc(certs, func(c *x509.Certificate) bool {
		pub, ok := c.PublicKey.(*rsa.PublicKey)
		return ok && rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], signature) == nil
	})
}

// readPost verifies the signature inside the message and returns only what it covers.
func readPost(w http.ResponseWriter, r *http.Request, certs []*x509.Certificate) (message []byte, relay string, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, 2*maxMessage)
	if err := r.ParseForm(); err != nil {
		return nil, "", fmt.Errorf("%w: form", errRefused)
	}
	message, err = base64.StdEncoding.DecodeString(r.PostForm.Get("SAMLRequest"))
	if err != nil || xmlguard.Request(message) != nil {
		return nil, "", fmt.Errorf("%w: message", errRefused)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(message); err != nil {
		return nil, "", fmt.Errorf("%w: message", errRefused)
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: certs})
	verified, err := ctx.Validate(doc.Root())
	if err != nil {
		return nil, "", fmt.Errorf("%w: signature", errRefused)
	}
	out := etree.NewDocument()
	out.SetRoot(verified)
	message, err = out.WriteToBytes()
	return message, r.PostForm.Get("RelayState"), err
}

// check holds a signed request to our service provider and finds its consumer.
func (p *Provider) check(req *crewjam.IdpAuthnRequest) error {
	q, now := req.Request, req.Now
	switch {
	case q.ID == "" || q.Version != "2.0":
		return fmt.Errorf("%w: ID or version", errRefused)
	case q.Issuer == nil || q.Issuer.Value != req.ServiceProviderMetadata.EntityID:
		return fmt.Errorf("%w: issuer", errRefused)
	case q.Destination != p.cfg.SSOURL:
		return fmt.Errorf("%w: destination", errRefused)
	case q.IssueInstant.After(now.Add(clockSkew)) || q.IssueInstant.Before(now.Add(-pendingFor-clockSkew)):
		return fmt.Errorf("%w: issue instant", errRefused)
	}
	for i := range req.SPSSODescriptor.AssertionConsumerServices {
		acs := &req.SPSSODescriptor.AssertionConsumerServices[i]
		if acs.Binding == crewjam.HTTPPostBinding && acs.Location == q.AssertionConsumerServiceURL {
			req.ACSEndpoint = acs
			return nil
		}
	}
	return fmt.Errorf("%w: unknown consumer address", errRefused)
}

func round(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
