package federation

import (
	"context"
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

// keyBits is the size of the RSA modulus.
const keyBits = 2048

// Key is a signing key with its private half open.
type Key struct {
	ID          models.ID
	State       models.SigningKeyState
	Certificate *x509.Certificate
	Private     *rsa.PrivateKey
	ExpiresAt   time.Time
}

// EnsureKey returns the platform's active key and makes it when there is none: RSA-2048 with a self-signed certificate
// for three years. Of several calls at once one makes the key and all return it.
func (s *Service) EnsureKey(ctx context.Context, platformID string) (Key, error) {
	if err := models.CheckPlatformID(platformID, "platformId"); err != nil {
		return Key{}, err
	}
	row, found, err := selectActiveKey(ctx, s.DB, platformID)
	if err != nil {
		return Key{}, err
	}
	if !found {
		if row, err = s.makeKey(ctx, platformID); err != nil {
			return Key{}, err
		}
	}
	return s.keyOf(row)
}

// Keys returns the platform's keys: the active one, then the next, then retired ones that have not expired.
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

// makeKey generates outside the transaction, which takes time, and keeps the key of whoever inserts first.
func (s *Service) makeKey(ctx context.Context, platformID string) (models.SigningKey, error) {
	fresh, err := s.generate(platformID)
	if err != nil {
		return models.SigningKey{}, err
	}
	row := fresh
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		inserted, err := insertActiveKey(ctx, tx, &fresh)
		if err != nil {
			return err
		}
		if !inserted {
			var found bool
			row, found, err = selectActiveKey(ctx, tx, platformID)
			if err == nil && !found {
				err = fmt.Errorf("federation: platform %s lost its active key meanwhile", platformID)
			}
			return err
		}
		return s.Events.Record(ctx, tx, models.SystemPrincipal("signing-keys"), models.Event{
			Type: models.EventSigningKeyCreated, SubjectID: string(fresh.ID), Data: map[string]any{"platformId": platformID},
		})
	})
	return row, err
}

func (s *Service) generate(platformID string) (models.SigningKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits) // crypto/rsa takes no other source any more
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
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(keyLife), SignatureAlgorithm: x509.SHA256WithRSA,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true,
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
		ID: id, PlatformID: platformID, State: models.KeyActive, Certificate: certificate,
		KeySealed: s.Seal.Seal(pkcs8, keyContext(id)), CreatedAt: now, ExpiresAt: now.Add(keyLife),
	}, nil
}

func (s *Service) openKey(row models.SigningKey) (Key, error) {
	pkcs8, err := s.Seal.Open(row.KeySealed, keyContext(row.ID))
	if err != nil {
		return Key{}, fmt.Errorf("federation: signing key %s does not open: %w", row.ID, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	private, isRSA := parsed.(*rsa.PrivateKey)
	if err != nil || !isRSA {
		return Key{}, fmt.Errorf("federation: signing key %s is not an RSA key", row.ID)
	}
	certificate, err := x509.ParseCertificate(row.Certificate)
	if err != nil {
		return Key{}, fmt.Errorf("federation: the certificate of %s is malformed: %w", row.ID, err)
	}
	return Key{ID: row.ID, State: row.State, Certificate: certificate, Private: private, ExpiresAt: row.ExpiresAt}, nil
}

func keyContext(id models.ID) string { return "signing_keys.key:" + string(id) }
