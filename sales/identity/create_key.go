package identity

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// Shape of a secret: the prefix lets scanners for leaked secrets recognise it, 43 characters of base 62 hold 256 bits.
const (
	secretPrefix  = "pgk_"
	secretLength  = 43
	shownLength   = len(secretPrefix) + 6 // what APIKey.Prefix keeps
	minimalSecret = 32                    // characters after the prefix that Authenticate looks at at all
	base62        = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// CreateKey makes an API key. Operators may name a partner or a customer; others make keys of their own organisation.
type CreateKey struct {
	Name       string // 1 to 64 characters, for people
	PartnerID  *models.ID
	CustomerID *models.ID
	Scopes     []models.Permission // nil = all that the owner's kind may have and the caller has
	ExpiresAt  *time.Time          // in the future; nil = never
}

// CreatedKey is a new key and its secret, which is shown this once: only its digest is kept.
type CreatedKey struct {
	APIKey models.APIKey
	Secret string
}

// CreateKey creates the key. Errors: UNAUTHENTICATED, FORBIDDEN without KEYS_MANAGE, for another organisation or for scopes that the
// caller does not have, NOT_FOUND for an unknown owner, INVALID.
func (s *Service) CreateKey(ctx context.Context, who models.Principal, cmd CreateKey) (CreatedKey, error) {
	if err := access.Require(who, models.ManageKeys); err != nil {
		return CreatedKey{}, err
	}
	var created CreatedKey
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		created, err = s.createKeyIn(ctx, tx, who, cmd)
		return err
	})
	return created, err
}

func (s *Service) createKeyIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd CreateKey) (CreatedKey, error) {
	now := s.now()
	name := strings.TrimSpace(cmd.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 64 || strings.ContainsFunc(name, unicode.IsControl) {
		return CreatedKey{}, models.Invalid("name", "A key's name has 1 to 64 characters.")
	}
	if cmd.ExpiresAt != nil && !cmd.ExpiresAt.After(now) {
		return CreatedKey{}, models.Invalid("expiresAt", "expiresAt must be in the future.")
	}
	owner, err := ownerOf(ctx, tx, who, cmd.PartnerID, cmd.CustomerID)
	if err != nil {
		return CreatedKey{}, err
	}
	key := models.APIKey{
		ID: s.IDs(models.PrefixAPIKey), Name: name, Kind: owner.kind(false), PartnerID: owner.partnerID, CustomerID: owner.customerID,
		CreatedAt: now,
	}
	if cmd.ExpiresAt != nil {
		expires := cmd.ExpiresAt.UTC().Truncate(time.Microsecond)
		key.ExpiresAt = &expires
	}
	possible := models.DefaultPermissions(key.Kind, owner.partnerKind)
	if key.Scopes, err = grant(who, possible, cmd.Scopes, "scopes"); err != nil {
		return CreatedKey{}, err
	}
	secret, err := s.newSecret()
	if err != nil {
		return CreatedKey{}, err
	}
	key.Hash, key.Prefix = digestOf(secret), secret[:shownLength]
	if err := insertKey(ctx, tx, &key); err != nil {
		return CreatedKey{}, err
	}
	return CreatedKey{APIKey: key, Secret: secret}, s.Events.Record(ctx, tx, who, keyEvent(models.EventAPIKeyCreated, key))
}

func keyEvent(kind models.EventType, key models.APIKey) models.Event {
	return models.Event{
		Type: kind, SubjectID: string(key.ID), PartnerID: key.PartnerID, CustomerID: key.CustomerID,
		Data: map[string]any{"kind": key.Kind, "scopes": key.Scopes},
	}
}

// newSecret draws every character evenly: bytes beyond the largest multiple of 62 are drawn again.
func (s *Service) newSecret() (string, error) {
	secret := []byte(secretPrefix)
	draw := make([]byte, 1)
	for len(secret) < len(secretPrefix)+secretLength {
		if _, err := io.ReadFull(s.Random, draw); err != nil {
			return "", fmt.Errorf("identity: randomness: %w", err)
		}
		if draw[0] < 248 {
			secret = append(secret, base62[draw[0]%62])
		}
	}
	return string(secret), nil
}

// digestOf is enough for a secret of 256 random bits; a slow hash would only slow every call down.
func digestOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
