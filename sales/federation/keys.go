package federation

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// keyLife is how long a certificate is valid. Peers pin the key, so this only has to outlive rotations.
const keyLife = 3 * 365 * 24 * time.Hour

// Key is a signing key with its private half open. Private is an *rsa.PrivateKey or an *ecdsa.PrivateKey.
type Key struct {
	ID          models.ID
	State       models.SigningKeyState
	Algorithm   models.SigningKeyAlgorithm
	Certificate *x509.Certificate
	Private     crypto.Signer
	ExpiresAt   time.Time
}

// EnsureKey returns the platform's active RSA key and makes it when there is none: RSA-2048 with a self-signed certificate
// for three years. Of several calls at once one makes the key and all return it.
func (s *Service) EnsureKey(ctx context.Context, platformID string) (Key, error) {
	return s.ensure(ctx, platformID, models.KeyRSA2048)
}

// EnsureECKey is EnsureKey for the platform's active ECDSA key, on P-256, which it has only when some service provider wants it.
func (s *Service) EnsureECKey(ctx context.Context, platformID string) (Key, error) {
	return s.ensure(ctx, platformID, models.KeyECDSAP256)
}

func (s *Service) ensure(ctx context.Context, platformID string, algorithm models.SigningKeyAlgorithm) (Key, error) {
	if err := models.CheckPlatformID(platformID, "platformId"); err != nil {
		return Key{}, err
	}
	row, found, err := selectKeyIn(ctx, s.DB, platformID, models.KeyActive, algorithm)
	if err != nil {
		return Key{}, err
	}
	if !found {
		if row, err = s.makeActive(ctx, platformID, algorithm); err != nil {
			return Key{}, err
		}
	}
	return s.keyOf(row)
}

// Keys returns the platform's keys: the active ones, then the next, then retired ones that have not expired, RSA first.
func (s *Service) Keys(ctx context.Context, platformID string) ([]Key, error) {
	rows, err := selectKeys(ctx, s.DB, platformID, s.now())
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(rows))
	for i, row := range rows {
		if keys[i], err = s.keyOf(row); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// Connection is a platform as it takes people in: what of its settings decides on that, and its keys as Keys returns them.
type Connection struct {
	PartnerID   models.ID // the owner
	State       models.ExposureState
	IDPMetadata string // XML
	AllowCBC    bool
	Attributes  models.AttributeMapping
	// AuthnContexts are the authentication context classes that are asked for; SubjectScopes those of subject-id and pairwise-id.
	AuthnContexts []string
	SubjectScopes []string
	Keys          []Key
	// Version changes with whatever else is here, and with every key; see ParkAt. Empty when this database tells no versions.
	Version string
}

// KeptUntil is how long the connection holds by itself: until then the earliest of its retired keys expires. Zero = for good.
func (c Connection) KeptUntil() time.Time {
	var until time.Time
	for _, key := range c.Keys {
		if key.State == models.KeyRetired && (until.IsZero() || key.ExpiresAt.Before(until)) {
			until = key.ExpiresAt
		}
	}
	return until
}

// Connection reads a platform's settings and keys with one statement; found is false when there is no such platform, or when it has no
// active RSA key yet.
func (s *Service) Connection(ctx context.Context, platformID string) (connection Connection, found bool, err error) {
	rows, err := selectConnection(ctx, s.DB, platformID, s.now())
	if err != nil {
		return Connection{}, false, err
	}
	for _, row := range rows {
		key, err := s.keyOf(row.SigningKey)
		if err != nil {
			return Connection{}, false, err
		}
		connection.Keys = append(connection.Keys, key)
		if row.ConfigurationID != "" {
			found = true
			connection.PartnerID, connection.State, connection.IDPMetadata = row.PartnerID, row.Exposure, row.IDPMetadata
			connection.AllowCBC, connection.Attributes, connection.Version = row.AllowCBC, row.AttributeMapping, row.Version
			connection.AuthnContexts, connection.SubjectScopes = row.AuthnContexts, row.SubjectScopes
		}
	}
	return connection, found, nil
}

// makeActive generates outside the transaction, which takes time, and keeps the key of whoever inserts first.
func (s *Service) makeActive(ctx context.Context, platformID string, algorithm models.SigningKeyAlgorithm) (models.SigningKey, error) {
	fresh, err := s.generate(platformID, models.KeyActive, algorithm)
	if err != nil {
		return models.SigningKey{}, err
	}
	row := fresh
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		inserted, err := insertKey(ctx, tx, &fresh)
		if err != nil {
			return err
		}
		if !inserted {
			var found bool
			row, found, err = selectKeyIn(ctx, tx, platformID, models.KeyActive, algorithm)
			if err == nil && !found {
				err = fmt.Errorf("federation: platform %s lost its active key meanwhile", platformID)
			}
			return err
		}
		return s.recordKey(ctx, tx, models.SystemPrincipal("signing-keys"), models.EventSigningKeyCreated, fresh, "", "")
	})
	return row, err
}

