package sp

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
	nsMetadata = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsDSig     = "http://www.w3.org/2000/09/xmldsig#"
	nsProtocol = "urn:oasis:names:tc:SAML:2.0:protocol"

	// Partners are asked to look again every hour, which bounds how long a key must be announced before it signs, and not to
	// trust a copy older than a week.
	metadataCacheDuration = "PT1H"
	metadataValidFor      = 7 * 24 * time.Hour
)

// metadata serves our description towards one platform, signed unless the query says unsigned=true (2.1). A disabled one gets it too:
// it is read while a connection is being set up.
func (h *Handler) metadata(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := h.connection(r.Context(), v, r.PathValue("platformID"))
	if err != nil {
		return err
	}
	write := SignedMetadata
	if r.URL.Query().Get("unsigned") == "true" {
		write = Metadata
	}
	doc, err := write(h.cfg.BaseURL, c, h.cfg.About, h.cfg.Now())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = w.Write(doc)
	return err
}

// Metadata writes our metadata for one platform, unsigned: it advertises only what is served (SDP-MD04), so one consumer with the POST
// binding, logout by redirect and POST, no artifacts. about is what it says for people. The error is a *saml.Refusal when there is no active key.
func Metadata(baseURL string, c Connection, about saml.About, now time.Time) ([]byte, error) {
	doc, _, err := describe(baseURL, c, about, now)
	if err != nil {
		return nil, err
	}
	return writeMetadata(doc)
}

// SignedMetadata is Metadata with an enveloped signature of the active key, SHA-256 throughout. Its certificate is in the same
// document, so that the signature only helps those who know the key already.
func SignedMetadata(baseURL string, c Connection, about saml.About, now time.Time) ([]byte, error) {
	doc, key, err := describe(baseURL, c, about, now)
	if err != nil {
		return nil, err
	}
	signed, err := wire.Sign(doc.Root(), key)
	if err != nil {
		return nil, err
	}
	doc.SetRoot(signed)
	return writeMetadata(doc)
}

func writeMetadata(doc *etree.Document) ([]byte, error) {
	out, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("sp: write metadata: %w", err)
	}
	return out, nil
}

func describe(baseURL string, c Connection, about saml.About, now time.Time) (*etree.Document, saml.SigningKey, error) {
	key, err := saml.ActiveRSA(c.Keys)
	if err != nil {
		return nil, key, err
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	entity := doc.CreateElement("md:EntityDescriptor")
	entity.CreateAttr("xmlns:md", nsMetadata)
	entity.CreateAttr("xmlns:ds", nsDSig)
	entity.CreateAttr("ID", "_"+c.PlatformID)
	entity.CreateAttr("entityID", EntityID(baseURL, c.PlatformID))
	entity.CreateAttr("validUntil", now.UTC().Add(metadataValidFor).Format("2006-01-02T15:04:05Z"))
	entity.CreateAttr("cacheDuration", metadataCacheDuration)

	saml.DescribeRequirement(entity, requirement(c.Attributes))
	role := entity.CreateElement("md:SPSSODescriptor")
	role.CreateAttr("protocolSupportEnumeration", nsProtocol)
	role.CreateAttr("AuthnRequestsSigned", "true")
	role.CreateAttr("WantAssertionsSigned", "true")
	about.DescribeRole(role, "")
	describeKeys(role, c)
	for _, binding := range []wire.Binding{wire.Redirect, wire.Post} {
		slo := role.CreateElement("md:SingleLogoutService")
		slo.CreateAttr("Binding", string(binding))
		slo.CreateAttr("Location", SLOURL(baseURL, c.PlatformID))
	}
	role.CreateElement("md:NameIDFormat").SetText("urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
	acs := role.CreateElement("md:AssertionConsumerService")
	acs.CreateAttr("Binding", string(wire.Post))
	acs.CreateAttr("Location", ACSURL(baseURL, c.PlatformID))
	acs.CreateAttr("index", "0")
	acs.CreateAttr("isDefault", "true")
	about.DescribeContacts(entity)
	doc.Indent(2)
	return doc, key, nil
}

// requirement says which scoped identifier the platform is to send, when exactly one of them fills a field.
func requirement(m Mapping) string {
	switch [2]bool{m.XUserID == saml.SubjectID || m.XAccountID == saml.SubjectID, m.XUserID == saml.PairwiseID || m.XAccountID == saml.PairwiseID} {
	case [2]bool{true, false}:
		return saml.RequireSubjectID
	case [2]bool{false, true}:
		return saml.RequirePairwiseID
	}
	return ""
}

// describeKeys publishes the signing keys, active before next, and the active one for encryption: RSA keys only. An ECDSA key is for
// identity providers, and peers would try to encrypt to one (SDP-MD04).
func describeKeys(role *etree.Element, c Connection) {
	for _, state := range []saml.KeyState{saml.KeyActive, saml.KeyNext} {
		for _, k := range c.Keys {
			if k.State == state && k.Cert != nil && k.IsRSA() {
				describeKey(role, "signing", k.Cert.Raw)
			}
		}
	}
	key, err := saml.ActiveRSA(c.Keys)
	if err != nil {
		return
	}
	kd := describeKey(role, "encryption", key.Cert.Raw)
	methods := []string{"http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm"}
	if c.AllowCBC {
		methods = append(methods, "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "http://www.w3.org/2001/04/xmlenc#aes128-cbc")
	}
	for _, m := range append(methods, "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p") {
		kd.CreateElement("md:EncryptionMethod").CreateAttr("Algorithm", m)
	}
}

func describeKey(role *etree.Element, use string, der []byte) *etree.Element {
	kd := role.CreateElement("md:KeyDescriptor")
	kd.CreateAttr("use", use)
	kd.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
		SetText(base64.StdEncoding.EncodeToString(der))
	return kd
}
