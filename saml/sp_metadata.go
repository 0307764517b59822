package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"time"

	crewjam "github.com/crewjam/saml"
)

// ACS is an assertion consumer with the HTTP-POST binding.
type ACS struct {
	URL     string
	Index   int
	Default bool
}

// SPMetadata is what we keep from a service provider's metadata file.
type SPMetadata struct {
	EntityID string
	// Consumers has at least one entry; its default is the one marked so, else the first (Metadata 2.4.4).
	Consumers []ACS
	// Where a logout request goes, and its answer when that is another address (ResponseLocation); all may be empty.
	SLORedirectURL, SLORedirectResponseURL string
	SLOPostURL, SLOPostResponseURL         string
	// SigningCerts may be empty: then its requests cannot be verified, and AuthnRequestsSigned must be false.
	SigningCerts []*x509.Certificate
	// EncryptionCert is the first usable RSA key for encryption; nil when there is none.
	EncryptionCert *x509.Certificate
	// EncryptionMethods are the identifiers that the encryption key's descriptor names; empty when it names none.
	EncryptionMethods []string
	// AuthnRequestsSigned says that an unsigned request of it must be refused.
	AuthnRequestsSigned  bool
	WantAssertionsSigned bool
	NameIDFormats        []string
	// SubjectIDRequirement is which scoped identifier it needs (RequireSubjectID and so on); empty when it does not say.
	SubjectIDRequirement string
	// UI is what the file says for people.
	UI         UIInfo
	ValidUntil time.Time // zero when the file names none
}

// DefaultConsumer returns where answers go when a request names no consumer.
func (m SPMetadata) DefaultConsumer() (ACS, bool) {
	for _, c := range m.Consumers {
		if c.Default {
			return c, true
		}
	}
	if len(m.Consumers) == 0 {
		return ACS{}, false
	}
	return m.Consumers[0], true
}

// ConsumerByURL returns the consumer with exactly this address.
func (m SPMetadata) ConsumerByURL(address string) (ACS, bool) {
	for _, c := range m.Consumers {
		if c.URL == address {
			return c, true
		}
	}
	return ACS{}, false
}

// ConsumerByIndex returns the consumer with this index.
func (m SPMetadata) ConsumerByIndex(index int) (ACS, bool) {
	for _, c := range m.Consumers {
		if c.Index == index {
			return c, true
		}
	}
	return ACS{}, false
}

const (
	// maxConsumers bounds the addresses of one service provider; real ones have a handful.
	maxConsumers = 64
	// maxFormats and maxMethods bound lists that are kept and never grow in practice.
	maxFormats, maxMethods = 32, 32
)

// ParseSPMetadata reads a service provider's metadata file: UTF-8, at most 2 MiB, one EntityDescriptor with one SPSSODescriptor. The
// findings are for whoever registers it and may be non-empty on success; the error wraps ErrMetadata when any of them is fatal. The
// file's own signature is not verified: the registration by a signed-in person is what it is trusted for, and the vendor's is made
// over a SHA-1 digest (domain 2.1). Bindings and services that we do not speak are left out.
func ParseSPMetadata(data []byte, opts ...MetadataOption) (SPMetadata, []Finding, error) {
	r := &metadataReader{}
	for _, o := range opts {
		o(r)
	}
	var md SPMetadata
	if entity := r.read(data, roleSP); entity != nil {
		r.readServiceProvider(entity, &md)
	}
	if err := r.verdict(); err != nil {
		return SPMetadata{}, r.findings, err
	}
	return md, r.findings, nil
}

func (r *metadataReader) readServiceProvider(entity *crewjam.EntityDescriptor, md *SPMetadata) {
	md.EntityID, md.UI, md.SubjectIDRequirement = r.readEntityID(entity), r.ui, r.requirement
	if len(entity.SPSSODescriptors) != 1 {
		r.fatal("SP_DESCRIPTOR_COUNT", "The file must hold exactly one SPSSODescriptor.")
		return
	}
	role := entity.SPSSODescriptors[0]
	r.readProtocol(roleSP, role.ProtocolSupportEnumeration)
	md.ValidUntil = r.readValidity(entity, role.ValidUntil)
	md.AuthnRequestsSigned = role.AuthnRequestsSigned != nil && *role.AuthnRequestsSigned
	md.WantAssertionsSigned = role.WantAssertionsSigned != nil && *role.WantAssertionsSigned
	r.readConsumers(role.AssertionConsumerServices, md)
	r.readLogout(role.SingleLogoutServices, md)
	r.readFormats(role.NameIDFormats, md)
	md.SigningCerts = r.signingCerts(role.KeyDescriptors)
	if len(md.SigningCerts) == 0 && md.AuthnRequestsSigned {
		r.fatal("CERTIFICATE_MISSING", "The file says that requests are signed, but holds no usable certificate to verify them (RSA of 2048 bits or more, EC of 256 or more).")
	}
	r.readEncryption(role.KeyDescriptors, md)
}

