package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// SigningKeyState says what a SAML key is for now.
type SigningKeyState string

// The life of a signing key: published, then used, then kept to read what peers with old metadata still encrypt to it.
const (
	KeyNext    SigningKeyState = "NEXT"
	KeyActive  SigningKeyState = "ACTIVE"
	KeyRetired SigningKeyState = "RETIRED"
)

// SigningKeyAlgorithm says what kind of key it is and how large.
type SigningKeyAlgorithm string

// The algorithms. RSA is what every peer verifies; ECDSA is for those that ask for it.
const (
	KeyRSA2048   SigningKeyAlgorithm = "RSA_2048"
	KeyRSA3072   SigningKeyAlgorithm = "RSA_3072"
	KeyECDSAP256 SigningKeyAlgorithm = "ECDSA_P256"
)

// Valid reports whether it is one of the algorithms.
func (a SigningKeyAlgorithm) Valid() bool {
	return a == KeyRSA2048 || a == KeyRSA3072 || a == KeyECDSAP256
}

// IsRSA reports whether it belongs to the RSA family. A platform has one active key of each family, and at most one next.
func (a SigningKeyAlgorithm) IsRSA() bool { return strings.HasPrefix(string(a), "RSA") }

// SigningKey is a key pair of one platform's SAML endpoints; the private half is sealed.
type SigningKey struct {
	bun.BaseModel `bun:"table:signing_keys,alias:sk"`

	ID          ID                  `bun:"id,pk"`
	PlatformID  string              `bun:"platform_id"`
	State       SigningKeyState     `bun:"state"`
	Algorithm   SigningKeyAlgorithm `bun:"algorithm"`
	Certificate []byte              `bun:"certificate"` // DER
	KeySealed   []byte              `bun:"key_sealed"`  // PKCS #8, sealed; empty when it was removed
	CreatedAt   time.Time           `bun:"created_at"`
	PublishedAt *time.Time          `bun:"published_at"` // when it came into the metadata
	RemovedAt   *time.Time          `bun:"removed_at"`   // when its private half was destroyed
	ExpiresAt   time.Time           `bun:"expires_at"`
	// ExpiresSoon says that it is in use and that rotating it is due. The room sets it.
	ExpiresSoon bool `bun:"-"`
}

// NodeID returns the id of the key.
func (k SigningKey) NodeID() ID { return k.ID }

// Fingerprint returns the SHA-256 of the certificate in lower-case hexadecimal.
func (k SigningKey) Fingerprint() string {
	sum := sha256.Sum256(k.Certificate)
	return hex.EncodeToString(sum[:])
}

// CertificatePEM returns the certificate as people hand it on.
func (k SigningKey) CertificatePEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate}))
}
