package saml

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

// IdPMetadata is what we keep from a partner's metadata file.
type IdPMetadata struct {
	EntityID string
	// SSORedirectURL and SSOPostURL are where a login is sent; at least one is set.
	SSORedirectURL, SSOPostURL string
	// SLORedirectURL and SLOPostURL are where a logout is sent; both may be empty.
	SLORedirectURL, SLOPostURL string
	// SLORedirectResponseURL and SLOPostResponseURL are where a logout is answered: the ResponseLocation, or the same address.
	SLORedirectResponseURL, SLOPostResponseURL string
	// ErrorURL is where its people find help when a sign-in fails (SDP-MD12); empty when the file names none that is https.
	ErrorURL string
	// SigningCerts holds at least one certificate with an RSA key of 2048 bits or an EC key of 256 bits and more. Their dates are
	// not looked at: in SAML metadata a certificate only carries a key.
	SigningCerts []*x509.Certificate
	// UI is what the file says for people.
	UI UIInfo
	// ValidUntil is zero when the file names none. It is judged when the file is uploaded, not at each login.
	ValidUntil time.Time
}

// Finding is one remark on an uploaded metadata file, worded for the person who uploaded it.
type Finding struct {
	Code    string // stable, upper case
	Message string
	Fatal   bool // the file cannot be used
}

// ErrMetadata is wrapped by the errors of ParseIdPMetadata and ParseSPMetadata; the findings say what is wrong.
var ErrMetadata = errors.New("saml: unusable metadata")

// MetadataOption changes how ParseIdPMetadata and ParseSPMetadata judge a file.
type MetadataOption func(*metadataReader)

// AllowLoopback accepts plain http addresses on loopback hosts. Only for development and the demo.
func AllowLoopback(dev bool) MetadataOption { return func(r *metadataReader) { r.dev = dev } }

// At judges validUntil at this instant; without it the file's validUntil is read and not judged.
func At(now time.Time) MetadataOption { return func(r *metadataReader) { r.now = now } }

// metadataClockSkew is how wrong the clocks may be when validUntil is judged (SDP-G01).
const metadataClockSkew = 3 * time.Minute

type metadataReader struct {
	dev         bool
	now         time.Time
	findings    []Finding
	ui          UIInfo
	requirement string // of a scoped identifier
}

func (r *metadataReader) fatal(code, message string) {
	r.findings = append(r.findings, Finding{code, message, true})
}

func (r *metadataReader) note(code, message string) {
	r.findings = append(r.findings, Finding{code, message, false})
}

// ParseIdPMetadata reads a partner's metadata file as uploaded (domain 2.1: UTF-8, at most 2 MiB, one EntityDescriptor with one
// IDPSSODescriptor). The findings are for the uploader and may be non-empty on success; the error wraps ErrMetadata when any of them
// is fatal. The file's own signature is not verified: the upload by a signed-in partner is what it is trusted for.
func ParseIdPMetadata(data []byte, opts ...MetadataOption) (IdPMetadata, []Finding, error) {
	r := &metadataReader{}
	for _, o := range opts {
		o(r)
	}
	var md IdPMetadata
	if entity := r.read(data, roleIdP); entity != nil {
		r.readEntity(entity, &md)
	}
	if err := r.verdict(); err != nil {
		return IdPMetadata{}, r.findings, err
	}
	return md, r.findings, nil
}

// verdict is the error of a file with a fatal finding.
func (r *metadataReader) verdict() error {
	for _, f := range r.findings {
		if f.Fatal {
			return fmt.Errorf("%w: %s", ErrMetadata, f.Code)
		}
	}
	return nil
}