// recordKey names the key, never a half of it. before is the state that it had.
func (s *Service) recordKey(ctx context.Context, tx bun.Tx, who models.Principal, event models.EventType, key models.SigningKey, partner models.ID, before models.SigningKeyState) error {
	told := models.Event{
		Type: event, SubjectID: string(key.ID), PartnerID: partner,
		Data: map[string]any{"platformId": key.PlatformID, "state": key.State, "algorithm": key.Algorithm},
	}
	if before != key.State { // what was retired before may lose its private half
		told.Fields, told.Changes = []string{"state"}, []models.FieldChange{models.Changed("state", before, key.State)}
	}
	return s.Events.Record(ctx, tx, who, told)
}

func (s *Service) generate(platformID string, state models.SigningKeyState, algorithm models.SigningKeyAlgorithm) (models.SigningKey, error) {
	private, err := generatePrivate(algorithm)
	if err != nil {
		return models.SigningKey{}, fmt.Errorf("federation: key: %w", err)
	}
	serial := make([]byte, 16)
	if _, err := io.ReadFull(s.Random, serial); err != nil {
		return models.SigningKey{}, fmt.Errorf("federation: randomness: %w", err)
	}
	serial[0] &= 0x7f // a serial number is positive and at most 20 octets
	now := s.now()
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: platformID},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(keyLife), SignatureAlgorithm: x509.ECDSAWithSHA256,
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if algorithm.IsRSA() {
		template.SignatureAlgorithm, template.KeyUsage = x509.SHA256WithRSA, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return models.SigningKey{}, fmt.Errorf("federation: certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return models.SigningKey{}, fmt.Errorf("federation: key: %w", err)
	}
	id := s.IDs(models.PrefixSigningKey)
	return models.SigningKey{
		ID: id, PlatformID: platformID, State: state, Algorithm: algorithm, Certificate: certificate,
		KeySealed: s.Seal.Seal(pkcs8, keyContext(id)), CreatedAt: now, PublishedAt: &now, ExpiresAt: now.Add(keyLife),
	}, nil
}

// generatePrivate draws from the operating system: package crypto takes no other source any more.
func generatePrivate(algorithm models.SigningKeyAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case models.KeyRSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case models.KeyRSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case models.KeyECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return nil, fmt.Errorf("there is no algorithm %s", algorithm)
}

func (s *Service) openKey(row models.SigningKey) (Key, error) {
	pkcs8, err := s.Seal.Open(row.KeySealed, keyContext(row.ID))
	if err != nil {
		return Key{}, fmt.Errorf("federation: signing key %s does not open: %w", row.ID, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return Key{}, fmt.Errorf("federation: signing key %s is malformed: %w", row.ID, err)
	}
	private, ok := parsed.(crypto.Signer)
	if _, isRSA := parsed.(*rsa.PrivateKey); !ok || isRSA != row.Algorithm.IsRSA() {
		return Key{}, fmt.Errorf("federation: signing key %s is no %s key", row.ID, row.Algorithm)
	}
	certificate, err := x509.ParseCertificate(row.Certificate)
	if err != nil {
		return Key{}, fmt.Errorf("federation: the certificate of %s is malformed: %w", row.ID, err)
	}
	return Key{ID: row.ID, State: row.State, Algorithm: row.Algorithm, Certificate: certificate, Private: private, ExpiresAt: row.ExpiresAt}, nil
}

func keyContext(id models.ID) string { return "signing_keys.key:" + string(id) }