func (r *metadataReader) readConsumers(all []crewjam.IndexedEndpoint, md *SPMetadata) {
	if len(all) > maxConsumers {
		r.fatal("CONSUMERS_TOO_MANY", "The file holds more than 64 AssertionConsumerServices.")
		return
	}
	// The default is the first that is marked so, else the first that is not marked otherwise, else the first (Metadata 2.2.3).
	marked, unmarked := -1, -1
	for _, e := range all {
		if e.Binding != crewjam.HTTPPostBinding {
			continue
		}
		if !r.usableURL(e.Location) {
			r.fatal("ENDPOINT_NOT_HTTPS", "Every AssertionConsumerService Location with the HTTP-POST binding must be an absolute https address.")
			continue
		}
		if _, twice := md.ConsumerByIndex(e.Index); twice || e.Index < 0 || e.Index > 65535 {
			r.note("CONSUMER_INDEX", "An AssertionConsumerService whose index is repeated or not of 0 to 65535 was left out.")
			continue
		}
		switch at := len(md.Consumers); {
		case e.IsDefault != nil && *e.IsDefault && marked < 0:
			marked = at
		case e.IsDefault == nil && unmarked < 0:
			unmarked = at
		}
		md.Consumers = append(md.Consumers, ACS{URL: e.Location, Index: e.Index})
	}
	if len(md.Consumers) == 0 {
		r.fatal("CONSUMER_MISSING", "The file names no usable AssertionConsumerService with the HTTP-POST binding.")
		return
	}
	if marked < 0 {
		marked = max(unmarked, 0)
	}
	md.Consumers[marked].Default = true
}

func (r *metadataReader) readLogout(all []crewjam.Endpoint, md *SPMetadata) {
	take := func(location, answers *string, e crewjam.Endpoint) {
		switch {
		case *location != "":
			r.note("ENDPOINT_REPEATED", "Only the first SingleLogoutService address of each binding is used.")
		case !r.usableURL(e.Location) || e.ResponseLocation != "" && !r.usableURL(e.ResponseLocation):
			r.note("ENDPOINT_NOT_HTTPS", "A SingleLogoutService Location that is not an absolute https address was left out.")
		default:
			*location, *answers = e.Location, e.ResponseLocation
		}
	}
	for _, e := range all {
		switch e.Binding {
		case crewjam.HTTPRedirectBinding:
			take(&md.SLORedirectURL, &md.SLORedirectResponseURL, e)
		case crewjam.HTTPPostBinding:
			take(&md.SLOPostURL, &md.SLOPostResponseURL, e)
		}
	}
}

func (r *metadataReader) readFormats(all []crewjam.NameIDFormat, md *SPMetadata) {
	for _, f := range all {
		if f := strings.TrimSpace(string(f)); f != "" && len(f) <= 256 && len(md.NameIDFormats) < maxFormats {
			md.NameIDFormats = append(md.NameIDFormats, f)
		}
	}
}

// readEncryption takes the first RSA key that may encrypt. An EC key is legal and of no use to us: nothing is encrypted then, which
// the finding says.
func (r *metadataReader) readEncryption(keys []crewjam.KeyDescriptor, md *SPMetadata) {
	for _, k := range keys {
		if k.Use != "encryption" && k.Use != "" {
			continue
		}
		for _, c := range k.KeyInfo.X509Data.X509Certificates {
			cert, err := parseCert(c.Data)
			if err != nil {
				break
			}
			if _, isRSA := cert.PublicKey.(*rsa.PublicKey); !isRSA || !StrongKey(cert.PublicKey) {
				break
			}
			md.EncryptionCert = cert
			for _, m := range k.EncryptionMethods {
				if m.Algorithm != "" && len(m.Algorithm) <= 256 && len(md.EncryptionMethods) < maxMethods {
					md.EncryptionMethods = append(md.EncryptionMethods, m.Algorithm)
				}
			}
			return
		}
		if k.Use == "encryption" {
			r.note("ENCRYPTION_KEY_UNUSABLE", "An encryption key was left out: it must be a certificate with an RSA key of 2048 bits or more.")
		}
	}
}