// read guards and decodes the file; nil when it has found something fatal.
func (r *metadataReader) read(data []byte, role string) *crewjam.EntityDescriptor {
	if err := xmlguard.Metadata(data); err != nil {
		if ref := (*xmlguard.Refusal)(nil); errors.As(err, &ref) && ref.Kind == xmlguard.TooLarge {
			r.fatal("METADATA_TOO_LARGE", "The file is larger than 2 MiB or nested too deeply.")
		} else {
			r.fatal("METADATA_NOT_XML", "The file is not plain UTF-8 XML without a document type.")
		}
		return nil
	}
	entity, err := unmarshalEntity(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), role, func(root *etree.Element) {
		r.ui, r.requirement = r.readUI(root, role), r.readRequirement(root)
	})
	if errors.Is(err, errLocation) {
		r.fatal("ENDPOINT_NOT_HTTPS", "Every Location must be an absolute https address.")
		return nil
	}
	if err != nil {
		r.fatal("METADATA_NOT_ENTITY", "The file must hold exactly one EntityDescriptor of SAML 2.0 metadata.")
		return nil
	}
	return entity
}

func (r *metadataReader) readEntityID(entity *crewjam.EntityDescriptor) string {
	id := entity.EntityID
	if id == "" || len(id) > 1024 || strings.TrimSpace(id) != id {
		r.fatal("ENTITY_ID_INVALID", "The entityID must be present, at most 1024 characters, without blanks around it.")
	}
	return id
}

// readProtocol demands SAML 2.0 among the protocols of a role.
func (r *metadataReader) readProtocol(role, supported string) {
	if !strings.Contains(" "+supported+" ", " urn:oasis:names:tc:SAML:2.0:protocol ") {
		r.fatal("PROTOCOL_UNSUPPORTED", "The "+role+" must support urn:oasis:names:tc:SAML:2.0:protocol.")
	}
}

func (r *metadataReader) readEntity(entity *crewjam.EntityDescriptor, md *IdPMetadata) {
	md.EntityID, md.UI = r.readEntityID(entity), r.ui
	if len(entity.IDPSSODescriptors) != 1 {
		r.fatal("IDP_DESCRIPTOR_COUNT", "The file must hold exactly one IDPSSODescriptor.")
		return
	}
	idp := entity.IDPSSODescriptors[0]
	r.readProtocol(roleIdP, idp.ProtocolSupportEnumeration)
	md.ValidUntil = r.readValidity(entity, idp.ValidUntil)
	if md.ErrorURL = idp.ErrorURL; md.ErrorURL != "" && !r.usableURL(md.ErrorURL) {
		md.ErrorURL = ""
		r.note("ERROR_URL_NOT_HTTPS", "The errorURL is not an absolute https address and is not shown to anybody.")
	}
	r.readEndpoints(idp, md)
	r.readKeys(idp.KeyDescriptors, md)
}

// readValidity returns the earlier end of the file and its role.
func (r *metadataReader) readValidity(entity *crewjam.EntityDescriptor, role *time.Time) time.Time {
	until := entity.ValidUntil
	if role != nil && !role.IsZero() && (until.IsZero() || role.Before(until)) {
		until = *role
	}
	switch {
	case until.IsZero():
	case !r.now.IsZero() && r.now.Add(-metadataClockSkew).After(until):
		r.fatal("METADATA_EXPIRED", "The file's validUntil has passed.")
	default:
		r.note("METADATA_VALID_UNTIL", "The file's validUntil is only judged now; upload a new file when your keys change.")
	}
	return until
}

