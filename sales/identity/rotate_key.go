package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// How long a rotated key goes on working, in minutes.
const (
	DefaultKeepMinutes = 24 * 60     // when the caller does not say
	MaxKeepMinutes     = 7 * 24 * 60 // at most
)

// ErrKeyEnded refuses to rotate a key that does not work any more: its successor would let somebody back in.
var ErrKeyEnded = models.Precondition("API_KEY_ENDED", "This key has expired or was revoked; make a new one.")

// RotateKey says which key gets a successor.
type RotateKey struct {
	APIKeyID    models.ID
	KeepMinutes *int       // how long the old secret goes on working, 0 to MaxKeepMinutes; nil = DefaultKeepMinutes, 0 = it is revoked at once
	ExpiresAt   *time.Time // of the successor, in the future; nil = as long after now as the old key was made to last
}

// RotatedKey is a key's successor with its secret, which is shown this once, and the old key as it is now.
type RotatedKey struct {
	APIKey   models.APIKey
	Secret   string
	Previous models.APIKey
}

// RotateKey makes a key with another secret and the name, owner and scopes of an existing one, which then ends after a
// while, so that programs can change over without an outage. Errors: UNAUTHENTICATED, FORBIDDEN without KEYS_MANAGE or
// for scopes that the caller does not have, NOT_FOUND for a key that is unknown or another organisation's, INVALID,
// PRECONDITION_FAILED with the reason API_KEY_ENDED.
func (s *Service) RotateKey(ctx context.Context, who models.Principal, cmd RotateKey) (RotatedKey, error) {
	if err := access.Require(who, models.ManageKeys); err != nil {
		return RotatedKey{}, err
	}
	if err := cmd.APIKeyID.Require(models.PrefixAPIKey, "apiKeyId"); err != nil {
		return RotatedKey{}, err
	}
	keep := DefaultKeepMinutes
	if cmd.KeepMinutes != nil {
		keep = *cmd.KeepMinutes
	}
	if keep < 0 || keep > MaxKeepMinutes {
		return RotatedKey{}, models.Invalid("keepMinutes", fmt.Sprintf("The old key is kept for 0 to %d minutes.", MaxKeepMinutes))
	}
	var rotated RotatedKey
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		old, found, err := lockKey(ctx, tx, who, cmd.APIKeyID)
		if err != nil {
			return err
		}
		if !found {
			return models.NotFound("API key")
		}
		rotated, err = s.rotateIn(ctx, tx, who, old, keep, cmd.ExpiresAt)
		return err
	})
	if err == nil {
		s.forget(ctx, rotated.Previous)
	}
	return rotated, err
}

func (s *Service) rotateIn(ctx context.Context, tx bun.IDB, who models.Principal, old models.APIKey, keep int, expires *time.Time) (RotatedKey, error) {
	now := s.now()
	if !old.UsableAt(now) {
		return RotatedKey{}, ErrKeyEnded
	}
	if expires == nil && old.ExpiresAt != nil {
		lasts := now.Add(old.ExpiresAt.Sub(old.CreatedAt))
		expires = &lasts
	}
	successor := CreateKey{Name: old.Name, Scopes: old.Scopes, ExpiresAt: expires}
	if who.SeesAll() && !old.PartnerID.IsZero() {
		successor.PartnerID = &old.PartnerID
	}
	if who.SeesAll() && !old.CustomerID.IsZero() {
		successor.CustomerID = &old.CustomerID
	}
	created, err := s.createKeyIn(ctx, tx, who, successor)
	if err != nil {
		return RotatedKey{}, err
	}
	before := old
	if keep == 0 {
		old.RevokedAt = &now
	} else if end := now.Add(time.Duration(keep) * time.Minute); old.ExpiresAt == nil || end.Before(*old.ExpiresAt) {
		old.ExpiresAt = &end
	}
	if err := updateKeyEnd(ctx, tx, old); err != nil {
		return RotatedKey{}, err
	}
	happened := keyEvent(models.EventAPIKeyRotated, old)
	happened.Fields = []string{"expiresAt", "revokedAt"}
	happened.Changes = []models.FieldChange{
		models.Changed("expiresAt", instant(before.ExpiresAt), instant(old.ExpiresAt)), models.Changed("revokedAt", "", instant(old.RevokedAt)),
	}
	happened.Data["successorId"] = created.APIKey.ID
	return RotatedKey{APIKey: created.APIKey, Secret: created.Secret, Previous: old}, s.Events.Record(ctx, tx, who, happened)
}

// instant writes a moment out for the record, none as "".
func instant(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
