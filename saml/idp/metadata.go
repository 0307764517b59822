package idp

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/wire"
)

const (
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsDSig      = "http://www.w3.org/2000/09/xmldsig#"

	formatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	formatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

	// Service providers are asked to look again every hour, which bounds how long a key must be announced before it signs, and not
	// to trust a copy older than a week.
	metadataCacheDuration = "PT1H"
	metadataValidFor      = 7 * 24 * time.Hour
	// metadataName is what the file is called where it is uploaded (domain 2.1).
	metadataName = "IDP Metadata.xml"
)

// metadata serves a platform's description. A disabled one's is served too: it is read while things are being set up.
func (h *Handler) metadata(w http.ResponseWriter, r *http.Request, v *visit) error {
	p, err := h.platform(r, v)
	if err != nil {
		return err
	}
	about, err := h.cfg.Platforms.About(r.Context(), p.PlatformID)
	if err != nil {
		return fmt.Errorf("idp: what a platform says for people: %w", err)
	}
	doc, err := Metadata(h.cfg.BaseURL, p, Words{ErrorURL: h.cfg.ErrorURL, Scope: h.cfg.Scope, About: about}, h.cfg.Now())
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/samlmetadata+xml; charset=utf-8")
	header.Set("Cache-Control", "public, max-age=3600")
	header.Set("X-Content-Type-Options", "nosniff")
	if r.URL.Query().Get("download") == "1" {
		header.Set("Content-Disposition", `attachment; filename="`+metadataName+`"`)
	}
	_, err = w.Write(doc)
	return err
}

// Words are what metadata says besides keys and addresses of its own. Each may be left out.
type Words struct {
	saml.About

	ErrorURL string // https
	Scope    string // of the scoped identifiers that are sent, published as a shibmd:Scope (SDP-IDP13)
}

// Metadata writes a platform's metadata as identity provider: only what is served (SDP-MD04). The error is a *saml.Refusal when there is
// no active RSA key.
func Metadata(baseURL string, p Platform, words Words, now time.Time) ([]byte, error) {
	if _, err := saml.ActiveRSA(p.Keys); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	entity := doc.CreateElement("md:EntityDescriptor")
	entity.CreateAttr("xmlns:md", nsMetadata)
	entity.CreateAttr("xmlns:ds", nsDSig)
	entity.CreateAttr("entityID", EntityID(baseURL, p.PlatformID))
	entity.CreateAttr("validUntil", now.UTC().Add(metadataValidFor).Format("2006-01-02T15:04:05Z"))
	entity.CreateAttr("cacheDuration", metadataCacheDuration)

	role := entity.CreateElement("md:IDPSSODescriptor")
	role.CreateAttr("protocolSupportEnumeration", nsProtocol)
	role.CreateAttr("WantAuthnRequestsSigned", "true")
	if words.ErrorURL != "" {
		role.CreateAttr("errorURL", words.ErrorURL)
	}
	words.DescribeRole(role, words.Scope)
	describeKeys(role, p.Keys)
	for _, b := range []wire.Binding{wire.Redirect, wire.Post} {
		endpoint(role, "md:SingleLogoutService", b, SLOURL(baseURL, p.PlatformID))
	}
	for _, f := range []string{formatPersistent, formatTransient} {
		role.CreateElement("md:NameIDFormat").SetText(f)
	}
	for _, b := range []wire.Binding{wire.Redirect, wire.Post} {
		endpoint(role, "md:SingleSignOnService", b, SSOURL(baseURL, p.PlatformID))
	}
	words.DescribeContacts(entity)
	doc.Indent(2)
	out, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("idp: write metadata: %w", err)
	}
	return out, nil
}

func endpoint(role *etree.Element, name string, b wire.Binding, location string) {
	e := role.CreateElement(name)
	e.CreateAttr("Binding", string(b))
	e.CreateAttr("Location", location)
}

// describeKeys publishes the signing keys, RSA before ECDSA because some readers take only the first, active before next.
func describeKeys(role *etree.Element, keys []saml.SigningKey) {
	for _, wantRSA := range []bool{true, false} {
		for _, state := range []saml.KeyState{saml.KeyActive, saml.KeyNext} {
			for _, k := range keys {
				if k.State != state || k.Cert == nil || k.Signer == nil || k.IsRSA() != wantRSA {
					continue
				}
				kd := role.CreateElement("md:KeyDescriptor")
				kd.CreateAttr("use", "signing")
				kd.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
					SetText(base64.StdEncoding.EncodeToString(k.Cert.Raw))
			}
		}
	}
}