func (r *metadataReader) readEndpoints(idp crewjam.IDPSSODescriptor, md *IdPMetadata) {
	take := func(dst *string, e crewjam.Endpoint, what string, fatal bool) {
		switch {
		case *dst != "":
			r.note("ENDPOINT_REPEATED", "Only the first "+what+" address of each binding is used.")
		case !r.usableURL(e.Location) && fatal:
			r.fatal("ENDPOINT_NOT_HTTPS", "Every "+what+" Location must be an absolute https address.")
		case !r.usableURL(e.Location):
			r.note("ENDPOINT_NOT_HTTPS", "A "+what+" Location that is not an absolute https address was left out.")
		default:
			*dst = e.Location
		}
	}
	for _, e := range idp.SingleSignOnServices {
		switch e.Binding {
		case crewjam.HTTPRedirectBinding:
			take(&md.SSORedirectURL, e, "SingleSignOnService", true)
		case crewjam.HTTPPostBinding:
			take(&md.SSOPostURL, e, "SingleSignOnService", true)
		}
	}
	if md.SSORedirectURL == "" && md.SSOPostURL == "" {
		r.fatal("SSO_MISSING", "The file names no usable SingleSignOnService with the HTTP-Redirect or HTTP-POST binding.")
	}
	for _, e := range idp.SingleLogoutServices {
		switch e.Binding {
		case crewjam.HTTPRedirectBinding:
			take(&md.SLORedirectURL, e, "SingleLogoutService", false)
			r.answerAt(&md.SLORedirectResponseURL, md.SLORedirectURL, e)
		case crewjam.HTTPPostBinding:
			take(&md.SLOPostURL, e, "SingleLogoutService", false)
			r.answerAt(&md.SLOPostResponseURL, md.SLOPostURL, e)
		}
	}
}

// answerAt reads where a logout is answered, of the endpoint that was taken.
func (r *metadataReader) answerAt(dst *string, taken string, e crewjam.Endpoint) {
	switch {
	case *dst != "" || taken != e.Location:
	case e.ResponseLocation == "":
		*dst = taken
	case r.usableURL(e.ResponseLocation):
		*dst = e.ResponseLocation
	default:
		r.note("ENDPOINT_NOT_HTTPS", "A SingleLogoutService ResponseLocation that is not an absolute https address was left out.")
	}
}

func (r *metadataReader) readKeys(keys []crewjam.KeyDescriptor, md *IdPMetadata) {
	md.SigningCerts = r.signingCerts(keys)
	if len(md.SigningCerts) == 0 {
		r.fatal("CERTIFICATE_MISSING", "The file holds no usable signing certificate (RSA of 2048 bits or more, EC of 256 or more).")
	}
}

// maxSigningCerts bounds what every message has to be tried against.
const maxSigningCerts = 8

func (r *metadataReader) signingCerts(keys []crewjam.KeyDescriptor) []*x509.Certificate {
	var certs []*x509.Certificate
	for _, k := range keys {
		// A descriptor without use serves both purposes; leaving it out once switched a product's verification off.
		if k.Use != "signing" && k.Use != "" {
			continue
		}
		for _, c := range k.KeyInfo.X509Data.X509Certificates {
			cert, err := parseCert(c.Data)
			if err != nil {
				r.note("CERTIFICATE_UNREADABLE", "A signing certificate could not be read and was left out.")
				continue
			}
			if !StrongKey(cert.PublicKey) {
				r.note("CERTIFICATE_WEAK", "A signing certificate was left out: RSA needs 2048 bits, EC 256, other kinds are not used.")
				continue
			}
			certs = append(certs, cert)
			// The first certificate is the key; any further ones in the same descriptor are its chain.
			break
		}
	}
	if len(certs) > maxSigningCerts {
		r.fatal("CERTIFICATES_TOO_MANY", "The file holds more than 8 signing certificates.")
	}
	return certs
}

func parseCert(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// StrongKey reports whether a public key is one we accept signatures from: RSA of 2048 to 8192 bits, EC of 256 bits and more.
func StrongKey(pub any) bool {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize >= 256
	}
	return false
}

func (r *metadataReader) usableURL(s string) bool { return UsableURL(s, r.dev) }

// UsableURL reports whether a browser may be sent there: an absolute https address without user name or fragment; with dev also
// plain http on a loopback host (localhost, *.localhost, 127.0.0.0/8, ::1).
func UsableURL(s string, dev bool) bool {
	if s == "" || len(s) > 2048 || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' }) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return false
	}
	return u.Scheme == "https" || dev && u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
