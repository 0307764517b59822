package saml

import (
	"crypto/x509"
	"time"
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
	ValidUntil           time.Time // zero when the file names none
}
